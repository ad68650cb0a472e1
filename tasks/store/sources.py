"""Sources: who they are, when they are due, what their last turn came to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, update
from sqlmodel import Session, col, func, select

from tasks.errors import UnknownName, UsageError
from tasks.models import Edition, Page, Source
from tasks.records import Fetched, SourceKind
from tasks.records import Source as SourceRecord
from tasks.store import claims

LEASE = timedelta(minutes=10)
RETRY_FIRST = timedelta(minutes=15)
RETRY_MOST = timedelta(hours=24)
FARTHEST = RETRY_MOST + timedelta(hours=1)
EVERY_MINUTES = {
    SourceKind.HF: 30,
    SourceKind.ARXIV: 60,
    SourceKind.FEED: 60,
    SourceKind.FOLDER: 60,
}


def add(session: Session, *, kind: SourceKind, name: str, address: str, now: datetime) -> int:
    """Keep a new source, due at once. Raises `UsageError` when the name is taken."""
    old = session.exec(select(Source).where(Source.name == name)).first()
    if old is not None and old.state != "removed":
        raise UsageError(f"a source named {name!r} is there already: choose another --name")
    row = old or Source(kind=kind, name=name, address=address, state="active", created_at=now)
    row.kind, row.address, row.state = kind, address, "active"
    row.etag = row.last_modified = row.error = row.owner = ""
    row.lease_until = row.fetched_at = row.asks_from = None
    row.attempts, row.next_attempt_at, row.every_minutes = 0, None, EVERY_MINUTES[kind]
    row.days, row.holidays = "", []
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def internal(session: Session, name: str, kind: SourceKind, now: datetime) -> int:
    """The source that pages from elsewhere belong to: always there, never fetched."""
    found = session.exec(select(Source.id).where(Source.name == name)).first()
    if found is None:
        found = add(session, kind=kind, name=name, address="", now=now)
        set_state(session, name, "paused")
    return found


def ask_from(session: Session, name: str, day: date) -> None:
    """Ask a dated source for the days from then on at its next turn."""
    session.execute(update(Source).where(col(Source.name) == name).values(asks_from=day))


def wake(session: Session) -> None:
    """Somebody asks for a round now: active sources need not wait, unless they are failing."""
    where = (col(Source.state) == "active", col(Source.attempts) == 0)
    session.execute(update(Source).where(*where).values(next_attempt_at=None))


def set_state(session: Session, name: str, state: str) -> None:
    """Pause, resume or remove a source by name. Pages of a removed source stay."""
    values = {"state": state, "attempts": 0, "next_attempt_at": None}
    where = (col(Source.name) == name, col(Source.state) != "removed")
    if claims.changed(session, update(Source).where(*where).values(values)) == 0:
        known = ", ".join(session.exec(select(Source.name).where(Source.state != "removed")))
        raise UnknownName(f"no source is named {name!r} (known: {known or 'none'})")


def find(session: Session, name: str) -> SourceRecord:
    """The source of that name. Raises `UnknownName`."""
    row = session.exec(select(Source).where(Source.name == name, Source.state != "removed")).first()
    if row is None:
        raise UnknownName(f"no source is named {name!r}: see `paperround sources list`")
    return _record(row)


def every(session: Session, names: Sequence[str] = ()) -> list[SourceRecord]:
    """The sources of these names; without names, all that are active."""
    some = col(Source.name).in_(names) if names else col(Source.state) == "active"
    where = (some, col(Source.state) != "removed", col(Source.address) != "")
    return [
        _record(row) for row in session.exec(select(Source).where(*where).order_by(Source.name))
    ]


def recovered(session: Session, source_id: int, at: datetime) -> None:
    """It answers: whatever turn it was waiting for after failures may come now."""
    failing = (col(Source.id) == source_id, col(Source.attempts) > 0)
    values = {"attempts": 0, "next_attempt_at": None, "error": "", "fetched_at": at}
    session.execute(
        update(Source).where(*failing, col(Source.lease_until).is_(None)).values(values)
    )


def due(session: Session, at: datetime, now: datetime) -> list[int]:
    """Active sources whose turn has come."""
    where = (Source.state == "active", _waits_for_nobody(at, now))
    return [key for key in session.exec(select(Source.id).where(*where)) if key is not None]


def busy(session: Session, now: datetime) -> bool:
    """Whether any source is being fetched."""
    where = (Source.state == "active", col(Source.lease_until) >= now)
    return session.exec(select(Source.id).where(*where).limit(1)).first() is not None


def claim(
    session: Session, first: int, last: int, *, owner: str, at: datetime, now: datetime
) -> list[SourceRecord]:
    """Take the due sources of a range of ids. Failures in a row are no reason to stop for ever."""
    where = (
        Source.state == "active",
        col(Source.id).between(first, last),
        _waits_for_nobody(at, now),
    )
    chosen = select(Source.id).where(*where).with_for_update(skip_locked=True)
    lease = {"owner": owner, "lease_until": now + LEASE, "attempts": col(Source.attempts) + 1}
    statement = update(Source).where(col(Source.id).in_(chosen)).values(lease).returning(Source)
    return [_record(row) for row in session.scalars(statement)]


def since(session: Session, source_id: int) -> date | None:
    """The day from which a dated source is asked: the first that did not come, else the last one."""
    return session.get_one(Source, source_id).asks_from


def fetched(
    session: Session, source_id: int, outcome: Fetched, *, owner: str, at: datetime
) -> None:
    """A turn went well: the next one comes after the source's interval, or the server's if longer."""
    every = session.exec(select(Source.every_minutes).where(Source.id == source_id)).one()
    pause = max(timedelta(minutes=every), outcome.wait or timedelta())
    values = {"fetched_at": at, "next_attempt_at": at + pause, "attempts": 0}
    values["asks_from"] = outcome.missing_from or at.date()
    if not outcome.not_modified:
        values |= {"etag": outcome.etag, "last_modified": outcome.last_modified}
    note = "; ".join(outcome.notes)[:2000]
    claims.finish(session, Source, source_id, owner=owner, **(values | {"error": note}))


def failed(
    session: Session,
    source_id: int,
    error: str,
    *,
    owner: str,
    at: datetime,
    wait: timedelta | None,
) -> None:
    """A turn failed: back off, twice as long each time, at least as long as the server asked."""
    tries = session.exec(select(Source.attempts).where(Source.id == source_id)).one()
    pause = claims.backoff(tries, first=RETRY_FIRST, most=RETRY_MOST)
    pause = min(max(pause, wait or pause), RETRY_MOST)
    values = {
        "owner": "",
        "lease_until": None,
        "next_attempt_at": at + pause,
        "error": error[:2000],
    }
    claims.change(session, Source, source_id, values, owner=owner)


def rows(session: Session) -> list[dict[str, object]]:
    """All sources, as the admin lists them."""
    pages = dict(
        session.execute(select(Page.source_id, func.count()).group_by(col(Page.source_id))).all()
    )
    days = dict(
        session.execute(
            select(Edition.source_id, func.max(Edition.day)).group_by(col(Edition.source_id))
        ).all()
    )
    found = session.exec(select(Source).where(Source.state != "removed").order_by(col(Source.id)))
    return [
        {
            "name": row.name,
            "kind": row.kind,
            "address": row.address,
            "state": row.state,
            "fetched_at": row.fetched_at,
            "next_at": row.next_attempt_at,
            "pages": pages.get(row.id, 0),
            "last_day": days.get(row.id),
            "failures": row.attempts,
            "error": row.error,
        }
        for row in found
    ]


def _waits_for_nobody(at: datetime, now: datetime) -> ColumnElement[bool]:
    """The turn has come by the round's moment `at`, and nobody's lease runs by the clock's `now`."""
    lease, turn = col(Source.lease_until), col(Source.next_attempt_at)
    # No turn is further away than the longest back-off: such a one was set by a clock gone wrong.
    come = turn.is_(None) | (turn <= at) | (turn > at + FARTHEST)
    return (lease.is_(None) | (lease < now)) & come


def _record(row: Source) -> SourceRecord:
    assert row.id is not None
    return SourceRecord(
        id=row.id,
        kind=SourceKind(row.kind),
        name=row.name,
        address=row.address,
        etag=row.etag,
        last_modified=row.last_modified,
    )
