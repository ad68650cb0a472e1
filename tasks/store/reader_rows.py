"""Readers as an admin sees them: who they are, what was made for them and what became of it.

What they are interested in, what they were sent and what they said of it stays theirs: no profile, no
title and no answer is asked for here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, update
from sqlmodel import Session, col, func, select

from tasks.models import Delivery, Digest, Pick, Reader
from tasks.records import Reader as ReaderRecord
from tasks.store import deliveries, readers
from tasks.store.deliveries import OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRow:
    """A reader: what they set of hours and zones, and since when they are known."""

    reader: ReaderRecord
    created_at: datetime
    confirmed_at: datetime | None
    next_at: datetime | None
    shard_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A digest of a reader in numbers, and what became of its mail."""

    id: int
    day: date
    state: str
    error: str
    picks: int
    considered: int
    composed_at: datetime | None
    delivery_id: int | None
    delivery: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterSent:
    """A letter to a reader and what became of it."""

    id: int
    kind: str
    state: str
    created_at: datetime
    sent_at: datetime | None


def search(
    session: Session, text: str, limit: int, *, state: str = "", after: int = 0
) -> list[ReaderRow]:
    """Readers whose address or name contains `text`, or whose number it is, in the order they came."""
    asked = select(Reader).where(col(Reader.id) > after).order_by(col(Reader.id)).limit(limit)
    if text:
        like = [
            part.icontains(text, autoescape=True) for part in (col(Reader.email), col(Reader.name))
        ]
        asked = asked.where(or_(*like, *_numbered(text)))
    if state:
        asked = asked.where(Reader.state == state)
    return [_row(one) for one in session.exec(asked)]


def numbered(session: Session, reader_id: int) -> ReaderRow | None:
    """The reader of that number, if there is one."""
    found = session.get(Reader, reader_id)
    return None if found is None else _row(found)


def counts(session: Session) -> dict[str, int]:
    """How many readers are in each state."""
    asked = select(Reader.state, func.count()).group_by(col(Reader.state))
    return dict(session.exec(asked).all())


def made(session: Session, reader_id: int, limit: int, *, before: int | None = None) -> list[Made]:
    """A reader's digests, the newest first; older than digest `before`."""
    picks = select(func.count(col(Pick.id))).where(Pick.digest_id == Digest.id).scalar_subquery()
    asked: Any = select(Digest, picks, Delivery.id, Delivery.state)
    asked = asked.add_columns(col(Delivery.sent_at))
    asked = asked.outerjoin(Delivery, col(Delivery.digest_id) == col(Digest.id))
    asked = asked.where(col(Digest.reader_id) == reader_id)
    if before is not None:
        asked = asked.where(col(Digest.id) < before)
    found = session.execute(asked.order_by(col(Digest.id).desc()).limit(limit))
    return [
        Made(
            id=digest.id,
            day=digest.day,
            state=digest.state,
            error=digest.error,
            picks=number,
            considered=digest.considered,
            composed_at=digest.composed_at,
            delivery_id=key,
            delivery=state or "",
            sent_at=sent_at,
        )
        for digest, number, key, state, sent_at in found
    ]


def letters(session: Session, reader_id: int, limit: int) -> list[LetterSent]:
    """The newest letters to a reader."""
    asked = select(Delivery).where(Delivery.reader_id == reader_id, col(Delivery.letter) != "")
    return [
        LetterSent(
            id=one.id or 0,
            kind=one.letter,
            state=one.state,
            created_at=one.created_at,
            sent_at=one.sent_at,
        )
        for one in session.exec(asked.order_by(col(Delivery.id).desc()).limit(limit))
    ]


def stop_mails(session: Session, reader_id: int) -> int:
    """Mails to a reader that wait to be handed over do not go any more, and free their papers; how many.

    Letters lose their words, so that nobody sends one again.
    """
    mine = col(Delivery.reader_id) == reader_id
    stopped = deliveries.stop(session, mine, words="the address was suppressed by an admin")
    over = (col(Delivery.letter) != "", col(Delivery.state).not_in(OPEN))
    session.execute(update(Delivery).where(mine, *over).values(body=b""))
    return stopped


def _numbered(text: str) -> list[Any]:
    is_number = text.isascii() and text.isdecimal() and len(text) <= readers.NUMBER_MOST
    return [col(Reader.id) == int(text)] if is_number else []


def _row(row: Reader) -> ReaderRow:
    return ReaderRow(
        reader=readers.record(row),
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
        next_at=row.next_digest_at,
        shard_id=row.shard_id,
    )
