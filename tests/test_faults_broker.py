"""The broker forgets, dies, freezes or repeats itself; the round goes on. It is only the doorbell."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster
from servers import Valkey
from tcp_proxy import TcpProxy

from tasks.pipeline import ring
from tasks.records import Ring, Step
from workers.celery import app

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

READERS = 200


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


def test_a_flushed_broker_loses_rings_and_no_mail(tmp_path: Path, broker: Valkey) -> None:
    with Cluster(tmp_path, broker=broker.url) as cluster, broker.client() as client:
        cluster.fill(READERS)
        cluster.worker()
        flushed = 0

        def done() -> bool:
            nonlocal flushed
            if flushed < 20:
                client.flushall()
                flushed += 1
            return cluster.sent() == READERS

        cluster.until(done)
        assert flushed == 20
        assert cluster.everybody_got_one(READERS)


def test_a_broker_that_is_killed_again_and_again_loses_no_mail(
    tmp_path: Path, broker: Valkey
) -> None:
    with Cluster(tmp_path, broker=broker.url) as cluster:
        cluster.fill(READERS)
        workers = [cluster.worker()]

        def sent(least: int) -> bool:
            if workers[-1].poll() is not None:  # a broker's crash can take a worker with it
                workers.append(cluster.worker())
            return cluster.sent() >= least

        cluster.until(lambda: bool(cluster.states()))
        for number in range(1, 6):
            broker.kill()
            time.sleep(0.3)
            broker.start()
            cluster.until(lambda least=number * 20: sent(least))  # type: ignore[misc]
        cluster.until(lambda: sent(READERS))
        assert cluster.everybody_got_one(READERS)


def test_a_line_that_goes_dead_without_a_word_is_found_and_the_round_ends(
    tmp_path: Path, broker: Valkey
) -> None:
    proxy = TcpProxy(broker.port)
    url = f"redis://127.0.0.1:{proxy.port}/0"
    with Cluster(tmp_path, broker=url) as cluster:
        cluster.bell.conf.broker_url = broker.url  # the beat's line is a good one
        cluster.fill(READERS)
        cluster.worker()
        cluster.until(lambda: cluster.sent() > 5)
        proxy.freeze_existing()
        cluster.until(lambda: cluster.sent() == READERS, ticking=2.0)
        assert cluster.everybody_got_one(READERS)
    proxy.close()


def test_every_message_delivered_twice_makes_one_mail(tmp_path: Path, broker: Valkey) -> None:
    doubling = (
        "import tasks.pipeline as pipeline\n"
        "ring_once = pipeline.ring\n"
        "def ring_twice(rings, at=None):\n"
        "    rings = list(rings)\n"
        "    return ring_once(rings, at) + ring_once(rings, at)\n"
        "pipeline.ring = ring_twice\n"
    )
    with Cluster(tmp_path, broker=broker.url) as cluster:
        cluster.fill(READERS)
        cluster.worker(script=doubling)
        cluster.worker(script=doubling)
        cluster.until(lambda: cluster.sent() == READERS)
        assert cluster.everybody_got_one(READERS)


def test_two_beats_at_once_make_one_round(tmp_path: Path, broker: Valkey) -> None:
    with Cluster(tmp_path, broker=broker.url) as cluster:
        cluster.fill(20)
        cluster.worker()
        cluster.beat()
        cluster.beat()
        cluster.until(lambda: cluster.sent() == 20, ticking=0)
        assert cluster.everybody_got_one(20)


@pytest.mark.parametrize("trouble", ["down", "full"])
def test_a_broker_that_takes_nothing_costs_time_and_no_error(
    tmp_path: Path, broker: Valkey, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    if trouble == "down":
        broker.stop()
    else:
        with broker.client() as client:
            client.config_set("maxmemory", "1mb")
    app.conf.broker_url = broker.url
    try:
        assert ring([Ring(Step.SCORE, n, n) for n in range(3)]) == 0
    finally:
        app.close()
    assert "the next tick rings again" in caplog.text
