"""What a ranker is, and ours."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

import numpy as np

from tasks.evaluate.measures import Floats
from tasks.records import Paper, Profile
from tasks.score import Model, fit, score
from tasks.score.meaning import Encodes


class Uses(Enum):
    """What of a profile a ranker looks at, and so for which numbers of likes it is asked."""

    WORDS = "words"  # asked once: likes change nothing
    LIKES = "likes"  # not asked without likes
    BOTH = "both"


class Ranker(Protocol):
    """A way to rank papers for profiles.

    `fit` is called with the newest papers from before a block of days, then `rank` with papers of
    that block; both see nothing later. `rank` gives papers x profiles, larger is better; where
    `calibrated` is true these are log-odds that the reader wants the paper.
    """

    name: str
    uses: Uses
    calibrated: bool

    def fit(self, papers_before: Sequence[Paper]) -> None: ...
    def rank(self, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats: ...


class Ours:
    """Paperround's own scorer, with everything a profile has, and with an encoder if one is given."""

    uses = Uses.BOTH
    calibrated = True

    def __init__(self, encoder: Encodes | None = None) -> None:
        self.name = "Paperround with encoder" if encoder else "Paperround"
        self._encoder = encoder
        self._model: Model = fit((), encoder)

    def fit(self, papers_before: Sequence[Paper]) -> None:
        """Learn from the papers before."""
        self._model = fit(papers_before, self._encoder)

    def rank(self, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats:
        """Raw scores, papers x profiles."""
        return np.asarray(score(self._model, papers, profiles, self._encoder).raw, dtype=np.float64)
