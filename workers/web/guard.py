"""What every answer carries and every request must show, whatever the routes below it do.

It wraps the whole app from outside: a router's own middleware would miss the answers to errors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
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
COOKIE = "__Host-paperround"  # holds the secret of a visit
SAFE = ("GET", "HEAD", "OPTIONS")
BODY_MOST = 6 * 1024 * 1024  # bytes: an import has 5 MB at most
FORM_MOST = 64 * 1024
TYPED_MOST = 256 * 1024  # of a library without a file: such a form costs far more to read than JSON
LIBRARIES = re.compile(r"/my/(import|start|profiles)(/.*)?|/api/.*")
ONE_CLICK = re.compile(r"/u/[^/]*/?")  # strange ones too: they are no such page
LARGE = ("multipart/form-data", "application/json")
LENGTH_DIGITS = 18  # of a length: Python reads no number of thousands
STRANGE_HOST = (
    "This address is not one of ours. Open the page under the name it was set up for, or set "
    f"{PREFIX}BASE_URL to the address in use.\n"
)
TOO_LONG = (
    f"What is sent here must say its length, of {FORM_MOST // 1024} kB at most. A library may have "
    f"{BODY_MOST // 1024 // 1024} MB as a file or as JSON, from who has signed in or shows a key.\n"
)
NOT_OURS = (
    "Not from there: the form was not sent from a page of ours, so nothing was done. Open the page, and "
    "press its button there.\n"
)


class Guard:
    """Answers only to names that are ours (against DNS rebinding), and adds the security headers.

    What is too long, or a form from another site, is refused before a word of it is read.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        base = urlsplit(settings.base_url)
        self._app = app
        self._settings = settings
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

        request = Request(scope)
        hosts = request.headers.getlist("host")
        app = self._app
        if len(hosts) != 1 or host_of(hosts[0]) not in self._hosts:
            app = _refusal(scope, 400, STRANGE_HOST)
        elif _too_long(request):
            app = _refusal(scope, 413, TOO_LONG)
        elif _is_form(request) and not comes_from_our_page(request, self._settings):
            app = _refusal(scope, 403, NOT_OURS)
        # Who went away before the end of a sentence waits for no answer.
        with suppress(ClientDisconnect):
            await app(scope, receive, send_guarded)


def _refusal(scope: Scope, status: int, words: str) -> Response:
    """In plain words; to programs, as every error of the API is told."""
    if problems.told_to(scope["path"]):
        return problems.answer(Request(scope), status, words.strip())
    return PlainTextResponse(words, status_code=status)


def _too_long(request: Request) -> bool:
    """Whether a body is too long for where it goes, or does not say how long it is."""
    length = request.headers.get("content-length", "0")
    chunked = "transfer-encoding" in request.headers
    is_number = length.isdecimal() and len(length) <= LENGTH_DIGITS
    return chunked or not is_number or int(length) > _most(request)


def _most(request: Request) -> int:
    """How many bytes may come. Who shows a cookie or a key is believed here, and looked at later."""
    path = request.scope["path"]
    if ONE_CLICK.fullmatch(path):
        return BODY_MOST  # it is never read
    shown = (
        "authorization" in request.headers if problems.told_to(path) else COOKIE in request.cookies
    )
    if not shown or not LIBRARIES.fullmatch(path):
        return FORM_MOST
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return BODY_MOST if media in LARGE else TYPED_MOST


def _is_form(request: Request) -> bool:
    """Whether only a page of ours may send this: all that changes something, but by a key or one click."""
    path = request.scope["path"]
    return not (
        request.method in SAFE or problems.told_to(path) or ONE_CLICK.fullmatch(path) is not None
    )


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
