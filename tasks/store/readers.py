"""Readers: who they are and when their next digest is due."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from tasks.errors import UnknownName, UsageError
from tasks.models import Profile, Reader
from tasks.records import Reader as ReaderRecord
from tasks.store import claims, shards

NUMBER_MOST = 18  # digits of a row's number
FARTHEST = timedelta(days=9)  # a weekly reader's next digest is at most eight days away


def add(
    session: Session, reader: ReaderRecord, *, next_digest_at: datetime | None, now: datetime
) -> int:
    """Keep a new reader. The record's id and token are given here. Raises `UsageError` if known."""
    if session.exec(select(Reader.id).where(Reader.email == reader.email)).first() is not None:
        raise UsageError(f"{reader.email} is a reader already")
    row = Reader(
        email=reader.email,
        name=reader.name,
        timezone=reader.timezone,
        days="".join(map(str, reader.days)),
        hour=reader.hour,
        language=reader.language,
        about=reader.about,
        most=reader.most,
        threshold=reader.threshold,
        explore=reader.explore,
        text_only=reader.text_only,
        token=secrets.token_urlsafe(16),
        created_at=now,
        next_digest_at=next_digest_at,
        shard_id=shards.open_shard(session),
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def find(session: Session, who: str) -> ReaderRecord:
    """The reader with that address or number. Raises `UnknownName`."""
    return record(_row(session, who))


def get(session: Session, reader_id: int) -> ReaderRecord:
    """The reader with that id, who is known to exist."""
    return record(session.get_one(Reader, reader_id))


def remove(session: Session, who: str) -> None:
    """Delete a reader with everything that is theirs."""
    row = _row(session, who)
    shards.rewind(
        session, row.shard_id
    )  # a scoring under way must not write for a reader who is gone
    session.execute(delete(Reader).where(col(Reader.id) == row.id))


def set_state(session: Session, who: str, state: str) -> None:
    """active, paused or unsubscribed."""
    _row(session, who).state = state


def by_token(session: Session, token: str) -> ReaderRecord | None:
    """The reader whose mails carry this token, if it is anybody's."""
    row = session.exec(select(Reader).where(Reader.token == token)).first()
    return None if row is None else record(row)


def leave(session: Session, token: str) -> bool:
    """No more mail for the reader with this token; whether it is anybody's. May be done again."""
    done = update(Reader).where(col(Reader.token) == token).values(state="unsubscribed")
    return claims.changed(session, done) == 1


def come_back(session: Session, token: str, *, next_digest_at: datetime | None) -> None:
    """Mail again from then on for the reader with this token, if they unsubscribed."""
    where = (col(Reader.token) == token, col(Reader.state) == "unsubscribed")
    values = {"state": "active", "next_digest_at": next_digest_at}
    session.execute(update(Reader).where(*where).values(values))


def has_left(session: Session, reader_id: int) -> bool:
    """Whether this reader unsubscribed."""
    state = session.exec(select(Reader.state).where(Reader.id == reader_id)).first()
    return state == "unsubscribed"


def is_active(session: Session, reader_id: int) -> bool:
    """Whether mail may go to this reader now."""
    return session.exec(select(Reader.state).where(Reader.id == reader_id)).first() == "active"


def active(session: Session) -> list[ReaderRecord]:
    """All readers who get mail."""
    found = select(Reader).where(Reader.state == "active").order_by(col(Reader.id))
    return [record(row) for row in session.exec(found)]


def due(session: Session, at: datetime, limit: int) -> list[ReaderRecord]:
    """Active readers whose next digest is due."""
    coming = col(Reader.next_digest_at)
    # A moment that no reader can have was set by a clock or a trial in the far future: look again.
    where = (Reader.state == "active", (coming <= at) | (coming > at + FARTHEST))
    found = select(Reader).where(*where).order_by(coming).limit(limit)
    return [record(row) for row in session.exec(found.with_for_update(skip_locked=True))]


def planned(session: Session, plans: Iterable[tuple[int, datetime | None]]) -> None:
    """Set when each reader is looked at next."""
    values = [{"id": key, "next_digest_at": at} for key, at in plans]
    if values:
        session.execute(update(Reader), values)


def rows(session: Session) -> list[dict[str, Any]]:
    """All readers, as the admin lists them."""
    names: dict[int, list[str]] = {}
    for profile in session.exec(select(Profile).order_by(col(Profile.id))):
        names.setdefault(profile.reader_id, []).append(profile.name)
    return [
        {
            "id": row.id,
            "email": row.email,
            "name": row.name,
            "state": row.state,
            "timezone": row.timezone,
            "hour": row.hour,
            "days": row.days,
            "about": row.about,
            "most": row.most,
            "threshold": row.threshold,
            "explore": row.explore,
            "next_digest_at": row.next_digest_at,
            "profiles": names.get(row.id or 0, []),
        }
        for row in session.exec(select(Reader).order_by(col(Reader.id)))
    ]


def record(row: Reader) -> ReaderRecord:
    """The row as the steps see it."""
    assert row.id is not None
    return ReaderRecord(
        id=row.id,
        email=row.email,
        name=row.name,
        timezone=row.timezone,
        days=tuple(map(int, row.days)),
        hour=row.hour,
        language=row.language,
        about=row.about,
        most=row.most,
        threshold=row.threshold,
        explore=row.explore,
        text_only=row.text_only,
        token=row.token,
    )


def _row(session: Session, who: str) -> Reader:
    is_number = who.isascii() and who.isdecimal() and len(who) <= NUMBER_MOST
    where = Reader.id == int(who) if is_number else Reader.email == who.strip().lower()
    row = session.exec(select(Reader).where(where)).first()
    if row is None:
        raise UnknownName(f"no reader {who!r}: see `paperround readers list`")
    return row
