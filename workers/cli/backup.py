"""Everything in one file, and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from tasks.office import backup as backups
from tasks.office.restoring import Restored
from tasks.office.restoring import restore as put_back
from tasks.round.context import open_context
from tasks.settings import current
from workers.cli.say import Json, cell, err, json_page, note
from workers.cli.state import make_home

CHANGED = {
    "unsure": "mails that waited may have gone out since: they are unsure; decide with `paperround "
    "deliveries list --state unsure`",
    "asked": "mails that waited are looked for in the mailbox, and handed over if they are not there",
    "digests": "digests were being made then, and may have gone out since: they are dead letters, which "
    "`paperround dead retry` makes after all",
    "hours": "readers' hours passed since then: they are mailed again from their next hour on",
    "letters": "letters (links to confirm or to sign in) waited: they are not sent, since their links "
    "are void",
    "runs": "backlog runs were under way or waited to begin: they are paused, or plans again",
}
Name = Annotated[
    Path | None,
    typer.Argument(help="A new file, or a folder for one named by the moment (default: here)."),
]


def backup(file: Name = None, as_json: Json = False) -> None:
    """Keep everything in one file, while the service runs: all rows, and the secret that signs links."""
    settings = current()
    with closing(open_context(settings)) as context:
        path = file or Path()
        if path.is_dir():
            path = path / f"paperround-{context.clock():%Y-%m-%dT%H%M%S}.zip"
        with _bar() as told:
            made = backups.make(context, path, told=told)
    if as_json:
        json_page({"file": path, "bytes": path.stat().st_size, **_told(made)})
    else:
        size = path.stat().st_size / 2**20
        note(f"{path}: {made.rows:,} rows of {len(made.tables)} tables, {size:,.1f} MB")
        note(
            "it holds readers' addresses and what signs their links: keep it where nobody else looks"
        )


def restore(
    file: Annotated[Path, typer.Argument(help="What `paperround backup` made.")],
    check: Annotated[
        bool, typer.Option("--check", help="Only look whether it is whole; change nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in place of all that the database holds.")
    ] = False,
    nothing_sent: Annotated[
        bool,
        typer.Option(
            "--nothing-sent-since",
            help="The old service mailed nothing after the backup: go on exactly where it stood.",
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Put a backup into the empty database that the settings name. Nothing stale is mailed by it."""
    settings = current()
    with closing(backups.Backup(file)) as opened:
        made = opened.manifest
        if check:
            with _bar() as told:
                opened.check(told)
            _tell_whole(file, made, as_json=as_json)
            return
        if not yes:
            instead = ", in place of all that is here now" if replace else ""
            typer.confirm(
                f"Restore {made.rows:,} rows as they were at {cell(made.made_at)}{instead}?",
                abort=True,
                err=True,
            )
        make_home(settings)
        with closing(open_context(settings)) as context, _bar() as told:
            done = put_back(context, opened, replace=replace, sent=not nothing_sent, told=told)
    _tell(done, as_json=as_json)


def _tell_whole(file: Path, made: backups.Manifest, *, as_json: bool) -> None:
    if as_json:
        json_page(_told(made))
    else:
        note(f"{file} is whole: {made.rows:,} rows, as they were at {cell(made.made_at)}")


def _tell(done: Restored, *, as_json: bool) -> None:
    if as_json:
        json_page(_told(done.manifest) | {"changed": done.changed, "links_hold": done.links_hold})
        return
    note(f"restored {done.manifest.rows:,} rows as they were at {cell(done.manifest.made_at)}")
    for name, words in CHANGED.items():
        if done.changed.get(name):
            note(f"{done.changed[name]} {words}")
    if not done.links_hold:
        note(
            "the links in mails that were sent are void: another secret signs here. Set PAPERROUND_SECRET "
            "as it was where the backup was made, before the service starts"
        )


def _told(made: backups.Manifest) -> dict[str, Any]:
    """A manifest as scripts read it."""
    rows = {name: kept.rows for name, kept in made.tables.items()}
    plain = {"made_at": made.made_at, "paperround": made.paperround, "migration": made.migration}
    return {"format": made.format, **plain, "database": made.database, "rows": rows}


@contextmanager
def _bar() -> Iterator[backups.Told]:
    """A bar on stderr, where somebody looks at it; what it returns moves it on."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty()) as bars:
        bar = bars.add_task("", total=None)

        def told(what: str, done: int, total: int) -> None:
            bars.update(bar, description=what, completed=done, total=total)

        yield told
