"""Dead letters: what was given up, tried again or dropped, one by one or many at once."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from tasks.errors import UsageError
from tasks.office import dead
from tasks.office.many import Done
from tasks.store.dead import Wanted
from workers.cli.admins import BY
from workers.cli.say import Exit, Json, json_page, listing, note
from workers.cli.state import opened

app = typer.Typer(help="Work that was given up, and a way back.", no_args_is_help=True)

Kind = Annotated[
    str, typer.Option(help="page, digest, delivery, shard, source or item (of a backlog run).")
]
Words = Annotated[str, typer.Option("--error", help="Whose error contains these words.")]
Days = Annotated[int, typer.Option("--days", min=0, max=3650, help="Older than so many days.")]
Which = Annotated[
    str, typer.Argument(help='One of them, like "page 12"; without it, all that are chosen.')
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command(name="list")
def list_(
    kind: Kind = "",
    error: Words = "",
    days: Days = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many.")] = 50,
    as_json: Json = False,
) -> None:
    """List dead letters, kind by kind."""
    wanted = dead.sound(kind, error, timedelta(days=days))
    with opened() as context:
        found = dead.listed(context, wanted, limit)
        counts = dead.counts(context, wanted)
    if as_json:
        json_page({"counts": counts, "items": [asdict(one) for one in found]})
        return
    rows = [
        {
            "which": f"{one.kind} {one.id}",
            "state": one.state,
            "since": one.since,
            "error": one.error,
            "about": ", ".join(f"{n}: {v}" for n, v in one.payload.items() if v not in (None, "")),
            "to": one.recipient,
        }
        for one in found
    ]
    listing("Dead letters", rows, as_json=False, empty="nothing was given up")


@app.command()
def retry(
    which: Which = "", kind: Kind = "", error: Words = "", days: Days = 0, yes: Yes = False
) -> None:
    """Try one again, or all that are chosen; what must not be tried again is told with its reason."""
    _act("retry", which, dead.sound(kind, error, timedelta(days=days)), yes)


@app.command()
def drop(
    which: Which = "", kind: Kind = "", error: Words = "", days: Days = 0, yes: Yes = False
) -> None:
    """Give one up for good, or all that are chosen; their rows stay, as dropped."""
    _act("drop", which, dead.sound(kind, error, timedelta(days=days)), yes)


def _act(do: str, which: str, wanted: Wanted, yes: bool) -> None:
    if which:
        _one(do, which, wanted)
        return
    with opened() as context:
        many = dead.many(context, wanted)
        counts = dead.counts(context, wanted)
        if not many.number:
            note("there are none")
            return
        said = ", ".join(f"{number} × {kind}" for kind, number in counts.items())
        if not yes:
            typer.confirm(
                f"{do.title()} {many.number} dead letters ({said})?", abort=True, err=True
            )
        act = dead.retry_all if do == "retry" else dead.drop_all
        done = act(context, BY, wanted, many.mark)
    _told(do, done)


def _one(do: str, which: str, wanted: Wanted) -> None:
    kind, _, number = which.replace("/", " ").partition(" ")
    if wanted != Wanted() or not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise UsageError('name one, like "page 12", or choose many by --kind, --error and --days')
    with opened() as context:
        if do == "retry":
            dead.retry(context, BY, kind, int(number))
        else:
            dead.drop(context, BY, kind, int(number))
    note(f"{kind} {number}: {'tried again' if do == 'retry' else 'dropped'}")


def _told(do: str, done: Done) -> None:
    note(f"{done.done} {'tried again' if do == 'retry' else 'dropped'}")
    for reason, number in done.refused.most_common():
        note(f"{number} not: {reason}")
    raise typer.Exit(Exit.PARTLY if done.left else Exit.FINE)
