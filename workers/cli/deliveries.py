"""Deliveries: the list, the way of one mail, and the word on those of which nobody knows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tasks.errors import UsageError
from tasks.office import deliveries
from tasks.store.delivery_rows import STATES, Wanted
from workers.cli.admins import BY
from workers.cli.say import Exit, Json, json_page, listing, note, table
from workers.cli.state import opened, read_day

app = typer.Typer(help="The handing over of mails.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The delivery's number.")]
Day = Annotated[str | None, typer.Option(help="Of that digest's day, like 2026-11-20.")]
ReaderNumber = Annotated[int | None, typer.Option(min=1, help="To the reader of that number.")]


@app.command(name="list")
def list_(
    state: Annotated[str, typer.Option(help="In that state, like unsure.")] = "",
    day: Day = None,
    reader: ReaderNumber = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many, the newest.")] = 50,
    before: Annotated[int | None, typer.Option(min=1, help="Older than that delivery.")] = None,
    as_json: Json = False,
) -> None:
    """List deliveries, the newest first."""
    if state not in ("", *STATES):
        raise UsageError(f"there is no state {state!r}: there are {', '.join(STATES)}")
    wanted = Wanted(state=state, day=read_day(day), reader_id=reader)
    with opened() as context:
        found = deliveries.listed(context, wanted, limit, before=before)
    rows = [asdict(row) for row in found]
    listing("Deliveries", rows, as_json=as_json, empty="there are no such deliveries")


@app.command()
def show(number: Number, as_json: Json = False) -> None:
    """Show the way of one mail, step by step."""
    with opened() as context:
        way = deliveries.way(context, number)
    if as_json:
        told = asdict(way)
        told["trace"].pop("body")
        json_page(told)
        return
    table(f"Delivery {number}", ("", "value"), list(asdict(way.trace.row).items()))
    rows = [(moment.at, moment.what, moment.said) for moment in way.moments]
    table("Its way", ("at", "what", "said"), rows)
    table("Headers", ("name", "value"), way.headers)


@app.command()
def decide(
    why: Annotated[str, typer.Option(help="How you know; it is kept in the audit.")],
    arrived: Annotated[
        bool, typer.Option("--arrived/--not-arrived", help="Whether the mail arrived.")
    ],
    number: Annotated[
        int | None,
        typer.Argument(min=1, help="The delivery's number; without it, all unsure ones."),
    ] = None,
    day: Day = None,
    reader: ReaderNumber = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Say of an unsure mail whether it arrived; one that did not is sent again."""
    with opened() as context:
        if number is not None:
            deliveries.decide(context, BY, number, arrived=arrived, why=why)
            note(f"delivery {number}: {_word(arrived)}")
            return
        wanted = Wanted(day=read_day(day), reader_id=reader)
        many = deliveries.unsure(context, wanted)
        if not many.number:
            note("there are no unsure mails")
            return
        if not yes:
            typer.confirm(f"{many.number} mails: {_word(arrived)}?", abort=True, err=True)
        done = deliveries.decide_all(context, BY, wanted, arrived=arrived, why=why, mark=many.mark)
    note(f"{done.done} mails: {_word(arrived)}")
    raise typer.Exit(Exit.PARTLY if done.left else Exit.FINE)


def _word(arrived: bool) -> str:
    return "sent, it arrived" if arrived else "it did not arrive, and goes again"
