"""Acting on many rows: exactly those that were seen, some at a time, and a count of what came of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from tasks.errors import Conflict
from tasks.records import Ring

MANY_MOST = 5000  # rows of one press; who has more presses again
AT_ONCE = 100  # rows of one transaction, so that workers need not wait for all of them
RINGS_MOST = 200  # the tick rings for the rest
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """How many rows there are, and the mark of which they are."""

    number: int
    mark: str

    @classmethod
    def of(cls, keys: Sequence[object]) -> Many:
        """Those of these keys."""
        said = ",".join(map(str, keys)).encode()
        return cls(number=len(keys), mark=f"{len(keys)}-{hashlib.sha256(said).hexdigest()[:16]}")


@dataclass(slots=True)
class Done:
    """What came of it: how many were done, why others were not, and what to wake."""

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    rings: list[Ring] = field(default_factory=list)

    def count(self, ring: Ring | None) -> None:
        """One more was done."""
        self.done += 1
        if ring is not None and len(self.rings) < RINGS_MOST:
            self.rings.append(ring)

    def refuse(self, why: str) -> None:
        """One more could not be done."""
        self.refused[why] += 1

    @property
    def left(self) -> int:
        """How many were not done."""
        return self.refused.total()


def must_be(keys: Sequence[object], mark: str) -> None:
    """Raises `Conflict` where these are not the rows that were seen."""
    if Many.of(keys).mark != mark:
        seen = mark.partition("-")[0]
        said = f"there were {seen}, and " if seen.isascii() and seen.isdecimal() else ""
        raise Conflict(f"it is not what you saw: {said}there are {len(keys)} now. Look again")


def batches(keys: Sequence[T]) -> Iterator[Iterable[T]]:
    """The keys, as many as one transaction takes at a time."""
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]
