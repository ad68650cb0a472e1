"""The same round on the cluster's parts: PostgreSQL, a Redis server over TCP, workers of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster
from servers import Postgres, Valkey
from sqlmodel import select

from tasks import models
from tasks.store.database import Database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

READERS = 30


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


def picked(database: Database) -> list[tuple[int, int, str]]:
    """Reader, place and title of every pick."""
    with database.read() as session:
        found = session.exec(
            select(models.Pick.reader_id, models.Pick.place, models.Entry.title)
            .join(models.Entry)
            .order_by(models.Pick.reader_id, models.Pick.place)  # type: ignore[arg-type]
        )
        return [tuple(row) for row in found]  # type: ignore[misc]


def test_postgres_and_redis_over_tcp_make_the_digests_that_one_machine_makes(
    tmp_path: Path, postgres: Postgres, broker: Valkey
) -> None:
    with (
        Cluster(tmp_path / "alone", broker=broker.url) as alone,
        Cluster(tmp_path / "large", broker=broker.url, database=postgres.create("large")) as large,
    ):
        for cluster in (alone, large):
            cluster.fill(READERS)
        assert alone.once() == 0
        large.worker()
        large.worker(pool="prefork")
        large.until(lambda: large.sent() == READERS)
        assert large.everybody_got_one(READERS)
        assert picked(large.database) == picked(alone.database)
        assert len(picked(large.database)) >= READERS
