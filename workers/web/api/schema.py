"""The OpenAPI document: every answer that can come, refusals too."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from workers.web.api.problems import MEDIA, TITLES, Problem

VERSION = "1"
ADMIN = "admin key"  # the scheme of what only admins' programs may do
TEMPLATE = "#/components/schemas/{model}"
ALWAYS = (422, 500, 503)
WITH_BODY = (400, 413)
WITH_KEY = (401,)
WITH_ROLE = (403,)  # of an admin's key
WITH_PARTS = (404,)  # of a path that names something
HEADERS = {
    304: {"ETag": "What If-None-Match and If-Match want."},
    401: {"WWW-Authenticate": "How to show a key."},
    429: {"Retry-After": "Seconds to wait."},
    503: {"Retry-After": "Seconds to wait."},
}
ABOUT = """The same as Paperround's pages, for programs. Errors are `application/problem+json`.

Make a key on the page of your keys, and show it as `Authorization: Bearer pr_…`. What stands under
`/admin` takes an admin's key, `Bearer pra_…`, and each key a role: viewers look, operators act, owners
manage admins."""


def says(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Answers of one operation, beside those that every one may come to."""
    return {code: _answer(code) for code in codes}


def tagged(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The same of an operation that answers with a tag."""
    tag = _headers(HEADERS[304])
    return says(*codes) | {200: {"headers": tag}}


def by_pages(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The same of an operation that answers by pages."""
    link = _headers({"Link": "The page that follows, as rel=next; none on the last one."})
    link["Link"]["required"] = False
    return says(*codes) | {200: {"headers": link}}


def _answer(code: int) -> dict[str, Any]:
    words = TITLES.get(code) or HTTPStatus(code).phrase
    return {"description": words, "headers": _headers(HEADERS.get(code, {}))}


def _headers(told: dict[str, str]) -> dict[str, Any]:
    schema = {"schema": {"type": "string"}, "required": True}
    return {name: {"description": words, **schema} for name, words in told.items()}


def described(api: FastAPI, base: str) -> dict[str, Any]:
    """The document of this API, which stands at `base`."""
    made = get_openapi(title="Paperround", version=VERSION, description=ABOUT, routes=api.routes)
    made["servers"] = [{"url": base}]
    schemas = made["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = Problem.model_json_schema(ref_template=TEMPLATE)
    schemas |= problem.pop("$defs") | {"Problem": problem}
    for operation in _operations(made):
        _complete(operation)
    return made


def _operations(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in made["paths"].values():
        yield from path.values()


def _complete(operation: dict[str, Any]) -> None:
    """Add what every operation of this kind may answer, and how refusals look."""
    answers = operation["responses"]
    codes = ALWAYS + (WITH_BODY if "requestBody" in operation else ())
    codes += WITH_KEY if operation.get("security") else ()
    codes += WITH_ROLE if {ADMIN: []} in operation.get("security", ()) else ()
    codes += (
        WITH_PARTS if any(one["in"] == "path" for one in operation.get("parameters", ())) else ()
    )
    answers |= {str(code): said for code, said in says(*codes).items()}
    for code, said in answers.items():
        if code >= "400":
            schema = {"$ref": TEMPLATE.format(model="Problem")}
            said["content"] = {MEDIA: {"schema": schema}}
    operation["responses"] = dict(sorted(answers.items()))
