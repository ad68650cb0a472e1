"""Signs of life: what last moved, what waits too long. Progress, not liveness."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, col, func, select

from tasks.models import (
    Delivery,
    Digest,
    Entry,
    Page,
    Pulse,
    Reader,
    Rejection,
    Shard,
    Sighting,
    Source,
)
from tasks.store import claims, deliveries, entries, shards, sources
from tasks.store.upsert import replace

SILENT_MOST = timedelta(days=1)


def beat(session: Session, name: str, at: datetime, note: str = "") -> None:
    """Note that something showed life."""
    replace(session, Pulse, [{"name": name, "at": at, "note": note}], key=("name",))


def pulse(session: Session, name: str) -> tuple[datetime, str] | None:
    """When something last showed life, and its note."""
    row = session.get(Pulse, name)
    return None if row is None else (row.at, row.note)


def gone(session: Session, name: str) -> None:
    """Whatever showed life by that name has ended in order, and is not missed."""
    session.execute(delete(Pulse).where(col(Pulse.name) == name))


def purge(session: Session, role: str, now: datetime) -> int:
    """Forget the processes of a role that are long silent, but for the last one: it is missed. How many."""
    mine = col(Pulse.name).startswith(f"{role}:", autoescape=True)
    newest = select(func.max(Pulse.at)).where(mine).scalar_subquery()
    old = (mine, col(Pulse.at) < now - SILENT_MOST, col(Pulse.at) < newest)
    return claims.changed(session, delete(Pulse).where(*old))


def oldest_untouched(session: Session, now: datetime) -> datetime | None:
    """Since when the oldest free piece of work waits: the measure of a worker that does not consume."""
    waiting: list[tuple[Any, ColumnElement[bool], Any]] = [
        (Page, col(Page.state) == "fetched", Page.fetched_at),
        (Digest, col(Digest.state) == "composed", Digest.composed_at),
        (Delivery, col(Delivery.state).in_(("ready", "claimed")), Delivery.created_at),
    ]
    moments = [
        session.exec(select(func.min(since)).where(state, claims.free(model, now))).one()
        for model, state, since in waiting
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def unfinished(session: Session, at: datetime, now: datetime) -> dict[str, int]:
    """Work of each step that is due or under way; mails that wait for a later hour are not counted."""
    waits = (col(Delivery.next_attempt_at).is_(None)) | (col(Delivery.next_attempt_at) <= now)
    counted = {
        "parse": (Page, col(Page.state) == "fetched"),
        "compose": (Digest, col(Digest.state) == "planned"),
        "render": (Digest, col(Digest.state) == "composed"),
        "deliver": (Delivery, col(Delivery.state).in_(deliveries.OPEN) & waits),
    }
    found = {
        step: session.exec(select(func.count()).select_from(model).where(where)).one()
        for step, (model, where) in counted.items()
    }
    fetching = len(sources.due(session, at, now)) + sources.busy(session, now)
    return {"fetch": fetching, "score": len(shards.lagging(session, now))} | found


def tallies(session: Session) -> dict[str, dict[str, int]]:
    """Rows by table and state: what stands where."""
    found: dict[str, dict[str, int]] = {}
    for model in (Source, Page, Shard, Reader, Digest, Delivery):
        table: Any = model
        rows = session.execute(select(table.state, func.count()).group_by(table.state))
        found[model.__name__.lower()] = {str(state): int(number) for state, number in rows}
    found["entry"] = {"known": entries.count(session)}
    for kept in (Sighting, Rejection):
        number = session.exec(select(func.count()).select_from(kept)).one()
        found[kept.__name__.lower()] = {"kept": number}
    merged = select(func.count()).where(col(Entry.merged_into).is_not(None))
    found["entry"]["joined"] = session.exec(merged).one()
    return found


def quarantine(session: Session, limit: int = 50) -> list[dict[str, Any]]:
    """The newest pages that could not be read, each with its reason."""
    found = session.exec(
        select(Page).where(Page.state == "quarantined").order_by(col(Page.id).desc()).limit(limit)
    )
    return [
        {"page": row.id, "url": row.url, "name": row.name, "reason": row.error} for row in found
    ]
