"""Profiles: listing, saving, removing; other modules have the rest (`lazily`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasks.desk import interests
from tasks.errors import UnknownName
from tasks.records import Reader
from tasks.round.context import Context
from tasks.store import profiles
from workers.cli.asked import Who, find, read_profile
from workers.cli.lazily import lazily
from workers.cli.say import Json, json_page, listing, note
from workers.cli.state import opened

app = typer.Typer(
    help="What a reader is interested in.",
    no_args_is_help=True,
    cls=lazily(
        {
            "import": "libraries:import_",
            "versions": "versions:list_",
            "restore": "versions:restore",
            "label": "versions:label",
            "preview": "tuning:preview",
            "backtest": "tuning:backtest",
            "lint": "advice:lint",
            "suggest": "advice:suggest",
            "why": "why:why",
            "shadow": "trials:app",
        }
    ),
)

Name = Annotated[str, typer.Argument(help="The profile's name.")]
Stored = typer.Argument(help="A profile as JSON.", exists=True, dir_okay=False)


@app.command(name="list")
def list_(who: Who, as_json: Json = False) -> None:
    """List a reader's profiles."""
    with opened() as context:
        reader = find(context, who)
        with context.database.read() as session:
            rows = profiles.rows(session, reader.id)
    columns = ("name", "version", "terms", "phrases", "authors")
    shown = rows if as_json else [{name: row.get(name, "") for name in columns} for row in rows]
    empty = f"no profiles: `paperround profiles save {who} FILE.json`"
    listing("Profiles", shown, as_json=as_json, empty=empty)


@app.command()
def show(who: Who, name: Name, as_json: Json = True) -> None:
    """Print one profile as JSON, ready to edit and save again."""
    del as_json  # it is JSON either way; scripts that say so are understood
    with opened() as context:
        found = interests.find(context, find(context, who).id, name)
    json_page({"name": name} | dict(found.body))


@app.command()
def save(
    who: Who,
    file: Annotated[Path, Stored],
    name: Annotated[str, typer.Option(help="Its name (default: the file's own).")] = "",
) -> None:
    """Save a profile from JSON: a new one, or a new version of the one with that name."""
    called, body = read_profile(file)
    called = name or called
    with opened() as context:
        reader = find(context, who)
        expected = _version(context, reader, called)
        version = interests.save(context, reader.id, called, body, expected=expected)
    note(f"saved {called} of {reader.email} as version {version}")


@app.command()
def remove(who: Who, name: Name) -> None:
    """Remove a profile. For 30 days `restore` brings it back."""
    with opened() as context:
        interests.remove(context, find(context, who).id, name)
    note(f"removed {name}; `paperround profiles restore {who} {name!r}` brings it back for 30 days")


def _version(context: Context, reader: Reader, name: str) -> int | None:
    try:
        return interests.find(context, reader.id, name).version
    except UnknownName:
        return None
