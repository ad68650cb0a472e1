"""Old pages, what stood on them, and the entries as they are: what a backlog run looks at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session, col, select

from tasks.models import Entry, Identifier, Page, Sighting, Source
from tasks.store import entries

SOME = 500  # ids in one question to the database
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept page: whose it is, which day's edition, when it came, and what was made of it."""

    id: int
    source: str
    day: date
    fetched_at: datetime
    state: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A sighting: which entry stood where on a page."""

    id: int
    page_id: int
    entry_id: int
    rank: int
    upvotes: int | None
    arxiv_version: int | None
    source_key: str
    warnings: Sequence[str]


STOOD = ("rank", "upvotes", "arxiv_version", "source_key", "warnings")
FACTS = ("shape", "entries", "rejected_items", "warnings", "error")


def pages_of(session: Session, first: date, last: date, sources: Sequence[str] = ()) -> list[Kept]:
    """The pages of these days that were read or set aside, the first fetched first.

    A page without a day of its own belongs to the day it was fetched on.
    """
    begin, end = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
    undated = col(Page.day).is_(None) & (col(Page.fetched_at) >= begin) & (Page.fetched_at < end)
    where: list[Any] = [col(Page.day).between(first, last) | undated]
    where += [col(Source.name).in_(sources)] if sources else []
    return _pages(session, *where)


def pages_seeing(session: Session, entry_ids: Iterable[int]) -> list[Kept]:
    """The pages on which any of these entries stood, the first fetched first."""
    found: dict[int, Kept] = {}
    for some in parts(entry_ids):
        seen = select(Sighting.page_id).where(col(Sighting.entry_id).in_(some))
        found |= {page.id: page for page in _pages(session, col(Page.id).in_(seen))}
    return [found[key] for key in sorted(found)]


def _pages(session: Session, *where: Any) -> list[Kept]:
    found = session.exec(
        select(Page, Source.name)
        .join(Source, col(Source.id) == Page.source_id)
        .where(*where, col(Page.state).in_(("parsed", "quarantined")))
        .order_by(col(Page.id))
    )
    return [
        Kept(
            id=row.id or 0,
            source=name,
            day=row.day or row.fetched_at.date(),
            fetched_at=row.fetched_at,
            state=row.state,
            facts={fact: getattr(row, fact) for fact in FACTS},
        )
        for row, name in found
    ]


def days_of(session: Session, first: date, last: date) -> dict[str, set[date]]:
    """The days of which each source has brought a page that could be read."""
    found: dict[str, set[date]] = {}
    rows = session.exec(
        select(Source.name, col(Page.day))
        .join(Page, col(Page.source_id) == Source.id)
        .where(col(Page.day).between(first, last), Page.state != "quarantined")
        .distinct()
    )
    for name, day in rows:
        if day is not None:
            found.setdefault(name, set()).add(day)
    return found


def sightings_on(session: Session, page_ids: Iterable[int]) -> list[Seen]:
    """What stood on these pages. What an emptied entry kept was seen as another entry too."""
    found: list[Seen] = []
    for some in parts(page_ids):
        rows = session.exec(
            select(Sighting)
            .join(Entry, col(Entry.id) == Sighting.entry_id)
            .where(col(Sighting.page_id).in_(some), col(Entry.merged_into).is_(None))
            .order_by(col(Sighting.id))
        )
        found += [
            Seen(row.id or 0, row.page_id, row.entry_id, **{f: getattr(row, f) for f in STOOD})
            for row in rows
        ]
    return found


def owners(session: Session, names: Iterable[Name]) -> dict[Name, int]:
    """Which entries are known by these names."""
    wanted = set(names)
    found: dict[Name, int] = {}
    for some in parts({value for _, value in wanted}):
        for row in session.exec(select(Identifier).where(col(Identifier.value).in_(some))):
            if (row.kind, row.value) in wanted:
                found[row.kind, row.value] = row.entry_id
    return found


def names_of(session: Session, entry_ids: Iterable[int]) -> dict[int, set[Name]]:
    """What each of these entries is known by."""
    found: dict[int, set[Name]] = {}
    for some in parts(entry_ids):
        for row in session.exec(select(Identifier).where(col(Identifier.entry_id).in_(some))):
            found.setdefault(row.entry_id, set()).add((row.kind, row.value))
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """An entry as it is: its columns, and when it was news."""

    columns: dict[str, Any]
    arrived: datetime | None


def held(session: Session, entry_ids: Iterable[int]) -> dict[int, Held]:
    """These entries as they are."""
    found: dict[int, Held] = {}
    for some in parts(entry_ids):
        for row in session.exec(select(Entry).where(col(Entry.id).in_(some))):
            found[row.id or 0] = Held(columns(row), row.arrived_at)
    return found


def columns(row: Entry) -> dict[str, Any]:
    """What is known of an entry, as JSON takes it."""
    told = {name: getattr(row, name) for name in entries.TOLD}
    return told | {"published": told["published"].isoformat() if told["published"] else None}


def row_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as JSON had them, for a row."""
    published = told["published"]
    return dict(told) | {"published": datetime.fromisoformat(published) if published else None}


def news_of(session: Session, day: date) -> dict[int, dict[str, Any]]:
    """What was news on that day (in UTC): the columns of each entry, by its id."""
    rows = session.exec(
        select(Entry)
        .where(*entries.between(day, day), col(Entry.merged_into).is_(None))
        .order_by(col(Entry.id))
        .limit(entries.PAST_MOST)
    )
    return {row.id or 0: columns(row) for row in rows}


def parts(keys: Iterable[Any]) -> Iterable[list[Any]]:
    """Keys in order, each once, so many at a time as one question takes."""
    ordered = sorted(set(keys))
    return (ordered[start : start + SOME] for start in range(0, len(ordered), SOME))
