"""What is done for an admin at their asking; each act leaves a row in the audit, in its own transaction."""
