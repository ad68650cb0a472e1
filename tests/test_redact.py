"""What is logged tells of nobody: addresses and secrets are masked, whoever writes the line."""

from __future__ import annotations

import io
import logging
import secrets
import sys
from collections.abc import Iterator

import pytest

from tasks.redact import install, masked
from tasks.sealing import Seal, new_secret


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a handler writes that knows nothing of masking."""
    before, text = logging.getLogRecordFactory(), io.StringIO()
    install()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger("paperround.test").addHandler(handler)
    yield text
    logging.getLogger("paperround.test").removeHandler(handler)
    logging.setLogRecordFactory(before)


log = logging.getLogger("paperround.test")


@pytest.mark.parametrize(
    "address",
    ["ada@readers.example", "a.b+c@xn--bcher-kva.example", "o'neil@x.example", "ada@localhost",
     "postgresql://user:word@db.example"],
)  # fmt: skip
def test_addresses_are_masked_wherever_they_stand(address: str) -> None:
    for text in ("{}", "550 <{}>: no such user", "To: Ada <{}>, and", "'{}' is taken", "({})."):
        said = masked(text.format(address))
        assert "[address]" in said
        assert "example" not in said
        assert "word" not in said


def test_secrets_are_masked_wherever_they_stand() -> None:
    mark = Seal(b"k" * 32).mark("give", 31, 7, epoch=0)
    for secret in (new_secret(), secrets.token_urlsafe(16), f"pr_0a1b2c3d_{new_secret()}"):
        for text in ("POST /in/{} HTTP/1.1", "cookie={};", "'{}'", "https://x.test/u/{}?a=b"):
            said = masked(text.format(secret))
            assert "[secret]" in said
            assert secret not in said
    assert mark.partition(".")[2] not in masked(f"GET /give/{mark}")


@pytest.mark.parametrize(
    "text",
    [
        "ConnectionRefusedError: [Errno 111]",
        "RequestValidationError in worker_cancel_long_running_tasks_on_connection_loss",
        "tasks/store/database.py line 12, in test_addresses_are_masked_wherever_they_stand",
        "page 3f786850e387550fdab836ed7e6dc881de23001b3f786850e387550fdab836ed was fetched",
        "Task paperround.tick[6c8b0e3f-6d2b-4c0f-9a1e-0d9f5b7c1a2b] received",
        "shard 3 is scored again: 2026-11-20T09:30:00+00:00",
        "https://arxiv.org/abs/2611.00001v2",
    ],
)
def test_what_helps_to_find_a_fault_stays(text: str) -> None:
    assert masked(text) == text


def test_every_record_is_masked_with_its_arguments_and_its_traceback(lines: io.StringIO) -> None:
    address, secret = "ada@readers.example", new_secret()
    log.error("reader %s by %s", address, secret)
    try:
        raise ValueError(f"{address} is taken")
    except ValueError:
        log.exception("reader %d", 7)
    log.warning("here", stack_info=True)
    said = lines.getvalue()
    assert address not in said
    assert secret not in said
    assert "reader [address] by [secret]" in said
    assert "Traceback" in said
    assert "ValueError: [address] is taken" in said
    assert "reader 7" in said
    assert "Stack (most recent call last)" in said


def test_a_record_without_an_exception_is_as_before(lines: io.StringIO) -> None:
    assert sys.exc_info() == (None, None, None)
    log.error("nothing %d%%", 5)
    assert lines.getvalue() == "ERROR paperround.test: nothing 5%\n"
