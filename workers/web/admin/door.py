"""The door of the admin's side: who asks, what their role lets them do, and how their pages are made.

Every route under `/admin` depends on one of `Viewer`, `Operator` and `Owner`, its router's or its own:

    router = APIRouter(dependencies=[Depends(viewer)])

    @router.post("/admin/things/{name}/drop")
    def drop(face: Means, who: Operator, name: str) -> Response:
        things.drop(face.context, who.name, name)
        return back("/admin/things", "dropped")

Who has not signed in is led to the page for it, or told so; who may not is told which role may.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

import templates
from tasks.office import entering
from tasks.office.entering import STALE, AdminVisitor
from tasks.store.admins import Role
from workers.web import static
from workers.web.page import Face, Means, distance, see, timed

COOKIE = "__Host-paperround-admin"  # holds the secret of an admin's visit
SAFE = ("GET", "HEAD")
LANGUAGE = "en"  # the only one of these pages
ROOM = re.compile(r"/admin(?:/.*)?", re.DOTALL)
# A path of ours: without dots and backslashes, so that no browser makes another host or room of it.
_WAY = re.compile(r"/admin(?:/[\w~-]{1,80}){0,4}(?:\?[\w=&%+~-]{0,200})?", re.ASCII)
_SAID = re.compile(r"([a-z]{1,24})(?:-(\d{1,12}))?", re.ASCII)


class TurnedAway(HTTPException):
    """Nobody has signed in (401), or their role is not `needed` (403)."""

    def __init__(self, status: int, needed: Role = Role.VIEWER) -> None:
        super().__init__(status)
        self.needed = needed


# --- who asks ------------------------------------------------------------------------------------
def visitor_of(request: Request, face: Face) -> AdminVisitor | None:
    """The admin who has signed in with the browser that asks."""
    if not hasattr(request.state, "admin"):
        secret = request.cookies.get(COOKIE, "")
        request.state.admin = entering.visitor(face.context, secret) if secret else None
    return known(request)


def known(request: Request) -> AdminVisitor | None:
    """The same, where somebody asked before: of the database nothing is asked."""
    found: AdminVisitor | None = getattr(request.state, "admin", None)
    return found


def viewer(request: Request, face: Means) -> AdminVisitor:
    """Any admin. Raises `TurnedAway`."""
    found = visitor_of(request, face)
    if found is None:
        raise TurnedAway(401)
    return found


def operator(who: Annotated[AdminVisitor, Depends(viewer)]) -> AdminVisitor:
    """An admin who may act. Raises `TurnedAway`."""
    return _with(Role.OPERATOR, who)


def owner(who: Annotated[AdminVisitor, Depends(viewer)]) -> AdminVisitor:
    """An admin who may manage admins. Raises `TurnedAway`."""
    return _with(Role.OWNER, who)


def _with(needed: Role, who: AdminVisitor) -> AdminVisitor:
    if not who.may(needed):
        raise TurnedAway(403, needed)
    return who


Viewer = Annotated[AdminVisitor, Depends(viewer)]
Operator = Annotated[AdminVisitor, Depends(operator)]
Owner = Annotated[AdminVisitor, Depends(owner)]


# --- pages ---------------------------------------------------------------------------------------
def admin_page(
    request: Request,
    who: AdminVisitor | None,
    name: str,
    /,
    *,
    status: int = 200,
    says: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """The page ``web/admin/{name}.html``, for that admin; it knows `who`, `now`, `told`, `path` and `said`.

    `says` are the sentences about what was done just before, by the codes that `back` was given; ``{n}`` in
    one is the number that came with it.
    """
    face: Face = request.app.state.face
    now = face.clock()
    words = templates.words_for(LANGUAGE)
    html = templates.render(
        f"web/admin/{name}.html",
        words,
        assets=static.ADDRESSES,
        here=name,
        opens=face.opens_to(request),
        visitor=None,
        who=who,
        path=request.scope["path"],
        said=_said(request.query_params.get("said", ""), says or {}),
        away=who is not None and who.seen_at is not None and now - who.seen_at > STALE,
        now=now,
        told=lambda moment: timed(moment, distance(now, moment)) if moment else "never",
        **values,
    )
    return HTMLResponse(html, status_code=status)


def back(path: str, said: str = "", n: int | None = None) -> RedirectResponse:
    """On to a page of ours after a form was taken; it says the sentence of that code, and the number."""
    code = said if n is None else f"{said}-{n}"
    mark = "&" if "?" in path else "?"
    return see(f"{path}{mark}said={code}" if said else path)


def goodbye(said: str) -> RedirectResponse:
    """On to the page for signing in, which says the sentence of that code; the visit's cookie goes."""
    answer = back("/admin/sign-in", said)
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def _said(code: str, says: Mapping[str, str]) -> str:
    found = _SAID.fullmatch(code)
    return says.get(found[1], "").replace("{n}", f"{int(found[2] or 0):,}") if found else ""


# --- who may not ---------------------------------------------------------------------------------
def is_admins(path: str) -> bool:
    """Whether the admin's pages are there."""
    return ROOM.fullmatch(path) is not None


def turned_away(request: Request, error: Exception) -> Response:
    """To the page for signing in, and from there back to what was asked for; or why not."""
    assert isinstance(error, TurnedAway)
    if error.status_code == 401 and request.method in SAFE:
        if request.headers.get("hx-request"):  # it would put the page for signing in into this one
            return Response(status_code=401, headers={"HX-Redirect": "/admin/sign-in"})
        return see(f"/admin/sign-in?to={quote(way_back(_asked(request)), safe='')}")
    return admin_page(
        request,
        known(request),
        "turned_away",
        status=error.status_code,
        needed=error.needed.value,
    )


def admin_error(request: Request, code: int, said: str = "") -> HTMLResponse:
    """A refusal or a fault on the admin's side, in so many words. It asks nothing of the database."""
    return admin_page(request, known(request), "error", status=code, code=code, reason=said)


def way_back(path: str) -> str:
    """The path, if it is one of the admin's pages that may be gone back to; else the first of them."""
    return path if _WAY.fullmatch(path) else "/admin"


def _asked(request: Request) -> str:
    query = request.scope["query_string"].decode("latin-1")
    path: str = request.scope["path"]
    return f"{path}?{query}" if query else path
