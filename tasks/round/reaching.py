"""A shard's profiles x papers → their lines, and the scores that reach a line or come near it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

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
from tasks.store.profiles import Asked

NEAR = math.log(10)  # log-odds below the line: a question to the reader looks no further
LEAST = 0.01  # of a line, for what is near it: below, nobody would call it a near miss
MOST_EACH = 30  # scores a profile and call: a digest has 50 picks at most, of a week

Ranked = tuple[int, int, Paper, Score]  # reader id, profile version, paper, score


@dataclass(frozen=True)
class Scored:
    """What a shard's scoring found: scores, and each profile's line by its id."""

    scores: Sequence[Ranked] = ()
    lines: Sequence[tuple[int, float]] = ()


@dataclass(frozen=True)
class Past:
    """The papers of the last weeks, day by day, and how many papers today may bring."""

    texts: Texts
    counts: Sequence[int] = field(default_factory=list)
    today: int = 0


def reaching(
    ground: Background, texts: Texts, asked: Sequence[Asked], *, past: Past, kept: Shelf
) -> Scored:
    """Score the papers of `texts` for the profiles `asked`, whose rows are those `kept`."""
    papers = texts.papers
    floor = _lines(kept, asked, past)
    by_key = {int(one.profile.id): one for one in asked}
    limits = {
        key: Curve.of(one.profile).evidence(_near(max(floor[key], one.threshold)))
        for key, one in by_key.items()
    }
    bars = np.array([limits[int(key)] for key in kept.rows.keys], dtype=np.float32)
    reading = texts.answering(kept.columns.keys())
    hits = best(replace(kept.rows, threshold=bars), reading.edition, MOST_EACH)
    keys = kept.columns.keys()

    def ranked() -> Iterator[Ranked]:
        for number, group in groupby(range(len(hits.row)), key=lambda hit: int(hits.row[hit])):
            one = by_key[int(kept.rows.keys[number])]
            explainer = Explainer(ground, one.profile, Form.of(kept.rows, number), keys)
            given = {example.id for example in one.profile.examples}
            for hit in group:
                paper = int(hits.entry[hit])
                if f"entry:{papers[paper].id}" in given:
                    continue  # the reader gave it as an example: it is no news to them
                score = scored(explainer, reading, paper)
                yield one.reader_id, one.version, papers[paper], score

    return Scored(list(ranked()), sorted(floor.items()))


def _near(value: float) -> float:
    """The least score of a near miss of that line."""
    value = min(max(value, LEAST), 1 - LEAST)
    return 1 / (1 + math.exp(NEAR - math.log(value / (1 - value))))


def _lines(kept: Shelf, asked: Sequence[Asked], past: Past) -> dict[int, float]:
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
