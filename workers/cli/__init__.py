"""The command line."""

from workers.cli.app import main

__all__ = ["main"]
