"""A source's turn: the way into this room."""

from __future__ import annotations

from datetime import date, datetime

from tasks.fetch import arxiv, feed, folder, hf
from tasks.fetch.http import Http
from tasks.records import Fetched, Source, SourceKind


def fetch(source: Source, *, at: datetime, since: date | None, http: Http) -> Fetched:
    """What the source has now. `at` is the logical now; `since` the first day wanted, where a
    source is asked by day (None: today alone).

    Raises SourceError when nothing came; what failed beside something that came is in `notes`.
    """
    match source.kind:
        case SourceKind.HF:
            return hf.fetch(source, at=at, since=since, http=http)
        case SourceKind.ARXIV:
            return arxiv.fetch(source, at=at, http=http)
        case SourceKind.FEED:
            return feed.fetch(source, at=at, http=http)
        case SourceKind.FOLDER:
            return folder.fetch(source, at=at)
