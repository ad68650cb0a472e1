"""What everybody may ask: days, papers, search; and to get digests."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from tasks.desk import searching
from tasks.desk.limits import net_of
from tasks.desk.subscribing import subscribe as ask_for_digests
from tasks.store import editions
from tasks.store.search import LONGEST, RANKED
from workers.web.api import shapes
from workers.web.api.bodies import Day, Subscription
from workers.web.api.careful import OpenRoute
from workers.web.api.paging import Count, Limit, PaperId, paged
from workers.web.api.schema import by_pages, says
from workers.web.page import Face, Means, Net

DAY = timedelta(days=1)

router = APIRouter(route_class=OpenRoute, tags=["for everybody"])
Since = Annotated[Day | None, Query(alias="cursor", description="`next` of the page before.")]


@router.get("/editions", responses=by_pages())
def list_editions(
    request: Request, response: Response, face: Means, limit: Limit = 30, cursor: Since = None
) -> shapes.Page[shapes.Day]:
    """The days with papers, the newest first."""
    tomorrow = _tomorrow(face)
    with face.database.read() as session:
        last = editions.newest(session, before=min(cursor or tomorrow, tomorrow))
        if last is None:
            return shapes.Page(items=[])
        first = date.fromordinal(max(1, last.toordinal() - limit + 1))
        counts = editions.counts(session, first, last)
        older = editions.newest(session, before=first)
    days = [shapes.Day(day=day, papers=number) for day, number in counts.items()]
    return paged(request, response, days, first if older else None)


@router.get("/editions/{day}", responses=by_pages())
def get_edition(
    request: Request,
    response: Response,
    face: Means,
    day: Day,
    limit: Limit = 30,
    cursor: Count = 0,
) -> shapes.Page[shapes.Listed]:
    """The papers of a day: those with most votes first."""
    found = []
    if day < _tomorrow(face):
        with face.database.read() as session:
            found = editions.listed(session, day, limit=limit + 1, offset=cursor)
    if not found and not cursor:
        raise HTTPException(404, "there are no papers of this day")
    items = [shapes.Listed.model_validate(one) for one in found[:limit]]
    return paged(request, response, items, cursor + limit if len(found) > limit else None)


@router.get("/papers/{paper}")
def get_paper(face: Means, paper: PaperId) -> shapes.Known:
    """One paper, and where it was seen."""
    with face.database.read() as session:
        known = editions.known(session, paper)
    if known is None:
        raise HTTPException(404, f"there is no paper {paper}")
    return shapes.Known.model_validate(known)


@router.get("/search", responses=by_pages())
def search_papers(
    request: Request,
    response: Response,
    face: Means,
    q: Annotated[str, Query(max_length=LONGEST, examples=["sparse attention -survey"])],
    limit: Limit = 30,
    cursor: Annotated[int, Query(ge=0, le=RANKED, description="`next` of the page before.")] = 0,
) -> shapes.Page[shapes.Paper]:
    """The papers that hold all these words; or the one of that arXiv id, DOI or address."""
    found = searching.find(face.context, q, limit=limit, after=cursor)
    papers = found.papers
    if found.named is not None:
        with face.database.read() as session:
            known = editions.known(session, found.named)
        papers = [known.paper] if known else []
    items = [shapes.Paper.model_validate(one) for one in papers]
    return paged(request, response, items, found.following)


@router.post("/subscriptions", status_code=202, responses=says(429))
def subscribe(face: Means, net: Net, asked: Subscription) -> shapes.Asked:
    """Ask for digests to an address: a mail goes there with a link that confirms it.

    The answer is the same whatever the address. Programs ask within the same limits as the form.
    """
    rings = ask_for_digests(
        face.context, asked.email, net=net_of(net), zone=asked.timezone, language=asked.language
    )
    face.ring(rings)
    return shapes.Asked()


def _tomorrow(face: Face) -> date:
    return face.clock().date() + DAY
