"""The servers and the proxy that other tests lean on do what those tests believe."""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from servers import Postgres, Valkey
from tcp_proxy import Mode, TcpProxy

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
QUICK = {"socket_timeout": 0.3, "retry": None}


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def proxy(valkey: Valkey) -> Iterator[TcpProxy]:
    with TcpProxy(valkey.port) as proxy:
        yield proxy


def through(proxy: TcpProxy) -> redis.Redis:
    """A client that asks once, so that a test sees each fault."""
    return redis.Redis(port=proxy.port, **QUICK)


def test_valkey_answers_at_its_url(valkey: Valkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        assert client.ping()


def test_valkey_answers_on_a_socket_alone_when_asked(tmp_path: Path) -> None:
    with Valkey(tmp_path, tcp=False, aof=False) as server:
        assert server.url.startswith("redis+socket:///")
        with server.client() as client:
            assert client.ping()
            assert client.config_get("port") == {"port": "0"}


def test_what_valkey_answered_survives_its_kill(valkey: Valkey) -> None:
    with valkey.client() as client:
        client.set("kept", "yes")
    port, pid = valkey.port, valkey.pid
    valkey.kill()
    assert not valkey.running
    valkey.start()
    assert (valkey.port, valkey.pid != pid) == (port, True)
    with valkey.client() as client:
        assert client.get("kept") == b"yes"


def test_without_its_file_valkey_forgets(tmp_path: Path) -> None:
    with Valkey(tmp_path, aof=False) as server:
        with server.client() as client:
            client.set("kept", "no")
        server.kill()
        server.start()
        with server.client() as client:
            assert client.get("kept") is None


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with Valkey(tmp_path) as first, socket.create_server(("127.0.0.1", 0)) as other:
        first.stop()
        first.port = other.getsockname()[1]
        with pytest.raises(RuntimeError, match="already in use"):
            first.start()


def test_postgres_makes_databases_apart_from_each_other(postgres: Postgres) -> None:
    one, other = (postgres.create(name) for name in ("one", "other"))
    with psycopg.connect(one.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE here AS SELECT 1 AS x")
    with psycopg.connect(other.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT to_regclass('here')").fetchone() == (None,)
    copy = postgres.create("copy", template="one")
    with psycopg.connect(copy.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT x FROM here").fetchone() == (1,)


def test_postgres_drops_a_database_in_use(postgres: Postgres) -> None:
    url = postgres.create("busy").replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("SELECT 1")
        postgres.drop("busy")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def ask_until_it_ends(connection: psycopg.Connection[object]) -> None:
    """A killed server's children follow it in their own time."""
    for _ in range(1000):
        connection.execute("SELECT 1")
        time.sleep(0.01)


def test_postgres_comes_back_after_its_kill(postgres: Postgres) -> None:
    url = postgres.create("lasting").replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS x")
        connection.commit()
        postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            ask_until_it_ends(connection)
    postgres.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT x FROM kept").fetchone() == (1,)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_no_server_outlives_a_killed_test_run(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from servers import Postgres, Valkey;"
        "folder = pathlib.Path(sys.argv[1]); v = Valkey(folder); p = Postgres(folder);"
        "print(v.pid, p.pid, p._home, flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(words, cwd=HERE, stdin=-1, stdout=-1, text=True) as run:
        *pids, home = run.stdout.readline().split()
        watched = [os.pidfd_open(int(pid)) for pid in pids]
        run.kill()
    ended = [select.select([descriptor], [], [], 10)[0] == [descriptor] for descriptor in watched]
    shutil.rmtree(home)
    for descriptor in watched:
        os.close(descriptor)
    assert ended == [True, True]


def test_the_proxy_passes_everything_on(proxy: TcpProxy) -> None:
    with through(proxy) as client:
        client.set("long", b"x" * 1_000_000)
        assert len(client.get("long")) == 1_000_000
    assert proxy.accepted == 1


def test_a_refusing_proxy_resets_new_connections_and_keeps_the_old(proxy: TcpProxy) -> None:
    with through(proxy) as old, through(proxy) as new:
        old.ping()
        proxy.mode = Mode.REFUSE
        with pytest.raises(redis.ConnectionError):
            new.ping()
        assert old.ping()


def test_a_black_hole_takes_connections_and_never_answers(proxy: TcpProxy) -> None:
    proxy.mode = Mode.BLACKHOLE
    with through(proxy) as client, pytest.raises(redis.TimeoutError):
        client.ping()
    assert proxy.accepted == 1


def test_a_frozen_connection_stands_open_while_new_ones_pass(proxy: TcpProxy) -> None:
    with through(proxy) as frozen, through(proxy) as fresh:
        frozen.ping()
        proxy.freeze_existing()
        assert fresh.ping()
        with pytest.raises(redis.TimeoutError):
            frozen.ping()


def test_reset_all_ends_what_is_open_with_a_reset(proxy: TcpProxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as link:
        link.sendall(b"PING\r\n")
        assert link.recv(100) == b"+PONG\r\n"
        proxy.reset_all()
        with pytest.raises(ConnectionResetError):
            link.recv(100)
    with through(proxy) as client:
        assert client.ping()


def test_a_polite_end_is_handed_on(proxy: TcpProxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as link:
        link.sendall(b"QUIT\r\n")
        assert link.recv(100) == b"+OK\r\n"
        assert link.recv(100) == b""


def test_with_the_server_gone_the_proxy_resets(proxy: TcpProxy, valkey: Valkey) -> None:
    valkey.stop()
    with through(proxy) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    valkey.start()
    with through(proxy) as client:
        assert client.ping()
