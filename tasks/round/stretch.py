"""The papers of some weeks laid out in one piece, to be looked at through a profile's lens at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.records import Paper, Score
from tasks.round.days import Day, as_one
from tasks.score import Background, Lens, Texts
from tasks.score.answers import Answer
from tasks.score.reading import worth
from tasks.score.wishes import Key

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WISHES_KEPT = 4096
LOOKS_KEPT = 64
KEPT = 4  # stretches, of some 70 MB for three months of 60 papers a day
_keeping = threading.Lock()


@dataclass(frozen=True, eq=False)
class Stretch:
    """Papers in the order of their days (in UTC) and ids. Times are seconds since 1970, days ordinals.

    `dates` are the days that had papers and `ends` where each one's papers begin, and the last end.
    """

    texts: Texts
    moments: Sequence[datetime]
    dates: Ints
    ends: Ints
    votes: Sequence[tuple[float, int, int]]
    _answers: dict[Key, Answer] = field(default_factory=dict, repr=False)
    _looks: dict[Lens, Floats] = field(default_factory=dict, repr=False)

    @property
    def papers(self) -> Sequence[Paper]:
        """The papers, as they are known today."""
        return self.texts.papers

    @cached_property
    def when(self) -> Floats:
        """When each paper arrived."""
        return np.array([moment.timestamp() for moment in self.moments])

    @cached_property
    def place(self) -> dict[int | str, int]:
        """Where each paper stands, by its id."""
        return {paper.id: number for number, paper in enumerate(self.papers)}

    @cached_property
    def titled(self) -> dict[str, list[int]]:
        """Where the papers of each title stand."""
        found: dict[str, list[int]] = {}
        for number, paper in enumerate(self.papers):
            found.setdefault(paper.title, []).append(number)
        return found

    @cached_property
    def _ungrown(self) -> Ints:
        """The votes before any was seen."""
        today = [-1 if paper.upvotes is None else paper.upvotes for paper in self.papers]
        counts = np.array(today, np.int64)
        counts[[number for _, number, _ in self.votes]] = -1
        return counts

    @cached_property
    def _grown(self) -> tuple[Floats, Ints, Ints]:
        """The columns of `votes`."""
        rows = np.array(self.votes, np.float64).reshape(-1, 3)
        return rows[:, 0], rows[:, 1].astype(np.int64), rows[:, 2].astype(np.int64)

    def answer(self, key: Key) -> Answer:
        """Who answers a wish, and how strongly."""
        found = self._answers.get(key)
        if found is None:
            found = self.texts.finder.answer(key)
            _keep(self._answers, key, found, WISHES_KEPT)
        return found

    def evidence(self, lens: Lens) -> Floats:
        """What speaks for every paper, without its votes."""
        found = self._looks.get(lens)
        if found is None:
            found = lens.evidence(self.texts, self.answer)
            _keep(self._looks, lens, found, LOOKS_KEPT)
        return found

    def told(self, lens: Lens, numbers: Sequence[int], votes: Sequence[int | None]) -> list[Score]:
        """The scores of some papers with their reasons, as they stood with so many votes."""
        if not numbers:
            return []
        hits = np.zeros((len(numbers), len(lens.keys)))
        for wish, key in enumerate(lens.keys):
            rows, strength = self.answer(key)
            found = np.zeros(len(self.papers))
            found[rows] = strength
            hits[:, wish] = found[list(numbers)]
        return lens.told(self.texts, numbers, votes, hits)

    def votes_by(self, moments: Iterable[datetime]) -> Iterable[tuple[datetime, Ints]]:
        """The votes of all papers at each of some moments, which ascend; -1 where none are known. Votes of
        which nobody knows how they grew count as they are today.

        The array is the same one each time, and changes.
        """
        counts = self._ungrown.copy()
        done = 0
        for moment in moments:
            now = moment.timestamp()
            while done < len(self.votes) and self.votes[done][0] <= now:
                _, number, count = self.votes[done]
                counts[number] = count
                done += 1
            yield moment, counts

    def votes_from(self, since: datetime) -> Ints:
        """The votes that each paper had when it came, or at `since` where that was later."""
        counts, (when, numbers, grown) = self._ungrown.copy(), self._grown
        by_then = when <= np.maximum(self.when[numbers], since.timestamp())
        counts[numbers[by_then]] = grown[by_then]  # of several, the last
        return counts

    def counts(self, first: int, last: int, most: int) -> list[tuple[date, int]]:
        """How many papers came on each day from ordinal `first` to `last` that had any; of the newest
        days only, where all together have more than `most`.
        """
        low, high = np.searchsorted(self.dates, [first, last + 1])
        found: list[tuple[date, int]] = []
        total = 0
        for number in range(int(high) - 1, int(low) - 1, -1):
            count = int(self.ends[number + 1] - self.ends[number])
            total += count
            if found and total > most:
                break
            found.append((date.fromordinal(int(self.dates[number])), count))
        return found[::-1]

    def between(self, first: int, last: int) -> slice:
        """The papers of the days from ordinal `first` to `last`."""
        low, high = np.searchsorted(self.dates, [first, last + 1])
        return slice(int(self.ends[low]), int(self.ends[high]))


@lru_cache(maxsize=KEPT)
def stretch(ground: Background, days: tuple[Day, ...]) -> Stretch:
    """The papers of `days`, in one piece."""
    counts = [len(day.arrived) for day in days]
    ends = np.cumsum([0, *counts])
    votes = sorted(
        (when.timestamp(), int(start) + number, count)
        for day, start in zip(days, ends[:-1], strict=True)
        for when, number, count in day.votes
    )
    return Stretch(
        texts=as_one(ground, days),
        moments=[moment for day in days for moment in day.arrived],
        dates=np.array([day.date.toordinal() for day in days], np.int64),
        ends=ends,
        votes=votes,
    )


def ordinal(moment: datetime) -> int:
    """The day of a moment (in UTC)."""
    return moment.astimezone(UTC).toordinal()


def evidence_of(votes: Ints) -> Floats:
    """The evidence of votes, of which -1 are unknown."""
    return worth(np.maximum(votes, 0))


def _keep(cache: dict[Any, Any], key: object, value: object, most: int) -> None:
    """The oldest goes where another would be one too many. Threads may share the cache."""
    with _keeping:
        while len(cache) >= most:
            cache.pop(next(iter(cache)))
        cache[key] = value
