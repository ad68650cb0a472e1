"""Admins' visits: browsers that are signed in, known by the hashes of their cookies.

A visit ends when it is idle too long, when it is old, and with any change of its admin's credentials.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, update
from sqlmodel import Session, col, select

from tasks.models import Admin, AdminVisit
from tasks.sealing import hash_of, new_secret
from tasks.store import admins, claims

IDLE = timedelta(hours=12)
LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A signed-in browser of an admin."""

    id: int
    admin_id: int
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def begin(session: Session, admin: admins.Admin, *, now: datetime) -> str:
    """A new visit's secret, which nothing keeps."""
    secret = new_secret()
    row = AdminVisit(
        hash=hash_of(secret),
        admin_id=admin.id,
        epoch=admin.epoch,
        created_at=now,
        seen_at=now,
        expires_at=now + LASTS,
    )
    session.add(row)
    session.flush()
    return secret


def find(session: Session, secret: str, *, now: datetime) -> tuple[admins.Admin, Visit] | None:
    """Whose visit it is, while it lasts. Changes nothing."""
    joined = select(Admin, AdminVisit).join(AdminVisit, col(AdminVisit.admin_id) == Admin.id)
    mine = (AdminVisit.hash == hash_of(secret), AdminVisit.epoch == Admin.epoch)
    lasting = (col(AdminVisit.expires_at) > now, col(AdminVisit.seen_at) > now - IDLE)
    found = session.exec(joined.where(*mine, *lasting)).first()
    return None if found is None else (admins.record(found[0]), _visit(found[1]))


def seen(session: Session, visit_id: int, *, now: datetime) -> None:
    """The browser is still there."""
    session.execute(update(AdminVisit).where(col(AdminVisit.id) == visit_id).values(seen_at=now))


def listed(session: Session, *, now: datetime) -> list[Visit]:
    """The visits of all admins that last, the newest first."""
    lasting = (col(AdminVisit.expires_at) > now, col(AdminVisit.seen_at) > now - IDLE)
    found = select(AdminVisit).where(*lasting).order_by(col(AdminVisit.id).desc())
    return [_visit(row) for row in session.exec(found)]


def end(session: Session, secret: str) -> int | None:
    """This visit is over; whose it was, if it was one."""
    mine = col(AdminVisit.hash) == hash_of(secret)
    ended = delete(AdminVisit).where(mine).returning(col(AdminVisit.admin_id))
    return session.execute(ended).scalar()


def end_one(session: Session, admin_id: int, visit_id: int) -> bool:
    """That visit of this admin is over; whether it was theirs."""
    mine = (col(AdminVisit.id) == visit_id, col(AdminVisit.admin_id) == admin_id)
    return claims.changed(session, delete(AdminVisit).where(*mine)) == 1


def end_all(session: Session, admin_id: int) -> int:
    """All visits of an admin are over; how many there were."""
    return claims.changed(session, delete(AdminVisit).where(col(AdminVisit.admin_id) == admin_id))


def purge(session: Session, now: datetime) -> int:
    """Forget visits that are over; how many."""
    over = or_(col(AdminVisit.expires_at) <= now, col(AdminVisit.seen_at) <= now - IDLE)
    return claims.changed(session, delete(AdminVisit).where(over))


def _visit(row: AdminVisit) -> Visit:
    assert row.id is not None
    return Visit(
        id=row.id,
        admin_id=row.admin_id,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )
