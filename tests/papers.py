"""Invented papers, readers and pages, for tests that need some."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session

from tasks.parse.clean import title_key
from tasks.records import ParsedEntry, ParsedPage, RawPage, Reader, SourceKind
from tasks.store import entries, pages, profiles, readers, sources
from tasks.store.entries import Merged
from tasks.store.owners import fence

SUBJECTS = ("sparse attention", "protein folding", "tidal energy", "graph kernels", "speech codecs")


def entry(number: int = 1, **changes: Any) -> ParsedEntry:
    """An invented entry; every fifth is about the same subject."""
    subject = SUBJECTS[number % len(SUBJECTS)]
    made = ParsedEntry(
        title=f"Study {number} of {subject}",
        abstract=f"We look at {subject} in the {number}th way and find that it holds.",
        authors=(f"Ada Author{number}", "Bo Second"),
        arxiv_id=f"2611.{number:05d}",
        url=f"https://arxiv.org/abs/2611.{number:05d}",
        source_id=f"2611.{number:05d}",
        rank=number,
        upvotes=number,
    )
    return replace(made, **changes)


def page(*found: ParsedEntry, day: date | None = None, **changes: Any) -> ParsedPage:
    """A parsed page of these entries."""
    ranked = tuple(replace(item, rank=n) for n, item in enumerate(found, start=1))
    return replace(ParsedPage(shape="hf-api", entries=ranked, day=day), **changes)


def add_source(session: Session, now: datetime, name: str = "daily") -> int:
    """A source of saved pages."""
    return sources.add(session, kind=SourceKind.FOLDER, name=name, address="/nowhere", now=now)


def add_page(session: Session, source_id: int, now: datetime, body: bytes = b"page") -> int:
    """A fetched page that waits to be parsed."""
    raw = RawPage(url="folder:test/page", body=body, fetched_at=now, name="page")
    return pages.keep(session, source_id, raw)[0]


def bring(
    session: Session,
    found: ParsedPage,
    now: datetime,
    *,
    body: bytes = b"page",
    source: str = "daily",
) -> Merged:
    """Bring a parsed page into the store, as the parse step does."""
    known = {row["name"] for row in sources.rows(session)}
    source_id = (
        sources.find(session, source).id if source in known else add_source(session, now, source)
    )
    page_id = add_page(session, source_id, now, body)
    owner = fence()
    pages.claim(session, page_id, page_id, owner=owner, now=now)
    keys = [title_key(item.title) for item in found.entries]
    merged = entries.merge_page(session, page_id, found, keys=keys, at=now)
    pages.parsed(session, page_id, found, owner=owner, new=merged.new, merged=merged.merged)
    return merged


def add_reader(
    session: Session,
    now: datetime,
    email: str = "ada@readers.example",
    *,
    terms: Sequence[str] = ("sparse attention",),
    **changes: Any,
) -> int:
    """A reader with one profile, whose next digest is due at once."""
    reader = replace(Reader(id=0, email=email, hour=7), **changes)
    key = readers.add(session, reader, next_digest_at=now, now=now)
    profiles.save(session, key, "main", {"terms": list(terms)}, now)
    return key


def api_json(*found: ParsedEntry) -> bytes:
    """These entries as the daily-papers API gives them."""
    rows = [
        {
            "title": item.title,
            "paper": {
                "id": item.arxiv_id,
                "title": item.title,
                "summary": item.abstract,
                "authors": [{"name": name} for name in item.authors],
                "upvotes": item.upvotes,
                "publishedAt": "2026-11-18T00:00:00.000Z",
            },
        }
        for item in found
    ]
    return json.dumps(rows).encode()


def add_folder(session: Session, path: Path, now: datetime, name: str = "folder") -> int:
    """A source that reads the pages of a folder, due at once."""
    return sources.add(session, kind=SourceKind.FOLDER, name=name, address=str(path), now=now)
