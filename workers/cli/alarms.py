"""What wants an admin now, seen live: exit 1 if anything does."""

from __future__ import annotations

import typer

from tasks.office.alarms import alarms as look_for
from tasks.office.alarms import title
from tasks.office.picture import look
from workers.cli.say import Exit, Json, json_page, note, out
from workers.cli.state import opened


def alarms(as_json: Json = False) -> None:
    """Say what wants an admin now and what to do about it; ends with 1 if anything does.

    It only looks: nobody is told, and what was raised before stays as it is.
    """
    with opened() as context:
        found = look_for(look(context), context.clock())
    if as_json:
        json_page(
            [
                {"key": one.key, "kind": one.kind, "words": one.whole, "remedy": one.remedy}
                for one in found
            ]
        )
    for one in () if as_json else found:
        out.print(f"[bold red]{title(one.kind)}[/]")
        out.print(f"  {one.whole}", markup=False)
        out.print(f"  → {one.remedy}", markup=False)
    if not found:
        note("all is well")
    raise typer.Exit(Exit.FAILED if found else Exit.FINE)
