"""No name, number or redirect leads the fetcher into a private network."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from web_server import Site, reply

from tasks.errors import SourceError, SourceRefused
from tasks.fetch import address
from tasks.fetch.address import Dialler, judge, public
from tasks.fetch.http import Http, Limits


@pytest.fixture
def site() -> Iterator[Site]:
    """Ends the connection after each answer, so that the next question dials again."""
    with Site() as site:
        site.otherwise = reply(200, Connection="close")
        yield site


@pytest.mark.parametrize("literal", ["1.1.1.1", "151.101.0.223", "2606:4700:4700::1111"])
def test_a_host_on_the_internet_is_public(literal: str) -> None:
    assert public(literal)


@pytest.mark.parametrize(
    "literal",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        *("100.64.0.1", "169.254.169.254", "192.0.0.9", "192.0.0.10", "192.0.2.1", "192.88.99.1"),
        *("198.18.0.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:1.1.1.1", "fe80::1%eth0"),
        *("fc00::1", "fd00::1", "fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1"),
        *("2001::1", "2001:db8::1", "2002:7f00:1::", "100::1"),
    ],
)
def test_every_other_address_is_not(literal: str) -> None:
    assert not public(literal)


def test_one_private_address_among_public_ones_spoils_the_name() -> None:
    judge("example.org", 443, ["1.1.1.1", "2606:4700:4700::1111"])
    with pytest.raises(SourceRefused, match=r"example\.org leads to 10\.0\.0\.1"):
        judge("example.org", 443, ["1.1.1.1", "10.0.0.1"])


@pytest.mark.parametrize("port", [22, 25, 6379, 8080])
def test_only_the_ports_of_the_web_are_dialled(port: int) -> None:
    with pytest.raises(SourceRefused, match=f"port {port}"):
        judge("example.org", port, ["1.1.1.1"])


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1"),
        *("[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "0", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
        *("169.254.169.254", "10.0.0.1", "100.64.0.1", "[fd00::1]", "[fe80::1]"),
    ],
)
def test_no_spelling_of_a_private_address_is_dialled(host: str) -> None:
    with Http() as http, pytest.raises(SourceRefused, match=r"is no (public address|url)"):
        http.get(f"http://{host}/")


def test_a_redirect_is_judged_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "public", lambda literal: literal == "127.0.0.1")
    monkeypatch.setattr(address, "PORTS", (80, site.server_port))
    site.scripts["/moved"] = reply(302, Location="http://127.0.0.2/")
    with Http() as http, pytest.raises(SourceRefused, match=r"leads to 127\.0\.0\.2"):
        http.get(f"{site.url}/moved")
    assert len(site.asked) == 1


def test_a_name_is_asked_once_and_its_address_dialled_as_it_was(site: Site) -> None:
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    with Http(allow_private=True, resolver=lambda host, port: next(answers)) as http:
        http.get(f"http://feeds.example:{site.server_port}/")
    assert next(answers) == ["127.0.0.2"]
    assert [headers["Host"] for _, headers in site.asked] == [f"feeds.example:{site.server_port}"]


def test_a_name_that_answers_anew_is_judged_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "public", lambda literal: literal == "127.0.0.1")
    monkeypatch.setattr(address, "PORTS", (80, site.server_port))
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    url = f"http://feeds.example:{site.server_port}/"
    with Http(resolver=lambda host, port: next(answers)) as http:
        assert http.get(url).status == 200
        with pytest.raises(SourceRefused, match=r"feeds\.example leads to 127\.0\.0\.2"):
            http.get(url)


def test_the_next_address_is_tried_where_one_is_down(site: Site) -> None:
    def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    with Http(allow_private=True, resolver=resolver) as http:
        assert http.get(f"http://feeds.example:{site.server_port}/").status == 200


def test_a_name_of_a_hundred_addresses_costs_four_tries() -> None:
    tried = []

    class Backend:
        def connect_tcp(self, host: str, *rest: object) -> None:
            tried.append(host)
            raise address.httpcore2.ConnectError("down")

    dialler = Dialler(resolver=lambda host, port: [f"1.1.1.{n}" for n in range(100)])
    dialler._backend = Backend()  # type: ignore[assignment]
    with pytest.raises(address.httpcore2.ConnectError, match="down"):
        dialler.connect_tcp("feeds.example", 80, timeout=1)
    assert tried == ["1.1.1.0", "1.1.1.1", "1.1.1.2", "1.1.1.3"]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "cannot be resolved"),
        (UnicodeError("label too long"), "cannot be resolved"),
    ],
)
def test_a_name_that_does_not_exist_is_reported(trouble: Exception, words: str) -> None:
    def resolver(host: str, port: int) -> list[str]:
        raise trouble

    with Http(resolver=resolver) as http, pytest.raises(SourceError, match=words) as caught:
        http.get("http://feeds.example/")
    assert "http://feeds.example" in str(caught.value)
    assert type(caught.value) is SourceError


def test_a_name_without_addresses_is_reported() -> None:
    with (
        Http(resolver=lambda host, port: []) as http,
        pytest.raises(SourceError, match="no address"),
    ):
        http.get("http://feeds.example/")


def test_nothing_is_dialled_after_the_deadline() -> None:
    dialler = Dialler(resolver=lambda host, port: ["1.1.1.1"])
    dialler.deadline = 0.0
    with pytest.raises(address.httpcore2.ReadTimeout):
        dialler.connect_tcp("feeds.example", 80, timeout=1)


def test_a_resolver_that_hangs_is_left_at_the_deadline() -> None:
    released = threading.Event()

    def resolver(host: str, port: int) -> list[str]:
        released.wait()
        return []

    with (
        Http(limits=Limits(connect=0.05), resolver=resolver) as http,
        pytest.raises(SourceError, match="not resolved in time"),
    ):
        http.get("http://feeds.example/")
    released.set()


def test_tls_names_the_host_and_not_the_address() -> None:
    named: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda line, name, context: named.append(name)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line, pytest.raises(ssl.SSLError):  # it has no certificate to show
                context.wrap_socket(line, server_side=True)

        thread = threading.Thread(target=serve)
        thread.start()
        with (
            Http(allow_private=True, resolver=lambda host, port: ["127.0.0.1"]) as http,
            pytest.raises(SourceError, match="cannot be fetched"),
        ):
            http.get(f"https://feeds.example:{server.getsockname()[1]}/")
        thread.join()
    assert named == ["feeds.example"]
