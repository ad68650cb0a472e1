"""Your interests: the profiles themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Response

from tasks.desk import interests
from tasks.errors import Conflict, UnknownName
from tasks.profile_json import from_json, to_json
from tasks.records import Reader
from tasks.store.profiles import Saved
from workers.web.api import shapes
from workers.web.api.bodies import Interest
from workers.web.api.careful import LargeRoute, Me
from workers.web.api.schema import says, tagged
from workers.web.api.tags import (
    BLIND,
    STALE,
    IfMatch,
    IfNoneMatch,
    Tags,
    must_match,
    show,
    tag_of,
)
from workers.web.page import Face, Means

router = APIRouter(route_class=LargeRoute, tags=["profiles"])
Name = Annotated[
    str, Path(min_length=1, max_length=1000, description="Its name.", examples=["Attention"])
]


@router.get("/me/profiles")
def list_profiles(face: Means, me: Me) -> shapes.Profiles:
    """Your profiles, the oldest first."""
    known = interests.list_profiles(face.context, me.id)
    made = [
        shapes.ProfileRow(name=one.name, version=one.version, etag=tag_of(interest_of(one)))
        for one in known
    ]
    return shapes.Profiles(items=made)


@router.get("/me/profiles/{name:path}", responses=tagged(304), response_model=Interest)
def get_profile(
    face: Means, me: Me, response: Response, name: Name, known: IfNoneMatch
) -> Interest | Response:
    """One profile, as it was typed."""
    return show(response, interest_of(interests.find(face.context, me.id, name)), known)


@router.put(
    "/me/profiles/{name:path}",
    responses=tagged(412, 428) | {201: {"model": Interest} | tagged()[200]},
)
def put_profile(
    face: Means,
    me: Me,
    response: Response,
    name: Name,
    seen: IfMatch,
    missing: IfNoneMatch,
    wanted: Interest,
) -> Interest:
    """Save a profile's next version, over the one that If-Match names; `If-None-Match: *` makes one.

    Another `name` in the body renames it.
    """
    before = _found(face, me, name)
    expected = _expected(before, seen, missing)
    try:
        interests.save(face.context, me.id, name, wanted.as_json(), expected=expected)
    except Conflict:
        raise HTTPException(412, STALE) from None
    after = interest_of(
        interests.find(face.context, me.id, interests.read_name(wanted.name or name))
    )
    response.headers["ETag"] = tag_of(after)
    response.status_code = 201 if expected is None else 200
    return after


@router.delete("/me/profiles/{name:path}", status_code=204, responses=says(412))
def delete_profile(face: Means, me: Me, name: Name, seen: IfMatch) -> None:
    """Remove a profile, which `/me/removed` can undo for 30 days; with If-Match, only what you saw."""
    before = interests.find(face.context, me.id, name)
    if seen.said:
        must_match(seen, interest_of(before))
    try:
        interests.remove(face.context, me.id, name, expected=before.version if seen.said else None)
    except Conflict:
        raise HTTPException(412, STALE) from None


def interest_of(saved: Saved) -> Interest:
    """The profile as it is shown, and as its tag is made of."""
    return Interest.model_validate(to_json(from_json(saved.body)) | {"name": saved.name})


def _found(face: Face, me: Reader, name: str) -> Saved | None:
    try:
        return interests.find(face.context, me.id, name)
    except UnknownName:
        return None


def _expected(before: Saved | None, seen: Tags, missing: Tags) -> int | None:
    """The version that was seen; None where the profile is to be a new one. Raises a 412 or 428."""
    if seen.said:
        if before is None:
            raise HTTPException(412, STALE)
        must_match(seen, interest_of(before))
        return before.version
    if not missing.any:
        raise HTTPException(428, BLIND)
    if before is not None:
        raise HTTPException(412, "there is one of that name already")
    return None
