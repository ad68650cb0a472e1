"""The settings that are in force, and where each comes from."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from tasks.office import settings
from workers.web.admin.door import Viewer, admin_page, viewer
from workers.web.doors import LOOKING
from workers.web.page import Means

router = APIRouter(dependencies=[Depends(viewer)])


@router.api_route("/admin/settings", methods=LOOKING)
def look(request: Request, face: Means, who: Viewer) -> HTMLResponse:
    """All of them; of secrets only whether they are set."""
    return admin_page(request, who, "settings", settings=settings.in_force(face.context))
