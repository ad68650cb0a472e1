"""Bytes to and from a mail server, with every wait bounded by one deadline.

Not smtplib: its timeout runs from byte to byte, so that a server that drips holds a worker for
ever, and it has one error for a line that broke before the final dot and for one that broke after
it. Whatever goes wrong here is an `OSError`; the caller knows the phase and names it.
"""

from __future__ import annotations

import re
import socket
import ssl
import time

from tasks.records import Reply

LONGEST_LINE = 4096
"""Octets in one line of a reply. RFC 5321 allows 512; EHLO lines and long refusals exceed it."""

MOST_LINES = 100
"""Lines in one reply, so that a server cannot talk for ever."""

LONGEST_TEXT = 400
"""Characters of a reply that are kept for people."""

_REPLY_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)


class GarbledError(ConnectionError):
    """The server said something that is no SMTP reply."""


class Wire:
    """One open socket. `within` sets the deadline for everything that follows."""

    def __init__(self, sock: socket.socket) -> None:
        # Nagle's delay against delayed acknowledgements costs 40 ms a mail over TLS.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._buffer = bytearray()
        self._deadline = time.monotonic()

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        return isinstance(self._sock, ssl.SSLSocket)

    @property
    def here(self) -> str:
        """This end's address as EHLO wants it: a literal is valid and needs no name lookup."""
        address = str(self._sock.getsockname()[0])
        return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"

    def within(self, seconds: float) -> None:
        """Everything from now on must be over in `seconds`."""
        self._deadline = time.monotonic() + seconds

    def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Go over to TLS. What the server said in clear beyond its answer is never believed."""
        if self._buffer:
            raise GarbledError("the server spoke out of turn before TLS began")
        self._sock.settimeout(self._left())
        self._sock = context.wrap_socket(self._sock, server_hostname=host)

    def send(self, data: bytes) -> None:
        """Write all of `data`; on an error the server has certainly not got all of it."""
        rest = memoryview(data)
        while rest:
            self._sock.settimeout(self._left())
            rest = rest[self._sock.send(rest) :]

    def ask(self, command: str) -> Reply:
        """Send one command and read its reply."""
        self.send(f"{command}\r\n".encode())
        return self.reply()

    def reply(self) -> Reply:
        """Read one reply as a single line of printable text."""
        code, lines = self.lines()
        return Reply(code=code, text=" ".join(lines)[:LONGEST_TEXT])

    def lines(self) -> tuple[int, list[str]]:
        """Read one reply: its code and its lines. Raises `GarbledError` on anything else."""
        found: list[str] = []
        first = b""
        while len(found) < MOST_LINES:
            match = _REPLY_LINE.fullmatch(self._line())
            if not match or (first and match[1] != first):
                raise GarbledError("the server's answer is no SMTP reply")
            first = match[1]
            found.append(_printable(match[3] or b""))
            if match[2] != b"-":
                return int(first), found
        raise GarbledError("the server's answer does not end")

    def quiet(self) -> bool:
        """Whether the connection looks open and the server has said nothing unasked."""
        if self._buffer:
            return False
        try:
            self._sock.settimeout(0)
            self._buffer += self._sock.recv(LONGEST_LINE)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close the socket. Inside DATA this makes the server discard what it got."""
        self._sock.close()

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > LONGEST_LINE:
                raise GarbledError("a line of the server's answer is too long")
            self._sock.settimeout(self._left())
            piece = self._sock.recv(LONGEST_LINE)
            if not piece:
                raise ConnectionResetError("the server closed the connection")
            self._buffer += piece
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


def connect(host: str, port: int, *, timeout: float) -> Wire:
    """Open a connection; each of the host's addresses gets `timeout` seconds."""
    return Wire(socket.create_connection((host, port), timeout))


def _printable(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text)
