"""The way out: a page whose one button ends a reader's digests, and the one click of mail programs.

The link's token is all it takes (RFC 8058): no cookie, no password, no redirect, and whichever site the
click comes from. Only a POST changes anything, so that whoever merely opens links (scanners, previews)
ends nobody's digests. A body is never read: the address says it all.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from tasks.hours import next_due
from tasks.records import Reader
from tasks.store import readers
from workers.web.guard import comes_from_our_page
from workers.web.page import Means, page

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what cannot be one never reaches the database

router = APIRouter()


def _token(token: str) -> str:
    if not TOKEN.fullmatch(token):
        raise HTTPException(404)
    return token


def _from_our_page(request: Request, face: Means) -> None:
    if not comes_from_our_page(request, face.settings):
        raise HTTPException(403)


Token = Annotated[str, Depends(_token)]


@router.api_route("/u/{token}", methods=["GET", "HEAD"])
def ask(request: Request, face: Means, token: Token) -> HTMLResponse:
    """Whose digests these are, and the button that stops them, or undoes that."""
    with face.database.read() as session:
        reader = _known(session, token)
        view = "left" if readers.has_left(session, reader.id) else "ask"
    return _page(request, reader, view)


@router.post("/u/{token}")
def leave(request: Request, face: Means, token: Token) -> HTMLResponse:
    """Stop the digests; a second time says the same."""
    with face.database.write() as session:
        if not readers.leave(session, token):
            raise HTTPException(404)
        reader = _known(session, token)
    return _page(request, reader, "left")


@router.post("/u/{token}/undo", dependencies=[Depends(_from_our_page)])
def undo(request: Request, face: Means, token: Token) -> HTMLResponse:
    """Digests again, for a reader who had stopped them."""
    with face.database.write() as session:
        reader = _known(session, token)
        coming = next_due(reader, face.clock())
        readers.come_back(session, token, next_digest_at=coming)
        view = "back" if readers.is_active(session, reader.id) else "ask"
    return _page(request, reader, view, coming=coming)


def masked(address: str) -> str:
    """An address that its owner knows again and nobody else learns: ``a…@readers.example``."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"


def _known(session: Session, token: str) -> Reader:
    reader = readers.by_token(session, token)
    if reader is None:
        raise HTTPException(404)
    return reader


def _page(
    request: Request, reader: Reader, view: str, coming: datetime | None = None
) -> HTMLResponse:
    address = masked(reader.email)
    return page(request, "leave", view=view, address=address, token=reader.token, coming=coming)
