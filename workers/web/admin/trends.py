"""The last weeks as small plots, and the same as rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.store.trends import Day
from workers.web.plots import DAY, bars, steps

Count = Callable[[Day], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot over the days: bars of one count and, over them, the level of another, up to `most`."""

    title: str
    bar: str
    line: str
    width: int
    most: str
    bars: str
    steps: str


PLOTS: Sequence[tuple[str, str, Count, str, Count, str]] = (
    (
        "What came in",
        "new papers",
        lambda day: day.new,
        "items rejected",
        lambda day: day.rejected,
        "",
    ),
    (
        "Digests",
        "composed",
        lambda day: day.composed,
        "empty",
        lambda day: day.empty,
        "",
    ),
    (
        "Mails",
        "sent",
        lambda day: day.sent,
        "failed",
        lambda day: day.failed,
        "",
    ),
    (
        "From due to sent",
        "in the middle",
        lambda day: day.lag,
        "at most",
        lambda day: day.lag_most,
        " min",
    ),
)


def plots(days: Sequence[Day]) -> list[Plot]:
    """The plots of these days."""
    return [_plot(days, *what) for what in PLOTS]


def _plot(
    days: Sequence[Day], title: str, bar: str, tall: Count, line: str, level: Count, unit: str
) -> Plot:
    high, low = [tall(day) for day in days], [level(day) for day in days]
    most = max(1.0, *(value or 0.0 for value in (*high, *low)))
    return Plot(
        title=title,
        bar=bar,
        line=line,
        width=DAY * len(days),
        most=f"{most:,.0f}{unit}",
        bars=bars(high, most),
        steps=steps(low, most),
    )
