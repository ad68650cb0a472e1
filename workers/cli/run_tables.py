"""Backlog runs as tables: a plan, a report, a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tasks.office import run_words
from tasks.office.runs import Standing
from tasks.render.text import clean
from workers.cli.say import Exit, note, problem, table

DAYS_MOST = 31  # rows of a table that is read at a terminal
LINES_MOST = 20  # sentences of one kind
KINDS = ("added", "changed", "split", "merged", "gone")


def show_plan(found: Standing) -> None:
    """What would be done: in numbers, and by source and day."""
    facts = [("For", run_words.asked_for(found.question)), *run_words.would(found.plan)]
    table(f"Plan {found.code}", ("what", "how many"), _clean(facts))
    if fetched := run_words.to_fetch(found.plan):
        table("To be asked for", ("source", "days"), _clean(fetched))
    _show_days("Papers by source and day", found.plan.get("days", ()))
    left = found.plan.get("pages", {}).get("unreadable", ())
    _show_lines(
        f"page {one['page']} of {one['source']} cannot be read: {one['why']}" for one in left
    )


def show_outcome(found: Standing) -> None:
    """How a run stands, and what came of it."""
    progress = found.progress
    facts = [
        ("For", run_words.asked_for(found.question)),
        ("Asked by", f"{found.asked_by}, {found.asked_at:%Y-%m-%d %H:%M} UTC"),
        ("State", f"{found.state}: {run_words.STATES[found.state]}"),
        ("Done", f"{progress.done:,} of {progress.total:,}"),
        *run_words.outcome(found),
    ]
    table(f"Run {found.code}", ("what", "how it stands"), _clean(facts))
    report = run_words.reported(found)
    _show_days("Papers by source and day", report.get("days", ()))
    _show_lines(f"since it was planned: {words}" for words in found.changed)
    _show_lines(f"not as planned: {words}" for words in report.get("conflicts", ()))
    _show_lines(f"failed: {kind}: {error}" for kind, error in found.errors)
    if found.may:
        note("now: " + ", ".join(f"`paperround runs {_way(what, found)}`" for what in found.may))


def ended(found: Standing) -> Exit:
    """What the end of a run means to a script."""
    if found.state in ("failed", "dropped"):
        problem(f"{found.code}: {run_words.came_of(found) or run_words.STATES[found.state]}")
        return Exit.FAILED
    if found.state == "paused":
        note(f"{found.code} was paused: `paperround runs resume {found.code}` goes on")
        return Exit.LATER
    if found.state == "stale":
        problem(f"{found.code}: {run_words.STATES['stale']} Plan the same again")
    return Exit.FINE if run_words.went_well(found) else Exit.PARTLY


def _way(what: str, found: Standing) -> str:
    return f"cancel {found.code} --stop" if what == "stop" else f"{what} {found.code}"


def _show_days(title: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """The days on which anything changes, as many as can be read."""
    said = [
        row for row in rows if any(row[kind] for kind in KINDS) or row["before"] != row["after"]
    ]
    if not said:
        return
    columns = ("day", "source", "pages", "before", "after", *KINDS)
    more = ("not done",) if any(row.get("not_done") for row in said) else ()
    cells = [
        [
            *(clean(str(row[name])) for name in columns),
            *(str(row.get("not_done", 0)) for _ in more),
        ]
        for row in said[:DAYS_MOST]
    ]
    table(title, (*columns, *more), cells)
    if len(said) > DAYS_MOST:
        note(f"and {len(said) - DAYS_MOST} rows more: --json has them all")


def _show_lines(some: Iterable[str]) -> None:
    every = list(some)
    for words in every[:LINES_MOST]:
        note(clean(words))
    if len(every) > LINES_MOST:
        note(f"and {len(every) - LINES_MOST} more: --json has them all")


def _clean(facts: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(clean(name), clean(value)) for name, value in facts]
