"""The watchdog: what it decides from what it saw, and what it sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from tasks import models
from tasks.records import RawPage, SourceKind
from tasks.store import entries, pages, sources, watch
from tasks.store.database import Database
from workers.embedded.watchdog import CALM, TICK_MOST, UNTOUCHED_MOST, Facts, Watchdog, decide

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=5)
UP = {"worker": timedelta(hours=5), "beat": timedelta(hours=5)}


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


WELL = Facts(watched=LONG_AGO, tick=ago(10), worker=LONG_AGO, beat=LONG_AGO)
SILENT = replace(WELL, tick=ago(91))
STUCK = replace(WELL, oldest=ago(121), still=ago(121))


# --- deciding ------------------------------------------------------------------------------------
def test_all_is_well_while_ticks_come_and_nothing_waits() -> None:
    assert decide(NOW, WELL) == ()


def test_without_ticks_the_beat_is_restarted_and_then_the_worker() -> None:
    assert decide(NOW, SILENT) == ("beat", "worker")
    assert decide(NOW, replace(WELL, tick=None)) == ("beat", "worker")


def test_work_that_nobody_touches_restarts_the_worker() -> None:
    assert decide(NOW, STUCK) == ("worker",)


@pytest.mark.parametrize(
    "change",
    [
        {"tick": ago(TICK_MOST.total_seconds())},
        {"worker": ago(80)},
        {"beat": ago(80)},
        {"watched": ago(80)},
        {"worker": None},
        {"beat": None},
        {"restarted": ago(CALM.total_seconds() - 1)},
    ],
)
def test_a_missing_tick_is_excused(change: dict[str, Any]) -> None:
    assert decide(NOW, replace(SILENT, **change)) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"oldest": ago(UNTOUCHED_MOST.total_seconds())},
        {"oldest": None},
        {"still": ago(45)},  # a long queue that moves
        {"worker": ago(110)},
        {"watched": ago(110)},
        {"worker": None},
        {"door": NOW + timedelta(seconds=90)},  # mails wait for a server that is down
        {"door": ago(30)},
        {"restarted": ago(100)},
    ],
)
def test_untouched_work_is_excused(change: dict[str, Any]) -> None:
    assert decide(NOW, replace(STUCK, **change)) == ()


def test_after_a_calm_while_it_restarts_again() -> None:
    assert decide(NOW, replace(SILENT, restarted=NOW - CALM)) == ("beat", "worker")
    assert decide(NOW, replace(STUCK, restarted=NOW - CALM)) == ("worker",)


def test_moments_in_the_future_excuse_nothing() -> None:
    later = NOW + timedelta(hours=3)  # the clock was set back since
    assert decide(NOW, replace(SILENT, tick=later)) == ("beat", "worker")
    assert decide(NOW, replace(SILENT, restarted=later)) == ("beat", "worker")


# --- seeing --------------------------------------------------------------------------------------
@pytest.fixture
def dog(database: Database, clock: Any) -> Watchdog:
    return Watchdog(database, clock)


@pytest.fixture
def wait(dog: Watchdog, clock: Any) -> Callable[..., list[tuple[str, ...]]]:
    """Let time pass, with a look every ten seconds, and return what was decided on the way."""

    def pass_time(
        seconds: int, *, each: Callable[[], object] = lambda: None
    ) -> list[tuple[str, ...]]:
        found = []
        for _ in range(seconds // 10):
            clock.moment += timedelta(seconds=10)
            each()
            found.append(dog.look(UP))
        return [names for names in found if names]

    return pass_time


def tick(database: Database, clock: Any) -> None:
    with database.write() as session:
        watch.beat(session, "tick", clock())


def add_page(database: Database, at: datetime, *, name: str = "feed") -> None:
    with database.write() as session:
        key = sources.add(
            session, kind=SourceKind.FEED, name=name, address="https://f.example/", now=at
        )
        pages.save(session, key, [RawPage(url="https://f.example/", body=b"?", fetched_at=at)])


def test_a_beat_that_never_ticks_is_restarted_once_in_three_minutes(wait: Any) -> None:
    assert wait(90) == []
    assert wait(180) == [("beat", "worker")]
    assert wait(180) == [("beat", "worker")]


def test_ticks_keep_it_quiet(wait: Any, database: Database, clock: Any) -> None:
    assert wait(600, each=lambda: tick(database, clock)) == []


def test_a_page_that_nobody_takes_restarts_the_worker(
    wait: Any, database: Database, clock: Any
) -> None:
    add_page(database, clock())
    assert wait(240, each=lambda: tick(database, clock))[0] == ("worker",)


def test_a_shard_that_is_being_scored_is_a_sign_of_life(
    wait: Any, database: Database, clock: Any
) -> None:
    add_page(database, clock() - timedelta(days=1))
    with database.write() as session:
        session.add(models.Shard(state="open", lease_until=clock() + timedelta(minutes=5)))
        session.add(models.Counter(name=entries.ARRIVALS, value=7))
    found = wait(600, each=lambda: tick(database, clock))
    assert found == [("worker",), ("worker",)]
    assert clock() - NOW == timedelta(minutes=10)


def test_an_old_queue_that_moves_is_left_alone(wait: Any, database: Database, clock: Any) -> None:
    add_page(database, clock() - timedelta(days=1))
    names = iter(f"feed {n}" for n in range(1000))

    def move() -> None:
        tick(database, clock)
        add_page(database, clock(), name=next(names))

    assert wait(600, each=move) == []


def test_a_machine_that_slept_gets_time_to_wake(wait: Any, database: Database, clock: Any) -> None:
    wait(60, each=lambda: tick(database, clock))
    clock.moment += timedelta(hours=8)
    assert wait(80) == []
    assert wait(30) == [("beat", "worker")]


def test_mails_that_wait_for_a_mail_server_are_no_reason(
    wait: Any, database: Database, clock: Any
) -> None:
    add_page(database, clock())

    def shut() -> None:
        tick(database, clock)
        with database.write() as session:
            watch.beat(session, "transport", clock() + timedelta(seconds=100), "refused")

    assert wait(400, each=shut) == []


def test_a_database_that_does_not_answer_is_nobodys_fault(tmp_path: Path, clock: Any) -> None:
    dog = Watchdog(Database(f"sqlite:///{tmp_path}/no/such/folder.db"), clock)
    clock.moment += timedelta(seconds=10)
    assert dog.look(UP) == ()


def test_looking_changes_nothing(dog: Watchdog, database: Database, clock: Any) -> None:
    add_page(database, clock() - timedelta(days=1))
    clock.moment += timedelta(seconds=10)
    dog.look(UP)
    with database.read() as session:
        assert session.exec(select(models.Page.state)).all() == ["fetched"]
        assert session.exec(select(models.Pulse)).all() == []
