"""What does the pieces of a backlog run, kind by kind: one transaction each, done whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session

from tasks.errors import Conflict, PageError
from tasks.failpoints import failpoint
from tasks.fetch.source import fetch as fetch_source
from tasks.hours import zone
from tasks.parse.clean import title_key
from tasks.records import ParsedPage, RawPage, SourceKind
from tasks.round.backlog import planning
from tasks.round.backlog.giving_way import RoundFirst, round_waits
from tasks.round.backlog.question import Mail, Question
from tasks.round.context import Context
from tasks.round.scoring import fitted, score_again
from tasks.store import addenda, entries, mends, pages, readers, runs, sources
from tasks.store.addenda import Due
from tasks.store.mends import Change
from tasks.store.runs import Taken

NOTED_EVERY = timedelta(seconds=0.3)


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
                if round_waits(context, session, now):
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
    with context.database.read() as session:
        every = item.payload["all"]
        some = None if every else set(runs.changes(session, item.run_id)[0].values())
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
    with context.database.read() as session:
        made, unmade = runs.changes(session, item.run_id)
    with context.database.write() as session:
        for one in item.payload["readers"]:
            due = [_due(gain, made) for gain in one["gains"] if gain["entry"] not in unmade]
            _bring_to(session, item, int(one["reader"]), due, counts, model_id=model_id, now=now)
        failpoint("backlog.made")
        runs.done(session, item, counts, owner=owner)


def _due(gain: Mapping[str, Any], made: Mapping[int, int]) -> Due:
    return Due(
        entry_id=made.get(gain["entry"], gain["entry"]),
        profile_id=gain["profile_id"],
        version=gain["version"],
        value=gain["value"],
        raw=gain["raw"],
        reasons=gain["reasons"],
    )


def _bring_to(
    session: Session,
    item: Taken,
    reader_id: int,
    some: Sequence[Due],
    counts: dict[str, Any],
    *,
    model_id: int,
    now: datetime,
) -> None:
    """What one reader gains, by mail or in their next digest."""
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


DOES: dict[str, Callable[[Context, Taken, str], None]] = {
    "plan": _plan,
    "check": _check,
    "fetch": _fetch,
    "pages": _pages,
    "papers": _papers,
    "scores": _scores,
    "mails": _mails,
}
