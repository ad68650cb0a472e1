"""Working on a backlog run at a terminal, beside the workers or without any, and looking on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tasks.office import runs as office
from tasks.office.run_words import pace, took
from tasks.office.runs import Standing
from tasks.render.text import clean
from tasks.round.backlog.working import step
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.store import health
from workers.cli.say import err, note

MOVING = ("planning", "checking", "queued", "running", "undoing")
LOOK_S = 1.0
REST_S = 0.3  # where there is nothing to do for this process just now
SILENT = timedelta(seconds=90)  # a worker that was not heard of for so long is none
ERROR_MOST = 60  # characters of the last error beside the bar
Told = Callable[[bool], Standing]


def follow(context: Context, code: str) -> Standing:
    """Work on a run until it wants nothing more; how it stands then. A bar tells how far it is.

    Workers may work on it meanwhile. Where there are none, what of today's round goes first is done here.
    """
    try:
        with _bar(context, code) as told:
            found = told(True)
            while found.state in MOVING:
                moved = _work(context, found, told)
                found = told(moved)
                if not moved:
                    time.sleep(REST_S)
    except KeyboardInterrupt:
        _let_go(context, code)
        raise typer.Exit(130) from None
    return found


def has_workers(context: Context) -> bool:
    """Whether any worker showed a sign of life lately."""
    with context.database.read() as session:
        pulses = health.pulses(session)
    since = context.clock() - SILENT
    return any(name.startswith("worker:") and at > since for name, (at, _) in pulses.items())


def _work(context: Context, found: Standing, told: Told) -> bool:
    """Do a piece of the run, or else what it waits for; whether anything of the run was done."""
    now = context.clock()
    if step(context, found.id, now, aside=found.state != "planning"):
        return True
    if not has_workers(context):
        run_once(context, now, lambda _ring: told(True))
    return False


def _let_go(context: Context, code: str) -> None:
    """Say what becomes of a run that is not looked at any more."""
    rests = f"no worker is running: it rests until one is, or `paperround runs follow {code}`"
    note(f"{code}: {'the workers go on with it' if has_workers(context) else rests}")
    note(f"`paperround runs pause {code}` or `paperround runs cancel {code}` ends that")


# --- the bar -------------------------------------------------------------------------------------
@contextmanager
def _bar(context: Context, code: str) -> Iterator[Told]:
    """A bar on stderr, where somebody looks at it. What it gives looks at the run and shows it.

    The bar looks every second by itself too: a plan is one piece, which may take minutes.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("{task.fields[error]}", style="red", markup=False),
    )
    watched, ended, one_at_a_time = sys.stderr.isatty(), Event(), Lock()
    with Progress(*columns, console=err, transient=True, disable=not watched) as bar:
        task = bar.add_task(code, total=None, pace="", error="")

        def told(moved: bool) -> Standing:
            with one_at_a_time:
                found = office.look(context, code)
                bar.update(task, **_shown(found, context.clock(), moved=moved))
            return found

        def look_along() -> None:
            while not ended.wait(LOOK_S):
                told(True)

        looking = Thread(target=look_along, daemon=True)
        if watched:
            looking.start()
        try:
            yield told
        finally:
            ended.set()
            if watched:
                looking.join()


def _shown(found: Standing, now: datetime, *, moved: bool) -> dict[str, Any]:
    how_far = found.progress
    waits = not (moved or how_far.under_way) and found.state in ("checking", "running", "undoing")
    return {
        "description": f"{found.code} {found.state}{', after the round' if waits else ''}",
        "total": how_far.total or None,
        "completed": how_far.done,
        "pace": _pace(found, now),
        "error": clean(found.error)[:ERROR_MOST],
    }


def _pace(found: Standing, now: datetime) -> str:
    rate, eta = found.progress.rate, found.progress.eta
    parts = [pace(rate)] if rate else []
    parts += [f"{took(eta - now)} left"] if eta else []
    return ", ".join(parts)
