"""What is wrong, and what to do about it: one finding for each thing that can be.

The checks run side by side, each in a thread and under a time limit, so that one that hangs or breaks
costs only its own line. They look; what they write is a file of their own that they remove again.
"""

from __future__ import annotations

import os
import platform
import pyexpat
import shutil
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import redis
from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlmodel import Session

from tasks.deliver.transport import transport_for
from tasks.errors import PaperroundError, SettingsError, TransportDown
from tasks.settings import PREFIX, Settings
from tasks.store import migrate, sources, watch
from tasks.store.database import Database
from workers.embedded.broker import answers, find_server, ping
from workers.web.guard import host_of, is_loopback
from workers.web.page import distance

LIMIT_S = 5.0  # for all checks, which run at the same time
PATIENCE_S = 3.0  # for one conversation: less, so that its own words reach the finding
PYTHON_LEAST = (3, 11)
EXPAT_LEAST = (2, 4)  # older ones have no guard against pages whose entities grow a billionfold
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)  # no clock that is right says an earlier moment
SKEW_MOST = timedelta(seconds=60)
TICK_MOST = timedelta(seconds=90)
DISK_LEAST = 500 * 10**6  # bytes
UNREADABLE = (SQLAlchemyError, ValueError)  # the database does not answer, or its url is no url
UNASKED = "cannot be told while the database cannot be asked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome in a sentence, and the way out where it is not `ok`."""

    name: str
    ok: bool
    says: str
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks look at."""

    settings: Settings
    clock: Callable[[], datetime]


class Wrong(PaperroundError):
    """What a check found, and the way out."""

    def __init__(self, says: str, way_out: str) -> None:
        super().__init__(says)
        self.way_out = way_out


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def examine(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> list[Finding]:
    """Every check's finding, in a fixed order, after `LIMIT_S` seconds at most. Raises nothing."""
    patient = Patient(settings, clock)
    found: dict[str, Finding] = {}

    def run(name: str) -> None:
        found[name] = _finding(name, patient)

    # Daemons: a check that hangs must not keep the program from ending.
    threads = [threading.Thread(target=run, args=(name,), daemon=True) for name in CHECKS]
    deadline = time.monotonic() + LIMIT_S
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = Finding("", False, f"no answer within {LIMIT_S:.0f} s", "see what it waits for")
    return [found.get(name) or Finding(name, late.ok, late.says, late.way_out) for name in CHECKS]


def _finding(name: str, patient: Patient) -> Finding:
    try:
        return Finding(name, True, CHECKS[name](patient))
    except Wrong as wrong:
        return Finding(name, False, str(wrong), wrong.way_out)
    except Exception as error:  # a broken check is a finding too, and must not hide the others
        kind = type(error).__name__
        return Finding(name, False, f"this check broke ({kind})", "please report it as a bug")


def _python(_: Patient) -> str:
    expat = pyexpat.version_info
    found = f"Python {platform.python_version()}, expat {'.'.join(map(str, expat))}"
    if sys.version_info[:2] < PYTHON_LEAST:
        raise Wrong(found, "use Python 3.11 or newer")
    if expat[:2] < EXPAT_LEAST:
        raise Wrong(
            f"{found}: it does not guard against hostile XML", "use a Python with expat 2.4"
        )
    return found


def _home(patient: Patient) -> str:
    home = patient.settings.home
    other = f"set {PREFIX}HOME to a folder of yours"
    near = _nearest(home)
    if not near.is_dir():
        raise Wrong(f"{home} cannot be a folder: {near} is a file", other)
    if near != home:
        if not os.access(near, os.W_OK | os.X_OK):
            raise Wrong(f"{home} cannot be made: {near} is closed to you", other)
        return f"{home} will be made at the first start"
    try:
        _fresh_file_time(home)
    except OSError as error:
        raise Wrong(f"{home} cannot be written: {error.strerror}", other) from None
    if stat.S_IMODE(home.stat().st_mode) & 0o007:
        raise Wrong(f"everybody on this machine can look into {home}", f"chmod 700 '{home}'")
    return f"{home} can be written, and only by you"


def _disk(patient: Patient) -> str:
    near = _nearest(patient.settings.home)
    free = shutil.disk_usage(near).free
    says = f"{free / 10**9:.1f} GB free at {near}"
    if free < DISK_LEAST:
        raise Wrong(says, f"make room, at least {DISK_LEAST // 10**6} MB, or move {PREFIX}HOME")
    return says


def _clock(patient: Patient) -> str:
    """The clock against everything else that knows the time."""
    now = patient.clock()
    others = {"the file system": _file_time(patient), "the database server": _server_time(patient)}
    right = "set this machine's clock, best by NTP (timedatectl set-ntp true)"
    if now < RELEASED:
        raise Wrong(f"it says {now:%Y-%m-%d %H:%M} UTC, before this version was made", right)
    for who, says in others.items():
        if says is not None and abs(says - now) > SKEW_MOST:
            gap = abs(says - now).total_seconds()
            raise Wrong(f"it says {now:%Y-%m-%d %H:%M:%S} UTC, {gap:.0f} s off {who}'s", right)
    tick = _last_tick(patient)
    if tick is not None and tick - now > SKEW_MOST:
        raise Wrong(f"the last tick lies in the future ({tick:%Y-%m-%d %H:%M:%S} UTC)", right)
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"


def _database(patient: Patient) -> str:
    url, way_out = patient.settings.database, f"start the server, or set {PREFIX}DATABASE_URL right"
    where = _database_name(url)
    if _not_made_yet(url):
        return f"{where} will be made at the first start"
    try:
        with closing(Database(url)) as database, database.read() as session:
            session.execute(text("SELECT 1"))
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise Wrong(f"{where} does not answer: {reason}", way_out) from None
    return f"{where} answers"


def _migrations(patient: Patient) -> str:
    url = patient.settings.database
    if _not_made_yet(url):
        return "the tables will be made at the first start"
    try:
        with closing(Database(url)) as database:
            done = migrate.at_head(database)
    except UNREADABLE:
        return UNASKED
    if not done:
        words = f"the tables are not those of this version (which wants {migrate.head()})"
        raise Wrong(words, "start paperround up once: it brings them up to date")
    return f"all tables are there ({migrate.head()})"


def _broker(patient: Patient) -> str:
    settings = patient.settings
    url = settings.broker_url.get_secret_value()
    if not url:
        try:
            server = find_server()
        except SettingsError as error:
            raise Wrong("no broker can be started", str(error)) from None
        running = "running" if answers(settings.broker, timeout=PATIENCE_S) else "not running now"
        return f"embedded, {running} ({server.name})"
    way_out = f"start it, or set {PREFIX}BROKER_URL right"
    where = urlsplit(url)
    try:
        name = f"{where.hostname}:{where.port or 6379}" if where.hostname else where.path
        ping(url, timeout=PATIENCE_S)
    except ValueError:
        raise Wrong(
            f"{PREFIX}BROKER_URL cannot be read", "write redis://host:port/number"
        ) from None
    except redis.RedisError as error:
        raise Wrong(f"{name} does not answer: {error}", way_out) from None
    return f"{name} answers"


def _mail(patient: Patient) -> str:
    settings = patient.settings
    if not (settings.smtp_url.get_secret_value() or settings.home.exists()):
        return f"mails will go to the folder {settings.mailbox}"  # which a check would make
    try:
        with closing(transport_for(settings.transport, timeout=PATIENCE_S)) as transport:
            return transport.check()
    except SettingsError as error:
        raise Wrong(str(error), f"set {PREFIX}SMTP_URL right") from None
    except TransportDown as error:
        words = "then ask again; until it works, mails wait and none is lost"
        raise Wrong(str(error), f"set the server or {PREFIX}SMTP_URL right, {words}") from None


def _sender(patient: Patient) -> str:
    sender = patient.settings.sender
    if patient.settings.smtp_url.get_secret_value() and sender.lower().endswith(".invalid"):
        words = f"mails would go out as {sender}, which is nobody's address"
        raise Wrong(words, f"set {PREFIX}SENDER to an address that your mail server may send for")
    return sender


def _address(patient: Patient) -> str:
    base = urlsplit(patient.settings.base_url)
    if not base.netloc:
        return "none set: mails carry no links to pages of ours"
    if base.scheme == "http" and not is_loopback(host_of(base.netloc)):
        words = f"{base.scheme}://{base.netloc} sends readers' links unencrypted"
        raise Wrong(words, f"set {PREFIX}BASE_URL to an https:// address")
    return f"{base.scheme}://{base.netloc}"


def _tick(patient: Patient) -> str:
    now, tick = patient.clock(), _last_tick(patient)
    if not answers(patient.settings.broker, timeout=PATIENCE_S):
        return "nothing runs now; to start: paperround up"
    if tick is None:
        return "none yet"
    if now - tick > TICK_MOST:
        words = f"the last one was {distance(now, tick)}, and one is due every 20 s"
        raise Wrong(words, "see that a beat and a worker run: paperround up, and its log")
    return f"the last one was {distance(now, tick)}"


def _sources(patient: Patient) -> str:
    with _asked(patient) as session:
        if session is None:
            return UNASKED
        rows = sources.rows(session)
    bad = [row for row in rows if row["failures"] and row["error"]]
    if bad:
        name, error = bad[0]["name"], str(bad[0]["error"]).partition("\n")[0][:200]
        words = f"{len(bad)} of {len(rows)} fail; {name}: {error}"
        raise Wrong(words, f"try it by itself: paperround sources check {name}")
    paused = [str(row["name"]) for row in rows if row["state"] == "paused"]
    if paused:
        words = f"paused: {', '.join(paused)}"
        raise Wrong(words, f"go on: paperround sources resume {paused[0]} (or remove it)")
    return f"{len(rows)}, none fails" if rows else "none yet: paperround sources add"


def _unsure(patient: Patient) -> str:
    number = _count(patient, delivery=("unsure",))
    if number:
        words = f"{_many(number, 'mail')} may or may not have arrived; none is sent again unasked"
        raise Wrong(words, "look for their Message-IDs in the mail server's log")
    return "none" if number == 0 else UNASKED


def _dead(patient: Patient) -> str:
    number = _count(patient, digest=("dead",), delivery=("dead",), shard=("dead",))
    if number:
        words = f"set aside after failing at every try: {_many(number, 'digest')}"
        raise Wrong(words, "the worker's log has the reasons: look for these, then ask again")
    return "none" if number == 0 else UNASKED


CHECKS: dict[str, Callable[[Patient], str]] = {
    "python": _python,
    "home": _home,
    "disk": _disk,
    "clock": _clock,
    "database": _database,
    "tables": _migrations,
    "broker": _broker,
    "mail": _mail,
    "sender": _sender,
    "public address": _address,
    "tick": _tick,
    "sources": _sources,
    "unsure mails": _unsure,
    "dead letters": _dead,
}


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _nearest(path: Path) -> Path:
    """The path itself, or the nearest thing above it that exists."""
    return next(near for near in (path, *path.parents) if near.exists())


def _fresh_file_time(folder: Path) -> datetime:
    """The file system's own time, from a file made and gone. Raises `OSError`."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        return datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)


def _file_time(patient: Patient) -> datetime | None:
    try:
        return _fresh_file_time(patient.settings.home)
    except OSError:
        return None


def _server_time(patient: Patient) -> datetime | None:
    """A database server's time. SQLite has none of its own."""
    if patient.settings.database.startswith("sqlite"):
        return None
    with _asked(patient) as session:
        if session is None:
            return None
        told: datetime = session.execute(text("SELECT now()")).scalar_one()
        return told


def _last_tick(patient: Patient) -> datetime | None:
    with _asked(patient) as session:
        pulse = watch.pulse(session, "tick") if session else None
    return pulse[0] if pulse else None


def _count(patient: Patient, **wanted: tuple[str, ...]) -> int | None:
    """Rows in these states, by table; None when the database cannot be asked."""
    with _asked(patient) as session:
        if session is None:
            return None
        tallies = watch.tallies(session)
    return sum(tallies[table].get(state, 0) for table, states in wanted.items() for state in states)


@contextmanager
def _asked(patient: Patient) -> Iterator[Session | None]:
    """A session on a database that can be asked, or None: why not, its own checks say."""
    url = patient.settings.database
    with ExitStack() as stack:
        session = None
        with suppress(*UNREADABLE):
            if not _not_made_yet(url):
                database = stack.enter_context(closing(Database(url)))
                ready = migrate.at_head(database)
                session = stack.enter_context(database.read()) if ready else None
        yield session


def _not_made_yet(url: str) -> bool:
    """Whether this is a SQLite file that nobody has made; to open it would make it."""
    path = url.removeprefix("sqlite:///")
    return path != url and not Path(path).exists() and _nearest(Path(path)).is_dir()


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
