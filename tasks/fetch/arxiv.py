"""arXiv: the announcement feed of some categories, or any of its urls as it stands."""

from __future__ import annotations

import re
from datetime import datetime

from tasks.errors import SourceError, SourceRefused
from tasks.fetch.answer import shown
from tasks.fetch.feed import poll
from tasks.fetch.http import Http
from tasks.records import Fetched, Source

RSS = "https://rss.arxiv.org/rss/"
# An archive or a category each: `cs.CL`, `math`, `astro-ph.CO`, `cond-mat.mes-hall`.
CATEGORIES = re.compile(r"[A-Za-z-]+(\.[A-Za-z-]+)?(\+[A-Za-z-]+(\.[A-Za-z-]+)?)*")


def fetch(source: Source, *, at: datetime, http: Http) -> Fetched:
    """The feed of the categories in the address (`cs.CL+cs.LG`), or of the url that it is.

    Raises SourceError, also where arXiv answers 200 with a sentence in place of a feed.
    """
    url = feed_url(source.address)
    fetched = poll(source, url, at=at, http=http, kind="arxiv")
    for found in fetched.pages:
        if b"<" not in found.body.replace(b"\0", b""):
            words = ascii(found.body[:80].decode("utf-8", "replace"))
            raise SourceError(f"{shown(url)} answered {words}: it is tried again later")
    return fetched


def feed_url(address: str) -> str:
    """The url that an address stands for. Raises SourceRefused for what is neither form."""
    if "://" in address:
        return address
    if CATEGORIES.fullmatch(address):
        return RSS + address
    raise SourceRefused(
        f"{address[:200]!a} is neither an arXiv url nor categories joined by +, such as cs.CL+cs.LG"
    )
