"""The papers of a run's days before and after it: as a plot, and as rows, so many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from workers.web.plots import DAY, bars, steps

KINDS = ("added", "changed", "split", "merged", "gone")
AT_ONCE = 40  # rows of a page
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Papers a day over all sources: the paths of bars (after) and steps (before), up to `most`."""

    first: date
    last: date
    width: int
    most: int
    bars: str
    steps: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some of the rows on which anything changes; `same` rows say nothing. `before` and `after` are where
    the parts around this one begin, None where there is none.
    """

    rows: Sequence[Row]
    number: int
    same: int
    first: int
    before: int | None
    after: int | None
    not_done: bool


def plotted(rows: Sequence[Row]) -> Days | None:
    """All days from the first to the last, those without a page left out."""
    if not rows:
        return None
    by_day: dict[date, list[Row]] = {}
    for row in rows:
        by_day.setdefault(date.fromisoformat(row["day"]), []).append(row)
    first, last = min(by_day), max(by_day)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    before, after = (
        [sum(row[side] for row in by_day[day]) if day in by_day else None for day in days]
        for side in ("before", "after")
    )
    most = max(1, *(n or 0 for n in (*before, *after)))
    return Days(
        first=first,
        last=last,
        width=DAY * len(days),
        most=most,
        bars=bars(after, most),
        steps=steps(before, most),
    )


def part(rows: Sequence[Row], first: int) -> Part:
    """The rows from one on that say that something changes."""
    said = [row for row in rows if _changes(row)]
    end = first + AT_ONCE
    return Part(
        rows=said[first:end],
        number=len(said),
        same=len(rows) - len(said),
        first=first,
        before=max(first - AT_ONCE, 0) if first and said else None,
        after=end if end < len(said) else None,
        not_done=any(row.get("not_done") for row in said),
    )


def _changes(row: Row) -> bool:
    return row["before"] != row["after"] or any(row[kind] for kind in KINDS)
