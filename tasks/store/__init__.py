"""Every query. Functions take a session and speak records; rows never leave this room."""
