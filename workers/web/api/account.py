"""You: your preferences, pausing, and an end to it all."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response

from tasks.desk import leaving
from tasks.desk.erasing import erase
from tasks.desk.preferring import prefer, prefer_as_seen
from tasks.errors import Conflict
from tasks.records import Reader
from workers.web.api import shapes
from workers.web.api.bodies import Pause, Preferences
from workers.web.api.careful import KeyedRoute, Me
from workers.web.api.schema import says, tagged
from workers.web.api.tags import BLIND, STALE, IfMatch, IfNoneMatch, must_match, show, tag_of
from workers.web.page import Means

router = APIRouter(route_class=KeyedRoute, tags=["you"])


@router.get("/me", responses=tagged(304), response_model=shapes.Account)
def get_me(me: Me, response: Response, known: IfNoneMatch) -> shapes.Account | Response:
    """You, and how your digests come."""
    return show(response, _account(me), known)


@router.patch("/me", responses=tagged(404, 412, 428))
def change_me(
    face: Means, me: Me, response: Response, seen: IfMatch, changes: Preferences
) -> shapes.Account:
    """Change some of your preferences; what is not named stays."""
    must_match(seen, _account(me))
    told = changes.model_dump(exclude_unset=True)
    try:
        changed = (
            prefer(face.context, me.id, **told)
            if seen.any
            else prefer_as_seen(face.context, me, **told)
        )
    except Conflict:
        raise HTTPException(412, STALE) from None
    after = _account(changed)
    response.headers["ETag"] = tag_of(after)
    return after


@router.delete("/me", responses=says(404, 412, 428))
def delete_me(
    face: Means,
    me: Me,
    seen: IfMatch,
    suppress: Annotated[bool, Query(description="Never mail this address again.")] = False,
) -> shapes.Kept:
    """Delete everything that is yours, at once and for good. If-Match must name the ETag of `/me`."""
    if seen.any:
        raise HTTPException(428, BLIND)
    must_match(seen, _account(me))
    return shapes.Kept(kept=erase(face.context, me.id, suppress=suppress).kept)


@router.post("/me/pause", responses=says(404))
def pause(face: Means, me: Me, asked: Pause) -> shapes.Account:
    """No digests until that day, or until you resume."""
    return _account(leaving.pause(face.context, me.id, asked.until))


@router.post("/me/resume", responses=says(404))
def resume(face: Means, me: Me) -> shapes.Account:
    """Digests again, after a pause or after you left."""
    return _account(leaving.resume(face.context, me.id))


def _account(reader: Reader) -> shapes.Account:
    return shapes.Account.model_validate(reader)
