"""The settings in force."""

from __future__ import annotations

from dataclasses import asdict

from tasks.office.settings import in_force
from workers.cli.say import Json, json_page, table
from workers.cli.state import opened


def settings(as_json: Json = False) -> None:
    """Show every setting in force and where it comes from; secrets as stars."""
    with opened() as context:
        found = in_force(context)
    if as_json:
        json_page([asdict(one) for one in found])
        return
    rows = [(one.variable, one.value or "not set", one.whence, one.meaning.words) for one in found]
    table("Settings in force", ("setting", "value", "from", "what it is"), rows)
