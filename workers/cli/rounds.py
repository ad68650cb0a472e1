"""Running a round now: through the workers, without a broker, or as a demonstration."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tasks.errors import UsageError
from tasks.records import Ring, Step
from tasks.render.words import why
from tasks.round.context import Context, utc_now
from tasks.round.tick import plan_day
from tasks.round.walk import run_once as walk
from tasks.settings import current
from tasks.store import digests, report, sources
from workers import demo as shown
from workers import rounds
from workers.cli.say import Exit, Json, err, json_page, note, out, problem, table
from workers.cli.state import make_home, opened, read_day, read_moment
from workers.embedded import Supervisor

DateOption = Annotated[
    str | None, typer.Option("--date", help="The digests' day (default: today).")
]
NowOption = Annotated[
    str | None, typer.Option("--now", help="Run as if it were this moment; readers' hours count.")
]


def round_(date_: DateOption = None, now: NowOption = None, as_json: Json = False) -> None:
    """Run one whole round through the workers, now, and print what each step did.

    Without --now nobody's hour is waited for: every active reader's digest of the day is made. A digest
    that went out already does not go out again.
    """
    at, day = _moment(now, date_)
    with opened() as context, _workers():
        marked = rounds.begin(context, at, day, everybody=now is None or day is not None)
        done = _drive(context, at, plans=day is None)
        result = {"at": at, "finished": done, "steps": rounds.outcome(context, marked)}
        result["digests"] = _digests(context, _days(context, day, at), marked)
    _print_round(result, as_json=as_json)
    raise typer.Exit(Exit.FINE if done else Exit.LATER)


def run_once(date_: DateOption = None, now: NowOption = None, as_json: Json = False) -> None:
    """Run the same round in this process, with no broker and no worker.

    Like the tick, it makes only digests whose hour has come, unless a --date is named.
    """
    at, day = _moment(now, date_)
    with opened() as context:
        with context.database.write() as session:
            marked = report.mark(session)
            sources.wake(session)
            if day is not None:
                plan_day(session, day, at)
        answered: Counter[str] = Counter()

        def told(ring: Ring) -> None:
            answered[ring.step] += 1

        walk(context, at, told, plans=day is None)
        done = not rounds.unfinished(context, at)
        result = {"at": at, "finished": done, "steps": rounds.outcome(context, marked)}
        result["digests"] = _digests(context, _days(context, day, at), marked)
    _print_round(result, as_json=as_json)
    raise typer.Exit(Exit.FINE if done else Exit.LATER)


def demo(
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Saved pages in place of the live list.", exists=True),
    ] = None,
    readers: Annotated[int, typer.Option(min=1, max=10_000, help="How many readers to make.")] = 4,
    as_json: Json = False,
) -> None:
    """Show the main job: take the day's papers, make readers, run the round, and show their mails.

    Takes the live list when it answers within a few seconds, else three invented sample days. Mails go to
    the mailbox folder and nowhere else.
    """
    settings = current()
    if settings.smtp_url.get_secret_value():
        raise UsageError("the demo sends no real mail: unset PAPERROUND_SMTP_URL, or use `round`")
    make_home(settings)
    at = utc_now()
    with opened() as context, _workers():
        named = shown.prepare(context, source, readers, at)
        note(f"papers from {named}")
        marked = rounds.begin(context, at, None, everybody=True)
        done = _drive(context, at, plans=True)
        result = _demo_result(context, at, marked) | {"source": named, "finished": done}
    if as_json:
        json_page(result)
    else:
        _print_demo(result, settings.mailbox)
    if not done:
        raise typer.Exit(Exit.LATER)
    raise typer.Exit(Exit.FINE if any(d["mail"] for d in result["digests"]) else Exit.FAILED)


def _demo_result(context: Context, at: datetime, marked: dict[str, int]) -> dict[str, Any]:
    steps = rounds.outcome(context, marked)
    with context.database.read() as session:
        totals = report.totals(session)
    return {
        **totals,
        "new": steps["parse"]["new"],
        "sent": steps["deliver"]["sent"],
        "steps": steps,
        "digests": _digests(context, _days(context, None, at), {}),
    }


@contextmanager
def _workers() -> Iterator[Supervisor]:
    """A broker (unless one is configured or running) and a worker, for as long as the round takes."""
    with Supervisor(current(), roles={"broker", "worker"}, quiet=True) as supervisor:
        supervisor.wait_ready()
        yield supervisor


def _moment(now: str | None, day: str | None) -> tuple[datetime, date | None]:
    """The round's moment and, if asked for, the digests' day."""
    wanted, at = read_day(day), read_moment(now)
    if at is None:
        at = utc_now()
        if wanted is not None and wanted != at.date():
            at = datetime.combine(wanted, time(23, 59, 59), tzinfo=at.tzinfo)
    return at, wanted


def _drive(context: Context, at: datetime, *, plans: bool) -> bool:
    columns = (
        TextColumn("{task.description:>8}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty()) as bars:
        steps = (step for step in Step if step is not Step.BACKLOG)
        tasks = {step.value: bars.add_task(step.value, total=None) for step in steps}
        most: Counter[str] = Counter()

        def told(left: dict[str, int]) -> None:
            for step, count in left.items():
                most[step] = max(most[step], count)
                bars.update(tasks[step], total=most[step], completed=most[step] - count)

        done = rounds.drive(context, at, told, plans=plans)
    if not done:
        problem("nothing has moved for five minutes: `paperround doctor` says what is wrong")
    return done


def _days(context: Context, day: date | None, at: datetime) -> set[date]:
    if day is not None:
        return {day}
    with context.database.read() as session:
        return digests.days_at(session, at)


def _digests(context: Context, days: set[date], marked: dict[str, int]) -> list[dict[str, Any]]:
    """The digests of these days, newest work first: what a person wants to see of a round."""
    with context.database.read() as session:
        rows = [row for day in sorted(days) for row in digests.rows(session, day=day)]
    return [_digest_json(context, row) for row in rows if row["digest"] > marked.get("Digest", 0)]


def _digest_json(context: Context, row: dict[str, Any]) -> dict[str, Any]:
    picks = row["picks"]
    delivered = row["delivery"] == "sent"
    return {
        "reader": row["reader"],
        "day": row["day"],
        "state": row["delivery"] or row["state"],
        "subject": row["subject"],
        "considered": row["considered"],
        "picks": len(picks),
        "titles": [pick.paper.title for pick in picks],
        "top": picks[0].paper.title if picks else None,
        "why": why(picks[0].score, picks[0].profile_name) if picks else row["reason"],
        "mail": _where(context, row["key"]) if delivered else None,
    }


def _where(context: Context, key: str) -> str:
    """Where a mail lies: its file in the mailbox, or who took it."""
    if context.settings.smtp_url.get_secret_value():
        return "handed to the mail server"
    folder = context.settings.mailbox
    found = [folder / "new" / quote(key), *(folder / "cur").glob(f"{quote(key)}:2,*")]
    return str(next((path for path in found if path.exists()), found[0]))


def _print_round(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        json_page(result)
        return
    rows = [(step, _sentence(counts)) for step, counts in result["steps"].items()]
    table(f"Round of {result['at']:%Y-%m-%d %H:%M} UTC", ("step", "did"), rows)
    _print_digests(result["digests"])


def _sentence(counts: dict[str, Any]) -> str:
    shown = {name: len(n) if isinstance(n, list) else n for name, n in counts.items()}
    return ", ".join(f"{n} {name}" for name, n in shown.items() if n) or "nothing to do"


def _print_digests(rows: list[dict[str, Any]]) -> None:
    if rows:
        shown = [(d["reader"], d["picks"], _digest_words(d)) for d in rows]
        table("Digests", ("reader", "picks", "digest"), shown)


def _digest_words(digest: dict[str, Any]) -> str:
    """What a person wants to know of a digest, a line each."""
    if not digest["picks"]:
        return f"{digest['state']}: {digest['why']}"
    mail = digest["mail"] or digest["state"]
    lines = (digest["subject"], f"top: {digest['top']}", f"why: {digest['why']}", f"mail: {mail}")
    return "\n".join(lines)


def _print_demo(result: dict[str, Any], mailbox: Path) -> None:
    out.print(
        "{pages} pages, {entries} entries, {distinct} distinct papers; {new} new, "
        "{sent} mails sent just now".format(**result)
    )
    _print_digests(result["digests"])
    if not result["sent"] and any(d["mail"] for d in result["digests"]):
        note("today's digests went out before: nothing is sent twice")
    note(f"the mailbox: {mailbox}")
    note("read a mail with `./run mail --open`; keep it all running with `./run up`")
