"""Six weeks of invented papers in a store: more than a thousand, of seven subjects, by eighty authors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import invented
from papers import bring

from tasks.parse.page import parse_page
from tasks.records import ParsedEntry, RawPage
from tasks.store.database import Database

LAST = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DAYS = 42
FILED = ("cs.CL", "cs.AI", "cs.CV", "cs.LG", "cs.RO", "eess.AS", "stat.ML")  # by subject


def fill(path: Path) -> None:
    """Bring the papers into a migrated SQLite file."""
    database = Database(f"sqlite:///{path}")
    for back in range(DAYS - 1, -1, -1):
        day = LAST - timedelta(days=back)
        at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
        found = parse_page(RawPage(url="", body=invented.day(day), fetched_at=at))
        filed = tuple(_filed(one, place) for place, one in enumerate(found.entries))
        with database.write() as session:
            bring(session, replace(found, entries=filed), at, body=f"day {day}".encode())
    database.close()


def _filed(one: ParsedEntry, place: int) -> ParsedEntry:
    return replace(one, categories=(FILED[place // invented.EACH % len(FILED)], "cs.LG"))
