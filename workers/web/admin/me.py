"""An admin's own page: password, address, visits, and keys for programs.

Whoever sits down at somebody's open browser can neither change the password nor make a key: both take
the password.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from tasks.errors import UsageError
from tasks.office import admins, entering, programs
from tasks.office.entering import AdminVisitor
from tasks.office.passwords import LEAST, MOST
from tasks.office.programs import KEYS_MOST, NAME_MOST
from tasks.store.admin_keys import Key
from tasks.store.admins import Role
from workers.web.admin.door import Viewer, admin_page, back, goodbye
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Means, Net

NUMBER_MOST = 2**63 - 1  # what a row may be numbered
SAYS = {
    "address": "The address for alarms was changed.",
    "ended": "That browser is signed out.",
    "revoked": "The key opens nothing any more.",
}

router = APIRouter()
Text = Annotated[str, Form()]


@router.api_route("/admin/me", methods=LOOKING)
def look(request: Request, face: Means, who: Viewer) -> HTMLResponse:
    """All of it."""
    return _page(request, face, who)


@router.post("/admin/me/password", dependencies=OURS)
def change_password(
    request: Request,
    face: Means,
    who: Viewer,
    net: Net,
    old: Text = "",
    new: Text = "",
    again: Text = "",
) -> Response:
    """Another password; every visit is over, this one too, and every key is void."""
    try:
        if new != again:
            raise UsageError("the new password was typed in two ways")
        admins.change_password(face.context, who, old, new, net=net)
    except UsageError as error:
        return _page(request, face, who, wrong=("password", str(error)))
    return goodbye("password")


@router.post("/admin/me/email", dependencies=OURS)
def change_email(request: Request, face: Means, who: Viewer, email: Text = "") -> Response:
    """Where alarms go."""
    try:
        admins.set_email(face.context, who.name, who.name, email.strip())
    except UsageError as error:
        return _page(request, face, who, wrong=("email", str(error)))
    return back("/admin/me", "address")


# --- visits --------------------------------------------------------------------------------------
@router.post("/admin/me/visits/{visit}/end", dependencies=OURS)
def end_visit(face: Means, who: Viewer, visit: int) -> Response:
    """One browser is signed out; it may be this one."""
    admins.end_visit(face.context, who, _number(visit))
    return goodbye("out") if visit == who.visit_id else back("/admin/me", "ended")


@router.post("/admin/me/visits/end", dependencies=OURS)
def end_visits(face: Means, who: Viewer) -> Response:
    """Every browser is signed out, this one too."""
    admins.end_visits(face.context, who.name, who.name)
    return goodbye("out")


# --- keys ----------------------------------------------------------------------------------------
@router.post("/admin/me/keys", dependencies=OURS)
def make_key(
    request: Request,
    face: Means,
    who: Viewer,
    net: Net,
    role: Annotated[Role, Form()],
    name: Text = "",
    password: Text = "",
) -> HTMLResponse:
    """A new key; its secret is shown on this page alone."""
    try:
        proved = entering.prove(face.context, who, password, net=net)
        made = programs.make_own(face.context, proved, name, role=role)
    except UsageError as error:
        return _page(request, face, who, wrong=("key", str(error)), typed=name[: 2 * NAME_MOST])
    return _page(request, face, who, made=made)


@router.post("/admin/me/keys/{key}/revoke", dependencies=OURS)
def revoke_key(face: Means, who: Viewer, key: int) -> Response:
    """The key opens nothing any more."""
    programs.revoke(face.context, who.name, who.name, _number(key))
    return back("/admin/me", "revoked")


def _number(of_a_row: int) -> int:
    if not 0 < of_a_row <= NUMBER_MOST:
        raise HTTPException(404)
    return of_a_row


def _page(
    request: Request,
    face: Face,
    who: AdminVisitor,
    *,
    wrong: tuple[str, str] = ("", ""),
    typed: str = "",
    made: tuple[Key, str] | None = None,
) -> HTMLResponse:
    """The page; `wrong` names a form and what is wrong with what was typed there."""
    seen = admins.find(face.context, who.name)
    keys = programs.listed(face.context, who.name)
    return admin_page(
        request,
        who,
        "me",
        status=422 if wrong[0] else 200,
        says=SAYS,
        seen=seen,
        keys=keys,
        full=len(keys) >= KEYS_MOST,
        roles=[role for role in Role if who.may(role)],
        made=made,
        wrong=wrong,
        typed=typed,
        longest=NAME_MOST,
        least=LEAST,
        most=MOST,
    )
