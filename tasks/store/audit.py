"""The audit: who did what to which thing. Rows are added and never changed, but for those that count.

An action is told in the past ("password changed"), a subject by its kind and name ("admin ada",
"reader 12"). Nobody's address stands here, and no secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from tasks.models import Audit
from tasks.store import counters

LOOK_BACK = 1000  # rows in which names and actions to choose from are looked for
COUNTED = timedelta(hours=1)  # how long one row counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One row: `who` did the `action` to the `subject`."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str
    detail: dict[str, Any]


def note(
    session: Session, who: str, action: str, subject: str = "", *, now: datetime, **detail: Any
) -> None:
    """Add a row. `detail` is JSON: numbers, words, lists and objects of them."""
    session.add(Audit(at=now, who=who, action=action, subject=subject, detail=detail))


def count(session: Session, who: str, action: str, *, now: datetime) -> None:
    """Add one to this hour's row of what anybody may do as often as they like, so that it stays one row."""
    counters.lock(session, "audit")
    same = (Audit.who == who, Audit.action == action, col(Audit.at) > now - COUNTED)
    row = session.exec(select(Audit).where(*same).order_by(col(Audit.id).desc()).limit(1)).first()
    if row is None:
        note(session, who, action, now=now, times=1)
    else:
        row.detail = {"times": row.detail["times"] + 1}


def rows(
    session: Session,
    limit: int,
    *,
    before: int | None = None,
    who: str = "",
    action: str = "",
) -> list[Act]:
    """The newest first; those older than row `before`, by that name alone and of that action alone."""
    asked = select(Audit).order_by(col(Audit.id).desc()).limit(limit)
    if before is not None:
        asked = asked.where(col(Audit.id) < before)
    if who:
        asked = asked.where(Audit.who == who)
    if action:
        asked = asked.where(Audit.action == action)
    return [_act(row) for row in session.exec(asked)]


def choices(session: Session) -> tuple[list[str], list[str]]:
    """The names and the actions of the newest rows, in order, to choose from."""
    newest = select(Audit.who, Audit.action).order_by(col(Audit.id).desc()).limit(LOOK_BACK)
    found = session.exec(newest).all()
    return sorted({who for who, _ in found}), sorted({action for _, action in found})


def _act(row: Audit) -> Act:
    assert row.id is not None
    return Act(
        id=row.id,
        at=row.at,
        who=row.who,
        action=row.action,
        subject=row.subject,
        detail=row.detail,
    )
