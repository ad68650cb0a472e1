"""The versions of your profiles: what each changed, going back, and profiles that were removed."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response

from tasks.desk import interests, versions
from tasks.desk.differences import difference, told
from tasks.desk.versions import Version
from tasks.errors import Conflict
from tasks.records import Reader
from templates import words_for
from workers.web.api import shapes
from workers.web.api.bodies import Interest, Label
from workers.web.api.careful import KeyedRoute, Me
from workers.web.api.paging import RowId, paged
from workers.web.api.profiles import interest_of
from workers.web.api.schema import by_pages, tagged
from workers.web.api.tags import STALE, IfMatch, must_match, tag_of
from workers.web.page import Face, Means

NUMBER_MOST = 10**9
MOST = 20  # versions at once: each is read whole

router = APIRouter(route_class=KeyedRoute, tags=["versions"])
Whose = Annotated[
    str, Query(min_length=1, max_length=1000, description="The profile's name.", examples=["main"])
]
Number = Annotated[
    int, Path(ge=1, le=NUMBER_MOST, description="The version's number.", examples=[1])
]


@router.get("/me/versions", responses=by_pages(404))
def list_versions(
    request: Request,
    response: Response,
    face: Means,
    me: Me,
    profile: Whose,
    limit: Annotated[int, Query(ge=1, le=MOST, description="How many at once.")] = 10,
    cursor: Annotated[
        int | None, Query(ge=1, le=NUMBER_MOST, description="`next` of the page before.")
    ] = None,
) -> shapes.Page[shapes.Version]:
    """Every save of a profile, the newest first."""
    found = versions.history(face.context, me.id, profile, before=cursor, most=limit)
    last = found[-1].number if found else 1
    items = [_shape(one, me) for one in found]
    return paged(request, response, items, last if last > 1 else None)


@router.get("/me/versions/{version}")
def get_version(face: Means, me: Me, version: Number, profile: Whose) -> Interest:
    """A profile as that version held it."""
    known = interests.find(face.context, me.id, profile)
    body = versions.body_of(face.context, me.id, known.id, version)
    return interest_of(replace(known, body=body))


@router.get("/me/versions/{version}/difference")
def get_difference(
    face: Means,
    me: Me,
    version: Number,
    profile: Whose,
    to: Annotated[
        int | None,
        Query(ge=1, le=NUMBER_MOST, description="A later version; none for the one in force."),
    ] = None,
) -> shapes.Difference:
    """What has changed since that version, in the profile itself. What that does, `/me/preview` tells."""
    known = interests.find(face.context, me.id, profile)
    numbers = (version, known.version if to is None else to)
    found = difference(
        *(versions.body_of(face.context, me.id, known.id, number) for number in numbers)
    )
    return shapes.Difference(
        parts=[shapes.Change.model_validate(part) for part in found.parts],
        weights=[
            shapes.Weighing(text=text, before=before, after=after)
            for text, before, after in found.weights
        ],
        description=found.description,
        share=found.share,
    )


@router.put("/me/versions/{version}/label")
def name_version(
    face: Means, me: Me, version: Number, profile: Whose, wanted: Label
) -> shapes.Version:
    """Give a version a name, that it may be found again; an empty one takes it away."""
    versions.name(face.context, me.id, profile, version, wanted.label)
    found = versions.history(face.context, me.id, profile, before=version + 1, most=1)
    return _shape(found[0], me)


@router.post("/me/versions/{version}/restore", responses=tagged(412, 428))
def restore_version(
    face: Means, me: Me, response: Response, version: Number, profile: Whose, seen: IfMatch
) -> Interest:
    """Go back to a version: it is saved as the next one, over the profile that If-Match names."""
    before = interests.find(face.context, me.id, profile)
    must_match(seen, interest_of(before))
    try:
        versions.restore(face.context, me.id, before.id, version, expected=before.version)
    except Conflict:
        raise HTTPException(412, STALE) from None
    return _now(face, me.id, before.id, response)


@router.get("/me/removed")
def list_removed(face: Means, me: Me) -> shapes.Gone:
    """Profiles that were removed and can be brought back."""
    found = versions.removed(face.context, me.id)
    return shapes.Gone(items=[shapes.Removed.model_validate(one) for one in found])


@router.post("/me/removed/{profile}/restore", responses=tagged())
def restore_profile(face: Means, me: Me, response: Response, profile: RowId) -> Interest:
    """Bring a removed profile back; where its name is taken by now, a number is added."""
    versions.bring_back(face.context, me.id, profile)
    return _now(face, me.id, profile, response)


def _shape(one: Version, me: Reader) -> shapes.Version:
    return shapes.Version(
        number=one.number,
        label=one.label,
        created_at=one.created_at,
        in_force=one.in_force,
        change=told(one.change, words_for(me.language)) if one.change is not None else [],
    )


def _now(face: Face, reader_id: int, which: int, response: Response) -> Interest:
    """The profile as it stands now, with its tag."""
    made = interest_of(interests.find(face.context, reader_id, which))
    response.headers["ETag"] = tag_of(made)
    return made
