"""Log lines: what they are about, what they never say, and that nobody can forge one."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from papers import add_folder, add_reader, api_json, entry

from tasks import logs
from tasks.logs import about
from tasks.round.context import Context
from tasks.round.walk import run_once

log = logging.getLogger("tasks.anything")
SECRET = "Qm3xT9vLr8KpW2zNs5YbHd"


@pytest.fixture
def restored() -> Iterator[None]:
    """Logging as it was before the test."""
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in (*logs.CHATTY, "httpx2")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.setLogRecordFactory(factory)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


class Lines:
    """What was logged since then, in that form."""

    def __init__(self, form: str) -> None:
        logs.install(form)
        [handler] = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        self._stream = io.StringIO()
        handler.setStream(self._stream)

    def __call__(self) -> list[str]:
        return self._stream.getvalue().splitlines()


@pytest.mark.usefixtures("restored")
def test_a_line_says_what_it_is_about_and_the_next_one_does_not() -> None:
    lines = Lines("text")
    with about(run=3), about(page=12):
        log.info("read")
    log.info("done")
    with about(page=1), about(page=1, source=2):
        log.info("once")
    first, second, third = lines()
    assert first.endswith(" INFO    tasks.anything: [run-3 page-12] read")
    assert second.endswith("tasks.anything: done")
    assert third.endswith("[page-1 source-2] once")


@pytest.mark.usefixtures("restored")
def test_json_lines_carry_the_same() -> None:
    lines = Lines("json")
    with about(digest=31):
        log.warning("no room for %s", "ada@readers.example")
    log.info("with\r\nbreaks")
    found = [json.loads(line) for line in lines()]
    assert found[0] | {"at": ""} == {
        "at": "",
        "level": "warning",
        "logger": "tasks.anything",
        "words": "no room for [address]",
        "about": ["digest-31"],
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", found[0]["at"])
    assert found[1]["words"] == "with\r\nbreaks"
    assert "about" not in found[1]
    assert len(lines()) == 2, "a record is one line"


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_stranger_begins_a_line_or_steers_a_terminal(form: str) -> None:
    lines = Lines(form)
    forged = "x\r\n2026-11-20 ERROR tasks: all is lost\x1b[2J\u2028"
    log.info("said %s", forged)
    try:
        raise ValueError(forged)
    except ValueError:
        log.exception("failed")
    assert not any(line.startswith("2026-11-20 ERROR") for line in lines())
    assert "\x1b" not in "".join(lines())
    if form == "text":
        assert lines()[0].endswith(r"said x\r\n2026-11-20 ERROR tasks: all is lost\x1b[2J\u2028")
        assert all(line.startswith("    | ") for line in lines()[2:])
        assert len(lines()) > 4
    else:
        assert "ValueError" in json.loads(lines()[1])["trace"]


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("form", ["text", "json"])
def test_addresses_and_secrets_stand_in_no_form(form: str) -> None:
    lines = Lines(form)
    try:
        raise ValueError(f"ada@readers.example {SECRET}")
    except ValueError:
        log.exception("cannot write to %s with %s", "bo@readers.example", SECRET)
    text = "\n".join(lines())
    assert "readers.example" not in text
    assert SECRET not in text
    assert "[address]" in text


@pytest.mark.usefixtures("restored")
def test_without_a_form_a_terminal_gets_text_and_everything_else_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for terminal, kind in ((True, logs.Text), (False, logs.Json)):
        monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal)
        logs.install()
        [handler] = logging.getLogger().handlers
        assert isinstance(handler.formatter, kind)


@pytest.mark.usefixtures("restored")
def test_the_web_servers_own_lines_come_in_the_same_form() -> None:
    server = logging.getLogger("uvicorn.error")
    server.addHandler(logging.StreamHandler())
    lines = Lines("text")
    server.warning("from the server")
    assert not server.handlers
    assert lines()[0].endswith("uvicorn.error: from the server")


@pytest.mark.usefixtures("restored")
def test_one_name_finds_the_whole_way_of_a_page_and_of_a_digest(
    context: Context, now: Any, tmp_path: Path
) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    with context.database.write() as session:
        add_folder(session, tmp_path / "pages", now)
        add_reader(session, now, "ada@readers.example", terms=["sparse attention"])
        add_reader(session, now, "bo@readers.example", terms=["graph kernels"])
    lines = Lines("json")
    run_once(context, now)
    found = [json.loads(line) for line in lines()]

    def way(name: str) -> list[str]:
        return [
            line["logger"].rpartition(".")[2] for line in found if name in line.get("about", ())
        ]

    assert way("page-1") == ["fetching", "parsing"]
    for digest in ("digest-1", "digest-2"):
        assert way(digest) == ["composing", "rendering", "delivering"]
    assert "readers.example" not in "".join(lines())
