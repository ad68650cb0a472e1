"""The API put together: a sub-application, so that its errors and its document are its own."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workers.web.api import (
    account,
    admin,
    admin_runs,
    data,
    digests,
    feedback,
    hands,
    keys,
    mending,
    profiles,
    public,
    tuning,
    versions,
)
from workers.web.api.problems import ANSWERS
from workers.web.api.schema import described
from workers.web.page import Face

BASE = "/api/v1"
SUBJECTS = (
    public,
    account,
    profiles,
    versions,
    tuning,
    data,
    digests,
    feedback,
    keys,
    admin,
    hands,
    mending,
    admin_runs,
)


class Heads:
    """HEAD is GET without its body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if "body" in message else message)

        await self._app({**scope, "method": "GET"}, receive, send_head)


class Api(FastAPI):
    """A FastAPI whose document tells every answer that can come."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        self.openapi_schema = self.openapi_schema or described(self, BASE)
        return self.openapi_schema


def make_api(face: Face) -> Api:
    """The API on these means. Its document stands at `/openapi.json`."""
    api = Api(
        docs_url=None,
        redoc_url=None,
        root_path_in_servers=False,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    api.state.face = face
    for subject in SUBJECTS:
        api.include_router(subject.router)
    for error, answer in ANSWERS.items():
        api.add_exception_handler(error, answer)
    api.add_middleware(Heads)
    return api
