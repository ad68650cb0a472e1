"""Which of two scorers serves a reader better, told by days of their own clicks and saves.

Each day's list was drafted from both (`tasks.compose.drafting`). A day is won by the team with more
credit, and a sign test over days says whether that may be chance.

Look at the verdict when the days that were planned are over: looked at daily until it says yes, it
is wrong more often than one time in twenty. Who looks daily asks `tasks.evaluate.verdict`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from tasks.errors import UsageError

Ints = NDArray[np.int64]

CHANCE = 0.05  # of a verdict where there is no difference
QUANTILE = 1.959964  # of the normal distribution, for 95 % between both sides
DAYS_MOST = 20_000  # beyond this nobody waits


class Verdict(StrEnum):
    """What may be said of two teams."""

    SAVED = "saved"
    SHADOW = "shadow"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Days won by either team; days alike are left out of the test (Dixon & Mood, 1946).

    `share` is the saved version's share of the decided days, `low` to `high` its 95 % interval (Wilson, 1927);
    `chance` is the two-sided probability of a split at least as uneven between equals.
    """

    won_saved: int
    won_shadow: int
    alike: int
    share: float
    low: float
    high: float
    chance: float
    verdict: Verdict


def preference(days: Sequence[tuple[float, float]]) -> Preference:
    """What days of `credit` say. Without a decided day the share is one half, and anything may be."""
    won_saved = sum(saved > shadow for saved, shadow in days)
    won_shadow = sum(shadow > saved for saved, shadow in days)
    decided = won_saved + won_shadow
    low, high = wilson(won_saved, decided)
    chance = _sign_test(min(won_saved, won_shadow), decided)
    leader = Verdict.SAVED if won_saved > won_shadow else Verdict.SHADOW
    return Preference(
        won_saved=won_saved,
        won_shadow=won_shadow,
        alike=len(days) - decided,
        share=won_saved / decided if decided else 0.5,
        low=low,
        high=high,
        chance=chance,
        verdict=leader if chance <= CHANCE else Verdict.NOT_YET,
    )


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927); 0 to 1 without a try."""
    if not tries:
        return 0.0, 1.0
    share, z = hits / tries, QUANTILE**2 / tries
    middle = share + z / 2
    reach = QUANTILE * math.sqrt(share * (1 - share) / tries + z / (4 * tries))
    return max(0.0, (middle - reach) / (1 + z)), min(1.0, (middle + reach) / (1 + z))


def days_needed(share: float, *, alike: float = 0.0, power: float = 0.8) -> int | None:
    """Days until the sign test tells, with probability `power`, a team that wins `share` of them.

    `alike` is the share of days that decide nothing. None where it takes more than 20,000 decided
    days, as for a share of one half. The power is exact for whole days.
    """
    if not (0 <= share <= 1 and 0 <= alike < 1 and 0 < power < 1):
        raise UsageError("a share is from 0 to 1, alike below 1, and power between 0 and 1")
    decided = np.arange(1, DAYS_MOST + 1)
    losses = _losses_most(decided)
    power_after = np.where(losses < 0, 0, bdtr(losses.clip(0), decided, min(share, 1 - share)))
    enough = np.flatnonzero(power_after >= power)
    return math.ceil((int(enough[0]) + 1) / (1 - alike)) if len(enough) else None


def _losses_most(decided: Ints) -> Ints:
    """How many lost days of so many decided ones still are a verdict; -1 for none."""
    near = np.floor(decided / 2 - QUANTILE * np.sqrt(decided) / 2)
    tried = np.maximum(near[:, None] + np.arange(-2, 3), -1)
    chance = 2 * bdtr(tried.clip(0), decided[:, None], 0.5)
    most = np.where((tried >= 0) & (chance <= CHANCE), tried, -1).max(axis=1)
    return np.asarray(most, dtype=np.int64)


def _sign_test(losses: int, decided: int) -> float:
    """The chance of at most `losses` on either side of `decided` throws of a fair coin."""
    return min(1.0, 2 * float(bdtr(losses, decided, 0.5))) if decided else 1.0
