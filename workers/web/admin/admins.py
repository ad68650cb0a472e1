"""Who the admins are, for owners: their roles, their visits, and an end to it.

New ones are made at the machine itself. What gives or takes power asks for the owner's own password.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from tasks.errors import UsageError
from tasks.office import admins, entering
from tasks.office.entering import AdminVisitor
from tasks.store.admins import Role
from workers.web.admin.door import Owner, admin_page, back, owner
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Means, Net

SAYS = {
    "role": "The role was changed; visits and keys of before are over.",
    "ended": "Signed out everywhere: {n} visits ended.",
    "removed": "The admin was removed; what they did stays in the audit.",
}

router = APIRouter(dependencies=[Depends(owner)])
Password = Annotated[str, Form()]


@router.api_route("/admin/admins", methods=LOOKING)
def look(request: Request, face: Means, who: Owner) -> HTMLResponse:
    """All of them."""
    return admin_page(request, who, "admins", says=SAYS, admins=admins.listed(face.context))


@router.api_route("/admin/admins/{name}", methods=LOOKING)
def one(request: Request, face: Means, who: Owner, name: str) -> HTMLResponse:
    """One of them, and what can be done."""
    return _page(request, face, who, name)


@router.post("/admin/admins/{name}/role", dependencies=OURS)
def set_role(
    request: Request,
    face: Means,
    who: Owner,
    net: Net,
    name: str,
    *,
    role: Annotated[Role, Form()],
    password: Password = "",
) -> Response:
    """Another role."""
    try:
        entering.prove(face.context, who, password, net=net)
        admins.set_role(face.context, who.name, _known(name), role)
    except UsageError as error:
        return _page(request, face, who, name, wrong=("role", str(error)))
    return back("/admin/admins", "role")


@router.post("/admin/admins/{name}/visits/end", dependencies=OURS)
def end_visits(face: Means, who: Owner, name: str) -> Response:
    """Signed out everywhere."""
    ended = admins.end_visits(face.context, who.name, _known(name))
    return back("/admin/admins", "ended", ended)


@router.post("/admin/admins/{name}/remove", dependencies=OURS)
def remove(
    request: Request,
    face: Means,
    who: Owner,
    net: Net,
    name: str,
    *,
    sure: Annotated[bool, Form()] = False,
    password: Password = "",
) -> Response:
    """No admin any more."""
    try:
        if not sure:
            raise UsageError("say that you are sure: who is removed must be made anew")
        entering.prove(face.context, who, password, net=net)
        admins.remove(face.context, who.name, _known(name))
    except UsageError as error:
        return _page(request, face, who, name, wrong=("remove", str(error)))
    return back("/admin/admins", "removed")


def _known(name: str) -> str:
    """A name that can be somebody's: nothing else is asked of the database."""
    if entering.plain(name) != name:
        raise HTTPException(404)
    return name


def _page(
    request: Request, face: Face, who: AdminVisitor, name: str, *, wrong: tuple[str, str] = ("", "")
) -> HTMLResponse:
    """The page; `wrong` names a form and what is wrong with what was typed there."""
    return admin_page(
        request,
        who,
        "admin",
        status=422 if wrong[0] else 200,
        seen=admins.find(face.context, _known(name)),
        roles=list(Role),
        wrong=wrong,
    )
