"""What is done for one reader at their asking: on the web, by mail, by the API, at the command line."""
