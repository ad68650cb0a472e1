"""RSS 0.9 to 2.0, Atom 0.3 and 1.0, CDF → entries, by feedparser under guards of our own.

Feedparser is slow and can be made slower (32,000 attributes cost half a minute), so that strangers'
feeds come here only inside the child of `tasks.parse.killable`.
"""

from __future__ import annotations

import html
import io
import re
from collections import deque
from typing import Any

import feedparser
from selectolax.lexbor import LexborHTMLParser

from tasks.errors import PageError
from tasks.parse import links
from tasks.parse.encoding import decode
from tasks.parse.items import Item, assemble, people
from tasks.records import ParsedPage, RawPage

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CHARACTER = re.compile(r"&#(?:x([0-9a-f]+)|(\d+));?", re.IGNORECASE)
_PROLOGUE = re.compile(
    r"\s*(?:<\?[^>]*>|<!--.*?-->|<!DOCTYPE(?:[^\[>]|\[[^\]]*\])*>)", re.DOTALL | re.IGNORECASE
)
_ROOT = re.compile(r"\s*<([\w.-]+:)?([\w.-]+)")
_END = re.compile(r"</(?:rss|feed|rdf:RDF)\s*>")
_ITEM = re.compile(r"<(?:\w+:)?(?:item|entry)[\s>]")
_ITEM_CLOSED = re.compile(r"</(?:\w+:)?(?:item|entry|channel|rss|feed|RDF)\s*>")
_ALTERNATES = "link[rel~=alternate][type*=rss], link[rel~=alternate][type*=atom]"
_SHAPES = {"feed": "atom", "rdf": "rdf", "channel": "cdf"}
_DATES = ("published", "created", "updated")
_NAMES = ("dc_identifier", "prism_doi", "prism_url", "arxiv_doi", "dc_source", "doi")


def parse_feed(page: RawPage) -> ParsedPage:
    """Reads a feed; its shape is ``rss``, ``rdf``, ``atom`` or ``cdf``. An empty feed is legal.

    Raises `PageError`: ``empty``, ``not_a_feed`` (naming the feed that a web page offers),
    ``list_of_feeds``, or ``crashed`` where feedparser itself fails.
    """
    text = _legal(decode(page)).strip("\ufeff \t\r\n")
    if text == "":
        raise PageError("empty", f"{_called(page)} is empty.")
    root = _root(text)
    if root == "opml":
        raise PageError(
            "list_of_feeds",
            f"{_called(page)} is a list of feeds (OPML). Add the feeds in it one by one.",
        )
    result, warnings = _parsed(text, page, root)
    version = dict.get(result, "version", "")
    if root == "html" or (version == "" and not result["entries"]):
        raise PageError("not_a_feed", _not_a_feed(text, page))
    base = _base(result, page, root)
    items = [_item(entry, base) for entry in result["entries"]]
    return assemble(_SHAPES.get(root, "rss"), items, page, warnings=warnings)


def _parsed(text: str, page: RawPage, root: str) -> tuple[Any, list[str]]:
    """Feedparser's result, and what was wrong. Repairs are tried only on what is not XML."""
    result = _feedparser(text, page, root)
    if not result["entries"] and "<rss:item" in text:
        result = _feedparser(re.sub(r"<(/?)rss:", r"<\1", text), page, root)
    if not result["bozo"]:
        return result, []
    end = _END.search(text)
    if end is not None and text[end.end() :].strip():
        first = _feedparser(text[: end.end()], page, root)
        if not first["bozo"]:
            return first, ["Text behind the end of the feed was left out."]
    warnings = ["The feed is not well-formed XML; it was read as far as it makes sense."]
    if _is_cut(text) and result["entries"]:
        result["entries"].pop()
        warnings = ["The feed is cut off; the item it ends in was left out."]
    return result, warnings


def _is_cut(text: str) -> bool:
    """Whether the text ends inside an item."""
    last = deque(_ITEM.finditer(text), maxlen=1)
    return bool(last) and not _ITEM_CLOSED.search(text, last[0].end())


def _feedparser(text: str, page: RawPage, root: str) -> Any:
    """Always a stream: feedparser opens a str or bytes that looks like a path or an address.

    Atom defines what a relative link is relative to; in RSS it is the channel's link for most
    writers, which is known only afterwards (see `_base`).
    """
    headers = {"content-type": "application/xml; charset=utf-8"}
    if root == "feed":
        headers["content-location"] = page.url
    try:
        return feedparser.parse(
            io.BytesIO(text.encode("utf-8", "replace")),
            response_headers=headers,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except MemoryError:
        raise  # not the parser's stumbling: this process has had enough
    # The boundary to a parser that answers odd documents (a position outside of its place, say)
    # with whatever its own code stumbles over.
    except Exception as error:
        raise PageError(
            "crashed", f"{_called(page)} breaks the feed parser: {type(error).__name__}: {error}"
        ) from error


def _item(entry: Any, base: str) -> Item:
    # A FeedParserDict answers for keys that it does not have, and warns; dict.get does not.
    get = dict.get
    contents = [_html(content) for content in get(entry, "content", ())]
    hrefs = _each(entry, "links", "href")
    name, link = _value(entry, "id"), _value(entry, "link")
    if get(entry, "guidislink", False) and links.web(link) is None and hrefs == ():
        link = ""  # a bare guid, which feedparser takes for a link because RSS says so
    return Item(
        title=_html(get(entry, "title_detail", {})),
        texts=(_html(get(entry, "summary_detail", {})), *contents),
        name=name,
        link=link,
        base=base,
        named=(link, name, *(_value(entry, key) for key in _NAMES)),
        searched=(*hrefs, _value(entry, "arxiv_comment")),
        authors=people(_each(entry, "authors", "name")),
        categories=_each(entry, "tags", "term"),
        date=next(filter(None, (_value(entry, key) for key in _DATES)), ""),
    )


def _value(values: Any, key: str) -> str:
    """The text under `key`: feedparser leaves keys out, and has None under others."""
    value = dict.get(values, key)
    return value if isinstance(value, str) else ""


def _each(entry: Any, key: str, part: str) -> tuple[str, ...]:
    return tuple(_value(one, part) for one in dict.get(entry, key, ()))


def _html(detail: Any) -> str:
    """A text construct → HTML: what is declared to be plain text must not lose its `<`."""
    value = _value(detail, "value")
    return html.escape(value, quote=False) if detail.get("type") == "text/plain" else value


def _base(result: Any, page: RawPage, root: str) -> str:
    if root == "feed" and page.url:
        return page.url
    return links.web(_value(result["feed"], "link"), page.url) or page.url


def _legal(text: str) -> str:
    """Drops what is in no XML. Feedparser dies of references to surrogates."""
    return _CHARACTER.sub(_legal_reference, _CONTROLS.sub("", text))


def _legal_reference(found: re.Match[str]) -> str:
    digits = found[1] or found[2]
    code = int(digits, 16 if found[1] else 10) if len(digits) < 9 else 0
    if 0xD800 <= code <= 0xDFFF or code > 0x10FFFF or _CONTROLS.match(chr(code)):
        return ""
    return found[0]


def _root(text: str) -> str:
    """The local name of the first element, lower case; empty where there is none."""
    at = 0
    while found := _PROLOGUE.match(text, at):
        at = found.end()
    first = _ROOT.match(text, at)
    return first[2].lower() if first else ""


def _not_a_feed(text: str, page: RawPage) -> str:
    offered = [
        address
        for node in LexborHTMLParser(text).css(_ALTERNATES)
        if (address := links.web(node.attributes.get("href") or "", page.url))
    ]
    if offered:
        return f"{_called(page)} is a web page, not a feed. It offers a feed at {offered[0]}"
    return f"{_called(page)} is neither RSS, Atom nor JSON Feed. It begins: {text[:80]!r}"


def _called(page: RawPage) -> str:
    return page.url or page.name or "The page"
