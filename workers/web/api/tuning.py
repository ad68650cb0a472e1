"""Tuning your profiles: what an edit does, what is wrong or missing, why a paper came, and trials.

What looks back on weeks of papers costs up to a second: one of these at a time, so that they cost
everybody else little.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, WithJsonSchema

from tasks.desk import interests
from tasks.desk.tuning import shadows
from tasks.desk.tuning.advice.linting import lint as linted
from tasks.desk.tuning.advice.mending import effect
from tasks.desk.tuning.advice.suggesting import suggest as suggested
from tasks.desk.tuning.inquiry import flipping
from tasks.desk.tuning.inquiry import why as whys
from tasks.desk.tuning.machine import SPANS, compare
from tasks.errors import UnknownName
from tasks.records import Reader
from templates import Words, words_for
from workers.web.api import advice_shapes, tuning_shapes, why_shapes
from workers.web.api.bodies import Interest
from workers.web.api.careful import LargeRoute, Me
from workers.web.api.profiles import interest_of
from workers.web.api.schema import says, tagged
from workers.web.api.tags import tag_of
from workers.web.page import Face, Means
from workers.web.turns import LOOKING_BACK

EFFECTS_MOST = 12  # mends that are tried out at once: each costs a replay
QUESTION_MOST = 1000  # characters of an id, an address or a title


def _span(days: int) -> int:
    if days not in SPANS:
        raise ValueError(f"one of {', '.join(map(str, SPANS))}")
    return days


router = APIRouter(route_class=LargeRoute, tags=["tuning"])
Span = Annotated[int, AfterValidator(_span), WithJsonSchema({"type": "integer", "enum": [*SPANS]})]
Replaced = Annotated[
    str | None, Query(max_length=1000, description="The profile that it would replace.")
]
Seen = Annotated[
    datetime | None, Query(description="When the trial that you saw `started`; else it is a 409.")
]


@router.post("/me/preview", responses=says(404, 429))
def preview(
    face: Means,
    me: Me,
    wanted: Interest,
    profile: Replaced = None,
    span: Annotated[Span, Query(description="How many days to look back.")] = SPANS[0],
) -> tuning_shapes.Preview:
    """What the last days would have brought with this profile, beside what is saved, and why."""
    which = _number(face, me, profile)
    with LOOKING_BACK.of(me.id):
        found = compare(face.context, me, which, wanted.as_json(), span=span)
    return tuning_shapes.Preview.of(found, _words(me))


@router.post("/me/lint", responses=says(404, 429))
def lint(
    face: Means,
    me: Me,
    wanted: Interest,
    profile: Replaced = None,
    effects: Annotated[
        int, Query(ge=0, le=EFFECTS_MOST, description="How many mends to try out: each takes time.")
    ] = 0,
) -> advice_shapes.Linted:
    """What is wrong with this profile, what shows it, and how it is mended."""
    which, body = _number(face, me, profile), wanted.as_json()
    with LOOKING_BACK.of(me.id):
        found = linted(face.context, me, which, body)
        mends = [mend for one in found for mend in one.mends][:effects]
        tried = {one.key: effect(face.context, me, which, body, one) for one in mends}
    return advice_shapes.Linted.of(found, tried, _words(me))


@router.post("/me/suggest", responses=says(404, 429))
def suggest(
    face: Means, me: Me, wanted: Interest, profile: Replaced = None
) -> advice_shapes.Advice:
    """What would sharpen this profile, by what it would change, and papers that are worth an answer."""
    which = _number(face, me, profile)
    with LOOKING_BACK.of(me.id):
        found = suggested(face.context, me, which, wanted.as_json())
    return advice_shapes.Advice.of(found, _words(me))


@router.get("/me/why", responses=says(404, 429))
def get_why(
    face: Means,
    me: Me,
    paper: Annotated[
        str,
        Query(
            min_length=1,
            max_length=QUESTION_MOST,
            description="Its number, arXiv id, DOI or address, or words of its title.",
            examples=["2611.04321"],
        ),
    ],
) -> why_shapes.Answered:
    """Why you got a paper, or did not, and the smallest edit that would have turned it."""
    asked = whys.named(face.context, paper)
    if asked.entry is None and not asked.papers:
        raise UnknownName("no paper here is named so")
    if asked.entry is None:
        some = [tuning_shapes.Title.of(one) for one in asked.papers]
        return why_shapes.Answered(asked=asked.asked, story=None, papers=some)
    with LOOKING_BACK.of(me.id):
        story = whys.why(face.context, me, asked.entry)
        found = flipping.flip(story)
    told = why_shapes.Why.of(story, found, _words(me))
    return why_shapes.Answered(asked=asked.asked, story=told, papers=[])


# --- trials --------------------------------------------------------------------------------------
@router.get("/me/trial")
def get_trial(face: Means, me: Me) -> tuning_shapes.Running:
    """The version on trial beside one of your profiles, and how it stands."""
    found = shadows.standing(face.context, me.id)
    told = None if found is None else tuning_shapes.Trial.of(found, _words(me))
    return tuning_shapes.Running(trial=told)


@router.post("/me/trial", status_code=201, responses=says(404, 409))
def start_trial(
    face: Means,
    me: Me,
    wanted: Interest,
    profile: Annotated[
        str, Query(min_length=1, max_length=1000, description="Beside which profile it is tried.")
    ],
) -> tuning_shapes.Trial:
    """Try a version beside the saved one: both draft each digest in turn until one proves the better."""
    shadows.start(face.context, me.id, profile, wanted.as_json())
    return _trial(face, me)


@router.delete("/me/trial", status_code=204, responses=says(404, 409))
def drop_trial(face: Means, me: Me, started: Seen = None) -> None:
    """End the trial; the profile stays as it is saved."""
    shadows.drop(face.context, me.id, expected=started)


@router.post("/me/trial/promote", responses=tagged(404, 409))
def promote_trial(
    face: Means,
    me: Me,
    response: Response,
    started: Seen = None,
    version: Annotated[
        int | None,
        Query(ge=1, description="The profile's version that you saw; else it is a 409."),
    ] = None,
) -> Interest:
    """Save the version on trial as the profile's next one, which ends the trial."""
    name = _trial(face, me).profile
    shadows.promote(face.context, me.id, expected=started, version=version)
    made = interest_of(interests.find(face.context, me.id, name))
    response.headers["ETag"] = tag_of(made)
    return made


def _trial(face: Face, me: Reader) -> tuning_shapes.Trial:
    found = shadows.standing(face.context, me.id)
    if found is None:
        raise UnknownName(shadows.NONE)
    return tuning_shapes.Trial.of(found, _words(me))


def _number(face: Face, me: Reader, name: str | None) -> int | None:
    """The number of the profile of that name; None for none. Raises `UnknownName`."""
    return None if name is None else interests.find(face.context, me.id, name).id


def _words(me: Reader) -> Words:
    return words_for(me.language)
