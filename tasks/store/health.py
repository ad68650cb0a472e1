"""What stands where right now, in few queries whose number and cost do not grow with what was done before.

They lean on the indexes over states, days and moments. Bodies of mails are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Date, case, literal_column, text
from sqlmodel import Session, col, func, select

from tasks.models import (
    Attempt,
    Delivery,
    Digest,
    Page,
    Pulse,
    Reader,
    Run,
    Shard,
    Source,
    Suppression,
    UtcTime,
)
from tasks.records import SourceKind, Step
from tasks.store import deliveries, entries

DUE_AGO = timedelta(hours=2)  # a digest that was due so long ago should have gone out
QUARANTINED_FOR = timedelta(days=3)  # what nobody took up since then is not news any more
# Else SQLite goes through all pages source by source, rather than through those of a few days.
OF_SOURCE: Any = col(Page.source_id) + literal_column("0")
RUNNING = ("planning", "checking", "queued", "running", "paused", "undoing")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Work that waits at a step: how many rows, and since when the oldest could have been done."""

    number: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """What a source brought since midnight: pages, those read and set aside, new papers, items refused."""

    pages: int = 0
    parsed: int = 0
    quarantined: int = 0
    new: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """A source as its row has it. `failures` are turns in a row that failed."""

    id: int
    name: str
    kind: SourceKind
    state: str
    since: date
    days: str
    holidays: tuple[str, ...]
    fetched_at: datetime | None
    next_at: datetime | None
    busy: bool
    failures: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """The daily digests that were due since midnight, and of the ripe ones, due some hours ago and still
    wanted, how many are empty. `news` are the papers that these were chosen from, at most.
    """

    due: int = 0
    composed: int = 0
    rendered: int = 0
    sent: int = 0
    ripe: int = 0
    ripe_empty: int = 0
    news: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """A backlog run that is under way."""

    code: str
    state: str
    asked_by: str
    moved_at: datetime | None
    error: str


def midnight(now: datetime) -> datetime:
    """When today began, by the calendar of UTC."""
    return datetime.combine(now.astimezone(UTC).date(), time(), UTC)


# --- sources ---------------------------------------------------------------------------------------
def sources(session: Session, now: datetime) -> list[SourceRow]:
    """The sources that were not removed, by name."""
    found = session.exec(select(Source).where(Source.state != "removed").order_by(col(Source.name)))
    return [_source(row, now) for row in found]


def _source(row: Source, now: datetime) -> SourceRow:
    assert row.id is not None
    busy = row.lease_until is not None and row.lease_until >= now
    return SourceRow(
        id=row.id,
        name=row.name,
        kind=SourceKind(row.kind),
        state=row.state,
        since=row.created_at.date(),
        days=row.days,
        holidays=tuple(row.holidays),
        fetched_at=row.fetched_at,
        next_at=row.next_attempt_at,
        busy=busy,
        failures=max(row.attempts - busy, 0),  # a turn counts from its begin
        error=row.error,
    )


def came(session: Session, since: datetime) -> dict[int, Came]:
    """What each source brought since then."""
    sums = [func.sum(col(getattr(Page, name))) for name in ("new_entries", "rejected_items")]
    states = [
        func.sum(case((col(Page.state) == one, 1), else_=0)) for one in ("parsed", "quarantined")
    ]
    asked: Any = select(OF_SOURCE, func.count(), *states, *sums)
    asked = asked.where(col(Page.fetched_at) >= since).group_by(OF_SOURCE)
    return {int(key): Came(*map(int, numbers)) for key, *numbers in session.execute(asked)}


def news_days(session: Session, since: datetime) -> dict[int, dict[date, datetime]]:
    """For each source the days with papers that came since then, and when the first page of each came.

    A page without a day (of a feed) counts for the day it was fetched on, if it brought something new.
    """
    own = func.date(Page.fetched_at, type_=Date())
    day = func.coalesce(Page.day, own, type_=Date())
    asked: Any = select(OF_SOURCE, day, func.min(col(Page.fetched_at)))
    asked = asked.where(
        col(Page.fetched_at) >= since,
        col(Page.entries) > 0,
        col(Page.day).is_not(None) | (col(Page.new_entries) > 0),
    ).group_by(OF_SOURCE, day)
    found: dict[int, dict[date, datetime]] = {}
    for key, one, first in session.execute(asked):
        found.setdefault(key, {})[one] = first
    return found


def quarantined(session: Session, now: datetime) -> dict[int, tuple[int, str]]:
    """For each source how many of its last days' pages lie in quarantine, and the newest one's reason."""
    where = (Page.state == "quarantined", col(Page.fetched_at) >= now - QUARANTINED_FOR)
    counted: Any = select(col(Page.source_id), func.count(), func.max(col(Page.id)))
    grouped = counted.where(*where).group_by(col(Page.source_id)).subquery()
    newest = select(grouped, col(Page.error)).join(Page, col(Page.id) == grouped.c[2])
    return {key: (number, error) for key, number, _, error in session.execute(newest)}


# --- work that waits -------------------------------------------------------------------------------
def pages_waiting(session: Session) -> Waiting:
    """Pages that wait to be read."""
    asked = select(func.count(), func.min(_since(Page, Page.fetched_at)))
    asked = asked.where(Page.state == "fetched")
    return Waiting(*session.exec(asked).one())


def shards_waiting(session: Session) -> tuple[int, int]:
    """How many shards lag behind the arrivals, of how many."""
    lags = func.sum(case((col(Shard.scored) < entries.arrivals(session), 1), else_=0))
    lagging, every = session.exec(select(lags, func.count(col(Shard.id)))).one()
    return lagging or 0, every


def digests_waiting(session: Session) -> dict[Step, Waiting]:
    """Digests that wait to be composed, and to be written."""
    asked: Any = select(
        col(Digest.state),
        func.count(),
        func.min(_since(Digest, Digest.planned_at)),
        func.min(_since(Digest, Digest.composed_at)),
    )
    rows = session.execute(
        asked.where(col(Digest.state).in_(("planned", "composed"))).group_by(Digest.state)
    )
    found = {state: (number, planned, composed) for state, number, planned, composed in rows}
    planned, composed = found.get("planned"), found.get("composed")
    return {
        Step.COMPOSE: Waiting(planned[0], planned[1]) if planned else Waiting(),
        Step.RENDER: Waiting(composed[0], composed[2]) if composed else Waiting(),
    }


def mails_waiting(session: Session, now: datetime) -> tuple[Waiting, Waiting]:
    """Mails that could go now, and all that have not gone yet."""
    is_open = col(Delivery.state).in_(deliveries.OPEN)
    at = col(Delivery.next_attempt_at)
    ready = case((at.is_(None) | (at <= now), col(Delivery.id)))
    asked: Any = select(func.count(ready), func.min(ready), func.count(), func.min(Delivery.id))
    number, first, every, oldest = session.execute(asked.where(is_open)).one()
    due = _of(session, first, _since(Delivery, Delivery.created_at))
    return Waiting(number, due), Waiting(every, _of(session, oldest, col(Delivery.created_at)))


def _of(session: Session, delivery_id: int | None, moment: Any) -> datetime | None:
    asked: Any = select(moment).where(Delivery.id == delivery_id)
    return session.execute(asked).scalar()


def _since(model: Any, made: Any) -> Any:
    """Since when a row could have been done: it was made long before, if it was given back or retried."""
    return func.coalesce(model.next_attempt_at, made, type_=UtcTime())


# --- the day, and everything -----------------------------------------------------------------------
def due_today(session: Session, now: datetime) -> Digests:
    """The daily digests that were due since midnight, and what became of them."""
    begin = midnight(now)
    today = begin.date()
    ripe = case((col(Digest.due_at) <= now - DUE_AGO, 1), else_=0)
    mail = func.coalesce(Delivery.state, "")
    what: list[Any] = [Digest.state, mail, ripe, func.count(), func.max(Digest.considered)]
    asked: Any = select(*what)
    asked = asked.outerjoin(Delivery, col(Delivery.digest_id) == Digest.id).where(
        # The day is the reader's own, and indexed; the hours are ours.
        col(Digest.day).between(today - timedelta(days=1), today + timedelta(days=1)),
        col(Digest.due_at) >= begin,
        Digest.addendum_of == 0,
        Digest.state != "imported",
    )
    found = Digests()
    for state, sent, is_ripe, number, news in session.execute(asked.group_by(*what[:3])):
        empty = state == "empty"
        found = Digests(
            due=found.due + number,
            composed=found.composed + number * (state in ("composed", "rendered", "empty")),
            rendered=found.rendered + number * (state == "rendered"),
            sent=found.sent + number * (sent == "sent"),
            ripe=found.ripe + number * is_ripe * (sent != "suppressed"),
            ripe_empty=found.ripe_empty + number * (is_ripe and empty),
            news=max(found.news, news if is_ripe and empty else 0),
        )
    return found


def by_state(session: Session, model: Any) -> dict[str, int]:
    """Rows of a table by state."""
    found = session.execute(select(model.state, func.count()).group_by(model.state))
    return {str(state): int(number) for state, number in found}


def dead_digests(session: Session) -> int:
    """How many digests failed at every try."""
    return session.exec(select(func.count()).where(Digest.state == "dead")).one()


def readers(session: Session) -> dict[str, int]:
    """Readers by state."""
    return by_state(session, Reader)


def suppressed(session: Session) -> int:
    """How many addresses want no mail ever again."""
    return session.exec(select(func.count()).select_from(Suppression)).one()


def last_sent(session: Session) -> datetime | None:
    """When the last digest was handed over."""
    asked = select(Attempt.at).join(Delivery, col(Delivery.id) == Attempt.delivery_id)
    asked = asked.where(Attempt.outcome == "sent", col(Delivery.digest_id).is_not(None))
    return session.exec(asked.order_by(col(Attempt.id).desc()).limit(1)).first()


def pulses(session: Session) -> dict[str, tuple[datetime, str]]:
    """All signs of life: when, and what was noted."""
    return {row.name: (row.at, row.note) for row in session.exec(select(Pulse))}


def runs(session: Session) -> list[Going]:
    """The backlog runs that are under way, the newest first."""
    found = select(Run).where(col(Run.state).in_(RUNNING)).order_by(col(Run.id).desc())
    return [
        Going(
            code=row.code,
            state=row.state,
            asked_by=row.asked_by,
            moved_at=row.moved_at,
            error=row.error,
        )
        for row in session.exec(found)
    ]


def size(session: Session) -> int:
    """How large the database is, in bytes."""
    asked = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    if session.get_bind().dialect.name != "sqlite":
        asked = "SELECT pg_database_size(current_database())"
    return int(session.execute(text(asked)).scalar_one())
