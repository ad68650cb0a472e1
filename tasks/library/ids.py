"""A list of papers, typed or pasted → references: arXiv ids, DOIs and addresses, as they come."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tasks.errors import UsageError
from tasks.library.reference import (
    MOST_PAPERS,
    TOO_MANY,
    Item,
    Library,
    Reference,
    Refused,
    gather,
    label,
    reference,
)
from templates import msgid

UNKNOWN = msgid("It is no arXiv id, DOI or address of a paper that we know.")

_MOST_WORDS = 10 * MOST_PAPERS
_SPACED = re.compile(r"\b(doi|arxiv)\s?:\s", re.IGNORECASE)
# DOIs have commas and semicolons of their own: these separate only before a blank, or before
# something that begins as an identifier does.
_BETWEEN = re.compile(
    r"[,;]?\s+|[,;](?=10\.\d{4}|\d{4}\.\d{4}|https?:|arxiv:|doi:|$)", re.IGNORECASE
)
_ATTEMPT = re.compile(r"https?://|arxiv|doi|10\.\d{4}|\d{4}\.\d{4}|/\d{7}", re.IGNORECASE)


def parse(text: str) -> Library:
    """Reads each line: the identifiers in it, and the words beside them as remarks.

    A line without any, and a word that looks like one and is none, are refused. Lines that begin
    with `#` are remarks. Raises `UsageError` for more words than such a list can have.
    """
    return gather(_items(text))


def _items(text: str) -> Iterator[Reference | Refused]:
    count = 0
    for line in text.splitlines():
        if line.lstrip()[:1] in ("", "#"):
            continue
        words = _BETWEEN.split(_SPACED.sub(r"\1:", line))
        count += len(words)
        if count > _MOST_WORDS:
            raise UsageError(TOO_MANY)
        yield from _of_line(line, words)


def _of_line(line: str, words: list[str]) -> Iterator[Reference | Refused]:
    tried = [word for word in words if _ATTEMPT.search(word)]
    found = [reference(Item(label=word, named=(word,))) for word in tried]
    if any(isinstance(one, Reference) for one in found):
        for one in found:
            yield Refused(label=one.label, reason=UNKNOWN) if isinstance(one, Refused) else one
    else:
        yield Refused(label=label(line), reason=UNKNOWN)
