"""Scores → picks for one reader. Pure: everything it needs is handed in."""

from tasks.compose.alike import Alike
from tasks.compose.choosing import Choice, Known, choose, compose
from tasks.compose.drafting import Contest, Team
from tasks.compose.popular import popular
from tasks.compose.starting import diverse
from tasks.compose.volume import Day, expected, line, lines

__all__ = [
    "Alike",
    "Choice",
    "Contest",
    "Day",
    "Known",
    "Team",
    "choose",
    "compose",
    "diverse",
    "expected",
    "line",
    "lines",
    "popular",
]
