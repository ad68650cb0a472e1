"""One pick that is there to be learned from: of what was nearly picked, what would tell us most.

    gain = H(value) · (1 - largest likeness to anything known)

H is the entropy of a yes with that probability, in bits (Lewis and Gale 1994: ask where you are least
sure); what the profile was taught, what the reader was sent and what is in this digest is known, and
an answer about a paper like those tells little more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from tasks.compose.alike import Alike
from tasks.compose.wanting import margin
from tasks.records import Candidate, Paper, Reader

NOTE = "Not a sure match, and unlike what came before"
NEAR = math.log(10)  # a tenth of the odds that a pick needs; less is no question but a mistake
FLOOR = 0.01  # nothing under this, however low the bar; what a negative lowers lies under it


def explore(
    reader: Reader,
    missed: Iterable[Candidate],
    known: Sequence[Paper],
    alike: Alike,
    twin: Callable[[Paper], bool],
) -> Candidate | None:
    """The near miss whose answer would tell most, the first of equals. `missed` hold no match; a `twin`
    of what was sent is no question.
    """
    near = [c for c in missed if margin(reader, c) >= -NEAR and c.score.value >= FLOOR]
    best, most = None, 0.0
    # The least sure first: where even a paper unlike any could not win, nothing after it can.
    for candidate in sorted(near, key=lambda c: -_bits(c.score.value)):
        bits = _bits(candidate.score.value)
        if best is not None and bits <= most:
            break
        if twin(candidate.paper):
            continue
        gain = bits * (1 - float(alike([candidate.paper], known).max(initial=0)))
        if best is None or gain > most:
            best, most = candidate, gain
    return best


def _bits(value: float) -> float:
    if not 0 < value < 1:
        return 0.0
    return -value * math.log2(value) - (1 - value) * math.log2(1 - value)
