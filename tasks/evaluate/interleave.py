"""Which of two scorers serves a reader better, told by the reader's own clicks and saves.

Team draft (Radlinski, Kurup & Joachims, 2008): like two captains the rankings pick in turn from
what is left, and a coin says who picks first in each round. The reader sees one list; what is
clicked or saved is credited to the team that picked it. A day is won by the team with more credit,
and a sign test over days says whether that may be chance.

Look at the verdict when the days that were planned are over: looked at daily until it says yes, it
is wrong more often than one time in twenty.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from tasks.errors import UsageError

Item = TypeVar("Item", bound=Hashable)
Coin = Callable[[], bool]
Ints = NDArray[np.int64]

CHANCE = 0.05  # of a verdict where there is no difference
QUANTILE = 1.959964  # of the normal distribution, for 95 % between both sides
DAYS_MOST = 20_000  # beyond this nobody waits


class Team(StrEnum):
    """Who picked an item."""

    A = "a"
    B = "b"

    @property
    def other(self) -> Team:
        """The other one."""
        return Team.B if self is Team.A else Team.A


class Verdict(StrEnum):
    """What may be said of two teams."""

    A = "a"
    B = "b"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True)
class Slot(Generic[Item]):
    """An item at its place. Without a team it was left over when one side had nothing to pick."""

    item: Item
    team: Team | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Days won by either team; days alike are left out of the test (Dixon & Mood, 1946).

    `share` is A's share of the decided days, `low` to `high` its 95 % interval (Wilson, 1927);
    `chance` is the two-sided probability of a split at least as uneven between equals.
    """

    won_a: int
    won_b: int
    alike: int
    share: float
    low: float
    high: float
    chance: float
    verdict: Verdict


def coin(seed: int) -> Coin:
    """A fair coin that falls the same way for the same seed, such as a number of reader and day."""
    generator = np.random.default_rng(seed)
    return lambda: bool(generator.integers(2))


def interleave(
    a: Iterable[Item], b: Iterable[Item], *, coin: Coin, most: int | None = None
) -> list[Slot[Item]]:
    """One list of at most `most` items from two rankings, best first. Heads lets A pick first.

    Any beginning of the list holds as many picks of A as of B, give or take one. When one side has
    nothing left to pick, the rest of the other follows without a team and brings no credit.
    """
    left = {Team.A: list(dict.fromkeys(a))[::-1], Team.B: list(dict.fromkeys(b))[::-1]}
    slots: list[Slot[Item]] = []
    taken: set[Item] = set()
    second: Team | None = None  # whose turn ends the round
    while all(_skip(items, taken) for items in left.values()):
        team = second or (Team.A if coin() else Team.B)
        second = None if second else team.other
        slots.append(Slot(left[team].pop(), team))
        taken.add(slots[-1].item)
    rest = [item for items in left.values() for item in reversed(items) if item not in taken]
    return [*slots, *(Slot(item, None) for item in rest)][:most]


def credit(slots: Iterable[Slot[Item]], worth: Mapping[Item, float]) -> tuple[float, float]:
    """What A and B earned: the worth of what was clicked or saved, by who picked it."""
    earned = {Team.A: 0.0, Team.B: 0.0}
    for slot in slots:
        if slot.team:
            earned[slot.team] += worth.get(slot.item, 0.0)
    return earned[Team.A], earned[Team.B]


def preference(days: Sequence[tuple[float, float]]) -> Preference:
    """What days of `credit` say. Without a decided day the share is one half, and anything may be."""
    won_a = sum(a > b for a, b in days)
    won_b = sum(b > a for a, b in days)
    decided = won_a + won_b
    low, high = wilson(won_a, decided)
    chance = _sign_test(min(won_a, won_b), decided)
    leader = Verdict.A if won_a > won_b else Verdict.B
    return Preference(
        won_a=won_a,
        won_b=won_b,
        alike=len(days) - decided,
        share=won_a / decided if decided else 0.5,
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


def _skip(items: list[Item], taken: set[Item]) -> bool:
    """Drop from the end of `items` what is taken; whether anything is left."""
    while items and items[-1] in taken:
        items.pop()
    return bool(items)
