"""Pausing, leaving, coming back, and making links void that went astray."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session

from tasks.desk.subscribing import hidden_for_ever
from tasks.errors import LinkOver, UsageError
from tasks.hours import is_zone, next_due, zone
from tasks.records import Reader
from tasks.round.context import Context
from tasks.store import readers, suppressions, tickets, visits

PAUSE_MOST = timedelta(days=366)


def pause(context: Context, reader_id: int, until: date | None) -> Reader:
    """No digests until that day (it has one again), or until `resume`. Raises `UsageError`."""
    with context.database.write() as session:
        return paused(session, readers.present(session, reader_id), until, context.clock())


def paused(session: Session, reader: Reader, until: date | None, now: datetime) -> Reader:
    """The reader, who pauses from now on. Raises `UsageError`."""
    if reader.state not in ("active", "paused"):
        raise UsageError("there is nothing to pause: no digests are sent to this address")
    return _paused(session, reader, until, now)


def pause_instead(context: Context, token: str, until: date) -> Reader:
    """A pause until that day for the reader whose mails carry this token, in place of leaving.

    Raises `LinkOver`, and `UsageError` where nobody confirmed the address, or for the day.
    """
    with context.database.write() as session:
        reader = _by_token(session, token)
        if reader.state == "pending":
            raise UsageError("there is nothing to pause: this address is not confirmed yet")
        suppressions.lift(session, hidden_for_ever(context, reader.email))
        return _paused(session, reader, until, context.clock())


def resume(context: Context, reader_id: int) -> Reader:
    """Digests again, for a reader who paused or left. Raises `UsageError` where nobody confirmed."""
    with context.database.write() as session:
        return resumed(context, session, readers.present(session, reader_id))


def resumed(context: Context, session: Session, reader: Reader) -> Reader:
    """The reader, who gets digests again: whoever says so wants mail. Raises `UsageError`."""
    if reader.state == "pending":
        raise UsageError("this address is not confirmed yet: press the link to confirm it")
    suppressions.lift(session, hidden_for_ever(context, reader.email))
    if reader.state != "active":
        readers.come_in(session, reader.id, next_due(reader, context.clock()))
    return readers.get(session, reader.id)


def leave(context: Context, token: str) -> Reader:
    """No more digests for the reader whose mails carry this token. Raises `LinkOver`."""
    with context.database.write() as session:
        readers.leave(session, token)
        return _by_token(session, token)


def undo(context: Context, token: str) -> Reader:
    """Digests again for a reader who left; another's state stays as it is. Raises `LinkOver`."""
    with context.database.write() as session:
        reader = _by_token(session, token)
        coming = next_due(reader, context.clock())
        suppressions.lift(session, hidden_for_ever(context, reader.email))
        readers.come_back(session, token, next_digest_at=coming)
        return _by_token(session, token)


def renew_links(context: Context, reader_id: int) -> Reader:
    """Every link mailed so far is void, except those that leave, and every browser is signed out.

    The address of the reader's feed stays, and so do their keys.
    """
    with context.database.write() as session:
        reader = readers.present(session, reader_id)
        readers.change(session, reader_id, epoch=reader.epoch + 1)
        tickets.void(session, reader_id, context.clock())
        visits.end_all(session, reader_id)
        return readers.get(session, reader_id)


def renew_feed(context: Context, reader_id: int) -> Reader:
    """The reader's feed has a new address, and none at the old one."""
    with context.database.write() as session:
        reader = readers.present(session, reader_id)
        readers.change(session, reader_id, feed=reader.feed + 1)
        return readers.get(session, reader_id)


def _paused(session: Session, reader: Reader, until: date | None, now: datetime) -> Reader:
    if until is not None and not timedelta() < until - _today(reader, now) <= PAUSE_MOST:
        raise UsageError("the day of return lies between tomorrow and a year from now")
    readers.change(session, reader.id, state="paused", back_on=until)
    return readers.get(session, reader.id)


def _today(reader: Reader, now: datetime) -> date:
    return now.astimezone(zone(reader.timezone if is_zone(reader.timezone) else "UTC")).date()


def _by_token(session: Session, token: str) -> Reader:
    reader = readers.by_token(session, token)
    if reader is None:
        raise LinkOver("this link is none of ours, or its reader is gone")
    return reader
