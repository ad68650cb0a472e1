"""Running old days again: a plan first, then exactly that plan."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tasks.office import asking, run_words
from tasks.office import runs as office
from tasks.office.asking import Asked
from tasks.office.runs import Standing
from tasks.round.backlog.question import Mail, Stage
from tasks.round.context import Context
from workers.cli.admins import BY
from workers.cli.following import follow, has_workers
from workers.cli.run_tables import ended, show_outcome, show_plan
from workers.cli.say import Exit, Json, json_page, note
from workers.cli.state import opened
from workers.web.api.run_shapes import Run

FIRST_HELP = "The first day, like 2026-10-05: an edition's day."
SOURCE_HELP = "Only these sources: one, or several with commas; may be said often."
READER_HELP = "Only these readers, by number or address, as sources are named."
MAIL_HELP = (
    "What becomes of top papers that readers missed: none says nothing, addendum mails those readers once, "
    "next brings them in the next digest."
)
STAGE_HELP = (
    "From which step on: fetch asks for missing days, parse reads kept pages again, score scores again, "
    "compose takes the scores that are kept."
)
Background = Annotated[
    bool, typer.Option("--background", help="Leave it to the workers and return at once.")
]
Queue = Annotated[
    bool, typer.Option("--queue", help="Wait for another run over the same days; do not refuse.")
]


def reprocess(
    first: Annotated[str, typer.Option("--from", help=FIRST_HELP)],
    last: Annotated[str, typer.Option("--to", help="The last day.")],
    source: Annotated[
        list[str] | None, typer.Option("--source", "--sources", help=SOURCE_HELP)
    ] = None,
    stage: Annotated[Stage, typer.Option(help=STAGE_HELP)] = Stage.PARSE,
    reader: Annotated[
        list[str] | None, typer.Option("--reader", "--readers", help=READER_HELP)
    ] = None,
    mail: Annotated[Mail, typer.Option(help=MAIL_HELP)] = Mail.NONE,
    again: Annotated[
        bool, typer.Option("--again", help="With --stage fetch: also the days that came.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Make the plan, show it, and do nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Start the plan without asking.")] = False,
    queue: Queue = False,
    background: Background = False,
    as_json: Json = False,
) -> None:
    """Run past days again: show what that would do, and do exactly that. Nobody is mailed unless asked.

    At a terminal the plan is shown and asked about first; a script is taken at its word. Today's round goes
    first. Ends with 3 when something failed or was not as planned, and with 75 when it was paused.
    """
    sure = yes or as_json or not sys.stdin.isatty()
    asked = Asked(
        first=first,
        last=last,
        sources=_named(source),
        stage=stage,
        readers=_named(reader),
        mail=mail,
        again=again,
    )
    with opened() as context:
        code, _ = office.plan(context, asking.question(context, asked), BY)
        found = follow(context, code)
        if found.state == "planned" and not as_json:
            show_plan(found)
        if _is_to_start(context, found, dry_run=dry_run, sure=sure):
            office.start(context, code, BY, queue=queue)
            go_on(context, code, background=background, as_json=as_json)
        found = office.look(context, code)
    if as_json:
        json_page(Run.of(found).model_dump(mode="json"))
    raise typer.Exit(Exit.FINE if found.state in ("planned", "dropped") else ended(found))


def _named(said: list[str] | None) -> tuple[str, ...]:
    """Names with commas between them, however often such a list was given."""
    return tuple(name.strip() for part in said or () for name in part.split(",") if name.strip())


def go_on(context: Context, code: str, *, background: bool, as_json: bool = False) -> None:
    """Work on a run to its end, mails and all, and say what came of it; in the `background`, leave it to
    the workers. Ends the command.
    """
    found = _left(context, code) if background else follow(context, code)
    if as_json:
        json_page(Run.of(found).model_dump(mode="json"))
    elif not background:
        show_outcome(found)
    raise typer.Exit(Exit.FINE if background else ended(found))


def _is_to_start(context: Context, found: Standing, *, dry_run: bool, sure: bool) -> bool:
    """Whether this plan is to be done. One that would change nothing is let go of."""
    if found.state != "planned":
        return False
    if not found.plan["work"]:
        note("there is nothing to do: all is as it would be made today")
        office.drop(context, found.code, BY)
        return False
    if dry_run:
        note(f"nothing was done; `paperround runs start {found.code}` does exactly this")
        return False
    if sure or typer.confirm(f"Start exactly this plan ({_in_short(found)})?", err=True):
        return True
    note(f"nothing was done; `paperround runs start {found.code}` does it, `runs drop` forgets it")
    return False


def _in_short(found: Standing) -> str:
    mails = found.plan.get("mails", 0)
    go_out = (
        run_words.counted(mails, "mail goes out", "mails go out") if mails else "nobody is mailed"
    )
    return f"{run_words.work_of(found.plan['work'])}; {go_out}"


def _left(context: Context, code: str) -> Standing:
    """Say who goes on with it; how it stands."""
    there = has_workers(context)
    rests = "no worker is running: `paperround up` starts them"
    note(f"{code} was started: " + ("the workers begin within half a minute" if there else rests))
    note(f"`paperround runs show {code}` tells how far it is")
    return office.look(context, code)
