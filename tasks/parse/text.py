"""Saved plain-text copies of the daily page → entries.

Such a page is a few head lines, then a title and an abstract in turn, one line each, and nothing
else. It is read in this order: head lines go by exact match, then lines of numbers and labels; the
rest is paired. Where a line is missing or too much, pairing takes up again at the next title with
an abstract: that line is set aside, and no later paper gets its neighbour's abstract.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from tasks.errors import PageError
from tasks.parse import clean, ids, links
from tasks.records import ParsedEntry, ParsedPage, RejectedItem

_INVITATION = re.compile(r"Get trending papers in your email inbox(?: once a day)?!")
_BYLINE = re.compile(r"by ?AK and the research community")
_TITLE_OF_PAGE = "Daily Papers"
_BUTTON = "Subscribe"
_LABEL = re.compile(
    r"new|Subscribe|Trending Papers|Daily|Weekly|Monthly|Previous|Next|Hugging Face"
    r"|Models|Datasets|Spaces|Buckets|Docs|Posts|Community|Website|Enterprise|Pricing|Papers|Blog"
    r"|Tasks|Collections|Languages|Organizations|Log ?In|Sign ?Up|Company|TOS|Privacy|About|Careers"
    r"|Submitted by.{0,60}|[·•]? ?\d+ authors?|Upvote ?[\d.,]*[kK]?|GitHub ?[\d.,]*[kK]?"
    r"|arXiv [Pp]age|View (?:arXiv page|PDF)|Published on [A-Z][a-z]+ \d{1,2}(?:, \d{4})?"
    r"|[+-]?[\d.,]+[kK]?|[-–—·•+]|←|→|&larr;"
)
_SUBMITTER = "Submitted by"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(rf"({'|'.join(_MONTHS)}) (\d{{1,2}})(?:, (\d{{4}}))?")
_LINK = re.compile(r"https?://\S+")
_SENTENCE = re.compile(r"\.[)\]}\"'”]*$")
_ENDS = re.compile(r"(?:[?!}]|https?://\S+)$")
# Of six thousand real titles none has 200 characters or ends in a full stop; one of their abstracts
# is shorter than that, and it ends in one.
_LONG = 200
_MIDDLING = 150
_SHORT = 40
_LIKELY = 100
"""Without head lines, half of the abstracts must be this long, or any two lines were a paper."""
_RAW = 200
_MOST_LINES = 100_000


@dataclass(slots=True)
class _Page:
    """What the head lines said, and the lines that are left, each with its place in the file."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    day: re.Match[str] | None = None
    invited: bool = False
    glued: bool = False
    titled: bool = False
    byline: bool = False


def parse_text(body: str, *, fetched_at: datetime) -> ParsedPage:
    """Reads a saved page; shape ``text-a``, ``text-b``, ``text-c`` or ``text``, by its head lines.

    A date without a year is of the latest year that is not in the future of `fetched_at`, and not
    certain. Titles and abstracts stand as the page has them but for accents and escapes. An entry's
    `source_id` is the first 16 hex digits of the SHA-256 of its title key. Raises
    `PageError("not_a_page")` where the lines are no titles and abstracts.
    """
    page = _sorted(body)
    pairs, alone = _paired(page.lines)
    if not pairs and (page.lines or not page.invited):
        raise PageError("not_a_page", "The text is no list of titles and abstracts, line by line.")
    likely = sum(len(abstract) >= _LIKELY for _, abstract in pairs)
    if not page.invited and (len(alone) > len(pairs) or likely < len(pairs) / 2):
        raise PageError(
            "not_a_page",
            f"The text has {len(pairs)} titles with an abstract among {len(page.lines)} lines.",
        )
    entries = tuple(_entries(pairs, page.names))
    day, certain = _day(page.day, fetched_at.date())
    return ParsedPage(
        shape=_shape(page),
        entries=entries,
        day=day,
        certain_day=certain,
        rejected=tuple(
            RejectedItem(position=at, reason="This line has no partner.", raw=text[:_RAW])
            for at, text in alone
        ),
        warnings=tuple(_warnings(page, len(entries), len(pairs), len(alone))),
    )


def _sorted(body: str) -> _Page:
    """Tells head lines and labels from the lines that count."""
    page = _Page()
    before = ""
    lines = re.split(r"\r\n?|\n", body)
    if len(lines) > _MOST_LINES:
        raise PageError("too_large", f"The text has {len(lines)} lines, over {_MOST_LINES}.")
    for at, raw in enumerate(lines, 1):
        text = clean.line(raw)
        if _INVITATION.fullmatch(before) and text.startswith(_BUTTON) and text != _BUTTON:
            page.glued, text = True, text.removeprefix(_BUTTON).lstrip()
        if text == "":
            continue
        if not _is_head(text, page) and not (before == _SUBMITTER and _is_name(text)):
            _take(page, at, text)
        before = text
    return page


def _is_head(text: str, page: _Page) -> bool:
    """Whether a line is of the head or a label; notes on `page` what it says."""
    if dated := _DATE.fullmatch(text):
        page.day = page.day or (None if page.lines else dated)
    elif _INVITATION.fullmatch(text):
        page.invited = True
    elif _BYLINE.fullmatch(text):
        page.byline = True
    elif text == _TITLE_OF_PAGE:
        page.titled = True
    else:
        return _LABEL.fullmatch(text) is not None
    return True


def _is_name(text: str) -> bool:
    return len(text) <= _SHORT and text.count(" ") < 3


def _take(page: _Page, at: int, text: str) -> None:
    if _LINK.fullmatch(text):  # it belongs to the title above it, if anything
        if page.lines and ids.arxiv(text):
            page.names.setdefault(page.lines[-1][0], text)
    elif not page.lines or page.lines[-1][1] != text:  # trending pages say each line twice
        page.lines.append((at, text))


def _paired(
    lines: list[tuple[int, str]],
) -> tuple[list[tuple[tuple[int, str], str]], list[tuple[int, str]]]:
    """Returns (title with its place, abstract) pairs, and the lines that have no partner."""
    titles, abstracts = lines[::2], lines[1::2]
    if len(titles) == len(abstracts) and all(
        _fits(title[1], abstract[1]) for title, abstract in zip(titles, abstracts, strict=True)
    ):
        return [(one, other[1]) for one, other in zip(titles, abstracts, strict=True)], []
    pairs, alone, at = [], [], 0
    while at < len(lines):
        following = lines[at + 1][1] if at + 1 < len(lines) else ""
        if not _is_abstract(lines[at][1]) and _is_abstract(following):
            pairs.append((lines[at], following))
            at += 2
        else:
            alone.append(lines[at])
            at += 1
    return pairs, alone


def _fits(title: str, abstract: str) -> bool:
    """Whether two neighbours in strict turn may be a title and its abstract."""
    return len(title) < len(abstract) and (not _is_abstract(title) or _is_abstract(abstract))


def _is_abstract(text: str) -> bool:
    size = len(text)
    return bool(
        size >= _LONG
        or (size >= _SHORT and _SENTENCE.search(text))
        or (size >= _MIDDLING and _ENDS.search(text))
    )


def _entries(
    pairs: list[tuple[tuple[int, str], str]], names: dict[int, str]
) -> Iterator[ParsedEntry]:
    seen: set[str] = set()
    for (at, raw_title), raw_abstract in pairs:
        title = clean.saved(raw_title)[: clean.TITLE_LENGTH]
        abstract = clean.saved(raw_abstract)
        key = hashlib.sha256(clean.title_key(title).encode()).hexdigest()[:16]
        if key in seen:
            continue
        seen.add(key)
        name, version = ids.arxiv(names.get(at, "")) or (None, None)
        yield ParsedEntry(
            title=title,
            abstract=abstract,
            arxiv_id=name,
            arxiv_version=version,
            url=names.get(at),
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


def _warnings(page: _Page, entries: int, pairs: int, alone: int) -> Iterator[str]:
    if alone:
        yield f"{alone} of {len(page.lines)} lines have no partner; pairing took up after them."
    if pairs > entries:
        yield f"{pairs - entries} papers stand on the page twice."
    if not entries:
        yield "The page has its head lines and no paper."
