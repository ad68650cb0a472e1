"""Keys: what programs show to act for one reader. Only their hashes are kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, func, select

from tasks.models import ApiKey, Reader
from tasks.records import Reader as ReaderRecord
from tasks.sealing import hash_of, new_secret
from tasks.store import claims, readers


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as its owner sees it: what they called it, and how its secret begins."""

    id: int
    name: str
    start: str
    created_at: datetime
    used_at: datetime | None


def make(session: Session, reader_id: int, name: str, *, now: datetime) -> tuple[Key, str]:
    """A new key and its secret, ``pr_<8>_<43>``, which nothing keeps."""
    start = f"pr_{secrets.token_hex(4)}"
    secret = f"{start}_{new_secret()}"
    row = ApiKey(hash=hash_of(secret), reader_id=reader_id, name=name, start=start, created_at=now)
    session.add(row)
    session.flush()
    return _key(row), secret


def owner(session: Session, secret: str) -> ReaderRecord | None:
    """Whose key it is. Changes nothing."""
    where = (ApiKey.hash == hash_of(secret), Reader.state != "pending")
    joined = select(Reader).join(ApiKey, col(ApiKey.reader_id) == Reader.id)
    row = session.exec(joined.where(*where)).first()
    return None if row is None else readers.record(row)


def used(session: Session, secret: str, *, now: datetime) -> None:
    """Note that the key was used for a change."""
    mine = col(ApiKey.hash) == hash_of(secret)
    session.execute(update(ApiKey).where(mine).values(used_at=now))


def of_reader(session: Session, reader_id: int) -> list[Key]:
    """A reader's keys, the oldest first."""
    found = select(ApiKey).where(ApiKey.reader_id == reader_id).order_by(col(ApiKey.id))
    return [_key(row) for row in session.exec(found)]


def count(session: Session, reader_id: int) -> int:
    """How many keys a reader has."""
    counted = select(func.count()).select_from(ApiKey).where(ApiKey.reader_id == reader_id)
    return session.exec(counted).one()


def revoke(session: Session, reader_id: int, key_id: int) -> bool:
    """The key opens nothing any more; whether this reader had it."""
    mine = (col(ApiKey.id) == key_id, col(ApiKey.reader_id) == reader_id)
    return claims.changed(session, delete(ApiKey).where(*mine)) == 1


def _key(row: ApiKey) -> Key:
    assert row.id is not None
    return Key(
        id=row.id, name=row.name, start=row.start, created_at=row.created_at, used_at=row.used_at
    )
