"""What a reader may set for themselves, and when their next digest is due after that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from tasks.errors import Conflict, UnknownName, UsageError
from tasks.hours import is_zone, next_due
from tasks.records import Reader
from tasks.render.text import clean
from tasks.round.context import Context
from tasks.store import readers
from templates import LANGUAGES, msgid

NAME_MOST = 80  # characters
LENGTHS = ("short", "normal", "long")
PICKS_MOST = 50  # in one mail, and a day on average
SCHEDULE = ("days", "hour", "timezone")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(clean(value)) <= NAME_MOST


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_known_zone(value: object) -> bool:
    return isinstance(value, str) and len(value) <= NAME_MOST and is_zone(value)


def _is_days(value: object) -> bool:
    return (
        isinstance(value, tuple | list)
        and bool(value)
        and all(_is_whole(day, 1, 7) for day in value)
    )


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and _is_number(value, least, most)


def _is_number(value: object, least: float, most: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value <= most  # what is no number (NaN) is in no range


# What each preference may be, and what to say of anything else, in a sentence that stands alone.
RULES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "name": (_is_text, msgid("A name has 80 characters at most.")),
    "timezone": (_is_known_zone, msgid("There is no such time zone: use a name like Europe/Rome.")),
    "days": (_is_days, msgid("Choose at least one day of the week.")),
    "hour": (lambda value: _is_whole(value, 0, 23), msgid("The hour is a number from 0 to 23.")),
    "language": (lambda value: value in [*LANGUAGES], msgid("We do not speak that language yet.")),
    "about": (
        lambda value: _is_number(value, 0, PICKS_MOST),
        msgid("How many papers a day is a number from 0 to 50."),
    ),
    "most": (
        lambda value: _is_whole(value, 1, PICKS_MOST),
        msgid("How many papers in one mail is a whole number from 1 to 50."),
    ),
    "threshold": (
        lambda value: _is_number(value, 0, 1),
        msgid("The least score is a number from 0 to 1."),
    ),
    "length": (lambda value: value in LENGTHS, msgid("The length is short, normal or long.")),
    "explore": (_is_flag, msgid("This is switched on or off.")),
    "text_only": (_is_flag, msgid("This is switched on or off.")),
}


def faults(changes: Mapping[str, object]) -> dict[str, str]:
    """What is wrong with the values of some preferences, each in an English sentence of the catalogs.

    Raises `UsageError` for what is no preference.
    """
    unknown = sorted(set(changes) - set(RULES))
    if unknown:
        raise UsageError(
            f"there is no preference {', '.join(unknown)} (there is {', '.join(RULES)})"
        )
    return {name: RULES[name][1] for name, value in changes.items() if not RULES[name][0](value)}


def prefer(context: Context, reader_id: int, **changes: object) -> Reader:
    """Set some of a reader's preferences (the names of `RULES`), and when they are looked at next.

    `days` are ISO weekdays in any order. A digest that is due already still comes, at the new settings.
    Raises `UsageError` naming all that is wrong, and `UnknownName` when the reader is gone.
    """
    return _set(context, reader_id, changes)


def prefer_as_seen(context: Context, seen: Reader, **changes: object) -> Reader:
    """The same, unless the reader is not as `seen` any more: then it raises `Conflict`."""
    return _set(context, seen.id, changes, seen)


def _set(
    context: Context, reader_id: int, changes: Mapping[str, object], seen: Reader | None = None
) -> Reader:
    wrong = faults(changes)
    if wrong:
        raise UsageError(" ".join(f"{name}: {said}" for name, said in wrong.items()))
    with context.database.write() as session:
        readers.lock(session, reader_id)
        before = readers.seek(session, reader_id)
        if before is None:
            raise UnknownName("this reader is gone: subscribe to begin anew")
        if seen is not None and seen != before:
            raise Conflict("the preferences were changed meanwhile: look at them again")
        return change(
            session, before, {n: _kept(n, v) for n, v in changes.items()}, context.clock()
        )


def change(session: Session, before: Reader, values: Mapping[str, Any], now: datetime) -> Reader:
    """Set columns of a reader that were checked, and when they are looked at next; the reader then."""
    if values:
        readers.change(session, before.id, **values)
    after = readers.get(session, before.id)
    if any(getattr(before, name) != getattr(after, name) for name in SCHEDULE):
        _look_anew(session, after, now)
    return after


def _kept(name: str, value: object) -> object:
    if name == "days":
        return "".join(map(str, sorted({*value})))  # type: ignore[misc]  # `faults` saw them
    return clean(value) if isinstance(value, str) else value


def _look_anew(session: Session, reader: Reader, now: datetime) -> None:
    coming = readers.looked_at(session, reader.id)
    if coming is None or coming > now:
        readers.change(session, reader.id, next_digest_at=next_due(reader, now))
