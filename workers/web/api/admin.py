"""For admins' programs: whose key it is, and what was done by whom."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tasks.store import audit
from workers.web.api import admin_shapes, shapes
from workers.web.api.admin_door import AdminRoute, KeyViewer
from workers.web.api.paging import NUMBER_MOST, Limit, paged
from workers.web.api.schema import by_pages
from workers.web.page import Means

Words = Annotated[
    str, Query(max_length=100, pattern=r"^[^\x00-\x1f]*$", description="Of that alone.")
]

router = APIRouter(route_class=AdminRoute, tags=["admin"])


@router.get("/admin/me")
def get_admin(who: KeyViewer) -> admin_shapes.AdminAccount:
    """Whose key it is, and what may be done by it."""
    return admin_shapes.AdminAccount.model_validate(who)


@router.get("/admin/audit", responses=by_pages())
def list_audit(
    request: Request,
    response: Response,
    face: Means,
    _: KeyViewer,
    limit: Limit = 30,
    cursor: Annotated[
        int | None, Query(ge=1, le=NUMBER_MOST, description="`next` of the page before.")
    ] = None,
    who: Words = "",
    action: Words = "",
) -> shapes.Page[admin_shapes.Act]:
    """What was done, the newest first."""
    with face.database.read() as session:
        found = audit.rows(session, limit + 1, before=cursor, who=who, action=action)
    items = [admin_shapes.Act.model_validate(one) for one in found[:limit]]
    return paged(request, response, items, items[-1].id if len(found) > limit else None)
