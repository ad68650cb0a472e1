"""What was meant: words, names and categories that papers do have and that differ by one slip.

A slip is a letter too many, too few, wrong, or changed places with the next (Damerau 1964); a missing
space is a letter too few.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from string import ascii_lowercase

from tasks.records import Paper
from tasks.round.stretch import Stretch
from tasks.score.names import Name, name_of, sameness
from tasks.score.words import stems, surfaces

SHORTEST = 5  # letters: shorter words have too many neighbours that mean something else
SEEN = 3  # papers that must have a word before it is taken for the right one
ALIKE = 0.75  # of two names of categories (difflib's ratio)


@dataclass(frozen=True, slots=True)
class Person:
    """An author as papers spell them, and the places of those papers."""

    spelled: str
    name: Name
    rows: list[int] = field(default_factory=list)


def nearest_words(papers: Stretch, text: str) -> str | None:
    """`text` with its unknown words spelled as papers do; None where that finds no paper."""
    spelled, made = surfaces(text), text
    for at, word in enumerate(spelled):
        better = max(_slips(papers, spelled, at), default=None)
        if better:
            spelled[at] = better[-1]
            made = re.sub(rf"\b{word}\b", better[-1], made, flags=re.IGNORECASE)
    return made if stems(made) != stems(text) and _known(papers, stems(made)) else None


def _slips(papers: Stretch, spelled: Sequence[str], at: int) -> Iterator[tuple[int, int, str]]:
    """What the word may have been: how many papers have it in its place, and at all."""
    word = spelled[at]
    if len(word) < SHORTEST or not word.isascii() or not word.isalpha():
        return
    if _known(papers, stems(word)) >= SEEN:
        return
    for near in sorted(one_slip_off(word)):
        own = stems(near)
        count = _known(papers, own) if own else 0
        if count >= SEEN:
            whole = stems(" ".join((*spelled[:at], near, *spelled[at + 1 :])))
            yield _known(papers, whole), count, near


def _known(papers: Stretch, words: tuple[str, ...]) -> int:
    return len(papers.answer(("words", *words))[0])


def one_slip_off(word: str) -> set[str]:
    """All that differs from `word` by one slip."""
    parts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    letters = f"{ascii_lowercase} "
    some = {a + b[1:] for a, b in parts if b}
    some |= {a + b[1] + b[0] + b[2:] for a, b in parts if len(b) > 1}
    some |= {a + letter + b[1:] for a, b in parts if b for letter in ascii_lowercase}
    some |= {a + letter + b for a, b in parts for letter in letters}
    return {near.strip() for near in some} - {word}


# --- names ---------------------------------------------------------------------------------------
@lru_cache(maxsize=4)
def people(papers: Stretch) -> dict[str, list[Person]]:
    """The authors of some papers, by surname."""
    found: dict[str, dict[tuple[str, ...], Person]] = {}
    for row, paper in enumerate(papers.papers):
        for spelled in paper.authors:
            if name := name_of(spelled):
                same = found.setdefault(name.last, {})
                same.setdefault(name.given, Person(spelled, name)).rows.append(row)
    return {last: list(same.values()) for last, same in found.items()}


def nearest_name(papers: Stretch, text: str) -> str | None:
    """The author whose surname is one slip off, and whose given names agree; the one of most papers."""
    name = name_of(text)
    if name is None or not name.given or len(name.last) < SHORTEST:
        return None
    known = people(papers)
    found = [
        person
        for last in one_slip_off(name.last)
        for person in known.get(last, ())
        if sameness(Name(last, name.given), person.name)
    ]
    return max(found, key=lambda one: (len(one.rows), one.spelled)).spelled if found else None


def namesakes(papers: Stretch, text: str, rows: Sequence[int]) -> list[Person]:
    """The people that a name without a first name means, those of most papers first."""
    wanted = name_of(text)
    if wanted is None or any(len(given) > 1 for given in wanted.given[:1]):
        return []
    told = [
        one
        for one in people(papers).get(wanted.last, ())
        if sameness(wanted, one.name) and one.name.given and len(one.name.given[0]) > 1
    ]
    return sorted(told, key=lambda one: (-len(one.rows), one.spelled)) if len(rows) else []


# --- categories ----------------------------------------------------------------------------------
def filed(papers: Sequence[Paper]) -> int:
    """How many papers name a category at all."""
    return sum(bool(paper.categories) for paper in papers)


def nearest_categories(papers: Sequence[Paper], text: str) -> list[str]:
    """The categories that are most like it by their letters: two at most."""
    known = {category.casefold(): category for paper in papers for category in paper.categories}
    wanted = text.strip().casefold()
    found = get_close_matches(wanted, sorted(known), n=3, cutoff=ALIKE)
    found.sort(key=lambda one: sorted(one) != sorted(wanted))  # changed places before others
    return [known[one] for one in found[:2]]
