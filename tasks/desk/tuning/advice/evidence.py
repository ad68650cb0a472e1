"""What a profile is judged by: the papers of the last weeks, who answers each of its wishes, and what its
reader said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np

from tasks.desk.interests import NEW, with_edit
from tasks.desk.outlook import asked_for
from tasks.desk.tuning.past import Past, look_back
from tasks.errors import UnknownName
from tasks.profile_json import LISTS, from_json, to_json
from tasks.records import Example, Feedback, Paper, Profile, Reader
from tasks.round.context import Context
from tasks.round.stretch import Floats, Ints, Stretch, ordinal
from tasks.score import Background, Lens, lens
from tasks.score.wishes import BARRED, Wish, other_wishes, wanted_words
from tasks.store import profiles
from tasks.store.feedback import LIKED
from tasks.store.profiles import Asked

SPAN = 30  # days, and the weeks before them by which their lines were set
ITEMS_MOST = 240  # things of a profile that are looked at one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing of a list of the profile; `rows` are the places of the papers that answer it."""

    part: str
    text: str
    weight: float
    wishes: tuple[Wish, ...]
    rows: Ints

    @property
    def words(self) -> tuple[str, ...]:
        """Its stems, where it is words."""
        return next((wish.key[1:] for wish in self.wishes if wish.key[0] == "words"), ())


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """A profile as `typed` and as it is by now `taught`, the reader's `others`, the papers, the answers.

    `answers` are those that taught this profile, the newest first. `about` is how many picks a day it is
    to bring.
    """

    ground: Background
    papers: Stretch
    last: date
    typed: Profile
    taught: Profile
    others: tuple[Asked, ...] = ()
    about: float = 5.0
    answers: tuple[Feedback, ...] = ()

    @property
    def body(self) -> dict[str, Any]:
        """The profile as JSON, as it would be saved."""
        return to_json(self.typed)

    @property
    def count(self) -> int:
        """How many papers there are."""
        return len(self.papers.papers)

    @property
    def recent(self) -> slice:
        """The papers of the last month."""
        today = self.last.toordinal()
        return self.papers.between(today - SPAN, today)

    @property
    def picks(self) -> int:
        """How many papers a month should bring, and never more than a tenth of those that came."""
        rows = self.recent
        return min(round(self.about * SPAN), int(rows.stop - rows.start) // 10)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """What the lists hold, one by one."""
        return tuple(self._items())

    @property
    def liked(self) -> tuple[Paper, ...]:
        """What the reader liked and what they gave as examples, the newest last."""
        known = {one.paper.id: one.paper for one in self.answers if one.want in LIKED}
        given = map(paper_of, self.taught.examples)
        return tuple(known.get(paper.id, paper) for paper in given)

    @property
    def disliked(self) -> tuple[Example, ...]:
        """What they turned away."""
        return self.taught.dislikes

    def scores(self, profile: Profile) -> Floats:
        """The evidence of every paper for a profile, whatever its negatives bar."""
        seen = lens(self.ground, profile)
        return self._unbarred(seen)

    def shown(self, rows: Ints, most: int = 3) -> tuple[Paper, ...]:
        """The newest of some papers."""
        return tuple(self.papers.papers[row] for row in np.sort(rows)[::-1][:most].tolist())

    def _unbarred(self, seen: Lens) -> Floats:
        found = self.papers.evidence(seen).copy()
        for key, weight in seen.wishes.items():
            if weight <= BARRED:
                rows, hits = self.papers.answer(key)
                found[rows] -= weight * hits
        return found

    def _items(self) -> Iterator[Item]:
        texts = [(part, text) for part in LISTS for text in getattr(self.typed, part)]
        for part, text in texts[:ITEMS_MOST]:
            wishes = wishes_of(part, text, self.typed.weights)
            rows = [self.papers.answer(wish.key)[0] for wish in wishes]
            yield Item(
                part=part,
                text=text,
                weight=weight_of(self.typed, text),
                wishes=wishes,
                rows=np.unique(np.concatenate([np.zeros(0, np.int64), *rows])),
            )


def wishes_of(part: str, text: str, weights: Mapping[str, float]) -> tuple[Wish, ...]:
    """What one thing of a list asks for: nothing, where it holds no word."""
    alone = Profile(id=0, weights=weights, **{part: (text,)})  # type: ignore[arg-type]  # a list of texts
    return (*wanted_words(alone), *other_wishes(alone))


def weight_of(profile: Profile, text: str) -> float:
    """The weight of what was typed: 1 unless it was set."""
    own = {typed.strip().casefold(): weight for typed, weight in profile.weights.items()}
    return own.get(text.strip().casefold(), 1.0)


def gather(context: Context, reader: Reader, which: int | None, body: object) -> Evidence:
    """All that there is to judge this body by, for the profile of that number or for a new one (None).

    Raises `UsageError`, and `UnknownName` where there is no such profile.
    """
    return seen(context, reader, which, body)[0]


def seen(
    context: Context, reader: Reader, which: int | None, body: object
) -> tuple[Evidence, Past, Sequence[Asked]]:
    """The same, with the past that it is from and all of the reader's profiles."""
    key = which or NEW
    edited = from_json(body, key=key)
    with context.database.read() as session:
        saved = profiles.of_reader(session, reader.id)
    asked = asked_for(reader, with_edit(saved, edited))
    own = next((one for one in asked if one.profile.id == key), None)
    if own is None:
        raise UnknownName(f"there is no profile {which!r}")
    past = look_back(context, reader, SPAN, saved)
    names = {own.profile.name, ""} if own is asked[0] else {own.profile.name}
    last = past.moments[-1][1]
    evidence = Evidence(
        ground=past.ground,
        papers=past.papers,
        last=date.fromordinal(ordinal(last)),
        typed=replace(edited, name=own.profile.name),
        taught=own.profile,
        others=tuple(one for one in asked if one is not own),
        about=own.about,
        answers=tuple(one for one in past.answers if one.teaches and one.profile_name in names),
    )
    return evidence, past, asked


def paper_of(example: Example) -> Paper:
    """The example as a paper: ours, where it is named so."""
    number = example.id.removeprefix("entry:")
    ours = number != example.id and number.isdecimal()
    key = int(number) if ours else example.id
    return Paper(id=key, title=example.title, abstract=example.abstract)
