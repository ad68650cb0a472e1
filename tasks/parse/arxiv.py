"""arXiv's own pages → entries: its RSS and Atom feeds, its API's answers, its listing pages.

XML is read strictly by lxml, ten times as fast as feedparser; what is broken goes the slow way. The
shapes and their traps: https://info.arxiv.org/help/rss_specifications.html and `api/user-manual`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from lxml import etree
from selectolax.lexbor import LexborHTMLParser, LexborNode

from tasks.errors import PageError
from tasks.parse import dates, feeds
from tasks.parse.encoding import decode
from tasks.parse.items import Item, assemble, split_names
from tasks.records import ParsedEntry, ParsedPage, RawPage, RejectedItem

SITE = "https://arxiv.org"
# Until 2025 the API named its namespace inside the entries only, and its errors have no entry of it.
_OWN = re.compile(rb"arxiv\.org/(?:schemas/atom|api/)")
_LISTING = re.compile(
    rb"showing (?:new listings for|(?:first |last )?\d+ of \d+ entries)|id=['\"]articles['\"]"
    rb"|No updates today",
    re.IGNORECASE,
)
_SECTION = re.compile(r"showing (?:first |last )?(\d+) of (\d+) entries", re.IGNORECASE)
_LISTED_DAY = re.compile(r"listings for\s+(\w+,\s+\d+\s+\w+\s+\d{4})", re.IGNORECASE)
_ANNOUNCED = re.compile(
    r"arXiv:\S+\s+Announce Type:\s*(?P<type>[\w-]+)\s*(?:Abstract:)?\s*", re.IGNORECASE
)
_CATEGORY = re.compile(r"\(([a-z-]+(?:\.[A-Za-z-]+)?)\)")
_AFFILIATION = re.compile(r"\s*\([^()]*\)")


def looks_like_arxiv(body: bytes) -> bool:
    """Whether a page is arXiv's own: a feed in its namespace or of its API, or a listing."""
    head = body[:4096]
    if _OWN.search(head) and re.search(rb"<(?:\w+:)?(?:rss|feed)\b", head):
        return True
    return _is_listing(body)


def parse_arxiv(page: RawPage) -> ParsedPage:
    """Reads a page of arXiv: shape ``arxiv-rss``, ``arxiv-atom``, ``arxiv-api``, ``arxiv-list``.

    `day` is the day of announcement in New York, where the page names one; the API's answers have
    none. `published` is the day a paper was first there, so replacements and cross-lists in feeds
    have none. Empty pages (weekends, unknown ids) are legal.

    Raises `PageError`: ``error_page`` (arXiv reports an error), ``not_a_page`` (a listing without
    papers that does not say so), and what `parse_feed` raises for pages that are no feed.
    """
    if _is_listing(page.body):
        return _listing(page)
    if page.body[:200].lstrip().startswith(b"Rate exceeded"):
        raise PageError("error_page", "arXiv answers: Rate exceeded. Ask less often.")
    try:
        root = etree.fromstring(page.body, _strict())
    except etree.XMLSyntaxError:
        return _broken(page)
    if root.tag == "rss":
        return _rss(root, page)
    return _atom(root, page) if root.tag.endswith("}feed") else _broken(page)


def _strict() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, recover=False
    )


def _rss(root: Any, page: RawPage) -> ParsedPage:
    items = [
        Item(
            title=_text(node, "title"),
            texts=(_text(node, "description"),),
            link=_text(node, "link"),
            named=(_plain(node, "guid"), _plain(node, "link"), *_all(node, "DOI")),
            authors=tuple(_names(_plain(node, "creator"))),
            categories=tuple(_all(node, "category")),
            date=_plain(node, "pubDate"),
        )
        for node in root.iterfind("channel/item")
    ]
    channel = root.find("channel")
    days = [] if channel is None else [*_all(channel, "pubDate"), *_all(channel, "lastBuildDate")]
    return _finished(assemble("arxiv-rss", items, page), days)


def _atom(root: Any, page: RawPage) -> ParsedPage:
    is_api = "/api/" in _plain(root, "id") or root.find("{*}totalResults") is not None
    entries = list(root.iterchildren("{*}entry"))
    for node in entries:
        _refuse_error(_plain(node, "id"), _plain(node, "summary"))
    parsed = assemble("arxiv-api" if is_api else "arxiv-atom", [_entry(n) for n in entries], page)
    return _finished(parsed, [] if is_api else _all(root, "updated"))


def _entry(node: Any) -> Item:
    primary = [one.get("term", "") for one in node.iterchildren("{*}primary_category")]
    others = [one.get("term", "") for one in node.iterchildren("{*}category")]
    names = [_plain(one, "name") for one in node.iterchildren("{*}author")]
    joined = [name for text in _all(node, "creator") for name in _names(text)]
    return Item(
        title=_text(node, "title"),
        texts=(_text(node, "summary"),),
        link=_plain(node, "id"),
        named=(_plain(node, "id"), *_all(node, "doi"), *_all(node, "DOI")),
        searched=tuple(_all(node, "comment")),
        authors=tuple(names or joined),
        categories=(*primary, *others),
        date=_plain(node, "published"),
    )


def _broken(page: RawPage) -> ParsedPage:
    """The slow way for what is not XML; the same entries, without the comments' links."""
    parsed = feeds.parse_feed(page)
    for entry in parsed.entries:
        _refuse_error(entry.source_id, entry.abstract)
    shape = "arxiv-rss" if parsed.shape == "rss" else "arxiv-atom"
    return _finished(replace(parsed, shape=shape), [])


def _refuse_error(name: str, summary: str) -> None:
    """The API reports an error as a feed with one entry titled "Error"."""
    if "/api/errors" in name:
        raise PageError("error_page", f"arXiv answers: {summary[:200]}")


def _finished(parsed: ParsedPage, days: list[str]) -> ParsedPage:
    """Gives entries arXiv's names and addresses; what has no arXiv id is no paper of arXiv."""
    entries = tuple(_as_paper(entry) for entry in parsed.entries if entry.arxiv_id)
    strangers = tuple(
        RejectedItem(position=entry.rank, reason="It has no arXiv id.", raw=entry.title)
        for entry in parsed.entries
        if not entry.arxiv_id
    )
    moments = [moment for moment in map(dates.moment, days) if moment]
    return replace(
        parsed,
        entries=entries,
        rejected=parsed.rejected + strangers,
        day=moments[0].date() if moments else None,
    )


def _as_paper(entry: ParsedEntry) -> ParsedEntry:
    head = _ANNOUNCED.match(entry.abstract)
    old = head is not None and head["type"].lower() != "new"
    return replace(
        entry,
        abstract=entry.abstract[head.end() :] if head else entry.abstract,
        published=None if old else entry.published,
        url=f"{SITE}/abs/{entry.arxiv_id}",
        source_id=entry.arxiv_id or "",
    )


def _is_listing(body: bytes) -> bool:
    return b"<rss" not in body[:1000] and b"arxiv" in body.lower() and bool(_LISTING.search(body))


def _listing(page: RawPage) -> ParsedPage:
    tree = LexborHTMLParser(decode(page))
    parsed = assemble("arxiv-list", list(_listed(tree)), page)
    text = tree.root.text() if tree.root else ""
    sections = [(int(shown), int(total)) for shown, total in _SECTION.findall(text)]
    if not parsed.entries and not sections and "no updates today" not in text.lower():
        raise PageError("not_a_page", "The arXiv listing has no papers and does not say why.")
    warnings = list(parsed.warnings)
    shown, total = (sum(counts) for counts in zip(*sections, strict=True)) if sections else (0, 0)
    if sections and shown != len(parsed.entries):
        warnings.append(f"The listing announces {shown} papers and has {len(parsed.entries)}.")
    if shown < total:
        warnings.append(f"The listing shows {shown} of {total} papers; ask for ?show=2000.")
    return _finished(replace(parsed, warnings=tuple(warnings)), _LISTED_DAY.findall(text)[:1])


def _listed(tree: LexborHTMLParser) -> Iterator[Item]:
    """Ids come from the <dt> alone, because abstracts cite other papers."""
    addresses: list[str] = []
    for node in tree.css("dt, dd"):
        if node.tag == "dt":
            addresses = [link.attributes.get("href") or "" for link in node.css("a[href]")]
            continue
        yield _listed_item(node, tuple(SITE + at if at[:1] == "/" else at for at in addresses))
        addresses = []


def _listed_item(node: LexborNode, addresses: tuple[str, ...]) -> Item:
    for label in node.css(".descriptor"):
        label.decompose()
    comments = node.css_first(".list-comments")
    hrefs = [a.attributes.get("href") or "" for a in comments.css("a")] if comments else []
    references = [a.attributes.get("href") or "" for a in node.css(".list-doi a")]
    return Item(
        title=_node_text(node, ".list-title"),
        texts=(_node_text(node, "p.mathjax"),),
        link=next((at for at in addresses if "/abs/" in at), ""),
        named=(*addresses, *references),
        searched=(_node_text(node, ".list-comments"), *hrefs),
        authors=tuple(html.escape(a.text(), quote=False) for a in node.css(".list-authors a")),
        categories=tuple(_CATEGORY.findall(_node_text(node, ".list-subjects"))),
    )


def _node_text(node: LexborNode, selector: str) -> str:
    found = node.css_first(selector)
    return html.escape(found.text(), quote=False) if found else ""


def _names(text: str) -> list[str]:
    return split_names(_AFFILIATION.sub("", text))


def _all(node: Any, name: str) -> list[str]:
    return ["".join(child.itertext()) for child in node.iterchildren(f"{{*}}{name}")]


def _plain(node: Any, name: str) -> str:
    return next(iter(_all(node, name)), "")


def _text(node: Any, name: str) -> str:
    """arXiv writes plain text, in which `<` is mathematics."""
    return html.escape(_plain(node, name), quote=False)
