"""Saved plain-text copies of the daily page → entries.

Such a page is a few head lines, then a title and an abstract in turn, one line each, and nothing
else. Newer copies have menus, links and labels as well. It is read in this order: head lines go by
exact match; what may be a menu, a label or a link is marked; `tasks.parse.pairing` does the rest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tasks.errors import PageError
from tasks.parse import clean, ids, links
from tasks.parse.pairing import Line, Pair, Sort, paired
from tasks.records import ParsedEntry, ParsedPage, RejectedItem

_INVITATION = re.compile(r"Get trending papers in your email inbox(?: once a day)?!")
_BYLINE = re.compile(r"by ?AK and the research community")
_TITLE_OF_PAGE = "Daily Papers"
_BUTTON = "Subscribe"
_GLUED = re.compile(rf"{_BUTTON}(?=\S)")
# Anywhere else these are words like any other: a paper may be called "Models", or "1984".
_MENU = re.compile(
    r"(?:Trending Papers|Daily|Weekly|Monthly|Previous|Next|Hugging Face|Models|Datasets|Spaces"
    r"|Buckets|Docs|Posts|Community|Website|Enterprise|Pricing|Papers|Blog|Tasks|Collections"
    r"|Languages|Organizations|Log ?In|Sign ?Up|Company|TOS|Privacy|About|Careers)(?: new)?"
    r"|new|[+-]?[\d.,]+[kK]?"
)
_LABEL = re.compile(
    r"Submitted by.{0,60}|.{0,60}[·•] ?\d+ authors?|\d+ authors?|GitHub ?[\d.,]*[kK]?"
    r"|Upvote ?[\d.,]*[kK]?|arXiv [Pp]age|View (?:arXiv page|PDF)"
    r"|(?:[·•] ?)?Published on [A-Z][a-z]+ \d{1,2}(?:, \d{4})?|[-–—·•+]|←|→|&larr;"
)
_SUBMITTER = "Submitted by"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(rf"({'|'.join(_MONTHS)}) (\d{{1,2}})(?:, (\d{{4}}))?")
_LINK = re.compile(r"https?://\S+")
_SHORT = 40
_LIKELY = 100
"""The least characters of an abstract. Without head lines, most must have as many …"""
_DOUBTFUL = 0.75
"""… and the reading may cost this much for each paper: any prose has short lines above long ones."""
_RAW = 200
_MOST_LINES = 100_000


@dataclass(slots=True)
class _Page:
    """The lines, and what those of the head said. Papers have `begun` with the first long line."""

    lines: list[Line] = field(default_factory=list)
    day: re.Match[str] | None = None
    invited: bool = False
    glued: bool = False
    titled: bool = False
    byline: bool = False
    begun: bool = False

    def texts(self) -> int:
        return sum(line.sort is Sort.TEXT for line in self.lines)


def parse_text(body: str, *, fetched_at: datetime) -> ParsedPage:
    """Reads a saved page; shape ``text-a``, ``text-b``, ``text-c`` or ``text``, by its head lines.

    A date without a year is of the latest year that is not in the future of `fetched_at`, and not
    certain. Titles and abstracts stand as the page has them but for accents and escapes. An entry's
    `source_id` is the first 16 hex digits of the SHA-256 of its title key. Raises
    `PageError("not_a_page")` where the lines are no titles and abstracts.
    """
    page = _sorted(body)
    reading, texts = paired(page.lines), page.texts()
    papers = len(reading.pairs)
    if not papers and (texts or not page.invited):
        raise PageError("not_a_page", "The text is no list of titles and abstracts, line by line.")
    likely = sum(len(pair.abstract.text) >= _LIKELY for pair in reading.pairs)
    if not page.invited and (reading.cost > _DOUBTFUL * papers or likely <= papers / 2):
        raise PageError(
            "not_a_page",
            f"The text has {papers} titles with an abstract among {texts} lines.",
        )
    entries = tuple(_entries(reading.pairs))
    day, certain = _day(page.day, fetched_at.date())
    return ParsedPage(
        shape=_shape(page),
        entries=entries,
        day=day,
        certain_day=certain,
        rejected=tuple(
            RejectedItem(position=line.at, reason="This line has no partner.", raw=line.text[:_RAW])
            for line in reading.alone
        ),
        warnings=tuple(_warnings(texts, len(entries), papers, len(reading.alone))),
    )


def _sorted(body: str) -> _Page:
    """The lines of a page, each with its sort."""
    page = _Page()
    before = ""
    lines = re.split(r"\r\n?|\n", body)
    if len(lines) > _MOST_LINES:
        raise PageError("too_large", f"The text has {len(lines)} lines, over {_MOST_LINES}.")
    for at, raw in enumerate(lines, 1):
        text = clean.line(raw)
        if _INVITATION.fullmatch(before) and _GLUED.match(text):
            page.glued, text = True, text.removeprefix(_BUTTON)
        if text in {"", before}:  # trending pages say each line twice
            continue
        page.lines.append(Line(at, text, _sort(text, before, page)))
        page.begun = page.begun or len(text) >= _LIKELY
        before = text
    return page


def _is_head(text: str, page: _Page) -> bool:
    """Whether a line is of the head; notes on `page` what it says."""
    if dated := _DATE.fullmatch(text):
        page.day = page.day or (None if page.begun else dated)
    elif _INVITATION.fullmatch(text):
        page.invited = True
    elif _BYLINE.fullmatch(text):
        page.byline = True
    elif text == _TITLE_OF_PAGE:
        page.titled = True
    else:
        return text == _BUTTON
    return True


def _sort(text: str, before: str, page: _Page) -> Sort:
    if _is_head(text, page):
        return Sort.HEAD
    if _LINK.fullmatch(text):
        return Sort.LINK
    is_name = before == _SUBMITTER and len(text) <= _SHORT and text.count(" ") < 3
    if is_name or _LABEL.fullmatch(text):
        return Sort.LABEL
    return Sort.MENU if _MENU.fullmatch(text) else Sort.TEXT


def _entries(pairs: Sequence[Pair]) -> Iterator[ParsedEntry]:
    seen: set[str] = set()
    for pair in pairs:
        title = clean.saved(pair.title.text)[: clean.TITLE_LENGTH]
        abstract = clean.saved(pair.abstract.text)
        key = hashlib.sha256(clean.title_key(title).encode()).hexdigest()[:16]
        if key in seen:
            continue
        seen.add(key)
        named = (line.text for line in pair.between if ids.arxiv(line.text))
        url = next(named, None)
        name, version = ids.arxiv(url or "") or (None, None)
        yield ParsedEntry(
            title=title,
            abstract=abstract,
            arxiv_id=name,
            arxiv_version=version,
            url=url,
            code_urls=links.code([abstract]),
            source_id=key,
            rank=len(seen),
        )


def _day(found: re.Match[str] | None, latest: date) -> tuple[date | None, bool]:
    """The day of a date line: in its own year, else in the latest that is not after `latest`."""
    if found is None:
        return None, True
    month, day = _MONTHS.index(found[1]) + 1, int(found[2])
    years = [int(found[3])] if found[3] else range(latest.year, latest.year - 9, -1)
    for year in years:  # nine years, so that one of them has a 29 February
        try:
            written = date(year, month, day)
        except ValueError:
            continue
        if found[3] or written <= latest:
            return written, bool(found[3])
    return None, True


def _shape(page: _Page) -> str:
    if page.byline and page.day:
        return "text-a" if page.titled else "text-b"
    return "text-c" if page.glued else "text"


def _warnings(texts: int, entries: int, pairs: int, alone: int) -> Iterator[str]:
    if alone:
        yield f"{alone} of {texts} lines have no partner; pairing took up after them."
    if pairs > entries:
        yield f"{pairs - entries} papers stand on the page twice."
    if not entries:
        yield "The page has its head lines and no paper."
