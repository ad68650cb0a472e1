"""From a server's address to a connection that takes mails: connect, greet, encrypt, log in.

Nothing here concerns a mail yet, so every failure is `TransportDown`. The password leaves this
module only as an AUTH command, never unencrypted except to this machine itself.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address

from tasks.deliver.wire import Wire, connect
from tasks.errors import TransportDown
from tasks.records import Reply

LAST_WORD = 2.0
"""Seconds that a server gets to answer QUIT; nothing depends on the answer."""

WAYS_OUT = {
    "connect": "Check that the server runs and that PAPERROUND_SMTP_URL names its host and port.",
    "ehlo": "Check that PAPERROUND_SMTP_URL names a mail server that takes mail from this machine.",
    "starttls": "Name the host as its certificate does, or add ?ca=FILE for a private authority; "
    "smtps:// is for servers that speak TLS from the first byte.",
    "auth": "Check the user and password in PAPERROUND_SMTP_URL.",
    "mail": "Set PAPERROUND_SENDER to an address that this server lets the account send from.",
}


class Security(StrEnum):
    """How a connection is encrypted."""

    TLS = "tls"
    """From the first byte (smtps)."""
    REQUIRED = "required"
    """By STARTTLS, or not at all."""
    OPTIONAL = "optional"
    """By STARTTLS where it is offered. To this machine itself any certificate will do."""
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail server and how to talk to it. Times are seconds; the login is not shown by `repr`.

    `connect_timeout` bounds the TCP connection, `timeout` the opening as a whole and again one
    mail's way up to the final dot, `dot_timeout` the answer to the dot. RFC 5321 would wait 600 s
    for that answer; 60 s keeps it within the lease that the database holds on the delivery, since
    an answer that comes after somebody else took over helps nobody.

    `name` is what EHLO says (this end's address when empty). `ca_file` replaces the system's
    authorities.
    """

    host: str
    port: int
    security: Security = Security.REQUIRED
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ca_file: str = ""
    name: str = ""
    connect_timeout: float = 10.0
    timeout: float = 30.0
    dot_timeout: float = 60.0
    mails_per_connection: int = 50

    @property
    def loopback(self) -> bool:
        """Whether this is the machine itself."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"the mail server {self.host}:{self.port}"


@dataclass(slots=True)
class Session:
    """A connection that takes mails. `busy` while a mail is under way, `mails` counts those begun."""

    wire: Wire
    extensions: Mapping[str, str]
    mails: int = 0
    busy: bool = False
    closed: bool = False

    @property
    def fit(self) -> bool:
        """Whether the next mail may go over it."""
        return not (self.closed or self.busy) and self.wire.quiet()

    def close(self) -> None:
        """End the connection; in the middle of a mail without a word, so that it is discarded."""
        if self.closed:
            return
        self.closed = True
        if not self.busy:
            with suppress(OSError):
                self.wire.within(LAST_WORD)
                self.wire.ask("QUIT")
        self.wire.close()

    def hang_up(self) -> None:
        """End the connection without a word."""
        self.busy = True
        self.close()


def open_session(server: Server) -> Session:
    """Connect, greet, encrypt and log in. Raises `TransportDown` with the phase and the way out."""
    with _phase(server, "connect"):
        wire = connect(server.host, server.port, timeout=server.connect_timeout)
    try:
        return _introduce(server, wire)
    except BaseException:
        wire.close()
        raise


def down(server: Server, phase: str, said: str, *, reply: Reply | None = None) -> TransportDown:
    """The error for a server that cannot be used now, with the way out of that phase."""
    return TransportDown(
        f"{server} failed at {phase}: {said}. {WAYS_OUT[phase]}",
        phase=phase,
        reply=f"{reply.code} {reply.text}" if reply else "",
    )


def words(error: OSError) -> str:
    """What went wrong on the line, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return error.strerror or str(error)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by name or number, without asking a name server."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _introduce(server: Server, wire: Wire) -> Session:
    wire.within(server.timeout)
    if server.security is Security.TLS:
        _encrypt(server, wire)
    with _phase(server, "connect"):
        _must(server, "connect", wire.reply(), 220)
    extensions = _ehlo(server, wire)
    if _wants_starttls(server, extensions):
        with _phase(server, "starttls"):
            _must(server, "starttls", wire.ask("STARTTLS"), 220)
        _encrypt(server, wire)
        extensions = _ehlo(server, wire)
    if server.user:
        _log_in(server, wire, extensions)
    return Session(wire, extensions)


def _ehlo(server: Server, wire: Wire) -> dict[str, str]:
    with _phase(server, "ehlo"):
        wire.send(f"EHLO {server.name or wire.here}\r\n".encode())
        code, lines = wire.lines()
        _must(server, "ehlo", Reply(code=code, text=" ".join(lines)), 250)
    # Some servers still write AUTH=PLAIN, from before RFC 2554.
    pairs = (line.replace("=", " ", 1).upper().partition(" ") for line in lines[1:])
    return {name: value for name, _, value in pairs}


def _wants_starttls(server: Server, extensions: Mapping[str, str]) -> bool:
    offered = "STARTTLS" in extensions
    if server.security is Security.REQUIRED and not offered:
        raise down(server, "starttls", "it does not offer STARTTLS")
    return offered and server.security in (Security.REQUIRED, Security.OPTIONAL)


def _encrypt(server: Server, wire: Wire) -> None:
    with _phase(server, "starttls"):
        context = ssl.create_default_context(cafile=server.ca_file or None)
        if server.security is Security.OPTIONAL and server.loopback:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        wire.encrypt(context, server.host)


def _log_in(server: Server, wire: Wire, extensions: Mapping[str, str]) -> None:
    if not (wire.encrypted or server.loopback):
        raise down(server, "auth", "it offers no encryption, so no password was sent")
    ways = extensions.get("AUTH", "").split()
    with _phase(server, "auth"):
        if "PLAIN" in ways:
            reply = wire.ask(f"AUTH PLAIN {_plain(server)}")
        elif "LOGIN" in ways:
            reply = _auth_login(server, wire)
        else:
            raise down(server, "auth", "it offers neither AUTH PLAIN nor AUTH LOGIN")
        _must(server, "auth", _without_secrets(server, reply), 235)


def _auth_login(server: Server, wire: Wire) -> Reply:
    reply = wire.ask("AUTH LOGIN")
    for secret in (server.user, server.password):
        if reply.code == 334:
            reply = wire.ask(_secret(secret))
    return reply


def _secret(text: str) -> str:
    return b64encode(text.encode()).decode()


def _plain(server: Server) -> str:
    return _secret(f"\0{server.user}\0{server.password}")


def _without_secrets(server: Server, reply: Reply) -> Reply:
    """A server may quote what it was told."""
    text = reply.text
    for secret in (_plain(server), _secret(server.password), server.password):
        text = text.replace(secret, "***") if secret else text
    return Reply(code=reply.code, text=text)


def _must(server: Server, phase: str, reply: Reply, code: int) -> None:
    if reply.code != code:
        raise down(server, phase, f"it said {reply.code} {reply.text}", reply=reply)


@contextmanager
def _phase(server: Server, phase: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise down(server, phase, words(error)) from error
