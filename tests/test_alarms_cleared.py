"""Alarms are cleared when their cause is mended, do not flap, and are raised once however many look."""

from __future__ import annotations

from datetime import date, timedelta
from threading import Thread
from typing import Any

import pytest
from planted import (
    dead,
    lag_fetch,
    lag_parse,
    late,
    queue,
    shut_door,
    silent_beat,
    silent_workers,
    stuck_day,
    unsure,
)
from sqlmodel import col, select, update
from watched import (
    DAY,
    FRIDAY,
    HOUR,
    MINUTE,
    ONE,
    add_digest,
    add_mail,
    add_page,
    good_service,
    midnight,
    pass_time,
    raised,
    shows_life,
)

from tasks import models
from tasks.office.dead import retry, sound
from tasks.office.watching import is_missed, watch
from tasks.round.context import Context
from tasks.store import alarms as store
from tasks.store import dead as store_dead
from tasks.store import watch as pulses


@pytest.fixture
def good(context: Context, clock: Any) -> Context:
    """A service that has run well up to Friday noon."""
    clock.moment = FRIDAY
    with context.database.write() as session:
        good_service(session, FRIDAY)
    return context


# --- mended ----------------------------------------------------------------------------------------
def test_a_source_that_comes_late_clears_its_alarm(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        late(session, clock())
    watch(good)
    with good.database.write() as session:
        add_page(session, 1, FRIDAY.date(), FRIDAY)
    clock.moment += MINUTE
    watch(good)
    assert raised(good) == []
    with good.database.read() as session:
        [row] = store.history(session, 10)
    assert (row.key, row.raised_at, row.cleared_at) == ("late:daily", FRIDAY, FRIDAY + MINUTE)


@ONE
def test_silence_is_cleared_only_when_life_is_steady(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        silent_beat(session, clock())
    watch(good)
    for ago, standing in ((2 * MINUTE, ["beat"]), (timedelta(seconds=20), [])):
        clock.moment += MINUTE
        with good.database.write() as session:
            shows_life(session, clock.moment)
            for name in ("tick", "beat:host/1"):
                pulses.beat(session, name, clock.moment - ago)
        watch(good)
        assert raised(good) == standing


@ONE
def test_a_lag_is_cleared_at_half_of_what_raises_it(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        lag_parse(session, clock())
    watch(good)
    for ago, standing in ((10, ["lag:parse"]), (7, [])):
        clock.moment += MINUTE
        with good.database.write() as session:
            waits = update(models.Page).where(col(models.Page.state) == "fetched")
            session.execute(waits.values(fetched_at=clock.moment - ago * MINUTE))
        watch(good)
        assert raised(good) == standing


@ONE
def test_a_door_that_opens_by_the_clock_is_not_mended(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        shut_door(session, clock())
    watch(good)
    pass_time(good, clock, 4 * MINUTE)  # it opened three minutes ago, and nobody knows yet
    assert raised(good) == ["door"]
    with good.database.write() as session:
        session.execute(update(models.Delivery).values(state="sent", next_attempt_at=None))
    pass_time(good, clock, 4 * MINUTE)
    assert raised(good) == []


def test_a_day_without_digests_stands_until_one_goes_out(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        stuck_day(session, clock())
        for source in session.exec(select(models.Source)).all():
            source.state = "paused"
    watch(good)
    clock.moment += 16 * HOUR
    with good.database.write() as session:
        pulses.beat(session, "watch", clock.moment - MINUTE, FRIDAY.isoformat())
    pass_time(good, clock, MINUTE)
    assert raised(good) == ["day"], "that the day is over mends nothing"
    with good.database.write() as session:
        add_digest(session, clock().date())
        session.execute(update(models.Attempt).values(at=clock()))
    pass_time(good, clock, 5 * MINUTE)
    assert raised(good) == []


def test_a_queue_that_shrinks_is_mended(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        queue(session, clock())
    watch(good)
    for wait, standing in ((300, ["queue"]), (200, [])):
        clock.moment += MINUTE
        with good.database.write() as session:
            waiting = select(models.Page.id).where(models.Page.state == "fetched").limit(10**6)
            done = session.exec(waiting).all()[wait:]
            session.execute(
                update(models.Page).where(col(models.Page.id).in_(done)).values(state="parsed")
            )
        watch(good)
        assert raised(good) == standing


# --- one cause, one alarm ----------------------------------------------------------------------------
@ONE
def test_what_lags_because_nobody_works_is_no_alarm_of_its_own(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        silent_workers(session, clock())
        late(session, clock())
        lag_parse(session, clock())
    watch(good)
    assert raised(good) == ["worker"]


@ONE
def test_mails_that_wait_at_a_shut_door_are_one_alarm(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        shut_door(session, clock())
        lagging = add_digest(session, FRIDAY.date() + 2 * DAY, mail="")
        add_mail(session, lagging, 1, "ready", FRIDAY - HOUR)
    watch(good)
    assert raised(good) == ["door"]


def test_what_is_tried_again_has_not_waited_since_it_was_made(good: Context, clock: Any) -> None:
    tomorrow = FRIDAY.date() + DAY
    retries = []
    with good.database.write() as session:
        add_page(session, 1, FRIDAY.date(), FRIDAY - DAY, state="quarantined", error="no parser")
        dead_digest = add_digest(session, tomorrow, state="dead", mail="")
        mail = add_mail(
            session, add_digest(session, tomorrow + DAY, mail=""), 1, "deferred", FRIDAY - DAY
        )
        waits = update(models.Delivery).where(col(models.Delivery.id) == mail)
        session.execute(waits.values(next_attempt_at=FRIDAY - MINUTE))
        planned = update(models.Digest).where(col(models.Digest.id) == dead_digest)
        session.execute(planned.values(planned_at=FRIDAY - HOUR))
        for kind in ("page", "digest"):
            [letter] = store_dead.rows(session, sound(kind), 9, now=FRIDAY)
            retries.append((kind, letter.id))
    for kind, key in retries:
        retry(good, "ada", kind, key)
    watch(good)
    assert raised(good) == []
    clock.moment += HOUR
    with good.database.write() as session:
        shows_life(session, clock())
        pulses.beat(session, store.TURN, clock() - MINUTE, FRIDAY.isoformat())
    watch(good)
    assert {*raised(good)} == {"lag:parse", "lag:compose", "lag:deliver"}


def test_after_a_sleep_nothing_is_raised_before_there_was_time_to_catch_up(
    good: Context, clock: Any
) -> None:
    clock.moment = midnight(date(2026, 11, 23)) + 12 * HOUR  # it slept since Friday
    with good.database.write() as session:
        lag_fetch(session, clock())
    watch(good)
    assert raised(good) == []
    with good.database.write() as session:
        pulses.beat(session, "tick", clock())
    pass_time(good, clock, 20 * MINUTE)
    assert {"late:daily", "late:arxiv"} <= set(raised(good)), "what stays late is raised"


@ONE
def test_one_of_several_workers_may_end(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        pulses.beat(session, "worker:other/9", clock() - 30 * MINUTE)
    watch(good)
    assert raised(good) == []
    clock.moment += DAY
    with good.database.write() as session:
        shows_life(session, clock.moment)
    watch(good)
    with good.database.read() as session:
        assert pulses.pulse(session, "worker:other/9") is None, "it is forgotten"
        assert pulses.pulse(session, "worker:host/2") is not None


@ONE
def test_the_last_of_its_kind_is_missed_for_ever(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        pulses.beat(session, "worker:host/2", clock() - 3 * DAY)
    watch(good)
    clock.moment += MINUTE
    watch(good)
    assert "worker" in raised(good)


@ONE
def test_a_beat_that_was_ended_in_order_and_forgotten_is_missed_by_its_ticks(
    good: Context, clock: Any
) -> None:
    with good.database.write() as session:
        pulses.gone(session, "beat:host/1")
        pulses.beat(session, "tick", clock() - 4 * MINUTE)
    watch(good)
    assert raised(good) == ["beat"]


@ONE
def test_workers_that_were_all_ended_in_order_are_missed(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        pulses.gone(session, "worker:host/2")
        pulses.beat(session, "tick", clock() - 4 * MINUTE)
    watch(good)
    assert raised(good) == ["worker"]


# --- turns -----------------------------------------------------------------------------------------
def test_who_saw_an_older_picture_writes_nothing(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        unsure(session, clock())
    watch(good)
    clock.moment -= timedelta(seconds=10)
    with good.database.write() as session:
        dead(session, clock() + DAY)
    watch(good)
    assert raised(good) == ["unsure"]


def test_many_who_look_at_once_raise_one_alarm(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        unsure(session, clock())
    threads = [Thread(target=watch, args=(good,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with good.database.read() as session:
        assert len(session.exec(select(models.Alarm)).all()) == 1


@ONE
def test_a_look_is_missed_after_some_minutes(good: Context, clock: Any) -> None:
    watch(good)
    assert not is_missed(good)
    clock.moment += 2 * MINUTE
    assert not is_missed(good)
    clock.moment += MINUTE
    assert is_missed(good)


def test_old_alarms_are_forgotten(good: Context, clock: Any) -> None:
    with good.database.write() as session:
        for ago in (100, 200):
            moment = FRIDAY - ago * DAY
            gone = {"raised_at": moment, "cleared_at": moment}
            session.add(models.Alarm(key="k", kind="lag", words="w", remedy="r", **gone))
    watch(good)
    with good.database.read() as session:
        assert [row.raised_at for row in store.history(session, 10)] == [FRIDAY - 100 * DAY]
