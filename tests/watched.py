"""A service that runs well, row by row: sources that come when they should, readers who got their digests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, update

from tasks import models
from tasks.office.watching import watch
from tasks.records import SourceKind
from tasks.round.context import Context
from tasks.store import alarms as store
from tasks.store import watch as pulses

FRIDAY = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
# What asks nothing of the database that other tests do not ask of both.
ONE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
ADDED = 50 * DAY  # before the day that is looked at
RESTS = {"arxiv": (date(2026, 11, 26), date(2026, 11, 27))}  # Thanksgiving, as arXiv keeps it
WEEKDAYS = {"daily": "12345", "arxiv": "12345", "blog": "24"}
KINDS = {"daily": SourceKind.HF, "arxiv": SourceKind.ARXIV, "blog": SourceKind.FEED}
HOURS = {"daily": 6, "arxiv": 5, "blog": 15}


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def good_service(session: Session, now: datetime) -> None:
    """All that a service has which has run well up to now: on any day, at any hour."""
    session.add(models.Body(sha256="0" * 64, data=b""))
    session.add(models.Shard(state="open"))
    session.flush()
    for name, kind in KINDS.items():
        _add_source(session, name, kind, now)
    session.add(models.Counter(name="arrivals", value=0))
    reader = models.Reader(
        email="ada@readers.example", token="t", shard_id=1, created_at=now - ADDED
    )
    session.add(reader)
    session.flush()
    for day in days_up_to(now):
        add_editions(session, day, midnight(day), now)
        if now - 3 * DAY < midnight(day) + 7 * HOUR <= now:
            add_digest(session, day)
    shows_life(session, now)
    pulses.beat(session, "watch", now - MINUTE, (now - DAY).isoformat())


def days_up_to(now: datetime) -> Iterator[date]:
    first = (now - ADDED).date() + DAY
    return (first + n * DAY for n in range((now.date() - first).days + 1))


def shows_life(session: Session, now: datetime, *but: str) -> None:
    """Beat, worker, web and tick have all been heard a moment ago, but those named."""
    for name in ("tick", "beat:host/1", "worker:host/2", "web:host/3"):
        if name.partition(":")[0] not in but:
            pulses.beat(session, name, now - timedelta(seconds=20))


def _add_source(session: Session, name: str, kind: SourceKind, now: datetime) -> None:
    session.add(
        models.Source(
            kind=kind,
            name=name,
            address="",
            state="active",
            created_at=now - ADDED,
            fetched_at=now - 10 * MINUTE,
            next_attempt_at=now + 20 * MINUTE,
        )
    )
    session.flush()


def comes(name: str, day: date) -> bool:
    """Whether the source has an edition on that day, in this world."""
    return str(day.isoweekday()) in WEEKDAYS[name] and day not in RESTS.get(name, ())


def add_editions(session: Session, day: date, after: datetime, now: datetime) -> None:
    """What came on that day after a moment and up to now, of every source."""
    for number, name in enumerate(KINDS, start=1):
        came = midnight(day) + HOURS[name] * HOUR + 10 * MINUTE
        if comes(name, day) and after < came <= now:
            add_page(session, number, day, came, dated=name != "blog")


def add_page(
    session: Session,
    source: int,
    day: date,
    came: datetime,
    *,
    dated: bool = True,
    **changes: object,
) -> None:
    values = {"state": "parsed", "entries": 12, "new_entries": 9, "rejected_items": 1} | changes
    session.add(
        models.Page(
            source_id=source,
            url=f"https://papers.example/{source}/{came.isoformat()}",
            kind="feed",
            sha256="0" * 64,
            day=day if dated else None,
            fetched_at=came,
            **values,  # type: ignore[arg-type]
        )
    )


def add_digest(
    session: Session,
    day: date,
    *,
    reader: int = 1,
    state: str = "rendered",
    mail: str = "sent",
    **changes: object,
) -> int:
    """A digest that was due at seven, and its mail in that state; `mail` "" for none."""
    due = midnight(day) + 7 * HOUR
    row = models.Digest(
        reader_id=reader,
        day=day,
        due_at=due,
        planned_at=due,
        composed_at=due + MINUTE,
        state=state,
        considered=12,
        **changes,  # type: ignore[arg-type]
    )
    session.add(row)
    session.flush()
    if mail:
        add_mail(session, row.id, reader, mail, due + 2 * MINUTE)
    assert row.id is not None
    return row.id


def add_mail(
    session: Session, digest: int | None, reader: int | None, state: str, at: datetime
) -> int:
    name = f"{digest}.{reader}.{at.isoformat()}"
    row = models.Delivery(
        digest_id=digest,
        reader_id=reader,
        state=state,
        key=name,
        message_id=f"<{name}@papers.example>",
        sender="digest@papers.example",
        recipient="ada@readers.example",
        body=b"mail",
        expires_at=at + 20 * HOUR,
        created_at=at,
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    if state in ("sent", "failed", "unsure"):
        attempt = {"number": 1, "at": at + MINUTE, "owner": "me", "phase": "dot", "outcome": state}
        session.add(models.Attempt(delivery_id=row.id, **attempt))
        session.flush()
    return row.id


# --- time passes ---------------------------------------------------------------------------------
def raised(context: Context) -> list[str]:
    """The keys of the alarms that are open."""
    with context.database.read() as session:
        return [row.key for row in store.standing(session)]


def a_minute_later(context: Context, clock: Any) -> None:
    """An ordinary minute passes, and nobody watches."""
    clock.moment += MINUTE
    with context.database.write() as session:
        shows_life(session, clock.moment)


def pass_time(context: Context, clock: Any, span: timedelta, *silent: str) -> None:
    """Minutes of an ordinary service pass: everything but the silent ones shows life, somebody watches."""
    until = clock.moment + span
    while clock.moment < until:
        clock.moment = min(clock.moment + 4 * MINUTE, until)
        with context.database.write() as session:
            shows_life(session, clock.moment, *silent)
            rests = col(models.Source.next_attempt_at) <= clock.moment
            session.execute(
                update(models.Source)
                .where(rests, col(models.Source.attempts) == 0)
                .values(next_attempt_at=clock.moment + 20 * MINUTE)
            )
        watch(context)


def live(context: Context, clock: Any, first: date, last: date) -> Iterator[datetime]:
    """Days that go as they should, looked at from time to time."""
    clock.moment = midnight(first)
    with context.database.write() as session:
        good_service(session, clock.moment)
    while clock.moment < midnight(last + DAY):
        before, clock.moment = clock.moment, clock.moment + 110 * MINUTE
        with context.database.write() as session:
            shows_life(session, clock.moment)
            since = (clock.moment - DAY).isoformat()
            pulses.beat(session, "watch", clock.moment - MINUTE, since)
            session.execute(update(models.Source).values(next_attempt_at=clock.moment + MINUTE))
            _come(session, before, clock.moment)
        watch(context)
        yield clock.moment


def _come(session: Session, before: datetime, now: datetime) -> None:
    """What came between two moments: editions, and the digests of seven o'clock."""
    today = now.date()
    add_editions(session, today, before, now)
    due = midnight(today) + 7 * HOUR
    if before < due <= now:
        news = today.isoweekday() <= 5
        add_digest(session, today) if news else add_digest(session, today, state="empty", mail="")
