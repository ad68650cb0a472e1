"""Sources: add, list, pause, resume, remove, check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tasks.errors import PageError, UsageError
from tasks.fetch.source import fetch as fetch_source
from tasks.records import SourceKind
from tasks.round.context import utc_now
from tasks.store import sources as store
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
    if kind is not SourceKind.HF and not address:
        raise UsageError(f"a source of kind {kind} needs an address")
    if kind is SourceKind.FOLDER:
        path = Path(address).expanduser().resolve()
        if not path.exists():
            raise UsageError(f"{path}: there is no such file or folder")
        address = str(path)
    chosen = name or f"{kind}-{Path(address).name}".strip("-").lower()
    with opened() as context, context.database.write() as session:
        store.add(session, kind=kind, name=chosen, address=address, now=utc_now())
    note(f"added {chosen}; try it with `paperround sources check {chosen}`")


@app.command(name="list")
def list_(as_json: Json = False) -> None:
    """List the sources and how they fare."""
    with opened() as context, context.database.read() as session:
        rows = store.rows(session)
    empty = "no sources yet: `paperround sources add hf` takes the daily papers"
    listing("Sources", rows, as_json=as_json, empty=empty)


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
    """Remove a source. What it brought stays."""
    _set(name, "removed")


def _set(name: str, state: str) -> None:
    with opened() as context, context.database.write() as session:
        store.set_state(session, name, state)
    note(f"{name} is {state}")


@app.command()
def check(name: Name, as_json: Json = False) -> None:
    """Fetch a source now and read its pages, keeping nothing."""
    with opened() as context:
        with context.database.read() as session:
            source = store.find(session, name)
        with context.http() as http:
            found = fetch_source(source, at=utc_now(), since=None, http=http)
        rows: list[dict[str, object]] = []
        for page in found.pages:
            try:
                parsed = context.parser.parse(page)
            except PageError as error:
                rows.append({"page": page.url, "error": f"{error.reason}: {error}"})
                continue
            first = parsed.entries[0].title if parsed.entries else None
            count = len(parsed.entries)
            rows.append({"page": page.url, "shape": parsed.shape, "entries": count, "first": first})
    failed = any("error" in row for row in rows)
    if as_json:
        json_page({"source": name, "pages": rows, "notes": found.notes})
    else:
        shown = [
            (r["page"], r.get("shape"), r.get("entries"), r.get("first") or r.get("error"))
            for r in rows
        ]
        table(f"{name}: {len(rows)} pages", ("page", "shape", "entries", "first title"), shown)
        for words in found.notes:
            note(words)
    raise typer.Exit(Exit.PARTLY if failed else Exit.FINE)
