"""One url, asked conditionally: RSS, Atom or JSON Feed."""

from __future__ import annotations

from datetime import datetime

from tasks.errors import SourceError
from tasks.fetch.answer import LONGEST_HEADER, Answer, failure, page, shown
from tasks.fetch.http import Http
from tasks.records import Fetched, Source

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/json;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)
# What a body may consist of and still be empty: blanks and a byte order mark.
BLANK = b" \t\r\n\xef\xbb\xbf\x00"


def fetch(source: Source, *, at: datetime, http: Http) -> Fetched:
    """The feed at the source's address. Raises SourceError."""
    return poll(source, source.address, at=at, http=http, kind="feed")


def poll(source: Source, url: str, *, at: datetime, http: Http, kind: str) -> Fetched:
    """One page, or `not_modified` where the source's validators still hold.

    New validators are kept as sent, and only with a 200. Raises SourceError, also for a 304 that
    was not asked for and for an empty body.
    """
    answer = http.get(url, etag=source.etag, last_modified=source.last_modified, accept=ACCEPT)
    error = failure(answer, at)
    if error:
        raise error
    if answer.status == 304:
        return _unchanged(source, url)
    if not answer.body.strip(BLANK):
        raise SourceError(f"{shown(url)} is empty: it is tried again later")
    return Fetched(
        pages=(page(answer, at=at, kind=kind),),
        etag=_validator(answer, "etag"),
        last_modified=_validator(answer, "last-modified"),
    )


def _unchanged(source: Source, url: str) -> Fetched:
    if not (source.etag or source.last_modified):
        raise SourceError(
            f"{shown(url)} answered 304 (not modified) to a first request: it is tried again later"
        )
    return Fetched(not_modified=True, etag=source.etag, last_modified=source.last_modified)


def _validator(answer: Answer, name: str) -> str:
    """A validator to send back, or none where it could not go into a header again."""
    value = answer.headers.get(name, "")
    fit = value.isascii() and value.isprintable() and len(value) <= LONGEST_HEADER
    return value if fit else ""
