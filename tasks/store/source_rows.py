"""Sources as their admin sees and changes them: all that is set, how each fares, and one change at a time.

A change names what was seen, and is made only where that still stands: of two that were made at once, one
wins whole. An address that changes ends the turn that is under way: what it brings is of the old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from tasks.models import Edition, Page, Source
from tasks.records import SourceKind
from tasks.store import claims

FREE = {"owner": "", "lease_until": None}
ANEW = {"etag": "", "last_modified": "", "attempts": 0, "next_attempt_at": None, "error": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What of a source may be edited.

    `days` are the ISO weekdays on which it has an edition (empty: as its kind has), `holidays` the days
    on which it has none all the same.
    """

    address: str
    every_minutes: int
    days: str = ""
    holidays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """A source: what is set, and how it fares. `failures` are turns in a row that failed."""

    id: int
    name: str
    kind: SourceKind
    state: str
    plan: Plan
    fetched_at: datetime | None
    next_at: datetime | None
    busy_until: datetime | None
    failures: int
    error: str
    pages: int
    quarantined: int
    last_day: date | None


def rows(session: Session) -> list[SourceRow]:
    """All sources by their names, those that were removed last."""
    asked = select(Source).order_by(col(Source.state) == "removed", col(Source.name))
    return _told(session, list(session.exec(asked)))


def row(session: Session, name: str, *, lock: bool = False) -> SourceRow | None:
    """The source of that name, removed or not; with `lock` nobody else changes it until the commit."""
    if "\0" in name:  # PostgreSQL is not even to be asked for that
        return None
    asked = select(Source).where(Source.name == name)
    found = session.exec(asked.with_for_update() if lock else asked).first()
    return None if found is None else _told(session, [found])[0]


def set_state(session: Session, source_id: int, state: str, *, was: str) -> bool:
    """Pause, resume, remove or bring back a source that `was` in a state; whether it was."""
    values = {"state": state, "attempts": 0, "next_attempt_at": None}
    same = (col(Source.id) == source_id, col(Source.state) == was)
    return claims.changed(session, update(Source).where(*same).values(values)) == 1


def replan(session: Session, source_id: int, plan: Plan, *, was: Plan) -> None:
    """Write what is set. The caller holds the row."""
    values: dict[str, Any] = {
        "address": plan.address,
        "every_minutes": plan.every_minutes,
        "days": plan.days,
        "holidays": list(plan.holidays),
    }
    if plan.address != was.address:
        values |= FREE | ANEW
    elif plan.every_minutes < was.every_minutes:
        values["next_attempt_at"] = None  # the turn that was set is further away than it may be now
    session.execute(update(Source).where(col(Source.id) == source_id).values(values))


def hurry(session: Session, name: str = "") -> list[int]:
    """The active source of that name has its turn now, however often it failed; all of them without a name.

    Their ids.
    """
    which = [col(Source.state) == "active"] + ([col(Source.name) == name] if name else [])
    woken = update(Source).where(*which).values(next_attempt_at=None).returning(col(Source.id))
    return sorted(session.execute(woken).scalars())


def _told(session: Session, found: list[Source]) -> list[SourceRow]:
    pages, aside = _pages(session), _pages(session, "quarantined")
    days = select(Edition.source_id, func.max(Edition.day)).group_by(col(Edition.source_id))
    last: dict[int, date] = dict(session.exec(days).all())
    return [
        SourceRow(
            id=one.id or 0,
            name=one.name,
            kind=SourceKind(one.kind),
            state=one.state,
            plan=Plan(
                address=one.address,
                every_minutes=one.every_minutes,
                days=one.days,
                holidays=tuple(one.holidays),
            ),
            fetched_at=one.fetched_at,
            next_at=one.next_attempt_at,
            busy_until=one.lease_until,
            failures=one.attempts,
            error=one.error,
            pages=pages.get(one.id or 0, 0),
            quarantined=aside.get(one.id or 0, 0),
            last_day=last.get(one.id or 0),
        )
        for one in found
    ]


def _pages(session: Session, state: str = "") -> dict[int, int]:
    asked = select(Page.source_id, func.count()).group_by(col(Page.source_id))
    if state:
        asked = asked.where(Page.state == state)
    return dict(session.exec(asked).all())
