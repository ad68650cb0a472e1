"""Parsing under limits: a page that takes too long, or too much memory, costs its own turn only.

Threads cannot be killed, and signals reach the main thread alone, so that pages are parsed in a
child process (`tasks.parse.child`). It is a subprocess, because Celery's workers are daemons and
may not use multiprocessing.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from tasks.errors import PageError
from tasks.parse import frames
from tasks.records import ParsedPage, RawPage

COMMAND = (sys.executable, "-P", "-m", "tasks.parse.child")
_START_SECONDS = 60.0
_LONGEST_ANSWER = 64 * 2**20
"""Bytes. Two thousand entries with all their text stay below 10 MB."""
_KEPT = ("PATH", "LANG", "SYSTEMROOT", "TMPDIR")
"""The child gets these, PYTHON* and LC_* of the environment: it needs no secret."""
_ANSWERS = {
    "tasks.records": ("ParsedPage", "ParsedEntry", "RejectedItem"),
    "tasks.errors": ("PageError",),
    "datetime": ("date", "datetime", "timedelta", "timezone"),
}


class Parser:
    """Parses pages in child processes, each under a limit of time and of memory.

    Threads may share one: each call has a child to itself, and children wait for the next calls. A
    child serves at most `pages` pages; `seconds` is the wall time of one page, `memory` a child's
    address space in bytes. A process forked from this one starts children of its own. Close it, or
    use it as a context manager, and no process stays behind.
    """

    def __init__(
        self,
        *,
        seconds: float = 20.0,
        memory: int = 2**30,
        pages: int = 200,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._seconds = seconds
        self._pages = pages
        self._command = [*command, str(seconds), str(memory)]
        self._idle: list[_Child] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def parse(self, page: RawPage) -> ParsedPage:
        """Returns what `tasks.parse.page.parse_page` makes of `page`.

        Raises its `PageError`; ``timeout`` or ``crashed`` where the child was killed or died of the
        page; RuntimeError where no child can be started, which is no page's fault.
        """
        child = self._take()
        if child.pages:
            with contextlib.suppress(_DiedError):
                return self._asked(child, page)
            # It may have died of the pages before, or of the kernel's choice under memory
            # pressure. Only a death in a fresh child is this page's doing.
            child = self._started()
        try:
            return self._asked(child, page)
        except _DiedError as death:
            raise PageError(
                "crashed", f"The parser died of the page or of the memory it needs ({death})."
            ) from None

    def close(self) -> None:
        """Ends all children; those at work end with their page. No page can be parsed any more."""
        self._closed = True
        while self._idle:
            self._idle.pop().end()

    def _take(self) -> _Child:
        while True:
            try:
                child = self._idle.pop()
            except IndexError:
                return self._started()
            if child.is_ours():
                return child
            child.forget()

    def _started(self) -> _Child:
        if self._closed:
            raise RuntimeError("This parser is closed.")
        return _Child(self._command)

    def _asked(self, child: _Child, page: RawPage) -> ParsedPage:
        answered = False
        try:
            answer = child.ask(page, self._seconds)
            answered = True
        finally:  # also where the caller's own time limit breaks in: the answer may still come
            if answered and child.pages < self._pages:
                self._idle.append(child)
            else:
                child.end()
            if self._closed:  # meanwhile, by another thread
                self.close()
        if isinstance(answer, PageError):
            raise answer
        return answer


class _DiedError(Exception):
    """The child ended before it answered."""


class _Child:
    """One child process and the two pipes to it."""

    def __init__(self, command: list[str]) -> None:
        self.pages = 0
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # Ctrl-C in a worker's terminal is not the page's fault
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        with contextlib.ExitStack() as undo:
            undo.callback(self.end)
            try:
                self._within(_START_SECONDS, b"")
            except (_DiedError, PageError) as error:
                raise RuntimeError(f"The parser's process does not start: {error}") from None
            undo.pop_all()

    def ask(self, page: RawPage, seconds: float) -> ParsedPage | PageError:
        """Hands over `page` and returns the answer, at the latest after `seconds`."""
        self.pages += 1
        message = self._within(seconds, pickle.dumps(page))
        try:
            answer = _Answer(io.BytesIO(message)).load()
        except Exception as error:  # a pickle that is none can raise anything
            raise _DiedError(f"its answer makes no sense: {error}") from None
        if not isinstance(answer, ParsedPage | PageError):
            raise _DiedError("its answer is none")
        return answer

    def is_ours(self) -> bool:
        """Whether this process started the child, and not the one that it was forked from."""
        return self._owner == os.getpid()

    def end(self) -> None:
        """Kills the child, waits for it and closes the pipes."""
        self._process.kill()
        self._process.wait()
        self._close_pipes()

    def forget(self) -> None:
        """Lets go of a child that another process started, and that only it can wait for."""
        self._process.returncode = 0
        self._close_pipes()

    def _close_pipes(self) -> None:
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(BrokenPipeError):  # what a dead child left unread
                pipe.close()

    def _within(self, seconds: float, request: bytes) -> bytes:
        """Writes `request`, if it has any bytes, and reads one message, or kills the child."""
        expired = threading.Event()

        def kill() -> None:
            expired.set()
            self._process.kill()

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        try:
            with contextlib.suppress(BrokenPipeError):  # then there is no answer either
                if request:
                    frames.write(self._requests, request)
            answer = frames.read(self._answers, most=_LONGEST_ANSWER)
        except frames.TooLongError:
            raise PageError("too_large", "More stands on the page than a page may hold.") from None
        finally:
            timer.cancel()
        if answer is not None:
            return answer
        if expired.is_set():
            raise PageError("timeout", f"The page was not read within {seconds:g} seconds.")
        raise _DiedError(f"exit {self._process.wait()}")


class _Answer(pickle.Unpickler):
    """Reads what a child may answer and nothing else, should a page ever take a child over."""

    def find_class(self, module: str, name: str) -> Any:
        if name not in _ANSWERS.get(module, ()):
            raise pickle.UnpicklingError(f"{module}.{name} is no answer")
        return super().find_class(module, name)


def _environment() -> dict[str, str]:
    """A child's environment: no secrets, and modules from where this process has them."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith(("PYTHON", "LC_"))
    }
    return {**kept, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
