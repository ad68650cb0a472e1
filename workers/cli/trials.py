"""Trials of profiles: a version beside the saved one, until the reader's answers tell the better."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from tasks.desk.differences import difference, told
from tasks.desk.tuning import shadow_words, shadows
from tasks.errors import UnknownName
from templates import words_for
from workers.cli.asked import Who, find, read_profile
from workers.cli.plots import ink_for, interval
from workers.cli.say import Json, json_page, note, out
from workers.cli.state import opened
from workers.web.api.tuning_shapes import Trial

ENGLISH = words_for("en")
NAMED_MOST = 10  # things of each list that are named as different
HELP = "Try a version of a profile beside the saved one, in the reader's own digests."

app = typer.Typer(help=HELP, no_args_is_help=True)
Tried = Annotated[
    Path, typer.Argument(help="The version to try, as JSON.", exists=True, dir_okay=False)
]


@app.command()
def start(
    who: Who,
    file: Tried,
    name: Annotated[
        str, typer.Option(help="Beside which profile (default: the file's name).")
    ] = "",
) -> None:
    """Start a trial: from now on both versions draft each digest in turn."""
    called, body = read_profile(file)
    called = name or called
    with opened() as context:
        reader = find(context, who)
        shadows.start(context, reader.id, called, body)
    note(
        f"{file} is on trial beside {called}; `paperround profiles shadow show {who}` tells how it goes"
    )


@app.command()
def show(who: Who, as_json: Json = False) -> None:
    """Tell how the trial stands, and the verdict once there is one."""
    with opened() as context:
        found = shadows.standing(context, find(context, who).id)
    if as_json:
        json_page(Trial.of(found, ENGLISH).model_dump(mode="json") if found else None)
        return
    if found is None:
        raise UnknownName(shadows.NONE)
    changed = difference(found.profile.body, found.body)
    started = f"{found.profile.name}: on trial since {ENGLISH.date(found.started.date())}, with"
    weighed, ink = found.weighed, ink_for(out.encoding)
    lines = [started, *(f"  {line}" for line in told(changed, ENGLISH, NAMED_MOST)), ""]
    lines += shadow_words.told(found, ENGLISH)
    if weighed.decided:
        drawn = interval(weighed.share, weighed.low, weighed.high, ink=ink, width=41)
        lines += ["", f"saved {ink.side}{drawn}{ink.side} on trial"]
    for line in lines:
        out.print(escape(line))


@app.command()
def promote(who: Who) -> None:
    """Save the version on trial as the profile's next one, which ends the trial."""
    with opened() as context:
        reader = find(context, who)
        version = shadows.promote(context, reader.id)
    note(f"what was on trial is version {version} now")


@app.command()
def drop(who: Who) -> None:
    """End the trial; the profile stays as it is saved."""
    with opened() as context:
        shadows.drop(context, find(context, who).id)
    note("the trial is over; the profile stays as it was")
