"""Running the service, and asking what is wrong with it."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import typer

from tasks import logs
from tasks.errors import UsageError
from tasks.round.context import Context, open_context
from tasks.settings import load
from tasks.store import health
from tasks.store.copying import file_of
from workers import doctor as examiner
from workers.celery import QUEUES
from workers.cli.say import Exit, Json, cell, err, json_page, note
from workers.cli.state import make_home
from workers.embedded import Supervisor
from workers.embedded.doorbell import web_serves


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


SILENT = timedelta(seconds=100)  # a process notes every half a minute that it lives

Roles = Annotated[
    list[Role] | None,
    typer.Option("--role", help="What to run; may be repeated. All of it on one machine."),
]
Queues = Annotated[
    list[str] | None,
    typer.Option(
        "--queue", help=f"What the worker works on, of {', '.join(QUEUES)}; may be repeated."
    ),
]


def up(role: Roles = None, queue: Queues = None) -> None:
    """Run the service until it is stopped: broker, worker, beat and web page, each started again if it dies."""
    settings = load()
    roles = {name for one in role or [Role.ALL] for name in ROLES[one]}
    if unknown := {*(queue or ())} - {*QUEUES}:
        raise UsageError(f"no queue is called {min(unknown)!r}: there are {', '.join(QUEUES)}")
    if queue and "worker" not in roles:
        raise UsageError("--queue says what a worker works on, and none of these roles is one")
    make_home(settings)
    logs.install(settings.log_format)
    note("starting; stop with Ctrl-C")
    raise typer.Exit(Supervisor(settings, roles=roles, queues=queue or QUEUES).run())


def alive(
    role: Annotated[
        Role, typer.Argument(help="Which one; all of them if none is named.")
    ] = Role.ALL,
) -> None:
    """Say whether this machine's web, worker or beat shows life, for health checks: exit code 0, else 1."""
    settings = load()
    roles, silent = ROLES[role] - {"broker"}, []
    if "web" in roles and not web_serves(settings.host, settings.port):
        silent.append(f"the web does not answer on port {settings.port}")
    with closing(open_context(settings)) as context:
        silent += [words for name in sorted(roles - {"web"}) if (words := _silence(context, name))]
    note("; ".join(silent) or "alive")
    raise typer.Exit(Exit.FAILED if silent else Exit.FINE)


def _silence(context: Context, role: str) -> str:
    """That none of this machine's processes of a role shows life, in words; nothing if one does."""
    here, file = socket.gethostname(), file_of(context.database)
    if file and not file.exists():  # looking would make one
        return f"the {role} has no database at {file}"
    with context.database.read() as session:
        signs = health.pulses(session)
    mine = [at for name, (at, _) in signs.items() if name.startswith(f"{role}:{here}/")]
    if mine and context.clock() - max(mine) <= SILENT:
        return ""
    since = f"since {cell(max(mine))}" if mine else f"on {here}"
    return f"the {role} has shown no life {since}"


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
