"""The papers of a day, as everybody sees them, and the days that there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from tasks.store import editions
from tasks.store.editions import Listed
from workers.web.page import Face, Means, page
from workers.web.shown import PER_PAGE, public, row

DAY = timedelta(days=1)
DAYS_BACK = 60
HIGH = 100  # units of the chart's height
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

router = APIRouter()
Number = Annotated[int, Query(alias="page", ge=1, le=1000)]


@dataclass(frozen=True, slots=True)
class Sheets:
    """One page of a day's papers, how many the day has in all, and the nearest other days."""

    papers: list[Listed]
    total: int
    before: date | None
    after: date | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One day in the chart of days."""

    x: int
    y: int
    height: int


@router.api_route("/", methods=["GET", "HEAD"])
def today(request: Request, face: Means, number: Number = 1) -> HTMLResponse:
    """The newest day with papers, even if that is not today."""
    with face.database.read() as session:
        day = editions.newest(session, before=_tomorrow(face))
    if day is None:
        return page(request, "edition", day=None, is_today=False)
    return _shown(request, face, day, number)


@router.api_route("/days/{name}", methods=["GET", "HEAD"])
def of_day(request: Request, face: Means, name: str, number: Number = 1) -> HTMLResponse:
    """The papers of that day; where there are none, the nearest days that have some."""
    try:
        day = date.fromisoformat(name) if _DAY.fullmatch(name) else None
    except ValueError:
        day = None
    if day is None:
        raise HTTPException(404)
    return _shown(request, face, day, number, template="day")


@router.api_route("/days", methods=["GET", "HEAD"])
def days(request: Request, face: Means) -> HTMLResponse:
    """The last days, with the number of papers of each."""
    last = face.clock().date()
    first = last - (DAYS_BACK - 1) * DAY
    with face.database.read() as session:
        counts = editions.counts(session, first, last)
    return public(request, "days", counts=counts, first=first, last=last, bars=bars(counts, first))


def bars(counts: Mapping[date, int], first: date) -> list[Bar]:
    """The chart of the days from `first` on: each ten wide, the fullest as high as the chart."""
    most = max(counts.values(), default=1)
    made = ((day, -(-number * HIGH // most)) for day, number in counts.items())
    return [Bar((day - first).days * 10, HIGH - height, height) for day, height in made]


def _tomorrow(face: Face) -> date:
    return face.clock().date() + DAY


def _shown(
    request: Request, face: Face, day: date, number: int, *, template: str = "edition"
) -> HTMLResponse:
    found = _sheets(face, day, number)
    if found.papers:
        status = 200
    elif number == 1:
        status = 404
    else:
        raise HTTPException(404)
    return public(
        request,
        template,
        status=status,
        day=day,
        is_today=day == face.clock().date(),
        before=found.before,
        after=found.after,
        total=found.total,
        number=number,
        more=found.total > number * PER_PAGE,
        papers=[row(request, item.paper, item.sources) for item in found.papers],
    )


def _sheets(face: Face, day: date, number: int) -> Sheets:
    tomorrow = _tomorrow(face)
    is_past = day < tomorrow  # a day to come has no papers, whatever a page says of itself
    with face.database.read() as session:
        offset = (number - 1) * PER_PAGE
        papers = editions.listed(session, day, limit=PER_PAGE, offset=offset) if is_past else []
        return Sheets(
            papers=papers,
            total=editions.counts(session, day, day).get(day, 0) if papers else 0,
            before=editions.newest(session, before=min(day, tomorrow)),
            after=editions.oldest(session, after=day, before=tomorrow) if is_past else None,
        )
