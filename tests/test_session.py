"""Connecting, encrypting and logging in: what is believed, what is told, and what never leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from smtp_client import BODY, ids, mail, send, transport
from smtp_sink import Sink, certificate, server_context

from tasks.deliver.session import Security, Server
from tasks.errors import TransportDown

PASSWORD = "correct horse/battery#staple"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


# --- encryption and login ------------------------------------------------------------------------
def test_a_certificate_that_nobody_signed_is_refused(pem: Path) -> None:
    with Sink(tls=server_context(pem)) as sink:
        way = transport(sink, security=Security.REQUIRED)
        with pytest.raises(
            TransportDown, match=r"not trusted \(self-signed certificate\)"
        ) as caught:
            way.offer(mail())
        assert caught.value.phase == "starttls"
        assert "?ca=FILE" in str(caught.value)


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    pem = certificate(tmp_path, "DNS:elsewhere.example.org")
    with (
        Sink(tls=server_context(pem)) as sink,
        transport(sink, security=Security.REQUIRED, ca_file=str(pem)) as way,
        pytest.raises(TransportDown, match=r"not trusted \(IP address mismatch"),
    ):
        way.check()


@pytest.mark.parametrize("implicit", [False, True])
def test_a_private_authority_can_be_named(pem: Path, implicit: bool) -> None:
    security = Security.TLS if implicit else Security.REQUIRED
    with Sink(tls=server_context(pem), implicit_tls=implicit) as sink:
        with transport(sink, security=security, ca_file=str(pem)) as way:
            assert way.check().endswith("answers over an encrypted connection")
            for name in ("d1", "d2"):
                send(way, mail(name, body=BODY % b"x" + b"line\r\n" * 20_000))
        assert len(ids(sink)) == 2
        assert sink.connections == 1


def test_the_machine_itself_needs_no_trusted_certificate(pem: Path) -> None:
    with Sink(tls=server_context(pem)) as sink, transport(sink) as way:
        assert "an encrypted connection" in way.check()


def test_encryption_that_is_required_and_not_offered_stops_before_the_mail(sink: Sink) -> None:
    with pytest.raises(TransportDown, match="does not offer STARTTLS") as caught:
        transport(sink, security=Security.REQUIRED).offer(mail())
    assert caught.value.phase == "starttls"
    assert [line.split()[0] for line in sink.commands] == ["EHLO"]


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("454 4.7.0 not now", "454 4.7.0 not now"),
        ("drop", "closed the connection"),
        ("220 go\r\n250-injected", "spoke out of turn"),
    ],
)
def test_a_starttls_that_fails_is_named(pem: Path, action: str, words: str) -> None:
    with Sink(tls=server_context(pem)) as sink:
        sink.script("starttls", action)
        with pytest.raises(TransportDown, match=words) as caught:
            transport(sink, security=Security.REQUIRED).offer(mail())
        assert caught.value.phase == "starttls"


@pytest.mark.parametrize("ways", ["PLAIN LOGIN", "LOGIN"])
def test_a_login_works_in_both_ways(ways: str) -> None:
    with Sink(users={"ada": PASSWORD}, auth=ways) as sink:
        with transport(sink, user="ada", password=PASSWORD) as way:
            assert way.check().endswith("logged in")
            send(way, mail())
        assert len(ids(sink)) == 1


@pytest.mark.parametrize("ways", ["PLAIN", "LOGIN"])
def test_a_refused_login_is_told_without_the_password_even_if_the_server_quotes_it(
    ways: str,
) -> None:
    with Sink(users={"ada": "another"}, auth=ways) as sink:
        way = transport(sink, user="ada", password=PASSWORD)
        with pytest.raises(TransportDown, match=r"535 5\.7\.8") as caught:
            way.offer(mail())
    error = caught.value
    assert error.phase == "auth"
    told = f"{error} {error!r} {error.reply} {way!r} {way._server!r} {way._server}"
    assert "***" in told
    for secret in (PASSWORD, "Y29ycmVjdCBob3JzZS9iYXR0ZXJ5I3N0YXBsZQ==", "AGFkYQBjb3JyZWN0"):
        assert secret not in told


@pytest.mark.parametrize("action", ["454 4.7.0 later", "drop", "535 5.7.8 no"])
def test_a_login_that_breaks_off_is_named(action: str) -> None:
    with Sink(users={"ada": PASSWORD}) as sink:
        sink.script("auth", action)
        with pytest.raises(TransportDown) as caught:
            transport(sink, user="ada", password=PASSWORD).offer(mail())
    assert caught.value.phase == "auth"


def test_a_server_without_a_known_login_is_told(sink: Sink) -> None:
    with Sink(users={"ada": PASSWORD}, auth="CRAM-MD5") as old:
        with pytest.raises(TransportDown, match="neither AUTH PLAIN nor AUTH LOGIN"):
            transport(old, user="ada", password=PASSWORD).check()
        assert not any(line.startswith("AUTH") for line in old.commands)


def test_a_password_never_crosses_an_unencrypted_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Sink(users={"ada": PASSWORD}) as sink:
        # 127.0.0.1 stands in for a machine elsewhere.
        monkeypatch.setattr(Server, "loopback", False)
        with pytest.raises(TransportDown, match="no password was sent") as caught:
            transport(sink, user="ada", password=PASSWORD).check()
        assert caught.value.phase == "auth"
        assert not any(line.startswith("AUTH") for line in sink.commands)


# --- the check -----------------------------------------------------------------------------------
def test_the_check_says_where_and_how(sink: Sink) -> None:
    with transport(sink) as way:
        said = way.check()
    assert said == f"the mail server 127.0.0.1:{sink.port} answers over an unencrypted connection"
    assert [line.split()[0] for line in sink.commands] == ["EHLO", "NOOP", "QUIT"]


@pytest.mark.parametrize("action", ["drop", "502 5.5.1 no"])
def test_a_check_that_fails_at_the_last_step_says_so(sink: Sink, action: str) -> None:
    sink.script("noop", action)
    with transport(sink) as way, pytest.raises(TransportDown):
        way.check()
