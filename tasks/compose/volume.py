"""About so many picks a day → the least score of a pick, learned from the profile's own last weeks.

    line = the score that a share  about / papers  of the papers of the last weeks reached

where `papers` is how many came on the day that the line is for. So a day brings `about` picks when
its papers are as good as usual, more on a rich day and fewer on a poor one, whatever its size.
Days without papers are no days: nothing is learned from them, and nothing is made up for later.

The past days that had about as many papers count most. A weekday has its own volume, and so have
holidays and new sources, so days of one size are days of one kind; what is on them differs too.
A paper counts

    w = FAINT + e^(-(ln n - ln papers)² / (2 · ALIKE²))        n papers on its own day

The line stands between two scores as in Weibull's plotting position: of m papers the k-th best is
exceeded by the next one with the probability k / (m + 1), whatever the distribution.

Measured by `tests/bench/bench_picks.py`, 30 readers who want about 7 of the 218 papers of a day: all
get 5.25 to 8.75 on average where the past is of such days, and 29 where most of it is small days of
another kind. Without a day's own number of papers, by its weekday alone, 26 to 29 do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

ALIKE = 0.7  # a day with twice the papers counts 0.61, one with eight times 0.01
FAINT = 0.05  # what the least alike day counts: better than nothing where no day is alike
MOST_OF_DAY = 0.5  # a day of four papers is a quiet day: at most this part of one is asked for
CROWD = 3  # papers, and more of the very same score are one
APART = 1e-4  # how far over a crowd the line may lie: above all that rounding does
OWN_WEEKDAYS = 4.0  # so many weekdays of its own weigh as much as all days together


@dataclass(frozen=True, slots=True)
class Day:
    """A past day with papers: its date, and the profile's score of each paper of it."""

    date: date
    scores: ArrayLike


def line(
    history: Sequence[Day],
    *,
    about: float,
    today: date,
    papers: int | None = None,
    start: float = 0,
) -> float:
    """The least score of a pick on `today`, on the scale of the scores: `lines` for one profile.

    Without `papers`, the number that came today, it is `expected` of the weekday.
    """
    counts = [np.size(day.scores) for day in history]
    if papers is None:
        papers = round(expected(zip((day.date for day in history), counts, strict=True), today))
    scores = np.concatenate([np.empty(0), *(np.ravel(day.scores) for day in history)])
    return float(lines(scores[:, None], counts, about=about, papers=papers, start=start)[0])


def lines(
    scores: ArrayLike, counts: Sequence[int], *, about: ArrayLike, papers: int, start: ArrayLike = 0
) -> Floats:
    """The least score of a pick for each profile, on a day with so many `papers`.

    `scores` are papers × profiles, those of a day together; `counts` the papers of each of the past
    days, in the same order. `about` and `start` are one number, or one for each profile: how many
    picks are wanted (from none, whose line is infinite), and the line where the past is too short to
    tell. Raises ValueError where the counts do not add up to the papers.
    """
    past = np.asarray(scores, float)
    if past.ndim != 2 or sum(counts) != len(past):
        raise ValueError(f"Days of {sum(counts)} papers cannot have scores of shape {past.shape}.")
    wanted, first = (np.broadcast_to(np.asarray(x, float), past.shape[1]) for x in (about, start))
    today = max(papers, 1)
    share = np.minimum(wanted / today, MOST_OF_DAY)
    if not len(past):
        return np.where(wanted > 0, first, np.inf)
    weights = _weights(counts, today)
    aims = share * (weights.sum() + weights.mean())
    found = _reached(past, weights, aims)
    enough = aims >= weights.mean()
    return np.where(wanted > 0, np.where(enough, found, np.maximum(found, first)), np.inf)


def expected(counts: Iterable[tuple[date, int]], today: date) -> float:
    """How many papers a day like `today` brings, by the days so far: 0 where there were none.

    The mean of its weekday, drawn towards the mean of all days while there are few of its own.
    """
    days = [(day, count) for day, count in counts if count]
    if not days:
        return 0.0
    mean = sum(count for _, count in days) / len(days)
    own = [count for day, count in days if day.weekday() == today.weekday()]
    return (sum(own) + OWN_WEEKDAYS * mean) / (len(own) + OWN_WEEKDAYS)


def _weights(counts: Sequence[int], today: int) -> Floats:
    """What each past paper counts, by how many came on its day."""
    own = np.asarray(counts, float)
    far = np.log(np.maximum(own, 1) / today) / ALIKE
    return np.repeat(FAINT + np.exp(-(far**2) / 2), own.astype(int))


def _reached(past: Floats, weights: Floats, aims: Floats) -> Floats:
    """For each profile the score that papers of the weight `aims` reached.

    It lies between two scores of the past, by how much of the lower one's papers the aim takes in.
    A crowd of one score, as of all that nothing speaks for, comes in whole or stays just under it.
    """
    rows, sums = _best(past, weights, aims.max(initial=0))
    last = np.minimum((sums < aims[:, None]).sum(axis=1), rows.shape[1] - 1)
    low = rows[np.arange(len(rows)), last]
    same = weights @ (past == low)
    part = (aims - weights @ (past > low)) / same
    high = np.where(rows > low[:, None], rows, np.inf).min(axis=1, initial=np.inf)
    high = np.where(same > CROWD * weights.max(), np.minimum(low + APART, high), high)
    whole = (part >= 1) | np.isinf(high)
    between: Floats = low + np.where(whole, 0, 1 - part) * (np.where(whole, low, high) - low)
    return between


def _best(past: Floats, weights: Floats, most: float) -> tuple[Floats, Floats]:
    """Each profile's best scores, from the highest, and the weights added up so far.

    As many as may matter: the lightest papers that together weigh more than `most`.
    """
    count = min(int(np.searchsorted(np.cumsum(np.sort(weights)), most)) + 1, len(past))
    best = np.argpartition(-past.T, count - 1)[:, :count]
    rows = np.take_along_axis(past.T, best, 1)
    order = np.argsort(-rows, axis=1, kind="stable")
    sums = np.cumsum(weights[np.take_along_axis(best, order, 1)], axis=1)
    return np.take_along_axis(rows, order, 1), sums
