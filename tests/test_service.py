"""Roles of a machine, the queues of its worker, and whether it shows life."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from web_server import Site, reply

from tasks.settings import Settings, current
from tasks.store import migrate, watch
from tasks.store.database import Database
from workers.celery import QUEUES
from workers.cli import main, service
from workers.embedded import Supervisor
from workers.embedded.commands import commands

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Calls `paperround` in this process: its exit code, and what it said on stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAPERROUND_HOME", str(tmp_path / "home"))

    def call(*words: str) -> tuple[int, str]:
        current.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["paperround", *words])
            with pytest.raises(SystemExit) as ended:
                main()
        return int(ended.value.code or 0), " ".join(capsys.readouterr().err.split())

    yield call
    current.cache_clear()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What would have been started."""
    seen: list[dict[str, Any]] = []

    class Recorder:
        def __init__(self, _: Settings, **said: Any) -> None:
            seen.append(said)

        def run(self) -> int:
            return 0

    monkeypatch.setattr(service, "Supervisor", Recorder)
    monkeypatch.setattr(service.logs, "install", lambda _: None)
    return seen


@pytest.mark.parametrize(
    ("words", "roles"),
    [
        ((), {"broker", "worker", "beat", "web"}),
        (("--role", "all"), {"broker", "worker", "beat", "web"}),
        (("--role", "web"), {"web"}),
        (("--role", "worker", "--role", "beat"), {"worker", "beat"}),
        (("--role", "web", "--role", "all"), {"broker", "worker", "beat", "web"}),
    ],
)
def test_a_machine_has_one_role_or_some_or_all(
    run: Run, started: list[dict[str, Any]], words: tuple[str, ...], roles: set[str]
) -> None:
    assert run("up", *words)[0] == 0
    [said] = started
    assert said["roles"] == roles
    assert tuple(said["queues"]) == QUEUES


def test_a_worker_may_be_for_some_queues(run: Run, started: list[dict[str, Any]]) -> None:
    run("up", "--role", "worker", "--queue", "deliver", "--queue", "backlog")
    assert started[0]["queues"] == ["deliver", "backlog"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--queue", "parsing"), "no queue is called 'parsing': there are control, fetch"),
        (("--role", "web", "--queue", "fetch"), "none of these roles is one"),
    ],
)
def test_a_queue_that_nobody_would_serve_is_refused(
    run: Run, started: list[dict[str, Any]], words: tuple[str, ...], why: str
) -> None:
    code, said = run("up", *words)
    assert (code, started) == (2, [])
    assert why in said


def test_a_worker_listens_on_the_queues_it_was_given(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, _env_file=None)  # type: ignore[call-arg]
    for queues in (QUEUES, ("backlog",)):
        words = commands(settings, port=1, node="n", queues=queues)["worker"].words
        assert words[words.index("-Q") + 1] == ",".join(queues)


def test_a_worker_of_some_queues_is_not_restarted_for_the_others(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, _env_file=None)  # type: ignore[call-arg]

    class Alive:
        alive = True

        def lived(self, _: float) -> float:
            return 5.0

    for queues, looked_after in ((QUEUES, {"worker", "beat"}), (("backlog",), {"beat"})):
        supervisor = Supervisor(settings, {"worker", "beat"}, queues=queues)
        supervisor._children = {"worker": Alive(), "beat": Alive()}  # type: ignore[dict-item]
        assert set(supervisor._up(0.0)) == looked_after


# --- signs of life -------------------------------------------------------------------------------
@pytest.fixture
def signs(tmp_path: Path) -> Callable[..., None]:
    """Notes a sign of life of a role, some seconds old."""
    (tmp_path / "home").mkdir(exist_ok=True)
    url = f"sqlite:///{tmp_path / 'home' / 'paperround.db'}"

    def note(role: str, seconds: int = 0, host: str = "") -> None:
        with closing(Database(url)) as database:
            migrate.upgrade(database)
            at = datetime.now(UTC) - timedelta(seconds=seconds)
            with database.write() as session:
                watch.beat(session, f"{role}:{host or socket.gethostname()}/7", at)

    return note


def test_a_process_of_this_machine_shows_life(run: Run, signs: Callable[..., None]) -> None:
    signs("worker")
    signs("beat", 3600)
    assert run("alive", "worker") == (0, "alive")
    code, said = run("alive", "beat")
    assert code == 1
    assert "the beat has shown no life since 20" in said


def test_another_machines_life_is_no_sign_of_this_one(run: Run, signs: Callable[..., None]) -> None:
    signs("worker", 0, "elsewhere")
    code, said = run("alive", "worker")
    assert code == 1
    assert f"the worker has shown no life on {socket.gethostname()}" in said


def test_the_web_shows_life_by_answering(
    run: Run, signs: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in ("worker", "beat"):
        signs(role)
    with Site() as site:
        monkeypatch.setenv("PAPERROUND_PORT", str(site.server_port))
        code, said = run("alive")
        assert (code, said) == (1, f"the web does not answer on port {site.server_port}")
        site.scripts["/livez"] = reply(200, b"ok")
        assert run("alive") == (0, "alive")
        assert run("alive", "web") == (0, "alive")
    assert run("alive", "web")[0] == 1


def test_who_only_asks_makes_no_database(run: Run, tmp_path: Path) -> None:
    code, said = run("alive", "worker")
    assert code == 1
    assert "has no database at" in said
    assert not (tmp_path / "home").exists()
