"""Subscribing: an address, a mail, a button. What is answered never tells whether an address is known."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from tasks.desk import subscribing
from tasks.desk.addresses import LONGEST, masked
from tasks.desk.limits import net_of
from tasks.desk.visiting import FULL
from tasks.errors import LinkOver, UsageError
from tasks.records import LetterKind
from tasks.store.tickets import CONFIRM
from workers.web.doors import LOOKING, OURS, enter, on_its_way
from workers.web.page import Means, Net, page, words_of

ZONE_MOST = 64  # characters of a zone's name

router = APIRouter()
Typed = Annotated[str, Form()]


@router.api_route("/subscribe", methods=LOOKING)
def ask(request: Request) -> HTMLResponse:
    """The form alone."""
    return page(request, "subscribe", email="", wrong=False)


@router.post("/subscribe", dependencies=OURS)
def subscribe(
    request: Request,
    face: Means,
    net: Net,
    email: Typed = "",
    zone: Typed = "",
    website: Typed = "",
) -> HTMLResponse:
    """Mail a link to confirm the address. People do not see the field `website`: who fills it is none."""
    typed, zone = email.strip(), zone[:ZONE_MOST]
    language = words_of(request).language
    try:
        if not website:
            rings = subscribing.subscribe(
                face.context, typed, net=net_of(net), zone=zone, language=language
            )
            face.ring(rings)
    except UsageError:
        return page(request, "subscribe", status=422, email=typed[:LONGEST], wrong=True)
    return on_its_way(request, face, LetterKind.CONFIRM, typed=typed, zone=zone)


@router.api_route("/confirm/{secret}", methods=LOOKING)
def door(request: Request, face: Means, secret: str) -> HTMLResponse:
    """Whose address it is, and the button that confirms it."""
    reader = subscribing.peek(face.context, secret, CONFIRM)
    if reader is None:
        return page(request, "in", status=410, view="over")
    return page(request, "in", view="confirm", address=masked(reader.email))


@router.post("/confirm/{secret}", dependencies=OURS)
def confirm(request: Request, face: Means, secret: str) -> Response:
    """The address is its reader's: digests from now on, and in to say what they should bring."""
    try:
        reader = subscribing.confirm(face.context, secret)
    except LinkOver:
        return page(request, "in", status=410, view="over")
    return enter(request, face, reader.id, FULL, "/my/start")
