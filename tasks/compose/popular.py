"""The day's list by votes: the digest of a reader who has not said what interests them.

    raw = VOTE · ln(1 + votes)

is no chance that the reader keeps the paper, since nothing is known of them: mails show the votes, and
no score.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from tasks.compose.twins import Met
from tasks.records import Composition, Paper, Pick, PickKind, Reader, Reason, Score

VOTE = 0.2


def popular(
    reader: Reader,
    papers: Iterable[Paper],
    *,
    sent: Collection[int | str],
    considered: int,
    known: Iterable[Paper] = (),
) -> Composition:
    """The most voted of `papers`, `reader.most` at most; no paper of `sent` and no twin of one `known`.

    Papers without votes come last, the newer first (the higher id).
    """
    met = Met(known)
    picks: list[Pick] = []
    for paper in sorted(papers, key=_votes_then_new):
        if len(picks) == reader.most:
            break
        if paper.id not in sent and not met.twin(paper):
            met.add(paper)
            picks.append(_pick(len(picks) + 1, paper))
    reason = "" if picks else "no new papers came since the last digest"
    return Composition(picks=tuple(picks), considered=considered, reason=reason)


def _votes_then_new(paper: Paper) -> tuple[int, int, str]:
    votes = -1 if paper.upvotes is None else paper.upvotes
    number = paper.id if isinstance(paper.id, int) else 0
    return -votes, -number, str(paper.id)


def _pick(place: int, paper: Paper) -> Pick:
    votes = max(paper.upvotes or 0, 0)
    raw = VOTE * math.log1p(votes)
    reason = Reason(kind="votes", label=f"{votes} votes", value=raw)
    score = Score(
        entry_id=paper.id, profile_id=0, value=1 / (1 + math.exp(-raw)), raw=raw, reasons=(reason,)
    )
    return Pick(place=place, paper=paper, score=score, kind=PickKind.POPULAR)
