"""Kept pages: the newest, all about one of them, its bytes as plain text, and reading it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from tasks.errors import UsageError
from tasks.office import pages
from tasks.office.entering import AdminVisitor
from workers.web.admin.door import Operator, Viewer, admin_page, back, viewer
from workers.web.admin.paths import Before, RowId
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Means

PER_PAGE = 50
STATES = ("fetched", "parsed", "quarantined", "dropped")
SAYS = {"again": "It waits to be read once more: a worker does so now."}
# A stranger's bytes: as text alone, in an origin of their own, and not to be framed.
SHUT = "sandbox; default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

router = APIRouter(dependencies=[Depends(viewer)])


@router.api_route("/admin/pages", methods=LOOKING)
def look(
    request: Request,
    face: Means,
    who: Viewer,
    *,
    source: Annotated[str, Query(max_length=200)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    before: Before = None,
) -> HTMLResponse:
    """The newest first: of one source, in one state."""
    asked = {"source": source.replace("\0", ""), "state": state if state in STATES else ""}
    found = pages.last(face.context, PER_PAGE + 1, before=before, **asked)
    shown = found[:PER_PAGE]
    more = shown[-1].id if len(found) > PER_PAGE else None
    return admin_page(
        request, who, "pages", shown=shown, asked=asked, states=STATES, first=not before, more=more
    )


@router.api_route("/admin/pages/{page_id}", methods=LOOKING)
def one(request: Request, face: Means, who: Viewer, page_id: RowId) -> HTMLResponse:
    """All that is known of it, and how it begins."""
    return _one(request, face, who, page_id)


@router.post("/admin/pages/{page_id}", dependencies=OURS)
def again(request: Request, face: Means, who: Operator, page_id: RowId) -> Response:
    """Read it once more."""
    try:
        face.ring(pages.parse_again(face.context, who.name, page_id))
    except UsageError as error:
        return _one(request, face, who, page_id, wrong=str(error))
    return back(f"/admin/pages/{page_id}", "again")


@router.api_route("/admin/pages/{page_id}/raw", methods=LOOKING)
def raw(face: Means, page_id: RowId) -> Response:
    """Its bytes as the parser decodes them, shut in."""
    text = pages.text(face.context, page_id).encode("utf-8", "replace")
    headers = {"Content-Security-Policy": SHUT, "Content-Disposition": "inline"}
    return Response(text, media_type="text/plain; charset=utf-8", headers=headers)


def _one(
    request: Request, face: Face, who: AdminVisitor, page_id: int, wrong: str = ""
) -> HTMLResponse:
    found = pages.whole(face.context, page_id)
    text = pages.text(face.context, page_id)
    return admin_page(
        request,
        who,
        "page",
        status=409 if wrong else 200,
        says=SAYS,
        page=found,
        remedy=pages.remedy(found.row.error),
        beginning=_printed(text[: pages.SHOWN]),
        cut=len(text) > pages.SHOWN,
        wrong=wrong,
    )


def _printed(text: str) -> str:
    """Text that a page can hold: no control characters, no halves of signs."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in whole)
