"""Deliveries: the list, the way of one mail, and the word on those of which nobody knows."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from tasks.errors import UsageError
from tasks.office import deliveries
from tasks.office.deliveries import WHY_MOST
from tasks.office.entering import AdminVisitor
from tasks.office.many import MANY_MOST
from tasks.store.delivery_rows import STATES, Wanted
from workers.web.admin.door import Operator, Viewer, admin_page, back, viewer
from workers.web.admin.paths import NUMBER_MOST, Before, RowId
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Means

PER_PAGE = 50
SAYS = {
    "arrived": "It counts as sent.",
    "again": "It is sent again, if its reader wants mail.",
    "allarrived": "{n} mails count as sent.",
    "allagain": "{n} mails are sent again, to those who want mail.",
}
Do = Literal["arrived", "again"]
State = Annotated[str, Query(max_length=20)]
Day = Annotated[str, Query(max_length=10)]
Reader = Annotated[str, Query(max_length=18, pattern=r"^\d*$")]
Why = Annotated[str, Form(max_length=WHY_MOST)]

router = APIRouter(dependencies=[Depends(viewer)])


@router.api_route("/admin/deliveries", methods=LOOKING)
def look(
    request: Request,
    face: Means,
    who: Viewer,
    *,
    state: State = "",
    day: Day = "",
    reader: Reader = "",
    before: Before = None,
) -> HTMLResponse:
    """The newest first: in one state, of one day, to one reader."""
    asked = _asked(state, day, reader)
    wanted = _wanted(asked)
    whole = who.may("operator")
    found = deliveries.listed(face.context, wanted, PER_PAGE + 1, before=before, whole=whole)
    shown = found[:PER_PAGE]
    return admin_page(
        request,
        who,
        "deliveries",
        says=SAYS,
        shown=shown,
        states=STATES,
        asked=asked,
        query=_query(asked | {"state": ""}),
        unsure=deliveries.unsure(face.context, wanted).number,
        first=before is None,
        more=urlencode(asked | {"before": shown[-1].id}) if len(found) > PER_PAGE else "",
    )


@router.api_route("/admin/deliveries/unsure", methods=LOOKING)
def ask(
    request: Request, face: Means, who: Operator, day: Day = "", reader: Reader = ""
) -> HTMLResponse:
    """How many it would be, and the buttons."""
    return _confirm(request, face, who, _asked("", day, reader))


@router.post("/admin/deliveries/unsure", dependencies=OURS)
def decide_all(
    request: Request,
    face: Means,
    who: Operator,
    do: Annotated[Do, Form()],
    mark: Annotated[str, Form(max_length=40)],
    *,
    why: Why = "",
    day: Annotated[str, Form(max_length=10)] = "",
    reader: Annotated[str, Form(max_length=18, pattern=r"^\d*$")] = "",
) -> Response:
    """Decide them, if they are those that were seen."""
    asked = _asked("", day, reader)
    arrived = do == "arrived"
    try:
        done = deliveries.decide_all(
            face.context, who.name, _wanted(asked), arrived=arrived, why=why, mark=mark
        )
    except UsageError as error:
        return _confirm(request, face, who, asked, wrong=str(error), why=why)
    face.ring(done.rings)
    code = "allarrived" if arrived else "allagain"
    return back(f"/admin/deliveries?{_query(asked)}", code, done.done)


@router.api_route("/admin/deliveries/{key}", methods=LOOKING)
def one(request: Request, face: Means, who: Viewer, key: RowId) -> HTMLResponse:
    """The way of one mail."""
    return _one(request, face, who, key)


@router.post("/admin/deliveries/{key}", dependencies=OURS)
def decide(
    request: Request,
    face: Means,
    who: Operator,
    key: RowId,
    do: Annotated[Do, Form()],
    why: Why = "",
) -> Response:
    """It arrived, or it did not."""
    try:
        rings = deliveries.decide(face.context, who.name, key, arrived=do == "arrived", why=why)
    except UsageError as error:
        return _one(request, face, who, key, wrong=str(error), why=why)
    face.ring(rings)
    return back(f"/admin/deliveries/{key}", do)


def _asked(state: str, day: str, reader: str) -> dict[str, str]:
    """What is asked for; what makes no sense is left out."""
    try:
        day = date.fromisoformat(day).isoformat() if day else ""
    except ValueError:
        day = ""
    return {"state": state if state in STATES else "", "day": day, "reader": reader}


def _wanted(asked: dict[str, str]) -> Wanted:
    return Wanted(
        state=asked["state"],
        day=date.fromisoformat(asked["day"]) if asked["day"] else None,
        reader_id=min(int(asked["reader"]), NUMBER_MOST) if asked["reader"] else None,
    )


def _query(asked: dict[str, str]) -> str:
    return urlencode({name: value for name, value in asked.items() if value})


def _one(
    request: Request, face: Face, who: AdminVisitor, key: int, *, wrong: str = "", why: str = ""
) -> HTMLResponse:
    way = deliveries.way(face.context, key, whole=who.may("operator"))
    return admin_page(
        request,
        who,
        "delivery",
        status=422 if wrong else 200,
        says=SAYS,
        trail=way,
        mail=way.trace.row,
        why=why,
        why_most=WHY_MOST,
        wrong=wrong,
    )


def _confirm(
    request: Request,
    face: Face,
    who: AdminVisitor,
    asked: dict[str, str],
    *,
    wrong: str = "",
    why: str = "",
) -> HTMLResponse:
    return admin_page(
        request,
        who,
        "deliveries_unsure",
        status=422 if wrong else 200,
        asked=asked,
        query=_query(asked),
        many=deliveries.unsure(face.context, _wanted(asked)),
        most=MANY_MOST,
        why=why,
        why_most=WHY_MOST,
        wrong=wrong,
    )
