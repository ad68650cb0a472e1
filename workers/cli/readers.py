"""Readers and their profiles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from email_validator import EmailNotValidError, validate_email

from tasks.errors import UsageError
from tasks.hours import next_due, zone
from tasks.profile_json import from_json, to_json
from tasks.records import Reader
from tasks.round.context import utc_now
from tasks.store import profiles, readers
from workers.cli.say import Json, json_page, listing, note
from workers.cli.state import opened

app = typer.Typer(help="Who gets digests.", no_args_is_help=True)
profiles_app = typer.Typer(help="What a reader is interested in.", no_args_is_help=True)

Who = Annotated[str, typer.Argument(help="The reader's address or number.")]
ProfileFile = Annotated[
    Path, typer.Argument(help="A profile as JSON.", exists=True, dir_okay=False)
]


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="Where the digests go.")],
    name: Annotated[str, typer.Option(help="What to call the reader.")] = "",
    timezone: Annotated[str, typer.Option("--timezone", "--tz", help="Like Europe/Rome.")] = "UTC",
    hour: Annotated[int, typer.Option(min=0, max=23, help="The hour of delivery, there.")] = 7,
    days: Annotated[
        str, typer.Option(help="Weekdays, 1 is Monday: 12345 for workdays.")
    ] = "1234567",
    about: Annotated[
        float, typer.Option(min=0, max=50, help="How many picks a day there should be, about.")
    ] = 5.0,
    most: Annotated[int, typer.Option(min=1, max=50, help="Papers in a digest, at most.")] = 10,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="The least score of a pick, however few there are.")
    ] = 0.02,
    explore: Annotated[bool, typer.Option(help="Allow one labelled pick to learn from.")] = True,
    text_only: Annotated[
        bool, typer.Option("--text-only", help="Plain text without HTML.")
    ] = False,
    profile: Annotated[
        list[Path] | None, typer.Option(help="A profile as JSON; may be given again.", exists=True)
    ] = None,
) -> None:
    """Add a reader, with or without profiles."""
    reader = Reader(
        id=0,
        email=read_address(email),
        name=name,
        timezone=zone(timezone).key,
        days=read_days(days),
        hour=hour,
        about=about,
        most=most,
        threshold=threshold,
        explore=explore,
        text_only=text_only,
    )
    bodies = [read_profile(path) for path in profile or ()]
    now = utc_now()
    with opened() as context, context.database.write() as session:
        key = readers.add(session, reader, next_digest_at=next_due(reader, now), now=now)
        for label, body in bodies:
            profiles.save(session, key, label, body, now)
    note(f"added {reader.email} as reader {key}, with {len(bodies)} profiles")


@app.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the readers."""
    with opened() as context, context.database.read() as session:
        rows = readers.rows(session)
    listing(
        "Readers", rows, as_json=as_json, empty="no readers yet: `paperround readers add ADDRESS`"
    )


@app.command()
def show(who: Who, as_json: Json = False) -> None:
    """Show one reader with their profiles."""
    with opened() as context, context.database.read() as session:
        reader = readers.find(session, who)
        row = next(row for row in readers.rows(session) if row["id"] == reader.id)
        row["profiles"] = profiles.rows(session, reader.id)
    if as_json:
        json_page(row)
    else:
        listing(
            reader.email, [{"": k, "value": v} for k, v in row.items()], as_json=False, empty=""
        )


@app.command()
def remove(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a reader and everything that is theirs."""
    with opened() as context:
        with context.database.read() as session:
            reader = readers.find(session, who)
        if not yes:
            typer.confirm(
                f"Delete {reader.email} with all profiles and digests?", abort=True, err=True
            )
        with context.database.write() as session:
            readers.remove(session, who)
    note(f"removed {reader.email}")


@profiles_app.command(name="list")
def list_profiles(who: Who, as_json: Json = False) -> None:
    """List a reader's profiles."""
    with opened() as context, context.database.read() as session:
        rows = profiles.rows(session, readers.find(session, who).id)
    shown = (
        rows
        if as_json
        else [
            {k: r.get(k, "") for k in ("name", "version", "terms", "phrases", "authors")}
            for r in rows
        ]
    )
    empty = f"no profiles: `paperround profiles save {who} FILE.json`"
    listing("Profiles", shown, as_json=as_json, empty=empty)


@profiles_app.command(name="show")
def show_profile(
    who: Who,
    name: Annotated[str, typer.Argument(help="The profile's name.")],
    as_json: Json = True,
) -> None:
    """Print one profile as JSON, ready to edit and save again."""
    del as_json  # it is JSON either way; scripts that say so are understood
    with opened() as context, context.database.read() as session:
        _, body = profiles.get(session, readers.find(session, who).id, name)
    json_page({"name": name} | body)


@profiles_app.command()
def save(
    who: Who,
    file: ProfileFile,
    name: Annotated[str, typer.Option(help="Its name (default: the file's own).")] = "",
) -> None:
    """Save a profile from JSON: a new one, or a new version of the one with that name."""
    label, body = read_profile(file)
    with opened() as context, context.database.write() as session:
        reader = readers.find(session, who)
        version = profiles.save(session, reader.id, name or label, body, utc_now())
    note(f"saved {name or label} of {reader.email} as version {version}")


@profiles_app.command(name="remove")
def remove_profile(
    who: Who, name: Annotated[str, typer.Argument(help="The profile's name.")]
) -> None:
    """Delete a profile."""
    with opened() as context, context.database.write() as session:
        profiles.remove(session, readers.find(session, who).id, name)
    note(f"removed {name}")


def read_profile(path: Path) -> tuple[str, dict[str, Any]]:
    """A profile's name and its JSON, checked. Raises `UsageError` naming the file."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        profile = from_json(body)
    except (ValueError, OSError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    return profile.name or path.stem, to_json(profile)


def read_address(text: str) -> str:
    """An address in its one canonical form. Raises `UsageError`."""
    try:
        found = validate_email(
            text, check_deliverability=False, test_environment=True, allow_smtputf8=False
        )
    except EmailNotValidError as error:
        raise UsageError(f"{text!r} is no mail address: {error}") from None
    return f"{found.local_part}@{found.ascii_domain}".lower()


def read_days(text: str) -> tuple[int, ...]:
    """Weekdays from digits. Raises `UsageError`."""
    days = tuple(sorted({int(digit) for digit in text if digit in "1234567"}))
    if not days or any(digit not in "1234567" for digit in text):
        raise UsageError(f"{text!r} are no weekdays: use digits from 1 (Monday) to 7 (Sunday)")
    return days
