"""JSON Feed 1.0 and 1.1 (jsonfeed.org) → entries, leniently: any field may be of any type."""

from __future__ import annotations

import html
from typing import Any

from tasks.errors import PageError
from tasks.parse.items import Item, assemble, people
from tasks.records import ParsedPage, RawPage


def is_json_feed(document: object) -> bool:
    """Whether a JSON document says that it is a JSON Feed."""
    return isinstance(document, dict) and "jsonfeed.org/version" in _text(document.get("version"))


def parse_json_feed(document: dict[str, Any], page: RawPage) -> ParsedPage:
    """Reads the feed `document`, which came as `page`; shape ``json``. An empty list is legal.

    Raises `PageError("bad_json")` where there is no list of items.
    """
    rows = document.get("items")
    if not isinstance(rows, list):
        raise PageError(
            "bad_json",
            f"{page.url or page.name or 'The page'} is a JSON Feed without a list of items: "
            f"`items` is {type(rows).__name__}.",
        )
    base = _text(document.get("home_page_url")) or page.url
    return assemble("json", [_item(row, base) for row in rows], page)


def _item(row: object, base: str) -> Item:
    if not isinstance(row, dict):
        return Item(texts=(_plain(row),))
    name, link, other = (_text(row.get(key)) for key in ("id", "url", "external_url"))
    return Item(
        title=_plain(row.get("title")),
        texts=(
            _plain(row.get("summary")),
            _text(row.get("content_html")),
            _plain(row.get("content_text")),
        ),
        name=name,
        link=link or other,
        base=base,
        named=(link, other, name, _text(row.get("doi"))),
        searched=(other,),
        authors=people(_names(row.get("authors")) or _names(row.get("author"))),
        categories=tuple(_plain(tag) for tag in _list(row.get("tags"))),
        date=_text(row.get("date_published")),
    )


def _names(authors: object) -> tuple[str, ...]:
    """Version 1.1 has a list of objects, version 1.0 one object; some writers give bare names."""
    found = [one.get("name") if isinstance(one, dict) else one for one in _list(authors)]
    return tuple(_plain(name) for name in found)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _plain(value: object) -> str:
    return html.escape(_text(value), quote=False)


def _text(value: object) -> str:
    """Texts as they are; numbers, which some writers use as ids, as they are written."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
