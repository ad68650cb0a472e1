"""Signing in by name and password, and out again.

A new visit has a new cookie, so that nobody can have chosen it for the admin; the browser's visit of
before is over. A wrong name and a wrong password get the same answer.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from tasks.office import entering
from tasks.store.admin_visits import LASTS
from workers.web.admin.door import COOKIE, Viewer, admin_page, goodbye, visitor_of, way_back
from workers.web.doors import LOOKING, OURS
from workers.web.page import Means, Net, see

SAYS = {
    "out": "You are signed out.",
    "password": "Your password was changed, and every visit and key of before is over. Sign in again.",
}

router = APIRouter()


@router.api_route("/admin/sign-in", methods=LOOKING)
def ask(request: Request, face: Means, to: str = "") -> Response:
    """The form; who has signed in goes on to where they were going."""
    if visitor_of(request, face):
        return see(way_back(to))
    return _form(request, to=to)


@router.post("/admin/sign-in", dependencies=OURS)
def sign_in(
    request: Request,
    face: Means,
    net: Net,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    to: Annotated[str, Form()] = "",
) -> Response:
    """Sign in, and go on to where one was going."""
    former = request.cookies.get(COOKIE, "")
    secret = entering.sign_in(face.context, name, password, net=net, former=former)
    if secret is None:
        return _form(request, to=to, name=entering.plain(name), wrong=True)
    answer = see(way_back(to))
    lasts = int(LASTS.total_seconds())
    answer.set_cookie(
        COOKIE, secret, max_age=lasts, path="/", secure=True, httponly=True, samesite="lax"
    )
    return answer


@router.post("/admin/sign-out", dependencies=OURS)
def sign_out(request: Request, face: Means) -> Response:
    """The visit is over, and its cookie goes."""
    entering.sign_out(face.context, request.cookies.get(COOKIE, ""))
    return goodbye("out")


@router.post("/admin/stay", dependencies=OURS, status_code=204)
def stay(face: Means, who: Viewer) -> None:
    """A page was opened some time after the last one: the visit is not idle."""
    entering.stay(face.context, who)


def _form(request: Request, *, to: str, name: str = "", wrong: bool = False) -> HTMLResponse:
    return admin_page(
        request,
        None,
        "sign_in",
        status=422 if wrong else 200,
        says=SAYS,
        to=way_back(to),
        name=name,
        wrong=wrong,
    )
