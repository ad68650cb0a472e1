"""What every answer carries and every request must show, whatever the routes below it do.

It wraps the whole app from outside: a router's own middleware would miss the answers to errors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tasks.settings import PREFIX, Network, Settings
from workers.web.api import problems

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), interest-cohort=()",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
HSTS = "max-age=31536000"
HERE = frozenset({"localhost", "127.0.0.1", "[::1]"})
HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?")
FORWARDED = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
)
BODY_MOST = 6 * 1024 * 1024  # bytes: an import has 5 MB at most
LENGTH_DIGITS = 18  # of a length: Python reads no number of thousands
STRANGE_HOST = (
    "This address is not one of ours. Open the page under the name it was set up for, or set "
    f"{PREFIX}BASE_URL to the address in use.\n"
)
TOO_LONG = f"What is sent here must say its length, of {BODY_MOST // 1024 // 1024} MB at most.\n"


class Guard:
    """Answers only to names that are ours (against DNS rebinding), and adds the security headers."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        base = urlsplit(settings.base_url)
        self._app = app
        self._hosts = HERE | ({host_of(base.netloc)} if base.netloc else set())
        self._headers = HEADERS | (
            {"Strict-Transport-Security": HSTS} if base.scheme == "https" else {}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        app = self._app
        if len(hosts) != 1 or host_of(hosts[0]) not in self._hosts:
            app = _refusal(scope, 400, STRANGE_HOST)
        elif _too_long(headers):
            app = _refusal(scope, 413, TOO_LONG)
        await app(scope, receive, send_guarded)


def _refusal(scope: Scope, status: int, words: str) -> Response:
    """In plain words; to programs, as every error of the API is told."""
    if problems.told_to(scope["path"]):
        return problems.answer(Request(scope), status, words.strip())
    return PlainTextResponse(words, status_code=status)


def _too_long(headers: Headers) -> bool:
    """Whether a body is too long, or does not say how long it is."""
    length = headers.get("content-length", "0")
    chunked = "transfer-encoding" in headers
    is_number = length.isdecimal() and len(length) <= LENGTH_DIGITS
    return chunked or not is_number or int(length) > BODY_MOST


def host_of(netloc: str) -> str:
    """The name in a Host header or a url, without its port; empty when it is not one."""
    found = HOST.fullmatch(netloc.rpartition("@")[2].lower())
    return found["name"] if found else ""


def is_loopback(host: str) -> bool:
    """Whether this name or number is this machine, without asking a name server."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_private(settings: Settings) -> bool:
    """Whether the web face is for this machine alone: it listens here, and nothing public leads to it.

    A public base url says that a proxy stands in front, whose requests come from this machine too.
    """
    base = settings.base_url
    return is_loopback(settings.host) and (not base or is_loopback(host_of(urlsplit(base).netloc)))


def comes_from_our_page(request: HTTPConnection, settings: Settings) -> bool:
    """Whether a page of ours, or a person by hand, asks; no other site can make a browser say so.

    Browsers tell it as Sec-Fetch-Site, and over plain http as Origin alone. Who tells neither is refused.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    ours = {request.headers.get("host", "").lower(), urlsplit(settings.base_url).netloc.lower()}
    return request.headers.get("origin", "").lower().partition("://")[2] in ours - {""}


def client_of(request: HTTPConnection, trusted: Sequence[Network]) -> str:
    """The address that asks. What X-Forwarded-For says is believed from trusted proxies alone.

    Each proxy appends who asked it, so that the list is read from its end: the first address that is
    no trusted proxy asked. What stands before it anybody may have written.
    """
    peer = request.client.host if request.client else ""
    said = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for name in [*(part.strip() for part in reversed(said) if part.strip()), ""]:
        if not name or not _is_in(peer, trusted):
            break
        peer = name
    return peer


def _is_in(name: str, networks: Sequence[Network]) -> bool:
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return any(address in network for network in networks)


def comes_from_here(request: HTTPConnection) -> bool:
    """Whether a person at this machine asks: no proxy has had its hands on the request."""
    passed_on = any(name in request.headers for name in FORWARDED)
    host = host_of(request.headers.get("host", ""))
    return (
        not passed_on
        and host in HERE
        and request.client is not None
        and is_loopback(request.client.host)
    )
