"""What other programs' libraries hold, told in one way, whichever program told it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from tasks.errors import UsageError
from tasks.library import tex
from tasks.parse import clean, ids
from templates import msgid

MOST_BYTES = 5_000_000
"""A library of 2,000 papers with all their abstracts has some 4 million."""
MOST_PAPERS = 2_000
_LONGEST_LABEL = 200
_LONGEST_TEXT = 20_000
"""Characters of an abstract that are looked at; a profile keeps no more."""
_LONGEST_LINE = 1_000
_MOST_AUTHORS = 500
_MOST_PLACES = 50

NAMELESS = msgid("It has no title, and no arXiv id or DOI that we can read.")
TOO_MANY = (
    f"that is more than {MOST_PAPERS:,} papers, which are the most that can be imported at once: "
    "choose those that stand for your interests"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A paper as another program knows it: clean text, canonical identifiers.

    `label` is what a person will recognise it by: the line, the citation key, the title. `given` is
    the day on which it came into their library, where the library tells it.
    """

    label: str
    title: str = ""
    abstract: str = ""
    authors: tuple[str, ...] = ()
    arxiv_id: str | None = None
    doi: str | None = None
    given: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Something that could not become a reference, and why, in a sentence."""

    label: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """What was read, each paper once. `skipped` counts what is no paper: attachments, notes."""

    references: tuple[Reference, ...] = ()
    refused: tuple[Refused, ...] = ()
    skipped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item as its library tells it; nothing is clean or checked yet.

    `named` are the places that may hold an identifier of this very paper and nothing else;
    `searched` may hold more words, among which an arXiv id is marked as one.
    """

    label: str = ""
    title: str = ""
    abstract: str = ""
    authors: Iterable[str] = ()
    named: Iterable[str] = ()
    searched: Iterable[str] = ()
    given: date | None = None


def label(text: str) -> str:
    """A name as it can be shown: one line, not endless, never empty."""
    return clean.line(text[:_LONGEST_LINE])[:_LONGEST_LABEL] or "(no name)"


def reference(item: Item) -> Reference | Refused:
    """The item, cleaned; refused where nothing tells which paper it is."""
    title = clean.title(tex.formulas(item.title[:_LONGEST_LINE]))
    named = [clean.line(text[: ids.LONGEST + 1]) for text in islice(item.named, _MOST_PLACES)]
    searched = [clean.line(text[:_LONGEST_LINE]) for text in islice(item.searched, _MOST_PLACES)]
    found = [*map(ids.arxiv, named), *map(ids.find_arxiv, searched)]
    arxiv_id = next((pair[0] for pair in found if pair), None)
    doi = next(filter(None, map(ids.doi, named)), None)
    known_as = label(item.label.strip() or title or arxiv_id or doi or "")
    if not (title or arxiv_id or doi):
        return Refused(label=known_as, reason=NAMELESS)
    authors = (clean.plain(name[:_LONGEST_LABEL]) for name in islice(item.authors, _MOST_AUTHORS))
    return Reference(
        label=known_as,
        title=title,
        abstract=clean.abstract(tex.formulas(item.abstract[:_LONGEST_TEXT])),
        authors=tuple(filter(None, authors)),
        arxiv_id=arxiv_id,
        doi=doi,
        given=item.given,
    )


def names(one: Reference) -> list[tuple[str, str]]:
    """What the paper may be known by, the strongest first: kinds ``arxiv``, ``doi``, ``title``."""
    found = [("arxiv", one.arxiv_id), ("doi", one.doi), ("title", clean.title_key(one.title))]
    return [(kind, value) for kind, value in found if value]


def gather(found: Iterable[Reference | Refused], *, skipped: int = 0) -> Library:
    """The library of what was found; what stands in it twice counts once, with all that is said.

    Raises `UsageError` past `MOST_PAPERS`, without looking at the rest.
    """
    kept: list[Reference] = []
    places: dict[tuple[str, str], int] = {}
    refused: list[Refused] = []
    for count, one in enumerate(found, start=1):
        if count > MOST_PAPERS:
            raise UsageError(TOO_MANY)
        if isinstance(one, Refused):
            refused.append(one)
            continue
        known = names(one)
        at = next((places[name] for name in known if name in places), None)
        if at is None or not _may_be_one(kept[at], one):
            at = len(kept)
            kept.append(one)
        else:
            kept[at] = _joined(kept[at], one)
        for name in known:
            places.setdefault(name, at)
    return Library(references=tuple(kept), refused=tuple(refused), skipped=skipped)


def _may_be_one(one: Reference, other: Reference) -> bool:
    """Whether nothing says that these are two papers: the rule by which entries are merged."""
    if one.arxiv_id and other.arxiv_id:
        return one.arxiv_id == other.arxiv_id
    return not (one.doi and other.doi) or one.doi == other.doi


def _joined(one: Reference, other: Reference) -> Reference:
    return replace(
        one,
        title=one.title or other.title,
        abstract=one.abstract or other.abstract,
        authors=one.authors or other.authors,
        arxiv_id=one.arxiv_id or other.arxiv_id,
        doi=one.doi or other.doi,
        given=one.given or other.given,
    )
