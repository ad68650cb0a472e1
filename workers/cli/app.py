"""All commands in one place, and the way from an error to an exit code."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from tasks import redact
from tasks.errors import PaperroundError
from workers.cli import (
    admins,
    advice,
    alarms,
    audit,
    backup,
    dead,
    deliveries,
    encoder,
    evaluate,
    feedback,
    kept,
    keys,
    mails,
    pages,
    papers,
    profiles,
    readers,
    reprocess,
    rounds,
    runs,
    scores,
    service,
    settings,
    sources,
    trials,
    tuning,
    versions,
    why,
)
from workers.cli.say import Exit, exit_code, out, problem

app = typer.Typer(
    name="paperround",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    sources,
    papers,
    readers,
    profiles,
    feedback,
    keys,
    encoder,
    admins,
    dead,
    deliveries,
    runs,
):
    app.add_typer(group.app, name=group.__name__.rpartition(".")[2])
app.add_typer(kept.app, name="pages")
profiles.app.command(name="versions")(versions.list_)
profiles.app.command()(versions.restore)
profiles.app.command()(versions.label)
profiles.app.command()(tuning.preview)
profiles.app.command()(tuning.backtest)
profiles.app.command()(advice.lint)
profiles.app.command()(advice.suggest)
profiles.app.command()(why.why)
profiles.app.add_typer(trials.app, name="shadow")
for command in (
    rounds.demo,
    service.up,
    service.doctor,
    rounds.round_,
    rounds.run_once,
    reprocess.reprocess,
    pages.parse,
    pages.ingest,
    scores.score,
    evaluate.evaluate,
    mails.mail,
    audit.audit,
    alarms.alarms,
    settings.settings,
    backup.backup,
    backup.restore,
    service.alive,
):
    app.command(name=command.__name__.rstrip("_").replace("_", "-"))(command)


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
