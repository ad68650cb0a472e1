"""Six weeks of invented papers in a store: more than a thousand, of seven subjects, by eighty authors."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import invented
from papers import bring
from sqlmodel import col, select

from tasks.models import Entry
from tasks.parse.page import parse_page
from tasks.records import ParsedEntry, RawPage
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store.database import Database

LAST = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DAYS = 42
FILED = ("cs.CL", "cs.AI", "cs.CV", "cs.LG", "cs.RO", "eess.AS", "stat.ML")  # by subject


def opened(migrated: Path, home: Path) -> Context:
    """A store with these papers, in a copy of a migrated SQLite file; its clock stands at `NOW`."""
    home.mkdir(exist_ok=True)
    database = Database(f"sqlite:///{shutil.copy(migrated, home / 'weeks.db')}")
    _fill(database)
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    return Context(settings=settings, database=database, clock=lambda: NOW)


def newest(context: Context, about: str, number: int) -> list[int]:
    """The newest papers with these words in their titles or abstracts, the newest first."""
    mine = col(Entry.title).contains(about) | col(Entry.abstract).contains(about)
    with context.database.read() as session:
        some = select(Entry.id).where(mine).order_by(col(Entry.id).desc()).limit(number)
        return [key or 0 for key in session.exec(some)]


def _fill(database: Database) -> None:
    for back in range(DAYS - 1, -1, -1):
        day = LAST - timedelta(days=back)
        at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
        found = parse_page(RawPage(url="", body=invented.day(day), fetched_at=at))
        filed = tuple(_filed(one, place) for place, one in enumerate(found.entries))
        with database.write() as session:
            bring(session, replace(found, entries=filed), at, body=f"day {day}".encode())


def _filed(one: ParsedEntry, place: int) -> ParsedEntry:
    return replace(one, categories=(FILED[place // invented.EACH % len(FILED)], "cs.LG"))
