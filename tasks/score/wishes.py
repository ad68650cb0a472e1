"""What a reader typed, taken apart: terms, phrases, authors, categories, what to send less or never.

Every distinct wish is a column of its own, which serves all profiles that typed it; `Columns` numbers
them. What a paper answers to a wish is in `answers`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tasks.records import Profile
from tasks.score.names import archive_of, name_of
from tasks.score.words import stems

AUTHOR = 30.0  # in evidence: a followed author is a pick, by an initial too
CATEGORY = 1.0  # beside other wishes a category only tips the scale …
ONLY_CATEGORY = 12.0  # … but who typed nothing else wants all of it
LESS = -8.0
NEVER = -1e9  # what nothing outweighs …
BARRED = NEVER / 10  # … even where the paper says it once, in its abstract
LARGEST_WEIGHT = 10.0

_DOTTED = re.compile(r"[a-z-]+\.([a-z-]+|\*)", re.IGNORECASE)
_NAMED = re.compile(r"[a-z]+(-[a-z]+)*", re.IGNORECASE)  # an archive, such as hep-th, or any word

Key = tuple[str, ...]  # ("words", stem …), ("author", surname, given name …), ("category", name)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a profile typed: its kind and the reader's own spelling, a weight, the column's key."""

    kind: str
    label: str
    weight: float
    key: Key


class Columns:
    """Numbers for the keys of wishes: known ones keep theirs, a new one gets the next number."""

    def __init__(self, known: Iterable[Key] = ()) -> None:
        self._numbers = {tuple(key): number for number, key in enumerate(known)}

    def __len__(self) -> int:
        return len(self._numbers)

    def keys(self) -> Sequence[Key]:
        """All keys, by number."""
        return list(self._numbers)

    def number(self, key: Key) -> int:
        """The number of `key`."""
        return self._numbers.setdefault(key, len(self._numbers))


def wanted_words(profile: Profile) -> Iterator[Wish]:
    """The profile's terms and phrases, in units that the recipe weighs. The same twice counts once."""
    for kind, texts in (("term", profile.terms), ("phrase", profile.phrases)):
        yield from _once(
            Wish(kind, text, weight, ("words", *words))
            for text, weight in _weighted(profile, texts)
            if (words := stems(text))
        )


def other_wishes(profile: Profile) -> Iterator[Wish]:
    """Followed authors and categories, and what is to come less or never, weighed in evidence."""
    typed = (*profile.terms, *profile.phrases, *profile.authors, profile.description)
    alone = not profile.examples and not any(map(str.strip, typed))
    yield from _once(
        Wish("author", text, AUTHOR * weight, ("author", name.last, *name.given))
        for text, weight in _weighted(profile, profile.authors)
        if (name := name_of(text))
    )
    yield from _once(
        Wish("category", text, (ONLY_CATEGORY if alone else CATEGORY) * weight, _category(text))
        for text, weight in _weighted(profile, profile.categories)
    )
    yield from _once(
        wish
        for text, weight in _weighted(profile, profile.less)
        for wish in _unwanted("less", text, LESS * weight)
    )
    yield from _once(
        wish
        for text in map(str.strip, profile.negatives)
        for wish in _unwanted("negative", text, NEVER)
    )


def _unwanted(kind: str, text: str, weight: float) -> Iterator[Wish]:
    """A negative may be words, and by the look of it a category, or an author too."""
    if _DOTTED.fullmatch(text):
        yield Wish(kind, text, weight, _category(text))
        return
    if words := stems(text):
        yield Wish(kind, text, weight, ("words", *words))
    if _NAMED.fullmatch(text):
        yield Wish(kind, text, weight, _category(text))
    name = name_of(text)
    if name and name.given:
        yield Wish(kind, text, weight, ("author", name.last, *name.given))


def _category(text: str) -> Key:
    return ("category", archive_of(text))


def _once(wishes: Iterable[Wish]) -> Iterator[Wish]:
    found: dict[Key, Wish] = {}
    for wish in wishes:
        found.setdefault(wish.key, wish)
    yield from found.values()


def _weighted(profile: Profile, texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    """`texts` with their weights: 1 unless overridden, within 0 … LARGEST_WEIGHT."""
    own = {text.strip().casefold(): weight for text, weight in profile.weights.items()}
    for text in map(str.strip, texts):
        weight = own.get(text.casefold(), 1.0)
        yield text, 1.0 if math.isnan(weight) else min(max(weight, 0.0), LARGEST_WEIGHT)
