"""Progress, not liveness: a worker can be alive, connected and silent, and take nothing from its queue.

`decide` is a pure function of what was seen. `Watchdog` sees: it reads signs of life from the database.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from tasks.store import shards, watch
from tasks.store.database import Database

log = logging.getLogger(__name__)

TICK_MOST = timedelta(seconds=90)  # a tick comes every 20 s
UNTOUCHED_MOST = timedelta(seconds=120)
STILL_MOST = timedelta(seconds=45)  # a long queue is old too, but something in it moves
CALM = timedelta(minutes=3)  # between two restarts: time enough to show that the first one helped
GAP_MOST = timedelta(
    seconds=60
)  # a longer one between two looks: the machine slept, or the clock jumped
DOOR = "transport"
DOOR_AFTER = timedelta(seconds=60)  # a mail server's door is tried some time after it opens


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was seen. Moments are None where there is nothing to see.

    `watched` since when looks have come without a gap; `tick` the last one; `oldest` since when the
    oldest free work waits; `still` since when nothing has changed its state; `door` until when nobody
    knocks at the mail server; `worker` and `beat` since when these run; `restarted` our last restart.
    """

    watched: datetime
    tick: datetime | None = None
    oldest: datetime | None = None
    still: datetime | None = None
    door: datetime | None = None
    worker: datetime | None = None
    beat: datetime | None = None
    restarted: datetime | None = None


def decide(now: datetime, facts: Facts) -> tuple[str, ...]:
    """The children to restart, in that order; mostly none."""
    if facts.worker is None:
        return ()
    if facts.restarted is not None and timedelta() <= now - facts.restarted < CALM:
        return ()
    if facts.beat is not None and _age(now, facts, facts.beat, facts.tick) > TICK_MOST:
        return ("beat", "worker")
    door_shut = facts.door is not None and now < facts.door + DOOR_AFTER
    if facts.oldest is None or door_shut or _age(now, facts, facts.oldest) <= UNTOUCHED_MOST:
        return ()
    return ("worker",) if _age(now, facts, facts.still) > STILL_MOST else ()


def _age(now: datetime, facts: Facts, *moments: datetime | None) -> timedelta:
    """How long ago the last of these moments was. None may lie in the future: clocks are set back."""
    seen = [facts.watched, facts.worker, *moments]
    return now - max(moment for moment in seen if moment is not None and moment <= now)


class Watchdog:
    """Looks at the database from time to time. A database that does not answer is nobody's fault."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock
        self._looked = self._watched = clock()
        self._restarted: datetime | None = None
        self._still = self._looked
        self._picture: object = None

    def look(self, up: Mapping[str, timedelta]) -> tuple[str, ...]:
        """What to restart now. `up` says for how long each running child has been running."""
        now = self._clock()
        if not timedelta() <= now - self._looked <= GAP_MOST:
            self._watched = now
        self._looked = now
        try:
            facts = self._facts(now, up)
        except SQLAlchemyError as error:
            log.warning("the database does not answer the watchdog: %s", type(error).__name__)
            return ()
        chosen = decide(now, facts)
        if chosen:
            log.error("no progress (%s): restarting %s", _words(facts), " and ".join(chosen))
            self._restarted = now
        return chosen

    def _facts(self, now: datetime, up: Mapping[str, timedelta]) -> Facts:
        with self._database.read() as session:
            tick, door = watch.pulse(session, "tick"), watch.pulse(session, DOOR)
            oldest = watch.oldest_untouched(session, now)
            suspect = oldest is not None and now - oldest > UNTOUCHED_MOST
            # Counting all rows is dear; and a shard may be scored for minutes before it shows.
            picture = watch.tallies(session) if suspect and not _scoring(session, now) else None
        if picture is None or picture != self._picture:
            self._picture, self._still = picture, now
        return Facts(
            watched=self._watched,
            tick=tick[0] if tick else None,
            oldest=oldest,
            still=self._still,
            door=door[0] if door else None,
            worker=now - up["worker"] if "worker" in up else None,
            beat=now - up["beat"] if "beat" in up else None,
            restarted=self._restarted,
        )


def _scoring(session: Session, now: datetime) -> bool:
    """Whether a worker holds a shard right now."""
    return len(shards.lagging(session, now)) > len(shards.due(session, now))


def _words(facts: Facts) -> str:
    return (
        f"last tick {facts.tick or 'never'}, work untouched since {facts.oldest or 'nothing waits'}"
    )
