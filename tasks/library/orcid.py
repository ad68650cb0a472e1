"""ORCID iDs, and the works that stand under one → references.

The shape: https://info.orcid.org/documentation/api-tutorials/ (version 3.0, the section of works).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from tasks.errors import UsageError
from tasks.library.loose import day, rows, text
from tasks.library.reference import Item, Library, gather, reference

_ID = re.compile(
    r"(?:(?:https?://)?(?:www\.|sandbox\.)?orcid\.org/)?"
    r"([0-9]{4})-?([0-9]{4})-?([0-9]{4})-?([0-9]{3}[0-9X])/?",
    re.IGNORECASE,
)
_THIS_WORK = ("self", "version-of", "")  # and not the whole that it is part of


_MOST_TELLERS = 50


def canonical(said: str) -> str:
    """`0000-0002-1825-0097`, from itself, its sixteen digits or its address.

    Raises `UsageError` where it is none, or its last digit does not fit: that is a check of the
    others (ISO 7064, MOD 11-2), and finds every single wrong digit.
    """
    found = _ID.fullmatch(said.strip())
    if not found:
        raise UsageError(
            f"{said[:80]!a} is no ORCID iD, which is four times four digits, like 0000-0002-1825-0097"
        )
    groups = [group.upper() for group in found.groups()]
    digits = "".join(groups)
    if digits[-1] != _check(digits[:-1]):
        raise UsageError(f"{'-'.join(groups)} is no ORCID iD: one of its digits is wrong")
    return "-".join(groups)


def _check(digits: str) -> str:
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    left = (12 - total % 11) % 11
    return "X" if left == 10 else str(left)


def parse(document: object) -> Library:
    """Reads the works, each once, whatever number of registers told of it."""
    return gather(reference(_item(group)) for group in rows(document, "group"))


def _item(group: object) -> Item:
    """`given` is the day of publication: what somebody wrote, they cared for then."""
    told = rows(group, "work-summary")[:_MOST_TELLERS]
    best: object = told[0] if told else None  # the one that its person prefers
    dated = (
        [text(one, "publication-date", part, "value") for part in ("year", "month", "day")]
        for one in told
    )
    return Item(
        title=text(best, "title", "title", "value"),
        named=chain.from_iterable(_named(one) for one in (group, *told)),
        searched=[text(one, "journal-title", "value") for one in told],
        given=next((found for parts in dated if (found := day(*parts))), None),
    )


def _named(told: object) -> Iterator[str]:
    """What tells a work, or the group of its tellings, apart from others."""
    yield text(told, "url", "value")
    for one in rows(told, "external-ids", "external-id"):
        if text(one, "external-id-relationship") in _THIS_WORK:
            yield text(one, "external-id-value")
            yield text(one, "external-id-url", "value")
