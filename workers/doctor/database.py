"""The database and its tables, and asking it for the other checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlmodel import Session

from tasks.settings import PREFIX
from tasks.store import migrate, watch
from tasks.store.database import Database
from workers.doctor.finding import Patient, Wrong, nearest

UNREADABLE = (SQLAlchemyError, ValueError)  # the database does not answer, or its url is no url
UNASKED = "cannot be told while the database cannot be asked"


def database(patient: Patient) -> str:
    """Whether the database answers."""
    url, way_out = patient.settings.database, f"start the server, or set {PREFIX}DATABASE_URL right"
    where = _database_name(url)
    if not_made_yet(url):
        return f"{where} will be made at the first start"
    try:
        with closing(Database(url)) as opened, opened.read() as session:
            session.execute(text("SELECT 1"))
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise Wrong(f"{where} does not answer: {reason}", way_out) from None
    return f"{where} answers"


def tables(patient: Patient) -> str:
    """Whether its tables are those of this version."""
    url = patient.settings.database
    if not_made_yet(url):
        return "the tables will be made at the first start"
    try:
        with closing(Database(url)) as opened:
            done = migrate.at_head(opened)
    except UNREADABLE:
        return UNASKED
    if not done:
        words = f"the tables are not those of this version (which wants {migrate.head()})"
        raise Wrong(words, "start paperround up once: it brings them up to date")
    return f"all tables are there ({migrate.head()})"


@contextmanager
def asked(patient: Patient) -> Iterator[Session | None]:
    """A session on a database that can be asked, or None: why not, its own checks say."""
    url = patient.settings.database
    with ExitStack() as stack:
        session = None
        with suppress(*UNREADABLE):
            if not not_made_yet(url):
                opened = stack.enter_context(closing(Database(url)))
                ready = migrate.at_head(opened)
                session = stack.enter_context(opened.read()) if ready else None
        yield session


def last_tick(patient: Patient) -> datetime | None:
    """When somebody last looked for what is due; None when nobody did or the database cannot be asked."""
    with asked(patient) as session:
        pulse = watch.pulse(session, "tick") if session else None
    return pulse[0] if pulse else None


def server_time(patient: Patient) -> datetime | None:
    """A database server's time. SQLite has none of its own."""
    if patient.settings.database.startswith("sqlite"):
        return None
    with asked(patient) as session:
        if session is None:
            return None
        told: datetime = session.execute(text("SELECT now()")).scalar_one()
        return told


def not_made_yet(url: str) -> bool:
    """Whether this is a SQLite file that nobody has made; to open it would make it."""
    path = url.removeprefix("sqlite:///")
    return path != url and not Path(path).exists() and nearest(Path(path)).is_dir()


def _database_name(url: str) -> str:
    """The database without its user and password."""
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):  # its words would quote the url
        raise Wrong(
            f"{PREFIX}DATABASE_URL cannot be read", "write it as the README shows"
        ) from None
    if parts.host:
        return f"{parts.get_backend_name()} {parts.host}:{parts.port or 5432}/{parts.database}"
    return f"{parts.get_backend_name()} {parts.database}"
