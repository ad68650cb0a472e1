"""What every request must show: who it says it comes from, and how much it brings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from typing import Any

import anyio
import pytest
from browsing import client
from papers import add_reader
from starlette.requests import Request

from tasks.desk import visiting
from tasks.round.context import Context
from tasks.settings import Settings
from workers.web.guard import BODY_MOST, COOKIE, FORM_MOST, TYPED_MOST, client_of

NEAR = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def request(peer: str, *said: str) -> Request:
    headers = [(b"x-forwarded-for", line.encode()) for line in said]
    return Request({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "said", "asks"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # no proxy of ours: it may say anything
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),  # what stands before is forged
        ("127.0.0.1", ["192.0.2.66, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("127.0.0.1", ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),  # two lines are one list
        ("127.0.0.1", ["198.51.100.1, 10.0.0.2, fd00::1"], "198.51.100.1"),
        ("127.0.0.1", ["unknown"], "unknown"),
        ("127.0.0.1", [" , "], "127.0.0.1"),
        ("10.1.1.1", ["10.0.0.3"], "10.0.0.3"),
    ],
)
def test_who_asks_is_told_by_trusted_proxies_alone(peer: str, said: list[str], asks: str) -> None:
    assert client_of(request(peer, *said), NEAR) == asks


def test_nobody_is_trusted_where_nobody_is_named() -> None:
    assert client_of(request("127.0.0.1", "198.51.100.1"), ()) == "127.0.0.1"


def test_trusted_proxies_are_networks() -> None:
    trusting: Any = {"trusted_proxies": "127.0.0.1, 10.0.0.0/8", "_env_file": None}
    assert [str(net) for net in Settings(**trusting).proxies] == ["127.0.0.1/32", "10.0.0.0/8"]
    with pytest.raises(ValueError, match="TRUSTED_PROXIES"):
        Settings(trusted_proxies="everybody", _env_file=None)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="at least 32 characters"):
        Settings(secret="short", _env_file=None)  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": str(BODY_MOST + 1)}, 413),
        ({"Content-Length": "-1"}, 413),
        ({"Content-Length": "many"}, 413),
        ({"Transfer-Encoding": "chunked"}, 413),
        ({"Content-Length": "0"}, 404),
        ({}, 404),
    ],
)
def test_a_body_says_how_long_it_is(context: Context, headers: dict[str, str], status: int) -> None:
    with client(context) as browser:
        assert browser.post("/no/such/page", headers=headers).status_code == status


FORM, FILE, JSON = (
    {"Content-Type": kind}
    for kind in (
        "application/x-www-form-urlencoded",
        "Multipart/Form-Data; boundary=b",
        "application/json; charset=utf-8",
    )
)
VISIT, KEY = {"Cookie": f"{COOKIE}=x"}, {"Authorization": "Bearer x"}


@pytest.mark.parametrize(
    ("path", "headers", "most"),
    [
        ("/sign-in", FORM | VISIT, FORM_MOST),
        ("/sign-in", FILE | VISIT, FORM_MOST),
        ("/my/feedback", FORM | VISIT, FORM_MOST),
        ("/my/importer", FILE | VISIT, FORM_MOST),
        ("/my/import", FILE, FORM_MOST),
        ("/my/import", FILE | {"Cookie": "other=x"}, FORM_MOST),
        ("/my/import", FILE | KEY, FORM_MOST),
        ("/my/import", FILE | VISIT, BODY_MOST),
        ("/my/import", FORM | VISIT, TYPED_MOST),
        ("/my/import", VISIT, TYPED_MOST),
        ("/my/start", FILE | VISIT, BODY_MOST),
        ("/my/start/preview", FILE | VISIT, BODY_MOST),
        ("/my/profiles/new", FORM | VISIT, TYPED_MOST),
        ("/api/v1/me/import", JSON, FORM_MOST),
        ("/api/v1/me/import", JSON | VISIT, FORM_MOST),
        ("/api/v1/me/import", JSON | KEY, BODY_MOST),
        ("/api/v1/me/import", FORM | KEY, TYPED_MOST),
    ],
)
def test_only_who_may_bring_a_library_sends_a_long_body(
    context: Context, path: str, headers: dict[str, str], most: int
) -> None:
    with client(context) as browser:
        for length, refused in ((most, False), (most + 1, True)):
            said = headers | {"Content-Length": str(length)}
            assert (browser.post(path, headers=said).status_code == 413) is refused, length


FOREIGN: tuple[dict[str, str], ...] = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": "http://localhost"},
    {"origin": "https://evil.example"},
    {},
)


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["/sign-in", "/my/import", "/u/token/undo", "/no/such/page"])
def test_a_form_from_another_site_is_refused_before_its_body_is_read(
    context: Context, path: str, headers: dict[str, str]
) -> None:
    assert sent_to(context, path, headers) == 403


@pytest.mark.parametrize(("path", "status"), [("/u/token", 404), ("/api/v1/me/import", 401)])
def test_one_click_and_programs_come_from_anywhere(
    context: Context, path: str, status: int
) -> None:
    assert sent_to(context, path, {"sec-fetch-site": "cross-site"}) == status


def test_who_goes_away_in_mid_sentence_is_no_error_of_ours(context: Context) -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    with context.database.write() as session:
        ada = add_reader(session, context.clock())
    headers = {
        "cookie": f"{COOKIE}={visiting.begin(context, ada, visiting.FULL)}",
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "same-origin",
    }
    asked(context, "/my/profiles/1", headers, gone)


def sent_to(context: Context, path: str, headers: dict[str, str]) -> int:
    """The status of a POST whose body nobody may ask for."""

    async def receive() -> Any:
        raise AssertionError("a body was asked for")

    return int(asked(context, path, headers, receive)[0]["status"])


def asked(
    context: Context, path: str, headers: dict[str, str], receive: Callable[[], Awaitable[Any]]
) -> list[Any]:
    """What is answered to a POST whose body comes from `receive`."""
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    told = {"host": "localhost", "content-length": "60000"} | headers
    scope = {"type": "http", "http_version": "1.1", "scheme": "http", "method": "POST"} | {
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in told.items()],
        "client": ("203.0.113.9", 1), "server": ("127.0.0.1", 8780),
    }  # fmt: skip
    with client(context) as browser:
        anyio.run(browser.app, scope, receive, send)
    return said
