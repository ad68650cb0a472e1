"""Who shows life, who looks for alarms, and who stands in when nobody does."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from celery import Celery
from servers import free_port
from sqlmodel import col, select, update
from typer.testing import CliRunner
from watched import FRIDAY, MINUTE, good_service, shows_life

from tasks import models, pipeline
from tasks.records import Ring, Step
from tasks.round.context import Context
from tasks.settings import Settings, current
from tasks.store import alarms as store
from tasks.store import health
from tasks.store import watch as pulses
from tasks.store.database import Database
from workers import beating, pulse
from workers.beating import Beating
from workers.cli.app import app as commands
from workers.embedded import Supervisor
from workers.pulse import Pulse, name_of, stand_in


@pytest.fixture
def good(sqlite_url: str, settings: Settings, clock: Any) -> Iterator[Context]:
    """A service on SQLite that has run well up to Friday noon, of which one admin is told by mail."""
    settings.home.mkdir()
    clock.moment = FRIDAY
    told = settings.model_copy(update={"alarm_mail": "ops@admins.example"})
    opened = Context(settings=told, database=Database(sqlite_url), clock=clock)
    with opened.database.write() as session:
        good_service(session, FRIDAY)
    yield opened
    opened.close()


def raised(context: Context) -> list[str]:
    with context.database.read() as session:
        return [row.key for row in store.standing(session)]


def names(context: Context) -> set[str]:
    with context.database.read() as session:
        return set(health.pulses(session))


# --- standing in -----------------------------------------------------------------------------------
def test_a_silent_beat_is_told_by_the_web_face_even_if_no_worker_lives(
    good: Context, clock: Any
) -> None:
    clock.moment += 4 * MINUTE
    with good.database.write() as session:
        shows_life(session, clock.moment, "beat", "tick", "worker")
    stand_in(good)
    assert raised(good) == ["worker", "beat"]
    [mail] = [path for path in (good.settings.mailbox / "new").iterdir() if path.is_file()]
    assert b"Subject: Alarm: No worker works (and 1 more)" in mail.read_bytes()


def test_nobody_stands_in_while_the_beat_looks(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        session.execute(update(models.Delivery).values(state="unsure"))
    clock.moment += MINUTE
    stand_in(good)
    assert raised(good) == []


def test_who_stands_in_goes_on_as_if_nothing_had_been_missed(good: Context, clock: Any) -> None:
    with good.database.read() as session:
        before = pulses.pulse(session, store.TURN)
    clock.moment += 3 * MINUTE
    stand_in(good)
    with good.database.read() as session:
        after = pulses.pulse(session, store.TURN)
    assert before is not None
    assert after is not None
    assert (after[0], after[1]) == (clock.moment, before[1])


# --- signs of life -----------------------------------------------------------------------------------
def test_a_process_shows_life_from_begin_to_end_and_takes_its_note_along(good: Context) -> None:
    looked = Event()
    made = Pulse(good, "web", also=lambda _: looked.set(), every=0.01)
    made.start()
    assert looked.wait(10)
    assert name_of("web") in names(good)
    made.stop()
    assert name_of("web") not in names(good)


def test_a_look_that_fails_ends_nothing(good: Context, caplog: pytest.LogCaptureFixture) -> None:
    again = Event()
    tries: list[int] = []

    def fails(_: Context) -> None:
        tries.append(1)
        if len(tries) > 2:
            again.set()
        raise OSError("out of files")

    made = Pulse(good, "web", also=fails, every=0.01)
    made.start()
    assert again.wait(10)
    made.stop()
    assert "could not look for alarms" in caplog.text


def test_a_database_that_does_not_answer_keeps_nobody_from_living(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = Context(settings=settings, database=Database(f"sqlite:///{tmp_path}/no/file.db"))
    pulse.note(nowhere, "worker")
    pulse.forget(nowhere, "worker")
    assert caplog.text.count("OperationalError") == 2


def test_the_beat_shows_life_where_it_looks_at_its_table(
    good: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beating, "process_context", lambda: good)
    noted: list[str] = []
    note = pulse.note
    monkeypatch.setattr(pulse, "note", lambda *who: (noted.append(who[1]), note(*who)))
    scheduler = Beating(app=Celery(broker="memory://", set_as_current=False))
    scheduler.tick()
    scheduler.tick()
    assert noted == ["beat"], "once in half a minute"
    assert name_of("beat") in names(good)
    scheduler.close()
    assert name_of("beat") not in names(good)


def test_a_worker_shows_life_once_it_is_ready(
    good: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beating, "process_context", lambda: good)
    beating._ready()
    beating._ended()
    beating._ended()
    assert name_of("worker") not in names(good)


def test_the_task_looks_and_rings_for_the_mails(
    good: Context, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[Ring] = []
    monkeypatch.setattr(pipeline, "process_context", lambda: good)
    monkeypatch.setattr(pipeline, "ring", rung.extend)
    with good.database.write() as session:
        session.execute(
            update(models.Delivery).where(col(models.Delivery.id) == 1).values(state="unsure")
        )
    pipeline.watch()
    assert raised(good) == ["unsure"]
    assert [bell.step for bell in rung] == [Step.DELIVER]


@pytest.mark.slow
def test_every_process_of_a_real_service_shows_life_and_ends_without_a_trace(
    tmp_path: Path, migrated_file: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shutil.copy(migrated_file, home / "paperround.db")
    settings = Settings(home=home, port=free_port(), concurrency=1, _env_file=None)  # type: ignore[call-arg]
    database = Database(settings.database)
    context = Context(settings=settings, database=database)

    def roles() -> set[str]:
        return {name.partition(":")[0] for name in names(context) if ":" in name} - {"calm"}

    with Supervisor(settings, quiet=True) as service:
        service.wait_ready()
        waited = Event()
        for _ in range(200):
            if roles() == {"beat", "web", "worker"}:
                break
            waited.wait(0.1)
        assert roles() == {"beat", "web", "worker"}
    assert roles() == set()
    log = (home / "log" / "worker.log").read_text()
    context.close()
    assert "Traceback" not in log
    assert all(line.startswith("{") for line in log.splitlines() if "tasks." in line)


# --- the command -------------------------------------------------------------------------------------
@pytest.fixture
def cli(good: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    monkeypatch.setenv("PAPERROUND_HOME", str(good.settings.home))
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", good.database.url)
    current.cache_clear()
    yield CliRunner()
    current.cache_clear()


def test_the_command_says_what_is_wrong_and_what_to_do(cli: CliRunner) -> None:
    done = cli.invoke(commands, ["alarms"])  # long after that Friday: all of it is silent
    assert done.exit_code == 1
    assert "No worker works\n" in done.stdout
    assert "→ Start one: paperround up --role worker" in done.stdout.replace("\n", " ")
    listed = json.loads(cli.invoke(commands, ["alarms", "--json"]).stdout)
    assert {"worker", "beat"} <= {one["key"] for one in listed}
    assert set(listed[0]) == {"key", "kind", "words", "remedy"}


def test_the_command_is_content_where_there_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_HOME", str(tmp_path / "fresh"))
    current.cache_clear()
    done = CliRunner().invoke(commands, ["alarms", "--json"])
    current.cache_clear()
    assert (done.exit_code, done.stdout) == (0, "[]\n")


def test_the_command_changes_nothing(cli: CliRunner, good: Context) -> None:
    cli.invoke(commands, ["alarms"])
    with good.database.read() as session:
        assert session.exec(select(models.Alarm)).all() == []
