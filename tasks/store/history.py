"""What one reader was sent: their digests by day, and their picks from the newest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from tasks.models import Digest, Entry, Pick
from tasks.records import Pick as PickRecord
from tasks.store import digests


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One of a reader's digests in a line. States as in `models.Digest`; an empty one says its reason."""

    id: int
    day: date
    state: str
    papers: int
    considered: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A pick as it was sent, and when its digest was composed."""

    pick: PickRecord
    at: datetime


def days(
    session: Session, reader_id: int, *, limit: int, before: date | None = None
) -> Sequence[Day]:
    """A reader's digests, the newest first; those of days `before` one, where it is given. What was added
    to a day later belongs to it.
    """
    where: list[Any] = [col(Digest.reader_id) == reader_id]
    where += [] if before is None else [col(Digest.day) < before]
    first = select(func.min(Digest.addendum_of), col(Digest.day)).where(*where)
    newest = (
        first.group_by(col(Digest.day)).order_by(col(Digest.day).desc()).limit(limit).subquery()
    )
    own = aliased(Digest)
    papers = select(func.count(col(Pick.id))).join(own, col(own.id) == Pick.digest_id)
    papers = papers.where(own.reader_id == reader_id, own.day == Digest.day).correlate(Digest)
    found = session.exec(
        select(Digest, papers.scalar_subquery())
        .join(newest, (newest.c[1] == Digest.day) & (newest.c[0] == Digest.addendum_of))
        .where(*where)
        .order_by(col(Digest.day).desc())
    )
    return [_day(row, count) for row, count in found]


def of_day(
    session: Session, reader_id: int, day: date
) -> tuple[Day, tuple[PickRecord, ...]] | None:
    """The reader's digest of that day with its picks in order, if there is one; then what was added."""
    where = (Digest.reader_id == reader_id, Digest.day == day)
    rows = session.exec(select(Digest).where(*where).order_by(col(Digest.addendum_of))).all()
    if not rows:
        return None
    every = [pick for row in rows for pick in digests.load(session, row.id or 0).picks]
    picks = tuple(replace(pick, place=place) for place, pick in enumerate(every, start=1))
    return _day(rows[0], len(picks)), picks


def picked(session: Session, reader_id: int, limit: int) -> list[Sent]:
    """The reader's last picks, the newest digest first, in the order that each had."""
    found = session.exec(
        select(Pick, Entry, Digest.composed_at)
        .join(Entry, col(Entry.id) == Pick.entry_id)
        .join(Digest, col(Digest.id) == Pick.digest_id)
        .where(Pick.reader_id == reader_id, col(Digest.composed_at).is_not(None))
        .order_by(col(Digest.day).desc(), col(Pick.place))
        .limit(limit)
    )
    return [
        Sent(pick=digests.pick_record(pick, entry), at=at)
        for pick, entry, at in found
        if at is not None
    ]


def _day(row: Digest, papers: int) -> Day:
    assert row.id is not None
    return Day(
        id=row.id,
        day=row.day,
        state=row.state,
        papers=papers,
        considered=row.considered,
        reason=row.reason,
    )
