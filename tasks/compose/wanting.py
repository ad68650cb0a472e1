"""How much a profile wants a paper, and by how little it missed it. Log-odds, like the scores' own."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tasks.records import Candidate, Reader

SURE = 1e-6  # as near to 0 and 1 as the odds of a bar are looked at


def bar(reader: Reader, candidate: Candidate) -> float:
    """The least value that makes a pick: the profile's line, and never under the threshold."""
    return max(candidate.line, reader.threshold)


def margin(reader: Reader, candidate: Candidate) -> float:
    """By how much the raw score lies over the bar; negative for a miss."""
    least = min(max(bar(reader, candidate), SURE), 1 - SURE)
    return candidate.score.raw - math.log(least / (1 - least))


def usable(candidate: Candidate) -> bool:
    """Whether it may be picked at all: no negative of the reader bars it and its numbers are sound."""
    numbers = all(map(math.isfinite, (candidate.score.raw, candidate.score.value)))
    barred = any(reason.kind == "negative" for reason in candidate.score.reasons)
    return numbers and not barred and not math.isnan(candidate.line)


def best_of_each(reader: Reader, candidates: Iterable[Candidate]) -> list[Candidate]:
    """Each paper once, for the profile that wants it most; the highest scores first.

    Ties fall by id, so that every run agrees.
    """
    best: dict[int | str, Candidate] = {}
    wanted = sorted(candidates, key=lambda c: (-margin(reader, c), *_order(c)))
    for candidate in wanted:
        best.setdefault(candidate.paper.id, candidate)
    return sorted(best.values(), key=_order)


def _order(candidate: Candidate) -> tuple[float, str, str]:
    return (
        -candidate.score.raw,
        str(candidate.paper.id).zfill(20),
        str(candidate.score.profile_id).zfill(20),
    )
