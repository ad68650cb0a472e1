"""Keys: what a reader's programs show to the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tasks.desk import visiting
from workers.cli.asked import Who, find
from workers.cli.say import Json, listing, note, out
from workers.cli.state import opened

app = typer.Typer(help="What readers' programs show to the API.", no_args_is_help=True)


@app.command()
def make(who: Who, name: Annotated[str, typer.Argument(help="What to know it by.")]) -> None:
    """Make a key for a reader, and print it: nobody can see it again."""
    with opened() as context:
        reader = find(context, who)
        key, secret = visiting.make_key(context, reader.id, name)
    out.print(secret, soft_wrap=True, markup=False)
    note(f"key {key.id} of {reader.email}: keep it now, it is not shown again")


@app.command(name="list")
def list_(who: Who, as_json: Json = False) -> None:
    """List a reader's keys; their secrets nobody knows."""
    with opened() as context:
        found = visiting.list_keys(context, find(context, who).id)
    rows = [asdict(key) for key in found]
    empty = f"no keys: `paperround keys make {who} NAME`"
    listing("Keys", rows, as_json=as_json, empty=empty)


@app.command()
def revoke(
    who: Who, key: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The key's number.")]
) -> None:
    """Make a key void at once."""
    with opened() as context:
        visiting.revoke_key(context, find(context, who).id, key)
    note(f"key {key} opens nothing any more")
