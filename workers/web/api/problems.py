"""Every refusal as `application/problem+json` (RFC 9457): what is wrong, and what would be right.

Of a fault in a body or a parameter its place is told, and never what stood there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from tasks.errors import Conflict, TooMany, UnknownName, UsageError

MEDIA = "application/problem+json"
SAID_MOST = 300  # characters of one sentence
FAULTS_MOST = 20  # of a body in which everything is wrong
NAME_MOST = 60  # characters of a field's name
AGAIN = {"Retry-After": "30"}  # seconds: a database that starts anew is there by then
CODES: dict[type[Exception], int] = {UnknownName: 404, Conflict: 409, UsageError: 422}
TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}  # as RFC 9110 calls them


class Fault(BaseModel):
    """One thing that is wrong in what was sent: where it stands, and what is wrong."""

    loc: list[str]
    msg: str


class Problem(BaseModel):
    """Why there is no answer. `errors` stands only where a field, a parameter or a header is wrong."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "there is no paper 4711",
                    "instance": "/api/v1/papers/4711",
                }
            ]
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    instance: str
    errors: list[Fault] = Field(default_factory=list)


def told_to(path: str) -> bool:
    """Whether programs ask there."""
    return path == "/api" or path.startswith("/api/")


def answer(
    request: Request,
    status: int,
    detail: str = "",
    *,
    faults: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The problem as an answer."""
    problem = Problem(
        title=TITLES.get(status) or HTTPStatus(status).phrase,
        status=status,
        detail=_short(detail, SAID_MOST),
        instance=_short(request.url.path, SAID_MOST),
        errors=faults or [],
    )
    body = problem.model_dump(exclude_defaults=True) | {"type": problem.type}
    return JSONResponse(body, status, headers, media_type=MEDIA)


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status, headers = error.status_code, dict(error.headers or {})
    detail = "" if error.detail == HTTPStatus(status).phrase else error.detail
    if status == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return answer(request, status, detail, headers=headers)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        Fault(loc=[_short(str(part), NAME_MOST) for part in found["loc"]], msg=_short(found["msg"]))
        for found in error.errors()[:FAULTS_MOST]
    ]
    return answer(request, 422, "what was sent is not what is asked for", faults=faults)


def _asked_wrongly(request: Request, error: Exception) -> JSONResponse:
    status = next(code for kind, code in CODES.items() if isinstance(error, kind))
    return answer(request, status, str(error))


def _too_many(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TooMany)
    wait = str(int(error.wait.total_seconds()) + 1)
    return answer(request, 429, str(error), headers={"Retry-After": wait})


def _not_ready(request: Request, _: Exception) -> JSONResponse:
    return answer(request, 503, "the database does not answer: try again later", headers=AGAIN)


def _broken(request: Request, _: Exception) -> JSONResponse:
    return answer(request, 500, "this is our fault, and stands in the log")


def _methods(request: Request) -> list[str]:
    """What may be asked of this path, of all its routes."""
    found = set()
    for method in ("GET", "PUT", "PATCH", "POST", "DELETE"):
        scope = dict(request.scope) | {"method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            found |= {method} | ({"HEAD"} if method == "GET" else set())
    return sorted(found)


def _short(text: str, most: int = SAID_MOST) -> str:
    """Text that can be sent: not too long, and without halves of characters."""
    return text[:most].encode("utf-8", "replace").decode()


ANSWERS: dict[type[Exception], Callable[[Request, Any], JSONResponse]] = {
    HTTPException: _refused,
    RequestValidationError: _invalid,
    UsageError: _asked_wrongly,
    TooMany: _too_many,
    SQLAlchemyError: _not_ready,
    Exception: _broken,
}
