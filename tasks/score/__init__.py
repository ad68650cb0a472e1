"""Entries x profiles to scores with reasons. Pure: what is not in the arguments has no part in it."""

from tasks.score.background import Background, background
from tasks.score.corpus import Model, fit
from tasks.score.kernel import best, matrix
from tasks.score.lens import Lens, lens
from tasks.score.lessons import Learned, learned
from tasks.score.linear import Curve, Scores, score, scored
from tasks.score.reading import Texts, read_papers, together
from tasks.score.reasons import Explainer, Form

__all__ = [
    "Background",
    "Curve",
    "Explainer",
    "Form",
    "Learned",
    "Lens",
    "Model",
    "Scores",
    "Texts",
    "background",
    "best",
    "fit",
    "learned",
    "lens",
    "matrix",
    "read_papers",
    "score",
    "scored",
    "together",
]
