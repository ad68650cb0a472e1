"""Evidence from whole texts: a description, examples, dislikes.

A description is a direction among the vectors of texts, and so is the mean of the examples less the
ordinary paper (Rocchio, 1971). How far a paper goes that way is measured in the direction's own
unit: as far as only one ordinary paper in fifty goes. So 1 means the same for a narrow interest and
for a broad one. A dislike is a single paper: only the one most like counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tasks.records import Example
from tasks.score.vectors import Floats, Ints

RARE = 0.98  # the quantile of the reservoir that makes the unit: four papers in a day of 200
LEAST_UNIT = 0.05  # cosines below are noise, however narrow the interest …
MOST_UNIT = 0.12  # … and above is likeness, however many ordinary papers share it
USUAL_UNIT, BELIEF = 0.08, 50  # what the unit is believed to be before so many papers were seen
FAR, DISLIKE, MOST_DISLIKE = (
    0.08,
    8.0,
    4.0,
)  # a cosine that is no likeness; log-odds per cosine more


@dataclass(frozen=True, slots=True)
class Given:
    """Papers that profiles gave: `papers[i]` is of profile `owners[i]` and has row i of `vectors`.

    Owners ascend; `profiles` counts all profiles, those without papers too.
    """

    papers: tuple[Example, ...]
    owners: Ints
    vectors: sparse.csr_array
    profiles: int

    def nearest(self, vector: sparse.csr_array, profile: int) -> Example:
        """The profile's paper most like `vector`."""
        own = np.flatnonzero(self.owners == profile)
        return self.papers[int(own[np.argmax((self.vectors[own] @ vector.T).toarray())])]

    def penalties(self, vectors: sparse.csr_array) -> Floats:
        """Papers x profiles, in log-odds: what likeness to the nearest of these papers costs."""
        nearest = np.zeros((vectors.shape[0], self.profiles))
        if self.papers:
            starts = np.flatnonzero(np.diff(self.owners, prepend=-1))
            alike = (vectors @ self.vectors.T).toarray()
            nearest[:, self.owners[starts]] = np.maximum.reduceat(alike, starts, axis=1)
        return -(DISLIKE * (nearest - FAR)).clip(0, MOST_DISLIKE)


@dataclass(frozen=True, slots=True)
class Directions:
    """One direction a profile; a paper scores scale · (paper · row - lean · (paper · ordinary)).

    `rows` are profiles x columns, `lean` and `scale` one number a profile, `ordinary` one a column.
    """

    rows: sparse.csr_array
    lean: Floats
    scale: Floats
    ordinary: Floats

    def scores(self, vectors: sparse.csr_array) -> Floats:
        """Papers x profiles."""
        along = (vectors @ self.rows.T).toarray() - np.outer(vectors @ self.ordinary, self.lean)
        return np.asarray(along * self.scale)

    def parts(self, vector: sparse.csr_array, profile: int) -> tuple[Ints, Floats, float]:
        """Columns and what each adds to one paper's score, then what the ordinary takes away."""
        shared = vector.multiply(self.rows[[profile]]).tocoo()
        scale = float(self.scale[profile])
        away = -float(self.lean[profile]) * scale * float((vector @ self.ordinary)[0])
        return shared.coords[1], shared.data * scale, away

    def in_units(self, reservoir: sparse.csr_array, weight: Floats | float) -> Directions:
        """The same directions, scaled so that one unit scores `weight`."""
        scale = self.scale * weight / _units(self.scores(reservoir))
        return Directions(self.rows, self.lean, scale, self.ordinary)


def _units(scores: Floats) -> Floats:
    """The unit of every direction, from the reservoir's scores (papers x directions)."""
    papers = len(scores)
    seen = np.quantile(scores, RARE, axis=0) if papers else 0.0
    believed = (papers * seen + BELIEF * USUAL_UNIT) / (papers + BELIEF)
    return np.clip(believed, LEAST_UNIT, MOST_UNIT)


def towards_texts(vectors: sparse.csr_array, ordinary: Floats) -> Directions:
    """The directions of one text a profile."""
    profiles = vectors.shape[0]
    return Directions(vectors, np.zeros(profiles), np.ones(profiles), ordinary)


def towards_mean(given: Given, ordinary: Floats) -> Directions:
    """The directions, of length 1, from the ordinary paper to the mean of each profile's papers."""
    count = np.bincount(given.owners, minlength=given.profiles)
    shape = (given.profiles, len(given.papers))
    at = (given.owners, np.arange(len(given.papers)))
    means = sparse.csr_array((1 / count[given.owners], at), shape=shape) @ given.vectors
    square = np.asarray(means.multiply(means).sum(axis=1))
    lean = (square > 0).astype(float)
    length = np.sqrt((square - 2 * (means @ ordinary) + ordinary @ ordinary).clip(0)) * lean
    return Directions(means, lean, lean / np.where(length > 0, length, 1.0), ordinary)
