"""Which readers would have got another top pick, had the old days been as they are to be now.

A paper gains where it would be one of the `TOP` of its day for a reader by today's scorer, lines and
profiles, was none by what was kept, and the reader knows neither it nor a twin of it. Before and after are
looked at with the same profiles, so that an edit made since is no reason for a mail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.compose.twins import Met
from tasks.records import Paper
from tasks.round.backlog.question import Question, Stage
from tasks.round.context import Context
from tasks.round.reaching import Past, floors_of
from tasks.round.scoring import fitted, lately
from tasks.round.shelf import Shelf, shelved
from tasks.round.shelves import shelf_of
from tasks.score import Background, Curve, Explainer, Form, Texts, matrix, read_papers, scored
from tasks.score.reading import Reading
from tasks.store import digests, entries, gains, old_pages, profiles, readers, shards
from tasks.store.gains import Stored
from tasks.store.mends import Change
from tasks.store.profiles import Asked
from tasks.store.shards import reasons_to_json

FROM_SCORES = (Stage.SCORE, Stage.COMPOSE)  # what begins with them is about all papers of its days
TOP = 3  # picks of a day: what a reader would miss
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Gain:
    """A paper that a reader would have got among their top picks of a day, with its score."""

    entry: int
    day: date
    profile_id: int
    version: int
    value: float
    raw: float
    reasons: list[list[Any]]


@dataclass(slots=True)
class Gains:
    """What each reader would gain, best first; and whose picks would be others at all."""

    of: dict[int, list[Gain]] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Days:
    """The papers of some days, as they were and as they are to be: each text once, read.

    `before` and `after` say where the papers of each day stand; `same` what a vanished one is part of.
    """

    texts: Texts
    keys: Sequence[int]
    before: Mapping[date, Sequence[int]]
    after: Mapping[date, Sequence[int]]
    same: Mapping[int, int]

    @cached_property
    def place(self) -> dict[int, int]:
        """Where each paper stands; of two texts of one, the later."""
        return {key: number for number, key in enumerate(self.keys)}

    def key(self, number: int) -> int:
        """The paper at a place: the one that it is a part of, where it is."""
        key = self.keys[number]
        return self.same.get(key, key)


def gained(context: Context, question: Question, changes: Sequence[Change], told: Told) -> Gains:
    """What readers would gain by these changes, or by scoring or composing the days again."""
    _, ground = fitted(context)
    found = Gains()
    days = _days(context, ground, question, changes)
    if days is None:
        return found
    now = context.clock()
    with context.database.read() as session:
        upto = entries.arrivals(session)
        every = shards.every(session)
    past = lately(context.database, ground, now.astimezone(UTC).date(), upto)
    for number, shard_id in enumerate(every):
        told(number, len(every))
        _of_shard(context, question, days, _Ground(ground, past, now), shard_id, found)
    return found


@dataclass(frozen=True, slots=True)
class _Ground:
    scorer: Background
    past: Past
    now: datetime


def _days(
    context: Context, ground: Background, question: Question, changes: Sequence[Change]
) -> Days | None:
    """The days that something changes on; all of the question's, where it is about scores."""
    with context.database.read() as session:
        arrived = {
            key: one.arrived.date()
            for key, one in old_pages.held(session, [c.key for c in changes if c.key > 0]).items()
            if one.arrived
        }
        wanted = {arrived[c.key] for c in changes if c.key in arrived}
        wanted |= {date.fromisoformat(c.news) for c in changes if c.news}
        if question.stage in FROM_SCORES:
            wanted = set(question.days)
        news = {day: old_pages.news_of(session, day) for day in sorted(wanted)}
    return _laid_out(ground, news, changes) if wanted else None


def _laid_out(
    ground: Background, news: Mapping[date, dict[int, dict[str, Any]]], changes: Sequence[Change]
) -> Days:
    papers: list[Paper] = []
    before: dict[date, list[int]] = {day: [] for day in news}
    after: dict[date, list[int]] = {day: [] for day in news}
    by_key = {change.key: change for change in changes}
    same = {lost: change.key for change in changes for lost in change.absorb}
    for day, some in news.items():
        for key, told in some.items():
            before[day].append(len(papers))
            papers.append(_paper(key, told))
            change = by_key.get(key)
            if key in same or (change and change.orphan):
                continue
            if change and change.after != told:
                papers.append(_paper(key, change.after | {"upvotes": told["upvotes"]}))
            after[day].append(len(papers) - 1)
    for change in changes:
        if change.before is None and change.news:
            after[date.fromisoformat(change.news)].append(len(papers))
            papers.append(_paper(change.key, change.after))
    keys = [int(paper.id) for paper in papers]
    return Days(read_papers(ground, papers), keys, before, after, same)


def _paper(key: int, told: Mapping[str, Any]) -> Paper:
    own = old_pages.row_of(told)
    return Paper(
        id=key,
        title=own["title"],
        abstract=own["abstract"],
        authors=tuple(own["authors"]),
        categories=tuple(own["categories"]),
        arxiv_id=own["arxiv_id"],
        doi=own["doi"],
        url=own["url"],
        code_urls=tuple(own["code_urls"]),
        upvotes=own["upvotes"],
        published=own["published"],
        version=own["arxiv_version"],
    )


def _of_shard(
    context: Context, question: Question, days: Days, ground: _Ground, shard_id: int, found: Gains
) -> None:
    with context.database.read() as session:
        every = profiles.of_shard(session, shard_id)
        asked = [
            one
            for one in every
            if one.shadows is None and (not question.readers or one.reader_id in question.readers)
        ]
        some = sorted({one.reader_id for one in asked})
        served = gains.served(session, some, min(days.after), max(days.after)) if some else {}
        kept: Mapping[date, Seats] = {}
        if question.stage in FROM_SCORES:
            of = [int(one.profile.id) for one in asked]
            kept = _stored(gains.stored(session, of, list(days.after)))
    if not asked:
        return
    whole = [one.profile for one in every]  # a shelf is of all, and loses who is left out
    shelf = shelved(*shelf_of(context, shard_id), ground.scorer, whole)
    table = _Table(ground, days, shelf, asked)
    gaining: dict[int, list[_Seat]] = defaultdict(list)
    for day in days.after:
        was, will = _tops(question, table, kept.get(day, {}), day)
        for reader_id in some:
            if not served[reader_id].on(day):
                continue
            had, has = was.get(reader_id, []), will.get(reader_id, [])
            if {seat.key for seat in had} != {seat.key for seat in has}:
                found.changed.add(reader_id)
            top = {seat.key for seat in had[:TOP]}
            gaining[reader_id] += [seat for seat in has[:TOP] if seat.key not in top]
    _keep(context, table, gaining, found, ground.now)


@dataclass(frozen=True, slots=True)
class _Seat:
    """A paper in its place among a reader's of a day."""

    key: int
    day: date
    raw: float
    profile: int
    number: int = -1
    stored: Stored | None = None


Seats = dict[int, list[_Seat]]  # by reader, best first


def _tops(question: Question, table: _Table, kept: Seats, day: date) -> tuple[Seats, Seats]:
    """Each reader's papers of a day, as it was and as it would be."""
    if question.stage is Stage.COMPOSE:
        return {}, kept
    after = table.best(table.days.after[day], day)
    if question.stage is Stage.SCORE:
        return kept, after
    return table.best(table.days.before[day], day), after


def _stored(kept: Sequence[Stored]) -> dict[date, Seats]:
    """The kept scores as seats, day by day."""
    found: dict[date, Seats] = defaultdict(dict)
    for one in kept:
        seat = _Seat(one.entry_id, one.day, one.raw, one.profile_id, stored=one)
        found[one.day].setdefault(one.reader_id, []).append(seat)
    return {
        day: {reader_id: _ranked(some) for reader_id, some in seats.items()}
        for day, seats in found.items()
    }


class _Table:
    """All papers of the days × all profiles of a shard: what reaches a line, in log-odds."""

    def __init__(self, ground: _Ground, days: Days, kept: Shelf, asked: Sequence[Asked]) -> None:
        self.ground, self.days, self.kept, self.asked = ground, days, kept, asked
        self.place = {int(key): number for number, key in enumerate(self.kept.rows.keys)}
        self.by_id = {int(one.profile.id): one for one in asked}

    @cached_property
    def reading(self) -> Reading:
        """The papers as the rows of these profiles number them."""
        return self.days.texts.answering(self.kept.columns.keys())

    @cached_property
    def raw(self) -> NDArray[np.float64]:
        """Papers x profiles; -inf for what reaches no line, or was given as an example."""
        floors = floors_of(self.kept, self.asked, self.ground.past)
        evidence = matrix(self.kept.rows, self.reading.edition)
        found = np.full((len(self.days.keys), len(self.asked)), -np.inf)
        for column, one in enumerate(self.asked):
            key = int(one.profile.id)
            raw = Curve.of(one.profile).raw(evidence[:, self.place[key]])
            line = max(floors[key], one.threshold)
            reaches = 1 / (1 + np.exp(-raw)) >= line
            found[reaches, column] = raw[reaches]
            given = {example.id for example in one.profile.examples}
            if given:
                barred = [n for key, n in self.days.place.items() if f"entry:{key}" in given]
                found[barred, column] = -np.inf
        return found

    def best(self, numbers: Sequence[int], day: date) -> Seats:
        """Each reader's best papers of some, as many as they have places."""
        seats: Seats = {}
        if not numbers:
            return seats
        own = self.raw[list(numbers)]
        for column, one in enumerate(self.asked):
            for row in np.flatnonzero(own[:, column] > -np.inf):
                number = numbers[int(row)]
                seat = _Seat(
                    self.days.key(number), day, float(own[row, column]), int(one.profile.id), number
                )
                seats.setdefault(one.reader_id, []).append(seat)
        return {reader_id: _ranked(some) for reader_id, some in seats.items()}

    def score(self, seat: _Seat) -> tuple[float, float, list[list[Any]]]:
        """A seat's value, raw score and reasons."""
        if seat.stored is not None:
            return seat.stored.value, seat.stored.raw, seat.stored.reasons
        form = Form.of(self.kept.rows, self.place[seat.profile])
        one = self.by_id[seat.profile]
        explainer = Explainer(self.ground.scorer, one.profile, form, self.kept.columns.keys())
        found = scored(explainer, self.reading, seat.number)
        return found.value, found.raw, reasons_to_json(found.reasons)


def _ranked(some: Sequence[_Seat]) -> list[_Seat]:
    """Best first, each paper once."""
    kept: dict[int, _Seat] = {}
    for seat in sorted(some, key=lambda seat: (-seat.raw, seat.key)):
        kept.setdefault(seat.key, seat)
    return [*kept.values()]


def _keep(
    context: Context, table: _Table, gaining: Mapping[int, list[_Seat]], found: Gains, now: datetime
) -> None:
    """What the readers know already, or a twin of it, is no gain; nobody gets more than they ask for."""
    some = {reader_id: seats for reader_id, seats in gaining.items() if seats}
    keys = {seat.key for seats in some.values() for seat in seats}
    parts = {lost for lost, whole in table.days.same.items() if whole in keys}
    with context.database.read() as session:
        sent = gains.known(session, some, [key for key in keys | parts if key > 0])
        knows = {(reader_id, table.days.same.get(key, key)) for reader_id, key in sent}
        for reader_id, seats in some.items():
            fresh = [seat for seat in _ranked(seats) if (reader_id, seat.key) not in knows]
            if not fresh:
                continue
            met = Met(digests.sent_lately(session, reader_id, now))
            kept: list[_Seat] = []
            for seat in fresh:
                number = seat.number if seat.number >= 0 else table.days.place[seat.key]
                paper = table.days.texts.papers[number]
                if not met.twin(paper):
                    met.add(paper)
                    kept.append(seat)
            most = readers.get(session, reader_id).most
            made = [_gain(table, seat) for seat in kept[:most]]
            if made:
                found.of[reader_id] = made


def _gain(table: _Table, seat: _Seat) -> Gain:
    value, raw, reasons = table.score(seat)
    version = table.by_id[seat.profile].version
    return Gain(seat.key, seat.day, seat.profile, version, value, raw, reasons)
