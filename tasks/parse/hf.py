"""Hugging Face Daily Papers → entries: the API's JSON, and what is common to every shape of it.

The schema changes every few weeks, so every field may be missing, null or of another type; what
cannot become an entry is kept aside with its reason while the rest goes on.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from tasks.errors import PageError
from tasks.parse import clean, dates, ids, links
from tasks.parse.items import MOST_ITEMS, people, withdrawn
from tasks.records import ParsedEntry, ParsedPage, RawPage, RejectedItem

ADDRESS = "https://huggingface.co/papers/"
_LISTS = ("data", "dailyPapers", "papers", "results")
_LONGEST_REPR = 300_000
"""Python-repr rows are read up to this many characters: the longest real one has 23,000."""
_MOST_AUTHORS = 2_000
_MOST_VOTES = 10_000_000
_RAW = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
_VOTES = re.compile(r"\s*(\d[\d,]*(?:\.\d+)?)\s*([kKmM]?)\s*")
_TIMES = {"": 1, "k": 1_000, "m": 1_000_000}


def rows_of(document: object) -> list[Any] | None:
    """The list of papers in a JSON document: a list, an envelope with one, a single paper; or None.

    Takes the daily list and search results alike, and the reply about one paper.
    """
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        return None
    for key in _LISTS:
        if isinstance(document.get(key), list):
            return list(document[key])
    single = isinstance(document.get("paper"), dict) or {"id", "title"} <= document.keys()
    return [document] if single else None


def parse_json(document: object, page: RawPage, *, shape: str = "hf-api") -> ParsedPage:
    """Reads the API's reply `document`, which came as `page`.

    An empty list is a legal empty day. Raises `PageError("not_a_page")` where there is no list, or
    not one of its rows is a paper.
    """
    rows = rows_of(document)
    if rows is None:
        raise PageError("not_a_page", f"{_named(page)} is JSON, but no list of papers.")
    said = document if isinstance(document, dict) else {}
    day = _day(said.get("dateString") or said.get("date"))
    odd = tuple(_odd(document, rows)) if shape == "hf-api" else ()
    return assemble(shape, rows, page, day=day, said=odd)


def _odd(document: object, rows: list[Any]) -> Iterator[str]:
    """What is unusual about a reply that can be read all the same."""
    if isinstance(document, dict):
        yield "The list stands in an envelope."
    if texts := sum(isinstance(row, str) for row in rows):
        yield f"{texts} of {len(rows)} rows are Python's text of an object, not JSON."


def assemble(
    shape: str,
    rows: list[Any],
    page: RawPage,
    *,
    day: date | None,
    said: tuple[str, ...] = (),
) -> ParsedPage:
    """Rows in page order → the page read. `day` is what the page itself says; it wins over ours."""
    entries: dict[str, ParsedEntry] = {}
    rejected: list[RejectedItem] = []
    if len(rows) > MOST_ITEMS:
        said += (f"The page has {len(rows)} papers; the first {MOST_ITEMS} were read.",)
    for position, row in enumerate(rows[:MOST_ITEMS], 1):
        try:
            entry = _entry(row, page, rank=len(entries) + 1)
        except ValueError as reason:
            raw = clean.line(str(row)[: 2 * _RAW])[:_RAW]
            rejected.append(RejectedItem(position=position, reason=str(reason), raw=raw))
        else:
            entries.setdefault(entry.source_id, entry)
    if rejected and not entries:
        raise PageError(
            "not_a_page", f"{_named(page)} has no paper in any of its rows: {rejected[0].reason}"
        )
    if day and page.day and day != page.day:
        said += (f"The page is of {day}, though {page.day} was asked for.",)
    return ParsedPage(
        shape=shape,
        entries=tuple(entries.values()),
        day=day or page.day,
        rejected=tuple(rejected),
        warnings=said,
    )


def _entry(row: object, page: RawPage, *, rank: int) -> ParsedEntry:
    """One row → an entry. Raises ValueError, with a sentence, where it is none."""
    outer = _fields(_mapping(row))
    inner = outer.get("paper")
    paper = _fields(inner) if isinstance(inner, dict) else outer
    title = clean.title(_text(paper.get("title"))) or clean.title(_text(outer.get("title")))
    name = _text(paper.get("id")).strip()
    arxiv_id, version = ids.arxiv(name) or (None, None)
    name = arxiv_id or name
    if title == "":
        raise ValueError("It has no title.")
    if not _NAME.fullmatch(name):
        raise ValueError("It has no usable id.")
    told = (_text(of.get(key)) for of in (paper, outer) for key in ("summary", "abstract"))
    summary = next(filter(str.strip, told), "")
    abstract = clean.abstract(summary)
    # The summary as it came: cleaning leaves `here` of `\href{https://…}{here}`.
    code = (paper.get("githubrepo"), summary, paper.get("projectpage"))
    published = _text(paper.get("publishedat")) or _text(outer.get("publishedat"))
    counts = (votes(of.get("upvotes")) for of in (paper, outer))
    return ParsedEntry(
        title=title,
        abstract=abstract,
        authors=_authors(paper.get("authors")),
        arxiv_id=arxiv_id,
        arxiv_version=version,
        url=ADDRESS + quote(name),
        code_urls=links.code(map(_text, code)),
        upvotes=next((count for count in counts if count is not None), None),
        published=dates.published(published, page.fetched_at),
        source_id=name,
        rank=rank,
        withdrawn=bool(paper.get("withdrawnat")) or withdrawn(abstract),
    )


def votes(value: object) -> int | None:
    """A count of votes as any writer puts it (47, 47.0, "1,234", "1.2k"), or None."""
    if isinstance(value, str):
        found = _VOTES.fullmatch(value)
        if not found or len(value) > 30:
            return None
        value = float(found[1].replace(",", "")) * _TIMES[found[2].lower()]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return round(value) if 0 <= value <= _MOST_VOTES else None


def _mapping(row: object) -> Mapping[str, Any]:
    """The row as a mapping; some archives keep rows in strings, as Python writes them."""
    if isinstance(row, str):
        row = _literal(row)
    if not isinstance(row, dict):
        raise ValueError(f"It is no paper but {type(row).__name__}.")
    return row


def _fields(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fields by one spelling of their names: writers have `githubRepo` and `github_repo`."""
    return {str(key).replace("_", "").casefold(): value for key, value in values.items()}


def _literal(text: str) -> Any:
    if not text.lstrip().startswith("{"):
        raise ValueError("It is text, not a paper.")
    if len(text) > _LONGEST_REPR:
        raise ValueError(f"It is a string of {len(text)} characters, too long to read.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the text may hold escapes that Python frowns upon
        for read in (json.loads, ast.literal_eval):
            try:
                return read(text.strip())
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
    raise ValueError("It is a string that is neither JSON nor a Python value.")


def _authors(value: object) -> tuple[str, ...]:
    """Names in order, those hidden on the page included: they wrote the paper."""
    if isinstance(value, str):
        value = people([value])
    names = []
    for one in value[:_MOST_AUTHORS] if isinstance(value, list | tuple) else ():
        name = one.get("name", one.get("fullname")) if isinstance(one, dict) else one
        names.append(clean.plain(_text(name)[:_RAW]).strip(" ,;"))
    return tuple(dict.fromkeys(filter(None, names)))


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(_text(value)[:10])
    except ValueError:
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _named(page: RawPage) -> str:
    return page.url or page.name or "The page"
