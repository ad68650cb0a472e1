"""The web face: what stands where, a reader's way out, and, on this machine alone, the mails."""
