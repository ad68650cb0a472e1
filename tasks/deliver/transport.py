"""What every way of sending promises, and the one function that chooses a way by its url."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from tasks.deliver.maildir import MaildirTransport
from tasks.deliver.session import Security, Server, is_loopback
from tasks.deliver.smtp import SmtpTransport
from tasks.errors import SettingsError
from tasks.records import Message, Reply

SETTING = "PAPERROUND_SMTP_URL"

SHAPES = (
    "smtp://user:password@host:port?starttls=required|optional|never, "
    "smtps://user:password@host:port or maildir:///folder"
)

CONNECT_TIMEOUT = 10.0
"""Seconds for the TCP connection alone: a host that answers at all does so sooner."""

_OPTIONS = ("starttls", "ca", "name")
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+:[0-9A-Fa-f:.]*")


class Handover(Protocol):
    """A mail offered but not yet handed over: all is done up to the point of no return.

    It ends once, by `finish` or `abandon`; to end it again by `finish` is a `RuntimeError`.
    """

    def finish(self) -> Reply:
        """Hand it over. Raises `MailDeferred`, `MailRefused`, or `MailUnsure` when nobody knows."""
        ...

    def abandon(self) -> None:
        """Take it back: certainly nothing was delivered."""
        ...


class Transport(Protocol):
    """A way to deliver, for one thread at a time. `with transport:` opens nothing by itself."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def offer(self, message: Message) -> Handover:
        """Bring a mail up to the point of no return.

        Raises `TransportDown`, `MailDeferred` or `MailRefused`; after any of them nothing was
        accepted. A transport may abandon the last handover when it is offered the next mail.
        """
        ...

    def delivered(self, message_id: str, key: str) -> bool | None:
        """Whether this mail arrived earlier; None where the transport cannot tell."""
        ...

    def check(self) -> str:
        """Try everything but a mail; a sentence for people. Raises `TransportDown`."""
        ...

    def close(self) -> None:
        """Abandon what is not finished and end the connection."""
        ...


def transport_for(url: str, *, timeout: float = 30.0) -> Transport:
    """The transport that `url` describes; nothing is opened yet.

    `timeout` is seconds (see `session.Server`). STARTTLS is required unless the host is this
    machine itself, where it is optional; `ca` names a file with a private authority, `name` is what
    EHLO says. Raises `SettingsError`, which never repeats a part of the url: it may be a password.
    """
    if url.startswith("maildir://"):
        return MaildirTransport(_folder(url.removeprefix("maildir://")))
    return SmtpTransport(_server(url, timeout))


def _folder(path: str) -> Path:
    """The path as it stands, without url escapes: settings write a folder's name there."""
    folder = Path(path)
    if not folder.is_absolute() or folder == Path(folder.anchor):
        raise SettingsError(
            f"{SETTING}: a maildir:// url names a folder by its full path, as in "
            "maildir:///var/mail/paperround (with none set, it lies under PAPERROUND_HOME)"
        )
    return folder


def _server(url: str, timeout: float) -> Server:
    parts, port = _split(url)
    options = _options(parts)
    host = parts.hostname or ""
    if not (_HOST.fullmatch(host) or _IPV6.fullmatch(host)):
        raise SettingsError(f"{SETTING} names no host; it looks like {SHAPES}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise SettingsError(f"{SETTING} needs both a user and a password, or neither")
    security = _security(parts.scheme, options.get("starttls"), host)
    if user and security is Security.NEVER and not is_loopback(host):
        raise SettingsError(
            f"{SETTING} would send the password unencrypted: remove starttls=never, or the login"
        )
    return Server(
        host=host,
        port=port or _usual_port(security, user),
        security=security,
        user=user,
        password=password,
        ca_file=options.get("ca", ""),
        name=options.get("name", ""),
        connect_timeout=min(timeout, CONNECT_TIMEOUT),
        timeout=timeout,
    )


def _split(url: str) -> tuple[SplitResult, int | None]:
    found = None
    try:
        parts = urlsplit(url)
        found = parts, parts.port
    except ValueError:
        # The parser's own words quote the url, and so would a chained error.
        pass
    if not found or found[0].scheme not in ("smtp", "smtps"):
        raise SettingsError(f"{SETTING} cannot be read; it looks like {SHAPES}")
    if found[0].path not in ("", "/") or found[0].fragment:
        raise SettingsError(
            f"{SETTING} goes on after the host and port: in a user or password write "
            "/ as %2F, # as %23, ? as %3F and @ as %40"
        )
    return found


def _options(parts: SplitResult) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs) or not options.keys() <= set(_OPTIONS):
        raise SettingsError(
            f"{SETTING} may have the options {', '.join(_OPTIONS)}, each once; "
            "a ? in a user or password is written %3F"
        )
    if "ca" in options and not Path(options["ca"]).is_file():
        raise SettingsError(f"{SETTING}: the file after ca= cannot be found")
    if "name" in options and not _HOST.fullmatch(options["name"]):
        raise SettingsError(f"{SETTING}: name= is a host's name, such as mail.example.org")
    return options


def _security(scheme: str, starttls: str | None, host: str) -> Security:
    if scheme == "smtps":
        if starttls is not None:
            raise SettingsError(f"{SETTING}: smtps:// is always encrypted; remove starttls=")
        return Security.TLS
    if starttls is None:
        return Security.OPTIONAL if is_loopback(host) else Security.REQUIRED
    if starttls not in (Security.REQUIRED, Security.OPTIONAL, Security.NEVER):
        raise SettingsError(f"{SETTING}: starttls= is required, optional or never")
    return Security(starttls)


def _usual_port(security: Security, user: str) -> int:
    """465 for TLS; else 587, where one logs in to submit, or 25, where mail is relayed."""
    if security is Security.TLS:
        return 465
    return 587 if user else 25
