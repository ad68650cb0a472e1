"""The judged task: a stream of dated papers, and readers of whom it is known what they wanted.

A reader has a profile as typed when signing up, likes in their order up to a day, the split, and
judged days after it with the papers of each that turned out to be wanted. What a reader wanted after
the split is never shown to a ranker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date

import numpy as np

from tasks.errors import UsageError
from tasks.records import Example, Paper, Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked(Profile):
    """A profile with some of its reader's likes, and those that are kept back from it.

    What is kept back was wanted all the same: a recipe that takes every other paper for unwanted
    leaves these out, which is kind to it.
    """

    kept_back: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One judged reader. `likes` are oldest first; `relevant` holds every judged day, in order."""

    profile: Profile
    likes: tuple[Example, ...]
    split: date
    relevant: Mapping[date, frozenset[int | str]]

    def count(self, likes: int | None) -> int:
        """How many likes a ranker sees that may see the newest `likes`, or all of them for None."""
        return len(self.likes) if likes is None else min(likes, len(self.likes))

    def after(self, likes: int | None) -> Asked:
        """The profile with its newest `likes` likes as examples, oldest first; None for all."""
        known = len(self.likes) - self.count(likes)
        typed = {part.name: getattr(self.profile, part.name) for part in fields(self.profile)}
        return Asked(**typed | {"examples": self.likes[known:], "kept_back": self.likes[:known]})


@dataclass(frozen=True, slots=True)
class Judged:
    """The stream, its days ascending, and its readers. `notes` say what of a file was left out."""

    days: Mapping[date, tuple[Paper, ...]]
    readers: tuple[Reader, ...]
    notes: tuple[str, ...] = ()

    def before(self, day: date, most: int) -> list[Paper]:
        """The newest `most` papers dated before `day`, oldest first."""
        earlier = [paper for dated, own in self.days.items() if dated < day for paper in own]
        return earlier[-most:]


def example(day: date, paper: Paper) -> Example:
    """A liked or disliked paper of that day as a profile keeps it."""
    return Example(title=paper.title, abstract=paper.abstract, id=str(paper.id), given=day)


def folds(
    readers: Sequence[object], count: int, *, seed: int = 0
) -> Iterator[tuple[list[int], list[int]]]:
    """`count` pairs of places in `readers`: those to choose on, and those to tell the figure of.

    Everybody is in the second list once, so a weight or prior that was chosen on the first list of
    each pair has never seen whom it is measured on. Raises `UsageError` for a count that cannot be.
    """
    if not 2 <= count <= len(readers):
        raise UsageError(f"{len(readers)} profiles make 2 to {len(readers)} folds, not {count}")
    order = np.random.default_rng(seed).permutation(len(readers))
    for part in np.array_split(order, count):
        yield np.setdiff1d(order, part).tolist(), np.sort(part).tolist()
