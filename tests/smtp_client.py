"""Mails and ways to a sink, for the tests of SMTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smtp_sink import Sink

from tasks.deliver.session import Security, Server
from tasks.deliver.smtp import SmtpTransport
from tasks.records import Message

BODY = b"From: digest@news.example.org\r\nMessage-ID: <%s>\r\n\r\nGood morning.\r\n"


def mail(name: str = "d1", *, recipient: str = "ada@example.org", **changes: Any) -> Message:
    """A mail whose key is `name`, also the left half of its Message-ID."""
    message_id = f"<{name}@news.example.org>"
    message = Message(
        key=name,
        message_id=message_id,
        sender="digest@news.example.org",
        recipient=recipient,
        body=BODY % message_id.strip("<>").encode(),
    )
    return replace(message, **changes)


def transport(sink: Sink, **changes: Any) -> SmtpTransport:
    """A way to the sink; `changes` are fields of `Server`."""
    known: dict[str, Any] = {"timeout": 5.0, "connect_timeout": 5.0, "dot_timeout": 5.0}
    known |= {"security": Security.OPTIONAL} | changes
    return SmtpTransport(Server(host="127.0.0.1", port=sink.port, **known))


def send(way: SmtpTransport, message: Message) -> int:
    """Hand a mail over; the code of the server's last word."""
    return way.offer(message).finish().code


def ids(sink: Sink) -> list[str]:
    """The Message-IDs of what the sink accepted."""
    return [accepted.message_id for accepted in sink.accepted]
