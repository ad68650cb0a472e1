"""The choice of a transport by its url, and what a bad url is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.deliver import transport_for
from tasks.deliver.maildir import MaildirTransport
from tasks.deliver.session import Security, Server
from tasks.deliver.smtp import SmtpTransport
from tasks.errors import SettingsError


def server(url: str, **options: float) -> Server:
    """The server that an smtp url leads to."""
    way = transport_for(url, **options)
    assert isinstance(way, SmtpTransport)
    return way._server


@pytest.mark.parametrize("path", ["/var/mail/round", "/home/a b#1?x=%41", "/é/ü"])
def test_a_maildir_url_is_a_path_as_it_stands(path: str) -> None:
    way = transport_for(f"maildir://{path}")
    assert isinstance(way, MaildirTransport)
    assert repr(way) == f"MaildirTransport({path})"


@pytest.mark.parametrize("url", ["maildir://", "maildir:///", "maildir://relative/path"])
def test_a_mailbox_needs_a_full_path_of_its_own(url: str) -> None:
    with pytest.raises(SettingsError, match=r"PAPERROUND_SMTP_URL.*full path.*PAPERROUND_HOME"):
        transport_for(url)


def test_every_part_of_an_smtp_url_is_read() -> None:
    found = server("smtp://ada%40x:p%2Fw%23%3F@mail.example.org:2525?starttls=optional&name=me.org")
    assert found == Server(
        host="mail.example.org",
        port=2525,
        security=Security.OPTIONAL,
        user="ada@x",
        password="p/w#?",
        name="me.org",
    )


def test_the_timeout_bounds_the_connection_too() -> None:
    found = server("smtp://localhost", timeout=4.0)
    assert (found.connect_timeout, found.timeout) == (4.0, 4.0)
    assert server("smtp://localhost", timeout=300.0).connect_timeout == 10.0


@pytest.mark.parametrize(
    ("url", "security", "port"),
    [
        ("smtp://localhost", Security.OPTIONAL, 25),
        ("smtp://127.0.0.1", Security.OPTIONAL, 25),
        ("smtp://[::1]:2525", Security.OPTIONAL, 2525),
        ("smtp://u:p@localhost", Security.OPTIONAL, 587),
        ("smtp://localhost?starttls=required", Security.REQUIRED, 25),
        ("smtp://mail.example.org", Security.REQUIRED, 25),
        ("smtp://u:p@mail.example.org", Security.REQUIRED, 587),
        ("smtp://mailpit:1025/?starttls=never", Security.NEVER, 1025),
        ("smtps://u:p@mail.example.org", Security.TLS, 465),
        ("SMTPS://Mail.Example.Org", Security.TLS, 465),
    ],
)
def test_encryption_and_port_have_safe_defaults(url: str, security: Security, port: int) -> None:
    found = server(url)
    assert (found.security, found.port) == (security, port)


def test_a_private_authority_is_a_file_that_exists(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    with pytest.raises(SettingsError, match="ca= cannot be found"):
        transport_for(f"smtp://mail.example.org?ca={ca}")
    ca.touch()
    assert server(f"smtp://mail.example.org?ca={ca}").ca_file == str(ca)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "cannot be read"),
        ("mail.example.org:25", "cannot be read"),
        ("http://u:hunter2@mail.example.org", "cannot be read"),
        ("hunter2:x@mail.example.org", "cannot be read"),
        ("smtp://u:hunter2@mail.example.org:x", "cannot be read"),
        ("smtp://u:hunter2@mail.example.org:99999", "cannot be read"),
        ("smtp://u:hunter2@[::1", "cannot be read"),
        ("smtp://u:hunter2\u2100@mail.example.org", "cannot be read"),
        ("smtp://u:hun/ter2@mail.example.org", "cannot be read"),
        ("smtp://u:12/hunter2@mail.example.org", "write / as %2F"),
        ("smtp://u:12#hunter2@mail.example.org", "# as %23"),
        ("smtp://u:12?hunter2@mail.example.org", "each once"),
        ("smtp://u:hunter2@mail.example.org?retries=3", "starttls, ca, name"),
        ("smtp://u:hunter2@mail.example.org?starttls=never&starttls=required", "each once"),
        ("smtp://u:hunter2@mail.example.org?starttls=perhaps", "required, optional or never"),
        ("smtp://u:hunter2@mail.example.org?starttls=tls", "required, optional or never"),
        ("smtps://u:hunter2@mail.example.org?starttls=never", "always encrypted"),
        ("smtp://u:hunter2@mail.example.org?starttls=never", "unencrypted"),
        ("smtp://u:hunter2@mail.example.org?name=a%0D%0AQUIT", "name= is a host's name"),
        ("smtp://:hunter2@mail.example.org", "both a user and a password"),
        ("smtp://hunter2@mail.example.org", "both a user and a password"),
        ("smtp://u:hunter2@", "names no host"),
        ("smtp://u:hunter2@mail..example.org", "names no host"),
        ("smtp://u:hunter2@-mail.example.org", "names no host"),
        ("smtp://u:hunter2@m ail.example.org", "names no host"),
    ],
)
def test_a_bad_url_is_told_without_repeating_any_of_it(url: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        transport_for(url)
    error = caught.value
    assert words in str(error)
    assert str(error).startswith("PAPERROUND_SMTP_URL")
    assert "hun" not in f"{error} {error!r} {error.__context__} {error.__cause__}"


def test_a_password_is_not_shown_by_any_name() -> None:
    way = transport_for("smtp://ada:hunter2@mail.example.org")
    assert isinstance(way, SmtpTransport)
    assert "hunter2" not in f"{way} {way!r} {way._server} {way._server!r}"
    assert "ada" not in f"{way!r} {way._server!r}"
