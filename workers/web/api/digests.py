"""Your digests: those that were made, and the one that comes next."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from tasks.desk.outlook import coming
from tasks.store import history, profiles
from workers.web.api import shapes
from workers.web.api.bodies import Day
from workers.web.api.careful import KeyedRoute, Me
from workers.web.api.paging import Limit, paged
from workers.web.api.schema import by_pages
from workers.web.page import Means

router = APIRouter(route_class=KeyedRoute, tags=["digests"])


@router.get("/me/outlook")
def get_outlook(face: Means, me: Me) -> shapes.Outlook:
    """Your next digest as it stands now; more papers may come until then."""
    with face.database.read() as session:
        asked = profiles.of_reader(session, me.id)
    found = coming(face.context, me, asked)
    return shapes.Outlook(
        at=found.at,
        considered=found.composition.considered,
        reason=found.composition.reason,
        picks=[shapes.Pick.model_validate(pick) for pick in found.picks],
    )


@router.get("/me/digests", responses=by_pages())
def list_digests(
    request: Request,
    response: Response,
    face: Means,
    me: Me,
    limit: Limit = 30,
    cursor: Annotated[
        Day | None, Query(description="`next` of the page before; none for the first page.")
    ] = None,
) -> shapes.Page[shapes.DigestRow]:
    """Your digests, the newest first."""
    with face.database.read() as session:
        found = history.days(session, me.id, before=cursor, limit=limit + 1)
    items = [shapes.DigestRow.model_validate(one) for one in found[:limit]]
    return paged(request, response, items, items[-1].day if len(found) > limit else None)


@router.get("/me/digests/{day}")
def get_digest(face: Means, me: Me, day: Day) -> shapes.Digest:
    """The digest of a day, with its picks and why each is there."""
    with face.database.read() as session:
        found = history.of_day(session, me.id, day)
    if found is None:
        raise HTTPException(404, "you had no digest that day")
    row, picks = found
    line = shapes.DigestRow.model_validate(row).model_dump()
    return shapes.Digest(**line, picks=[shapes.Pick.model_validate(pick) for pick in picks])
