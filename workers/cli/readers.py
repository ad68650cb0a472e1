"""Readers: subscribing, settings, pauses, their data, and an end to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasks.desk import erasing, helping, moving, preferring, subscribing
from tasks.desk.addresses import read_address
from tasks.desk.limits import net_of
from tasks.errors import UsageError
from tasks.hours import next_due, zone
from tasks.office import readers as office
from tasks.records import Reader
from tasks.round.context import utc_now
from tasks.store import profiles, readers
from workers.cli.admins import BY
from workers.cli.asked import Who, find, read_days, read_profile
from workers.cli.say import Json, json_page, listing, note, out
from workers.cli.state import opened, read_day

app = typer.Typer(help="Who gets digests.", no_args_is_help=True)

Zone = Annotated[str, typer.Option("--timezone", "--tz", help="Like Europe/Rome.")]
Hour = Annotated[int, typer.Option(min=0, max=23, help="The hour of delivery, there.")]
Days = Annotated[str, typer.Option(help="Weekdays, 1 is Monday: 12345 for workdays.")]
About = Annotated[
    float, typer.Option(min=0, max=50, help="How many picks a day there should be, about.")
]
Most = Annotated[int, typer.Option(min=1, max=50, help="Papers in a digest, at most.")]
Threshold = Annotated[
    float, typer.Option(min=0, max=1, help="The least score of a pick, however few there are.")
]
Explore = Annotated[bool, typer.Option(help="Allow one labelled pick to learn from.")]
Language = Annotated[str, typer.Option(help="Of the mails and pages: en or de.")]


@app.command()
def add(
    email: Annotated[str, typer.Argument(help="Where the digests go.")],
    name: Annotated[str, typer.Option(help="What to call the reader.")] = "",
    timezone: Zone = "UTC",
    hour: Hour = 7,
    days: Days = "1234567",
    about: About = 5.0,
    most: Most = 10,
    threshold: Threshold = 0.02,
    explore: Explore = True,
    text_only: Annotated[
        bool, typer.Option("--text-only", help="Plain text without HTML.")
    ] = False,
    profile: Annotated[
        list[Path] | None, typer.Option(help="A profile as JSON; may be given again.", exists=True)
    ] = None,
) -> None:
    """Add a reader, with or without profiles; no mail asks whether they want it."""
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


@app.command()
def subscribe(
    email: Annotated[str, typer.Argument(help="Where the digests would go.")],
    timezone: Zone = "UTC",
    language: Language = "en",
) -> None:
    """Mail somebody the link that confirms their address, as the page does."""
    zone(timezone)
    with opened() as context:
        subscribing.subscribe(context, email, net=net_of(None), zone=timezone, language=language)
    note("a mail goes there with the next round, if one may")


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


@app.command(name="set")
def set_(
    who: Who,
    name: Annotated[str | None, typer.Option(help="What to call the reader.")] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", "--tz", help="Like Europe/Rome.")
    ] = None,
    hour: Annotated[int | None, typer.Option(help="The hour of delivery, there.")] = None,
    days: Annotated[str | None, typer.Option(help="Weekdays, 1 is Monday.")] = None,
    language: Annotated[str | None, typer.Option(help="en or de.")] = None,
    about: Annotated[float | None, typer.Option(help="Picks a day, about.")] = None,
    most: Annotated[int | None, typer.Option(help="Papers in a digest, at most.")] = None,
    threshold: Annotated[float | None, typer.Option(help="The least score of a pick.")] = None,
    length: Annotated[str | None, typer.Option(help="short, normal or long.")] = None,
    explore: Annotated[
        bool | None, typer.Option(help="Allow one labelled pick to learn from.")
    ] = None,
    text_only: Annotated[
        bool | None, typer.Option("--text-only/--html", help="Plain text without HTML.")
    ] = None,
) -> None:
    """Change a reader's settings; what is not named stays."""
    said = {
        "name": name,
        "timezone": timezone,
        "hour": hour,
        "days": None if days is None else read_days(days),
        "language": language,
        "about": about,
        "most": most,
        "threshold": threshold,
        "length": length,
        "explore": explore,
        "text_only": text_only,
    }
    changes = {part: value for part, value in said.items() if value is not None}
    if not changes:
        raise UsageError("nothing was to be changed: see `paperround readers set --help`")
    with opened() as context:
        reader = preferring.prefer(context, find(context, who).id, **changes)
    note(f"{reader.email}: {', '.join(changes)} changed")


@app.command()
def pause(
    who: Who,
    until: Annotated[str | None, typer.Option(help="The day of return, like 2026-12-01.")] = None,
) -> None:
    """Send a reader nothing for a while."""
    day = read_day(until)
    with opened() as context:
        reader = office.pause(context, BY, find(context, who).id, day)
    note(f"{reader.email} pauses until {day or '`paperround readers resume`'}")


@app.command()
def resume(who: Who) -> None:
    """Send a reader digests again, after a pause or after they left."""
    with opened() as context:
        reader = office.resume(context, BY, find(context, who).id)
    note(f"{reader.email} gets digests again")


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="A part of an address or name, or a number.")],
    state: Annotated[str, typer.Option(help="pending, active, paused or unsubscribed alone.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many.")] = 50,
    after: Annotated[int, typer.Option(min=0, help="After the reader of that number.")] = 0,
    as_json: Json = False,
) -> None:
    """Find readers by a part of their address or name."""
    with opened() as context:
        found = office.search(context, text, limit, state=state, after=after)
    rows = [
        {
            "id": row.reader.id,
            "email": row.reader.email,
            "name": row.reader.name,
            "state": row.reader.state,
            "since": row.created_at,
        }
        for row in found
    ]
    listing("Readers", rows, as_json=as_json, empty="nobody fits that")


@app.command()
def resend(who: Who) -> None:
    """Mail a reader the link again that confirms their address."""
    with opened() as context:
        reader = find(context, who)
        office.resend(context, BY, reader.id)
    note(f"{reader.email}: the confirmation goes out with the next round")


@app.command()
def suppress(
    address: Annotated[str, typer.Argument(help="Where nothing may go any more.")],
) -> None:
    """Never mail this address again, whoever asks; a reader of it is unsubscribed."""
    with opened() as context:
        done = office.suppress_address(context, BY, address)
    whose = f"reader {done.reader_id}" if done.reader_id else "no reader"
    note(f"suppressed: the address of {whose}; {done.stopped} waiting mails were stopped")


@app.command()
def unsuppress(
    address: Annotated[str, typer.Argument(help="Where mail may go again.")],
) -> None:
    """Let mail go to this address again, once its reader subscribes or is resumed."""
    with opened() as context:
        lifted = office.lift_address(context, BY, address)
    note("mail may go there again" if lifted else "that address was not suppressed")


@app.command(name="sign-in")
def sign_in(who: Who) -> None:
    """Print a link that signs in as a reader, to hand to them: it works once, for half an hour."""
    with opened() as context:
        reader = find(context, who)
        link = helping.way_in(context, reader)
    out.print(link.url, soft_wrap=True, markup=False)
    note(f"for {reader.email} alone, until {link.until:%H:%M} UTC; links mailed before are void")


@app.command(name="export")
def export(who: Who) -> None:
    """Print all that is a reader's, as JSON."""
    with opened() as context:
        json_page(moving.export(context, find(context, who).id))


@app.command(name="import")
def import_(
    who: Who,
    file: Annotated[
        Path,
        typer.Argument(
            help="What `export` printed, packed by gzip or not.", exists=True, dir_okay=False
        ),
    ],
    as_json: Json = False,
) -> None:
    """Put exported data into a reader's account: all of it, or nothing where it is wrong."""
    body = moving.unpack(file.read_bytes())
    with opened() as context:
        brought = moving.bring_back(context, find(context, who).id, body)
    if as_json:
        json_page({"counts": dict(brought.counts), "unknown": brought.unknown})
        return
    note(", ".join(f"{number} {kind}" for kind, number in brought.counts.items()) + " came back")
    for title in brought.unknown:
        note(f"not known here: {title}")


@app.command()
def remove(
    who: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    suppress: Annotated[
        bool, typer.Option("--suppress", help="Keep a hash, so that this address gets no mail.")
    ] = False,
) -> None:
    """Delete a reader and everything that is theirs."""
    with opened() as context:
        reader = find(context, who)
        if not yes:
            typer.confirm(
                f"Delete {reader.email} with all profiles and digests?", abort=True, err=True
            )
        erased = erasing.erase(context, reader.id, suppress=suppress)
    note(f"removed {reader.email}. {erased.kept}")
