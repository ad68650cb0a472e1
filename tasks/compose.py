"""Scores → picks for one reader. Pure: everything it needs is handed in.

A paper that several profiles want is picked once, by the profile that wants it most.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tasks.records import Candidate, Composition, Pick, Reader


def compose(
    reader: Reader, candidates: Iterable[Candidate], *, sent: Collection[int | str], considered: int
) -> Composition:
    """Choose the best papers at or over the reader's threshold, `reader.most` at most, never one twice.

    `sent` are the ids of entries that were picks before; `considered` is how many papers were new.
    """
    fresh = [c for c in candidates if c.paper.id not in sent]
    wanted = _best_of_each(c for c in fresh if c.score.value >= reader.threshold)
    picks = tuple(
        Pick(place=place, paper=c.paper, score=c.score, profile_name=c.profile_name)
        for place, c in enumerate(wanted[: reader.most], start=1)
    )
    reason = "" if picks else _why_empty(reader, considered)
    return Composition(picks=picks, considered=considered, reason=reason)


def _best_of_each(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The best candidate of each paper, best first; ties by id, so that every run agrees."""
    best: dict[int | str, Candidate] = {}
    for candidate in candidates:
        rival = best.get(candidate.paper.id)
        if rival is None or candidate.score.raw > rival.score.raw:
            best[candidate.paper.id] = candidate
    return sorted(best.values(), key=lambda c: (-c.score.raw, str(c.paper.id).zfill(20)))


def _why_empty(reader: Reader, considered: int) -> str:
    if considered == 0:
        return "no new papers came since the last digest"
    if reader.most == 0:
        return "the reader asks for no papers"
    papers = "1 new paper" if considered == 1 else f"{considered} new papers"
    return f"none of {papers} reached the threshold of {reader.threshold:.2f}"
