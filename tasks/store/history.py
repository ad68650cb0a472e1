"""What one reader was sent: their digests by day, and their picks from the newest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

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
    """A reader's digests, the newest first; those of days `before` one, where it is given."""
    where: list[Any] = [col(Digest.reader_id) == reader_id]
    where += [] if before is None else [col(Digest.day) < before]
    papers = select(func.count(col(Pick.id))).where(Pick.digest_id == Digest.id)
    found = session.exec(
        select(Digest, papers.scalar_subquery())
        .where(*where)
        .order_by(col(Digest.day).desc())
        .limit(limit)
    )
    return [_day(row, count) for row, count in found]


def of_day(
    session: Session, reader_id: int, day: date
) -> tuple[Day, tuple[PickRecord, ...]] | None:
    """The reader's digest of that day with its picks in order, if there is one."""
    where = (Digest.reader_id == reader_id, Digest.day == day)
    row = session.exec(select(Digest).where(*where)).first()
    if row is None or row.id is None:
        return None
    picks = digests.load(session, row.id).picks
    return _day(row, len(picks)), picks


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
