"""Markdown lists of papers, as public archives of Daily Papers keep them → entries.

## Daily Papers (2025-04-01)
### [Title](https://arxiv.org/abs/…)
Vote: 59
Authors: One Name, Another Name
- **What is new**: a summary, in one or more points.
"""

from __future__ import annotations

import re
from datetime import date

from tasks.parse import clean, ids, links
from tasks.parse.hf import votes
from tasks.records import ParsedEntry, ParsedPage

_DAY = re.compile(r"^#{1,3} .*\((\d{4}-\d\d-\d\d)\)[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^#{2,4} \[(.+)\]\((https?://[^\s()]+)\)[ \t]*$", re.MULTILINE)
_VOTES = re.compile(r"^(?:Votes?|Upvotes?): *(\S+)[ \t]*$", re.MULTILINE)
_AUTHORS = re.compile(r"^Authors?: *(.+)$", re.MULTILINE)
_POINT = re.compile(r"^[-*] +(.+)$", re.MULTILINE)


def is_markdown_list(body: str) -> bool:
    """Whether a text has headings that are links, as such a list has for each paper."""
    return _HEADING.search(body) is not None


def parse_markdown(body: str) -> ParsedPage:
    """Reads such a list; shape ``markdown-list``. The points of a paper become its abstract."""
    parts = _HEADING.split(body)
    entries: dict[str, ParsedEntry] = {}
    for title, link, below in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        entry = _entry(title, link, below, rank=len(entries) + 1)
        entries.setdefault(entry.source_id, entry)
    return ParsedPage(shape="markdown-list", entries=tuple(entries.values()), day=_day(parts[0]))


def _entry(title: str, link: str, below: str, *, rank: int) -> ParsedEntry:
    name, version = ids.arxiv(link) or (None, None)
    voted, names = _VOTES.search(below), _AUTHORS.search(below)
    authors = (clean.plain(one) for one in names[1].split(",")) if names else ()
    return ParsedEntry(
        title=clean.title(title) or link,
        abstract=clean.abstract(" ".join(_POINT.findall(below)).replace("***", "")),
        authors=tuple(dict.fromkeys(filter(None, authors))),
        arxiv_id=name,
        arxiv_version=version,
        url=links.web(link),
        code_urls=links.code([below]),
        upvotes=votes(voted[1]) if voted else None,
        source_id=name or link,
        rank=rank,
    )


def _day(head: str) -> date | None:
    found = _DAY.search(head)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
