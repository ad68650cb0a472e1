"""The versions of profiles: listing, naming and comparing them, going back, and bringing back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from tasks.desk import interests, versions
from tasks.desk.differences import difference, told
from tasks.desk.versions import Version
from tasks.records import Reader
from tasks.round.context import Context
from templates import words_for
from workers.cli.asked import Who, find
from workers.cli.say import Json, json_page, listing, note, out
from workers.cli.state import opened

ENGLISH = words_for("en")
ALL_MOST = 500  # versions that are listed at once

Name = Annotated[str, typer.Argument(help="The profile's name.")]
Number = Annotated[int | None, typer.Argument(min=1, help="A version's number.")]


def list_(
    who: Who,
    name: Name,
    since: Annotated[
        int | None, typer.Option(min=1, help="Tell what has changed since this version, instead.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the versions of a profile, the newest first, and what each changed."""
    with opened() as context:
        reader = find(context, who)
        if since is not None:
            _tell_changes(context, reader, name, since, as_json=as_json)
            return
        found = versions.history(context, reader.id, name, most=ALL_MOST)
    rows = [_row(one, as_json=as_json) for one in found]
    listing(f"Versions of {name}", rows, as_json=as_json, empty="no versions")


def _tell_changes(
    context: Context, reader: Reader, name: str, since: int, *, as_json: bool
) -> None:
    profile = interests.find(context, reader.id, name)
    changed = difference(versions.body_of(context, reader.id, name, since), profile.body)
    if as_json:
        json_page(changed)
        return
    for line in told(changed, ENGLISH, most=20) if changed else ["Nothing has changed since."]:
        out.print(escape(line))


def _row(one: Version, *, as_json: bool) -> dict[str, object]:
    if as_json:
        return asdict(one)
    return {
        "version": one.number,
        "saved": one.created_at,
        "name": one.label,
        "in force": "yes" if one.in_force else "",
        "what it changed": "; ".join(told(one.change, ENGLISH)) if one.change is not None else "",
    }


def restore(
    who: Who,
    name: Annotated[str, typer.Argument(help="The profile's name; a removed one comes back.")],
    version: Number = None,
) -> None:
    """Go back to a version of a profile, or undo its last change; the newest version is kept too."""
    with opened() as context:
        reader = find(context, who)
        known = {one.name for one in interests.list_profiles(context, reader.id)}
        if version is None and name not in known:
            called = versions.bring_back(context, reader.id, name)
            note(f"{called} of {reader.email} is back")
        else:
            _go_back(context, reader, name, version)


def _go_back(context: Context, reader: Reader, name: str, version: int | None) -> None:
    profile = interests.find(context, reader.id, name)
    if version is None:
        number = versions.undo(context, reader.id, profile.id, expected=profile.version)
        note(f"undone: {name} of {reader.email} is at version {number}")
    else:
        expected = profile.version
        number = versions.restore(context, reader.id, profile.id, version, expected=expected)
        note(f"version {version} is in force again: {name} is at version {number}")


def label(
    who: Who,
    name: Name,
    version: Annotated[int, typer.Argument(min=1, help="A version's number.")],
    words: Annotated[str, typer.Argument(help="What to call it; empty for no name.")],
) -> None:
    """Give a version of a profile a name, that it may be found again."""
    with opened() as context:
        versions.name(context, find(context, who).id, name, version, words)
    note(f"version {version} of {name} is called {words!r}" if words else "it has no name")
