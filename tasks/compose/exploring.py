"""One pick that is there to be learned from: of what was nearly picked, what would tell us most.

    gain = H(value) · (1 - largest likeness to anything known)

H is the entropy of a yes with that probability, in bits (Lewis and Gale 1994: ask where you are least
sure); what the profile was taught, what the reader was sent and what is in this digest is known, and
an answer about a paper like those tells little more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tasks.compose.alike import Alike
from tasks.compose.wanting import margin
from tasks.records import Candidate, Paper, Reader

NOTE = "Not a sure match, and unlike what came before"
NEAR = math.log(10)  # a tenth of the odds that a pick needs; less is no question but a mistake
FLOOR = 0.01  # nothing under this, however low the bar; what a negative lowers lies under it


def explore(
    reader: Reader, missed: Sequence[Candidate], known: Sequence[Paper], alike: Alike
) -> Candidate | None:
    """The near miss whose answer would tell most, the first of equals. `missed` hold no match."""
    near = [c for c in missed if margin(reader, c) >= -NEAR and c.score.value >= FLOOR]
    if not near:
        return None
    likeness = alike([c.paper for c in near], known).max(axis=1, initial=0)
    gains = [_bits(c.score.value) * (1 - close) for c, close in zip(near, likeness, strict=True)]
    return near[gains.index(max(gains))]


def _bits(value: float) -> float:
    if not 0 < value < 1:
        return 0.0
    return -value * math.log2(value) - (1 - value) * math.log2(1 - value)
