"""Entries x profiles to scores with reasons. Pure: what is not in the arguments has no part in it."""

from tasks.score.corpus import Model, fit
from tasks.score.linear import Scores, score

__all__ = ["Model", "Scores", "fit", "score"]
