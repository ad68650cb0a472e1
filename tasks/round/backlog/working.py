"""The pieces of backlog runs, one transaction each. Today's round goes first, always.

A ring works for a short while and rings again. Before each piece it looks whether the round has anything
waiting, and steps aside if so: the tick rings again. Whatever dies, the piece is found again; whatever is
done twice finds that it is done, or that the entry is not what the plan saw.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session

from tasks.errors import Conflict, LostLease, PageError, PaperroundError
from tasks.failpoints import failpoint
from tasks.fetch.source import fetch as fetch_source
from tasks.hours import zone
from tasks.logs import about
from tasks.parse.clean import title_key
from tasks.records import ParsedPage, RawPage, Ring, SourceKind, Step
from tasks.round.backlog import planning
from tasks.round.backlog.question import Mail, Question
from tasks.round.backlog.telling import report, undone
from tasks.round.context import Context
from tasks.round.delivering import closed_until
from tasks.round.scoring import fitted, score_again
from tasks.store import addenda, entries, mends, pages, readers, runs, sources, watch
from tasks.store.addenda import Due
from tasks.store.mends import Change
from tasks.store.owners import fence
from tasks.store.runs import Taken

log = logging.getLogger(__name__)

FOR_A_WHILE = timedelta(seconds=2)  # what a ring works before it makes room for others
NOTED_EVERY = timedelta(seconds=0.3)


class RoundFirst(Exception):
    """Today's round has begun to wait while a plan was being made: the plan is made later, from its start."""


def backlog(context: Context, first: int, last: int, at: datetime) -> list[Ring]:
    """Work on the runs of a range for a while; a ring for what is left."""
    until = context.clock() + FOR_A_WHILE
    with context.database.read() as session:
        due = [key for key in runs.due(session, context.clock()) if first <= key <= last]
    for run_id in due:
        while step(context, run_id, at):
            if context.clock() >= until:
                return [Ring(Step.BACKLOG, run_id, last)]
    return []


def step(context: Context, run_id: int, at: datetime, *, aside: bool = True) -> bool:
    """Do one piece of a run, or bring it to its next state; False where there is nothing to do now.

    Not stepping `aside` for today's round is for who waits for a plan at a terminal.
    """
    with context.database.read() as session:
        run = runs.get(session, run_id)
        if run.state not in (*runs.CLAIMED, "queued") or (
            aside and _round_waits(context, session, at)
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


def _round_waits(context: Context, session: Session, at: datetime) -> bool:
    """Whether today's round has something to do that somebody could be at: no mails whose server is down."""
    left = watch.unfinished(session, at, context.clock())
    if left["deliver"] and closed_until(context):
        left["deliver"] = 0
    return any(left.values())


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


# --- doing ---------------------------------------------------------------------------------------
def _plan(context: Context, item: Taken, owner: str) -> None:
    made = planning.draft(context, _question(context, item), _heard(context, item))
    failpoint("backlog.made")
    planning.keep(context, item.run_id, made, item, owner=owner, now=context.clock())


def _check(context: Context, item: Taken, owner: str) -> None:
    """Plan once more, and go on only where the plan is the same."""
    made = planning.draft(context, _question(context, item), _heard(context, item))
    now = context.clock()
    failpoint("backlog.made")
    with context.database.write() as session:
        run = runs.get(session, item.run_id)
        changed = planning.differences(run.world, made.world)
        runs.done(session, item, {"changed": changed[:200]}, owner=owner)
        runs.note(session, item.run_id, now, report={})
        if changed:
            words = f"the world has changed since this was planned: {'; '.join(changed[:5])}"
            runs.move(session, item.run_id, "stale", was=("checking",), now=now, error=words)
        else:
            runs.move(session, item.run_id, "running", was=("checking",), now=now, started_at=now)


def _question(context: Context, item: Taken) -> Question:
    with context.database.read() as session:
        return Question.from_json(runs.get(session, item.run_id).question)


def _heard(context: Context, item: Taken) -> Callable[[int, int], None]:
    """Notes how far the planning has come, now and then. Raises `RoundFirst` where today's round waits."""
    last: list[datetime] = []

    def told(done: int, of: int) -> None:
        now = context.clock()
        if last and now - last[-1] < NOTED_EVERY:
            return
        last.append(now)
        if item.aside:
            with context.database.read() as session:
                if _round_waits(context, session, now):
                    raise RoundFirst
        with context.database.write() as session:
            runs.note(session, item.run_id, now, report={"done": done, "of": of})

    return told


def _fetch(context: Context, item: Taken, owner: str) -> None:
    """Ask a source for one day, read what comes, and bring it in: all or nothing."""
    day = date.fromisoformat(item.payload["day"])
    now = context.clock()
    with context.database.read() as session:
        source = sources.find(session, item.payload["source"])
    is_past = source.kind is SourceKind.HF and day < now.date()
    at = datetime.combine(day, time(23, 59, 59), UTC) if is_past else now
    with context.http() as http:
        fetched = fetch_source(source, at=at, since=day, http=http)
    failpoint("backlog.made")
    # The day was only asked for as if it were today; it came now.
    came = [replace(page, fetched_at=now) for page in fetched.pages]
    read = [(page, _read(context, page)) for page in came]
    found = {"pages": 0, "new": 0, "merged": 0, "quarantined": 0, "notes": list(fetched.notes)}
    with context.database.write() as session:
        for page, parsed in read:
            key, is_new = pages.keep(session, source.id, page)
            if is_new:
                _bring(session, key, parsed, found, now, news=item.payload["mail"] == Mail.NEXT)
        sources.recovered(session, source.id, now)
        runs.done(session, item, found, owner=owner)


def _read(context: Context, page: RawPage) -> ParsedPage | PageError:
    try:
        return context.parser.parse(page)
    except PageError as error:
        return error


def _bring(
    session: Session,
    page_id: int,
    parsed: ParsedPage | PageError,
    found: dict[str, Any],
    now: datetime,
    *,
    news: bool,
) -> None:
    found["pages"] += 1
    if isinstance(parsed, PageError):
        pages.came_read(session, page_id, parsed)
        found["quarantined"] += 1
        return
    keys = [title_key(entry.title) for entry in parsed.entries]
    merged = entries.merge_page(session, page_id, parsed, keys=keys, at=now, news=news)
    pages.came_read(session, page_id, parsed, new=merged.new, merged=merged.merged)
    if parsed.day is not None:
        pages.see_edition(session, page_id, parsed.day, now)
    found["new"] += merged.new
    found["merged"] += merged.merged


def _pages(context: Context, item: Taken, owner: str) -> None:
    conflicts: list[str] = []
    made: dict[str, Any] = {}  # the rejections that a page had
    with context.database.write() as session:
        for mark in item.payload["pages"]:
            try:
                made[str(mark["page"])] = mends.mark_page(
                    session, mark["page"], mark["before"], mark["after"], mark["rejections"]
                )
                if mark["day"]:
                    day, now = date.fromisoformat(mark["day"]), context.clock()
                    pages.see_edition(session, mark["page"], day, now)
            except Conflict as error:
                conflicts.append(str(error))
        _finish(session, item, {"made": made}, conflicts, owner)
    failpoint("backlog.made")


def _papers(context: Context, item: Taken, owner: str) -> None:
    conflicts: list[str] = []
    made: dict[str, Any] = {}
    now = context.clock()
    with context.database.write() as session:
        mends.begin(session)
        for kept in item.payload["changes"]:
            change = Change.from_json(kept)
            try:
                made[str(change.key)] = mends.apply(session, item.run_id, change, now)
            except Conflict as error:
                conflicts.append(str(error))
        failpoint("backlog.made")
        _finish(session, item, {"made": made}, conflicts, owner)


def _finish(
    session: Session, item: Taken, outcome: dict[str, Any], conflicts: list[str], owner: str
) -> None:
    """Done; what was not as planned is told with it, and stays as it is."""
    runs.done(session, item, outcome | {"conflicts": conflicts}, owner=owner)


def _scores(context: Context, item: Taken, owner: str) -> None:
    """A shard's profiles are scored anew for what may still become picks, all of it or what was mended.

    The round's own scoring would come to the same; but today's digests would wait for it.
    """
    now = context.clock()
    some = None if item.payload["all"] else set(_made(context, item.run_id).values())
    with context.database.read() as session:
        came = entries.still_news(session, now, some)
    for last in (False, False, True):
        part, of = item.payload["part"], item.payload["of"]
        write = score_again(context, item.payload["shard"], came, now, part=part, of=of)
        failpoint("backlog.made")
        try:
            with context.database.write() as session:
                found = {"papers": len(came), "scores": write(session)}
                runs.done(session, item, found, owner=owner)
            break
        except Conflict:  # somebody saved a profile just then
            if last:
                raise


def _mails(context: Context, item: Taken, owner: str) -> None:
    now = context.clock()
    model_id, _ = fitted(context)
    counts = {"mails": 0, "carried": 0, "digests": [], "passed_over": 0}
    ids = _made(context, item.run_id)
    with context.database.write() as session:
        for one in item.payload["readers"]:
            _bring_to(session, item, one, ids, counts, model_id=model_id, now=now)
        failpoint("backlog.made")
        runs.done(session, item, counts, owner=owner)


def _made(context: Context, run_id: int) -> dict[int, int]:
    """The entries that the run's changes are of: those that it added have their numbers by now."""
    with context.database.read() as session:
        every = runs.outcomes(session, run_id, "papers")
    return {
        int(key): int(done["entry"])
        for outcome in every
        for key, done in outcome.get("made", {}).items()
    }


def _bring_to(
    session: Session,
    item: Taken,
    one: Mapping[str, Any],
    ids: Mapping[int, int],
    counts: dict[str, Any],
    *,
    model_id: int,
    now: datetime,
) -> None:
    """What one reader gains, by mail or in their next digest."""
    reader_id = int(one["reader"])
    some = [
        Due(
            entry_id=ids.get(gain["entry"], gain["entry"]),
            profile_id=gain["profile_id"],
            version=gain["version"],
            value=gain["value"],
            raw=gain["raw"],
            reasons=gain["reasons"],
        )
        for gain in one["gains"]
        if gain["entry"] > 0 or gain["entry"] in ids
    ]
    if readers.seek(session, reader_id) is None:
        counts["passed_over"] += 1
    elif item.payload["mail"] == Mail.ADDENDUM:
        day = now.astimezone(zone(readers.get(session, reader_id).timezone)).date()
        made = addenda.mail(session, item.run_id, reader_id, day, some, now)
        counts["mails"] += made is not None
        counts["passed_over"] += made is None
        counts["digests"] += [made] if made is not None else []
    else:
        counts["carried"] += addenda.carry(
            session, item.run_id, reader_id, some, model_id=model_id, now=now
        )


# --- undoing -------------------------------------------------------------------------------------
def _undo_pages(context: Context, item: Taken, owner: str) -> None:
    conflicts: list[str] = []
    with context.database.write() as session:
        for mark in item.payload["pages"]:
            were = item.outcome["made"].get(str(mark["page"]))
            if were is None:
                continue
            try:
                mends.mark_page(session, mark["page"], mark["after"], mark["before"], were)
            except Conflict as error:
                conflicts.append(str(error))
        outcome = item.outcome | {"undo_conflicts": conflicts}
        runs.done(session, item, outcome, owner=owner, state="undone")


def _undo_papers(context: Context, item: Taken, owner: str) -> None:
    conflicts: list[str] = []
    now = context.clock()
    with context.database.write() as session:
        mends.begin(session)
        for kept in reversed(item.payload["changes"]):
            change = Change.from_json(kept)
            done = item.outcome["made"].get(str(change.key))
            if done is None:
                continue
            try:
                mends.unmake(session, change, done, now)
            except Conflict as error:
                conflicts.append(str(error))
        outcome = item.outcome | {"undo_conflicts": conflicts}
        runs.done(session, item, outcome, owner=owner, state="undone")


def _undo_mails(context: Context, item: Taken, owner: str) -> None:
    """What has not reached anybody yet is taken back; mails that went out cannot be."""
    with context.database.write() as session:
        taken = addenda.take_back(session, item.run_id)
        runs.done(session, item, item.outcome | {"taken_back": taken}, owner=owner, state="undone")


Doing = Callable[[Context, Taken, str], None]
DOES: dict[str, Doing] = {
    "plan": _plan,
    "check": _check,
    "fetch": _fetch,
    "pages": _pages,
    "papers": _papers,
    "scores": _scores,
    "mails": _mails,
}
UNDOES: dict[str, Doing] = {"pages": _undo_pages, "papers": _undo_papers, "mails": _undo_mails}
