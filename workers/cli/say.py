"""How the command line speaks: results on stdout, everything else on stderr, one exit code per kind."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tasks.errors import (
    PaperroundError,
    SettingsError,
    SourceError,
    TooMany,
    TransportDown,
    UsageError,
)

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for scripts.")]


class Exit(IntEnum):
    """What a command's end means. Scripts rest on these."""

    FINE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    LATER = 75
    SETTINGS = 78


def exit_code(error: PaperroundError) -> Exit:
    """The exit code of an error that ended a command."""
    match error:
        case SettingsError():
            return Exit.SETTINGS
        case UsageError():
            return Exit.USAGE
        case SourceError() | TransportDown() | TooMany():
            return Exit.LATER
        case _:
            return Exit.FAILED


def json_line(value: object) -> None:
    """One JSON document on one line of stdout."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False) + "\n")


def json_page(value: object) -> None:
    """One JSON document, laid out for reading."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout. Cells are data: markup in them is shown, not obeyed."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for name in columns:
        made.add_column(name, overflow="fold")
    for row in rows:
        made.add_row(*(escape(cell(value)) for value in row))
    out.print(made)


def listing(title: str, rows: Sequence[Mapping[str, object]], *, as_json: bool, empty: str) -> None:
    """Rows as JSON or as a table; when there are none, what to do about it."""
    if as_json:
        json_page(list(rows))
    elif rows:
        table(title, list(rows[0]), [list(row.values()) for row in rows])
    else:
        note(empty)


def cell(value: object) -> str:
    """A value as a person reads it."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def note(words: str) -> None:
    """A remark on stderr."""
    err.print(escape(words))


def problem(words: str) -> None:
    """An error on stderr."""
    err.print(f"[bold red]error[/]: {escape(words)}")


def _plain(value: object) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
