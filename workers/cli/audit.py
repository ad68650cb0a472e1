"""The audit: who did what."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from tasks.store import audit as rows
from workers.cli.say import Json, listing
from workers.cli.state import opened


def audit(
    who: Annotated[str, typer.Option(help="Done by that name alone.")] = "",
    action: Annotated[str, typer.Option(help='Of that alone, like "role changed".')] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many, the newest.")] = 50,
    before: Annotated[
        int | None, typer.Option(min=1, max=2**63 - 1, help="Older than that number.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List who did what, the newest first."""
    with opened() as context, context.database.read() as session:
        found = [
            asdict(act) for act in rows.rows(session, limit, before=before, who=who, action=action)
        ]
    if not as_json:
        for row in found:
            row["detail"] = json.dumps(row["detail"], ensure_ascii=False) if row["detail"] else ""
    listing("Audit", found, as_json=as_json, empty="nothing was done yet")
