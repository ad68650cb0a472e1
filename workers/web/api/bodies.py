"""What the API is told. Names, bounds and words are all that may stand in a body."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from tasks.desk.preferring import NAME_MOST, PICKS_MOST
from tasks.desk.versions import LABEL_MOST
from tasks.profile_json import ITEMS_MOST, TEXT_MOST
from templates import LANGUAGES
from workers.web.api.shapes import PAPER

IMPORT_MOST = 5_000_000  # characters
ISO = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _iso(said: object) -> object:
    """A day as people write it, and not as a count of seconds."""
    if isinstance(said, str):
        if not ISO.fullmatch(said):
            raise ValueError("a day is written like 2026-11-20")
        return date.fromisoformat(said)
    return said


def _spoken(name: str) -> str:
    if name not in LANGUAGES:
        raise ValueError(f"we speak {', '.join(LANGUAGES)}")
    return name


def _kept(rules: dict[str, Any]) -> None:
    """What is not said stays as it is: no default is shown."""
    rules.pop("default", None)


Day = Annotated[date, BeforeValidator(_iso)]
Language = Annotated[
    str, AfterValidator(_spoken), WithJsonSchema({"type": "string", "enum": [*LANGUAGES]})
]
Text = Annotated[str, StringConstraints(max_length=TEXT_MOST)]
Texts = Annotated[list[Text], FailFast(), Field(max_length=ITEMS_MOST)]
Weight = Annotated[float, Field(ge=0, le=10)]
Weekday = Annotated[int, Field(ge=1, le=7)]
KEPT: Any = Field(default=None, json_schema_extra=_kept)


class Body(BaseModel):
    """What is told: nothing but what is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Subscription(Body):
    """Who wants digests. A zone or language that we do not know becomes UTC or English."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"email": "ada@readers.example", "timezone": "Europe/Rome", "language": "en"}
            ]
        }
    )

    email: Annotated[
        str, StringConstraints(max_length=320), Field(json_schema_extra={"format": "email"})
    ]
    timezone: Annotated[str, StringConstraints(max_length=80)] = "UTC"
    language: Annotated[str, StringConstraints(max_length=80)] = "en"


class Preferences(Body):
    """What is to change; all else stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"hour": 6, "days": [1, 2, 3, 4, 5]}]}
    )

    name: Annotated[str, StringConstraints(max_length=NAME_MOST)] = KEPT
    timezone: Annotated[str, StringConstraints(max_length=80)] = KEPT
    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)] = KEPT
    hour: Annotated[int, Field(ge=0, le=23)] = KEPT
    language: Language = KEPT
    about: Annotated[float, Field(ge=0, le=PICKS_MOST)] = KEPT
    most: Annotated[int, Field(ge=1, le=PICKS_MOST)] = KEPT
    threshold: Annotated[float, Field(ge=0, le=1)] = KEPT
    length: Literal["short", "normal", "long"] = KEPT
    explore: bool = KEPT
    text_only: bool = KEPT


class Example(Body):
    """A paper that stands for an interest, or against it."""

    title: Text = ""
    abstract: Text = ""
    id: Text = ""
    given: Day | None = None


Examples = Annotated[list[Example], FailFast(), Field(max_length=ITEMS_MOST)]


class Interest(Body):
    """A profile as it is typed; every part may be left out. `share` is its part of your digest."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "terms": ["sparse attention"],
                    "authors": ["Ada Rossi"],
                    "negatives": ["survey"],
                    "examples": [{"title": PAPER["title"], "abstract": PAPER["abstract"]}],
                }
            ]
        },
    )

    name: Text = ""
    terms: Texts = []
    phrases: Texts = []
    authors: Texts = []
    categories: Texts = []
    description: Text = ""
    negatives: Texts = []
    less: Texts = []
    examples: Examples = []
    dislikes: Examples = []
    weights: Annotated[dict[Text, Weight], Field(max_length=ITEMS_MOST)] = {}
    share: Annotated[float, Field(ge=0.1, le=10)] = 1.0

    def as_json(self) -> dict[str, Any]:
        """The profile as the house writes it."""
        return self.model_dump(mode="json", exclude_defaults=True)


class Label(Body):
    """A version's name; empty for none."""

    label: Annotated[str, StringConstraints(max_length=LABEL_MOST)]


class Pause(Body):
    """Until when; without a day, until you resume."""

    until: Day | None = None


class Papers(Body):
    """A library's text (BibTeX, RIS, CSL JSON, or ids line by line), for the profile of that name."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"text": "arXiv:2611.04321\n10.5555/sorting", "profile": "Attention"}]
        }
    )

    text: Annotated[str, StringConstraints(min_length=1, max_length=IMPORT_MOST)]
    profile: Annotated[str, StringConstraints(min_length=1, max_length=80)]
