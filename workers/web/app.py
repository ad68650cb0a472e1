"""The web face as one ASGI app. It shows, and lets a reader leave: no GET changes anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from tasks.settings import Settings, current
from tasks.store.database import Database
from workers.web import health, leave, mails, status
from workers.web.guard import Guard
from workers.web.page import CSS, CSS_MARK, Face, page

FOR_EVER = "public, max-age=31536000, immutable"
WORDS = {
    400: ("This cannot be read", "Something in the address is not what this page expects."),
    403: ("Not from there", "Open the link in your mail, and press the button on its page."),
    404: ("No such page", "Nothing lives at this address."),
    405: ("Not in this way", "What lives at this address is not asked for like this."),
    500: ("Something broke", "It is in the log. Nothing was changed or lost."),
    503: ("Not ready", "The database does not answer, or has not got its tables yet."),
}


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def make_app(
    settings: Settings | None = None, *, clock: Callable[[], datetime] = utc_now
) -> ASGIApp:
    """The web face on these settings; on this process's, when none are given."""
    chosen = settings or current()
    database = Database(chosen.database)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        database.close()

    app = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=lifespan
    )
    app.state.face = Face(chosen, database, clock)
    app.add_api_route("/static/app.css", stylesheet)
    for face in (status, mails, leave, health):
        app.include_router(face.router)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(SQLAlchemyError, _not_ready)
    app.add_exception_handler(Exception, _broken)
    return Guard(app, chosen)


def stylesheet(v: str = "") -> Response:
    """The style sheet; kept for ever under the mark of its content."""
    kept = {"Cache-Control": FOR_EVER} if v == CSS_MARK else {}
    return Response(CSS, media_type="text/css", headers=kept)


def _refused(request: Request, error: Exception) -> Response:
    code = error.status_code if isinstance(error, HTTPException) else 400
    answer = _error(request, code)
    if isinstance(error, HTTPException):
        answer.headers.update(error.headers or {})
    return answer


def _not_ready(request: Request, _: Exception) -> Response:
    return _error(request, 503)


def _broken(request: Request, _: Exception) -> Response:
    return _error(request, 500)


def _error(request: Request, code: int) -> Response:
    title, words = WORDS.get(code, WORDS[404])
    return page(request, "error", status=code, title=title, words=words)
