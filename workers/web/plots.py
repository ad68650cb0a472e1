"""Plots as svg: where lines and bars go. Colours and patterns are the style sheet's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from tasks.desk.tuning.machine import Comparison, Turn
from tasks.desk.tuning.measuring import Estimate

DAY = 10  # width of a day, of which a bar takes the middle
GAP = 2
HIGH = 100  # of a plot, from its zero up
SCALES = (0.1, 0.25, 0.5, 1.0)  # where the axis of the lines may end


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A day in the table that tells what the plot shows. None where there was no digest, or no line."""

    day: date
    picks_before: int | None
    picks_after: int | None
    line_before: float | None
    line_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """Two plots over the same days: picks a day, and the line of each day.

    `bars` and `steps` are the paths of the picks after and before, up to `most`; `line` and `was` those
    of the line after and before, up to `top`. `width` is that of both, their height is HIGH.
    """

    width: int
    most: int
    top: float
    bars: str
    steps: str
    line: str
    was: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """An estimate on an axis from 0 to 100: its middle and both ends."""

    value: float
    low: float
    high: float


def volume(found: Comparison) -> Volume:
    """The plots of a comparison, and the same as rows."""
    before, after = _by_day(found.before.turns if found.before else ()), _by_day(found.after.turns)
    rows = tuple(_row(day, before.get(day), after.get(day)) for day in sorted({*before, *after}))
    counts = [n for row in rows for n in (row.picks_before, row.picks_after) if n is not None]
    lines = [n for row in rows for n in (row.line_before, row.line_after) if n is not None]
    most = max([1, *counts])
    top = next((scale for scale in SCALES if scale >= max(lines, default=0)), 1.0)
    return Volume(
        width=DAY * max(len(rows), 1),
        most=most,
        top=top,
        bars=bars([row.picks_after for row in rows], most),
        steps=steps([row.picks_before for row in rows], most),
        line=steps([row.line_after for row in rows], top),
        was=steps([row.line_before for row in rows], top),
        rows=rows,
    )


def span(estimate: Estimate) -> Span:
    """Where an estimate of 0 to 1 stands."""
    ends = (estimate.value, estimate.low, estimate.high)
    return Span(*(round(100 * min(max(end, 0.0), 1.0), 1) for end in ends))


def _by_day(turns: Iterable[Turn]) -> dict[date, Turn]:
    return {turn.day: turn for turn in turns}


def _row(day: date, before: Turn | None, after: Turn | None) -> Row:
    return Row(
        day=day,
        picks_before=len(before.picks) if before else None,
        picks_after=len(after.picks) if after else None,
        line_before=_line(before),
        line_after=_line(after),
    )


def _line(turn: Turn | None) -> float | None:
    """The least score of a pick; None where nothing could reach it."""
    return turn.line if turn and turn.line <= 1 else None


def bars(values: Sequence[float | None], most: float) -> str:
    """A bar for each day, up to `most`; none where a day has no value."""
    return "".join(
        f"M{at * DAY + GAP} {HIGH}V{_up(value, most)}h{DAY - 2 * GAP}V{HIGH}z"
        for at, value in enumerate(values)
        if value
    )


def steps(values: Sequence[float | None], most: float) -> str:
    """A line that is level for each day, and broken where a day has no value."""
    path, before = "", None
    for at, value in enumerate(values):
        if value is not None:
            begin = f"M{at * DAY} {_up(value, most)}" if before is None else f"V{_up(value, most)}"
            path += f"{begin}h{DAY}"
        before = value
    return path


def _up(value: float, most: float) -> str:
    return f"{HIGH - HIGH * value / most:.4g}"
