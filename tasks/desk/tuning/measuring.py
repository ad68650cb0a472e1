"""How good some digests are by their reader's own answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from tasks.desk.tuning.past import Past
from tasks.evaluate.interleave import wilson
from tasks.evaluate.measures import grouped, mean, ndcg
from tasks.records import Paper, Want
from tasks.round.replaying import Replayed
from tasks.store.feedback import LIKED


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure in 0..1 with its 95 % interval, from so many cases."""

    value: float
    low: float
    high: float
    cases: int


class Measures(TypedDict):
    """What a side of a comparison is measured by."""

    liked: tuple[Paper, ...]
    precision: Estimate | None
    recall: Estimate | None
    ndcg: Estimate | None


def measured(past: Past, made: Sequence[Replayed]) -> Measures:
    """Precision and recall with Wilson's interval, and the mean nDCG@10 of the days on which a liked paper
    came, with a bootstrap over days. A day's papers are ranked by the profile that wants each most.

    What was liked taught the profiles only later, as it did: no paper is measured by itself.
    """
    liked = {one.paper.id for one in past.answers if one.want in LIKED}
    unliked = {one.paper.id for one in past.answers if one.want in (Want.LESS, Want.HIDE)} - liked
    picked = {pick.paper.id: pick.paper for one in made for pick in one.choice.composition.picks}
    came = {past.papers.papers[n].id for one in made for n in one.news.tolist()}
    hits = [paper for key, paper in picked.items() if key in liked]
    judged = len(hits) + sum(key in unliked for key in picked)
    return Measures(
        liked=tuple(hits),
        precision=_share(len(hits), judged),
        recall=_share(sum(key in picked for key in liked & came), len(liked & came)),
        ndcg=_ranked(past, made, liked),
    )


def _share(hits: int, cases: int) -> Estimate | None:
    if not cases:
        return None
    low, high = wilson(hits, cases)
    return Estimate(value=hits / cases, low=low, high=high, cases=cases)


def _ranked(past: Past, made: Sequence[Replayed], liked: set[int | str]) -> Estimate | None:
    found = []
    for one in made:
        wanted = np.array([past.papers.papers[n].id in liked for n in one.news.tolist()], bool)
        if wanted.any():
            raw = np.max([one.raw(key) for key in one.lenses], axis=0)
            found.append(ndcg(grouped(raw, wanted)))
    if not found:
        return None
    whole = mean(found)
    return Estimate(value=whole.value, low=whole.low, high=whole.high, cases=len(found))
