"""Getting in without a password, by mailed links, and out again.

Opening a link changes nothing, since mail scanners open them all: its page has one button, and the
button's POST acts. Whoever gets in gets a new cookie, so that nobody can have chosen it for them.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from tasks.desk import subscribing, visiting
from tasks.desk.addresses import LONGEST, masked
from tasks.desk.limits import net_of
from tasks.desk.visiting import FULL, TUNE
from tasks.errors import LinkOver, UsageError
from tasks.records import LetterKind, Reader
from tasks.store.tickets import SIGN_IN
from workers.web.doors import LOOKING, OURS, end_visit, enter, on_its_way
from workers.web.guard import COOKIE
from workers.web.page import Face, Means, Net, page, see, visitor_of

TUNE_DAYS = 30  # how long the link of a digest leads to the preferences

router = APIRouter()


# --- a link by mail ------------------------------------------------------------------------------
@router.api_route("/sign-in", methods=LOOKING)
def ask(request: Request) -> HTMLResponse:
    """The form that mails a link."""
    return page(request, "sign_in", email="", wrong=False)


@router.post("/sign-in", dependencies=OURS)
def mail_link(
    request: Request, face: Means, net: Net, email: Annotated[str, Form()] = ""
) -> HTMLResponse:
    """Mail a link to that address; to the visitor's own when none is typed. Always the same answer."""
    visitor, typed = visitor_of(request), email.strip()
    own = visitor.reader.email if visitor and typed.lower() in ("", visitor.reader.email) else ""
    try:
        if visitor and own:
            face.ring(subscribing.fresh_link(face.context, visitor.reader.id))
        else:
            face.ring(subscribing.sign_in_link(face.context, typed, net=net_of(net)))
    except UsageError:
        return page(request, "sign_in", status=422, email=typed[:LONGEST], wrong=True)
    return on_its_way(request, face, LetterKind.SIGN_IN, typed=typed, shown=masked(own))


# --- through the door ----------------------------------------------------------------------------
@router.api_route("/in/{secret}", methods=LOOKING)
def door(request: Request, face: Means, secret: str) -> HTMLResponse:
    """Whose link it is, and the button that signs in."""
    reader = subscribing.peek(face.context, secret, SIGN_IN)
    if reader is None:
        raise LinkOver("this link to sign in was used, is too old, or is none of ours")
    return page(request, "in", view="in", address=masked(reader.email))


@router.post("/in/{secret}", dependencies=OURS)
def sign_in(request: Request, face: Means, secret: str) -> RedirectResponse:
    """Sign in; the link is used up."""
    reader = subscribing.sign_in(face.context, secret)
    return enter(request, face, reader.id, FULL, "/my")


@router.api_route("/tune/{mark}", methods=LOOKING)
def preferences_door(request: Request, face: Means, mark: str) -> HTMLResponse:
    """Whose digest the link came with, and the button that leads to the preferences."""
    return page(request, "in", view="tune", address=masked(_tuning(face, mark).email))


@router.post("/tune/{mark}", dependencies=OURS)
def to_preferences(request: Request, face: Means, mark: str) -> RedirectResponse:
    """To the preferences, for a day; who has signed in by a fresh link keeps what that opens."""
    reader, visitor = _tuning(face, mark), visitor_of(request)
    if visitor and visitor.reader.id == reader.id and visitor.scope == FULL:
        return see("/my/preferences")
    return enter(request, face, reader.id, TUNE, "/my/preferences")


@router.post("/sign-out", dependencies=OURS)
def sign_out(request: Request, face: Means) -> RedirectResponse:
    """The visit is over, and its cookie goes."""
    end_visit(request, face)
    answer = see("/")
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer


def _tuning(face: Face, mark: str) -> Reader:
    return visiting.by_mark(face.context, "tune", mark, days=TUNE_DAYS).reader
