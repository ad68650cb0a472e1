"""What was delivered, and a look at it."""

from __future__ import annotations

import tempfile
from email import message_from_bytes, policy
from pathlib import Path
from typing import Annotated, Any

import typer

from tasks.store import deliveries, digests, readers
from workers.cli.say import Json, listing, note
from workers.cli.state import opened


def mail(
    reader: Annotated[
        str | None, typer.Option(help="Only this reader's (address or number).")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Show the newest in the browser.")] = False,
    as_json: Json = False,
) -> None:
    """List the mails that were made, with the state of their delivery."""
    with opened() as context, context.database.read() as session:
        only = None if reader is None else readers.find(session, reader).id
        rows = [row for row in digests.rows(session, reader_id=only) if row["key"]]
        newest = deliveries.by_key(session, rows[-1]["key"]) if rows and open_ else None
    shown = [_shown(row) for row in rows]
    listing("Mails", shown, as_json=as_json, empty="no mails yet: `paperround demo` makes some")
    if newest is not None:
        typer.launch(_page(newest.body).as_uri())


def _shown(row: dict[str, Any]) -> dict[str, object]:
    return {
        "day": row["day"],
        "reader": row["reader"],
        "state": row["delivery"],
        "subject": row["subject"],
        "picks": len(row["picks"]),
        "sent_at": row["sent_at"],
        "key": row["key"],
    }


def _page(body: bytes) -> Path:
    """The mail as a page in a file of its own."""
    message = message_from_bytes(body, policy=policy.default)
    part = message.get_body(preferencelist=("html", "plain"))
    assert part is not None
    suffix = ".html" if part.get_content_type() == "text/html" else ".txt"
    with tempfile.NamedTemporaryFile("w", suffix=suffix, delete=False, encoding="utf-8") as file:
        file.write(part.get_content())
    note(f"the newest mail: {file.name}")
    return Path(file.name)
