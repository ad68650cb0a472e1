"""A shard's profiles x papers → their lines, and the scores that reach a line or come near it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.compose import lines
from tasks.records import Paper, Score
from tasks.round.shelf import Shelf
from tasks.score import (
    Background,
    Curve,
    Explainer,
    Form,
    Texts,
    best,
    matrix,
    scored,
)
from tasks.score.kernel import Edition
from tasks.score.reading import Reading
from tasks.store.profiles import Asked

NEAR = math.log(10)  # log-odds below the line: a question to the reader looks no further
LEAST = 0.01  # of a line, for what is near it: below, nobody would call it a near miss
MOST_EACH = 30  # scores a profile and day of arrivals: a digest has 50 picks at most, of a week

Ranked = tuple[int, int, Paper, Score]  # reader id, profile version, paper, score


@dataclass(frozen=True)
class Past:
    """The papers of the last weeks, day by day, and how many papers today may bring."""

    texts: Texts
    counts: Sequence[int] = field(default_factory=list)
    today: int = 0


@dataclass(frozen=True)
class News:
    """Papers that may become picks, read, and how many of them came on each day, in order."""

    texts: Texts
    counts: Sequence[int]

    @property
    def days(self) -> Iterator[slice]:
        """Where the papers of each day stand."""
        ends = np.cumsum([0, *self.counts]).tolist()
        return (slice(first, last) for first, last in pairwise(ends))


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A pair that reaches a line or comes near it, and its reasons, told when they are asked for."""

    profile_id: int
    paper: Paper
    raw: float
    told: Callable[[], Score]


def reaching(
    ground: Background,
    news: News,
    asked: Sequence[Asked],
    floors: Mapping[int, float],
    kept: Shelf,
) -> list[Ranked]:
    """Score `news` for the profiles `asked`, whose rows are among those `kept`: what reaches a profile's
    line of `floors` or comes near it, `MOST_EACH` of a day.
    """
    limits = _limits(asked, floors)
    bars = np.array([limits.get(int(key), np.inf) for key in kept.rows.keys], dtype=np.float32)
    rows, keys = replace(kept.rows, threshold=bars), kept.columns.keys()
    reading = news.texts.answering(keys)
    found: dict[int, list[int]] = defaultdict(list)
    for day in news.days:
        edition = Edition(reading.edition.sparse[day], reading.edition.dense[day])
        hits = best(rows, edition, MOST_EACH)
        for row, entry in zip(hits.row.tolist(), hits.entry.tolist(), strict=True):
            found[row].append(day.start + entry)
    ranked = []
    by_key = {int(one.profile.id): one for one in asked}
    for number, entries in found.items():
        one = by_key[int(kept.rows.keys[number])]
        explainer = Explainer(ground, one.profile, Form.of(kept.rows, number), keys)
        for entry in _unknown(one, reading, entries):
            score = scored(explainer, reading, entry)
            ranked.append((one.reader_id, one.version, reading.papers[entry], score))
    return ranked


def glimpsed(
    ground: Background,
    news: News,
    asked: Sequence[Asked],
    floors: Mapping[int, float],
    kept: Shelf,
) -> Iterator[Glimpse]:
    """The same pairs for a few profiles, without the telling of reasons, which is most of the work."""
    limits, keys = _limits(asked, floors), kept.columns.keys()
    reading = news.texts.answering(keys)
    evidence = matrix(kept.rows, reading.edition)
    place = {int(key): number for number, key in enumerate(kept.rows.keys)}
    for one in asked:
        key = int(one.profile.id)
        own, curve = evidence[:, place[key]], Curve.of(one.profile)
        explainer = Explainer(ground, one.profile, Form.of(kept.rows, place[key]), keys)
        for day in news.days:
            order = np.argsort(-own[day], kind="stable")[:MOST_EACH]
            near = [day.start + int(n) for n in order if own[day.start + n] >= limits[key]]
            for entry in _unknown(one, reading, near):
                raw = float(curve.raw(own[entry : entry + 1])[0])
                told = partial(scored, explainer, reading, entry)
                yield Glimpse(key, reading.papers[entry], raw, told)


def _limits(asked: Sequence[Asked], floors: Mapping[int, float]) -> dict[int, float]:
    """The evidence that each profile's scores must reach to be kept, by its id."""
    return {
        int(one.profile.id): Curve.of(one.profile).evidence(
            near(max(floors[int(one.profile.id)], one.threshold))
        )
        for one in asked
    }


def _unknown(one: Asked, reading: Reading, entries: Iterable[int]) -> list[int]:
    """Those that the reader did not give as an example of this profile: these are no news to them."""
    given = {example.id for example in one.profile.examples}
    return [n for n in entries if f"entry:{reading.papers[n].id}" not in given]


def near(value: float) -> float:
    """The least score of a near miss of that line."""
    value = min(max(value, LEAST), 1 - LEAST)
    return 1 / (1 + math.exp(NEAR - math.log(value / (1 - value))))


def floors_of(kept: Shelf, asked: Sequence[Asked], past: Past) -> dict[int, float]:
    """The line of every profile by its id: the least score of its picks today."""
    evidence = matrix(kept.rows, past.texts.answering(kept.columns.keys()).edition)
    number = {int(key): place for place, key in enumerate(kept.rows.keys)}
    titles = {paper.title: place for place, paper in enumerate(past.texts.papers)}
    values: NDArray[np.float64] = np.empty((len(evidence), len(asked)))
    for column, one in enumerate(asked):
        raw = Curve.of(one.profile).raw(evidence[:, number[int(one.profile.id)]])
        values[:, column] = 1 / (1 + np.exp(-raw))
        # What the profile was taught from would score as nothing new can, and lift its line.
        taught = [titles[e.title] for e in one.profile.examples if e.title in titles]
        values[taught, column] = 0
    about = np.array([one.about for one in asked])
    found = lines(values, past.counts, about=about, papers=past.today)
    # A line of more than 1 is one that nothing reaches: who asks for no picks.
    return {int(one.profile.id): min(float(x), 2.0) for one, x in zip(asked, found, strict=True)}
