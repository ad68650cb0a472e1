"""Workers die; every digest arrives exactly once all the same. Real processes, real signals."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cluster import Cluster
from servers import Valkey
from sqlalchemy import update
from sqlmodel import col, func, select

from tasks import models
from tasks.failpoints import ROUND

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

READERS = 200
RANDOM_KILLS = 20


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def cluster(tmp_path: Path, broker: Valkey) -> Iterator[Cluster]:
    with broker.client() as client:
        client.flushall()
    with Cluster(tmp_path, broker=broker.url) as made:
        yield made


def test_a_worker_killed_at_every_named_place_of_one_round_loses_and_doubles_nothing(
    cluster: Cluster,
) -> None:
    cluster.fill(READERS)
    died = []
    for name in ROUND:
        worker = cluster.worker(PAPERROUND_FAILPOINTS=f"{name}=kill")
        cluster.until(lambda worker=worker: worker.poll() is not None)  # type: ignore[misc]
        died.append(worker.returncode)
    assert died == [-signal.SIGKILL] * len(ROUND)
    cluster.worker()
    cluster.until(lambda: cluster.sent() == READERS)
    assert cluster.everybody_got_one(READERS)
    with cluster.database.read() as session:
        assert session.exec(select(func.count()).select_from(models.Page)).one() == 1
        assert session.exec(select(func.count()).select_from(models.Entry)).one() == 10


def test_a_worker_killed_at_random_again_and_again_loses_and_doubles_nothing(
    cluster: Cluster,
) -> None:
    readers = READERS
    cluster.fill(readers)
    dice = random.Random(7)
    for _ in range(RANDOM_KILLS):
        worker = cluster.worker()
        before = signs(cluster)
        cluster.until(lambda before=before: signs(cluster) != before)  # type: ignore[misc]
        time.sleep(dice.uniform(0.05, 1.0))
        cluster.kill(worker)
        if cluster.sent() == readers:  # too quick for the dice: more people come
            cluster.add_readers(100, first=readers)
            readers += 100
    cluster.worker()
    cluster.until(lambda: cluster.sent() == readers)
    assert cluster.everybody_got_one(readers)


def signs(cluster: Cluster) -> tuple[object, ...]:
    """Changes with everything that a worker does."""
    with cluster.database.read() as session:
        pages = session.exec(select(models.Page.state, models.Page.attempts)).all()
        shards = session.exec(select(models.Shard.scored)).all()
    return (*pages, *shards, *sorted(cluster.states().items()))


def test_a_killed_child_of_a_prefork_worker_costs_one_more_fetch_and_no_more(
    cluster: Cluster,
) -> None:
    cluster.fill(3)
    worker = cluster.worker(pool="prefork", PAPERROUND_FAILPOINTS="fetch.got=kill")
    cluster.until(lambda: has_failed_once(cluster))
    assert worker.poll() is None, "only its child died"
    cluster.kill(worker)
    cluster.worker(pool="prefork")
    cluster.until(lambda: cluster.everybody_got_one(3))
    with cluster.database.read() as session:
        assert session.exec(select(func.count()).select_from(models.Page)).one() == 1


def has_failed_once(cluster: Cluster) -> bool:
    with cluster.database.read() as session:
        return session.exec(select(models.Source.attempts)).one() >= 2


def test_a_warm_stop_in_the_middle_finishes_what_was_begun(cluster: Cluster) -> None:
    cluster.fill(READERS)
    worker = cluster.worker()
    cluster.until(lambda: cluster.sent() > 10)
    cluster.kill(worker, signal.SIGTERM)
    assert worker.returncode == 0
    with cluster.database.read() as session:
        held = select(func.count()).where(col(models.Delivery.state).in_(("claimed", "armed")))
        assert session.exec(held).one() == 0
    cluster.worker()
    cluster.until(lambda: cluster.sent() == READERS)
    assert cluster.everybody_got_one(READERS)


def test_a_sleeper_whose_lease_ended_finds_its_mail_taken_and_sends_nothing(
    cluster: Cluster,
) -> None:
    cluster.fill(1)
    # One thread: another one that was frozen while it held SQLite's write lock would stop everybody.
    sleeper = cluster.worker(threads=1, PAPERROUND_FAILPOINTS="deliver.offered=stop")
    cluster.until(lambda: cluster.states().get("claimed") == 1)
    wait_until_stopped(sleeper.pid)
    with cluster.database.write() as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        session.execute(update(models.Delivery).values(lease_until=past))
    cluster.worker()
    cluster.until(lambda: cluster.everybody_got_one(1))
    os.killpg(sleeper.pid, signal.SIGCONT)
    time.sleep(1)
    assert cluster.everybody_got_one(1)
    log = Path(cluster.log.name).read_text()
    assert "no longer owned" in log


def wait_until_stopped(pid: int) -> None:
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.02)


def test_two_whole_rounds_at_once_make_one_mail_for_each(cluster: Cluster) -> None:
    cluster.fill(60)
    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(lambda _: cluster.once(), range(2)))
    assert set(codes) <= {0, 75}, "one that ends while the other still holds some says so"
    assert cluster.once() == 0
    assert cluster.everybody_got_one(60)
