"""Mails over SMTP, with the point of no return in the caller's hand.

`offer` goes up to the end of the body; `finish` writes the final dot and reads its answer. Between
the two the caller can write down that the dot is about to be sent. Every error says its phase:
``connect``, ``ehlo``, ``starttls``, ``auth`` (see `session`), then ``mail``, ``rcpt``, ``data``,
``body`` and ``dot``.

    until the login, or the sender is refused        TransportDown: no mail is to blame
    4xx, or the line broke before the dot was out    MailDeferred: certainly not accepted
    5.7.x at RCPT: security or policy                MailDeferred
    any other 5xx about this mail or its reader      MailRefused
    the dot is out and no proper answer came         MailUnsure (RFC 1047)
"""

from __future__ import annotations

import re
from typing import Self

from tasks.deliver.session import Server, Session, down, open_session, words
from tasks.errors import MailDeferred, MailRefused, MailUnsure, TransportDown, TransportError
from tasks.records import Message, Reply

LONGEST_BODY_LINE = 998
"""Octets in a line without its CRLF (RFC 5321, 4.5.3.1.6); beyond it servers cut or refuse."""

END_OF_DATA = b"\r\n.\r\n"

LOGIN_WANTED = (530, 534, 535, 538)
"""Codes of RFC 4954 that speak of the login, whatever command they answer."""

TOO_LARGE = 552
"""The one refusal of MAIL that is about the mail (RFC 1870)."""

_POLICY = re.compile(r"5\.7\.\d")  # an enhanced status (RFC 3463) stands first in the text

# Nothing that could end the command or open another: no white space, control letter or bracket.
_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f-\x9f]{1,64}@[^\s<>@\x00-\x1f\x7f-\x9f]{1,255}")


class SmtpTransport:
    """Hands mails to one server, one at a time, over one connection that is used again.

    Belongs to one thread at a time. Opens nothing before the first offer; a connection ends after
    50 mails, and one that the server ended between two mails is opened again without a word.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._session: Session | None = None

    def __repr__(self) -> str:
        return f"SmtpTransport({self._server})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def offer(self, message: Message) -> SmtpHandover:
        """Send everything up to the final dot. A handover still open is abandoned.

        Raises `TransportDown`, `MailDeferred` or `MailRefused`; after any of them nothing was
        accepted.
        """
        _check_addresses(self._server, message)
        data = on_the_wire(message.body)
        session = self._ready()
        reused = session.mails > 0
        try:
            self._transact(session, message, data)
        except (MailDeferred, TransportDown) as error:
            if not (reused and session.closed and error.phase == "mail"):
                raise
            # Servers end connections by count and by idle time: that says nothing of this mail.
            session = self._ready()
            self._transact(session, message, data)
        return SmtpHandover(self._server, session, message)

    def delivered(self, message_id: str, key: str) -> None:
        """None: SMTP cannot tell whether a mail arrived earlier."""

    def check(self) -> str:
        """Open, greet, encrypt, log in and say NOOP. Raises `TransportDown` with the way out."""
        session = self._ready()
        session.wire.within(self._server.timeout)
        try:
            reply = session.wire.ask("NOOP")
        except OSError as error:
            session.hang_up()
            raise down(self._server, "ehlo", words(error)) from error
        if reply.code != 250:
            session.hang_up()
            raise down(self._server, "ehlo", f"it said {reply.code} {reply.text}", reply=reply)
        line = "an encrypted connection" if session.wire.encrypted else "an unencrypted connection"
        login = ", logged in" if self._server.user else ""
        return f"{self._server} answers over {line}{login}"

    def close(self) -> None:
        """End the connection. A mail whose dot is not out is discarded by the server."""
        if self._session:
            self._session.close()
            self._session = None

    def _ready(self) -> Session:
        session = self._session
        if session and session.fit and session.mails < self._server.mails_per_connection:
            return session
        self.close()
        self._session = open_session(self._server)
        return self._session

    def _transact(self, session: Session, message: Message, data: bytes) -> None:
        """MAIL, RCPT, DATA and the body; the three commands in one packet where that is offered."""
        commands = _commands(session, message, size=len(data))
        pipelined = "PIPELINING" in session.extensions
        wire, phase = session.wire, "mail"
        session.busy = True
        session.mails += 1
        wire.within(self._server.timeout)
        try:
            if pipelined:
                wire.send(b"".join(commands.values()))
            for at, (phase, command) in enumerate(commands.items()):
                if not pipelined:
                    wire.send(command)
                reply = wire.reply()
                if reply.code // 100 != (3 if phase == "data" else 2):
                    self._start_over(session, reply, unread=2 - at if pipelined else 0)
                    raise self._verdict(phase, reply, message)
            phase = "body"
            wire.send(data)
        except OSError as error:
            session.hang_up()
            raise _deferred(self._server, message, phase, words(error)) from error

    def _start_over(self, session: Session, reply: Reply, *, unread: int) -> None:
        """Make the connection ready for the next mail after a refusal, or end it."""
        try:
            late = [session.wire.reply().code for _ in range(unread)]
            if reply.code // 100 in (4, 5) and reply.code != 421 and 354 not in late:
                session.busy = session.wire.ask("RSET").code != 250
        except OSError:
            session.busy = True
        if session.busy:
            session.hang_up()

    def _verdict(self, phase: str, reply: Reply, message: Message) -> TransportError:
        """What a refusal before the body means."""
        said = f"it said {reply.code} {reply.text}"
        if reply.code in LOGIN_WANTED:
            return down(self._server, "auth", said, reply=reply)
        # The sender is every mail's; what a mail asks for beyond the usual is its own affair.
        plain = message.recipient.isascii() and message.body.isascii() and reply.code != TOO_LARGE
        if phase == "mail" and (reply.code == 421 or (reply.code >= 500 and plain)):
            return down(self._server, "mail", said, reply=reply)
        # Mostly about us, as "relay denied" is: one missing login must not refuse every reader.
        policy = phase == "rcpt" and _POLICY.match(reply.text)
        if policy:
            said += " (if every reader meets this, check the login in PAPERROUND_SMTP_URL)"
        elif reply.code >= 500:
            return _refused(self._server, message, phase, reply)
        return _deferred(self._server, message, phase, said, reply=reply)


class SmtpHandover:
    """A mail that the server has but for the final dot. Ends once, by `finish` or `abandon`."""

    def __init__(self, server: Server, session: Session, message: Message) -> None:
        self._server = server
        self._session = session
        self._message = message
        self._ended = False

    def finish(self) -> Reply:
        """Write the final dot and read the answer: from here on the mail may be accepted.

        Raises `MailDeferred`, `MailRefused`, or `MailUnsure` when no proper answer came.
        """
        if self._ended:
            raise RuntimeError(f"the handover of {self._message.message_id} has already ended")
        self._ended = True
        self._write_dot()
        reply = self._read_answer()
        self._session.busy = False
        if reply.code == 421:
            self._session.hang_up()
        if reply.code < 300:
            return reply
        if reply.code < 500:
            said = f"it said {reply.code} {reply.text}"
            raise _deferred(self._server, self._message, "dot", said, reply=reply)
        raise _refused(self._server, self._message, "dot", reply)

    def abandon(self) -> None:
        """Drop the connection without the final dot: certainly nothing was delivered."""
        if not self._ended:
            self._ended = True
            self._session.hang_up()

    def _write_dot(self) -> None:
        """A line that is already dead, or a dot that did not leave whole, is no acceptance."""
        wire = self._session.wire
        wire.within(self._server.dot_timeout)
        try:
            if self._session.closed:
                raise ConnectionAbortedError("the connection was closed before the final dot")
            if not wire.quiet():
                reply = wire.reply()
                raise ConnectionAbortedError(f"it ended early with {reply.code} {reply.text}")
            wire.send(END_OF_DATA)
        except OSError as error:
            self._session.hang_up()
            raise _deferred(self._server, self._message, "body", words(error)) from error

    def _read_answer(self) -> Reply:
        try:
            reply = self._session.wire.reply()
            if reply.code // 100 == 3:
                raise ConnectionAbortedError(f"it said {reply.code} {reply.text}")
        except OSError as error:
            self._session.hang_up()
            raise MailUnsure(
                f"{self._server} may or may not have accepted {self._message.message_id}: "
                f"{words(error)} after the final dot. Look for the Message-ID in the server's log.",
                phase="dot",
            ) from error
        return reply


def on_the_wire(body: bytes) -> bytes:
    """The body as DATA wants it, without its last CRLF, which belongs to the end of the data.

    Line ends become CRLF, since a lone CR or LF is read by some servers as the end of a line and so
    could smuggle a dot; leading dots are doubled. Raises `MailRefused` for a line over 998 octets.
    """
    text = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n")
    lines = text.split(b"\n")
    longest = max(map(len, lines))
    if longest > LONGEST_BODY_LINE:
        raise MailRefused(
            f"the mail has a line of {longest} octets, and {LONGEST_BODY_LINE} is the most that "
            "mail servers take: encode its text",
            phase="body",
        )
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


def _check_addresses(server: Server, message: Message) -> None:
    """Only a bare address may stand in the envelope."""
    if not _ADDRESS.fullmatch(message.sender) or not message.sender.isascii():
        raise down(server, "mail", "the sender is no bare address in ASCII, so it was not asked")
    if not _ADDRESS.fullmatch(message.recipient):
        raise MailRefused(
            f"the recipient of {message.message_id} is no bare address such as name@example.org: "
            "correct the reader's address",
            phase="rcpt",
        )


def _commands(session: Session, message: Message, *, size: int) -> dict[str, bytes]:
    """The commands of one mail by phase, with the extensions that it needs and no others."""
    options = []
    if not message.recipient.isascii():
        _need(session, "SMTPUTF8", f"the address of {message.message_id} is not ASCII")
        options.append("SMTPUTF8")
    if not message.body.isascii():
        _need(session, "8BITMIME", f"the text of {message.message_id} is not encoded")
        options.append("BODY=8BITMIME")
    if "SIZE" in session.extensions:
        options.append(f"SIZE={size + len(END_OF_DATA)}")
    mail = " ".join([f"MAIL FROM:<{message.sender}>", *options])
    return {
        "mail": f"{mail}\r\n".encode(),
        "rcpt": f"RCPT TO:<{message.recipient}>\r\n".encode(),
        "data": b"DATA\r\n",
    }


def _need(session: Session, extension: str, why: str) -> None:
    if extension not in session.extensions:
        raise MailRefused(f"{why}, and the mail server does not offer {extension}", phase="mail")


def _deferred(
    server: Server, message: Message, phase: str, said: str, *, reply: Reply | None = None
) -> MailDeferred:
    return MailDeferred(
        f"{server} did not take {message.message_id} at {phase}: {said}. It can be tried again.",
        phase=phase,
        reply=f"{reply.code} {reply.text}" if reply else "",
    )


def _refused(server: Server, message: Message, phase: str, reply: Reply) -> MailRefused:
    said = f"{reply.code} {reply.text}"
    return MailRefused(
        f"{server} refused {message.message_id} at {phase}: {said}. Trying again will not help: "
        "see what it says of the reader's address or of the mail",
        phase=phase,
        reply=said,
    )
