"""Who owns a piece of work: leases, fences and attempts, the same for every table of `Work`.

A claim is one UPDATE whose row count says "mine". The owner's name is new for each claim, so it is
also the fencing token: a worker that slept through its lease finds no row with its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, or_, update
from sqlmodel import Session, col, select

from tasks.errors import LostLease
from tasks.models import Delivery, Digest, Page, RunItem, Shard, Source, Work
from tasks.store.owners import is_gone

WORK: tuple[type[Work], ...] = (Source, Page, Shard, Digest, Delivery, RunItem)
ATTEMPTS_MOST = 5  # a piece of work that killed its worker this often is set aside


def free(model: type[Work], now: datetime) -> ColumnElement[bool]:
    """Nobody's lease is running, and the time of the next try has come."""
    lease, at = col(model.lease_until), col(model.next_attempt_at)
    return and_(or_(lease.is_(None), lease < now), or_(at.is_(None), at <= now))


def claim(
    session: Session,
    model: type[Work],
    where: Sequence[ColumnElement[bool]],
    *,
    owner: str,
    now: datetime,
    lease: timedelta,
    limit: int = 1,
    state: str | None = None,
) -> list[int]:
    """Take up to `limit` free rows that fit `where`, oldest first; returns their ids.

    Attempts are counted here, before the work, so that work which kills its worker is counted too.
    On PostgreSQL rows that another claim holds are skipped; on SQLite there is one writer anyway.
    """
    key: Any = col(model.id)  # type: ignore[attr-defined]
    chosen = (
        select(key)
        .where(*where, free(model, now), col(model.attempts) < ATTEMPTS_MOST)
        .order_by(key)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    values: dict[str, Any] = {
        "owner": owner,
        "lease_until": now + lease,
        "attempts": col(model.attempts) + 1,
    }
    if state is not None:
        values["state"] = state
    statement = update(model).where(key.in_(chosen)).values(values).returning(key)
    return sorted(session.execute(statement).scalars())


def change(
    session: Session,
    model: type[Work],
    key: int,
    values: Mapping[str, Any],
    *,
    owner: str,
    where: Sequence[ColumnElement[bool]] = (),
) -> None:
    """Write to a row that is ours. Raises `LostLease` when it no longer is."""
    number: Any = col(model.id)  # type: ignore[attr-defined]
    statement = update(model).where(number == key, col(model.owner) == owner, *where)
    if changed(session, statement.values(dict(values))) != 1:
        raise LostLease(f"{model.__name__.lower()} {key} is no longer owned by {owner}")


def finish(session: Session, model: type[Work], key: int, *, owner: str, **values: Any) -> None:
    """The work is done: write its outcome and give the lease back."""
    done = {"owner": "", "lease_until": None, "next_attempt_at": None, "error": ""} | values
    change(session, model, key, done, owner=owner)


def release(session: Session, now: datetime) -> int:
    """End the leases of processes of this machine that are gone; how many owners were."""
    gone: set[str] = set()
    for model in WORK:
        held = select(model.owner).where(col(model.lease_until) >= now).distinct()
        gone |= {owner for owner in session.exec(held) if is_gone(owner)}
    for model in WORK if gone else ():
        ended = update(model).where(col(model.owner).in_(gone))
        session.execute(ended.values(lease_until=now - timedelta(seconds=1)))
    return len(gone)


def changed(session: Session, statement: Any) -> int:
    """Run a statement that changes rows; how many it changed."""
    result = session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount


def backoff(attempts: int, *, first: timedelta, most: timedelta) -> timedelta:
    """Wait before try `attempts` + 1: doubles each time up to `most`."""
    doubled: int = 2 ** max(0, min(attempts, 30) - 1)
    return min(first * doubled, most)
