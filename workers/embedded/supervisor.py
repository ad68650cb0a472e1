"""Starts the processes of one machine in order, keeps them running, and ends them in order.

All of it happens in one thread: a child is tied to the thread that started it, so that even a SIGKILL
of this process leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from tasks.errors import StartError
from tasks.settings import Settings
from tasks.store import migrate
from tasks.store.database import Database
from workers.celery import QUEUES
from workers.embedded.broker import Broker, answers
from workers.embedded.child import GRACE_S, Child
from workers.embedded.commands import commands, free_port
from workers.embedded.doorbell import ring_tick, web_serves, worker_answers
from workers.embedded.watchdog import Watchdog

log = logging.getLogger(__name__)

ROLES = frozenset({"broker", "worker", "beat", "web"})
LOOK_S = 0.2
WATCH_S = 10.0


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Supervisor:
    """The one-machine mode. As a context manager it works in the background; `run` stays until a signal.

    With `quiet`, the children's output goes to ``log/NAME.log`` under the home, else to stderr.
    Entering raises `SettingsError` or `StartError` with the way out, and then nothing is left running.
    With a broker of their own in the settings, the role ``broker`` starts none. A worker that leaves some
    `queues` to others is not to blame for work that nobody takes, and is not restarted for it.
    """

    def __init__(
        self,
        settings: Settings,
        roles: Collection[str] = ROLES,
        *,
        queues: Sequence[str] = QUEUES,
        quiet: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        assert set(roles) <= ROLES, f"roles are {', '.join(sorted(ROLES))}"
        self.settings = settings
        self.broker: Broker | None = None
        self._roles = frozenset(roles)
        self._queues = tuple(queues)
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
        """The processes that run now, by role. A broker that is shared is not ours."""
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

    def run(self) -> int:
        """Start, stay until SIGTERM, SIGINT or SIGHUP, and end in order. For the main thread.

        Returns the exit code 0: being asked to end is no failure.
        """
        with self._signals(), self:
            log.info("Paperround is up%s", f": {self.url}" if "web" in self._roles else "")
            self.ring()
            while self._thread.is_alive():
                self._thread.join(0.5)
        return 0

    def ring(self) -> None:
        """Ask for a tick now: the beat's first one comes only after its interval."""
        ring_tick(self.settings)

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
        if role == "worker":
            return self._children[role].alive and worker_answers(self.settings, self._node)
        if role == "web":
            return self._children[role].alive and web_serves(self.settings.host, self._port)
        return self._children[role].alive

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
            self._port = free_port(self.settings.host, self.settings.port)
        if "broker" in self._roles and not self.settings.broker_url.get_secret_value():
            self.broker = Broker(self.settings, logs=self._logs)
            self.broker.start()
        migrate.upgrade(self._database)
        wanted = commands(self.settings, port=self._port, node=self._node, queues=self._queues)
        for role, command in wanted.items():
            if role in self._roles:
                self._children[role] = Child(command, self._logs)
                self._children[role].start()

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
                for name in watchdog.look(self._up(now)):
                    self._children[name].ask()

    def _up(self, now: float) -> dict[str, timedelta]:
        running = {name: child for name, child in self._children.items() if child.alive}
        if {*self._queues} != {*QUEUES}:
            running.pop("worker", None)
        return {name: timedelta(seconds=child.lived(now)) for name, child in running.items()}

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
