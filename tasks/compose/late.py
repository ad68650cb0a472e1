"""Late bloomers: a near miss is looked at again after 3, 7 and 14 days, for what happened since.

Votes count by how many times as many there are, beside what is usual among the papers looked at:

    rise = ln((votes now + FEW) / (votes then + FEW)) - the median of that
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median

from tasks.compose.wanting import margin
from tasks.records import Candidate, Paper, Reader

AFTER = tuple(timedelta(days=days) for days in (3, 7, 14))
NEAR = 1.5  # log-odds under the bar: what happened makes up for no more than this
FEW = 10  # votes that say little: from 0 to 10 is a doubling
RISE = math.log(2)  # twice as much as usual is news
USUAL = math.log(1.5)  # what is usual where too few papers tell
TELLING = 5  # papers with votes that it takes to tell what is usual
MOST, CODE, VERSION = (
    2.0,
    0.5,
    0.25,
)  # what votes (at most), code and a new version add, in log-odds


def bloomed(
    reader: Reader,
    missed: Iterable[Candidate],
    since: datetime,
    now: datetime,
    twin: Callable[[Paper], bool],
) -> tuple[Candidate, str] | None:
    """The near miss with the best news of those due after `since` and up to `now`, and what happened.

    Of equals the first; None where nothing happened to any that is no `twin` of what was sent.
    """
    looked_at = [c for c in missed if due(c, since, now) and margin(reader, c) >= -NEAR]
    usual = _usual(looked_at)
    told = [(c, news) for c in looked_at if (news := _news(c, usual)) and not twin(c.paper)]
    if not told:
        return None
    best = max(told, key=lambda pair: margin(reader, pair[0]) + _worth(pair[0], usual))
    return best[0], ", ".join(best[1])


def due(candidate: Candidate, since: datetime, now: datetime) -> bool:
    """Whether it came so long ago that it is looked at again, after `since` and up to `now`."""
    came = candidate.arrived
    return came is not None and any(since < came + days <= now for days in AFTER)


def _growth(candidate: Candidate) -> float:
    return math.log(((candidate.paper.upvotes or 0) + FEW) / ((candidate.votes or 0) + FEW))


def _usual(looked_at: Sequence[Candidate]) -> float:
    grown = [_growth(c) for c in looked_at if c.paper.upvotes is not None]
    return median(grown) if len(grown) >= TELLING else USUAL


def _rise(candidate: Candidate, usual: float) -> float:
    return max(_growth(candidate) - max(usual, 0), 0)


def _news(candidate: Candidate, usual: float) -> list[str]:
    """What happened, in words; nothing where nothing did."""
    paper, news = candidate.paper, []
    if _rise(candidate, usual) >= RISE:
        news.append(f"{(paper.upvotes or 0) - (candidate.votes or 0)} votes since")
    if _coded(candidate):
        news.append("code released")
    if _renewed(candidate):
        news.append(f"now in version {paper.version}")
    return news


def _worth(candidate: Candidate, usual: float) -> float:
    votes = min(_rise(candidate, usual), MOST)
    return votes + CODE * _coded(candidate) + VERSION * _renewed(candidate)


def _coded(candidate: Candidate) -> bool:
    return bool(candidate.paper.code_urls) and not candidate.coded


def _renewed(candidate: Candidate) -> bool:
    """Where the version was unknown, a known one is no news."""
    return candidate.version is not None and (candidate.paper.version or 0) > candidate.version
