"""Erasing a reader: every row that is theirs, and the bytes that a file would keep of deleted rows."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from sqlmodel import Session, col, select

from tasks.models import Delivery, Reader
from tasks.store import knocks, readers, runs
from tasks.store.database import Database


def erase(session: Session, reader_id: int, whos: Iterable[str]) -> bool:
    """Delete a reader with everything that is theirs, and the knocks counted under `whos`.

    Whether a mail of theirs was just being handed over: it may still arrive.
    """
    under_way = (
        Delivery.reader_id == reader_id,
        col(Delivery.state).in_(("claimed", "armed")),
    )
    going = session.exec(select(Delivery.id).where(*under_way)).first() is not None
    knocks.forget(session, whos)
    runs.forget_reader(session, reader_id)
    readers.remove(session, str(reader_id))
    return going


def shard_of(session: Session, reader_id: int) -> int:
    """The shard of a reader who is known to exist."""
    return session.get_one(Reader, reader_id).shard_id


def scrub(database: Database) -> bool:
    """Leave nothing of deleted rows in SQLite's files; False where somebody's reading hindered it.

    Its deletes are secure, yet a page that was rearranged keeps pieces of what stood on it, and the
    write-ahead log keeps the page as it was: only making the file anew and emptying the log do away with
    them. PostgreSQL frees its pages by itself and in its own time.
    """
    if not database.is_sqlite:
        return True
    with closing(database.engine.raw_connection()) as connection:
        try:
            connection.cursor().execute("VACUUM")
            done = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return done is not None and done.fetchone()[0] == 0
        except database.engine.dialect.loaded_dbapi.OperationalError:
            return False
