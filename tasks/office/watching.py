"""Looking for alarms every minute: what is found is opened, what is gone is cleared, and both are told.

Any number of processes may look at the same time: a turn is taken by one of them, and who saw an older
picture than the one that was kept last writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from tasks.office import telling
from tasks.office.alarms import RULES, Rules, alarms
from tasks.office.picture import (
    CALM,
    DEPTH,
    ROLES,
    SAMPLE_EVERY,
    SAMPLES,
    Picture,
    look,
    samples,
    watched_since,
)
from tasks.records import Ring, Step
from tasks.round.context import Context
from tasks.store import alarms as store
from tasks.store import watch as pulses
from tasks.store.alarms import Found

EVERY = timedelta(minutes=1)
MISSED = 2.5 * EVERY  # so long after the last look another process stands in


def watch(
    context: Context,
    rules: Rules = RULES,
    *,
    hand_over: Callable[[list[Ring]], object] = list,
) -> list[Ring]:
    """Look, keep what is new, and tell of it; rings for the mails that say so.

    The mails are handed over before any webhook is called: that one may take long, or fail.
    """
    now = context.clock()
    picture = look(context)
    # After a gap everything is late: what goes by the clock is raised some minutes later, if it stays so.
    found = alarms(replace(picture, watched=picture.watched or now), now, rules)
    with context.database.write() as session:
        rings = _keep(context, session, picture, found, now)
    hand_over(rings)
    telling.call(context)
    return rings


def is_missed(context: Context) -> bool:
    """Whether nobody looks: the beat, whose work this is, may be silent."""
    with context.database.read() as session:
        last = pulses.pulse(session, store.TURN)
    return last is None or context.clock() - last[0] > MISSED


def _keep(
    context: Context, session: Session, picture: Picture, found: list[Found], now: datetime
) -> list[Ring]:
    before = pulses.pulse(session, store.TURN)
    if not store.take(session, store.TURN, now, now):
        return []
    since = watched_since(before, now)
    pulses.beat(session, store.TURN, now, (since or now).isoformat())
    if since is None or not picture.waiting[Step.SCORE].number:
        pulses.beat(session, CALM, now)
    _sample(session, picture, now)
    for role in ROLES:
        pulses.purge(session, role, now)
    changes = store.sync(session, found, now)
    rows = (*changes.raised, *changes.cleared)
    rings = telling.post(context, session, rows, now)
    if rings and not context.settings.alarm_webhook.get_secret_value():
        store.told(session, rows)
    return rings


def _sample(session: Session, picture: Picture, now: datetime) -> None:
    """Note from time to time how much work waits."""
    kept = samples(pulses.pulse(session, DEPTH), now)
    if not kept or now - kept[-1][0] >= SAMPLE_EVERY:
        kept = [*kept, (now, picture.depth)][-SAMPLES:]
        note = " ".join(f"{at.isoformat()}={depth}" for at, depth in kept)
        pulses.beat(session, DEPTH, now, note)
