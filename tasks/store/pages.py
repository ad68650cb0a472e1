"""Pages: kept once as raw bytes, claimed for parsing, marked with what came of them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from tasks.errors import PageError
from tasks.models import Body, Edition, Page
from tasks.records import ParsedPage, RawPage
from tasks.store import claims
from tasks.store.upsert import insert_new

LEASE = timedelta(minutes=3)
URL_MOST = 2000  # bytes


def save(session: Session, source_id: int, pages: Sequence[RawPage]) -> list[int]:
    """Keep pages; the ids of those that were new."""
    kept = [keep(session, source_id, page) for page in pages]
    return [page_id for page_id, is_new in kept if is_new]


def keep(session: Session, source_id: int, page: RawPage) -> tuple[int, bool]:
    """Keep a page: its id, and whether it is new.

    The same bytes for the same address and day are the same page.
    """
    sha256 = hashlib.sha256(page.body).hexdigest()
    url = _short(page.url)
    day_key = page.day.isoformat() if page.day else ""
    same = (
        Page.source_id == source_id,
        Page.url == url,
        Page.sha256 == sha256,
        Page.day_key == day_key,
    )
    known = session.exec(select(Page.id).where(*same)).first()
    if known is not None:
        return known, False
    insert_new(session, Body, [{"sha256": sha256, "data": zlib.compress(page.body, 6)}])
    row = Page(
        source_id=source_id,
        url=url,
        name=page.name,
        kind=page.kind,
        content_type=page.content_type,
        headers=dict(page.headers),
        sha256=sha256,
        asked_day=page.day,
        day_key=day_key,
        day=page.day,
        fetched_at=page.fetched_at,
        state="fetched",
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id, True


def _short(url: str) -> str:
    """The address, fit for a unique key: PostgreSQL indexes no longer ones."""
    if len(url.encode()) <= URL_MOST:
        return url
    return f"{url[:300]}…{hashlib.sha256(url.encode()).hexdigest()}"


def claim(
    session: Session, first: int, last: int, *, owner: str, now: datetime
) -> tuple[int, RawPage] | None:
    """Take the first unparsed page of a range of ids, with its bytes."""
    where = (col(Page.state) == "fetched", col(Page.id).between(first, last))
    taken = claims.claim(session, Page, where, owner=owner, now=now, lease=LEASE)
    return (taken[0], raw(session, taken[0])) if taken else None


def raw(session: Session, page_id: int) -> RawPage:
    """A kept page as it was fetched."""
    page, body = session.exec(
        select(Page, Body).join(Body, col(Body.sha256) == Page.sha256).where(Page.id == page_id)
    ).one()
    return RawPage(
        url=page.url,
        body=zlib.decompress(body.data),
        fetched_at=page.fetched_at,
        content_type=page.content_type,
        kind=page.kind,
        day=page.asked_day,
        name=page.name,
        headers=page.headers,
    )


def parsed(
    session: Session, page_id: int, outcome: ParsedPage, *, owner: str, new: int, merged: int
) -> None:
    """The page was read and its entries stand in the store, in the same transaction."""
    claims.finish(
        session,
        Page,
        page_id,
        owner=owner,
        state="parsed",
        shape=outcome.shape,
        day=outcome.day,
        entries=len(outcome.entries),
        new_entries=new,
        merged_entries=merged,
        rejected_items=len(outcome.rejected),
        warnings=list(outcome.warnings),
    )


def came_read(
    session: Session,
    page_id: int,
    outcome: ParsedPage | PageError,
    *,
    new: int = 0,
    merged: int = 0,
) -> None:
    """A page that was fetched and read in one go: nobody else has seen it waiting."""
    row = session.get_one(Page, page_id)
    if isinstance(outcome, PageError):
        row.state, row.error = "quarantined", f"{outcome.reason}: {outcome}"[:2000]
        return
    row.state, row.shape, row.error = "parsed", outcome.shape, ""
    row.day = outcome.day or row.day
    row.entries, row.rejected_items = len(outcome.entries), len(outcome.rejected)
    row.new_entries, row.merged_entries = new, merged
    row.warnings = list(outcome.warnings)


def quarantined(session: Session, page_id: int, *, owner: str, reason: str, error: str) -> None:
    """The page cannot be read: set aside with its reason, its bytes kept for a better parser."""
    words = f"{reason}: {error}"[:2000]
    claims.finish(session, Page, page_id, owner=owner, state="quarantined", error=words)


def again(session: Session, page_id: int, now: datetime) -> bool:
    """A page that was set aside, or dropped after that, waits from now on to be read once more, with all its
    tries; whether it was.
    """
    fresh = {"owner": "", "lease_until": None, "attempts": 0, "next_attempt_at": now, "error": ""}
    was = (col(Page.id) == page_id, col(Page.state).in_(("quarantined", "dropped")))
    waiting = update(Page).where(*was).values(state="fetched", **fresh)
    return claims.changed(session, waiting) == 1


def drop(session: Session, page_id: int) -> bool:
    """A page that was set aside is given up, its bytes and its error kept; whether it was set aside."""
    aside = (col(Page.id) == page_id, col(Page.state) == "quarantined")
    return claims.changed(session, update(Page).where(*aside).values(state="dropped")) == 1


def bury(session: Session, now: datetime) -> int:
    """Set aside pages that killed their worker every time."""
    statement = update(Page).where(
        col(Page.state) == "fetched",
        col(Page.attempts) >= claims.ATTEMPTS_MOST,
        claims.free(Page, now),
    )
    words = f"crashed: reading it ended the worker {claims.ATTEMPTS_MOST} times"
    return claims.changed(session, statement.values(state="quarantined", error=words))


def due(session: Session, now: datetime, limit: int) -> list[int]:
    """Pages that wait to be parsed."""
    where = (Page.state == "fetched", claims.free(Page, now))
    found = session.exec(select(Page.id).where(*where).order_by(col(Page.id)).limit(limit))
    return [key for key in found if key is not None]


def unparsed(session: Session, *, tries: int = claims.ATTEMPTS_MOST) -> bool:
    """Whether any page waits to be parsed or is being parsed, for the `tries`-th time at most."""
    where = (Page.state == "fetched", col(Page.attempts) <= tries)
    return session.exec(select(Page.id).where(*where).limit(1)).first() is not None


def see_edition(session: Session, page_id: int, day: date, at: datetime) -> None:
    """Note that the page's source had a list for that day."""
    source_id = session.get_one(Page, page_id).source_id
    seen = {"source_id": source_id, "day": day, "first_seen_at": at, "last_seen_at": at}
    if not insert_new(session, Edition, [seen]):
        where = (col(Edition.source_id) == source_id, col(Edition.day) == day)
        session.execute(update(Edition).where(*where).values(last_seen_at=at))
