"""The door of the API's admin side: an admin's key, and what its role lets a program do.

Every path under `/admin` is an `AdminRoute`, which nobody passes without a key, and asks for one of
`KeyViewer`, `KeyOperator` and `KeyOwner`. A key may never do more than its admin may by now.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import HTTPException, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer

from tasks.office import entering
from tasks.office.entering import AdminVisitor
from tasks.store.admins import Role
from workers.web.api.careful import LOOKS, Handler, OpenRoute, bearer_of, unknown
from workers.web.api.schema import ADMIN
from workers.web.page import Face

HOW = "show an admin's key, as Authorization: Bearer pra_…; the admin's own page makes one"

_bearer = HTTPBearer(
    scheme_name=ADMIN, auto_error=False, description="An admin's key: `Bearer pra_…`"
)


class AdminRoute(OpenRoute):
    """A route for admins' programs, which is reached with a key alone."""

    def get_route_handler(self) -> Handler:
        """The handler, given the admin whose key it is."""
        handle = super().get_route_handler()

        async def keyed(request: Request) -> Response:
            request.state.admin = await run_in_threadpool(_owner, request)
            return await handle(request)

        return keyed


def _owner(request: Request) -> AdminVisitor:
    """Whose key is shown. Raises a 401."""
    face: Face = request.app.state.face
    secret = bearer_of(request)
    found = entering.key_owner(face.context, secret) if secret is not None else None
    if found is None:
        raise unknown(secret, HOW)
    if request.method not in LOOKS:
        entering.key_used(face.context, found)
    return found


def _viewer(request: Request, _: Annotated[object, Security(_bearer)]) -> AdminVisitor:
    found: AdminVisitor = request.state.admin
    return found


KeyViewer = Annotated[AdminVisitor, Security(_viewer)]


def _operator(who: KeyViewer) -> AdminVisitor:
    return _with(Role.OPERATOR, who)


def _manager(who: KeyViewer) -> AdminVisitor:
    return _with(Role.OWNER, who)


def _with(needed: Role, who: AdminVisitor) -> AdminVisitor:
    if not who.may(needed):
        raise HTTPException(403, f"this takes the key of an {needed}; yours is of a {who.role}")
    return who


KeyOperator = Annotated[AdminVisitor, Security(_operator)]
KeyOwner = Annotated[AdminVisitor, Security(_manager)]
