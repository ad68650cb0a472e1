"""One whole round through the workers: ring, watch the database, ring again until nothing is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from tasks.pipeline import ring
from tasks.round.context import Context
from tasks.round.tick import plan_day, tick
from tasks.store import report, sources, watch

POLL_S = 0.2
RING_AGAIN_S = 5.0  # without progress for so long, a message may have been lost
GIVE_UP_S = 300.0  # without progress for so long, no worker is there

Told = Callable[[dict[str, int]], None]


def begin(context: Context, at: datetime, day: date | None, *, everybody: bool) -> dict[str, int]:
    """Wake the sources, and plan everybody's digest if asked; returns where the report starts."""
    with context.database.write() as session:
        marked = report.mark(session)
        sources.wake(session)
        if everybody:
            plan_day(session, day, at)
    return marked


def drive(context: Context, at: datetime, told: Told, *, plans: bool) -> bool:
    """Ring until the round is done; False when nothing has moved for `GIVE_UP_S`.

    `told` hears how much of each step is unfinished, as often as it changes.
    """
    moved = rung = time.monotonic()
    ring(tick(context, at, plans=plans), at.isoformat())
    seen: dict[str, int] = {}
    while left := unfinished(context, at):
        if left != seen:
            told(left)
            seen, moved = left, time.monotonic()
        if time.monotonic() - moved > GIVE_UP_S:
            return False
        if time.monotonic() - max(moved, rung) > RING_AGAIN_S:
            ring(tick(context, at, plans=plans), at.isoformat())
            rung = time.monotonic()
        time.sleep(POLL_S)
    told(dict.fromkeys(seen, 0))
    return True


def unfinished(context: Context, at: datetime) -> dict[str, int]:
    """How much of each step is left; empty when nothing is."""
    with context.database.read() as session:
        left = watch.unfinished(session, at, context.clock())
    return left if any(left.values()) else {}


def outcome(context: Context, marked: dict[str, int]) -> dict[str, Any]:
    """What each step did since `marked`."""
    with context.database.read() as session:
        return report.since(session, marked)
