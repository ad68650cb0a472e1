"""Backlog runs, as the API and `--json` of the commands tell them; and what a program asks for one by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from tasks.office import run_words
from tasks.office.asking import NAMED_MOST, Asked
from tasks.office.runs import Standing
from tasks.round.backlog.question import Mail, Stage
from workers.web.api.bodies import Day
from workers.web.api.shapes import Shape

ANY: Any = {"additionalProperties": True, "type": "object"}
Name = Annotated[str, Field(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f]*$")]
Names = Annotated[list[Name], Field(max_length=NAMED_MOST)]
Known = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Act(StrEnum):
    """What can be done with a run; `may` of a run says what of it can be done now."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    AGAIN = "again"
    UNDO = "undo"
    DROP = "drop"


class RunQuestion(Shape):
    """What a run is asked for. `stage` is the step from which on days are run again; no `sources` and no
    `readers` mean all; `again` fetches days that came as well.
    """

    first: date
    last: date
    sources: list[str]
    stage: Stage
    readers: list[int]
    mail: Mail
    again: bool


class RunProgress(Shape):
    """How far a run has come, in pages, papers, readers and days to fetch; `rate` is how many a second."""

    done: int
    failed: int
    cancelled: int
    total: int
    under_way: int
    rate: float | None
    eta: datetime | None


class RunError(Shape):
    """Why a piece of a run failed."""

    kind: str
    error: str


class RunRow(Shape):
    """A run in a list. `came_of` is what came of it, in words; empty while it is under way."""

    id: int
    code: str
    state: str
    asked_by: str
    asked_at: datetime
    question: RunQuestion
    started_at: datetime | None
    finished_at: datetime | None
    progress: RunProgress
    error: str
    came_of: str
    may: list[str]

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """The run as it stands."""
        return cls.model_validate(_told(standing, RunRow))


class Run(RunRow):
    """A run. `plan` says in numbers what would be done and `report` what was done, both by source and day;
    `changed` is what is not as it was when it was planned; `mails` are its mails by their state.
    """

    plan: Annotated[dict[str, Any], Field(json_schema_extra=ANY)]
    report: Annotated[dict[str, Any], Field(json_schema_extra=ANY)]
    changed: list[str]
    errors: list[RunError]
    mails: dict[str, int]

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """The run as it stands."""
        return cls.model_validate(_told(standing, Run))


def _told(standing: Standing, shape: type[RunRow]) -> Mapping[str, Any]:
    own = {name: getattr(standing, name) for name in shape.model_fields if hasattr(standing, name)}
    return own | {
        "question": RunQuestion.model_validate(standing.question.to_json()),
        "came_of": run_words.came_of(standing),
        "may": [what for what in standing.may if what != "stop"],
        **_whole(standing, shape),
    }


def _whole(standing: Standing, shape: type[RunRow]) -> Mapping[str, Any]:
    if shape is RunRow:
        return {}
    return {
        "report": dict(run_words.reported(standing)),
        "changed": list(standing.changed),
        "errors": [RunError(kind=kind, error=error) for kind, error in standing.errors],
        "mails": dict(standing.mails),
        "plan": dict(standing.plan),
    }


class Planned(BaseModel):
    """What a run is to be asked for: the days, and what of them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"first": "2026-11-02", "last": "2026-11-20"}]},
    )

    first: Day
    last: Day
    sources: Names = []
    stage: Stage = Stage.PARSE
    readers: Annotated[list[Known], Field(max_length=NAMED_MOST)] = []
    mail: Mail = Mail.NONE
    again: bool = False

    def asked(self) -> Asked:
        """The same, as everybody asks."""
        return Asked(
            first=self.first.isoformat(),
            last=self.last.isoformat(),
            sources=self.sources,
            stage=self.stage,
            readers=[str(reader) for reader in self.readers],
            mail=self.mail,
            again=self.again,
        )
