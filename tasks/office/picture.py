"""The picture that health page, metrics and alarms are made from: everything that can be seen at one moment."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from tasks.models import Delivery
from tasks.office.expecting import LOOK_BACK, Expectation, Habit, judge
from tasks.records import Step
from tasks.round.context import Context
from tasks.round.delivering import DOOR
from tasks.store import alarms, health
from tasks.store.health import Came, Digests, Going, SourceRow, Waiting

GAP_MOST = timedelta(
    minutes=5
)  # a longer one between two looks: nobody looked, or the machine slept
ROLES = ("beat", "worker", "web")
CALM = "calm:score"  # when no shard lagged for the last time
DEPTH = "depth"  # how much work waited, some times in the last hour
SAMPLES, SAMPLE_EVERY = 7, timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """A source, what it brought today, what is expected of it, and what of its last days is set aside."""

    row: SourceRow
    today: Came = field(default_factory=Came)
    expected: Expectation = field(default_factory=Expectation)
    quarantined: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process of the service, and its last sign of life."""

    role: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes of the disk that the home lies on."""

    free: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What was seen. Moments are None where there is nothing to see.

    `waiting` is the work at each step; `open_mails` are all that have not gone yet, also those that wait
    for a later hour. `tick` is the last look for due work; `door` until when nobody knocks at the mail
    server. `watched` is since when alarms have been looked for without a gap; `standing` are the keys of
    those that are open. `depths` is how much work waited over the last hour, the oldest first.
    """

    waiting: Mapping[Step, Waiting] = field(default_factory=dict)
    open_mails: Waiting = field(default_factory=Waiting)
    sources: tuple[SourceHealth, ...] = ()
    today: Digests = field(default_factory=Digests)
    mails: Mapping[str, int] = field(default_factory=dict)
    dead_digests: int = 0
    readers: Mapping[str, int] = field(default_factory=dict)
    shards: int = 0
    processes: tuple[Process, ...] = ()
    tick: datetime | None = None
    door: datetime | None = None
    door_says: str = ""
    last_sent: datetime | None = None
    watched: datetime | None = None
    standing: frozenset[str] = frozenset()
    depths: tuple[int, ...] = ()
    disk: Disk | None = None
    runs: tuple[Going, ...] = ()

    @property
    def depth(self) -> int:
        """How many pieces of work wait, over all steps."""
        return sum(one.number for one in self.waiting.values())


def look(context: Context) -> Picture:
    """What can be seen now."""
    now = context.clock()
    disk = disk_of(context.settings.home)
    with context.database.read() as session:
        return seen(session, now, disk)


def seen(session: Session, now: datetime, disk: Disk | None = None) -> Picture:
    """What can be seen in the database now."""
    pulses = health.pulses(session)
    rows = health.sources(session, now)
    ready, every = health.mails_waiting(session, now)
    lagging, shards = health.shards_waiting(session)
    digests = health.digests_waiting(session)
    door = pulses.get(DOOR)
    return Picture(
        waiting={
            Step.FETCH: _fetch(rows, now),
            Step.PARSE: health.pages_waiting(session),
            Step.SCORE: Waiting(lagging, _at(pulses, CALM) if lagging else None),
            **digests,
            Step.DELIVER: ready,
        },
        open_mails=every,
        sources=_sources(session, rows, now),
        today=health.due_today(session, now),
        mails=health.by_state(session, Delivery),
        dead_digests=health.dead_digests(session),
        readers=health.readers(session),
        shards=shards,
        processes=_processes(pulses),
        tick=_at(pulses, "tick"),
        door=door[0] if door else None,
        door_says=door[1] if door else "",
        last_sent=health.last_sent(session),
        watched=watched_since(pulses.get(alarms.TURN), now),
        standing=frozenset(row.key for row in alarms.standing(session)),
        depths=tuple(depth for _, depth in samples(pulses.get(DEPTH), now)),
        disk=disk,
        runs=tuple(health.runs(session)),
    )


def watched_since(turn: tuple[datetime, str] | None, now: datetime) -> datetime | None:
    """Since when alarms have been looked for without a gap up to now; None after a gap."""
    if turn is None or not turn[1] or now - turn[0] > GAP_MOST:
        return None
    return datetime.fromisoformat(turn[1])


def samples(kept: tuple[datetime, str] | None, now: datetime) -> list[tuple[datetime, int]]:
    """How much work waited, and when, over the last hour."""
    pairs = (pair.split("=") for pair in (kept[1] if kept else "").split())
    found = [(datetime.fromisoformat(at), int(depth)) for at, depth in pairs]
    return [(at, depth) for at, depth in found if now - at <= SAMPLES * SAMPLE_EVERY][-SAMPLES:]


def disk_of(home: Path) -> Disk | None:
    """The disk under the home; None where it cannot be seen."""
    near = next(path for path in (home, *home.parents) if path.exists())
    try:
        usage = shutil.disk_usage(near)
    except OSError:
        return None
    return Disk(usage.free, usage.total)


def _fetch(rows: list[SourceRow], now: datetime) -> Waiting:
    """Sources whose turn has come. A new one waits since this moment, as far as can be known."""
    due = [row for row in rows if row.state == "active" and not row.busy]
    turns = [row.next_at or now for row in due if row.next_at is None or row.next_at <= now]
    return Waiting(len(turns), min(turns, default=None))


def _sources(session: Session, rows: list[SourceRow], now: datetime) -> tuple[SourceHealth, ...]:
    today = health.came(session, health.midnight(now))
    days = health.news_days(session, now - LOOK_BACK)
    aside = health.quarantined(session, now)
    found = []
    for row in rows:
        number, reason = aside.get(row.id, (0, ""))
        habit = Habit(
            kind=row.kind,
            since=row.since,
            days=row.days,
            holidays=row.holidays,
            seen=days.get(row.id, {}),
        )
        found.append(
            SourceHealth(
                row=row,
                today=today.get(row.id, Came()),
                expected=judge(habit, now) if row.state == "active" else Expectation(),
                quarantined=number,
                reason=reason,
            )
        )
    return tuple(found)


def _processes(pulses: Mapping[str, tuple[datetime, str]]) -> tuple[Process, ...]:
    named = ((*name.partition(":")[::2], at) for name, (at, _) in sorted(pulses.items()))
    return tuple(Process(role=role, name=name, at=at) for role, name, at in named if role in ROLES)


def _at(pulses: Mapping[str, tuple[datetime, str]], name: str) -> datetime | None:
    found = pulses.get(name)
    return found[0] if found else None
