"""The web face as one ASGI app: the papers for everybody, a reader's own pages, the API, health.

No GET changes anything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from threading import Thread

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

import templates
from tasks import logs
from tasks.desk import outlook
from tasks.errors import Conflict, LinkOver, TooMany, UnknownName, UsageError
from tasks.pipeline import ring
from tasks.records import Ring
from tasks.round.context import Context, utc_now
from tasks.settings import Settings, current
from tasks.store.database import Database
from workers.pulse import Pulse, stand_in
from workers.web import (
    about,
    advice,
    answers,
    data,
    editions,
    feeds,
    giving,
    health,
    interests,
    leave,
    mails,
    metrics,
    my,
    own_feeds,
    papers,
    preferences,
    searching,
    signing,
    starting,
    static,
    status,
    subscribing,
    trials,
    versions,
    viewing,
    why,
)
from workers.web.admin import door
from workers.web.admin.faces import ADMIN_FACES
from workers.web.api import problems
from workers.web.api.app import BASE, make_api
from workers.web.guard import Guard
from workers.web.page import FRESH, Face, page, see, words_of

FACES = (
    editions,
    papers,
    searching,
    feeds,
    about,
    subscribing,
    signing,
    starting,
    giving,
    viewing,
    my,
    interests,
    versions,
    trials,
    why,
    advice,
    preferences,
    answers,
    data,
    own_feeds,
    leave,
    status,
    mails,
    health,
    metrics,
    static,
    *ADMIN_FACES,
)


def served() -> ASGIApp:
    """The web face of this process's settings, which wakes the workers where it has work for them."""
    logs.install(current().log_format)
    return make_app(ring=ring, warm=True)


def make_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] = utc_now,
    ring: Callable[[Iterable[Ring]], object] = list,
    warm: bool = False,
) -> ASGIApp:
    """The web face on these settings; on this process's, when none are given.

    Without a `ring` nobody is woken, and the next tick finds what there is to do. A `warm` face reads
    the papers of the last weeks at its start, and not when the first preview is asked for; it shows life,
    and looks for alarms where nobody else does.
    """
    chosen = settings or current()
    templates.reload_changed(chosen.develop)
    context = Context(settings=chosen, database=Database(chosen.database), clock=clock)

    pulse = Pulse(context, "web", also=stand_in)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if warm:
            Thread(target=outlook.warm_up, args=(context,), daemon=True).start()
            pulse.start()
        yield
        if warm:
            pulse.stop()
        context.close()

    app = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=lifespan
    )
    app.state.face = Face(context, ring)
    for face in FACES:
        app.include_router(face.router)
    app.mount(BASE, make_api(app.state.face))
    for error, answer in ANSWERS.items():
        app.add_exception_handler(error, answer)
    return Guard(app, chosen)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 401 and request.method in ("GET", "HEAD"):
        return see("/sign-in")
    answer = _error(request, error.status_code, "" if error.detail != FRESH else FRESH)
    answer.headers.update(error.headers or {})
    return answer


def _unreadable(request: Request, _: Exception) -> Response:
    return _error(request, 400)


def _asked_wrongly(request: Request, error: Exception) -> Response:
    code = next(code for kind, code in CODES.items() if isinstance(error, kind))
    said = words_of(request).span(error.wait) if isinstance(error, TooMany) else ""
    told = code != 429 and (code == 400 or door.is_admins(request.scope["path"]))
    answer = _error(request, code, str(error) if told else said)
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(int(error.wait.total_seconds()) + 1)
    return answer


def _not_ready(request: Request, _: Exception) -> Response:
    return _error(request, 503)


def _broken(request: Request, _: Exception) -> Response:
    return _error(request, 500)


def _error(request: Request, code: int, said: str = "") -> Response:
    if problems.told_to(request.url.path):
        return problems.answer(request, code, said)
    if door.is_admins(request.scope["path"]):
        return door.admin_error(request, code, said)
    return page(request, "error", status=code, code=code, said=said)


CODES = {LinkOver: 410, UnknownName: 404, Conflict: 409, UsageError: 400, TooMany: 429}
ANSWERS: dict[type[Exception], Callable[[Request, Exception], Response]] = {
    door.TurnedAway: door.turned_away,
    HTTPException: _refused,
    RequestValidationError: _unreadable,
    UsageError: _asked_wrongly,
    TooMany: _asked_wrongly,
    SQLAlchemyError: _not_ready,
    Exception: _broken,
}
