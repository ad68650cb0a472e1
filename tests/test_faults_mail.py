"""A worker dies at each place of a handing over by SMTP: what was promised for that place holds."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster
from smtp_sink import Sink

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        yield server


@pytest.fixture
def cluster(tmp_path: Path, sink: Sink) -> Iterator[Cluster]:
    smtp = f"smtp://127.0.0.1:{sink.port}?starttls=never"
    with Cluster(tmp_path, broker="redis://127.0.0.1:1/0", smtp=smtp) as made:
        made.fill(3)
        yield made


@pytest.mark.parametrize(
    ("place", "state", "accepted"),
    [
        ("deliver.claimed", "sent", 3),
        ("deliver.offered", "sent", 3),
        ("deliver.armed", "unsure", 2),
        ("deliver.finished", "unsure", 3),
        ("deliver.saved", "sent", 3),
    ],
    ids=["before connecting", "before the dot", "armed", "after the 250", "after it was kept"],
)
def test_a_death_while_handing_over(
    cluster: Cluster, sink: Sink, place: str, state: str, accepted: int
) -> None:
    assert cluster.once(PAPERROUND_FAILPOINTS=f"{place}=kill") == -signal.SIGKILL
    assert cluster.once() == 0
    expected = {"sent": 3} if state == "sent" else {"sent": 2, state: 1}
    assert cluster.states() == expected
    assert len({mail.message_id for mail in sink.accepted}) == len(sink.accepted) == accepted
    assert cluster.once() == 0
    assert len(sink.accepted) == accepted, "nothing is sent again, not even what is unsure"
