"""Search: a form, and what was found."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from tasks.desk import searching
from tasks.store.search import RANKED
from workers.web.page import Means, see
from workers.web.shown import PER_PAGE, public, row

router = APIRouter()
After = Annotated[int, Query(ge=0, le=RANKED)]


@router.api_route("/search", methods=["GET", "HEAD"])
def search(request: Request, face: Means, q: str = "", after: After = 0) -> Response:
    """The papers for the words `q`; an identifier or address that is known leads to its paper."""
    found = searching.find(face.context, q, limit=PER_PAGE, after=after)
    if found.named is not None:
        return see(f"/papers/{found.named}")
    papers = [row(request, paper) for paper in found.papers]
    return public(
        request,
        "search",
        asked=found.asked,
        papers=papers,
        following=found.following,
        after=after,
    )
