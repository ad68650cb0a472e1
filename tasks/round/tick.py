"""What is due? One look at the database, a function of the clock, safe to take at any time and twice.

The broker may lose every message: this look finds the same work again and rings anew.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from sqlmodel import Session

from tasks.errors import UsageError
from tasks.failpoints import failpoint
from tasks.hours import day_due, due_on, is_zone, next_due, zone
from tasks.records import Ring, Step
from tasks.round.composing import LOOK_AT, compose_rings
from tasks.round.context import Context
from tasks.round.delivering import closed_until
from tasks.round.ranges import rings_for
from tasks.store import (
    admin_visits,
    claims,
    deliveries,
    digests,
    knocks,
    pages,
    readers,
    runs,
    shards,
    sources,
    tickets,
    versions,
    visits,
    watch,
)

log = logging.getLogger(__name__)

PLANS = 2000  # readers that are planned for in one transaction


def tick(context: Context, at: datetime, *, plans: bool = True) -> list[Ring]:
    """Plan the digests that are due, set aside what cannot succeed, and ring for all waiting work.

    Without `plans` no digest is planned: a round for a named day has planned its own.
    """
    now = context.clock()
    with context.database.write() as session:
        watch.beat(session, "tick", now)
        claims.release(session, now)
        pages.bury(session, now)
        digests.bury(session, now)
        shards.revive(session, now)
        deliveries.sweep(session, now)
        runs.bury(session, now)
        _tidy(session, now)
    while plans and _planned(context, at):
        pass
    failpoint("tick.planned")
    with context.database.read() as session:
        rings = [Ring(Step.FETCH, key, key) for key in sources.due(session, at, now)]
        rings += [Ring(Step.PARSE, key, key) for key in pages.due(session, now, LOOK_AT)]
        rings += [Ring(Step.SCORE, key, key) for key in shards.due(session, now)]
        rings += rings_for(Step.RENDER, digests.due(session, "composed", now, LOOK_AT))
        mails = [] if closed_until(context) else deliveries.due(session, now, LOOK_AT)
        old = [Ring(Step.BACKLOG, key, key) for key in runs.due(session, now)]
    return [*rings, *compose_rings(context, at), *rings_for(Step.DELIVER, mails), *old]


def _tidy(session: Session, now: datetime) -> None:
    """Readers come back from their pauses, and what has had its time goes."""
    readers.wake(session, now)
    readers.forget_pending(session, now)
    deliveries.forget_letters(session, now)
    for table in (tickets, visits, knocks, versions, runs, admin_visits):
        table.purge(session, now)


def _planned(context: Context, at: datetime) -> int:
    """Plan for some of the readers, in a transaction of its own: others may write in between."""
    with context.database.write() as session:
        return plan_digests(session, at)


def plan_day(session: Session, day: date | None, at: datetime) -> int:
    """Plan a digest for every reader without waiting for their hour; how many are new.

    `day` is the digests' day; None is each reader's own today. Weekdays that a reader does not want
    stay empty.
    """
    plans = []
    for reader in readers.active(session):
        if not is_zone(reader.timezone):
            continue
        wanted = day or at.astimezone(zone(reader.timezone)).date()
        if wanted.isoweekday() in reader.days:
            plans.append((reader.id, wanted, due_on(reader, wanted)))
    return digests.plan(session, plans, at)


def plan_digests(session: Session, at: datetime) -> int:
    """Plan a digest for each reader whose hour has come; how many readers were looked at.

    After a stop of days only the present day's digest is planned: it holds all that came meanwhile.
    A reader whose zone this machine does not know is looked at again in a day, and stops nobody.
    """
    plans, looks = [], []
    due = readers.due(session, at, PLANS)
    for reader in due:
        try:
            day, coming = day_due(reader, at), next_due(reader, at)
        except UsageError as error:
            log.error("reader %d gets no digest: %s", reader.id, error)
            day, coming = None, at + timedelta(days=1)
        looks.append((reader.id, coming))
        if day is not None:
            plans.append((reader.id, day, due_on(reader, day)))
    digests.plan(session, plans, at)
    readers.planned(session, looks)
    return len(due)
