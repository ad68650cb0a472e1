"""Backlog runs: old days run again by a plan, without mailing anyone twice."""
