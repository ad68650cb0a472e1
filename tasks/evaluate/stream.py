"""The walk along the stream: fit on what was, rank what comes, never the other way round.

The stream is cut into blocks of days. For each block every ranker is fitted on the newest papers
from before the block's first day, as a service refreshes its model on schedule, and ranks the
block's days in one call. Likes end at each reader's split, which all judged days follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tasks.evaluate.judged import Judged, Reader
from tasks.evaluate.measures import Bools, Floats, probability
from tasks.evaluate.rankers import Ranker, Uses
from tasks.evaluate.volume import PastDay, Threshold
from tasks.records import Paper

FIT_MOST = 20_000  # papers: more of them rank no better
DAY = timedelta(days=1)
PAST = 20  # days of the stream that a threshold sees: four weeks without weekends
COLUMNS_MOST = 512  # profiles in one call, so that memory does not grow with their number

Likes = int | None  # so many of the newest likes; None for all
Progress = Callable[[int, int, str], None]  # done, total, what comes next


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to evaluate. Models are refreshed every `refit` days.

    Volume is measured for calibrated rankers and where there is a `threshold`: about `about` a day.
    """

    likes: tuple[Likes, ...] = (0, 1, 3, 10, 30, None)
    refit: int = 28
    about: float = 7.0
    threshold: Threshold | None = None

    def of(self, ranker: Ranker) -> tuple[Likes, ...]:
        """The numbers of likes that a ranker is asked for."""
        if ranker.uses is Uses.WORDS:
            return (0,)
        return tuple(k for k in self.likes if k != 0 or ranker.uses is Uses.BOTH)


@dataclass(slots=True)
class Seen:
    """What a ranker gave one reader: scores and truth by judged day, picks by day of the stream."""

    scores: list[NDArray[np.float32]] = field(default_factory=list)
    wanted: list[Bools] = field(default_factory=list)
    picks: list[int] = field(default_factory=list)


Walked = Mapping[tuple[str, Likes], Sequence[Seen]]  # by ranker and likes: one a reader


@dataclass(frozen=True, slots=True)
class _Step:
    """One ranker's turn on one block, and the places of the readers whom it is about."""

    block: tuple[date, ...]
    ranker: Ranker
    readers: tuple[int, ...]
    threshold: Threshold | None


def walk(
    judged: Judged, rankers: Sequence[Ranker], plan: Plan, progress: Progress | None = None
) -> Walked:
    """Rank every block with every ranker. Memory grows with the judged pairs, by 5 bytes each."""
    seen = {(r.name, k): [Seen() for _ in judged.readers] for r in rankers for k in plan.of(r)}
    steps = list(_steps(judged, rankers, plan))
    before: tuple[date, list[Paper]] = (date.min, [])
    for done, step in enumerate(steps):
        if progress:
            progress(done, len(steps), f"{step.ranker.name}, from {step.block[0]}")
        if before[0] != step.block[0]:
            before = step.block[0], judged.before(step.block[0], FIT_MOST)
        step.ranker.fit(before[1])
        _take(step, judged, plan, seen)
    if progress:
        progress(len(steps), len(steps), "done")
    return seen


def blocks(judged: Judged, refit: int) -> Iterator[tuple[date, ...]]:
    """The days of the stream after the first split, in blocks of at most `refit` days' length."""
    first = min(reader.split for reader in judged.readers)
    block: list[date] = []
    for day in judged.days:
        if block and day >= block[0] + timedelta(days=refit):
            yield tuple(block)
            block = []
        if day > first:
            block.append(day)
    yield tuple(block)


def _steps(judged: Judged, rankers: Sequence[Ranker], plan: Plan) -> Iterator[_Step]:
    for block in blocks(judged, plan.refit):
        for ranker in rankers:
            threshold = plan.threshold if ranker.calibrated else None
            about = [
                place
                for place, reader in enumerate(judged.readers)
                if (threshold and reader.split < block[-1])
                or not reader.relevant.keys().isdisjoint(block)
            ]
            if about:
                yield _Step(block, ranker, tuple(about), threshold)


def _take(
    step: _Step, judged: Judged, plan: Plan, seen: Mapping[tuple[str, Likes], list[Seen]]
) -> None:
    """Rank the days of a step for its readers, with each number of likes, and keep what counts."""
    days = _days(step, judged)
    papers = [paper for day in days for paper in judged.days[day]]
    ends = np.cumsum([len(judged.days[day]) for day in days])[:-1]
    columns: dict[tuple[int, int], list[Likes]] = {}
    for place in step.readers:
        for k in plan.of(step.ranker):
            columns.setdefault((place, judged.readers[place].count(k)), []).append(k)
    waiting = iter(columns.items())
    while part := list(islice(waiting, COLUMNS_MOST)):
        profiles = [judged.readers[place].after(count) for (place, count), _ in part]
        scores = step.ranker.rank(papers, profiles)
        for column, ((place, _), likes) in enumerate(part):
            own = zip(days, np.split(scores[:, column], ends), strict=True)
            ranked = {day: _Ranked(judged.days[day], values) for day, values in own}
            got = [seen[step.ranker.name, k][place] for k in likes]
            _keep(step, judged.readers[place], ranked, plan.about, got)


def _days(step: _Step, judged: Judged) -> list[date]:
    """The days to rank: with a threshold also the weeks before, which it is learned from."""
    if step.threshold:
        past = [day for day in judged.days if day < step.block[0]][-PAST:]
        return [*past, *step.block]
    asked = {day for place in step.readers for day in judged.readers[place].relevant}
    return [day for day in step.block if day in asked]


def _keep(
    step: _Step, reader: Reader, days: Mapping[date, _Ranked], about: float, got: Sequence[Seen]
) -> None:
    """Add what the ranker said of one profile on the step's days to each of `got`."""
    for day in step.block:
        if day in reader.relevant:
            wanted = np.array([paper.id in reader.relevant[day] for paper in days[day].papers])
            for seen in got:
                seen.scores.append(days[day].scores.astype(np.float32))
                seen.wanted.append(wanted)
    if step.threshold:
        values = [PastDay(day, probability(ranked.scores)) for day, ranked in days.items()]
        for place, today in enumerate(values):
            past = values[max(place - PAST, 0) : place]
            if past and today.day >= max(step.block[0], reader.split + DAY):
                least = step.threshold(past, about, today.day, len(today.values))
                count = int(np.sum(today.values >= least))
                for seen in got:
                    seen.picks.append(count)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """One day's papers with one profile's scores of them."""

    papers: tuple[Paper, ...]
    scores: Floats
