"""The latent space: where words that keep company lie together (LSA; Deerwester et al., 1990).

A truncated singular value decomposition of the papers' TF-IDF vectors, by random projection (Halko,
Martinsson & Tropp, 2011). A text's place is its vector along the `DIMENSIONS` strongest directions,
seen from the ordinary paper, and of length 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tasks.score.vectors import Floats, Ints

DIMENSIONS = 256  # 128 rank worse, 512 no better
PAPERS_EACH = 4  # papers that a dimension rests on, at least
MOST_COLUMNS = 20_000  # the commonest; rarer ones move no direction
LEAST_PAPERS = 3  # in which a column stands
SPARE, TURNS = 20, 3  # dimensions beyond those kept, and power iterations
FLAT = 1e-4  # of the largest singular value: below, a direction is rounding
SAME = 1e-4  # from the ordinary place: nearer, the way there is rounding

Places = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Latent:
    """`basis` (columns x dimensions) for the sorted `columns` of a space, and the ordinary place."""

    columns: Ints
    basis: Places
    mean: Places

    @property
    def width(self) -> int:
        """How many dimensions there are; none where the papers were too few."""
        return len(self.mean)

    def directions(self, vectors: sparse.csr_array) -> Places:
        """Rows of `vectors` along the dimensions, as they are."""
        own, used = self._known(vectors)
        along: Places = (own @ self.basis[used]).astype(np.float32)
        return along

    def places(self, vectors: sparse.csr_array) -> Places:
        """The place of every row of `vectors`: of length 1, or 0 for a row that says nothing."""
        own, used = self._known(vectors)
        apart = (own @ self.basis[used]).astype(np.float32) - self.mean
        length = np.linalg.norm(apart, axis=1, keepdims=True)
        told = (np.diff(own.indptr) > 0)[:, None] & (length > SAME)
        scaled: Places = np.where(told, apart / np.where(told, length, 1), 0).astype(np.float32)
        return scaled

    def parts(self, columns: Ints, values: Floats, direction: Places) -> tuple[Ints, Floats]:
        """Of a row's `columns` those that have a part in its place, and how far each takes it along
        `direction`.
        """
        at = np.searchsorted(self.columns, columns)
        there = at < len(self.columns)
        there[there] = self.columns[at[there]] == columns[there]
        used = at[there]
        return self.columns[used], values[there] * (self.basis[used] @ direction)

    def _known(self, vectors: sparse.csr_array) -> tuple[sparse.csr_array, Ints]:
        """`vectors` over those columns alone that they have and the basis knows, and which these are.

        A product with the few rows of the basis that it needs is quicker than with the whole.
        """
        at = np.searchsorted(self.columns, vectors.indices)
        there = at < len(self.columns)
        there[there] = self.columns[at[there]] == vectors.indices[there]
        used, place = np.unique(at[there], return_inverse=True)
        ends = np.concatenate(([0], np.cumsum(there)))[vectors.indptr]
        shape = (vectors.shape[0], len(used))
        return sparse.csr_array((vectors.data[there], place, ends), shape=shape), used


def fit_latent(vectors: sparse.csr_array) -> Latent:
    """The latent space of `vectors` (papers x columns). Equal arguments give equal spaces."""
    papers = vectors.shape[0]
    seen = np.bincount(vectors.indices, minlength=vectors.shape[1])
    common = np.flatnonzero(seen >= LEAST_PAPERS)
    columns = np.sort(common[np.argsort(-seen[common], kind="stable")[:MOST_COLUMNS]])
    wanted = min(DIMENSIONS, papers // PAPERS_EACH, len(columns))
    if wanted < 2:
        nothing = np.zeros(0, dtype=np.float32)
        return Latent(columns[:0], nothing.reshape(0, 0), nothing)
    matrix = vectors[:, columns].astype(np.float32)
    # Kept as float16, so that a stored model and a fresh one give the same places to the last bit.
    basis = _strongest(matrix, wanted).astype(np.float16).astype(np.float32)
    return Latent(columns, basis, np.asarray((matrix @ basis).mean(axis=0), dtype=np.float32))


def _strongest(matrix: sparse.csr_array, wanted: int) -> Places:
    """The right singular vectors of the at most `wanted` largest singular values, one a column."""
    drawn = min(wanted + SPARE, *matrix.shape)
    generator = np.random.default_rng(0)
    sample = matrix @ generator.standard_normal((matrix.shape[1], drawn), dtype=np.float32)
    for _ in range(TURNS):
        sample = matrix @ np.linalg.qr(matrix.T @ np.linalg.qr(sample)[0])[0]
    left = np.linalg.qr(sample)[0]
    _, sizes, across = np.linalg.svd((matrix.T @ left).T, full_matrices=False)
    vectors: Places = across[:wanted][sizes[:wanted] > FLAT * sizes[0]].T
    return vectors
