"""Days as readers see them: the papers of one day, merged over all sources.

A paper stands on the day of each page that it was sighted on, and where a page has no day (a feed) on
the day of its arrival. Withdrawn papers, and entries that turned out to be others, stand nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Subquery, union_all
from sqlmodel import Session, col, func, select

from tasks.models import Entry, Page, Sighting, Source
from tasks.records import Paper
from tasks.store.entries import paper

SHOWN = (col(Entry.withdrawn).is_(False), col(Entry.merged_into).is_(None))
# Not `day IS NULL`: SQLite would rather go through all such pages than through the entries of a few days.
UNDATED = col(Page.day).is_not(None).is_(False)
SIGHTINGS_MOST = 100  # of one paper: a daily page that is fetched each hour counts once a day


@dataclass(frozen=True, slots=True)
class Listed:
    """A paper of a day: the names of the sources it stood on, and when its text last changed."""

    paper: Paper
    sources: tuple[str, ...]
    updated: datetime


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a paper stood on one day of one source: its best rank and its most votes there."""

    day: date
    source: str
    rank: int
    votes: int | None


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of one paper. `became` is the entry that it turned out to be."""

    paper: Paper
    first_seen: datetime
    withdrawn: bool
    became: int | None
    sights: tuple[Sight, ...]


# --- days ----------------------------------------------------------------------------------------
def newest(session: Session, *, before: date) -> date | None:
    """The newest day before that one (exclusive) with papers."""
    dated = _page_day(session, col(Page.day) < before, col(Page.day).desc())
    arrived = [col(Entry.arrived_at) < _midnight(before)]
    if dated:
        arrived.append(col(Entry.arrived_at) >= _midnight(dated))
    undated = _arrival_day(session, arrived, col(Entry.arrived_at).desc())
    return max(filter(None, (dated, undated)), default=None)


def oldest(session: Session, *, after: date, before: date) -> date | None:
    """The oldest day with papers between those two (both exclusive)."""
    between = (col(Page.day) > after) & (col(Page.day) < before)
    dated = _page_day(session, between, col(Page.day))
    first, last = _midnight(after) + timedelta(days=1), _midnight(dated or before)
    arrived = [col(Entry.arrived_at) >= first, col(Entry.arrived_at) < last]
    undated = _arrival_day(session, arrived, col(Entry.arrived_at))
    return min(filter(None, (dated, undated)), default=None)


def _page_day(session: Session, where: ColumnElement[bool], order: Any) -> date | None:
    stands = select(Sighting.id).join(Entry).where(Sighting.page_id == Page.id, *SHOWN).exists()
    found = select(col(Page.day)).where(where, stands).order_by(order).limit(1)
    return session.exec(found).first()


def _arrival_day(session: Session, where: list[Any], order: Any) -> date | None:
    stands = select(Sighting.id).join(Page).where(Sighting.entry_id == Entry.id, UNDATED).exists()
    # A merged entry has no arrival. To ask for `merged_into` would mislead SQLite as above.
    where = [*where, col(Entry.withdrawn).is_(False), stands]
    found = select(Entry.arrived_at).where(*where).order_by(order).limit(1)
    arrived = session.exec(found).first()
    return arrived.date() if arrived else None


def counts(session: Session, first: date, last: date) -> dict[date, int]:
    """How many papers each of these days has, the newest first; days without papers are left out."""
    standing = _standing(first, last)
    found = (
        select(standing.c.day, func.count(func.distinct(standing.c.entry_id)))
        .join(Entry, col(Entry.id) == standing.c.entry_id)
        .where(*SHOWN)
        .group_by(standing.c.day)
        .order_by(standing.c.day.desc())
    )
    return dict(session.exec(found).all())


def listed(session: Session, day: date, *, limit: int, offset: int = 0) -> list[Listed]:
    """The papers of a day: those with most votes first, without votes last, then by rank."""
    standing = _standing(day, day)
    rank = func.min(standing.c.rank).label("rank")
    best = select(standing.c.entry_id, rank).group_by(standing.c.entry_id).subquery()
    found = (
        select(Entry)
        .join(best, best.c.entry_id == Entry.id)
        .where(*SHOWN)
        .order_by(col(Entry.upvotes).desc().nulls_last(), best.c.rank, col(Entry.id))
    )
    rows = session.exec(found.limit(limit).offset(offset)).all()
    sources = _sources(session, standing, [row.id for row in rows])
    return [
        Listed(paper(row), tuple(sorted(sources.get(row.id, ()))), row.updated_at) for row in rows
    ]


def _sources(
    session: Session, standing: Subquery, ids: Sequence[int | None]
) -> dict[Any, set[str]]:
    found = (
        select(standing.c.entry_id, Source.name)
        .join(Source, col(Source.id) == standing.c.source_id)
        .where(standing.c.entry_id.in_(ids))
        .distinct()
    )
    names: dict[Any, set[str]] = {}
    for entry_id, name in session.exec(found):
        names.setdefault(entry_id, set()).add(name)
    return names


def _standing(first: date, last: date) -> Subquery:
    """(day, entry, rank, source) for every sighting from `first` to `last`.

    Two searches, since each finds its rows by an index: pages by day, entries by arrival.
    """
    what = (Sighting.entry_id, Sighting.rank, Page.source_id)
    dated: Any = (
        select(col(Page.day).label("day"), *what)
        .join(Page, col(Page.id) == Sighting.page_id)
        .where(col(Page.day).between(first, last))
    )
    arrived = col(Entry.arrived_at)
    undated = (
        select(_day_of(arrived).label("day"), *what)
        .join(Page, col(Page.id) == Sighting.page_id)
        .join(Entry, col(Entry.id) == Sighting.entry_id)
        .where(UNDATED, arrived >= _midnight(first))
        .where(arrived < _midnight(last) + timedelta(days=1))
    )
    return union_all(dated, undated).subquery()


def _day_of(moment: Any) -> Any:
    return func.date(moment, type_=Date())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


# --- one paper -----------------------------------------------------------------------------------
def known(session: Session, entry_id: int) -> Known | None:
    """One paper with its newest sightings, or nothing where there is no such entry."""
    row = session.get(Entry, entry_id)
    if row is None:
        return None
    return Known(
        paper=paper(row),
        first_seen=row.created_at,
        withdrawn=row.withdrawn,
        became=row.merged_into,
        sights=_sights(session, entry_id),
    )


def _sights(session: Session, entry_id: int) -> tuple[Sight, ...]:
    day = func.coalesce(Page.day, _day_of(col(Page.fetched_at)), type_=Date())
    found = (
        select(day, Source.name, func.min(Sighting.rank), func.max(Sighting.upvotes))
        .join(Page, col(Page.id) == Sighting.page_id)
        .join(Source, col(Source.id) == Page.source_id)
        .where(Sighting.entry_id == entry_id)
        .group_by(day, Source.name)
        .order_by(day.desc(), col(Source.name))
        .limit(SIGHTINGS_MOST)
    )
    return tuple(Sight(*row) for row in session.exec(found))
