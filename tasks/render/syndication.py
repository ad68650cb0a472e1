"""Lists of papers for feed readers: Atom (RFC 4287) and JSON Feed 1.1. Pure, and made of data alone.

What strangers wrote becomes text: markup shows as typed, what XML forbids is gone, and a link that is no
plain http(s) address is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from tasks.render.links import safe_url
from tasks.render.text import clean

ATOM = "application/atom+xml"
JSON_FEED = "application/feed+json"
_NAMESPACE = "http://www.w3.org/2005/Atom"
_VERSION = "https://jsonfeed.org/version/1.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One paper of a feed. `id` never changes; `updated` is when its text last did.

    `url` is where its title leads, `paragraphs` its text, `links` more places as (name, url).
    """

    id: str
    title: str
    updated: datetime
    url: str = ""
    paragraphs: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A list of papers. `url` is its page and `own_url` its own address, each empty if it has none."""

    id: str
    title: str
    updated: datetime
    items: tuple[Item, ...]
    author: str
    language: str = "en"
    url: str = ""
    own_url: str = ""


def atom(feed: Feed) -> bytes:
    """The feed as an Atom document."""
    # The name stands as it is: prefixes would be valid too, and some readers do not know them.
    root = Element("feed", {"xmlns": _NAMESPACE, "xml:lang": feed.language})
    _texts(root, ("id", feed.id), ("title", feed.title), ("updated", _moment(feed.updated)))
    _texts(SubElement(root, "author"), ("name", feed.author))
    _link(root, "self", feed.own_url)
    _link(root, "alternate", feed.url)
    for item in feed.items:
        _entry(SubElement(root, "entry"), item)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _entry(entry: Element, item: Item) -> None:
    _texts(entry, ("id", item.id), ("title", item.title), ("updated", _moment(item.updated)))
    if item.published:
        _texts(entry, ("published", _moment(item.published)))
    for name in filter(None, map(clean, item.authors)):
        _texts(SubElement(entry, "author"), ("name", name))
    for term in filter(None, map(clean, item.categories)):
        SubElement(entry, "category", term=term)
    _link(entry, "alternate", item.url)
    content = SubElement(entry, "content", type="html")
    content.text = _html(item)


def _texts(parent: Element, *pairs: tuple[str, str]) -> None:
    for name, text in pairs:
        SubElement(parent, name).text = clean(text)


def _link(parent: Element, rel: str, url: str) -> None:
    if href := safe_url(url):
        SubElement(parent, "link", rel=rel, href=href)


def json_feed(feed: Feed) -> bytes:
    """The feed as a JSON Feed."""
    made: dict[str, Any] = {
        "version": _VERSION,
        "title": clean(feed.title),
        "language": feed.language,
        "authors": [{"name": clean(feed.author)}],
        "home_page_url": safe_url(feed.url),
        "feed_url": safe_url(feed.own_url),
        "items": [_item(item) for item in feed.items],
    }
    return json.dumps(_without_gaps(made), ensure_ascii=False).encode()


def _item(item: Item) -> dict[str, Any]:
    return _without_gaps(
        {
            "id": item.id,
            "url": safe_url(item.url),
            "title": clean(item.title),
            "content_html": _html(item),
            "date_published": _moment(item.published) if item.published else "",
            "date_modified": _moment(item.updated),
            "authors": [{"name": name} for name in map(clean, item.authors) if name],
            "tags": [tag for tag in map(clean, item.categories) if tag],
        }
    )


def _without_gaps(values: dict[str, Any]) -> dict[str, Any]:
    must_stay = ("items", "content_html")
    return {name: value for name, value in values.items() if value or name in must_stay}


def _html(item: Item) -> str:
    """The text as paragraphs, each in its own direction, and a line of links."""
    return "".join(_paragraphs(item))


def _paragraphs(item: Item) -> Iterator[str]:
    for text in filter(None, map(clean, item.paragraphs)):
        yield f'<p dir="auto">{escape(text)}</p>'
    links = [(clean(name), safe_url(url)) for name, url in item.links]
    anchors = [f'<a href="{escape(url)}">{escape(name)}</a>' for name, url in links if url]
    if anchors:
        yield f"<p>{' · '.join(anchors)}</p>"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
