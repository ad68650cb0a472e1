"""Which days a source is expected to have an edition, by when, and whether it is late. Pure.

A source's own weekdays and holidays come first; else those of its kind hold. The daily papers come from
Monday to Friday and not at New Year. arXiv lists papers on weekdays, unless it deferred the announcement of
the evening before. A feed is expected on the weekdays that its last weeks show, and since it may rest
without a word, it is late only at the second such day that brings nothing. A folder promises nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from tasks.records import SourceKind

LOOK_BACK = timedelta(weeks=8)  # what must be known of a source's days
LEARNED_OVER = timedelta(weeks=6)  # … up to the last one that brought something
LEARNED_FROM, LEARNED_SHARE = 4, 0.75  # so many weeks, and of so many of them in a hundred
MISSING_FOR = timedelta(days=14)
HOURS_FROM, HOURS_SHARE = 5, 0.8  # of so many days, the hour by which so many of them had come
LATEST = timedelta(hours=24)
USUAL = {
    SourceKind.HF: timedelta(hours=12),
    SourceKind.ARXIV: timedelta(hours=8),
    SourceKind.FEED: LATEST,
    SourceKind.FOLDER: LATEST,
}
GRACE = timedelta(hours=4)
DAY = timedelta(days=1)
# https://info.arxiv.org/help/availability.html: evenings of 2026 without an announcement.
DEFERRED_2026 = frozenset(
    date(2026, month, day)
    for month, day in (
        (1, 1),
        (1, 19),
        (6, 19),
        (7, 3),
        (9, 7),
        (11, 26),
        (12, 25),
        (12, 29),
        (12, 31),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What is known of a source: `since` it was added, `seen` the days with papers and when they first came.

    `days` are ISO weekdays as digits; `holidays` are days like 2026-12-24, or 12-24 for every year.
    """

    kind: SourceKind
    since: date
    days: str = ""
    holidays: tuple[str, ...] = ()
    seen: Mapping[date, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is expected of a source: an edition `today` and `by` when, or none.

    `last` is its newest day with papers; `late` the first expected day since then that did not come in
    time; `missing` are the days of the last two weeks that never came.
    """

    today: bool = False
    yesterday: bool = False
    by: datetime | None = None
    last: date | None = None
    late: date | None = None
    missing: tuple[date, ...] = ()


def judge(habit: Habit, now: datetime) -> Expectation:
    """What is expected of a source now."""
    today = now.astimezone(UTC).date()
    last = max((day for day in habit.seen if day <= today), default=None)
    first = max(habit.since + DAY, today - MISSING_FOR)
    after = due_after(habit)
    passed = [
        day
        for day in (first + n * DAY for n in range((today - first).days + 1))
        if keeps(habit, day) and _midnight(day) + after <= now
    ]
    waited = [day for day in passed if last is None or day > last]
    patience = 2 if habit.kind is SourceKind.FEED and not habit.days else 1
    expected = keeps(habit, today)
    return Expectation(
        today=expected,
        yesterday=keeps(habit, today - DAY),
        by=_midnight(today) + after if expected else None,
        last=last,
        late=waited[0] if len(waited) >= patience else None,
        missing=tuple(day for day in passed if day not in habit.seen) if patience == 1 else (),
    )


def keeps(habit: Habit, day: date) -> bool:
    """Whether the source is expected to have an edition of that day."""
    own = {day.isoformat(), f"{day:%m-%d}"}
    if own & {*habit.holidays} or _rests(habit.kind, day):
        return False
    if habit.days:
        return str(day.isoweekday()) in habit.days
    if habit.kind is SourceKind.FEED:
        return _learned(habit, day)
    return habit.kind is not SourceKind.FOLDER and day.isoweekday() <= 5


def due_after(habit: Habit) -> timedelta:
    """How long after its midnight an edition is late: when most came lately, and some hours of grace."""
    came = sorted(
        min(max(moment - _midnight(seen), timedelta()), LATEST)
        for seen, moment in sorted(habit.seen.items())[-20:]
    )
    enough = len(came) >= HOURS_FROM
    usual = came[math.ceil(HOURS_SHARE * len(came)) - 1] if enough else USUAL[habit.kind]
    return usual + GRACE


def _rests(kind: SourceKind, day: date) -> bool:
    """Whether sources of this kind keep that day as a holiday.

    A deferred evening empties the list of the day after; which of the two days is the one without papers
    arXiv does not say, so neither is expected.
    """
    if kind is SourceKind.HF:
        return (day.month, day.day) == (1, 1)
    return kind is SourceKind.ARXIV and any(one in deferred(one.year) for one in (day, day - DAY))


@lru_cache(maxsize=8)
def deferred(year: int) -> frozenset[date]:
    """The days on whose evening arXiv announces nothing: as it said for 2026, else by its custom."""
    if year == 2026:
        return DEFERRED_2026
    fourth = date(year, 7, 4)
    observed = fourth + DAY * {6: -1, 7: 1}.get(fourth.isoweekday(), 0)
    return frozenset(
        {
            date(year, 1, 1),
            _weekday(year, 1, 1, 3),
            date(year, 6, 19),
            observed,
            _weekday(year, 9, 1, 1),
            _weekday(year, 11, 4, 4),
            *(date(year, 12, day) for day in range(24, 32)),
        }
    )


def _weekday(year: int, month: int, weekday: int, which: int) -> date:
    """The first, second … of that ISO weekday in a month."""
    first = date(year, month, 1)
    return first + DAY * ((weekday - first.isoweekday()) % 7 + 7 * (which - 1))


def _learned(habit: Habit, day: date) -> bool:
    """Whether a feed had something new on that weekday in most of the weeks up to its last news.

    Weeks after it do not count: a feed that fell silent would else be expected less with each of them.
    """
    last = max(habit.seen, default=None)
    if last is None:
        return False
    first = max(habit.since, last - LEARNED_OVER + DAY)
    days = (first + n * DAY for n in range((last - first).days + 1))
    same = [one for one in days if one.isoweekday() == day.isoweekday()]
    hits = sum(one in habit.seen for one in same)
    return len(same) >= LEARNED_FROM and hits >= LEARNED_SHARE * len(same)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
