"""Readers: found, and helped. Their interests and their papers are not shown to anybody."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from tasks.errors import TooMany, UsageError
from tasks.office import readers
from tasks.office.entering import AdminVisitor
from tasks.render.text import clean
from workers.web.admin.door import Operator, Viewer, admin_page, back, viewer
from workers.web.admin.paths import After, Before, RowId
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Means

PER_PAGE = 50
SAYS = {
    "resent": "The confirmation is on its way again. The link mailed before is void.",
    "suppressed": "Nothing is mailed to this address any more; {n} waiting mails were stopped.",
    "lifted": "Mail may go there again. They get digests once they subscribe, or you resume them.",
    "paused": "They get no digests until they, or you, resume.",
    "resumed": "They get digests again.",
}

router = APIRouter(dependencies=[Depends(viewer)])


@router.api_route("/admin/readers", methods=LOOKING)
def look(
    request: Request,
    face: Means,
    who: Viewer,
    *,
    q: Annotated[str, Query(max_length=readers.TEXT_MOST)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    after: After = 0,
) -> HTMLResponse:
    """Those whose address or name holds some letters, or whose number it is."""
    asked = {"q": clean(q), "state": state if state in readers.STATES else ""}
    whole, wrong = who.may("operator"), ""
    try:
        found = readers.search(
            face.context,
            asked["q"],
            PER_PAGE + 1,
            state=asked["state"],
            after=after,
            whole=whole,
        )
    except UsageError as error:
        found, wrong = [], str(error)
    shown = found[:PER_PAGE]
    return admin_page(
        request,
        who,
        "readers",
        status=422 if wrong else 200,
        shown=shown,
        asked=asked,
        states=readers.STATES,
        counts=readers.counts(face.context),
        more=shown[-1].reader.id if len(found) > PER_PAGE else None,
        wrong=wrong,
    )


@router.api_route("/admin/readers/{reader_id}", methods=LOOKING)
def one(
    request: Request, face: Means, who: Viewer, reader_id: RowId, before: Before = None
) -> HTMLResponse:
    """One of them, with what was made and what became of it."""
    return _one(request, face, who, reader_id, before=before)


@router.post("/admin/readers/{reader_id}", dependencies=OURS)
def change(
    request: Request,
    face: Means,
    who: Operator,
    reader_id: RowId,
    do: Annotated[Literal["resend", "suppress", "lift", "pause", "resume"], Form()],
    until: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Whatever is to be done."""
    try:
        said, number = _done(face, who, reader_id, do, until)
    except (UsageError, TooMany) as error:
        return _one(request, face, who, reader_id, wrong=str(error))
    return back(f"/admin/readers/{reader_id}", said, number)


def _done(
    face: Face, who: AdminVisitor, reader_id: int, do: str, until: str
) -> tuple[str, int | None]:
    """Do it; the code of the sentence that says so, and its number."""
    match do:
        case "resend":
            face.ring(readers.resend(face.context, who.name, reader_id))
            return "resent", None
        case "suppress":
            return "suppressed", readers.suppress(face.context, who.name, reader_id).stopped
        case "lift":
            readers.lift(face.context, who.name, reader_id)
            return "lifted", None
        case "pause":
            readers.pause(face.context, who.name, reader_id, _day(until))
            return "paused", None
        case _:
            readers.resume(face.context, who.name, reader_id)
            return "resumed", None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{text!r} is no day: write it like 2026-12-01") from None


def _one(
    request: Request,
    face: Face,
    who: AdminVisitor,
    reader_id: int,
    *,
    before: int | None = None,
    wrong: str = "",
) -> HTMLResponse:
    found = readers.one(face.context, reader_id, before=before, whole=who.may("operator"))
    more = found.made[-1].id if len(found.made) == readers.MADE_MOST else None
    return admin_page(
        request,
        who,
        "reader",
        status=422 if wrong else 200,
        says=SAYS,
        one=found,
        reader=found.row.reader,
        first=before is None,
        more=more,
        wrong=wrong,
    )
