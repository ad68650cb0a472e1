"""What an admin asks for: which days, of which sources and readers, from which step on, and what is mailed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Self

from tasks.errors import UsageError

LONGEST = timedelta(days=366)


class Stage(StrEnum):
    """The step from which on the days are run again.

    `fetch` asks sources for days that are missing; `parse` reads kept pages by today's parser; `score`
    scores the days' papers by today's scorer and profiles; `compose` takes the scores that are kept.
    """

    FETCH = "fetch"
    PARSE = "parse"
    SCORE = "score"
    COMPOSE = "compose"


class Mail(StrEnum):
    """What becomes of papers that would have been among a reader's top picks, and were not.

    `none` is a silent mend; `addendum` one mail, labelled so; `next` brings them in the next digest.
    """

    NONE = "none"
    ADDENDUM = "addendum"
    NEXT = "next"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Days `first` to `last` (editions' days), of these sources and readers (empty: all).

    With `again`, days that came are fetched again too. Raises `UsageError` for what makes no sense.
    """

    first: date
    last: date
    sources: tuple[str, ...] = ()
    stage: Stage = Stage.PARSE
    readers: tuple[int, ...] = ()
    mail: Mail = Mail.NONE
    again: bool = False

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise UsageError(f"the days end before they begin: {self.first} to {self.last}")
        if self.last - self.first > LONGEST:
            raise UsageError(f"a run has {LONGEST.days} days at most: make several")
        if self.stage is Stage.FETCH and self.mail is Mail.ADDENDUM:
            raise UsageError(
                "which papers a fetch brings is known once they are here: fetch with --mail none, then "
                "plan the same days with --stage parse --mail addendum (or fetch with --mail next)"
            )
        if self.again and self.stage is not Stage.FETCH:
            raise UsageError("only a fetch asks again for days that came: use --stage fetch")

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "sources": list(self.sources),
            "stage": self.stage.value,
            "readers": list(self.readers),
            "mail": self.mail.value,
            "again": self.again,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """As it was kept."""
        return cls(
            first=date.fromisoformat(kept["first"]),
            last=date.fromisoformat(kept["last"]),
            sources=tuple(kept["sources"]),
            stage=Stage(kept["stage"]),
            readers=tuple(kept["readers"]),
            mail=Mail(kept["mail"]),
            again=kept["again"],
        )

    @property
    def days(self) -> list[date]:
        """Every day asked for."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]
