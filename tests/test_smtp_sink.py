"""The sink keeps the truth for other tests: by itself as in a thread of theirs."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import smtp_sink
from smtp_client import mail, send
from smtp_sink import Sink

from tasks.deliver.session import Security, Server
from tasks.deliver.smtp import SmtpTransport
from tasks.errors import MailDeferred, MailUnsure


def test_the_sink_runs_by_itself_and_writes_down_what_it_accepted(tmp_path: Path) -> None:
    log = tmp_path / "accepted"
    command = [sys.executable, smtp_sink.__file__, "--log", str(log), "--script", "rcpt=450 later"]
    with pytest.raises(MailDeferred):
        send_through(command)
    command[-1] = "reply=reset"
    with pytest.raises(MailUnsure):
        send_through(command)
    assert log.read_text().split() == ["<d1@news.example.org>"]


def send_through(command: list[str]) -> None:
    """Send one mail to a sink in a process of its own."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            port = int(process.stdout.readline())
            known = Server(host="127.0.0.1", port=port, security=Security.OPTIONAL)
            with SmtpTransport(known) as way:
                send(way, mail())
        finally:
            process.kill()


def test_the_sink_refuses_lines_that_are_too_long() -> None:
    with Sink() as sink, socket.create_connection(("127.0.0.1", sink.port)) as raw:
        body = b"x" * 999 + b"\r\n.\r\n"
        raw.sendall(b"MAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n" + body + b"QUIT\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert b"500 5.5.2" in answer
    assert sink.accepted == []
