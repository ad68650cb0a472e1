"""A page of any shape → its entries, or the reason why it has none."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from tasks.errors import PageError
from tasks.parse import arxiv, clean, feeds, hf, jsonfeed, links
from tasks.parse.encoding import decode
from tasks.parse.hf_html import parse_html
from tasks.parse.items import MOST_ITEMS
from tasks.parse.markdown import is_markdown_list, parse_markdown
from tasks.parse.text import parse_text
from tasks.records import ParsedPage, RawPage

LARGEST = 10_000_000
"""Bytes of a page that are read: a real web page of a day, or a feed of four categories, has 1.7
million."""

# A challenge asks for proof of a person before the page comes. (Real pages load a challenge script
# too, so its address says nothing.)
_CHALLENGE = re.compile(
    r"window\.gokuProps|id=[\"']challenge-container|_cf_chl_opt"
    r"|<title>\s*(?:Just a moment|Attention Required|Human Verification)",
    re.IGNORECASE,
)
_PAPERS = re.compile(r"data-target\s*=\s*[\"']DailyPapers|<article\b")
_ERROR = re.compile(
    r"(?:(?:HTTP/[\d.]+ |error:? )?[45]\d\d[ :.-]*)?(?:rate (?:limit )?exceeded|too many requests"
    r"|internal server error|bad gateway|service unavailable|service temporarily unavailable"
    r"|gateway time-?out|upstream [a-z ]+error|access denied|forbidden|unauthorized|not found)\b",
    re.IGNORECASE,
)
_ERROR_LENGTH = 500
_APOLOGIES = ("error", "errors", "message", "detail")
_XML = re.compile(
    r"<\?xml|<!DOCTYPE\s+(?!html)|<(?:\w+:)?(?:rss|feed|rdf|channel|opml)\b", re.IGNORECASE
)
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)
_HTML = re.compile(r"<(?:!DOCTYPE\s+html|html|head|body|title|meta|script|div|article)\b", re.I)
_FEED_LINK = (
    'link[rel~="alternate"][type*="rss"], link[rel~="alternate"][type*="atom"], '
    'link[rel~="alternate"][type*="feed"]'
)
_DAY = re.compile(r"(?<!\d)(20\d\d-\d\d-\d\d)(?!\d)")
_SPACED = re.compile(r"(?:\b\w ){8}")


def parse_page(page: RawPage) -> ParsedPage:
    """Reads `page`, of whichever shape it is; `page.kind` decides only where the bytes do not.

    An empty day is legal. Raises `PageError`, and nothing else, with the reason ``empty``,
    ``too_large``, ``blocked`` (a challenge instead of the page), ``error_page`` (an apology),
    ``bad_json``, ``list_of_feeds``, ``not_a_feed`` or ``not_a_page``.
    """
    if len(page.body) > LARGEST:
        raise PageError("too_large", f"{_named(page)} has {len(page.body)} bytes, over {LARGEST}.")
    text = decode(page).replace("\x00", "").lstrip("\ufeff")
    _refuse(page, text)
    parsed = _dispatch(page, text)
    return _finished(parsed, page)


def _refuse(page: RawPage, text: str) -> None:
    """Raises PageError where the server sent something else than what was asked for."""
    if not text.strip("\ufeff \t\r\n\v\f"):
        raise PageError("empty", f"{_named(page)} is empty.")
    headers = {name.lower(): value.lower() for name, value in page.headers.items()}
    if headers.get("cf-mitigated") == "challenge" or "x-amzn-waf-action" in headers:
        raise _blocked(page)
    if not _PAPERS.search(text) and _CHALLENGE.search(text, 0, 20_000):
        raise _blocked(page)
    if len(text) <= _ERROR_LENGTH and _ERROR.match(text.strip()):
        raise PageError("error_page", f"{_named(page)} says: {clean.plain(text)[:200]}")


def _blocked(page: RawPage) -> PageError:
    return PageError("blocked", f"{_named(page)} is a challenge: the server takes us for a robot.")


def _dispatch(page: RawPage, text: str) -> ParsedPage:
    beginning = text[_skipped(text) :]
    if beginning[:1] in {"{", "["}:
        return _json(page, text)
    if _XML.match(beginning) or (page.kind == "feed" and not _HTML.match(beginning)):
        return _xml(page)
    is_piece = beginning.startswith("<") and _PAPERS.search(beginning)
    if is_piece or _HTML.match(beginning) or "html" in page.content_type.lower():
        return _html(page, text)
    if page.kind == "arxiv":
        return arxiv.parse_arxiv(page)
    return _plain(page, text)


def _skipped(text: str) -> int:
    """Where the text begins after blanks and comments."""
    place = 0
    while found := _COMMENT.match(text, place):
        place = found.end()
    return len(text) - len(text[place:].lstrip())


def _json(page: RawPage, text: str) -> ParsedPage:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        if "json" in page.content_type.lower() or page.name.endswith(".json"):
            raise PageError("bad_json", f"{_named(page)} is broken JSON: {error}") from None
        return _plain(page, text)
    if jsonfeed.is_json_feed(document):
        return jsonfeed.parse_json_feed(document, page)
    if isinstance(document, dict) and hf.rows_of(document) is None:
        said = [clean.plain(str(document[key])[:200]) for key in _APOLOGIES if key in document]
        if said:
            raise PageError("error_page", f"{_named(page)} says: {said[0]}")
    return hf.parse_json(document, page)


def _xml(page: RawPage) -> ParsedPage:
    if arxiv.looks_like_arxiv(page.body):
        return arxiv.parse_arxiv(page)
    return feeds.parse_feed(page)


def _html(page: RawPage, text: str) -> ParsedPage:
    tree = LexborHTMLParser(text)
    parsed = parse_html(tree, page)
    if parsed is not None:
        return parsed
    if arxiv.looks_like_arxiv(page.body):
        return arxiv.parse_arxiv(page)
    title = tree.css_first("title")
    if title and _ERROR.search(said := clean.plain(title.text())):
        raise PageError("error_page", f"{_named(page)} says: {said[:200]}")
    raise PageError(
        "not_a_feed" if page.kind == "feed" else "not_a_page",
        f"{_named(page)} is a web page without a list of papers.{_offer(tree, page)}",
    )


def _offer(tree: LexborHTMLParser, page: RawPage) -> str:
    found = (
        links.web(node.attributes.get("href") or "", page.url) for node in tree.css(_FEED_LINK)
    )
    address = next(filter(None, found), None)
    return f" It offers a feed: {address}" if address else ""


def _plain(page: RawPage, text: str) -> ParsedPage:
    if is_markdown_list(text):
        return parse_markdown(text)
    return parse_text(text, fetched_at=page.fetched_at)


def _finished(parsed: ParsedPage, page: RawPage) -> ParsedPage:
    """What holds for every shape: the most entries, the day that was asked for, doubtful texts."""
    said = parsed.warnings
    if len(parsed.entries) > MOST_ITEMS:
        said += (f"The page has {len(parsed.entries)} papers; {MOST_ITEMS} were read.",)
    entries = tuple(
        replace(entry, warnings=(*entry.warnings, "The abstract is letter-spaced."))
        if _SPACED.search(entry.abstract)
        else entry
        for entry in parsed.entries[:MOST_ITEMS]
    )
    rejected = parsed.rejected[:MOST_ITEMS]
    return replace(_dated(parsed, page), entries=entries, rejected=rejected, warnings=said)


def _dated(parsed: ParsedPage, page: RawPage) -> ParsedPage:
    """A day without its year, or no day at all, is made good by the day that was asked for.

    Failing that, by the day in a file's name (`2025-04-01.json`) or in the address of a daily list.
    """
    addressed = page.url if parsed.shape.startswith("hf") else ""
    known = page.day or _written_day(f"{page.name} {addressed}")
    day = parsed.day
    fits = known and day and (day.month, day.day) == (known.month, known.day)
    if known and (day is None or (fits and not parsed.certain_day)):
        return replace(parsed, day=known, certain_day=True)
    return parsed


def _written_day(text: str) -> date | None:
    found = _DAY.search(text)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def _named(page: RawPage) -> str:
    return page.url or page.name or "The page"
