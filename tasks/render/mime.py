"""A rendered mail as the bytes that go over the wire (RFC 5322, 2045 to 2047, 2369, 2919, 8058).

Written by hand rather than by the email package: that costs ten times as much for a mail of this
size, and folds a long List-Unsubscribe into encoded words, which makes receivers ignore it. The
email package is the tests' oracle instead.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterator
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address
from email.utils import format_datetime
from hashlib import sha256

from tasks.errors import UsageError
from tasks.records import Letterhead, Message, Reader, Rendered
from tasks.render.links import ways
from tasks.render.text import clean, cut

LONGEST_LINE = 998  # RFC 5322, 2.1.1
SUBJECT, NAME = 200, 60

_DOT_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_DOMAIN = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
_ADDRESS = re.compile(f"{_DOT_ATOM}@{_DOMAIN}")
_MACHINE_HEADERS = (
    ("Auto-Submitted", "auto-generated"),
    ("X-Auto-Response-Suppress", "OOF, AutoReply"),
    ("MIME-Version", "1.0"),
)
_UNSAFE = re.compile(r"\r\n(?! \S)|(?<!\r)\n|\r(?!\n)|[^\x20-\x7e\r\n]")


def build(  # one argument for each thing a mail is made of
    rendered: Rendered,
    reader: Reader,
    letterhead: Letterhead,
    *,
    key: str,
    sent_at: datetime,
    listed: bool,
) -> Message:
    """One mail to one reader; the same arguments give the same bytes, attempt after attempt.

    `key` names the mail for ever: the Message-ID is made of it, so that a second copy can be
    known as one. `sent_at` is aware. A `listed` mail is one of a series, and can be left; a letter
    answers what somebody asked for, perhaps in another's name, and carries nothing that they typed
    but the address. Control characters in names and subject are taken out; raises `UsageError` for an
    address, key, domain or token that cannot stand in a header.
    """
    if sent_at.tzinfo is None:
        raise ValueError("sent_at must be an aware time")
    identity = _message_id(key, letterhead.domain)
    recipient = _address(reader.email, f"the address of reader {reader.id}")
    sender = _address(letterhead.sender, "the sender's address")
    headers = [
        ("From", _mailbox(letterhead.sender_name, sender)),
        ("To", _mailbox(reader.name if listed else "", recipient)),
        ("Subject", _unstructured("Subject", cut(clean(rendered.subject), SUBJECT))),
        ("Date", format_datetime(sent_at.astimezone(UTC))),
        ("Message-ID", identity),
    ]
    if letterhead.reply_to:
        headers.append(("Reply-To", _address(letterhead.reply_to, "the reply-to address")))
    headers += _list_headers(reader, letterhead) if listed else ()
    headers += _MACHINE_HEADERS
    head = b"".join(_line(name, value) for name, value in headers)
    return Message(
        key=key,
        message_id=identity,
        sender=_address(letterhead.bounce, "the bounce address") if letterhead.bounce else sender,
        recipient=recipient,
        body=head + _content(rendered, key, reader.text_only),
    )


def _list_headers(reader: Reader, letterhead: Letterhead) -> Iterator[tuple[str, str]]:
    """What tells receivers that this is a list's mail, and how to leave it with one click."""
    way = ways(letterhead, reader)
    if not way.leave_by_mail:
        raise UsageError(
            f"reader {reader.id} has no token, so the mail would have no way out: "
            "give the reader one"
        )
    by_mail = f"<mailto:{way.leave_by_mail}?subject=unsubscribe>"
    # Folded between the two, never inside: one address on one line stays free of encoded words.
    yield "List-Unsubscribe", f"<{way.leave}>,\r\n {by_mail}" if way.leave else by_mail
    if way.leave.startswith("https://"):
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"
    yield "List-Id", f"<daily.digest.{letterhead.domain}>"
    yield "Feedback-ID", "daily:digest:v1:paperround"  # last: the sender's id, for Gmail's figures
    yield "Precedence", "bulk"


def _message_id(key: str, domain: str) -> str:
    if not re.fullmatch(_DOT_ATOM, key):
        raise UsageError(f"{key!r} cannot name a mail: letters, digits, dots and dashes only")
    if not re.fullmatch(_DOMAIN, domain):
        raise UsageError(f"{domain!r} is no domain that mail can come from")
    return f"<{key}@{domain}>"


def _address(address: str, whose: str) -> str:
    """`address` if it is one plain address, its domain in ASCII. Nothing else reaches a header.

    Quoted and non-ASCII left halves are refused: hardly anybody has one, and each is a way to
    smuggle in a second recipient or a mail that half the servers refuse (RFC 6531).
    """
    left, at, domain = address.rpartition("@")
    try:
        plain = f"{left}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        plain = ""
    if len(plain) > 254 or not _ADDRESS.fullmatch(plain):
        raise UsageError(f"{whose}, {address!r}, cannot stand in a mail header: correct it")
    return plain


def _mailbox(name: str, address: str) -> str:
    """``Name <address>``, the name quoted or encoded as it needs."""
    name = cut(clean(name), NAME)
    if name.isascii() and "=?" not in name:
        return str(Address(display_name=name, addr_spec=address))
    return f"{_encoded(name, 'From')}\r\n <{address}>"


def _unstructured(header: str, text: str) -> str:
    """`text` as a header's value: as it is where it can be, else in encoded words (RFC 2047)."""
    short = len(header) + 2 + len(text) <= 76
    return text if short and text.isascii() and "=?" not in text else _encoded(text, header)


def _encoded(text: str, header: str) -> str:
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n")


def _line(name: str, value: str) -> bytes:
    """One header. The last guard: a value that would begin another header is never written."""
    line = f"{name}: {value}"
    if _UNSAFE.search(line) or max(map(len, line.split("\r\n"))) > LONGEST_LINE:
        raise UsageError(f"the header {name} cannot hold {value!r}")
    return line.encode("ascii") + b"\r\n"


def _content(rendered: Rendered, key: str, text_only: bool) -> bytes:
    """The bodies, plain first and richest last (RFC 2046, 5.1.4), after their Content headers."""
    plain = _part("plain", rendered.text)
    if text_only:
        return plain
    # “=_” cannot occur in quoted-printable text, so that no body can end its own part.
    boundary = f"=_{sha256(key.encode()).hexdigest()[:32]}"
    mark = f"--{boundary}".encode()
    parts = (mark, plain, mark, _part("html", rendered.html), mark + b"--", b"")
    kind = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
    return kind.encode() + b"\r\n".join(parts)


def _part(kind: str, text: str) -> bytes:
    """One body with its headers, quoted-printable: small, readable, safe with every server."""
    lines = re.sub(r"\r\n?", "\n", text).rstrip("\n") + "\n"
    data = lines.replace("\n", "\r\n").encode("utf-8", errors="replace")
    head = (
        f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable"
    )
    return head.encode() + b"\r\n\r\n" + b2a_qp(data, istext=True)
