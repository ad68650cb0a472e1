"""What the ways in and out share: whose a link is, what is said of a mailed one, and the visit's cookie."""

from __future__ import annotations

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from tasks.desk import visiting
from tasks.desk.letters import HOLDS
from tasks.desk.limits import EACH_ADDRESS
from tasks.desk.visiting import LASTS
from tasks.records import LetterKind
from workers.web.guard import COOKIE
from workers.web.page import Face, from_our_page, page, see, words_of

LOOKING = ["GET", "HEAD"]
OURS = [Depends(from_our_page)]


def on_its_way(
    request: Request, face: Face, kind: LetterKind, *, typed: str, shown: str = "", zone: str = ""
) -> HTMLResponse:
    """What comes by mail, from whom, for how long, and what to do when nothing comes.

    It says of the address what was `typed`, or what may be `shown` of it.
    """
    words, settings = words_of(request), face.settings
    in_folder = not settings.smtp_url.get_secret_value() and face.opens_to(request)
    return page(
        request,
        "sent",
        kind=kind.value,
        typed=typed,
        shown=typed or shown,
        zone=zone,
        holds=words.span(HOLDS[kind]),
        pause=words.span(EACH_ADDRESS[0].within),
        sender=settings.sender,
        sender_name=settings.sender_name,
        mailbox=settings.mailbox if in_folder else None,
    )


def enter(request: Request, face: Face, reader_id: int, scope: str, to: str) -> RedirectResponse:
    """A new visit begins, the one before it is over, and the browser goes on to that page."""
    end_visit(request, face)
    secret = visiting.begin(face.context, reader_id, scope)
    answer = see(to)
    lasts = int(LASTS[scope].total_seconds())
    answer.set_cookie(
        COOKIE, secret, max_age=lasts, path="/", secure=True, httponly=True, samesite="lax"
    )
    return answer


def end_visit(request: Request, face: Face) -> None:
    """The visit of this browser is over, if there is one."""
    secret = request.cookies.get(COOKIE, "")
    if secret:
        visiting.end(face.context, secret)
