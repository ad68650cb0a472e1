"""Profiles: listing, saving, removing, and taking papers from a reader's own library."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tasks.desk import collecting, interests
from tasks.desk.adding import Added, add_examples
from tasks.desk.collecting import Collected
from tasks.errors import UnknownName, UsageError
from tasks.records import Reader
from tasks.round.context import Context
from tasks.store import profiles
from workers.cli.asked import Who, find, read_profile
from workers.cli.say import Json, json_page, listing, note
from workers.cli.state import opened

app = typer.Typer(help="What a reader is interested in.", no_args_is_help=True)

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


@app.command(name="import")
def import_(
    who: Who,
    file: Annotated[
        Path | None,
        typer.Argument(help="BibTeX, RIS, CSL JSON, or ids line by line.", exists=True),
    ] = None,
    name: Annotated[str, typer.Option(help="The profile that they teach.")] = "My papers",
    zotero: Annotated[str, typer.Option(help="A Zotero user's number instead of a file.")] = "",
    zotero_key: Annotated[
        str,
        typer.Option(
            help="Zotero's key, for a library that is not public.",
            envvar="PAPERROUND_ZOTERO_KEY",
        ),
    ] = "",
    orcid: Annotated[str, typer.Option(help="An ORCID iD instead of a file.")] = "",
    as_json: Json = False,
) -> None:
    """Take papers that a reader knows as examples into a profile."""
    if sum(map(bool, (file, zotero, orcid))) != 1:
        raise UsageError("name one place where the papers are: a file, --zotero or --orcid")
    with opened() as context:
        reader = find(context, who)
        if zotero:
            found = collecting.from_zotero(context, zotero, zotero_key)
        elif orcid:
            found = collecting.from_orcid(context, orcid)
        else:
            found = _collected(context, file or Path())
        added = add_examples(context, reader.id, name, found)
    if as_json:
        json_page(_counted(name, added, found))
    else:
        _tell(found, f"{added.examples} new examples for {name} of {reader.email}")


def _collected(context: Context, file: Path) -> Collected:
    try:
        return collecting.collect(context, file.read_bytes(), file.name)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None


def _counted(name: str, added: Added, found: Collected) -> dict[str, object]:
    return {
        "profile": name,
        "version": added.version,
        "added": added.examples,
        "matched": len(found.matched),
        "titled": len(found.titled),
        "unmatched": found.unmatched,
        "refused": [asdict(one) for one in found.refused],
        "notes": [str(words) for words in found.notes],
    }


def _tell(found: Collected, first: str) -> None:
    note(f"{first}; {len(found.matched)} papers are known here, {len(found.titled)} by title")
    for words in found.notes:
        note(str(words))
    for name in found.unmatched:
        note(f"not found: {name}")
    for one in found.refused:
        note(f"not read: {one.label}: {one.reason}")


def _version(context: Context, reader: Reader, name: str) -> int | None:
    try:
        return interests.find(context, reader.id, name).version
    except UnknownName:
        return None
