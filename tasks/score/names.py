"""When is a typed name that author, and a typed category that category?

Names are compared without case and accents. A surname is the last word, or what stands before a
comma; given names must agree as far as both sides tell them, an initial agreeing with any name it
begins. So "A. Rossi", "Rossi, Alice" and "Alice Rossi" are one, "Anna Rossi" is another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from tasks.score.words import fold

_PARTS = re.compile(r"[^\W_]+")
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv"})

FULL = 1.0  # the whole first name agrees
INITIAL = 0.75  # an initial agrees: several people may share it


@dataclass(frozen=True, slots=True)
class Name:
    """A name taken apart: the last word of the surname, and the given names in order."""

    last: str
    given: tuple[str, ...]


def name_of(text: str) -> Name | None:
    """The name in `text`, or None if it holds no letter."""
    before, comma, after = fold(text).partition(",")
    surname = [part for part in _PARTS.findall(before) if part not in _SUFFIXES]
    given = [part for part in _PARTS.findall(after) if part not in _SUFFIXES]
    if not surname:
        return None
    if not comma or not given:
        return Name(surname[-1], tuple(surname[:-1]))
    return Name(surname[-1], tuple(given))


def sameness(wanted: Name, author: Name) -> float:
    """How surely `author` is `wanted`: 0, `INITIAL` or `FULL`. A bare surname is anybody of it."""
    if sorted((*wanted.given, wanted.last)) == sorted((*author.given, author.last)):
        return FULL if _told(wanted) else INITIAL
    if wanted.last != author.last:
        return 0.0
    if not all(_agree(a, b) for a, b in zip_longest(wanted.given, author.given)):
        return 0.0
    return FULL if _told(wanted) and _told(author) else INITIAL


def _told(name: Name) -> bool:
    return bool(name.given) and len(name.given[0]) > 1


def _agree(one: str | None, other: str | None) -> bool:
    if not one or not other:
        return True
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(shorter) if len(shorter) == 1 else shorter == longer


def archive_of(wanted: str) -> str:
    """`cs.*` as `cs`, and `cs.CL` as `cs.cl`."""
    return wanted.strip().lower().removesuffix(".*")


def is_category(wanted: str, category: str) -> bool:
    """`cs.CL` is itself; `cs` and `cs.*` are the whole archive."""
    wanted, category = archive_of(wanted), category.strip().lower()
    return bool(wanted) and (category == wanted or category.startswith(f"{wanted}."))


def share(wanted: str, categories: Sequence[str]) -> float:
    """0, or from 0.5 for a paper that names the category among many others to 1 for all."""
    hits = sum(is_category(wanted, category) for category in categories)
    return 0.5 + 0.5 * hits / len(categories) if hits else 0.0
