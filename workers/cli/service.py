"""Running the service, and asking what is wrong with it."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Annotated

import typer

from tasks.settings import load
from workers import doctor as examiner
from workers.celery import LOG_FORMAT
from workers.cli.say import Exit, Json, err, json_page, note
from workers.cli.state import make_home
from workers.embedded import Supervisor


class Role(StrEnum):
    """What this machine does."""

    ALL = "all"
    WEB = "web"
    WORKER = "worker"
    BEAT = "beat"


ROLES = {
    Role.ALL: {"broker", "worker", "beat", "web"},
    Role.WEB: {"web"},
    Role.WORKER: {"worker"},
    Role.BEAT: {"beat"},
}


def up(
    role: Annotated[Role, typer.Option(help="What to run; all of it on one machine.")] = Role.ALL,
) -> None:
    """Run the service until it is stopped: broker, worker, beat and web page, each started again if it dies."""
    settings = load()
    make_home(settings)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # its lines are about itself
    note("starting; stop with Ctrl-C")
    raise typer.Exit(Supervisor(settings, roles=ROLES[role]).run())


def doctor(as_json: Json = False) -> None:
    """Say what is wrong and what to do about it."""
    findings = examiner.examine(load())
    if as_json:
        json_page(findings)
    else:
        for found in findings:
            mark = "[green]fine[/] " if found.ok else "[bold red]wrong[/]"
            err.print(f"{mark} [bold]{found.name}[/]: ", end="")
            err.print(found.says, markup=False)
            if not found.ok:
                err.print(f"      → {found.way_out}", markup=False)
    raise typer.Exit(Exit.FINE if all(found.ok for found in findings) else Exit.FAILED)
