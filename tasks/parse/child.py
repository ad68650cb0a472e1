"""The process in which strangers' pages are parsed: `python -m tasks.parse.child SECONDS BYTES`.

Reads pages and writes answers, each a pickle in a frame, until its input ends. It bounds itself
before the first page: memory by `RLIMIT_AS`, and each page by an alarm, so that a child whose
parent was killed ends as well. Started by `tasks.parse.killable`.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import IO

from tasks.errors import PageError
from tasks.parse import frames
from tasks.parse.page import parse_page
from tasks.records import ParsedPage, RawPage

try:
    import resource
except ImportError:  # Windows has no such limits; the parent's clock still holds
    resource = None  # type: ignore[assignment]

Parse = Callable[[RawPage], ParsedPage]
_GRACE = 5.0
"""Seconds. The parent kills first, on time; the alarm is for a child without a parent."""


def main(parse: Parse = parse_page) -> None:
    """Bounds this process, says with an empty frame that it is ready, and serves."""
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    limit_memory(memory)
    with private_pipes() as (requests, answers):
        frames.write(answers, b"")
        serve(requests, answers, parse=alarmed(parse, seconds + _GRACE))


def serve(requests: IO[bytes], answers: IO[bytes], *, parse: Parse) -> None:
    """Answers each page in `requests` with its `ParsedPage` or `PageError`, until the end."""
    while request := frames.read(requests):
        page = pickle.loads(request)  # noqa: S301 (written by our own parent)
        frames.write(answers, pickle.dumps(_answer(page, parse)))


def limit_memory(memory: int) -> None:
    """Bounds this process to `memory` bytes of address space, where the platform can.

    Strangers' pages stay out of core dumps as well.
    """
    if resource is not None:
        with contextlib.suppress(ValueError, OSError):  # macOS refuses; a lower limit stays
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def alarmed(parse: Parse, seconds: float) -> Parse:
    """`parse` in a process that dies of SIGALRM after `seconds`, even inside a C loop."""
    if not hasattr(signal, "setitimer"):
        return parse

    def bounded(page: RawPage) -> ParsedPage:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            return parse(page)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    return bounded


@contextlib.contextmanager
def private_pipes() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Yields standard input and output, moved out of reach of libraries.

    What they print goes to standard error, and what they read is empty.
    """
    requests, answers, nothing = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    with os.fdopen(requests, "rb") as reading, os.fdopen(answers, "wb") as writing:
        yield reading, writing


def _answer(page: RawPage, parse: Parse) -> ParsedPage | PageError:
    try:
        return parse(page)
    except PageError as error:
        return error
    except MemoryError:
        raise  # what is left of this process is not to be trusted
    except Exception as error:  # strangers' documents, four parsers: it is about this page alone
        traceback.print_exc()
        return PageError("crashed", f"The parser failed: {type(error).__name__}: {error}"[:500])


if __name__ == "__main__":
    main()
