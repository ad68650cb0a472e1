"""The last weeks day by day: what came in, what went out, and how late."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Date, Float, cast, extract
from sqlmodel import Session, col, func, select

from tasks.models import Attempt, Delivery, Digest, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day's counts. Lags are minutes from a digest's hour to its handing over: the median, the most."""

    day: date
    pages: int = 0
    new: int = 0
    rejected: int = 0
    composed: int = 0
    empty: int = 0
    sent: int = 0
    failed: int = 0
    lag: float | None = None
    lag_most: float | None = None


def by_day(session: Session, last: date, days: int = 30) -> list[Day]:
    """That many days up to `last`, the oldest first; a day on which nothing was done has its row too.

    Pages and mails stand on the day they came and went by UTC, digests on their own.
    """
    first = last - timedelta(days=days - 1)
    found = {day: Day(day=day) for day in (first + timedelta(days=n) for n in range(days))}
    for part in (_pages, _digests, _mails, _lags):
        for day, values in part(session, first):
            if day in found:
                found[day] = replace(found[day], **values)
    return list(found.values())


Rows = list[tuple[date, dict[str, Any]]]


def _pages(session: Session, first: date) -> Rows:
    day = func.date(Page.fetched_at, type_=Date())
    sums = (func.sum(Page.new_entries), func.sum(Page.rejected_items))
    asked: Any = select(day, func.count(), *sums).where(col(Page.fetched_at) >= _begin(first))
    rows = session.execute(asked.group_by(day))
    return [(one, {"pages": n, "new": int(new), "rejected": int(bad)}) for one, n, new, bad in rows]


def _digests(session: Session, first: date) -> Rows:
    asked: Any = select(col(Digest.day), col(Digest.state), func.count())
    asked = asked.where(col(Digest.day) >= first).group_by(Digest.day, Digest.state)
    found: dict[date, dict[str, Any]] = {}
    for day, state, number in session.execute(asked):
        if state in ("composed", "rendered", "empty"):
            values = found.setdefault(day, {"composed": 0, "empty": 0})
            values["empty" if state == "empty" else "composed"] += number
    return list(found.items())


def _mails(session: Session, first: date) -> Rows:
    day = func.date(Attempt.at, type_=Date())
    asked: Any = select(day, col(Attempt.outcome), func.count())
    asked = asked.where(
        col(Attempt.at) >= _begin(first), col(Attempt.outcome).in_(("sent", "failed", "dead"))
    )
    found: dict[date, dict[str, Any]] = {}
    for one, outcome, number in session.execute(asked.group_by(day, Attempt.outcome)):
        values = found.setdefault(one, {"sent": 0, "failed": 0})
        values["sent" if outcome == "sent" else "failed"] += number
    return list(found.items())


def _lags(session: Session, first: date) -> Rows:
    """The median is the row in the middle: neither database's own function is the other's."""
    minutes = _minutes(session)
    of_day: dict[str, Any] = {"partition_by": Digest.day}
    place = func.row_number().over(**of_day, order_by=minutes)
    ranked = (
        select(
            col(Digest.day).label("day"),
            minutes.label("lag"),
            place.label("place"),
            func.count().over(**of_day).label("many"),
        )
        .join(Delivery, col(Delivery.digest_id) == Digest.id)
        .join(Attempt, col(Attempt.delivery_id) == Delivery.id)
        .where(col(Digest.day) >= first, Attempt.outcome == "sent", Digest.addendum_of == 0)
        .subquery()
    )
    lag, many = ranked.c.lag, ranked.c.many
    middle = func.max(lag).filter(ranked.c.place * 2 <= many + 1)
    asked: Any = select(ranked.c.day, middle, func.max(lag)).group_by(ranked.c.day)
    rows = session.execute(asked)
    return [
        (day, {"lag": max(float(half), 0.0), "lag_most": max(float(most), 0.0)})
        for day, half, most in rows
    ]


def _minutes(session: Session) -> Any:
    sent, due = col(Attempt.at), col(Digest.due_at)
    if session.get_bind().dialect.name == "sqlite":
        return (func.julianday(sent) - func.julianday(due)) * 1440.0
    return cast(extract("epoch", sent - due), Float) / 60.0


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
