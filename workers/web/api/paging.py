"""Lists come in pages: so many at once, and a cursor that leads to those that follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import Path, Query, Request, Response

from workers.web.api.shapes import Page

T = TypeVar("T")
MOST = 100
NUMBER_MOST = 2**63 - 1  # what a row may be numbered
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at once.")]
Count = Annotated[
    int, Query(alias="cursor", ge=0, le=1_000_000, description="`next` of the page before.")
]
RowId = Annotated[int, Path(ge=1, le=NUMBER_MOST, description="Its number.")]
PaperId = Annotated[
    int, Path(ge=1, le=NUMBER_MOST, description="The paper's number.", examples=[4711])
]


def paged(request: Request, response: Response, items: Sequence[T], following: object) -> Page[T]:
    """A page, with the way to the next one in its Link header too."""
    if following is None:
        return Page(items=list(items))
    url = request.url.include_query_params(cursor=following)
    response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return Page(items=list(items), next=str(following))
