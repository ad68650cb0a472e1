"""The web face: what stands where, and, on this machine alone, the mails. It only ever shows."""
