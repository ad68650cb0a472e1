"""What every feed has in common: one raw item → an entry or a rejection, and items → a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from tasks.parse import clean, dates, ids, links
from tasks.records import ParsedEntry, ParsedPage, RawPage, RejectedItem

MOST_ITEMS = 2000
"""Items of one page that are read: arXiv's own feeds stop here, and no daily list is longer."""
_LONGEST_NAME = 300
_MOST_AUTHORS = 500
_MOST_CATEGORIES = 30
_SHORT = 200
"""A summary below this many characters is a teaser, where the content says more."""
_BETWEEN_NAMES = re.compile(r"\s*;\s*|\s*,\s*(?:and\s+|&\s*)?|\s+and\s+|\s+&\s+")
_SUFFIX = re.compile(r"(?:Jr|Sr|I{1,3}|IV)\.?", re.IGNORECASE)
_WITHDRAWN = re.compile(
    r"\bthis (?:paper|article|submission|manuscript|preprint|work) (?:has been|is|was) (?:now )?"
    r"withdrawn\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item as its feed has it. Texts are HTML; nothing is clean, checked or absolute yet.

    `authors` are single names; `texts` are the tellings of the abstract, best first; `link` is the
    paper's page and `base` what it is relative to; `named` are the places where an identifier of
    this very paper may stand; `searched` are further texts that may hold links to code.
    """

    title: str = ""
    texts: tuple[str, ...] = ()
    name: str = ""
    link: str = ""
    base: str = ""
    named: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    date: str = ""


def assemble(
    shape: str, items: list[Item], page: RawPage, *, warnings: Iterable[str] = ()
) -> ParsedPage:
    """Items in their order on `page` → the page read, each item an entry, rejected or counted."""
    said = list(warnings)
    if len(items) > MOST_ITEMS:
        said.append(f"The page has {len(items)} items; the first {MOST_ITEMS} were read.")
    results = [read(item, page, rank=rank) for rank, item in enumerate(items[:MOST_ITEMS], 1)]
    found = [result for result in results if isinstance(result, ParsedEntry)]
    entries = _without_own_code(_told_apart(found))
    if len(entries) < len(found):
        said.append(f"Items that stood on the page twice: {len(found) - len(entries)}.")
    return ParsedPage(
        shape=shape,
        entries=entries,
        rejected=tuple(result for result in results if isinstance(result, RejectedItem)),
        warnings=tuple(said),
    )


def read(item: Item, page: RawPage, *, rank: int) -> ParsedEntry | RejectedItem:
    """One item → an entry. Without title, link and name there is nothing to call it by."""
    title, name = clean.title(item.title), _short(clean.line(item.name))
    url = (links.web(item.link, item.base) if item.link.strip() else None) or links.web(name)
    abstract = _abstract(item.texts)
    if title == "" and url is None and name == "":
        said = abstract[:200]
        return RejectedItem(position=rank, reason="It has no title, link or id.", raw=said)
    warnings = []
    if title == "":
        title = abstract[:100].strip() or url or name
        warnings.append("The item has no title; its first words or its address stand in.")
    if name == "" and url is None:
        name = f"title:{clean.title_key(title)}"
        warnings.append("The item has no id and no link; its title is its key.")
    arxiv_id, version = _arxiv(item)
    return ParsedEntry(
        title=title,
        abstract=abstract,
        authors=_unique(map(clean.plain, item.authors))[:_MOST_AUTHORS],
        arxiv_id=arxiv_id,
        arxiv_version=version,
        doi=next(filter(None, map(ids.doi, item.named)), None),
        url=url,
        code_urls=links.code((*item.texts, *item.searched)),
        categories=_unique(map(clean.plain, item.categories))[:_MOST_CATEGORIES],
        published=dates.published(item.date, page.fetched_at),
        source_id=name or url or "",
        rank=rank,
        withdrawn=withdrawn(abstract, *item.searched),
        warnings=tuple(warnings),
    )


def people(names: Sequence[str]) -> tuple[str, ...]:
    """Names as feeds give them → one each. `Doe, Jane` is one person, `Jane Doe, Al Roe` are two.

    Only a lone text is split, and only where every part looks like a whole name (two words or
    more) or semicolons say so. Mail addresses are left out.
    """
    if len(names) == 1:
        (text,) = names
        parts = split_names(text)
        names = parts if all(" " in part for part in parts) else text.split(";")
    return tuple(name for name in names if "@" not in name)


def split_names(text: str) -> list[str]:
    """Splits a list of names at commas, semicolons and `and`; `Jr.` stays with its name."""
    parts: list[str] = []
    for part in filter(None, _BETWEEN_NAMES.split(text.strip())):
        if parts and _SUFFIX.fullmatch(part):
            parts[-1] += f" {part}"
        else:
            parts.append(part)
    return parts


def withdrawn(*texts: str) -> bool:
    """Whether a text about a paper (its abstract, a comment) says that the paper was withdrawn."""
    return any(_WITHDRAWN.search(text[:_SHORT]) for text in texts)


def _short(name: str) -> str:
    """Names are keys: one that is too long to be one is kept as its hash."""
    return name if len(name) <= _LONGEST_NAME else sha256(name.encode()).hexdigest()


def _abstract(texts: tuple[str, ...]) -> str:
    told = [text for text in map(clean.abstract, texts) if text != ""]
    if not told:
        return ""
    return told[0] if len(told[0]) >= _SHORT else max(told, key=len)


def _arxiv(item: Item) -> tuple[str | None, int | None]:
    """Returns the id that the item is named by, with the highest version that stands anywhere."""
    found = [pair for pair in map(ids.arxiv, (*item.named, item.name, item.link)) if pair]
    if not found:
        return None, None
    first = found[0][0]
    versions = [version for name, version in found if name == first and version is not None]
    return first, max(versions, default=None)


def _told_apart(entries: list[ParsedEntry]) -> tuple[ParsedEntry, ...]:
    """Drops exact repeats; where one id names different links, the link becomes part of it."""
    once: dict[tuple[str, str | None], ParsedEntry] = {}
    for entry in entries:
        once.setdefault((entry.source_id, entry.url), entry)
    shared = Counter(entry.source_id for entry in once.values())
    return tuple(
        replace(entry, source_id=f"{entry.source_id} {entry.url}")
        if shared[entry.source_id] > 1
        else entry
        for entry in once.values()
    )


def _without_own_code(entries: tuple[ParsedEntry, ...]) -> tuple[ParsedEntry, ...]:
    """Drops the repositories that every item links to: they are the feed's own, not the papers'."""
    if len(entries) < 3:
        return entries
    own = set.intersection(*(set(entry.code_urls) for entry in entries))
    if not own:
        return entries
    return tuple(
        replace(entry, code_urls=tuple(url for url in entry.code_urls if url not in own))
        for entry in entries
    )


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text != ""))
