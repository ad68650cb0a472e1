"""Looking back takes seconds of a processor at worst, so each reader does it once at a time.

Who asks again meanwhile waits for themself, a few requests at most: however many one reader sends, the
threads and processors are there for the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock

from tasks.errors import TooMany

ASKED_MOST = 3  # at once by one reader: an edit, the one before it, and another tab
PATIENCE_S, AGAIN = 5.0, timedelta(seconds=2)
BUSY = "you are looking back already: ask again in a moment"


class Turns:
    """Who is at it, each behind a gate of their own."""

    def __init__(self) -> None:
        self._keeping = Lock()
        self._asked: Counter[int] = Counter()
        self._gates: dict[int, Lock] = {}

    @contextmanager
    def of(self, reader_id: int) -> Iterator[None]:
        """Alone among the requests of this reader. Raises `TooMany`."""
        with self._keeping:
            if self._asked[reader_id] >= ASKED_MOST:
                raise TooMany(BUSY, wait=AGAIN)
            self._asked[reader_id] += 1
            gate = self._gates.setdefault(reader_id, Lock())
        try:
            if not gate.acquire(timeout=PATIENCE_S):
                raise TooMany(BUSY, wait=AGAIN)
            try:
                yield
            finally:
                gate.release()
        finally:
            self._left(reader_id)

    def _left(self, reader_id: int) -> None:
        with self._keeping:
            self._asked[reader_id] -= 1
            if not self._asked[reader_id]:
                del self._asked[reader_id], self._gates[reader_id]


LOOKING_BACK = Turns()
