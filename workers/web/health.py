"""Is it alive, and can it work? For machines that watch; it names parts and never says more."""

from __future__ import annotations

import logging
from collections.abc import Callable

import redis
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tasks.store import migrate
from workers.embedded.broker import ping
from workers.web.page import Face, Means

log = logging.getLogger(__name__)
router = APIRouter()


@router.get("/livez")
def livez() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(face: Means) -> JSONResponse:
    """The parts by name, each ``ok`` or ``failed``; 503 when one failed."""
    checks: dict[str, Callable[[Face], None]] = {
        "database": _database,
        "migrations": _migrations,
        "broker": _broker,
    }
    found = {name: _outcome(name, check, face) for name, check in checks.items()}
    return JSONResponse(found, status_code=200 if set(found.values()) == {"ok"} else 503)


def _outcome(name: str, check: Callable[[Face], None], face: Face) -> str:
    try:
        check(face)
    except (SQLAlchemyError, redis.RedisError, LookupError, OSError) as error:
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
