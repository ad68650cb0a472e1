"""Kept pages as their admin sees them: which came, what each held, and why one was set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, func, select

from tasks.models import Body, Entry, Page, Rejection, Sighting, Source

SIGHTS_MOST = 200  # of the entries of one page that are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    """A page in a line. `packed` is the size of its bytes as they are kept, compressed."""

    id: int
    source: str
    name: str
    url: str
    state: str
    day: date | None
    fetched_at: datetime
    packed: int
    entries: int
    rejected: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An entry that stood on a page. `id` is that of the paper which it belongs to by now."""

    rank: int
    id: int
    title: str
    votes: int | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An item of a page that became no entry, and its beginning."""

    position: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """All that is known of one page but its bytes. `found` and `refused` end at `SIGHTS_MOST`."""

    row: PageRow
    kind: str
    content_type: str
    headers: dict[str, str]
    sha256: str
    asked_day: date | None
    shape: str
    new: int
    merged: int
    attempts: int
    warnings: tuple[str, ...]
    found: tuple[Found, ...]
    refused: tuple[Refused, ...]


def rows(
    session: Session,
    limit: int,
    *,
    source: str = "",
    state: str = "",
    before: int | None = None,
) -> list[PageRow]:
    """Pages, the newest first: of that source, in that state, older than page `before`."""
    asked = _joined().order_by(col(Page.id).desc()).limit(limit)
    if source:
        asked = asked.where(Source.name == source)
    if state:
        asked = asked.where(Page.state == state)
    if before is not None:
        asked = asked.where(col(Page.id) < before)
    return [_row(*found) for found in session.execute(asked)]


def whole(session: Session, page_id: int) -> Whole | None:
    """One page with what was found on it, if there is such a page."""
    found = session.execute(_joined().where(Page.id == page_id)).first()
    if found is None:
        return None
    page: Page = found[0]
    return Whole(
        row=_row(*found),
        kind=page.kind,
        content_type=page.content_type,
        headers=page.headers,
        sha256=page.sha256,
        asked_day=page.asked_day,
        shape=page.shape,
        new=page.new_entries,
        merged=page.merged_entries,
        attempts=page.attempts,
        warnings=tuple(page.warnings),
        found=_found(session, page_id),
        refused=_refused(session, page_id),
    )


def _joined() -> Any:
    packed = func.length(Body.data)
    asked = select(Page, Source.name, packed)
    asked = asked.join(Source, col(Source.id) == Page.source_id)
    return asked.join(Body, col(Body.sha256) == Page.sha256)


def _row(page: Page, source: str, packed: int) -> PageRow:
    assert page.id is not None
    return PageRow(
        id=page.id,
        source=source,
        name=page.name,
        url=page.url,
        state=page.state,
        day=page.day,
        fetched_at=page.fetched_at,
        packed=packed,
        entries=page.entries,
        rejected=page.rejected_items,
        error=page.error,
    )


def _found(session: Session, page_id: int) -> tuple[Found, ...]:
    asked = (
        select(Sighting, Entry)
        .join(Entry, col(Entry.id) == Sighting.entry_id)
        .where(Sighting.page_id == page_id)
        .order_by(col(Sighting.rank), col(Sighting.id))
        .limit(SIGHTS_MOST)
    )
    return tuple(
        Found(
            rank=sight.rank,
            id=entry.merged_into or entry.id or 0,
            title=entry.title,
            votes=sight.upvotes,
            warnings=tuple(sight.warnings),
        )
        for sight, entry in session.exec(asked)
    )


def _refused(session: Session, page_id: int) -> tuple[Refused, ...]:
    asked = select(Rejection).where(Rejection.page_id == page_id)
    asked = asked.order_by(col(Rejection.position)).limit(SIGHTS_MOST)
    return tuple(
        Refused(position=row.position, reason=row.reason, raw=row.raw)
        for row in session.exec(asked)
    )
