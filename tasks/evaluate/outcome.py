"""From what was seen on the walk to measures of each ranker, with each number of likes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.evaluate.measures import (
    Calibration,
    Mean,
    average_precision,
    calibration,
    grouped,
    mean,
    ndcg,
    probability,
    recall,
    reciprocal_rank,
)
from tasks.evaluate.rankers import Ranker, Uses
from tasks.evaluate.stream import Likes, Plan, Seen, Walked
from tasks.evaluate.volume import Volume

A_DAY = 5  # papers, for the recall
MEASURES = ("ndcg@10", "recall@5/day", "mrr", "ap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One ranker with one number of likes (None for all). `readers` has one number a reader each.

    Where `uses` is WORDS the figures hold for every number of likes.
    """

    ranker: str
    uses: Uses
    likes: Likes
    readers: dict[str, tuple[float, ...]]
    calibration: Calibration | None = None
    volume: Volume | None = None

    def mean(self, measure: str) -> Mean:
        """The mean over readers of a measure, with its interval."""
        return mean(self.readers[measure])

    def beside(self, other: Outcome, measure: str) -> Mean:
        """The mean difference to another ranker's, over the same readers, with its interval."""
        return mean(np.subtract(self.readers[measure], other.readers[measure]))


def outcomes(walked: Walked, rankers: Sequence[Ranker], plan: Plan) -> list[Outcome]:
    """One outcome for each ranker and number of likes, in their order."""
    return [
        _outcome(ranker, k, walked[ranker.name, k], plan)
        for ranker in rankers
        for k in plan.of(ranker)
    ]


def rival(found: Sequence[Outcome], name: str, likes: Likes) -> Outcome | None:
    """The outcome of the ranker `name` to compare with at this number of likes, if it has one."""
    own = [o for o in found if o.ranker == name and (o.uses is Uses.WORDS or o.likes == likes)]
    return own[0] if own else None


def _outcome(ranker: Ranker, likes: Likes, seen: Sequence[Seen], plan: Plan) -> Outcome:
    rows = list(zip(*map(_measures, seen), strict=True))
    days = [np.array(reader.picks, dtype=float) for reader in seen]
    return Outcome(
        ranker=ranker.name,
        uses=ranker.uses,
        likes=likes,
        readers=dict(zip(MEASURES, rows, strict=True)),
        calibration=_calibration(seen) if ranker.calibrated else None,
        volume=Volume(plan.about, tuple(float(own.mean()) for own in days))
        if all(map(len, days))
        else None,
    )


def _measures(seen: Seen) -> Iterator[float]:
    """One reader's measures in the order of `MEASURES`.

    nDCG and the reciprocal rank are means over the days on which anything was wanted; recall cuts
    the ranking of all judged days once, at five papers a day; AP is over that ranking, too.
    """
    pairs = zip(seen.scores, seen.wanted, strict=True)
    days = [grouped(scores, wanted) for scores, wanted in pairs if wanted.any()]
    together = grouped(np.concatenate(seen.scores), np.concatenate(seen.wanted))
    yield float(np.mean([ndcg(day) for day in days]))
    yield recall(together, A_DAY * len(seen.scores))
    yield float(np.mean([reciprocal_rank(day) for day in days]))
    yield average_precision(together)


def _calibration(seen: Sequence[Seen]) -> Calibration:
    scores = np.concatenate([day for reader in seen for day in reader.scores])
    wanted = np.concatenate([day for reader in seen for day in reader.wanted])
    return calibration(probability(scores), wanted)
