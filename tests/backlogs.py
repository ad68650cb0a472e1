"""Weeks of real rounds over kept pages, read by a parser with a fault: what backlog runs are to mend."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import invented
from sqlmodel import select

from tasks import models
from tasks.parse.page import parse_page
from tasks.records import ParsedEntry, ParsedPage, RawPage, Reader, SourceKind
from tasks.round.context import Context
from tasks.round.scoring import fitted
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import pages, profiles, readers, shards, sources
from tasks.store.database import Database

DAY = timedelta(days=1)
FIRST = date(2026, 10, 5)  # a Monday
SECRET = (
    "zanzibar lanterns"  # words of last sentences alone: who wants them misses them by the fault
)
WISHES: Sequence[dict[str, Any]] = (
    {"terms": ["sparse attention", "long context"]},
    {"terms": ["video diffusion", "camera"]},
    {"phrases": ["protein folding"]},
    {"terms": ["quantization", "pruning"]},
    {"terms": [SECRET]},
)


class Clock:
    """Stands still until its `moment` is set."""

    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


class Faulty:
    """The parser, which drops every abstract's last sentence and splits one paper of a page in two."""

    def parse(self, page: RawPage) -> ParsedPage:
        read = parse_page(page)
        some = [replace(one, abstract=_without_last(one.abstract)) for one in read.entries]
        first, second = _split(some[2])
        some = [*some[:2], first, *some[3:], second]
        ranked = tuple(replace(one, rank=n) for n, one in enumerate(some, start=1))
        return replace(read, entries=ranked)

    def close(self) -> None:
        """There is no child to end."""


class Sound:
    """The parser as it is, without a process of its own."""

    def parse(self, page: RawPage) -> ParsedPage:
        return parse_page(page)

    def close(self) -> None:
        """There is no child to end."""


def _without_last(abstract: str) -> str:
    sentences = abstract.split(". ")
    return ". ".join(sentences[:-1]) + "." if len(sentences) > 1 else abstract


def _split(one: ParsedEntry) -> tuple[ParsedEntry, ParsedEntry]:
    half = len(one.abstract) // 2
    rest = replace(
        one,
        title=f"{one.title.rpartition(' for ')[2]}, continued",
        abstract=one.abstract[half:],
        arxiv_id=None,
        url=None,
        source_id="" if len(one.title) % 2 else one.source_id,
    )
    return replace(one, abstract=one.abstract[:half]), rest


@dataclass
class Backlog:
    """Weeks that were lived: the context, its clock, the readers and the days."""

    context: Context
    clock: Clock
    days: list[date] = field(default_factory=list)
    readers: list[int] = field(default_factory=list)

    def round(self, at: datetime) -> None:
        """Whatever is due at that moment is done."""
        self.clock.moment = at
        run_once(self.context, at)

    def read_by(self, parser: Faulty | Sound) -> None:
        """Pages are read by this parser from now on."""
        self.context.__dict__["parser"] = parser

    def bring(self, day: date, body: bytes | None = None, source: str = "daily") -> int:
        """That day's page is there."""
        raw = RawPage(
            url=f"https://papers.example/{source}/{day}",
            body=body or body_of(day),
            fetched_at=moment(day, 6),
            kind="hf",
            day=day,
        )
        with self.context.database.write() as session:
            found = session.exec(select(models.Source.id).where(models.Source.name == source)).one()
            assert found is not None
            return pages.keep(session, found, raw)[0]

    def sent(self) -> set[tuple[int, int]]:
        """Pairs of readers and entries that were sent."""
        with self.context.database.read() as session:
            rows = session.exec(select(models.Pick.reader_id, models.Pick.entry_id))
            return {*rows}

    def told(self) -> dict[str, tuple[Any, ...]]:
        """What is known of every paper that stands for itself, by its arXiv id or title."""
        with self.context.database.read() as session:
            rows = session.exec(select(models.Entry))
            return {
                row.arxiv_id or row.title: (row.title, row.abstract, tuple(row.authors))
                for row in rows
                if row.merged_into is None and not row.withdrawn
            }


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def body_of(day: date) -> bytes:
    """The day's page. Every paper's last sentence is its own, and some say what one reader waits for."""
    rows = json.loads(invented.day(day))
    for number, row in enumerate(rows):
        row["paper"]["id"] = f"2610.{day.timetuple().tm_yday * 30 + number:05d}"
        row["paper"]["title"] = row["title"] = f"{row['title']}, part {day:%d} {number}"
        last = (
            f"Seen {number} times by {SECRET} on {day}."
            if number % 9 == 4
            else f"Case {number} {day}."
        )
        row["paper"]["summary"] = f"{row['paper']['summary']} {last}"
    return json.dumps(rows).encode()


def lived(database: Database, settings: Settings, days: int = 14, parser: Any = None) -> Backlog:
    """Days of rounds with a parser (by default the faulty one), after a week for the lines."""
    clock = Clock()
    found = Backlog(Context(settings=settings, database=database, clock=clock), clock)
    found.read_by(parser or Faulty())
    begin = moment(FIRST - 7 * DAY, 3)
    clock.moment = begin
    with database.write() as session:
        sources.internal(session, "daily", SourceKind.HF, begin)
    for number in range(7):
        found.bring(FIRST - (7 - number) * DAY)
        found.round(moment(FIRST - (7 - number) * DAY, 6))
    fit_once(found.context, clock.moment)
    add_readers(found, moment(FIRST, 3))
    for number in range(days):
        day = FIRST + number * DAY
        found.days.append(day)
        found.bring(day)
        found.round(moment(day, 6))
        found.round(moment(day, 7, 5))
    return found


def add_readers(found: Backlog, at: datetime) -> None:
    """Everybody with their profile."""
    with found.context.database.write() as session:
        for number, body in enumerate(WISHES):
            reader = Reader(
                id=0, email=f"r{number}@readers.example", about=4, most=5, explore=False
            )
            key = readers.add(session, reader, next_digest_at=at, now=at)
            profiles.save(session, key, "papers", body, at)
            found.readers.append(key)


def fit_once(context: Context, now: datetime) -> None:
    """One scorer for all the days: in force whatever comes."""
    _, ground = fitted(context)
    with context.database.write() as session:
        data, version = ground.model.to_bytes(), ground.model.version
        shards.save_model(session, version=version, papers=10**9, data=data, now=now)
