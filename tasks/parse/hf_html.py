"""Hugging Face's HTML pages → entries: the JSON they hydrate from, else the cards they show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from tasks.errors import PageError
from tasks.parse import hf
from tasks.parse.items import MOST_ITEMS
from tasks.records import ParsedPage, RawPage

_PROPS = '[data-target="DailyPapers"]'  # nothing more: the nesting changes with every framework
_TITLE = 'h3 a[href*="/papers/"]'
_VOTES = "div.leading-none, div.font-semibold.text-orange-500"
_CODE = 'a[href*="github.com/"]'
_ABSTRACT = 400
"""A card's paragraph is a one-sentence summary where there is one, and then no abstract."""
# Browsers that save a page make its links absolute.
_PAPER = re.compile(r"(?:https?://(?:huggingface\.co|hf\.co))?/papers/([^/?#]+)")


def parse_html(tree: LexborHTMLParser, page: RawPage) -> ParsedPage | None:
    """Reads a page of papers, or returns None where `tree` is another page.

    Shape ``hf-page`` from the hydration JSON; ``hf-cards``, with less of each paper, where that is
    missing or broken. A page without papers on it is a legal empty day.
    """
    nodes = tree.css(_PROPS)
    rows = list(_cards(tree))
    props = next(filter(None, map(_props, nodes)), None)
    try:
        if props is not None:
            return hf.parse_json(props, page, shape="hf-page")
    except PageError:
        if not rows:
            raise
    if not rows:
        if not nodes:
            return None
        raise PageError("not_a_page", "The page's data cannot be read, and it shows no cards.")
    said = "The page's data is missing or broken; its cards were read, without abstracts."
    return hf.assemble("hf-cards", rows, page, day=None, said=(said,))


def _props(node: LexborNode) -> dict[str, Any] | None:
    try:
        props = json.loads(node.attributes.get("data-props") or "")
    except (ValueError, RecursionError):
        return None
    usable = isinstance(props, dict) and hf.rows_of(props) is not None
    return props if usable else None


def _cards(tree: LexborHTMLParser) -> Iterator[dict[str, Any]]:
    """Cards as rows of the API. Trending pages draw each card twice; the id tells."""
    for card in tree.css("article")[: 2 * MOST_ITEMS]:
        link = card.css_first(_TITLE)
        found = _PAPER.match((link.attributes.get("href") or "") if link else "")
        if link is None or not found:
            continue
        paragraph, count, code = (card.css_first(name) for name in ("p", _VOTES, _CODE))
        summary = paragraph.text() if paragraph else ""
        yield {
            "id": found[1],
            "title": link.text(),
            "summary": summary if len(summary) >= _ABSTRACT else "",
            "authors": [one.attributes.get("title") for one in card.css("li[title]")],
            "upvotes": count.text() if count else None,
            "githubRepo": code.attributes.get("href") if code else None,
        }
