"""Is it alive, and can it work? For machines that watch.

Whoever asks learns whether this face can serve; the parts by name are for admins and for this machine.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import redis
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tasks.office.alarms import SILENCE, alarms
from tasks.office.picture import look
from tasks.store import migrate
from workers.embedded.broker import ping
from workers.web.admin import door
from workers.web.page import Face, Means

log = logging.getLogger(__name__)
router = APIRouter()


@router.get("/livez")
def livez() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(request: Request, face: Means) -> JSONResponse:
    """Whether it is ready, and to who may know the parts by name; 503 when one of them failed.

    A silent beat or worker is named, and is no failure: this face can serve all the same, and to send its
    readers elsewhere would wake nobody.
    """
    checks: dict[str, Callable[[Face], None]] = {
        "database": _database,
        "migrations": _migrations,
        "broker": _broker,
    }
    found = {name: _outcome(name, check, face) for name, check in checks.items()}
    ready = set(found.values()) == {"ok"}
    body = {"ready": "yes" if ready else "no"}
    if _may_know(request, face, asks=found["migrations"] == "ok"):
        body |= found | (_silence(face) if found["migrations"] == "ok" else {})
    return JSONResponse(body, status_code=200 if ready else 503)


def _may_know(request: Request, face: Face, *, asks: bool) -> bool:
    """Of the database who asks is asked only where it answers."""
    return face.opens_to(request) or (asks and door.visitor_of(request, face) is not None)


def _silence(face: Face) -> dict[str, str]:
    silent = {one.kind for one in alarms(look(face.context), face.clock())}
    return {role: "silent" if role in silent else "ok" for role in SILENCE}


def _outcome(name: str, check: Callable[[Face], None], face: Face) -> str:
    try:
        check(face)
    except (SQLAlchemyError, redis.RedisError, LookupError, ValueError, OSError) as error:
        log.warning("not ready, %s: %s", name, type(error).__name__)
        return "failed"
    return "ok"


def _database(face: Face) -> None:
    with face.database.read() as session:
        session.execute(text("SELECT 1"))


def _migrations(face: Face) -> None:
    if not migrate.at_head(face.database):
        raise LookupError("migrations are missing")


def _broker(face: Face) -> None:
    ping(face.settings.broker)
