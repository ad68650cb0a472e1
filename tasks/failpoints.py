"""Named places where a test may break the process, to prove that nothing is lost or doubled there.

`PAPERROUND_FAILPOINTS="deliver.armed=kill@3"` kills the process (SIGKILL) when that place is passed for
the third time; `=stop` freezes it (SIGSTOP) and `=raise` raises instead. Without the variable a place
costs one dictionary look-up.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator, Mapping

ROUND = (  # passed by every round
    "fetch.claimed",
    "fetch.got",
    "fetch.saved",
    "parse.claimed",
    "parse.read",
    "parse.saved",
    "score.claimed",
    "score.counted",
    "score.saved",
    "tick.planned",
    "compose.claimed",
    "compose.chosen",
    "compose.saved",
    "render.claimed",
    "render.written",
    "render.saved",
    "deliver.claimed",
    "deliver.offered",
    "deliver.armed",
    "deliver.finished",
    "deliver.saved",
)
BACKLOG = ("backlog.claimed", "backlog.made", "backlog.saved")  # by every piece of a backlog run
NAMES = ROUND + BACKLOG


ACTIONS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "raise": 0}


class FailpointError(RuntimeError):
    """What `=raise` raises: an error that nobody expects."""


def _read(environ: Mapping[str, str]) -> dict[str, tuple[str, int, Iterator[int]]]:
    planned: dict[str, tuple[str, int, Iterator[int]]] = {}
    for item in filter(None, environ.get("PAPERROUND_FAILPOINTS", "").split(",")):
        name, _, what = item.partition("=")
        action, _, nth = what.partition("@")
        if name not in NAMES or action not in ACTIONS:
            raise ValueError(f"PAPERROUND_FAILPOINTS: no {item!r} (names: {', '.join(NAMES)})")
        planned[name] = (action, int(nth or 1), itertools.count(1))
    return planned


_PLANNED = _read(os.environ)


def failpoint(name: str) -> None:
    """Pass a named place; break here if the environment says so."""
    plan = _PLANNED.get(name)
    if plan is None:
        return
    action, nth, passes = plan
    if next(passes) == nth:
        if action == "raise":
            raise FailpointError(f"broken on purpose at {name}")
        os.kill(os.getpid(), ACTIONS[action])
        time.sleep(1)  # a stop may reach this thread last: it must not run on into a transaction
