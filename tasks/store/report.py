"""What was done: by pages, and by everything since a moment in the order of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, func, select

from tasks.models import Attempt, Delivery, Digest, Entry, Page, Score, Sighting


def of_pages(session: Session, page_ids: Sequence[int]) -> dict[str, Any]:
    """Counts over these pages, those set aside with their reasons, and those that had no entry."""
    rows: list[Page] = []
    for start in range(0, len(page_ids), 500):
        some = col(Page.id).in_(page_ids[start : start + 500])
        rows += session.exec(select(Page).where(some).order_by(col(Page.id)))
    aside = [row for row in rows if row.state == "quarantined"]
    blank = [row for row in rows if row.state == "parsed" and not row.entries]
    return {
        "pages": len(rows),
        "entries": sum(row.entries for row in rows),
        "new": sum(row.new_entries for row in rows),
        "merged": sum(row.merged_entries for row in rows),
        "rejected": sum(row.rejected_items for row in rows),
        "quarantined": [{"name": row.name or row.url, "reason": row.error} for row in aside],
        "odd": [{"name": row.name or row.url, "why": row.warnings} for row in rows if row.warnings],
        "empty": [{"name": row.name or row.url, "day": row.day} for row in blank],
    }


def mark(session: Session) -> dict[str, int]:
    """The newest row of each table: what comes later was done after this moment."""
    newest = {}
    for model in (Page, Entry, Score, Digest, Delivery, Attempt):
        newest[model.__name__] = session.exec(select(func.max(model.id))).one() or 0
    return newest


def since(session: Session, marked: dict[str, int]) -> dict[str, Any]:
    """What each step did since then."""
    keys = session.exec(select(Page.id).where(col(Page.id) > marked["Page"])).all()
    pages = of_pages(session, [key for key in keys if key is not None])

    def later(model: Any, *where: Any) -> int:
        counted = (
            select(func.count()).select_from(model).where(model.id > marked[model.__name__], *where)
        )
        return session.exec(counted).one()

    return {
        "fetch": {"pages": pages["pages"]},
        "parse": {
            name: pages[name] for name in ("entries", "new", "merged", "rejected", "quarantined")
        },
        "score": {"scores": later(Score)},
        "compose": {
            "digests": later(Digest),
            "empty": later(Digest, Digest.state == "empty"),
        },
        "render": {"mails": later(Delivery)},
        "deliver": {
            outcome: later(Attempt, Attempt.outcome == outcome)
            for outcome in ("sent", "deferred", "failed", "unsure", "suppressed")
        },
    }


def totals(session: Session) -> dict[str, int]:
    """All that is known: pages, what stood on them, and the distinct papers."""
    return {
        "pages": session.exec(select(func.count()).select_from(Page)).one(),
        "entries": session.exec(select(func.count()).select_from(Sighting)).one(),
        "distinct": session.exec(
            select(func.count()).select_from(Entry).where(col(Entry.merged_into).is_(None))
        ).one(),
    }
