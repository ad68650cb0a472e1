"""Starts the processes of one machine in order, keeps them running, and ends them in order.

All of it happens in one thread: a child is tied to the thread that started it, so that even a SIGKILL
of this process leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kombu.exceptions import OperationalError

from tasks.errors import SettingsError
from tasks.settings import PREFIX, Settings
from tasks.store import migrate
from tasks.store.database import Database
from workers.celery import QUEUES, app
from workers.embedded.broker import Broker, answers
from workers.embedded.child import GRACE_S, Child, Command, StartError
from workers.embedded.watchdog import Watchdog
from workers.schedule import TICK_S

log = logging.getLogger(__name__)

ROLES = frozenset({"broker", "worker", "beat", "web"})
LOOK_S = 0.2
WATCH_S = 10.0
# `celery -A` would put the working directory first on the path, and a stranger's `tasks` folder with it.
CELERY = "import sys; from workers.celery import app; app.start(sys.argv[1:])"
WEB = "workers.web.app:make_app"


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Supervisor:
    """The one-machine mode. As a context manager it works in the background; `run` stays until a signal.

    With `quiet`, the children's output goes to ``log/NAME.log`` under the home, else to stderr.
    Entering raises `SettingsError` or `StartError` with the way out, and then nothing is left running.
    """

    def __init__(
        self,
        settings: Settings,
        roles: Collection[str] = ROLES,
        *,
        quiet: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        assert set(roles) <= ROLES, f"roles are {', '.join(sorted(ROLES))}"
        self.settings = settings
        self.broker: Broker | None = None
        self._roles = frozenset(roles)
        self._logs = settings.home / "log" if quiet else None
        self._clock = clock
        self._children: dict[str, Child] = {}
        self._port = settings.port
        self._node = f"worker{os.getpid()}@paperround"
        self._database = Database(settings.database)
        self._thread = threading.Thread(target=self._live, name="supervisor")
        self._begun, self._stop, self._hurry = (threading.Event() for _ in range(3))
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        """Where the web face is."""
        host = self.settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}/"

    @property
    def pids(self) -> dict[str, int]:
        """The processes that run now, by role; a shared broker is not ours."""
        found = {name: child.pid for name, child in self._children.items()}
        found["broker"] = self.broker.pid if self.broker else None
        return {name: pid for name, pid in found.items() if pid is not None}

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._begun.wait()
        except BaseException:  # interrupted: the thread ends what it has begun
            self.stop()
            self._thread.join()
            raise
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def stop(self) -> None:
        """Ask everything to end; a second time: at once."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def run(self) -> None:
        """Start, stay until SIGTERM, SIGINT or SIGHUP, and end in order. For the main thread."""
        with self._signals(), self:
            log.info("Paperround is up: %s", self.url if "web" in self._roles else "without a web face")
            self.ring()
            while self._thread.is_alive():
                self._thread.join(0.5)

    def ring(self) -> None:
        """Ask for a tick now; the beat's first one comes only after its interval."""
        try:
            with self._connection() as connection:
                app.send_task("paperround.tick", connection=connection, expires=TICK_S)
        except OperationalError as error:
            log.warning("the broker does not answer (%s): the beat ticks later", error)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until the worker answers, the web face serves and the rest runs. Raises `StartError`."""
        deadline = time.monotonic() + timeout
        while late := [name for name in sorted(self._roles) if not self._ready(name)]:
            if time.monotonic() > deadline or not self._thread.is_alive():
                where = f"see {self._logs}" if self._logs else "see the lines above"
                raise StartError(f"not ready after {timeout:.0f} s: {', '.join(late)} ({where})")
            time.sleep(0.1)

    def _ready(self, role: str) -> bool:
        if role == "broker":
            return answers(self.settings.broker)
        if not self._children[role].alive:
            return False
        return {"worker": self._worker_answers, "web": self._web_serves}.get(role, bool_true)()

    def _worker_answers(self) -> bool:
        try:
            with self._connection() as connection:
                where: dict[str, Any] = {"destination": [self._node], "connection": connection}
                return bool(app.control.ping(timeout=0.5, limit=1, **where))
        except (OperationalError, OSError):
            return False

    def _web_serves(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)  # noqa: S104 - compared, not bound
        web = http.client.HTTPConnection(host, self._port, timeout=2)
        with contextlib.closing(web), contextlib.suppress(OSError, http.client.HTTPException):
            web.request("GET", "/livez", headers={"Host": "localhost"})
            return web.getresponse().status == 200
        return False

    def _connection(self) -> Any:
        return app.connection_for_write(self.settings.broker, connect_timeout=5)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        wanted = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, lambda *_: self.stop()) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _live(self) -> None:
        try:
            self._begin()
            self._begun.set()
            self._keep()
        except BaseException as error:  # raised again where somebody waits for this thread
            self._failure = error
        finally:
            self._end()
            self._begun.set()

    def _begin(self) -> None:
        """Broker, then migrations, then the rest."""
        self.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if "web" in self._roles:
            self._port = _free_port(self.settings.host, self.settings.port)
        if "broker" in self._roles and not self.settings.broker_url.get_secret_value():
            self.broker = Broker(self.settings, logs=self._logs)
            self.broker.start()
        migrate.upgrade(self._database)
        env = _environment(self.settings)
        for role, words in self._words().items():
            if role in self._roles:
                command = Command(name=role, words=(sys.executable, "-P", *words), env=env)
                self._children[role] = Child(command, self._logs)
                self._children[role].start()

    def _words(self) -> dict[str, tuple[str, ...]]:
        """What each child of ours runs, after Python's name."""
        alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        threads = ("-P", "threads", "-c", str(self.settings.concurrency), "-n", self._node)
        place = ("--host", self.settings.host, "--port", str(self._port))
        home = str(Path(__file__).parents[2])  # where this code is, and not the working directory
        quiet = ("--no-access-log", "--no-server-header", "--no-proxy-headers", "--app-dir", home)
        return {
            "worker": ("-c", CELERY, "worker", *threads, "-Q", ",".join(QUEUES), *alone),
            "beat": ("-c", CELERY, "beat"),
            "web": ("-m", "uvicorn", WEB, "--factory", *place, *quiet),
        }

    def _keep(self) -> None:
        watchdog = Watchdog(self._database, self._clock)
        look_at = time.monotonic() + WATCH_S
        while not self._stop.wait(LOOK_S):
            now = time.monotonic()
            if self.broker:
                self.broker.keep(now)
            for child in self._children.values():
                child.keep(now)
            if now >= look_at:
                look_at = now + WATCH_S
                up = {name: child.lived(now) for name, child in self._children.items() if child.alive}
                for name in watchdog.look({role: timedelta(seconds=s) for role, s in up.items()}):
                    self._children[name].ask()

    def _end(self) -> None:
        """Ask all to finish, wait, kill the rest; the broker last, so that it keeps what they said."""
        children = list(self._children.values())
        for child in children:
            child.ask()
        deadline = time.monotonic() + GRACE_S
        while any(child.alive for child in children) and time.monotonic() < deadline:
            if self._hurry.wait(0.05):
                break
        for child in children:
            child.kill()
        if self.broker:
            self.broker.stop()
        self._database.close()


def _free_port(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises `SettingsError` when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"the web face cannot listen on {host} port {port}: {error.strerror or error} (is "
                f"another Paperround up? else set {PREFIX}HOST or {PREFIX}PORT)"
            ) from None
        return int(probe.getsockname()[1])


def _environment(settings: Settings) -> dict[str, str]:
    """The environment of the children: ours, and whatever of the settings was given otherwise."""
    env = dict(os.environ)
    for name in settings.model_fields_set:
        key, value = PREFIX + name.upper(), getattr(settings, name)
        if key + "_FILE" not in env:
            env[key] = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
    return env
