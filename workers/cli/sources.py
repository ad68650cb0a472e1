"""Sources: add, list, test, pause, resume, remove, schedule, fetch now."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated

import typer

from tasks.office import sources as office
from tasks.office import trying
from tasks.office.trying import Trial
from tasks.records import SourceKind
from tasks.store import sources as store
from workers.cli.admins import BY
from workers.cli.say import Exit, Json, json_page, listing, note, table
from workers.cli.state import opened

app = typer.Typer(help="Where pages come from.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The source's name.")]


@app.command()
def add(
    kind: Annotated[SourceKind, typer.Argument(help="hf, arxiv, feed or folder.")],
    address: Annotated[
        str, typer.Argument(help="A url; categories like cs.CL+cs.LG; a folder; empty for hf.")
    ] = "",
    name: Annotated[
        str, typer.Option(help="A name for it (default: made from kind and address).")
    ] = "",
) -> None:
    """Add a source; the next round fetches it."""
    with opened() as context:
        made = office.add(context, BY, kind, address, name=name, here=True)
    note(f"added {made.name}; try it with `paperround sources test {made.name}`")


@app.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the sources and how they fare."""
    with opened() as context, context.database.read() as session:
        rows = store.rows(session)
    empty = "no sources yet: `paperround sources add hf` takes the daily papers"
    listing("Sources", rows, as_json=as_json, empty=empty)


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show all about one source, removed or not."""
    with opened() as context:
        row = office.get(context, name)
    told = asdict(row)
    told |= told.pop("plan")
    if as_json:
        json_page(told)
    else:
        table(row.name, ("", "value"), list(told.items()))


@app.command()
def pause(name: Name) -> None:
    """Stop fetching a source for now."""
    _set(name, "paused")


@app.command()
def resume(name: Name) -> None:
    """Fetch a source again, at the next round."""
    _set(name, "active")


@app.command()
def remove(name: Name) -> None:
    """Remove a source. What it brought stays, and `bring-back` undoes it."""
    _set(name, "removed")


@app.command(name="bring-back")
def bring_back(name: Name) -> None:
    """Bring a removed source back."""
    _set(name, "active", was="removed")


def _set(name: str, state: str, was: str = "") -> None:
    with opened() as context:
        office.set_state(context, BY, name, state, was=was)
    note(f"{name} is {state}")


@app.command()
def schedule(
    name: Name,
    every: Annotated[int | None, typer.Option(help="Minutes between two turns.")] = None,
    days: Annotated[
        str | None,
        typer.Option(help="Weekdays with an edition, 1 is Monday; empty as its kind has."),
    ] = None,
    holidays: Annotated[
        str | None,
        typer.Option(help="Days without one: 2026-12-24, or 12-24 for every year; with commas."),
    ] = None,
    address: Annotated[str | None, typer.Option(help="Where it is asked for from now on.")] = None,
) -> None:
    """Change when a source is fetched, the days it keeps, and its address; what is not named stays."""
    with opened() as context:
        seen = office.get(context, name).plan
        plan = replace(
            seen,
            every_minutes=seen.every_minutes if every is None else every,
            days=seen.days if days is None else days,
            holidays=seen.holidays if holidays is None else tuple(holidays.split(",")),
            address=seen.address if address is None else address,
        )
        made = office.replan(context, BY, name, plan, seen=seen, here=True).plan
    kept = f"days {made.days or 'as its kind has'}, {len(made.holidays)} holidays"
    note(f"{name}: every {made.every_minutes} minutes, {kept}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="The source's name; none for every active one.")] = "",
) -> None:
    """Give a source its turn now, even a failing one; a running worker takes it within seconds."""
    with opened() as context:
        rings = office.fetch_now(context, BY, name)
    note(f"{len(rings)} {'source has its turn' if len(rings) == 1 else 'sources have their turn'}")


@app.command(name="test")
def try_(
    said: Annotated[
        str, typer.Argument(metavar="NAME|ADDRESS", help="A source's name, or an address.")
    ],
    kind: Annotated[
        SourceKind | None, typer.Option(help="What kind of source the address is.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch a source or an address now and read its pages, keeping nothing."""
    with opened() as context:
        trial = trying.try_either(context, BY, said, kind)
    if as_json:
        json_page(asdict(trial))
    else:
        _print(said, trial)
    if trial.error:
        raise typer.Exit(Exit.LATER)
    raise typer.Exit(Exit.FINE if trial.went_well or not trial.pages else Exit.PARTLY)


app.command(name="check", hidden=True)(try_)  # its name of before


def _print(said: str, trial: Trial) -> None:
    for answer in trial.answers:
        note(f"{answer.status}: {answer.size:,} bytes in {answer.seconds:.1f} s from {answer.url}")
    rows = [
        (page.name, page.shape, page.entries, page.rejected, "\n".join(page.titles) or page.error)
        for page in trial.pages
    ]
    columns = ("page", "shape", "entries", "rejected", "first titles")
    table(f"{said}: {len(rows)} pages in {trial.seconds:.1f} s", columns, rows)
    for page in trial.pages:
        for words in (*page.reasons, *page.warnings):
            note(f"{page.name}: {words}")
    for words in (*trial.notes, *([trial.error] if trial.error else [])):
        note(words)
    if trial.left_out:
        note(f"{trial.left_out} more pages were not looked at")
