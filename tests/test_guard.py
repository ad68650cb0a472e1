"""What every request must show: who it says it comes from, and how much it brings."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from browsing import client
from starlette.requests import Request

from tasks.round.context import Context
from tasks.settings import Settings
from workers.web.guard import BODY_MOST, client_of

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
