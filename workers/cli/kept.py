"""Kept pages: the newest, all about one, and reading one again that was set aside."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tasks.office import pages
from workers.cli.admins import BY
from workers.cli.say import Json, json_page, listing, note, out, table
from workers.cli.state import opened

app = typer.Typer(help="The pages that were fetched, as they are kept.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The page's number.")]


@app.command(name="list")
def list_(
    source: Annotated[str, typer.Option(help="Of that source alone.")] = "",
    state: Annotated[str, typer.Option(help="fetched, parsed, quarantined or dropped alone.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many, the newest.")] = 30,
    before: Annotated[int | None, typer.Option(min=1, help="Older than that page.")] = None,
    as_json: Json = False,
) -> None:
    """List kept pages, the newest first."""
    with opened() as context:
        found = pages.last(context, limit, source=source, state=state, before=before)
    rows = [asdict(row) for row in found]
    listing("Pages", rows, as_json=as_json, empty="there are no such pages")


@app.command()
def show(
    number: Number,
    raw: Annotated[bool, typer.Option("--raw", help="Print the page itself instead.")] = False,
    as_json: Json = False,
) -> None:
    """Show all about one page: its headers, what was found, what was rejected, why it was set aside."""
    with opened() as context:
        found = pages.whole(context, number)
        text = pages.text(context, number) if raw else ""
    if raw:
        out.print(text, soft_wrap=True, markup=False)
        return
    told = asdict(found)
    told |= told.pop("row")
    if as_json:
        json_page(told | {"remedy": pages.remedy(found.row.error)})
        return
    lists = {part: told.pop(part) for part in ("found", "refused", "headers")}
    table(f"Page {number}", ("", "value"), list(told.items()))
    table("Headers", ("name", "value"), list(lists["headers"].items()))
    listing("Entries", list(lists["found"]), as_json=False, empty="no entries were found")
    listing("Rejected", list(lists["refused"]), as_json=False, empty="no item was rejected")
    if remedy := pages.remedy(found.row.error):
        note(remedy)


@app.command(name="parse-again")
def parse_again(number: Number) -> None:
    """Read a page again that was set aside; a running worker does so within seconds."""
    with opened() as context:
        pages.parse_again(context, BY, number)
    note(f"page {number} waits to be read once more")
