"""How good the scorer is, measured on judged readers beside other services' recipes. Pure."""

from tasks.evaluate.judged import Judged, Reader, folds
from tasks.evaluate.outcome import Outcome, outcomes
from tasks.evaluate.rankers import Ours, Ranker, Uses
from tasks.evaluate.rows import judge
from tasks.evaluate.stream import Plan, walk

__all__ = [
    "Judged",
    "Ours",
    "Outcome",
    "Plan",
    "Ranker",
    "Reader",
    "Uses",
    "folds",
    "judge",
    "outcomes",
    "walk",
]
