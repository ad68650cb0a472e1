"""Backlog runs at an admin's asking: plan, start, pause, cancel, run again, undo, look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from tasks import redact
from tasks.errors import Conflict, UsageError
from tasks.models import Run
from tasks.records import Ring, Step
from tasks.round.backlog import planning
from tasks.round.backlog.question import Question
from tasks.round.backlog.telling import report
from tasks.round.context import Context
from tasks.store import addenda, audit, runs
from tasks.store.runs import Piece, Tally

MOST_ERRORS = 20
PAST = {"pause": "paused", "resume": "resumed", "drop": "dropped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run has come, in units of its work (papers, pages, readers, days to fetch).

    `rate` is units a second since it was started or went on, and `eta` when it will have ended; None while
    that is not known. `heard` is how long ago it last moved.
    """

    done: int
    failed: int
    cancelled: int
    total: int
    under_way: int
    rate: float | None
    eta: datetime | None
    heard: timedelta | None

    @property
    def share(self) -> float:
        """The part that is done, 0 … 1."""
        return self.done / self.total if self.total else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A run as people look at it. `may` names what can be done with it now."""

    id: int
    code: str
    state: str
    asked_by: str
    asked_at: datetime
    question: Question
    plan: Mapping[str, Any]
    report: Mapping[str, Any]
    started_at: datetime | None
    finished_at: datetime | None
    error: str
    changed: tuple[str, ...]
    progress: Progress
    tallies: tuple[Tally, ...]
    errors: tuple[tuple[str, str], ...]
    mails: Mapping[str, int]
    may: tuple[str, ...]


MAY: dict[str, tuple[str, ...]] = {
    "planning": ("drop",),
    "planned": ("start", "drop"),
    "checking": ("drop",),
    "queued": ("drop",),
    "running": ("pause", "cancel", "stop"),
    "paused": ("resume", "cancel", "stop"),
    "cancelled": ("again", "undo"),
    "done": ("undo",),
    "stale": ("drop",),
}


# --- asking --------------------------------------------------------------------------------------
def plan(context: Context, question: Question, who: str) -> tuple[str, list[Ring]]:
    """Ask for a plan; its code, and the ring that has it made.

    Asked again in the same words while it is being made, as by a button that was pressed twice, it is
    the same plan.
    """
    code = planning.new_code()
    now = context.clock()
    if question.first > now.date() + timedelta(days=1):
        raise UsageError(f"{question.first} has not come yet: name days that are past")
    with context.database.write() as session:
        days = (question.first, question.last)
        kept = question.to_json()
        same = runs.being_planned(session, who, kept)
        if same is not None and same.id is not None:
            return same.code, [Ring(Step.BACKLOG, same.id, same.id)]
        key = runs.add(session, code=code, by=who, days=days, question=kept, now=now)
        audit.note(session, who, "backlog run planned", f"run {code}", now=now, **kept)
    return code, [Ring(Step.BACKLOG, key, key)]


def start(context: Context, code: str, who: str, *, queue: bool = False) -> list[Ring]:
    """Have exactly this plan done, once a last look has found the world as it was.

    Raises `Conflict` where another run over some of the same days is under way, unless this one may
    `queue` behind it.
    """
    now = context.clock()
    with context.database.write() as session:
        runs.lock(session)
        run = _expect(session, code, ("planned",), "only a plan can be started")
        others = runs.overlapping(session, run)
        if others and not queue:
            raise Conflict(
                f"{others[0].code} is {others[0].state} over some of these days: wait for it, cancel it, "
                "or let this run queue behind it"
            )
        assert run.id is not None
        state = "queued" if others else "checking"
        if runs.move(session, run.id, state, was=("planned",), now=now) and not others:
            runs.put(session, run.id, [Piece(kind="check", payload={})])
        audit.note(session, who, "backlog run started", f"run {code}", now=now, queued=bool(others))
    return [Ring(Step.BACKLOG, run.id, run.id)]


def pause(context: Context, code: str, who: str) -> list[Ring]:
    """Begin nothing more of it until it is resumed; what is under way is finished."""
    return _move(context, code, who, "pause", ("running",), "paused")


def resume(context: Context, code: str, who: str) -> list[Ring]:
    """Go on where it was paused."""
    return _move(context, code, who, "resume", ("paused",), "running")


def drop(context: Context, code: str, who: str) -> list[Ring]:
    """Let go of a plan that was not begun."""
    was = ("planning", "planned", "checking", "queued", "stale")
    return _move(context, code, who, "drop", was, "dropped")


def cancel(context: Context, code: str, who: str, *, stop: bool = False) -> list[Ring]:
    """Begin nothing more of it; with `stop`, what is under way is given up too and leaves no trace.

    What was done stays done; it can be undone, and the rest run again.
    """
    now = context.clock()
    with context.database.write() as session:
        words = "there is nothing to cancel, and what was not begun can be dropped"
        run = _expect(session, code, ("running", "paused"), words)
        assert run.id is not None
        # Its pieces before the run itself: so are they locked by who takes or finishes one.
        left = runs.stop(session, run.id, now_too=stop)
        told = report(session, run.id)
        values = {"finished_at": now, "report": told}
        if not runs.move(
            session, run.id, "cancelled", was=("running", "paused"), now=now, **values
        ):
            raise Conflict(f"run {code} has ended just now: {words}")
        audit.note(
            session, who, "backlog run cancelled", f"run {code}", now=now, stop=stop, items=left
        )
    return []


def again(context: Context, code: str, who: str) -> list[Ring]:
    """Run what failed or was cancelled once more."""
    now = context.clock()
    with context.database.write() as session:
        run = _ended(session, code, "only an ended run can be run again")
        assert run.id is not None
        count = runs.again(session, run.id)
        if not count:
            raise Conflict(f"run {code} has nothing that failed or was cancelled")
        values = _from_here(session, run.id, now) | {"finished_at": None}
        runs.move(session, run.id, "running", was=("cancelled", "done"), now=now, **values)
        audit.note(session, who, "backlog run begun again", f"run {code}", now=now, items=count)
    return [Ring(Step.BACKLOG, run.id, run.id)]


def undo(context: Context, code: str, who: str) -> list[Ring]:
    """Put papers and pages back to what they were, and take back what has reached nobody yet."""
    now = context.clock()
    with context.database.write() as session:
        run = _ended(session, code, "only an ended run can be undone")
        assert run.id is not None
        if run.question["stage"] in ("fetch", "score"):
            raise Conflict(
                f"run {code} began with {run.question['stage']}: what was fetched or scored is kept, "
                "and there is nothing to put back"
            )
        runs.move(session, run.id, "undoing", was=("done", "cancelled"), now=now)
        audit.note(session, who, "backlog run undone", f"run {code}", now=now)
    return [Ring(Step.BACKLOG, run.id, run.id)]


def _move(
    context: Context, code: str, who: str, what: str, was: tuple[str, ...], to: str
) -> list[Ring]:
    now = context.clock()
    with context.database.write() as session:
        run = _expect(session, code, was, f"it cannot {what} now")
        assert run.id is not None
        values = _from_here(session, run.id, now) if to == "running" else {}
        runs.move(session, run.id, to, was=was, now=now, **values)
        audit.note(session, who, f"backlog run {PAST[what]}", f"run {code}", now=now)
    return [Ring(Step.BACKLOG, run.id, run.id)]


def _ended(session: Session, code: str, words: str) -> Run:
    """A run that has ended, while no other is under way over some of its days. Raises `Conflict`."""
    runs.lock(session)
    run = _expect(session, code, ("done", "cancelled"), words)
    others = runs.overlapping(session, run)
    if others:
        raise Conflict(
            f"{others[0].code} is {others[0].state} over some of these days: wait for it"
        )
    return run


def _from_here(session: Session, run_id: int, now: datetime) -> dict[str, Any]:
    """What a rate is reckoned from: it says how fast a run goes, not how long it rested before."""
    tallies = runs.tallies(session, run_id, now)
    done = sum(one.size for one in tallies if one.kind in runs.WORK and one.state == "done")
    return {"report": {"since": now.isoformat(), "before": done}}


def _expect(session: Session, code: str, was: tuple[str, ...], words: str) -> Run:
    run = runs.find(session, code)
    assert run.id is not None
    return runs.expect(session, run.id, was, words)


# --- looking -------------------------------------------------------------------------------------
def look(context: Context, code: str) -> Standing:
    """How a run stands. Raises `UnknownName`."""
    with context.database.read() as session:
        return _standing(session, runs.find(session, code), context.clock())


def newest(context: Context, *, limit: int = 50, before: int | None = None) -> list[Standing]:
    """Runs, the newest first; those before a number."""
    with context.database.read() as session:
        now = context.clock()
        return [_standing(session, run, now) for run in runs.newest(session, limit, before)]


def under_way(context: Context) -> list[Standing]:
    """Runs that are being planned or done, or are paused."""
    with context.database.read() as session:
        now = context.clock()
        return [_standing(session, run, now) for run in runs.under_way(session)]


def _standing(session: Session, run: Run, now: datetime) -> Standing:
    assert run.id is not None
    tallies = runs.tallies(session, run.id, now)
    failed = runs.items(session, run.id, states=("failed",))
    checked = runs.items(session, run.id, kinds=("check",), states=("done",))
    return Standing(
        id=run.id,
        code=run.code,
        state=run.state,
        asked_by=run.asked_by,
        asked_at=run.asked_at,
        question=Question.from_json(run.question),
        plan=run.plan,
        report=run.report,
        started_at=run.started_at,
        finished_at=run.finished_at,
        error=redact.masked(run.error),  # viewers read it, and see no addresses
        changed=tuple(checked[-1].outcome.get("changed", ())) if checked else (),
        progress=_progress(run, tallies, now),
        tallies=tuple(tallies),
        errors=tuple((row.kind, redact.masked(row.error)) for row in failed[:MOST_ERRORS]),
        mails=addenda.mails_of(session, run.id),
        may=_may(run, tallies),
    )


def _may(run: Run, tallies: list[Tally]) -> tuple[str, ...]:
    may = MAY.get(run.state, ())
    undoable = run.question["stage"] not in ("fetch", "score") and bool(tallies)
    wanting = any(tally.state in ("failed", "cancelled") for tally in tallies)
    more = ("again",) if run.state == "done" and wanting else ()
    return (*more, *(what for what in may if what != "undo" or undoable))


def _progress(run: Run, tallies: list[Tally], now: datetime) -> Progress:
    if run.state in ("planning", "checking"):
        done, of = int(run.report.get("done", 0)), int(run.report.get("of", 0))
        return _of(run, done, of, {}, 0, now)
    back = run.state in ("undoing", "undone")
    own = [tally for tally in tallies if tally.kind in runs.WORK]
    sizes: dict[str, int] = {}
    for tally in own:
        sizes[tally.state] = sizes.get(tally.state, 0) + tally.size
    done = sizes.get("undone" if back else "done", 0)
    busy = sum(tally.under_way for tally in own)
    return _of(run, done, sum(sizes.values()), sizes, busy, now)


def _of(
    run: Run, done: int, total: int, sizes: Mapping[str, int], busy: int, now: datetime
) -> Progress:
    since, before = run.started_at or run.asked_at, int(run.report.get("before", 0))
    if "since" in run.report:
        since = datetime.fromisoformat(run.report["since"])
    spent = max(((run.finished_at or now) - since).total_seconds(), 1e-3)
    known = done > before and run.state not in ("undoing", "undone")  # these began at another time
    rate = (done - before) / spent if known else None
    left = max(total - done - sizes.get("failed", 0) - sizes.get("cancelled", 0), 0)
    moving = run.state in ("planning", "checking", "running", "undoing")
    return Progress(
        done=done,
        failed=sizes.get("failed", 0),
        cancelled=sizes.get("cancelled", 0),
        total=total,
        under_way=busy,
        rate=rate,
        eta=now + timedelta(seconds=left / rate) if rate and moving and left else None,
        heard=now - run.moved_at if run.moved_at else None,
    )


def days(first: str, last: str) -> tuple[date, date]:
    """Days as typed. Raises `UsageError`."""
    try:
        return date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        raise UsageError(f"{first!r} to {last!r}: days are written like 2026-10-31") from None
