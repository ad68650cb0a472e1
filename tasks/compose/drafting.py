"""Two versions of a profile in one digest: team draft, so that the reader's own answers tell the better.

Team draft (Radlinski, Kurup & Joachims, 2008): like two captains the rankings pick in turn from
what is left, and a coin says who picks first in each round. The reader sees one list; what is
clicked or saved is credited to the team that picked it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import numpy as np

from tasks.compose.twins import Met
from tasks.records import Candidate

Item = TypeVar("Item", bound=Hashable)
Coin = Callable[[], bool]


class Team(StrEnum):
    """Who picked an item: the version that is saved, or its shadow, which is on trial."""

    SAVED = "saved"
    SHADOW = "shadow"

    @property
    def other(self) -> Team:
        """The other one."""
        return Team.SHADOW if self is Team.SAVED else Team.SAVED


@dataclass(frozen=True, slots=True)
class Slot(Generic[Item]):
    """An item at its place. Without a team it was left over when one side had nothing to pick."""

    item: Item
    team: Team | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """A trial: the ids of a profile and of its shadow, and numbers that no other digest has for the coin."""

    saved: int | str
    shadow: int | str
    seed: tuple[int, ...]


def coin(seed: int | Sequence[int]) -> Coin:
    """A fair coin that falls the same way for the same numbers from 0, such as reader and day."""
    generator = np.random.default_rng(seed)
    return lambda: bool(generator.integers(2))


def interleave(
    saved: Iterable[Item], shadow: Iterable[Item], *, coin: Coin, most: int | None = None
) -> list[Slot[Item]]:
    """One list of at most `most` items from two rankings, best first. Heads lets the saved pick first.

    Any beginning of the list holds as many picks of either, give or take one. When one side has
    nothing left to pick, the rest of the other follows without a team and brings no credit.
    """
    ranked = {Team.SAVED: saved, Team.SHADOW: shadow}
    left = {team: list(dict.fromkeys(items))[::-1] for team, items in ranked.items()}
    slots: list[Slot[Item]] = []
    taken: set[Item] = set()
    second: Team | None = None  # whose turn ends the round
    while all(_skip(items, taken) for items in left.values()):
        team = second or (Team.SAVED if coin() else Team.SHADOW)
        second = None if second else team.other
        slots.append(Slot(left[team].pop(), team))
        taken.add(slots[-1].item)
    rest = [item for items in left.values() for item in reversed(items) if item not in taken]
    return [*slots, *(Slot(item, None) for item in rest)][:most]


def credit(slots: Iterable[Slot[Item]], worth: Mapping[Item, float]) -> tuple[float, float]:
    """What the saved and the shadow earned: the worth of what was clicked or saved, by who picked it."""
    earned = dict.fromkeys(Team, 0.0)
    for slot in slots:
        if slot.team:
            earned[slot.team] += worth.get(slot.item, 0.0)
    return earned[Team.SAVED], earned[Team.SHADOW]


def draft(
    contest: Contest, saved: Sequence[Candidate], shadow: Sequence[Candidate]
) -> list[tuple[Candidate, Team | None]]:
    """Candidates of both sides in the order of the draft, as many as the longer side has.

    Twins are one paper to a reader: whichever side picks first brings its own.
    """
    ids = [candidate.paper.id for candidate in saved]
    known = {Team.SAVED: dict(zip(ids, saved, strict=True)), Team.SHADOW: _as_known(saved, shadow)}
    most = max(map(len, known.values()))
    slots = interleave(ids, known[Team.SHADOW], coin=coin(contest.seed), most=most)
    either = known[Team.SHADOW] | known[Team.SAVED]
    return [
        (known[slot.team][slot.item] if slot.team else either[slot.item], slot.team)
        for slot in slots
    ]


def _as_known(
    saved: Sequence[Candidate], shadow: Sequence[Candidate]
) -> dict[int | str, Candidate]:
    """The shadow's candidates, a twin of a saved one by that one's id."""
    ids, met = {one.paper.id for one in saved}, Met(one.paper for one in saved)
    known: dict[int | str, Candidate] = {}
    for one in shadow:
        key = one.paper.id
        if key not in ids and met.twin(one.paper):
            key = next(other.paper.id for other in saved if Met([other.paper]).twin(one.paper))
        known.setdefault(key, one)
    return known


def _skip(items: list[Item], taken: set[Item]) -> bool:
    """Drop from the end of `items` what is taken; whether anything is left."""
    while items and items[-1] in taken:
        items.pop()
    return bool(items)
