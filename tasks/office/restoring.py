"""A backup comes back: all of it or nothing, into an empty database, and nothing stale is mailed.

The whole file is checked before anything is touched. On PostgreSQL tables, rows and what must be
forgotten are one transaction; on SQLite a new file takes the old one's place when it is whole. A backup
of an older version is brought up to this one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session

from tasks.errors import UsageError
from tasks.office.backup import SECRET, Backup, Manifest, Pace, Told, mark
from tasks.round.context import Context
from tasks.sealing import Seal
from tasks.store import audit, copying, migrate, settling
from tasks.store.database import Database

log = logging.getLogger(__name__)

AHEAD_MOST = timedelta(minutes=5)  # between the clocks of two machines
SIDE_FILES = ("-journal", "-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came back. `changed` counts what `tasks.store.settling` did; without `links_hold` the links
    of mails that were sent are void, since another secret signs here.
    """

    manifest: Manifest
    changed: dict[str, int]
    links_hold: bool


def restore(context: Context, backup: Backup, *, replace: bool, sent: bool, told: Told) -> Restored:
    """Put a backup into the database of this context, which must be empty unless it is to be replaced.

    `sent` says that digests may have been mailed since the backup was made. Raises `UsageError`, and
    then nothing has changed.
    """
    _refuse_future(context, backup.manifest)
    backup.check(told)
    secret = backup.secret
    target = _file if context.database.is_sqlite else _server
    with target(context.database, replace) as connection:
        _fill(connection, backup, told)
        migrate.bring(connection)
        changed = _settle(connection, context, backup, sent=sent)
    shutil.rmtree(
        context.settings.home / "shelves", ignore_errors=True
    )  # made again when asked for
    if secret is not None and not context.settings.secret.get_secret_value():
        _write_secret(context.settings.home, secret)
    return Restored(
        manifest=backup.manifest,
        changed=changed,
        links_hold=_mark_here(context) == backup.manifest.seal,
    )


def _fill(connection: Connection, backup: Backup, told: Told) -> None:
    """The tables as they were, with their rows."""
    manifest = backup.manifest
    migrate.bring(connection, manifest.migration)
    tables = copying.tables(connection)
    here = {table.name: sorted(copying.shape(table).columns) for table in tables}
    there = {
        name: sorted((column, kind) for column, kind in kept.columns)
        for name, kept in manifest.tables.items()
    }
    if here != there:
        raise UsageError(f"{backup.path} has other tables than migration {manifest.migration} made")
    pace = Pace(told, manifest.rows)
    for table in tables:
        kept = manifest.tables[table.name]
        lines = pace.over(backup.lines(table.name), f"restoring {table.name}")
        copying.write(connection, table, lines, order=[column for column, _ in kept.columns])
        copying.number_from(connection, table, kept.following)
    if broken := copying.refers_nowhere(connection):
        raise UsageError(f"{backup.path} has rows that refer to nothing, in {', '.join(broken)}")


def _settle(
    connection: Connection, context: Context, backup: Backup, *, sent: bool
) -> dict[str, int]:
    now, made_at = context.clock(), backup.manifest.made_at
    asks = context.settings.transport.startswith("maildir:")
    with Session(bind=connection) as session:
        changed = settling.come_back(session, now, made_at, sent=sent, asks=asks)
        detail: dict[str, Any] = {"made_at": made_at.isoformat(), "sent_since": sent, **changed}
        audit.note(session, "command line", "backup restored", now=now, **detail)
        session.commit()
    return changed


@contextmanager
def _server(database: Database, replace: bool) -> Iterator[Connection]:
    """An empty database on a server: one transaction, with nobody else there."""
    with database.engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({migrate.LOCK})"))
        if found := copying.others(connection):
            raise _in_use(f"{', '.join(found)} is connected to this database")
        _refuse_filled(connection, replace)
        if migrate.revision(connection) is not None:
            migrate.clear(connection)
        yield connection


@contextmanager
def _file(database: Database, replace: bool) -> Iterator[Connection]:
    """A new file that takes the place of the old one when it is whole; the old one is locked until then."""
    target = copying.file_of(database)
    assert target is not None
    target.parent.mkdir(parents=True, exist_ok=True)
    with _alone(target.parent), _locked(database, target, replace):
        was_there = target.exists()
        part = target.with_name(f".{target.name}.restoring")
        made = Database(f"sqlite:///{part}")
        try:
            _remove(part)  # of one that was killed
            engine = made.engine.execution_options(paperround_migrate=True)
            with engine.begin() as connection:
                yield connection
            with closing(made.engine.raw_connection()) as raw:
                raw.cursor().execute("PRAGMA journal_mode=DELETE")  # all of it in the one file
            made.close()
            _sync(part)
            if target.exists() and not was_there:
                raise _in_use(f"somebody has made {target} meanwhile")
            _remove(target, SIDE_FILES)  # SQLite would put a log of the old file into the new one
            part.replace(target)
            _sync(target.parent)
        finally:
            made.close()
            _remove(part)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One restore at a time."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another restore into {folder} is under way: wait for it") from None
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _locked(database: Database, target: Path, replace: bool) -> Iterator[None]:
    """Nobody else has the old file open, nor opens it meanwhile. Its write-ahead log is gone."""
    if not target.exists():
        yield
        return
    if not replace:
        _refuse_filled_file(database, target)
    database.close()
    with closing(sqlite3.connect(target, timeout=0, isolation_level=None)) as old:
        try:
            old.execute("PRAGMA journal_mode=DELETE")
            old.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise _in_use(f"somebody has {target} open") from None
        except sqlite3.DatabaseError:
            log.warning("%s is damaged, and is replaced", target)  # nobody can work with it
        yield


def _refuse_filled_file(database: Database, target: Path) -> None:
    try:
        with database.engine.connect() as connection:
            _refuse_filled(connection, replace=False)
    except DatabaseError as error:
        if isinstance(error.orig, sqlite3.OperationalError):
            raise
        raise UsageError(
            f"{target} is damaged and cannot be read: say --replace to put the backup in its place"
        ) from None


def _refuse_filled(connection: Connection, replace: bool) -> None:
    if not replace and not copying.is_empty(connection):
        raise UsageError(
            "this database is in use already: restore into an empty one, or say --replace to put the "
            "backup in place of all that it holds"
        )


def _refuse_future(context: Context, manifest: Manifest) -> None:
    if manifest.made_at > context.clock() + AHEAD_MOST:
        raise UsageError(
            f"the backup was made at {manifest.made_at:%Y-%m-%d %H:%M} UTC, and here it is "
            f"{context.clock():%Y-%m-%d %H:%M}: set this machine's clock first, since digests go by it"
        )


def _in_use(why: str) -> UsageError:
    return UsageError(f"{why}: stop the service (web, workers, beat) everywhere, then restore")


def _write_secret(home: Path, secret: bytes) -> None:
    """Whole or not at all, and its owner's alone."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile(dir=home, prefix=".secret.", delete=False) as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, home / SECRET)


def _mark_here(context: Context) -> str:
    """What this home's secret is known by; nothing where there is none yet."""
    said = context.settings.secret.get_secret_value().encode()
    path = context.settings.home / SECRET
    key = said or (path.read_bytes() if path.exists() else b"")
    return mark(Seal(key)) if key else ""


def _remove(file: Path, suffixes: Sequence[str] = ("", *SIDE_FILES)) -> None:
    for suffix in suffixes:
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
