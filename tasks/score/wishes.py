"""What readers typed, as columns: terms, phrases, authors, categories, negatives.

Every distinct wish is a column, which serves all profiles that typed it; a profile has a weight in
it. What a paper answers to a wish is in `answers`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scipy import sparse

from tasks.records import Profile
from tasks.score.names import Name, name_of
from tasks.score.vectors import Floats
from tasks.score.words import Lexicon

AUTHOR = 1.8  # a followed author is a pick, by an initial too
CATEGORY = 0.4  # beside other wishes a category only tips the scale …
ONLY_CATEGORY = 2.0  # … but who typed nothing else wants all of it
LARGEST_WEIGHT = 10.0

_DOTTED = re.compile(r"[a-z-]+\.([a-z-]+|\*)", re.IGNORECASE)

Words = tuple[int, ...]
Key = tuple[str, Words | Name | str]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a profile typed, under the name that its reader gave it."""

    kind: str
    label: str
    weight: float


@dataclass(frozen=True, slots=True)
class Wishes:
    """All that was typed in one call: distinct keys in order, and by profile its wishes by column."""

    keys: dict[Key, int] = field(default_factory=dict)
    by_profile: list[dict[int, Wish]] = field(default_factory=list)

    def add(self, key: Key, wish: Wish) -> None:
        """Note a wish of the last profile. The same wish twice counts once."""
        column = self.keys.setdefault(key, len(self.keys))
        self.by_profile[-1].setdefault(column, wish)

    def weights(self) -> sparse.csr_array:
        """Profiles x columns."""
        rows = [j for j, wishes in enumerate(self.by_profile) for _ in wishes]
        columns = [column for wishes in self.by_profile for column in wishes]
        values = [wish.weight for wishes in self.by_profile for wish in wishes.values()]
        shape = (len(self.by_profile), len(self.keys))
        return sparse.csr_array((values, (rows, columns)), shape=shape, dtype=float)


def wanted(lexicon: Lexicon, profiles: Sequence[Profile], trust: Floats) -> Wishes:
    """What `profiles` ask for. `trust` is how much their typed words weigh, one number each."""
    wishes = Wishes()
    for profile, belief in zip(profiles, trust, strict=True):
        wishes.by_profile.append({})
        for kind, texts in (("term", profile.terms), ("phrase", profile.phrases)):
            for text, weight in _weighted(profile, texts):
                if words := tuple(lexicon.numbers(text)):
                    wishes.add((kind, words), Wish(kind, text, belief * weight))
        for text, weight in _weighted(profile, profile.authors):
            if name := name_of(text):
                wishes.add(("author", name), Wish("author", text, AUTHOR * weight))
        category = CATEGORY if _asks_more(profile) else ONLY_CATEGORY
        for text, weight in _weighted(profile, profile.categories):
            wishes.add(("category", text.lower()), Wish("category", text, category * weight))
    return wishes


def unwanted(lexicon: Lexicon, profiles: Sequence[Profile]) -> Wishes:
    """What `profiles` want none of: words, and by the look of them categories or authors."""
    wishes = Wishes()
    for profile in profiles:
        wishes.by_profile.append({})
        for text, weight in _weighted(profile, profile.negatives):
            wish = Wish("negative", text, weight)
            if _DOTTED.fullmatch(text):
                wishes.add(("category", text.lower()), wish)
                continue
            if words := tuple(lexicon.numbers(text)):
                wishes.add(("words", words), wish)
            name = name_of(text)
            if name and name.given:
                wishes.add(("author", name), wish)
    return wishes


def _asks_more(profile: Profile) -> bool:
    typed = (*profile.terms, *profile.phrases, *profile.authors, profile.description)
    return bool(profile.examples) or any(map(str.strip, typed))


def _weighted(profile: Profile, texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    """`texts` with their weights: 1 unless overridden, within 0 … LARGEST_WEIGHT."""
    own = {text.strip().casefold(): weight for text, weight in profile.weights.items()}
    for text in map(str.strip, texts):
        weight = own.get(text.casefold(), 1.0)
        yield text, 1.0 if math.isnan(weight) else min(max(weight, 0.0), LARGEST_WEIGHT)
