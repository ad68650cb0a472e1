"""The state that a command works on: settings, a migrated database, a context."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from tasks.errors import SettingsError, UsageError
from tasks.round.context import Context, open_context
from tasks.settings import Settings, current
from tasks.store import migrate


@contextmanager
def opened() -> Iterator[Context]:
    """The context of this command, on a database with all its tables."""
    settings = current()
    make_home(settings)
    context = open_context(settings)
    try:
        migrate.upgrade(context.database)
        yield context
    finally:
        context.close()


def make_home(settings: Settings) -> None:
    """The folder of all state, open to its owner alone."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(
            f"PAPERROUND_HOME: {settings.home}: {reason}. Name a folder that you may write to"
        ) from None


def read_moment(text: str | None) -> datetime | None:
    """A moment given by the user, UTC unless it names its zone. Raises `UsageError`."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no moment: use a form like 2026-11-22T07:00") from None
    _within_reason(moment.year, text)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def read_day(text: str | None) -> date | None:
    """A day given by the user. Raises `UsageError`."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day: use a form like 2026-11-22") from None
    _within_reason(day.year, text)
    return day


def _within_reason(year: int, text: str) -> None:
    if not 1990 < year < 2200:
        raise UsageError(f"{text!r} is too far away: no papers were, or will be, delivered then")
