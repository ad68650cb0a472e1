"""What this is, in a page."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from workers.web.shown import public

router = APIRouter()


@router.api_route("/about", methods=["GET", "HEAD"])
def about(request: Request) -> HTMLResponse:
    """What it is, how papers are chosen, what is kept of readers, and where the limits are."""
    return public(request, "about")
