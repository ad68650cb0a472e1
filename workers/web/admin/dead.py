"""Dead letters: one list of all that was given up, with a way back for each and for many at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from tasks.errors import UnknownName, UsageError
from tasks.office import dead
from tasks.office.entering import AdminVisitor
from tasks.office.many import MANY_MOST
from tasks.render.text import clean
from tasks.store.dead import KINDS, Wanted
from workers.web.admin.door import Operator, Viewer, admin_page, back, viewer
from workers.web.admin.paths import NUMBER_MOST, RowId
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Means

PER_PAGE = 50
SAYS = {
    "retried": "It is tried again.",
    "dropped": "It was given up for good.",
    "allretried": "{n} are tried again.",
    "alldropped": "{n} were given up for good.",
}
Asked = dict[str, str | int]
Do = Literal["retry", "drop"]
Kind = Annotated[str, Query(max_length=20)]
Words = Annotated[str, Query(max_length=dead.ERROR_MOST)]
Days = Annotated[int, Query(ge=0, le=dead.OLDER_MOST.days)]
Cursor = Annotated[str, Query(max_length=40, pattern=r"^(?:[a-z]{1,20}:\d{1,18})?$")]

router = APIRouter(dependencies=[Depends(viewer)])


@router.api_route("/admin/dead", methods=LOOKING)
def look(
    request: Request,
    face: Means,
    who: Viewer,
    *,
    kind: Kind = "",
    error: Words = "",
    days: Days = 0,
    after: Cursor = "",
) -> HTMLResponse:
    """All of them, kind by kind; of one kind, with some words in the error, older than some days."""
    return _list(request, face, who, _asked(kind, error, days), after=after)


@router.api_route("/admin/dead/all", methods=LOOKING)
def ask(
    request: Request,
    face: Means,
    who: Operator,
    do: Do,
    *,
    kind: Kind = "",
    error: Words = "",
    days: Days = 0,
) -> HTMLResponse:
    """How many it would be, and the button."""
    return _confirm(request, face, who, do, _asked(kind, error, days))


@router.post("/admin/dead/all", dependencies=OURS)
def act_on_all(
    request: Request,
    face: Means,
    who: Operator,
    do: Annotated[Do, Form()],
    mark: Annotated[str, Form(max_length=40)],
    *,
    kind: Annotated[str, Form(max_length=20)] = "",
    error: Annotated[str, Form(max_length=dead.ERROR_MOST)] = "",
    days: Annotated[int, Form(ge=0, le=dead.OLDER_MOST.days)] = 0,
) -> Response:
    """Try them again or drop them, if they are those that were seen."""
    asked = _asked(kind, error, days)
    try:
        act = dead.retry_all if do == "retry" else dead.drop_all
        done = act(face.context, who.name, _wanted(asked), mark)
    except UsageError as problem:
        return _confirm(request, face, who, do, asked, wrong=str(problem))
    face.ring(done.rings)
    if done.refused:
        return admin_page(request, who, "dead_done", do=do, done=done, query=_query(asked))
    code = "allretried" if do == "retry" else "alldropped"
    return back(f"/admin/dead?{_query(asked)}", code, done.done)


@router.api_route("/admin/dead/{kind}/{key}", methods=LOOKING)
def one(request: Request, face: Means, who: Viewer, kind: str, key: RowId) -> HTMLResponse:
    """One of them, and what can be done about it."""
    return _one(request, face, who, kind, key)


@router.post("/admin/dead/{kind}/{key}", dependencies=OURS)
def act(
    request: Request,
    face: Means,
    who: Operator,
    kind: str,
    key: RowId,
    do: Annotated[Do, Form()],
) -> Response:
    """Try one again, or drop it."""
    asked = _asked(kind, "", 0)
    try:
        if do == "drop":
            dead.drop(face.context, who.name, kind, key)
        else:
            face.ring(dead.retry(face.context, who.name, kind, key))
    except UnknownName as error:
        return _list(request, face, who, asked, wrong=str(error))
    except UsageError as error:
        return _one(request, face, who, kind, key, wrong=str(error))
    return back(f"/admin/dead?{_query(asked)}", "dropped" if do == "drop" else "retried")


def _asked(kind: str, error: str, days: int) -> Asked:
    return {"kind": kind if kind in KINDS else "", "error": clean(error), "days": days}


def _wanted(asked: Asked) -> Wanted:
    older = timedelta(days=int(asked["days"]))
    return dead.sound(str(asked["kind"]), str(asked["error"]), older)


def _query(asked: Asked) -> str:
    return urlencode({name: value for name, value in asked.items() if value})


def _cursor(text: str) -> tuple[str, int] | None:
    kind, _, number = text.partition(":")
    return (kind, min(int(number), NUMBER_MOST)) if kind in KINDS else None


def _list(
    request: Request,
    face: Face,
    who: AdminVisitor,
    asked: Asked,
    *,
    after: str = "",
    wrong: str = "",
) -> HTMLResponse:
    whole = who.may("operator")
    if not whole and asked["error"]:
        asked, wrong = {**asked, "error": ""}, dead.BY_OPERATORS
    wanted = _wanted(asked)
    found = dead.listed(face.context, wanted, PER_PAGE + 1, after=_cursor(after), whole=whole)
    shown = found[:PER_PAGE]
    more = ""
    if len(found) > PER_PAGE:
        more = urlencode(asked | {"after": f"{shown[-1].kind}:{shown[-1].id}"})
    return admin_page(
        request,
        who,
        "dead",
        status=422 if wrong else 200,
        says=SAYS,
        shown=shown,
        counts=dead.counts(face.context, wanted, whole=whole),
        kinds=tuple(KINDS),
        asked=asked,
        query=_query(asked),
        first=not after,
        more=more,
        wrong=wrong,
    )


def _one(
    request: Request, face: Face, who: AdminVisitor, kind: str, key: int, *, wrong: str = ""
) -> HTMLResponse:
    found = dead.one(face.context, kind, key, whole=who.may("operator"))
    status = 422 if wrong else 200
    return admin_page(request, who, "dead_one", status=status, one=found, wrong=wrong)


def _confirm(
    request: Request,
    face: Face,
    who: AdminVisitor,
    do: str,
    asked: Asked,
    wrong: str = "",
) -> HTMLResponse:
    wanted = _wanted(asked)
    return admin_page(
        request,
        who,
        "dead_all",
        status=409 if wrong else 200,
        do=do,
        asked=asked,
        query=_query(asked),
        counts=dead.counts(face.context, wanted),
        many=dead.many(face.context, wanted),
        most=MANY_MOST,
        wrong=wrong,
    )
