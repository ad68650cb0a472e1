"""Sharpening a profile with evidence: what an edit does, what is wrong, what is missing, and why."""
