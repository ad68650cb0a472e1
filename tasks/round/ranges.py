"""Ids → rings: a message carries a range of ids, never a list of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tasks.records import Ring, Step

SIZE = 50  # rows for one message: small enough to be shared out, large enough to be few
AT_ONCE = 10  # rows that are claimed together: a worker's death costs each of them a try


def in_turns(claim: Callable[[int], list[int]]) -> Iterator[int]:
    """Rows that `claim` takes, `AT_ONCE` at a time when those before are done; `SIZE` at most."""
    for _ in range(SIZE // AT_ONCE):
        taken = claim(AT_ONCE)
        yield from taken
        if len(taken) < AT_ONCE:
            return


def rings_for(step: Step, keys: Sequence[int]) -> list[Ring]:
    """Rings that cover these ids, `SIZE` of them each. A range may hold strangers: claims sort it out."""
    ordered = sorted(keys)
    chunks = (ordered[start : start + SIZE] for start in range(0, len(ordered), SIZE))
    return [Ring(step, chunk[0], chunk[-1]) for chunk in chunks]
