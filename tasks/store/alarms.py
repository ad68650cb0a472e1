"""Alarms: opened once for each key, cleared once, and told once of each.

Who looks takes a turn first. A turn is one conditional update, so that of two who look at the same time one
alone writes what it saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from tasks.models import Alarm, Pulse
from tasks.store import claims
from tasks.store.upsert import insert_new

TURN = "watch"
LONG_AGO = timedelta(days=1)  # nobody is told any more
KEPT_FOR = timedelta(days=180)
AHEAD_MOST = timedelta(minutes=10)  # a turn further in the future was taken by a clock gone wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """An alarm that was raised, open while it has not been cleared."""

    id: int
    key: str
    kind: str
    words: str
    remedy: str
    raised_at: datetime
    cleared_at: datetime | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Something that wants an admin now. `key` names it; there is one open alarm of it.

    `said` is what somebody's server said about it, which not everybody need read.
    """

    key: str
    kind: str
    words: str
    remedy: str
    said: str = ""

    @property
    def whole(self) -> str:
        """The words, and what was said."""
        return f"{self.words.removesuffix('.')}: {self.said}" if self.said else self.words


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new: alarms that were raised, and those that were cleared."""

    raised: tuple[AlarmRow, ...] = ()
    cleared: tuple[AlarmRow, ...] = ()


def take(session: Session, name: str, now: datetime, until: datetime) -> bool:
    """Whether the turn of that name is ours until then: nobody has it, and nobody took a later one."""
    insert_new(session, Pulse, [{"name": name, "at": now - AHEAD_MOST, "note": ""}])
    at = col(Pulse.at)
    free = (col(Pulse.name) == name, (at < now) | (at > now + AHEAD_MOST))
    return claims.changed(session, update(Pulse).where(*free).values(at=until)) == 1


def sync(session: Session, found: Sequence[Found], now: datetime) -> Changes:
    """Open what is found and not open yet, clear what is open and not found any more."""
    standing = {row.key: row for row in session.exec(select(Alarm).where(_open()))}
    wanted = {one.key: one for one in found}
    raised = [
        Alarm(key=one.key, kind=one.kind, words=one.whole, remedy=one.remedy, raised_at=now)
        for key, one in wanted.items()
        if key not in standing
    ]
    session.add_all(raised)
    cleared = [row for key, row in standing.items() if key not in wanted]
    for row in cleared:
        row.cleared_at = now
    for key, row in standing.items():
        if key in wanted:
            row.words, row.remedy = wanted[key].whole, wanted[key].remedy
    session.flush()
    old = col(Alarm.cleared_at) < now - KEPT_FOR
    session.execute(delete(Alarm).where(old))
    return Changes(tuple(map(_row, raised)), tuple(map(_row, cleared)))


def standing(session: Session) -> list[AlarmRow]:
    """The alarms that are open, the oldest first."""
    found = session.exec(select(Alarm).where(_open()).order_by(col(Alarm.id)))
    return [_row(row) for row in found]


def history(session: Session, limit: int, *, before: int | None = None) -> list[AlarmRow]:
    """Alarms that were cleared, the newest first; from before that number on."""
    asked = select(Alarm).where(col(Alarm.cleared_at).is_not(None))
    if before is not None:
        asked = asked.where(col(Alarm.id) < before)
    return [_row(row) for row in session.exec(asked.order_by(col(Alarm.id).desc()).limit(limit))]


def untold(session: Session, now: datetime, limit: int) -> list[AlarmRow]:
    """Alarms of which something is still to be told, the oldest first; what is long ago stays untold."""
    where = _untold(now)
    found = session.exec(select(Alarm).where(where).order_by(col(Alarm.id)).limit(limit))
    return [_row(row) for row in found]


def told(session: Session, rows: Sequence[AlarmRow]) -> None:
    """They were told as `rows` say: raised, or cleared. What comes of them later is told then."""
    for row in rows:
        values = {"told_at": row.cleared_at or row.raised_at}
        session.execute(update(Alarm).where(col(Alarm.id) == row.id).values(values))


def _open() -> ColumnElement[bool]:
    return col(Alarm.cleared_at).is_(None)


def _untold(now: datetime) -> ColumnElement[bool]:
    told_at, cleared_at = col(Alarm.told_at), col(Alarm.cleared_at)
    raised = _open() & told_at.is_(None) & (col(Alarm.raised_at) >= now - LONG_AGO)
    cleared = (told_at.is_(None) | (told_at < cleared_at)) & (cleared_at >= now - LONG_AGO)
    return raised | cleared


def _row(row: Alarm) -> AlarmRow:
    assert row.id is not None
    return AlarmRow(
        id=row.id,
        key=row.key,
        kind=row.kind,
        words=row.words,
        remedy=row.remedy,
        raised_at=row.raised_at,
        cleared_at=row.cleared_at,
        told_at=row.told_at,
    )
