"""The papers of the last weeks, read once a process and day: only a day that changed is read again.

Reading (words, stems, places) is what scoring a day costs most; the days behind it are the same for
every scoring and every preview.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby

from tasks.records import Paper
from tasks.round.reaching import News
from tasks.score import Background, Texts, read_papers, together
from tasks.score.words import Lexicon
from tasks.store import entries
from tasks.store.database import Database
from tasks.store.entries import Stamp

DAYS_KEPT = 160  # three months, and the weeks before that their lines are learned from


@dataclass(frozen=True, eq=False)
class Day:
    """One day's arrivals (in UTC), read, each with its moment.

    `votes` tells how their votes grew: (when, which of them, votes), in order.
    """

    date: date
    arrived: Sequence[datetime]
    texts: Texts
    votes: Sequence[tuple[datetime, int, int]]


@dataclass(frozen=True, eq=False)
class _Reader:
    """A scorer's lexicon, which grows with what is read, one thread at a time."""

    lexicon: Lexicon
    lock: threading.Lock = field(default_factory=threading.Lock)


def days(
    database: Database, ground: Background, first: date, last: date, *, most: int | None = None
) -> list[Day]:
    """The days from `first` to `last` that had arrivals, in order; of the newest days only, where all
    together have more than `most` papers.
    """
    with database.read() as session:
        stamps = entries.stamps(session, first, last)
    if most is not None:
        stamps = _newest(stamps, most)
    return [_day(database, ground, stamp) for stamp in stamps]


def as_one(ground: Background, some: Sequence[Day]) -> Texts:
    """The papers of several days, in order."""
    return _joined(ground, tuple(day.texts for day in some))


def news_of(ground: Background, came: Sequence[tuple[datetime, Paper]]) -> News:
    """What just came, read once, by its days (in UTC) from the first to the last."""
    ordered = sorted(came, key=lambda pair: pair[0].date())
    counts = [len(list(same)) for _, same in groupby(ordered, key=lambda pair: pair[0].date())]
    reader = _reader(ground)
    with reader.lock:
        texts = read_papers(ground, [paper for _, paper in ordered], reader.lexicon)
    return News(texts, counts)


def _newest(stamps: Sequence[Stamp], most: int) -> list[Stamp]:
    """As many of the newest days as hold `most` papers together, one at least."""
    kept: list[Stamp] = []
    count = 0
    for stamp in reversed(stamps):
        count += stamp.papers
        if kept and count > most:
            break
        kept.append(stamp)
    return kept[::-1]


@lru_cache(maxsize=DAYS_KEPT)
def _day(database: Database, ground: Background, stamp: Stamp) -> Day:
    reader = _reader(ground)
    with database.read() as session:
        found = entries.arrived_on(session, stamp.date)
        voted = entries.votes_of(session, stamp.date)
    place = {paper.id: number for number, (_, paper) in enumerate(found)}
    votes = [(when, place[key], count) for when, key, count in voted if key in place]
    with reader.lock:
        texts = read_papers(ground, [paper for _, paper in found], reader.lexicon)
    return Day(stamp.date, [at for at, _ in found], texts, votes)


@lru_cache(maxsize=2)
def _reader(ground: Background) -> _Reader:
    return _Reader(Lexicon(ground.model.words))


@lru_cache(maxsize=4)
def _joined(ground: Background, texts: tuple[Texts, ...]) -> Texts:
    return together(texts) if texts else read_papers(ground, [])
