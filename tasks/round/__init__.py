"""One function for each step of a round: claim → do → save → what to wake. No broker in here."""
