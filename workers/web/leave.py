"""The way out: a page whose one button ends a reader's digests, and the one click of mail programs.

The link's token is all it takes (RFC 8058): no cookie, no password, no redirect, and whichever site the
click comes from. Only a POST changes anything, so that whoever merely opens links (scanners, previews)
ends nobody's digests. The one click's body is never read: the address says it all.

The token stops, pauses and resumes digests, and nothing else: for the rest it mails a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse

from tasks.desk import leaving, subscribing
from tasks.desk.addresses import masked
from tasks.desk.leaving import PAUSE_MOST
from tasks.errors import LinkOver, UsageError
from tasks.hours import is_zone, next_due, zone
from tasks.records import LetterKind, Reader
from tasks.round.context import Context
from tasks.store import readers
from workers.web.doors import LOOKING, OURS, on_its_way
from workers.web.page import Face, Means, page, words_of

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what cannot be one never reaches the database
SHORT, LONG = timedelta(weeks=2), timedelta(days=30)  # pauses to choose by one press
DAY = timedelta(days=1)

router = APIRouter()


def _token(token: str) -> str:
    if not TOKEN.fullmatch(token):
        raise HTTPException(404)
    return token


Token = Annotated[str, Depends(_token)]


@router.api_route("/u/{token}", methods=LOOKING)
def ask(request: Request, face: Means, token: Token) -> HTMLResponse:
    """Whose digests these are, and the button that stops them, or undoes that."""
    reader = _known(face, token)
    return _page(request, face, reader, _standing(reader))


@router.post("/u/{token}")
def leave(request: Request, face: Means, token: Token) -> HTMLResponse:
    """Stop the digests; a second time says the same."""
    return _page(request, face, _done(leaving.leave, face, token), "left")


@router.post("/u/{token}/undo", dependencies=OURS)
def undo(request: Request, face: Means, token: Token) -> HTMLResponse:
    """Digests again, for a reader who had stopped them."""
    reader = _done(leaving.undo, face, token)
    return _page(request, face, reader, "back" if reader.state == "active" else "ask")


@router.post("/u/{token}/pause", dependencies=OURS)
def pause(
    request: Request, face: Means, token: Token, until: Annotated[str, Form()] = ""
) -> HTMLResponse:
    """A pause until that day, in place of leaving."""
    reader = _known(face, token)
    try:
        day = date.fromisoformat(until)
        reader = leaving.pause_instead(face.context, token, day)
    except (ValueError, UsageError):
        return _page(request, face, reader, _standing(reader), wrong=True)
    return _page(request, face, reader, "paused")


@router.post("/u/{token}/link", dependencies=OURS)
def mail_link(request: Request, face: Means, token: Token) -> HTMLResponse:
    """Mail the reader a link to sign in: to delete everything takes more than a link of a mail."""
    reader = _known(face, token)
    face.ring(subscribing.fresh_link(face.context, reader.id))
    return on_its_way(request, face, LetterKind.SIGN_IN, typed="", shown=masked(reader.email))


def _known(face: Face, token: str) -> Reader:
    with face.database.read() as session:
        reader = readers.by_token(session, token)
    if reader is None:
        raise HTTPException(404)
    return reader


def _done(act: Callable[[Context, str], Reader], face: Face, token: str) -> Reader:
    try:
        return act(face.context, token)
    except LinkOver:
        raise HTTPException(404) from None


def _standing(reader: Reader) -> str:
    return "left" if reader.state == "unsubscribed" else "ask"


def _page(
    request: Request, face: Face, reader: Reader, view: str, *, wrong: bool = False
) -> HTMLResponse:
    words, now = words_of(request), face.clock()
    here = zone(reader.timezone if is_zone(reader.timezone) else "UTC")
    today = now.astimezone(here).date()
    coming = next_due(replace(reader, timezone=here.key), now)
    return page(
        request,
        "leave",
        status=422 if wrong else 200,
        view=view,
        wrong=wrong,
        address=masked(reader.email),
        token=reader.token,
        day=words.day(coming.astimezone(here).date(), year=False) if coming else "",
        time=words.time(coming, here) if coming else "",
        zone=here.key,
        back_on=reader.back_on,
        tomorrow=today + DAY,
        latest=today + PAUSE_MOST,
        short=today + SHORT,
        long=today + LONG,
    )
