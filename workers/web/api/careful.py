"""How a request is read: the key before a word of the body, and bodies that can do no harm.

A key is shown as `Authorization: Bearer pr_…`; cookies are never looked at, so that no other site's page
can make a browser act here. That a key was used is noted only where something is changed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import HTTPException, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from tasks.desk import visiting
from tasks.profile_json import ITEMS_MOST
from tasks.records import Reader
from workers.web.guard import BODY_MOST
from workers.web.page import Face

SMALL, LARGE = 64 * 1024, BODY_MOST  # bytes of a body: a form's worth, a library's worth
LOOKS = ("GET", "HEAD")
INTEGER_MOST = 19  # digits: 64 bits
MEMBERS_MOST = ITEMS_MOST  # of an object: each that is unknown would be a fault to tell
UNREADABLE = "the body is no JSON that can be read"
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_bearer = HTTPBearer(
    scheme_name="key", auto_error=False, description="A reader's key: `Bearer pr_…`"
)


class Careful(Request):
    """A request whose JSON is what every database keeps and every other program reads."""

    async def json(self) -> Any:
        """The body, without NaN, numbers past 64 bits, NUL, halves of characters, and endless objects."""
        try:
            text = (await self.body()).decode()
            found = json.loads(
                text,
                parse_int=_integer,
                parse_float=_number,
                parse_constant=_number,
                object_pairs_hook=_object,
            )
            if "\\u" in text:
                _whole(text, found)
        except (ValueError, RecursionError):
            raise HTTPException(400, UNREADABLE) from None
        return found


class OpenRoute(APIRoute):
    """A route for everybody, which takes bodies of `most` bytes."""

    most = SMALL

    def get_route_handler(self) -> Handler:
        """The handler, given a careful request."""
        handle = super().get_route_handler()

        async def careful(request: Request) -> Response:
            # The guard let nothing in that does not say its length.
            if int(request.headers.get("content-length", 0)) > self.most:
                raise HTTPException(413, f"this path takes {self.most // 1024} kB at most")
            return await handle(Careful(request.scope, request.receive))

        return careful


class KeyedRoute(OpenRoute):
    """A route for a reader's programs."""

    def get_route_handler(self) -> Handler:
        """The handler, which is reached with a key alone."""
        handle = super().get_route_handler()

        async def keyed(request: Request) -> Response:
            request.state.reader = await run_in_threadpool(_owner, request)
            return await handle(request)

        return keyed


class LargeRoute(KeyedRoute):
    """The same, for whole libraries."""

    most = LARGE


def bearer_of(request: Request) -> str | None:
    """The key that is shown; None where none is."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def unknown(secret: str | None, words: str) -> HTTPException:
    """A 401 for who shows no key, or one that opens nothing, with words that say how to show one."""
    challenge = 'Bearer realm="paperround"' + (
        ', error="invalid_token"' if secret is not None else ""
    )
    return HTTPException(401, words, {"WWW-Authenticate": challenge})


def _owner(request: Request) -> Reader:
    """Whose key is shown. Raises a 401."""
    face: Face = request.app.state.face
    secret = bearer_of(request)
    reader = visiting.key_owner(face.context, secret) if secret is not None else None
    if secret is None or reader is None:
        words = "show a key, as Authorization: Bearer pr_…; the page of your keys makes one"
        raise unknown(secret, words)
    if request.method not in LOOKS:
        visiting.key_used(face.context, secret)
    return reader


def _asking(request: Request, _: Annotated[object, Security(_bearer)]) -> Reader:
    reader: Reader = request.state.reader
    return reader


Me = Annotated[Reader, Security(_asking)]


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(members) > MEMBERS_MOST:
        raise ValueError("too many members")
    return dict(members)


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > INTEGER_MOST:
        raise ValueError("too large a number")
    return int(digits)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("no number")
    return number


def _whole(text: str, found: object) -> None:
    """Raises `ValueError` where an escape stands for NUL or for half a character."""
    if NUL.search(text):
        raise ValueError("NUL")
    json.dumps(found, ensure_ascii=False).encode()
