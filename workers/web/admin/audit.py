"""Who did what: every change by an admin, and who came in."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from tasks.render.text import clean
from tasks.store import audit
from workers.web.admin.door import Viewer, admin_page
from workers.web.doors import LOOKING
from workers.web.page import Means

PER_PAGE = 50

router = APIRouter()
Words = Annotated[str, Query(max_length=200)]


@router.api_route("/admin/audit", methods=LOOKING)
def look(
    request: Request,
    face: Means,
    visitor: Viewer,
    *,
    who: Words = "",
    action: Words = "",
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
) -> HTMLResponse:
    """The newest first; by one name alone, of one action alone, older than some row."""
    asked = {"who": clean(who), "action": clean(action)}
    with face.database.read() as session:
        found = audit.rows(session, PER_PAGE + 1, before=before, **asked)
        names, actions = audit.choices(session)
    shown = found[:PER_PAGE]
    older = urlencode(asked | {"before": shown[-1].id}) if len(found) > PER_PAGE else ""
    return admin_page(
        request,
        visitor,
        "audit",
        acts=shown,
        asked=asked,
        names=sorted({*names, asked["who"]} - {""}),
        actions=sorted({*actions, asked["action"]} - {""}),
        first=before is None,
        older=older,
    )
