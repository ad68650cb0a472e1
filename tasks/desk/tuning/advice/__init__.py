"""What is wrong with a profile and what is missing, each with its mend and its effect."""
