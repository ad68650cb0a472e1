"""Which days a source is expected to have an edition, and when it is late."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tasks.office.expecting import Habit, deferred, due_after, judge, keeps
from tasks.records import SourceKind

DAY = timedelta(days=1)
LONG_AGO = date(2026, 1, 1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def habit(kind: SourceKind, *seen: date, hour: int = 6, **changes: object) -> Habit:
    came = {day: at(f"{day}T{hour:02d}:10") for day in seen}
    return Habit(kind=kind, **({"since": LONG_AGO, "seen": came} | changes))  # type: ignore[arg-type]


def weeks(last: date, weekdays: str, number: int = 6) -> list[date]:
    """The days of these weekdays in that many weeks up to a day."""
    days = (last - n * DAY for n in range(7 * number))
    return sorted(day for day in days if str(day.isoweekday()) in weekdays)


# --- calendars -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "day", "expected"),
    [
        (SourceKind.HF, "2026-11-20", True),  # a Friday
        (SourceKind.HF, "2026-11-21", False),
        (SourceKind.HF, "2026-11-22", False),
        (SourceKind.HF, "2026-11-23", True),
        (SourceKind.HF, "2027-01-01", False),
        (SourceKind.HF, "2026-12-25", True),
        (SourceKind.ARXIV, "2026-11-20", True),
        (SourceKind.ARXIV, "2026-11-21", False),
        (SourceKind.ARXIV, "2026-11-25", True),
        (SourceKind.ARXIV, "2026-11-26", False),  # deferred: the evening's list is Friday's
        (SourceKind.ARXIV, "2026-11-27", False),
        (SourceKind.ARXIV, "2026-11-30", True),
        (SourceKind.ARXIV, "2026-09-07", False),
        (SourceKind.ARXIV, "2026-09-08", False),
        (SourceKind.ARXIV, "2026-12-28", True),
        (SourceKind.FOLDER, "2026-11-20", False),
    ],
)
def test_a_kind_keeps_its_weekdays_and_holidays(kind: SourceKind, day: str, expected: bool) -> None:
    assert keeps(habit(kind), date.fromisoformat(day)) is expected


def test_the_custom_of_other_years_holds_what_was_announced_for_2026() -> None:
    for year in (2025, 2027, 2032):
        days = deferred(year)
        assert {date(year, 1, 1), date(year, 6, 19), date(year, 12, 25)} < days
        assert all(day.isoweekday() <= 5 for day in days if day.month in (7, 9, 11))
    assert date(2027, 1, 18) in deferred(2027)  # the third Monday of January
    assert date(2027, 7, 5) in deferred(2027)  # the fourth is a Sunday
    assert date(2027, 9, 6) in deferred(2027)
    assert date(2027, 11, 25) in deferred(2027)


def test_a_sources_own_days_and_holidays_come_first() -> None:
    own = habit(SourceKind.FOLDER, days="36", holidays=("2026-11-21", "12-02"))
    kept = [day for n in range(31) if keeps(own, day := date(2026, 11, 18) + n * DAY)]
    assert [f"{day:%m-%d}" for day in kept] == [
        "11-18", "11-25", "11-28", "12-05", "12-09", "12-12", "12-16",
    ]  # fmt: skip
    assert not keeps(habit(SourceKind.ARXIV, days="1234567"), date(2026, 11, 26))


# --- feeds ---------------------------------------------------------------------------------------
def test_a_feed_that_posts_twice_a_week_is_late_on_no_other_day() -> None:
    last = date(2026, 11, 19)  # a Thursday
    feed = habit(SourceKind.FEED, *weeks(last, "24"))
    moment = at("2026-11-19T12:00")
    while moment < at("2026-11-25T09:00"):  # Tuesday's post may come all day, and some hours more
        found = judge(feed, moment)
        assert found.late is None, moment
        assert found.today is (moment.isoweekday() in (2, 4))
        moment += timedelta(hours=1)


def test_a_feed_is_late_when_two_days_in_a_row_brought_nothing_and_stays_so() -> None:
    feed = habit(SourceKind.FEED, *weeks(date(2026, 11, 19), "24"))
    assert judge(feed, at("2026-11-26T10:09")).late is None
    assert judge(feed, at("2026-11-26T10:11")).late == date(2026, 11, 24)
    assert judge(feed, at("2026-12-08T12:00")).late is not None, "it does not unlearn by silence"
    assert judge(feed, at("2026-11-27T12:00")).missing == (), "a feed cannot be asked for a day"


def test_a_feed_without_a_rhythm_promises_nothing() -> None:
    rare = weeks(date(2026, 11, 19), "24")[::3]
    found = [judge(habit(SourceKind.FEED, *rare), at(f"2026-12-{n:02d}T12:00")) for n in (1, 3, 8)]
    assert [one.late for one in found] == [None, None, None]
    assert not keeps(habit(SourceKind.FEED), date(2026, 11, 24))
    new = habit(SourceKind.FEED, *weeks(date(2026, 11, 19), "24", 2), since=date(2026, 11, 5))
    assert not keeps(new, date(2026, 11, 24)), "two weeks show no rhythm"


# --- late ----------------------------------------------------------------------------------------
def test_a_day_is_late_only_after_the_usual_hour_and_its_grace() -> None:
    early = habit(SourceKind.HF, *weeks(date(2026, 11, 19), "12345"), hour=6)
    today = date(2026, 11, 20)
    assert due_after(early) == timedelta(hours=10, minutes=10)
    assert judge(early, at("2026-11-20T10:09")).late is None
    assert judge(early, at("2026-11-20T10:10")).late == today
    assert judge(early, at("2026-11-20T10:10")).by == at("2026-11-20T10:10")
    new = habit(SourceKind.HF, since=date(2026, 11, 19))
    assert due_after(new) == timedelta(hours=16), "nothing is known of its hours yet"


def test_days_that_were_brought_in_later_do_not_move_the_usual_hour() -> None:
    days = weeks(date(2026, 11, 19), "12345")
    seen = {day: at(f"{day}T06:10") for day in days} | {
        day: at("2026-11-19T08:00") for day in days[-3:]
    }
    outage = Habit(kind=SourceKind.HF, since=LONG_AGO, seen=seen)
    assert due_after(outage) == timedelta(hours=10, minutes=10)


def test_a_weekend_and_a_holiday_are_never_late() -> None:
    arxiv = habit(SourceKind.ARXIV, *weeks(date(2026, 11, 25), "12345"))
    moment = at("2026-11-25T12:00")  # the day before Thanksgiving
    while moment < at("2026-11-30T08:00"):
        assert judge(arxiv, moment).late is None, moment
        moment += timedelta(hours=1)
    assert judge(arxiv, at("2026-11-30T10:30")).late == date(2026, 11, 30)


def test_three_days_without_network_are_missing_until_they_are_brought_in() -> None:
    days = weeks(date(2026, 11, 17), "12345")
    dark = habit(SourceKind.HF, *days)
    found = judge(dark, at("2026-11-20T12:00"))
    gap = (date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20))
    assert (found.late, found.missing, found.last) == (gap[0], gap, date(2026, 11, 17))
    back = habit(SourceKind.HF, *days, gap[2])
    assert (
        judge(back, at("2026-11-20T12:00")).late,
        judge(back, at("2026-11-20T12:00")).missing,
    ) == (
        None,
        gap[:2],
    ), "it is not late any more, and two days are still missing"
    whole = habit(SourceKind.HF, *days, *gap)
    assert judge(whole, at("2026-11-20T12:00")).missing == ()


def test_nothing_is_expected_of_the_day_on_which_a_source_was_added() -> None:
    added = habit(SourceKind.HF, since=date(2026, 11, 20))
    assert judge(added, at("2026-11-20T23:00")).late is None
    assert judge(added, at("2026-11-23T17:00")).late == date(2026, 11, 23)


def test_a_page_from_the_future_is_no_edition() -> None:
    ahead = habit(SourceKind.HF, date(2026, 11, 25))
    assert judge(ahead, at("2026-11-20T17:00")).last is None
