"""Whether "about N a day" brings about N a day, told by replaying the stream day by day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from tasks.evaluate.measures import Floats

WITHIN = 0.25  # of what was asked for


@dataclass(frozen=True, slots=True)
class PastDay:
    """One earlier day as a threshold sees it: its date, and the profile's value for each paper."""

    day: date
    values: Floats


Threshold = Callable[[Sequence[PastDay], float, date, int], float]
"""`threshold(past, about, day, papers)`: the least value of a pick on `day`, which brings so many
`papers`, so that about `about` a day are picked; learned from the reader's own `past` days alone."""


@dataclass(frozen=True, slots=True)
class Volume:
    """Picks a day, one mean a reader over all days of the stream from the split on.

    `within` is the share of readers whose mean is at most a quarter off what was asked for.
    """

    about: float
    picks: tuple[float, ...]

    @property
    def within(self) -> float:
        """The share of readers who got about what they asked for."""
        off = np.abs(np.array(self.picks) / self.about - 1)
        return float(np.mean(off <= WITHIN + 1e-9))
