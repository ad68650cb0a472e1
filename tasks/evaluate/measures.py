"""How good a ranking and its probabilities are. Pure functions of scores and of what was wanted.

Papers of equal score share their places: a measure is its mean over all orders of them, so that no
ranker gains or loses by the order of a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DEPTH = 10
GAIN: Floats = 1 / np.log2(np.arange(2, DEPTH + 2))
DRAWS = 4000
TOP, BINS = 0.05, 10


@dataclass(frozen=True, slots=True)
class Groups:
    """A ranking as groups of equal score, best first: their sizes and how many of each were wanted."""

    sizes: Ints
    wanted: Ints

    @property
    def ends(self) -> Ints:
        """How many papers stand up to the end of each group."""
        return np.cumsum(self.sizes)


def grouped(scores: NDArray[np.floating], wanted: Bools) -> Groups:
    """The groups of equal score of a day's papers, best first."""
    _, group = np.unique(-scores, return_inverse=True)
    return Groups(np.bincount(group), np.bincount(group[wanted], minlength=group.max() + 1))


def ndcg(groups: Groups) -> float:
    """nDCG@10 with gains 0 and 1 (Järvelin & Kekäläinen, 2002); needs a wanted paper."""
    shared = np.repeat(groups.wanted / groups.sizes, groups.sizes)[:DEPTH]
    ideal = GAIN[: int(min(groups.wanted.sum(), DEPTH))].sum()
    return float(shared @ GAIN[: len(shared)] / ideal)


def reciprocal_rank(groups: Groups) -> float:
    """1 / the place of the first wanted paper; needs one."""
    best = int(np.flatnonzero(groups.wanted)[0])
    size, wanted = int(groups.sizes[best]), int(groups.wanted[best])
    before = int(groups.ends[best]) - size
    value, none_yet = 0.0, 1.0
    for place in range(size - wanted + 1):
        hit = wanted / (size - place)
        value += none_yet * hit / (before + place + 1)
        none_yet *= 1 - hit
    return value


def recall(groups: Groups, depth: int) -> float:
    """The share of wanted papers within the first `depth`; needs one."""
    taken = np.clip((depth - (groups.ends - groups.sizes)) / groups.sizes, 0, 1)
    return float(taken @ groups.wanted / groups.wanted.sum())


def average_precision(groups: Groups) -> float:
    """Precision at the end of each group, weighed by its share of the wanted papers; needs one."""
    precision = np.cumsum(groups.wanted) / groups.ends
    return float(precision @ groups.wanted / groups.wanted.sum())


def probability(log_odds: Floats) -> Floats:
    """1 / (1 + e^-x), whatever the size of x."""
    return np.asarray(expit(log_odds), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Probabilities beside what came true, in the best `pairs` pairs, in bins of equal count.

    `error` is the expected calibration error (Naeini et al., 2015): the mean of |said - came| over
    the pairs.
    """

    pairs: int
    said: tuple[float, ...]
    came: tuple[float, ...]
    counts: tuple[int, ...]
    error: float


def calibration(probabilities: Floats, wanted: Bools, *, top: float = TOP) -> Calibration:
    """How far probabilities are from the truth in their largest `top` share, in `BINS` bins."""
    pairs = max(1, round(top * len(probabilities)))
    best = np.argsort(-probabilities, kind="stable")[:pairs]
    bins = [part for part in np.array_split(best, BINS) if len(part)]
    said = [float(probabilities[part].mean()) for part in bins]
    came = [float(wanted[part].mean()) for part in bins]
    counts = [len(part) for part in bins]
    error = sum(n * abs(s - c) for n, s, c in zip(counts, said, came, strict=True)) / pairs
    return Calibration(pairs, tuple(said), tuple(came), tuple(counts), error)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over readers with its 95 % interval."""

    value: float
    low: float
    high: float


def mean(values: Sequence[float] | Floats, *, seed: int = 0) -> Mean:
    """The mean of one number a reader, with the percentile bootstrap over readers (Efron, 1979).

    For a paired comparison give the differences. The seed is fixed, so equal values give an equal
    interval, and two rankers are drawn alike.
    """
    numbers = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(seed).integers(0, len(numbers), (DRAWS, len(numbers)))
    low, high = np.percentile(numbers[draws].mean(axis=1), (2.5, 97.5))
    return Mean(float(numbers.mean()), float(low), float(high))
