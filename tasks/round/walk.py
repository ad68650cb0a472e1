"""The steps by name, and a walk through all of them with no broker: the database is the queue."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime

from tasks.records import Ring, Step
from tasks.round.backlog.working import backlog
from tasks.round.composing import compose
from tasks.round.context import Context
from tasks.round.delivering import deliver
from tasks.round.fetching import fetch
from tasks.round.parsing import parse
from tasks.round.rendering import render
from tasks.round.scoring import score
from tasks.round.tick import tick

STEPS: dict[Step, Callable[[Context, int, int, datetime], list[Ring]]] = {
    Step.FETCH: fetch,
    Step.PARSE: parse,
    Step.SCORE: score,
    Step.COMPOSE: compose,
    Step.RENDER: render,
    Step.DELIVER: deliver,
    Step.BACKLOG: backlog,
}
LOOKS_MOST = 100  # a look that still finds work after so many walks would find it for ever


def run_once(
    context: Context,
    at: datetime,
    told: Callable[[Ring], object] = lambda _ring: None,
    *,
    plans: bool = True,
) -> int:
    """Do all that is due at `at`, step after step, until a look finds nothing more.

    `told` hears of each ring before it is answered. Returns how many were answered.
    """
    answered = 0
    for _ in range(LOOKS_MOST):
        waiting = deque(tick(context, at, plans=plans))
        if not waiting:
            break
        while waiting:
            ring = waiting.popleft()
            told(ring)
            waiting.extend(STEPS[ring.step](context, ring.first, ring.last, at))
            answered += 1
    return answered
