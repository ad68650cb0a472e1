"""What the commands about readers are given: who it is about, weekdays, and files of JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tasks.errors import UsageError
from tasks.profile_json import from_json, to_json
from tasks.records import Reader
from tasks.round.context import Context
from tasks.store import readers

Who = Annotated[str, typer.Argument(help="The reader's address or number.")]


def find(context: Context, who: str) -> Reader:
    """The reader with that address or number. Raises `UnknownName`."""
    with context.database.read() as session:
        return readers.find(session, who)


def read_days(text: str) -> tuple[int, ...]:
    """Weekdays from digits. Raises `UsageError`."""
    days = tuple(sorted({int(digit) for digit in text if digit in "1234567"}))
    if not days or any(digit not in "1234567" for digit in text):
        raise UsageError(f"{text!r} are no weekdays: use digits from 1 (Monday) to 7 (Sunday)")
    return days


def read_json(path: Path) -> Any:
    """What a file holds. Raises `UsageError` naming it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from None


def read_profile(path: Path) -> tuple[str, dict[str, Any]]:
    """A profile's name and its JSON, checked. Raises `UsageError` naming the file."""
    body = read_json(path)
    try:
        profile = from_json(body)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    return profile.name or path.stem, to_json(profile)
