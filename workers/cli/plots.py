"""Plots in the terminal: columns of blocks, one for each day, that no colour need tell apart.

Where the terminal speaks no Unicode, they are made of ASCII. They take the room that there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Values = Sequence[float | None]  # None: nothing happened that day
WIDE_MOST = 4  # characters of one day, its gap included


@dataclass(frozen=True, slots=True)
class Ink:
    """What plots are drawn with: `levels` of one character from nothing to full, the mark of a zero, the
    side of the plot, and an interval's bar, ends and middle.
    """

    levels: str
    zero: str
    side: str
    bar: str
    ends: tuple[str, str]
    middle: str


BLOCKS = Ink(" ▁▂▃▄▅▆▇█", "·", "│", "─", ("├", "┤"), "●")
ASCII = Ink(" -=#", ".", "|", "-", ("[", "]"), "o")


def ink_for(encoding: str) -> Ink:
    """What a terminal of that encoding can show."""
    return BLOCKS if encoding.lower().replace("-", "").startswith("utf") else ASCII


def plot(
    series: Mapping[str, Values],
    *,
    ends: tuple[str, str],
    width: int,
    ink: Ink = BLOCKS,
    rows: int = 3,
) -> list[str]:
    """The lines of one panel for each named series, all on one scale, over an axis from `ends` to `ends`.

    A zero is marked, and what is None stays empty. Where there are more days than columns, each column
    is the mean of some.
    """
    names = max(map(len, series), default=0)
    most = max(
        (value for some in series.values() for value in some if value is not None), default=0
    )
    top = f"{most:.3g}"
    room = max(width - names - len(top) - 3, 8)
    lines, wide = [], 0
    for name, values in series.items():
        drawn = _panel(_squeezed(values, room), most, rows=rows, ink=ink, room=room)
        wide = max(wide, len(drawn[0]))
        for number, line in enumerate(drawn):
            side = f"{name if number == rows - 1 else '':{names}} {_scale(number, rows, top)}"
            lines.append(f"{side}{ink.side}{line}".rstrip())
    return [*lines, " " * (names + len(top) + 2) + _axis(*ends, wide)]


def interval(value: float, low: float, high: float, *, ink: Ink = BLOCKS, width: int = 21) -> str:
    """A figure of 0 to 1 with its interval, on an axis of that width."""

    def place(one: float) -> int:
        return round(min(max(one, 0.0), 1.0) * (width - 1))

    drawn = [" "] * width
    drawn[place(low) : place(high) + 1] = ink.bar * (place(high) - place(low) + 1)
    drawn[place(low)], drawn[place(high)] = ink.ends
    drawn[place(value)] = ink.middle
    return "".join(drawn)


def _squeezed(values: Values, most: int) -> Values:
    """At most so many values, each the mean of some that stand together."""
    step = -(-len(values) // most)
    if step <= 1:
        return values
    groups = (values[at : at + step] for at in range(0, len(values), step))
    return [_mean([one for one in group if one is not None]) for group in groups]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _panel(values: Values, most: float, *, rows: int, ink: Ink, room: int) -> list[str]:
    """Columns of these values, from the topmost line to the lowest."""
    wide = min(room // max(len(values), 1), WIDE_MOST)
    full = len(ink.levels) - 1
    heights = [_height(value, most, rows * full) for value in values]
    gap = " " if wide > 1 else ""
    return [
        "".join(_mark(one, row, full, ink) * max(wide - 1, 1) + gap for one in heights)
        for row in range(rows - 1, -1, -1)
    ]


def _height(value: float | None, most: float, steps: int) -> int | None:
    """How many steps high; what is more than nothing is one at least."""
    if value is None or value <= 0:
        return None if value is None else 0
    return max(round(value / most * steps), 1)


def _mark(height: int | None, row: int, full: int, ink: Ink) -> str:
    if height is None:
        return " "
    if height == 0:
        return " " if row else ink.zero
    return ink.levels[min(max(height - row * full, 0), full)]


def _scale(number: int, rows: int, top: str) -> str:
    """What stands beside a line of a panel: its scale's end and beginning."""
    said = top if number == 0 else "0" if number == rows - 1 else ""
    return f"{said:>{len(top)}}"


def _axis(first: str, last: str, wide: int) -> str:
    gap = wide - len(first) - len(last)
    return f"{first}{' ' * gap}{last}" if gap > 0 else f"{first} {last}"
