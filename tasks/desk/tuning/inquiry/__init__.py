"""Why a paper came or did not, and the smallest edit that would have turned it."""
