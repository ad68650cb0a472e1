"""JSON of strangers, looked into without trusting its shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date


def text(value: object, *path: str) -> str:
    """The text, or the number as text, at the end of the path; empty where there is none."""
    found = _at(value, path)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found)
    return found if isinstance(found, str) else ""


def rows(value: object, *path: str) -> list[object]:
    """The list at the end of the path; empty where there is none."""
    found = _at(value, path)
    return found if isinstance(found, list) else []


def day(year: str, month: str = "", of_month: str = "") -> date | None:
    """The day, or where only its year or month is told, the first day of it."""
    try:
        return date(int(year[:4]), int(month[:2] or 1), int(of_month[:2] or 1))
    except ValueError:  # no numbers, or no such day
        return None


def _at(value: object, path: tuple[str, ...]) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
