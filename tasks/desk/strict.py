"""Reading a JSON document that a stranger may have written: every error names the place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from tasks.errors import UsageError

YEARS = range(1990, 2200)


@dataclass(frozen=True, slots=True)
class Place:
    """A value of the document, and the path to it. Each reading raises `UsageError` naming the path."""

    path: str
    value: Any

    def wrong(self, what: str) -> UsageError:
        """The error that this place is in."""
        return UsageError(f"{self.path or 'the document'} {what}")

    def parts(self, *keys: str, may: Collection[str] = ()) -> dict[str, Place]:
        """The members of an object that has exactly these, and of those that it `may` have."""
        if not isinstance(self.value, dict):
            raise self.wrong("must be an object")
        strange = sorted(set(map(str, self.value)) - {*keys, *may})
        missing = [key for key in keys if key not in self.value]
        if strange or missing:
            verb, key = ("may not have", strange[0]) if strange else ("must have", missing[0])
            raise self.wrong(f"{verb} {key[:50]!r}; it has {', '.join(keys)}")
        dot = "." if self.path else ""
        there = [*keys, *(key for key in may if key in self.value)]
        return {key: Place(f"{self.path}{dot}{key}", self.value[key]) for key in there}

    def rows(self, most: int) -> list[Place]:
        """The members of a list of `most` at most."""
        if not isinstance(self.value, list):
            raise self.wrong("must be a list")
        if len(self.value) > most:
            raise self.wrong(f"has {len(self.value)} members: {most} at most")
        return [Place(f"{self.path}[{at}]", value) for at, value in enumerate(self.value)]

    def text(self, most: int, *, least: int = 0) -> str:
        """A text of so many characters, which every database can keep."""
        if not isinstance(self.value, str) or not least <= len(self.value) <= most:
            raise self.wrong(f"must be a text of {least} to {most} characters")
        if "\x00" in self.value or any("\ud800" <= sign <= "\udfff" for sign in self.value):
            raise self.wrong("holds what is no character")
        return self.value

    def number(self, least: float, most: float) -> float:
        """A number between these."""
        value = self.value
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:  # what is no number (NaN) is in no range
            raise self.wrong(f"must be a number from {least:g} to {most:g}")
        return float(value)

    def count(self, least: int, most: int) -> int:
        """A whole number between these."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("must be a whole number")
        return int(self.number(least, most))

    def flag(self) -> bool:
        """true or false."""
        if not isinstance(self.value, bool):
            raise self.wrong("must be true or false")
        return self.value

    def one_of(self, choices: Collection[str]) -> str:
        """One of these words."""
        if not isinstance(self.value, str) or self.value not in choices:
            raise self.wrong(f"must be one of {', '.join(choices)}")
        return self.value

    def day(self) -> date:
        """A day like 2026-11-20."""
        try:
            day = date.fromisoformat(self.text(10))
        except ValueError:
            raise self.wrong("must be a day like 2026-11-20") from None
        if day.year not in YEARS:
            raise self.wrong("is too far away")
        return day

    def moment(self, *, latest: datetime) -> datetime:
        """A moment with its zone, like 2026-11-20T07:00:00+00:00, and not after `latest`."""
        try:
            moment = datetime.fromisoformat(self.text(40))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None or moment.year not in YEARS:
            raise self.wrong("must be a moment like 2026-11-20T07:00:00+00:00")
        if moment > latest:
            raise self.wrong("lies in the future")
        return moment.astimezone(UTC)
