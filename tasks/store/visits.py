"""Visits: browsers that are signed in, known by the hashes of their cookies."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from tasks.models import Reader, Visit
from tasks.records import Reader as ReaderRecord
from tasks.sealing import hash_of, new_secret
from tasks.store import claims, readers


def begin(
    session: Session, reader_id: int, scope: str, *, now: datetime, expires_at: datetime
) -> str:
    """A new visit's secret, which nothing keeps."""
    secret = new_secret()
    row = Visit(
        hash=hash_of(secret),
        reader_id=reader_id,
        scope=scope,
        created_at=now,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return secret


def find(session: Session, secret: str, *, now: datetime) -> tuple[ReaderRecord, str] | None:
    """Whose visit it is and its scope, while it lasts. Changes nothing."""
    where = (Visit.hash == hash_of(secret), col(Visit.expires_at) > now, Reader.state != "pending")
    joined = select(Reader, Visit.scope).join(Visit, col(Visit.reader_id) == Reader.id)
    found = session.exec(joined.where(*where)).first()
    return None if found is None else (readers.record(found[0]), found[1])


def end(session: Session, secret: str) -> None:
    """This visit is over, if it was one."""
    session.execute(delete(Visit).where(col(Visit.hash) == hash_of(secret)))


def end_all(session: Session, reader_id: int) -> int:
    """All visits of a reader are over; how many there were."""
    return claims.changed(session, delete(Visit).where(col(Visit.reader_id) == reader_id))


def purge(session: Session, now: datetime) -> int:
    """Forget visits that are over; how many."""
    return claims.changed(session, delete(Visit).where(col(Visit.expires_at) <= now))
