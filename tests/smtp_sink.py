"""A mail server for tests that fails on demand and keeps the truth of what it accepted.

    with Sink() as sink:
        sink.script("rcpt", "450 4.2.0 greylisted", match="ada@", times=1)
        ...
        assert [mail.message_id for mail in sink.accepted] == [...]

A fault is a phase and what happens there. Phases: ``connect`` (the greeting), ``ehlo``, ``auth``,
``starttls``, ``mail``, ``rcpt``, ``data``, ``body`` (after its first line), ``dot`` (before the
mail is kept), ``reply`` (after it is kept), ``noop``, ``rset``. What happens: a reply as text
(after a 421 the connection ends), ``drop``, ``reset`` (drop by RST), ``garbage``, ``endless`` (a
reply without an end), ``drip`` (a byte now and then), ``swallow`` (never a reply) or ``slow
SECONDS`` (then as usual). `match` is a part of the command's line; from ``body`` on of the sender
or the recipient, and from ``dot`` on of the Message-ID too.

By itself: ``python tests/smtp_sink.py --port 0 --log FILE [--script PHASE=ACTION]...`` prints its
port and appends each accepted Message-ID to FILE, on disk before the 250 leaves.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import socket
import ssl
import struct
import subprocess
import threading
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 10000000")


@dataclass(frozen=True)
class Accepted:
    """A mail that the sink has taken responsibility for; `body` without the dots of the wire."""

    sender: str
    recipient: str
    body: bytes
    message_id: str


@dataclass
class Fault:
    phase: str
    action: str
    match: str
    times: int


class GoneError(Exception):
    """This connection is over."""


class Sink:
    """Listens on 127.0.0.1 from `with` on. What it saw only grows."""

    def __init__(
        self,
        *,
        port: int = 0,
        extensions: Sequence[str] = EXTENSIONS,
        users: Mapping[str, str] | None = None,
        auth: str = "PLAIN LOGIN",
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        mails_per_connection: int = 0,
        log: Path | None = None,
    ) -> None:
        self.extensions, self.users, self.auth = list(extensions), dict(users or {}), auth
        self.tls, self.implicit_tls, self.log = tls, implicit_tls, log
        self.mails_per_connection = mails_per_connection
        self.accepted: list[Accepted] = []
        self.unfinished: list[bytes] = []  # what came of mails without their final dot
        self.commands: list[str] = []
        self.connections = 0
        self.dropped = threading.Event()  # a fault has ended a connection
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self._faults: list[Fault] = []
        self._live: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]

    def script(self, phase: str, action: str, *, match: str = "", times: int = 10**9) -> None:
        """Let `action` happen at `phase`, at most `times` times. The first fitting fault counts."""
        with self.lock:
            self._faults.append(Fault(phase, action, match, times))

    def heal(self) -> None:
        """Forget every fault."""
        with self.lock:
            self._faults.clear()

    def due(self, phase: str, text: str) -> str:
        """The action for this moment, or nothing; it is used up by asking."""
        with self.lock:
            for fault in self._faults:
                if fault.phase == phase and fault.times > 0 and fault.match in text:
                    fault.times -= 1
                    return fault.action
        return ""

    def keep(self, mail: Accepted) -> None:
        with self.lock:
            if self.log:
                with self.log.open("a", encoding="utf-8") as file:
                    file.write(mail.message_id + "\n")
                    file.flush()
                    os.fsync(file.fileno())
            self.accepted.append(mail)

    def __enter__(self) -> Self:
        self._start(self._serve)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for sock in (self._listener, *self._live):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while not self.stopping.is_set():
            with contextlib.suppress(OSError):
                sock = self._listener.accept()[0]
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                self._live.add(sock)
                self._start(self._converse, sock)

    def _converse(self, sock: socket.socket) -> None:
        talk = Talk(self, sock)
        try:
            talk.run()
        except (GoneError, OSError, ValueError):  # ValueError: the reader was closed under our feet
            pass
        finally:
            self._live.discard(sock)
            talk.close()


class Talk:
    """One connection."""

    def __init__(self, sink: Sink, sock: socket.socket) -> None:
        self.sink, self.sock = sink, sock
        self.file: BinaryIO = sock.makefile("rb")
        self.sender = self.recipient = ""
        self.mails = 0

    def close(self) -> None:
        for end in (self.file, self.sock):
            with contextlib.suppress(OSError):
                end.close()

    def say(self, reply: str) -> None:
        self.sock.sendall(reply.encode() + b"\r\n")
        if reply.startswith("421"):
            raise GoneError

    def fault(self, phase: str, text: str = "") -> bool:
        """Do what the script says. True when it has answered in our place."""
        action, _, argument = self.sink.due(phase, text).partition(" ")
        if action in ("", "slow"):
            self.sink.stopping.wait(float(argument or 0))
            return False
        if action[0].isdigit():
            self.say(f"{action} {argument}")
            return True
        if action == "garbage":
            self.sock.sendall(b"\x00\xff hello?\r\n")
            return True
        with contextlib.suppress(OSError):
            self.misbehave(action)
        self.close()
        self.sink.dropped.set()
        raise GoneError

    def misbehave(self, action: str) -> None:
        if action == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        while action == "endless":
            self.sock.sendall(b"250-and\r\n" * 500)
        while action == "drip" and not self.sink.stopping.wait(0.02):
            self.sock.sendall(b"2")
        while action == "swallow" and self.file.readline(65536):
            pass

    def encrypt(self) -> None:
        assert self.sink.tls
        self.file.close()
        self.sink._live.discard(self.sock)
        self.sock = self.sink.tls.wrap_socket(self.sock, server_side=True)
        self.sink._live.add(self.sock)
        self.file = self.sock.makefile("rb")

    def run(self) -> None:
        if self.sink.implicit_tls:
            self.encrypt()
        if not self.fault("connect"):
            self.say("220 sink ESMTP")
        while line := self.file.readline(4096):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            with self.sink.lock:
                self.sink.commands.append(text)
            verb = text.partition(" ")[0].lower()
            if not self.fault(verb, text):
                getattr(self, f"do_{verb}", self.do_unknown)(text)

    def do_ehlo(self, text: str) -> None:
        tls = ["STARTTLS"] if self.sink.tls and not isinstance(self.sock, ssl.SSLSocket) else []
        auth = [f"AUTH {self.sink.auth}"] if self.sink.users else []
        *first, last = ["sink greets you", *self.sink.extensions, *tls, *auth]
        self.say("".join(f"250-{word}\r\n" for word in first) + f"250 {last}")

    def do_starttls(self, text: str) -> None:
        self.say("220 go ahead")
        self.encrypt()

    def do_auth(self, text: str) -> None:
        _, way, *initial = text.split(" ")
        if way == "PLAIN":
            user, password = b64decode(initial[0]).decode().split("\0")[1:]
        else:
            user, password = self.question("VXNlcm5hbWU6"), self.question("UGFzc3dvcmQ6")
        good = self.sink.users.get(user) == password
        # Quoting the credentials is what the worst servers do.
        self.say("235 welcome" if good else f"535 5.7.8 wrong: {text} {user} {password}")

    def question(self, prompt: str) -> str:
        self.say(f"334 {prompt}")
        return b64decode(self.file.readline(4096)).decode()

    def do_mail(self, text: str) -> None:
        self.sender, self.recipient = text.partition("<")[2].partition(">")[0], ""
        self.say("250 sender ok")

    def do_rcpt(self, text: str) -> None:
        self.recipient = text.partition("<")[2].partition(">")[0]
        self.say("250 recipient ok")

    def do_data(self, text: str) -> None:
        if not self.recipient:
            self.say("503 no recipient")
            return
        self.say("354 go on")
        envelope = f"{self.sender} {self.recipient}"
        lines: list[bytes] = []
        while (line := self.file.readline(65536)) != b".\r\n":
            if not line:
                self.sink.unfinished.append(b"".join(lines))
                raise GoneError
            lines.append(line)
            if len(lines) == 1:
                self.fault("body", envelope)
        body = b"".join(part.removeprefix(b".") for part in lines)
        found = re.search(rb"^message-id:\s*(\S+)", body, re.IGNORECASE | re.MULTILINE)
        mail = Accepted(self.sender, self.recipient, body, found[1].decode() if found else "")
        if any(len(part) > 1000 or not part.endswith(b"\r\n") for part in lines):
            self.say("500 5.5.2 a line is too long or does not end in CRLF")
        elif not self.fault("dot", f"{envelope} {mail.message_id}"):
            self.sink.keep(mail)
            self.mails += 1
            if not self.fault("reply", f"{envelope} {mail.message_id}"):
                self.say(f"250 2.0.0 queued as {len(self.sink.accepted)}")
            if self.mails == self.sink.mails_per_connection:
                raise GoneError

    def do_noop(self, text: str) -> None:
        self.say("250 ok")

    def do_rset(self, text: str) -> None:
        self.sender = self.recipient = ""
        self.say("250 ok")

    def do_quit(self, text: str) -> None:
        self.say("221 bye")
        raise GoneError

    def do_unknown(self, text: str) -> None:
        self.say("500 what?")


def certificate(folder: Path, names: str = "DNS:localhost,IP:127.0.0.1") -> Path:
    """Make a self-signed certificate for `names`; one file with its key."""
    path = folder / "sink.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    subject = ["-subj", "/CN=sink", "-addext", f"subjectAltName={names}"]
    files = ["-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([*command.split(), *subject, *files], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


def server_context(pem: Path) -> ssl.SSLContext:
    """A server's side of TLS with the certificate and key in `pem`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def main() -> None:
    """Run until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--script", action="append", default=[], metavar="PHASE=ACTION")
    options = parser.parse_args()
    with Sink(port=options.port, log=options.log) as sink:
        for line in options.script:
            sink.script(*line.split("=", 1))
        print(sink.port, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
