"""Backlog runs: what was planned and done, and steering what is under way."""

from __future__ import annotations

from typing import Annotated

import typer

from tasks.office import run_words
from tasks.office import runs as office
from workers.cli.admins import BY
from workers.cli.reprocess import Background, Queue, go_on
from workers.cli.run_tables import show_outcome, show_plan
from workers.cli.say import Json, json_page, note, table
from workers.cli.state import opened
from workers.web.api.run_shapes import Run, RunRow

app = typer.Typer(help="Backlog runs: past days that are run again.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="What the run is called, like run-k7wq2m.")]


@app.command(name="list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 20,
    as_json: Json = False,
) -> None:
    """List the newest runs and plans."""
    with opened() as context:
        found = office.newest(context, limit=limit)
    if as_json:
        json_page([RunRow.of(one).model_dump(mode="json") for one in found])
    elif found:
        rows = [
            (one.code, one.state, run_words.asked_for(one.question), one.asked_by, one.asked_at)
            for one in found
        ]
        table("Backlog runs", ("run", "state", "for", "asked by", "asked"), rows)
    else:
        note("no runs yet: `paperround reprocess --from DAY --to DAY --dry-run` plans one")


@app.command()
def show(code: Code, as_json: Json = False) -> None:
    """Show a run: its plan, how far it is, and what came of it."""
    with opened() as context:
        found = office.look(context, code)
    if as_json:
        json_page(Run.of(found).model_dump(mode="json"))
        return
    if "work" in found.plan and not run_words.reported(found):
        show_plan(found)
    show_outcome(found)


@app.command()
def start(code: Code, queue: Queue = False, background: Background = False) -> None:
    """Do exactly what was planned; refuse where the world has changed since."""
    with opened() as context:
        office.start(context, code, BY, queue=queue)
        go_on(context, code, background=background)


@app.command()
def follow(code: Code) -> None:
    """Look on, work along where there is something to do, and say what came of it."""
    with opened() as context:
        office.look(context, code)
        go_on(context, code, background=False)


@app.command()
def pause(code: Code) -> None:
    """Begin nothing more of a run until it is resumed."""
    with opened() as context:
        office.pause(context, code, BY)
    note(f"{code} is paused: `paperround runs resume {code}` goes on")


@app.command()
def resume(code: Code, background: Background = False) -> None:
    """Go on with a run that was paused."""
    with opened() as context:
        office.resume(context, code, BY)
        go_on(context, code, background=background)


@app.command()
def cancel(
    code: Code,
    stop: Annotated[
        bool, typer.Option("--stop", help="Give up what is under way too; nothing of it is kept.")
    ] = False,
) -> None:
    """Begin nothing more of a run, ever. What was done stays, and can be undone; the rest run again."""
    with opened() as context:
        office.cancel(context, code, BY, stop=stop)
        show_outcome(office.look(context, code))


@app.command()
def again(code: Code, background: Background = False) -> None:
    """Run what failed or was cancelled once more."""
    with opened() as context:
        office.again(context, code, BY)
        go_on(context, code, background=background)


@app.command()
def undo(code: Code, background: Background = False) -> None:
    """Put papers and pages back to what they were before a run; mails that went out stay out."""
    with opened() as context:
        office.undo(context, code, BY)
        go_on(context, code, background=background)


@app.command()
def drop(code: Code) -> None:
    """Let go of a plan that was not begun."""
    with opened() as context:
        office.drop(context, code, BY)
    note(f"{code} was dropped: nothing was done")
