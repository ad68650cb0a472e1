"""Backlog runs and their items: plans that are kept, claimed piece by piece, paused, ended and undone.

A run's state says what may be claimed of it; an item's, whether it is done. Items are done in the order
of their kinds: none of the next kind is claimed before the last one of this kind has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import defer
from sqlmodel import Session, col, func, select

from tasks.errors import Conflict, UnknownName
from tasks.models import EntryVersion, Run, RunItem
from tasks.store import claims, counters
from tasks.store.upsert import insert_new

LEASE = timedelta(minutes=5)
PLAN_LEASE = timedelta(minutes=30)  # a year of pages takes some minutes to read
KEPT_FOR = timedelta(days=90)
RETRY_FIRST, RETRY_MOST = timedelta(seconds=5), timedelta(minutes=5)
WORK = ("fetch", "pages", "papers", "scores", "mails")  # in this order
KINDS = ("plan", "check", *WORK)
STEP = 1_000_000  # positions of one kind
ACTIVE = ("checking", "queued", "running", "paused", "undoing")
LIGHT = defer(Run.world)  # type: ignore[arg-type]  # large, and wanted by the last look alone
CLAIMED = {  # which items may be claimed in which state of their run, and in which state these are
    "planning": (("plan",), "waiting"),
    "checking": (("check",), "waiting"),
    "running": (WORK, "waiting"),
    "undoing": (("pages", "papers", "mails"), "done"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One piece of a run's work."""

    kind: str
    payload: Mapping[str, Any]
    size: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """An item that is ours to do."""

    id: int
    run_id: int
    kind: str
    payload: dict[str, Any]
    outcome: dict[str, Any]
    attempts: int
    aside: bool = True  # whether it makes room for today's round


def add(
    session: Session,
    *,
    code: str,
    by: str,
    days: tuple[date, date],
    question: Mapping[str, Any],
    now: datetime,
) -> int:
    """A new run that is to be planned. Its id."""
    row = Run(
        code=code,
        state="planning",
        asked_by=by,
        asked_at=now,
        first_day=days[0],
        last_day=days[1],
        question=dict(question),
        moved_at=now,
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    put(session, row.id, [Piece(kind="plan", payload={})])
    return row.id


def put(session: Session, run_id: int, pieces: Iterable[Piece]) -> None:
    """Give a run more to do."""
    rows = [
        {
            "run_id": run_id,
            "position": KINDS.index(piece.kind) * STEP + number,
            "kind": piece.kind,
            "size": piece.size,
            "payload": dict(piece.payload),
            "outcome": {},
            "state": "waiting",
        }
        for number, piece in enumerate(pieces)
    ]
    insert_new(session, RunItem, rows)


def being_planned(session: Session, by: str, question: Mapping[str, Any]) -> Run | None:
    """The run that somebody asked for in the same words and that is still being planned."""
    rows = session.exec(select(Run).where(Run.state == "planning", Run.asked_by == by))
    return next((row for row in rows if row.question == question), None)


def find(session: Session, code: str) -> Run:
    """The run of that code. Raises `UnknownName`."""
    row = session.exec(select(Run).where(Run.code == code).options(LIGHT)).first()
    if row is None:
        raise UnknownName(f"there is no backlog run {code!r}: see `paperround runs list`")
    return row


def get(session: Session, run_id: int) -> Run:
    """The run of that number."""
    return session.get_one(Run, run_id, populate_existing=True, options=[LIGHT])


def days(session: Session, run_id: int) -> tuple[date, date] | None:
    """The days that a run is over; None for 0, which is no run."""
    row = session.get(Run, run_id, options=[LIGHT]) if run_id else None
    return None if row is None else (row.first_day, row.last_day)


def newest(session: Session, limit: int, before: int | None = None) -> list[Run]:
    """Runs, the newest first."""
    where = [] if before is None else [col(Run.id) < before]
    found = select(Run).where(*where).order_by(col(Run.id).desc()).limit(limit)
    return list(session.exec(found.options(LIGHT)))


def under_way(session: Session) -> list[Run]:
    """Runs that are being planned or done, or are paused, the newest first."""
    found = select(Run).where(col(Run.state).in_((*ACTIVE, "planning")))
    return list(session.exec(found.order_by(col(Run.id).desc()).options(LIGHT)))


def move(
    session: Session,
    run_id: int,
    state: str,
    *,
    was: Collection[str],
    now: datetime,
    **values: Any,
) -> bool:
    """From one of some states to another; whether it was in one of them."""
    where = (col(Run.id) == run_id, col(Run.state).in_(was))
    change = update(Run).where(*where).values(state=state, moved_at=now, **values)
    return claims.changed(session, change) == 1


def note(session: Session, run_id: int, now: datetime, **values: Any) -> None:
    """Write to a run, whatever its state."""
    change = update(Run).where(col(Run.id) == run_id)
    session.execute(change.values(moved_at=now, **values))


def overlapping(session: Session, run: Run) -> list[Run]:
    """Other runs over some of the same days that are under way, the oldest first."""
    found = session.exec(
        select(Run)
        .where(
            col(Run.id) != run.id,
            col(Run.state).in_(ACTIVE),
            col(Run.first_day) <= run.last_day,
            col(Run.last_day) >= run.first_day,
        )
        .order_by(col(Run.id))
    )
    return list(found)


def ahead(session: Session, run: Run) -> list[Run]:
    """What a queued run waits for: those of them that are under way, and those that queue with a smaller id."""
    some = overlapping(session, run)
    return [one for one in some if one.state != "queued" or (one.id or 0) < (run.id or 0)]


def lock(session: Session) -> None:
    """Hold off whoever would start another run, until the commit."""
    counters.lock(session, "backlog")  # a row that is there when no run is under way, too


# --- work ----------------------------------------------------------------------------------------
def due(session: Session, now: datetime) -> list[int]:
    """Runs with something to do that nobody does yet, or that only wait to be ended."""
    found = session.exec(
        select(Run.id).where(col(Run.state).in_((*CLAIMED, "queued"))).order_by(col(Run.id))
    )
    return [key for key in found if key is not None and _wants(session, key, now)]


def _wants(session: Session, run_id: int, now: datetime) -> bool:
    run = get(session, run_id)
    if run.state == "queued":
        return not ahead(session, run)
    kinds, state = CLAIMED[run.state]
    mine = (RunItem.run_id == run_id, RunItem.state == state, col(RunItem.kind).in_(kinds))
    free = session.exec(select(RunItem.id).where(*mine, claims.free(RunItem, now)).limit(1)).first()
    return free is not None or left(session, run_id, run.state) == 0


def left(session: Session, run_id: int, state: str) -> int:
    """How many items are still to be done in that state of the run."""
    kinds, waiting = CLAIMED[state]
    mine = (RunItem.run_id == run_id, RunItem.state == waiting, col(RunItem.kind).in_(kinds))
    return session.exec(select(func.count()).select_from(RunItem).where(*mine)).one()


def claim(session: Session, run_id: int, *, owner: str, now: datetime) -> Taken | None:
    """Take the next item of a run, if its state allows."""
    run = get(session, run_id)
    if run.state not in CLAIMED:
        return None
    kinds, state = CLAIMED[run.state]
    mine = (col(RunItem.run_id) == run_id, col(RunItem.state) == state)
    order: Any = func.min(RunItem.position) if state == "waiting" else func.max(RunItem.position)
    first: int | None = session.exec(select(order).where(*mine, col(RunItem.kind).in_(kinds))).one()
    if first is None:
        return None
    kind = KINDS[first // STEP]
    alive = select(Run.id).where(col(Run.id) == run_id, col(Run.state) == run.state)
    where = (*mine, col(RunItem.kind) == kind, col(RunItem.run_id).in_(alive))
    lease = PLAN_LEASE if kind in ("plan", "check") else LEASE
    taken = claims.claim(session, RunItem, where, owner=owner, now=now, lease=lease)
    if not taken:
        return None
    note(session, run_id, now)
    row = session.get_one(RunItem, taken[0], populate_existing=True)
    return Taken(taken[0], run_id, row.kind, row.payload, row.outcome, row.attempts)


def done(
    session: Session, item: Taken, outcome: Mapping[str, Any], *, owner: str, state: str = "done"
) -> None:
    """The item is done, in the same transaction as what it did. Raises `LostLease`."""
    values = {"state": state, "outcome": dict(outcome), "attempts": 0}
    claims.finish(session, RunItem, item.id, owner=owner, **values)


def failed(
    session: Session, item: Taken, error: str, *, owner: str, now: datetime, final: bool
) -> None:
    """The item failed: again later, or for good after the last try."""
    over = final or item.attempts >= claims.ATTEMPTS_MOST
    pause = claims.backoff(item.attempts, first=RETRY_FIRST, most=RETRY_MOST)
    values: dict[str, Any] = {"owner": "", "lease_until": None, "error": error[:2000]}
    values |= {"state": "failed"} if over else {"next_attempt_at": now + pause}
    claims.change(session, RunItem, item.id, values, owner=owner)
    note(session, item.run_id, now, error=error[:2000])


def give_back(session: Session, item: Taken, *, owner: str) -> None:
    """The item is to be done later, and no try of it is used up. Raises `LostLease`."""
    values = {"owner": "", "lease_until": None, "attempts": item.attempts - 1}
    claims.change(session, RunItem, item.id, values, owner=owner)


def bury(session: Session, now: datetime) -> int:
    """Items that ended their worker every time have failed."""
    worn = update(RunItem).where(
        col(RunItem.state).in_(("waiting", "done")),
        col(RunItem.attempts) >= claims.ATTEMPTS_MOST,
        claims.free(RunItem, now),
    )
    words = f"doing it ended the worker {claims.ATTEMPTS_MOST} times"
    return claims.changed(session, worn.values(state="failed", error=words))


def stop(session: Session, run_id: int, *, now_too: bool) -> int:
    """Submit no more of a run: what waits is cancelled, and what is under way too if `now_too`.

    Who is at an item that was cancelled finds it no longer theirs, and nothing of it is kept.
    """
    mine = [col(RunItem.run_id) == run_id, col(RunItem.state) == "waiting"]
    if not now_too:
        mine.append(col(RunItem.owner) == "")
    values = {"state": "cancelled", "owner": "", "lease_until": None}
    return claims.changed(session, update(RunItem).where(*mine).values(values))


def again(session: Session, run_id: int) -> int:
    """What failed or was cancelled waits once more. How many."""
    mine = (col(RunItem.run_id) == run_id, col(RunItem.state).in_(("failed", "cancelled")))
    values = {"state": "waiting", "attempts": 0, "next_attempt_at": None, "error": ""}
    return claims.changed(session, update(RunItem).where(*mine).values(values))


@dataclass(frozen=True, slots=True)
class Tally:
    """How many items of a kind are in a state, and how much work that is."""

    kind: str
    state: str
    items: int
    size: int
    under_way: int


def tallies(session: Session, run_id: int, now: datetime) -> list[Tally]:
    """A run's items by kind and state."""
    busy = func.count().filter(col(RunItem.lease_until) > now)
    counted: tuple[Any, ...] = (func.count(), func.sum(RunItem.size), busy)
    found = session.execute(
        select(RunItem.kind, RunItem.state, *counted)
        .where(RunItem.run_id == run_id)
        .group_by(col(RunItem.kind), col(RunItem.state))
    )
    return [Tally(k, s, n, int(size or 0), int(u or 0)) for k, s, n, size, u in found]


def items(
    session: Session, run_id: int, *, kinds: Sequence[str] = (), states: Sequence[str] = ()
) -> list[RunItem]:
    """A run's items in order."""
    where: list[Any] = [RunItem.run_id == run_id]
    where += [col(RunItem.kind).in_(kinds)] if kinds else []
    where += [col(RunItem.state).in_(states)] if states else []
    return list(session.exec(select(RunItem).where(*where).order_by(col(RunItem.position))))


def changes(session: Session, run_id: int) -> tuple[dict[int, int], set[int]]:
    """The entry of each change that was made, by the plan's number for it; the numbers of the others.

    Of what was planned, which is much, only pieces that were not done whole are read.
    """
    mine = (RunItem.run_id == run_id, RunItem.kind == "papers")
    found = select(RunItem.id, RunItem.size, RunItem.outcome).where(*mine)
    pieces = [(key, size, outcome.get("made", {})) for key, size, outcome in session.exec(found)]
    made = {int(key): int(one["entry"]) for _, _, some in pieces for key, one in some.items()}
    short = [key for key, size, some in pieces if len(some) < size]
    planned = select(RunItem.payload).where(col(RunItem.id).in_(short))
    some = {int(one["key"]) for told in session.exec(planned) for one in told["changes"]}
    return made, some - made.keys()


def forget_reader(session: Session, reader_id: int) -> None:
    """What runs planned for a reader goes: reasons name what they are interested in."""
    for row in session.exec(select(RunItem).where(RunItem.kind == "mails")):
        some = row.payload.get("readers", [])
        others = [one for one in some if one["reader"] != reader_id]
        if len(others) < len(some):
            row.payload = row.payload | {"readers": others}
    for run in session.exec(select(Run)):
        told = run.world.get("readers", {})
        if str(reader_id) in told:
            rest = {key: kept for key, kept in told.items() if key != str(reader_id)}
            run.world = run.world | {"readers": rest}
    session.flush()


def purge(session: Session, now: datetime) -> int:
    """The pieces of runs that ended long ago go, with what it would take to undo them. How many runs."""
    ended = (
        col(Run.state).not_in((*ACTIVE, "planning", "planned")),
        col(Run.moved_at) < now - KEPT_FOR,
        col(Run.id).in_(select(RunItem.run_id)),
    )
    old = list(session.exec(select(Run.id).where(*ended)))
    for table in (RunItem, EntryVersion):
        model: Any = table
        session.execute(delete(model).where(model.run_id.in_(old)))
    session.execute(update(Run).where(col(Run.id).in_(old)).values(world={}))
    return len(old)


def expect(session: Session, run_id: int, was: Collection[str], doing: str) -> Run:
    """The run, in one of the states that allow what is to be done. Raises `Conflict`."""
    run = get(session, run_id)
    if run.state not in was:
        raise Conflict(f"run {run.code} is {run.state}: {doing}")
    return run
