"""What admins' programs may say of sources, readers, dead letters and deliveries."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tasks.office.dead import ERROR_MOST, OLDER_MOST
from tasks.office.deliveries import WHY_MOST
from tasks.office.sources import ADDRESS_MOST, HOLIDAYS_MOST, NAME_MOST, OFTEN, SELDOM
from workers.web.api.bodies import Body, Day
from workers.web.api.paging import NUMBER_MOST

Address = Annotated[str, StringConstraints(max_length=ADDRESS_MOST)]
Name = Annotated[str, StringConstraints(max_length=NAME_MOST)]
Why = Annotated[str, StringConstraints(min_length=1, max_length=WHY_MOST)]
Mark = Annotated[str, StringConstraints(max_length=40)]
Words = Annotated[str, StringConstraints(max_length=ERROR_MOST)]
Holiday = Annotated[str, StringConstraints(max_length=10)]


class AddedSource(Body):
    """A new source. Folders are added at the machine itself."""

    kind: Literal["hf", "arxiv", "feed"]
    address: Address = ""
    name: Name = ""


class SourceState(Body):
    """What a source is to be; `was` is what it was when that was decided."""

    state: Literal["active", "paused", "removed"]
    was: Literal["active", "paused", "removed"]


class PlanChange(Body):
    """What of a source is to change; all else stays."""

    address: Address | None = None
    every_minutes: Annotated[int, Field(ge=OFTEN, le=SELDOM)] | None = None
    days: Annotated[str, StringConstraints(max_length=7, pattern="^[1-7]*$")] | None = None
    holidays: Annotated[list[Holiday], Field(max_length=HOLIDAYS_MOST)] | None = None


class ReaderAct(Body):
    """What is to be done for a reader; a pause may say until when."""

    do: Literal["resend", "suppress", "lift", "pause", "resume"]
    until: Day | None = None


class DeadAct(Body):
    """What is to be done with a dead letter."""

    do: Literal["retry", "drop"]


class DeadActs(DeadAct):
    """What is to be done with all that are chosen; `mark` names those that were seen."""

    kind: Annotated[str, StringConstraints(max_length=20)] = ""
    error: Words = ""
    days: Annotated[int, Field(ge=0, le=OLDER_MOST.days)] = 0
    mark: Mark


class Decision(Body):
    """Whether an unsure mail arrived, and how that is known."""

    arrived: bool
    why: Why


class Decisions(Decision):
    """The same of all unsure mails that are chosen; `mark` names those that were seen."""

    day: Day | None = None
    reader: Annotated[int, Field(ge=1, le=NUMBER_MOST)] | None = None
    mark: Mark
