"""The turns of backlog runs: whose piece is next, and a run's way from state to state.

A ring works for a short while and rings again. Before each piece it looks whether the round has anything
waiting, and steps aside if so: the tick rings again. Whatever dies, the piece is found again; whatever is
done twice finds that it is done, or that the entry is not what the plan saw.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from tasks.errors import LostLease, PaperroundError
from tasks.failpoints import failpoint
from tasks.logs import about
from tasks.records import Ring, Step
from tasks.round.backlog.doing import DOES
from tasks.round.backlog.giving_way import RoundFirst, round_waits
from tasks.round.backlog.telling import report, undone
from tasks.round.backlog.undoing import UNDOES
from tasks.round.context import Context
from tasks.store import runs
from tasks.store.owners import fence
from tasks.store.runs import Taken

log = logging.getLogger(__name__)

BUSY = threading.Lock()
FOR_A_WHILE = timedelta(seconds=2)  # what a ring works before it makes room for others


def backlog(context: Context, first: int, last: int, at: datetime) -> list[Ring]:
    """Work on the runs of a range for a while; rings for what is left.

    A process is at one piece at a time, so that its other threads are there when today's round begins.
    Who finds it busy leaves at once, and whoever is at it rings for the others at the end.
    """
    if not BUSY.acquire(blocking=False):
        return []
    try:
        has_worked = _for_a_while(context, first, last, at)
        with context.database.read() as session:
            due = runs.due(session, context.clock()) if has_worked else []
    finally:
        BUSY.release()
    return [Ring(Step.BACKLOG, key, key) for key in due]


def _for_a_while(context: Context, first: int, last: int, at: datetime) -> bool:
    """Whether there was anything to do, and nothing of today to give way to."""
    until = context.clock() + FOR_A_WHILE
    with context.database.read() as session:
        due = [key for key in runs.due(session, context.clock()) if first <= key <= last]
    has_worked = False
    for run_id in due:
        while context.clock() < until and step(context, run_id, at):
            has_worked = True
    return has_worked


def step(context: Context, run_id: int, at: datetime, *, aside: bool = True) -> bool:
    """Do one piece of a run, or bring it to its next state; False where there is nothing to do now.

    Not stepping `aside` for today's round is for who waits for a plan at a terminal.
    """
    with context.database.read() as session:
        run = runs.get(session, run_id)
        if run.state not in (*runs.CLAIMED, "queued") or (
            aside and round_waits(context, session, at)
        ):
            return False
        state = run.state
    if state == "queued":
        return _promoted(context, run_id)
    owner = fence()
    with context.database.write() as session:
        item = runs.claim(session, run_id, owner=owner, now=context.clock())
    if item is None:
        return _ended(context, run_id, state)
    failpoint("backlog.claimed")
    item = replace(item, aside=aside)
    with about(run=run_id):
        try:
            (DOES if state != "undoing" else UNDOES)[item.kind](context, item, owner)
            failpoint("backlog.saved")
            _late(context, run_id)
        except RoundFirst:
            with suppress(LostLease), context.database.write() as session:
                runs.give_back(session, item, owner=owner)
            return False
        except LostLease as error:
            log.info("a piece was given up: %s", error)
        except Exception as error:  # one piece's trouble is not the others'
            _failed(context, item, error, owner)
    return True


def _failed(context: Context, item: Taken, error: Exception, owner: str) -> None:
    final = isinstance(error, PaperroundError) and not error.retry
    if isinstance(error, PaperroundError):
        log.warning("run %d, %s: %s", item.run_id, item.kind, error)
    else:
        log.exception("run %d, %s could not be done", item.run_id, item.kind)
    words = str(error) if isinstance(error, PaperroundError) else repr(error)
    now = context.clock()
    try:
        with context.database.write() as session:
            runs.failed(session, item, words, owner=owner, now=now, final=final)
    except LostLease as lost:
        log.info("run %d: %s", item.run_id, lost)


# --- from state to state -------------------------------------------------------------------------
def _promoted(context: Context, run_id: int) -> bool:
    """A run that waited for another over the same days looks whether all is as planned."""
    now = context.clock()
    with context.database.write() as session:
        runs.lock(session)
        run = runs.get(session, run_id)
        if runs.ahead(session, run):
            return False
        if runs.move(session, run_id, "checking", was=("queued",), now=now):
            runs.put(session, run_id, [runs.Piece(kind="check", payload={})])
            return True
    return False


def _ended(context: Context, run_id: int, state: str) -> bool:
    """End a run of which nothing is left; False while others are at its last pieces."""
    now = context.clock()
    with context.database.write() as session:
        if runs.left(session, run_id, state):
            return False
        # Where planning or the last look went well, the run has moved on in the same transaction.
        to = {"running": "done", "undoing": "undone"}.get(state, "failed")
        told = {"done": report, "undone": undone}.get(to)
        values = {"finished_at": now} | ({"report": told(session, run_id)} if told else {})
        return runs.move(session, run_id, to, was=(state,), now=now, **values)


def _late(context: Context, run_id: int) -> None:
    """A piece that was finished after its run was cancelled is told of too."""
    with context.database.read() as session:
        is_late = runs.get(session, run_id).state == "cancelled"
    if is_late:
        with context.database.write() as session:
            runs.note(session, run_id, context.clock(), report=report(session, run_id))
