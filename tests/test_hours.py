"""A reader's digest comes at their hour, on their days, in their zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import UsageError
from tasks.hours import day_due, due_on, next_due, zone
from tasks.records import Reader

ROME = Reader(id=1, email="a@b.example", timezone="Europe/Rome", hour=7)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_hour_is_the_readers_own() -> None:
    assert due_on(ROME, date(2026, 11, 20)) == utc("2026-11-20T06:00")
    assert due_on(ROME, date(2026, 7, 20)) == utc("2026-07-20T05:00")


def test_a_day_is_due_from_its_hour_to_its_end() -> None:
    assert day_due(ROME, utc("2026-11-20T05:59")) is None
    assert day_due(ROME, utc("2026-11-20T06:00")) == date(2026, 11, 20)
    assert day_due(ROME, utc("2026-11-20T22:59")) == date(2026, 11, 20)
    assert day_due(ROME, utc("2026-11-20T23:00")) is None, "in Rome the next day has begun"


def test_unwanted_weekdays_are_left_out() -> None:
    workdays = replace(ROME, days=(1, 2, 3, 4, 5))
    assert day_due(workdays, utc("2026-11-21T10:00")) is None
    assert next_due(workdays, utc("2026-11-20T06:00")) == utc("2026-11-23T06:00")
    assert next_due(replace(ROME, days=()), utc("2026-11-20T06:00")) is None


def test_an_hour_that_a_day_lacks_delivers_after_the_gap() -> None:
    early = replace(ROME, hour=2)  # 2026-03-29 jumps from 02:00 to 03:00
    assert due_on(early, date(2026, 3, 29)) == utc("2026-03-29T01:00")


def test_an_hour_that_a_day_has_twice_delivers_once_at_the_first() -> None:
    early = replace(ROME, hour=2)  # 2026-10-25 has 02:00 twice
    first = due_on(early, date(2026, 10, 25))
    assert first == utc("2026-10-25T00:00")
    assert next_due(early, first) == utc("2026-10-26T01:00")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe", "/etc/localtime"])
def test_a_zone_that_is_none_is_named(name: str) -> None:
    with pytest.raises(UsageError, match="time zone"):
        zone(name)


@given(
    name=st.sampled_from(
        ["Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "America/St_Johns"]
    ),
    hour=st.integers(0, 23),
    after=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
)
def test_the_next_digest_is_due_within_a_day_and_is_the_day_that_is_due(
    name: str, hour: int, after: datetime
) -> None:
    reader = replace(ROME, timezone=name, hour=hour)
    moment = after.replace(tzinfo=UTC)
    coming = next_due(reader, moment)
    assert coming is not None
    assert moment < coming <= moment + timedelta(hours=25)
    assert day_due(reader, coming) == coming.astimezone(zone(name)).date()
