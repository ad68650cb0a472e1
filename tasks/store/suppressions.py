"""Suppressions: addresses that want no mail ever again, each kept as its keyed hash alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from tasks.models import Suppression
from tasks.store import claims
from tasks.store.upsert import insert_new


def add(session: Session, hidden: str, now: datetime) -> None:
    """No mail to this address from now on."""
    insert_new(session, Suppression, [{"hash": hidden, "at": now}])


def holds(session: Session, hidden: str) -> bool:
    """Whether this address wants no mail."""
    return session.get(Suppression, hidden) is not None


def lift(session: Session, hidden: str) -> bool:
    """Mail may go to this address again; whether it was suppressed."""
    gone = delete(Suppression).where(col(Suppression.hash) == hidden)
    return claims.changed(session, gone) == 1
