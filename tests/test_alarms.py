"""Alarms: every one raised by a planted fault and cleared when it is mended; silence when all is well."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from planted import (
    dead,
    failing,
    hollow_day,
    lag_compose,
    lag_deliver,
    lag_fetch,
    lag_parse,
    lag_render,
    lag_score,
    late,
    quarantined,
    queue,
    shut_door,
    silent_beat,
    silent_workers,
    stuck_day,
    unsure,
)
from sqlmodel import Session, col, select, update
from watched import (
    FRIDAY,
    HOUR,
    MINUTE,
    ONE,
    add_mail,
    good_service,
    live,
    raised,
    shows_life,
)

from tasks import models
from tasks.office import picture as pictures
from tasks.office.alarms import KINDS, RULES, Rules, alarms, place, title
from tasks.office.picture import Disk, Picture, look
from tasks.office.watching import watch
from tasks.round.context import Context
from tasks.store import alarms as store
from tasks.store import watch as pulses

Fault = Callable[[Session, datetime], None]


@pytest.fixture
def good(context: Context, clock: Any) -> Context:
    """A service that has run well up to Friday noon."""
    clock.moment = FRIDAY
    with context.database.write() as session:
        good_service(session, FRIDAY)
    return context


# --- silence ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-11-19", "2026-11-19"), ("2026-11-20", "2026-11-23"), ("2026-11-25", "2026-11-30")],
    ids=["a good day", "a weekend", "a holiday"],
)
def test_nothing_is_raised_while_all_goes_as_it_should(
    context: Context, clock: Any, first: str, last: str
) -> None:
    for moment in live(context, clock, date.fromisoformat(first), date.fromisoformat(last)):
        assert raised(context) == [], moment
    with context.database.read() as session:
        assert session.exec(select(models.Alarm)).all() == []


@ONE
def test_a_fresh_install_has_nothing_to_say(context: Context, clock: Any) -> None:
    assert alarms(look(context), clock()) == []
    for _ in range(20):
        clock.moment += MINUTE
        with context.database.write() as session:
            shows_life(session, clock.moment)
        watch(context)
    assert raised(context) == []


@ONE
def test_rounds_that_are_asked_for_by_hand_need_no_beat(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        for name in ("beat:host/1", "worker:host/2", "web:host/3"):
            pulses.gone(session, name)
        pulses.beat(session, "tick", FRIDAY - 5 * HOUR)
    assert alarms(look(good), FRIDAY) == []


# --- faults ----------------------------------------------------------------------------------------
FAULTS: dict[str, tuple[Fault, str]] = {
    "late:daily": (late, "no papers of Friday 20 November"),
    "failing:arxiv": (failing, "failed 3 times in a row: https://h.example/ answered 500"),
    "quarantine:daily": (quarantined, "1 page of daily could not be read: not_a_page: a login"),
    "lag:fetch": (lag_fetch, "3 pieces of work to fetch have waited since 10:59 UTC"),
    "lag:parse": (lag_parse, "1 piece of work to parse has waited"),
    "lag:score": (lag_score, "to score"),
    "lag:compose": (lag_compose, "to compose"),
    "lag:render": (lag_render, "to render"),
    "lag:deliver": (lag_deliver, "to deliver"),
    "queue": (queue, "500 pieces of work wait, and more come than are done"),
    "beat": (silent_beat, "Nobody has looked for due work since 11:56 UTC on Friday 20 November"),
    "worker": (silent_workers, "No worker has shown life since 11:56 UTC"),
    "day": (stuck_day, "those of today were not handed over"),
    "door": (shut_door, "1 mail waits: smtp.example refuses the login of [address]"),
    "unsure": (unsure, "1 mail may or may not have arrived"),
    "dead": (dead, "1 digest or mail failed at every try"),
}


@pytest.mark.parametrize("key", FAULTS)
def test_a_planted_fault_raises_its_alarm_and_no_other(good: Context, clock: Any, key: str) -> None:
    fault, words = FAULTS[key]
    assert alarms(look(good), clock()) == []
    with good.database.write() as session:
        fault(session, clock())
    watch(good)
    assert raised(good) == [key]
    with good.database.read() as session:
        [row] = store.standing(session)
    assert words in row.words
    assert (row.kind, row.raised_at, row.cleared_at) == (key.partition(":")[0], FRIDAY, None)
    assert len(row.remedy) > 20
    assert row.kind in KINDS
    clock.moment += timedelta(seconds=30)
    watch(good)
    with good.database.read() as session:
        assert len(session.exec(select(models.Alarm)).all()) == 1, "it is raised once"


def test_every_kind_of_alarm_has_been_planted() -> None:
    assert {key.partition(":")[0] for key in FAULTS} | {"disk"} == set(KINDS)
    assert {key.partition(":")[2] for key in FAULTS if key.startswith("lag:")} == {
        step.value for step in RULES.lags
    }


def test_a_full_disk_is_told_before_it_is_full(
    good: Context, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    free = [3 * 10**9]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100 * 10**9, 0, free[0]))
    watch(good)
    assert raised(good) == ["disk"]
    free[0] = 55 * 10**8
    clock.moment += MINUTE
    watch(good)
    assert raised(good) == ["disk"], "a little more room is not enough"
    free[0] = 7 * 10**9
    clock.moment += MINUTE
    watch(good)
    assert raised(good) == []
    assert pictures.disk_of(good.settings.home / "not" / "there") == Disk(free[0], 100 * 10**9)


def test_a_disk_that_cannot_be_seen_is_no_full_one(
    now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(shutil, "disk_usage", refuses)
    assert pictures.disk_of(tmp_path) is None
    assert alarms(Picture(disk=None), now) == []


@ONE
def test_a_weekday_whose_digests_are_all_empty_for_want_of_news_is_told(
    good: Context, clock: Any
) -> None:
    with good.database.write() as session:
        hollow_day(session, clock())
    watch(good)
    assert raised(good) == ["day"]


@ONE
def test_one_readers_empty_day_is_no_fault(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        hollow_day(session, clock())
        session.execute(update(models.Digest).values(considered=40))
    watch(good)
    assert raised(good) == []


# --- words and places --------------------------------------------------------------------------------
def test_a_reader_who_left_at_the_last_moment_is_no_fault(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        stuck_day(session, clock())
        today = select(models.Digest.id).where(models.Digest.day == clock().date())
        add_mail(session, session.exec(today).one(), 1, "suppressed", clock())
    assert alarms(look(good), clock()) == []


def test_every_alarm_leads_to_a_page() -> None:
    assert place("late:a name/with? signs") == "/admin/sources/a%20name%2Fwith%3F%20signs"
    assert place("dead") == "/admin/dead"
    assert place("lag:parse") == "/admin"
    assert title("dead") == "Work failed at every try"
    assert title("older") == "older"


@ONE
def test_a_strangers_words_are_short_and_on_one_line(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        failing(session, clock())
        error = "x" * 500 + "\r\nBcc: everybody@readers.example"
        session.execute(update(models.Source).where(col(models.Source.id) == 2).values(error=error))
    [found] = alarms(look(good), clock())
    assert "\n" not in found.words
    assert len(found.words) < 300


@ONE
def test_a_strange_source_name_is_one_word_of_a_command(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        failing(session, clock())
        session.execute(
            update(models.Source).where(col(models.Source.id) == 2).values(name="a; rm -rf ~")
        )
    [found] = alarms(look(good), clock())
    assert "paperround sources test 'a; rm -rf ~'." in found.remedy


def test_the_rules_are_pure(now: datetime) -> None:
    assert alarms(Picture(), now) == []
    assert (
        alarms(Picture(disk=Disk(1, 100)), now, Rules(disk_least=0, disk_share=0.5))[0].key
        == "disk"
    )
