"""All commands in one place, and the way from an error to an exit code."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from tasks import redact
from tasks.errors import PaperroundError
from workers.cli.lazily import lazily
from workers.cli.say import Exit, exit_code, out, problem

COMMANDS = {
    "demo": "rounds:demo",
    "up": "service:up",
    "doctor": "service:doctor",
    "round": "rounds:round_",
    "run-once": "rounds:run_once",
    "reprocess": "reprocess:reprocess",
    "parse": "pages:parse",
    "ingest": "pages:ingest",
    "score": "scores:score",
    "evaluate": "evaluate:evaluate",
    "mail": "mails:mail",
    "audit": "audit:audit",
    "alarms": "alarms:alarms",
    "settings": "settings:settings",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "alive": "service:alive",
    "sources": "sources:app",
    "papers": "papers:app",
    "readers": "readers:app",
    "profiles": "profiles:app",
    "feedback": "feedback:app",
    "keys": "keys:app",
    "encoder": "encoder:app",
    "admins": "admins:app",
    "dead": "dead:app",
    "deliveries": "deliveries:app",
    "runs": "runs:app",
    "pages": "kept:app",
}
app = typer.Typer(
    name="paperround",
    cls=lazily(COMMANDS),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        out.print(f"paperround {version('paperround')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version."),
]


@app.callback()
def root(_: Version = False) -> None:
    """Brings each researcher the few papers of the day that matter to them, by mail, and says why."""


def main() -> None:
    """Run a command; every error ends as a sentence and an exit code, never as a traceback."""
    redact.install()
    try:
        app()
    except PaperroundError as error:
        problem(str(error))
        sys.exit(exit_code(error))
    except DBAPIError as error:
        problem(f"the database does not answer: {error.orig}. Ask `paperround doctor`")
        sys.exit(Exit.LATER)
    except KeyboardInterrupt:
        problem("stopped; what was begun is found again by the next round")
        sys.exit(130)
