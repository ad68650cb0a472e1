"""Readers: who they are and when their next digest is due."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from tasks.errors import UnknownName, UsageError
from tasks.hours import is_zone, next_due, zone
from tasks.models import Profile, Reader, Ticket
from tasks.records import Reader as ReaderRecord
from tasks.store import claims, shards

NUMBER_MOST = 18  # digits of a row's number
FARTHEST = timedelta(days=9)  # a weekly reader's next digest is at most eight days away
PENDING_FOR = timedelta(days=7)  # how long an address that nobody confirmed is kept
EPOCHS = (
    2**30
)  # where counting begins is random: SQLite gives a deleted reader's number to the next


def add(
    session: Session, reader: ReaderRecord, *, next_digest_at: datetime | None, now: datetime
) -> int:
    """Keep a new reader. Id, token, epoch and feed are given here. Raises `UsageError` if known."""
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
        length=reader.length,
        state=reader.state,
        epoch=secrets.randbelow(EPOCHS),
        feed=secrets.randbelow(EPOCHS),
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


def seek(session: Session, reader_id: int) -> ReaderRecord | None:
    """The reader with that id, if there is one (still)."""
    row = session.get(Reader, reader_id)
    return None if row is None else record(row)


def lock(session: Session, reader_id: int) -> bool:
    """Whoever else locks this reader waits until this transaction ends; whether there is one."""
    mine = select(Reader.id).where(Reader.id == reader_id).with_for_update(key_share=True)
    return session.exec(mine).first() is not None


def present(session: Session, reader_id: int) -> ReaderRecord:
    """The reader with that id. Raises `UnknownName` when they are gone: they may leave at any time."""
    reader = seek(session, reader_id)
    if reader is None:
        raise UnknownName("this reader is gone: subscribe to begin anew")
    return reader


def by_email(session: Session, email: str) -> ReaderRecord | None:
    """The reader with that address, in its canonical form, if it is anybody's."""
    row = session.exec(select(Reader).where(Reader.email == email)).first()
    return None if row is None else record(row)


def change(session: Session, reader_id: int, **values: Any) -> bool:
    """Set columns of a reader; whether there is one. `days` are digits."""
    mine = col(Reader.id) == reader_id
    return claims.changed(session, update(Reader).where(mine).values(values)) == 1


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
    where = (Reader.token == token, Reader.state == "unsubscribed")
    found = session.exec(select(Reader.id).where(*where)).first()
    if found is not None:
        come_in(session, found, next_digest_at)


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


def looked_at(session: Session, reader_id: int) -> datetime | None:
    """When this reader's next digest is looked for; None for a reader without days."""
    return session.exec(select(Reader.next_digest_at).where(Reader.id == reader_id)).one()


def planned(session: Session, plans: Iterable[tuple[int, datetime | None]]) -> None:
    """Set when each reader is looked at next."""
    values = [{"id": key, "next_digest_at": at} for key, at in plans]
    if values:
        session.execute(update(Reader), values)


def forget_pending(session: Session, now: datetime) -> int:
    """Delete readers who never confirmed their address, unless a link still can; how many."""
    may_yet = select(Ticket.reader_id).where(col(Ticket.expires_at) > now)
    where = (
        col(Reader.state) == "pending",
        col(Reader.created_at) <= now - PENDING_FOR,
        col(Reader.id).not_in(may_yet),
    )
    return claims.changed(session, delete(Reader).where(*where))


def wake(session: Session, now: datetime) -> int:
    """End the pauses whose last day is over, where the reader lives; how many."""
    latest = (now + timedelta(days=1)).date()  # somewhere it is tomorrow already
    paused = select(Reader).where(Reader.state == "paused", col(Reader.back_on) <= latest)
    woken = [row for row in session.exec(paused) if _is_back(row, now)]
    for row in woken:
        # A zone that this machine does not know is told of when the digest is due.
        coming = next_due(record(row), _before(row)) if is_zone(row.timezone) else now
        come_in(session, row.id or 0, coming)
    return len(woken)


def come_in(session: Session, reader_id: int, next_digest_at: datetime | None) -> None:
    """Digests from then on, for who was away or is new: nobody scored papers for them meanwhile."""
    values = {"state": "active", "back_on": None, "next_digest_at": next_digest_at}
    change(session, reader_id, **values)
    shards.score_anew(session, reader_id)


def _before(row: Reader) -> datetime:
    """The last moment of the pause: on the day of return there is a digest again."""
    assert row.back_on is not None
    midnight = datetime.combine(row.back_on, time(), zone(row.timezone))
    return midnight.astimezone(UTC) - timedelta(microseconds=1)


def _is_back(row: Reader, now: datetime) -> bool:
    here = zone(row.timezone if is_zone(row.timezone) else "UTC")
    return row.back_on is not None and row.back_on <= now.astimezone(here).date()


def rows(session: Session) -> list[dict[str, Any]]:
    """All readers, as the admin lists them."""
    names: dict[int, list[str]] = {}
    used = select(Profile).where(Profile.state == "active")
    for profile in session.exec(used.order_by(col(Profile.id))):
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
        length=row.length,
        state=row.state,
        back_on=row.back_on,
        token=row.token,
        epoch=row.epoch,
        feed=row.feed,
    )


def _row(session: Session, who: str) -> Reader:
    is_number = who.isascii() and who.isdecimal() and len(who) <= NUMBER_MOST
    where = Reader.id == int(who) if is_number else Reader.email == who.strip().lower()
    row = session.exec(select(Reader).where(where)).first()
    if row is None:
        raise UnknownName(f"no reader {who!r}: see `paperround readers list`")
    return row
