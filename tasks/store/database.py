"""The connection: SQLite or PostgreSQL, opened the same way everywhere. Its errors quote no values.

`write()` and `read()` are the only ways to a session, and a session lives as long as one transaction:
short, with no network call inside.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlmodel import Session

LOCK_WAIT_S = 30  # how long a writer waits for SQLite's one write lock before it gives up
LOCK_LOOK_S = 0.05  # between two looks, where SQLite itself does not wait


class Database:
    """One engine. Threads may share it; a forked process calls `after_fork` first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = _sqlite(url) if self.is_sqlite else _postgres(url)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that may change rows: committed at the end, rolled back on any error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only looks. On SQLite it never waits for a writer."""
        engine = self.engine.execution_options(paperround_read=True)
        with Session(engine, expire_on_commit=False) as session:
            yield session
            session.rollback()

    def after_fork(self) -> None:
        """Forget the parent's connections without closing them."""
        self.engine.dispose(close=False)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _postgres(url: str) -> Engine:
    # A dead connection is noticed before it is used, and no statement may hang a worker for ever.
    arguments = {
        "connect_timeout": 5,
        "options": "-c statement_timeout=60000 -c lock_timeout=30000",
    }
    return create_engine(
        url, pool_pre_ping=True, pool_size=10, connect_args=arguments, hide_parameters=True
    )


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": LOCK_WAIT_S}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # sqlite3's own BEGIN comes too late: see _begin_sqlite
    _write_ahead(connection)
    # What is deleted is overwritten: a reader who leaves for good stays in no unused page of the file.
    for pragma in ("synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    """The file has a write-ahead log from now on. Where several processes want that of a new file at once,
    SQLite refuses some, whatever their timeout.
    """
    until = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(LOCK_LOOK_S)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns into a writer later fails at once when another writer is
    # active, whatever the timeout. Asking for the lock at the start waits its turn instead.
    options = connection.get_execution_options()
    # Migrating makes tables anew, which must not take the rows of others along. Set each time, since
    # inside a transaction it cannot be set, and connections are used again.
    keys = "OFF" if options.get("paperround_migrate", False) else "ON"
    connection.exec_driver_sql(f"PRAGMA foreign_keys={keys}")
    looks_only = options.get("paperround_read", False)
    connection.exec_driver_sql("BEGIN" if looks_only else "BEGIN IMMEDIATE")
