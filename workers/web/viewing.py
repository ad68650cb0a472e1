"""A digest in the browser, as it was sent."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from tasks.desk import visiting
from tasks.store import deliveries
from workers.web.doors import LOOKING
from workers.web.mails import SANDBOX, opened, part_of
from workers.web.page import Means, page

router = APIRouter()


@router.api_route("/view/{mark}", methods=LOOKING)
def view(request: Request, face: Means, mark: str) -> HTMLResponse:
    """The digest that the mark was made for; its html is shut in, since it quotes strangers."""
    marked = visiting.by_mark(face.context, "view", mark)
    with face.database.read() as session:
        message = deliveries.of_digest(session, marked.facts[0], marked.reader.id)
    if message is None:
        raise HTTPException(404)
    mail = opened(message.body)
    html = part_of(mail, "html")
    if html is None:
        return page(request, "view", text=part_of(mail, "plain") or "")
    return HTMLResponse(html, headers={"Content-Security-Policy": SANDBOX})
