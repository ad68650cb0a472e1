"""One child process that is kept running: started, started again when it dies, ended with us.

A child leads a process group of its own, so that an interrupt at the terminal reaches only the
supervisor, and what a dead child leaves behind can be swept up.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from workers.embedded import tied

log = logging.getLogger(__name__)

GRACE_S = 25.0  # how long a worker may finish what it has begun
SETTLED_S = 60.0  # a child that lived so long has earned a fresh start
PAUSE_MOST_S = 30.0
LOG_MOST = 10 * 2**20  # bytes of a log file, before a new one is begun
LINE_MOST = 64 * 2**10


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a child runs. `dies_by` is the signal at our death; `fds` stay open in it."""

    name: str
    words: tuple[str, ...]
    env: Mapping[str, str] | None = None
    dies_by: signal.Signals = signal.SIGKILL
    fds: tuple[int, ...] = ()


def pause(deaths: int) -> float:
    """Seconds before a child that died `deaths` times in a row starts again: 0, 1, 2, 4 … 30."""
    return 0.0 if deaths <= 1 else min(2.0 ** min(deaths - 2, 10), PAUSE_MOST_S)


class Child:
    """Keeps one process. For a single thread, and as long as that thread lives."""

    def __init__(self, command: Command, logs: Path | None) -> None:
        """Output goes to ``NAME.log`` in the folder `logs`; with None to stderr, each line named."""
        self.command = command
        self.deaths = 0
        self._logs = logs
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._restart_at: float | None = None
        self._deadline: float | None = None

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process's number, while it runs."""
        return self._process.pid if self._process and self.alive else None

    @property
    def code(self) -> int | None:
        """How the last process ended; negative for a signal."""
        return None if self._process is None else self._process.poll()

    def lived(self, now: float) -> float:
        """For how many seconds the process has been running; 0 when it does not."""
        return now - self._started if self.alive else 0.0

    def start(self) -> None:
        """Start the process. Raises `OSError` when the system has no room for one."""
        self._restart_at = self._deadline = None
        self._started = time.monotonic()
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(self._log_file()) if self._logs else subprocess.PIPE
            self._process = subprocess.Popen(
                self._tied_words(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self.command.env,
                start_new_session=True,
                pass_fds=self.command.fds,
            )
        if self._process.stdout:
            pump = partial(_copy, self.command.name, self._process.stdout)
            threading.Thread(target=pump, daemon=True).start()

    def ask(self, *, grace: float = GRACE_S) -> None:
        """Ask the process to finish; past its grace `keep` kills it."""
        if self._process and self.alive:
            self._deadline = time.monotonic() + grace
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and all that it started, now."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def overdue(self, now: float) -> bool:
        """Whether the process was asked to finish and did not."""
        return self._deadline is not None and now > self._deadline

    def keep(self, now: float) -> None:
        """Look after the process: start it again when it is gone, after a pause if it dies often."""
        if self.alive:
            if self.overdue(now):
                log.warning("%s does not finish: killing it", self.command.name)
                self.kill()
            return
        if self._restart_at is None:
            self._mourn(now)
        if self._restart_at is not None and now >= self._restart_at:
            try:
                self.start()
            except OSError as error:
                log.error("%s cannot be started: %s", self.command.name, error)
                self._mourn(now)

    def _mourn(self, now: float) -> None:
        self.kill()  # what it left behind
        lived, asked = now - self._started, self._deadline is not None
        self.deaths = 0 if asked else 1 if lived >= SETTLED_S else self.deaths + 1
        self._restart_at = now + pause(self.deaths)
        words = "as asked" if asked else f"with {self.code} after {lived:.0f} s"
        log.warning("%s ended %s; starts in %.0f s", self.command.name, words, pause(self.deaths))

    def _tied_words(self) -> list[str]:
        how = str(int(self.command.dies_by))
        return [
            sys.executable,
            "-I",
            "-S",
            tied.__file__,
            str(os.getpid()),
            how,
            *self.command.words,
        ]

    def _log_file(self) -> IO[bytes]:
        assert self._logs is not None
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._logs / f"{self.command.name}.log"
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size > LOG_MOST:
                path.replace(path.with_suffix(".log.1"))
        return open(path, "ab", opener=partial(os.open, mode=0o600))


def _copy(name: str, pipe: IO[bytes]) -> None:
    """Lines → stderr. A line may quote a stranger: what would steer the terminal is left out."""
    with pipe:
        for line in iter(partial(pipe.readline, LINE_MOST), b""):
            text = line.decode(errors="replace").rstrip().replace("\t", "    ")
            safe = "".join(sign if sign.isprintable() else "·" for sign in text)
            with contextlib.suppress(
                OSError, ValueError
            ):  # nobody reads any more: the child goes on
                whole = safe.startswith("{")  # a record as JSON, for a program
                sys.stderr.write(f"{safe}\n" if whole else f"{name:<6} | {safe}\n")
