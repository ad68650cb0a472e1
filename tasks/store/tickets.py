"""Tickets: secrets that were mailed, each for one purpose and one use. Only their hashes are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from tasks.errors import LinkOver
from tasks.models import Ticket
from tasks.sealing import hash_of
from tasks.store import claims

CONFIRM, SIGN_IN = "confirm", "sign-in"
KEPT = timedelta(days=7)  # how long a ticket that is over can still say why
AGAIN = {
    CONFIRM: "subscribe again, and a new link comes by mail",
    SIGN_IN: "ask for a new link to sign in",
}


def keep(
    session: Session, secret: str, reader_id: int, purpose: str, *, now: datetime, until: datetime
) -> None:
    """A new ticket with that secret. The reader's older ones of this purpose are void."""
    session.execute(update(Ticket).where(*_open(reader_id, now, purpose)).values(expires_at=now))
    row = Ticket(
        hash=hash_of(secret),
        purpose=purpose,
        reader_id=reader_id,
        created_at=now,
        expires_at=until,
    )
    session.add(row)
    session.flush()


def holder(session: Session, secret: str, purpose: str, *, now: datetime) -> int | None:
    """Whose valid ticket it is. Changes nothing."""
    where = (*_named(secret, purpose), col(Ticket.used_at).is_(None), col(Ticket.expires_at) > now)
    return session.exec(select(Ticket.reader_id).where(*where)).first()


def use(session: Session, secret: str, purpose: str, *, now: datetime) -> int:
    """Use a ticket up: whose it was. Raises `LinkOver` with the way out when it is not valid."""
    where = (*_named(secret, purpose), col(Ticket.used_at).is_(None), col(Ticket.expires_at) > now)
    used = update(Ticket).where(*where).values(used_at=now).returning(col(Ticket.reader_id))
    reader_id = session.execute(used).scalar_one_or_none()
    if reader_id is None:
        raise LinkOver(f"{_why(session, secret, purpose)}: {AGAIN[purpose]}")
    return int(reader_id)


def void(session: Session, reader_id: int, now: datetime) -> None:
    """No open ticket of this reader holds any longer."""
    session.execute(update(Ticket).where(*_open(reader_id, now)).values(expires_at=now))


def purge(session: Session, now: datetime) -> int:
    """Forget tickets that have long been over; how many."""
    return claims.changed(session, delete(Ticket).where(col(Ticket.expires_at) < now - KEPT))


def _named(secret: str, purpose: str) -> tuple[ColumnElement[bool], ...]:
    return col(Ticket.hash) == hash_of(secret), col(Ticket.purpose) == purpose


def _open(reader_id: int, now: datetime, purpose: str = "") -> tuple[ColumnElement[bool], ...]:
    mine = (col(Ticket.reader_id) == reader_id, col(Ticket.used_at).is_(None))
    open_ = (*mine, col(Ticket.expires_at) > now)
    return (*open_, col(Ticket.purpose) == purpose) if purpose else open_


def _why(session: Session, secret: str, purpose: str) -> str:
    row = session.exec(select(Ticket).where(*_named(secret, purpose))).first()
    if row is None:
        return "this link is none of ours, or was mailed long ago"
    return (
        "this link was used already" if row.used_at else "this link is too old, or a newer one came"
    )
