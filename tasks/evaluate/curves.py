"""nDCG@10 against the number of likes, as SVG made by hand: no script, nothing from outside.

Curves differ in colour, dash and marker, so they are told apart without colours, too; the drawing
follows the light or dark scheme of whoever looks at it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from tasks.evaluate.measures import Mean
from tasks.evaluate.outcome import Outcome, rival
from tasks.evaluate.report import MAIN, label, names, numbers

WIDTH, LEFT, RIGHT = 860, 60, 580
TOP, BOTTOM, HEIGHT = 60, 410, 470
STEP = 0.1  # between lines of the grid
DODGE = 4  # between bars that would lie on one another
ROW = 24  # of the legend
# Okabe & Ito's colours (2008), which any colour vision tells apart, and a grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8F7A00", "#808080")
DASHES = ("none", "8 4", "2 3", "10 3 2 3", "5 2", "14 4", "1 4", "6 2 1 2")
MARKERS = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-4-4h8v8h-8z",
    "M0-5l5 9h-10z",
    "M0-6l5 6l-5 6l-5-6z",
    "M-4-4l8 8M-4 4l8-8",
    "M0 5l5-9h-10z",
    "M-5 0h10M0-5v10",
    "M-5-2h10v4h-10z",
)
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.title{font-size:15px;font-weight:600}"
    ".paper{fill:#fff}.grid{stroke:#ccc}.line{fill:none;stroke-width:1.6}.ours{stroke-width:3}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.paper{fill:#16181c}.grid{stroke:#444}}"
)


@dataclass(frozen=True, slots=True)
class _Curve:
    """One ranker's curve: its means by their column on the axis."""

    name: str
    look: int
    points: tuple[tuple[int, Mean], ...]

    @property
    def colour(self) -> str:
        return COLOURS[self.look % len(COLOURS)]


@dataclass(frozen=True, slots=True)
class _Scale:
    """From columns and values to places on the paper."""

    columns: int
    low: float
    high: float

    def x(self, column: int) -> float:
        return LEFT + (column + 0.5) * (RIGHT - LEFT) / self.columns

    def y(self, value: float) -> float:
        return BOTTOM - (value - self.low) / (self.high - self.low) * (BOTTOM - TOP)


def svg(found: Sequence[Outcome]) -> str:
    """The drawing: the first ranker's interval as a band, the others' as bars."""
    curves = [_curve(found, name, look) for look, name in enumerate(names(found))]
    ends = [end for curve in curves for _, mean in curve.points for end in (mean.low, mean.high)]
    low = math.floor(min(ends) / STEP) * STEP
    scale = _Scale(len(numbers(found)), low, max(math.ceil(max(ends) / STEP) * STEP, low + STEP))
    told = "; ".join(
        f"{c.name}: " + ", ".join(f"{m.value:.3f}" for _, m in c.points) for c in curves
    )
    parts = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="title desc">',
        '<title id="title">nDCG@10 by number of likes</title>',
        f'<desc id="desc">Mean over readers with 95 % intervals. {escape(told)}.</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        *_axes(scale, [label(k) for k in numbers(found)]),
        *(part for curve in reversed(curves) for part in _drawn(curve, scale, len(curves))),
        *_legend(curves),
        "</svg>\n",
    )
    return "\n".join(parts)


def _curve(found: Sequence[Outcome], name: str, look: int) -> _Curve:
    own = [(column, rival(found, name, k)) for column, k in enumerate(numbers(found))]
    return _Curve(name, look, tuple((column, o.mean(MAIN)) for column, o in own if o))


def _axes(scale: _Scale, columns: Sequence[str]) -> Iterator[str]:
    yield f'<text class="title" x="{LEFT}" y="30">How good the ranking of a day is (nDCG@10)</text>'
    for step in range(round((scale.high - scale.low) / STEP) + 1):
        value = scale.low + step * STEP
        y = scale.y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.1f}</text>'
    for column, name in enumerate(columns):
        yield f'<text x="{scale.x(column):.1f}" y="{BOTTOM + 22}" text-anchor="middle">{name}</text>'
    middle = (LEFT + RIGHT) / 2
    yield f'<text x="{middle}" y="{BOTTOM + 46}" text-anchor="middle">liked papers given</text>'


def _drawn(curve: _Curve, scale: _Scale, curves: int) -> Iterator[str]:
    """One curve with its intervals and markers."""
    if curve.look == 0:
        there = [f"{scale.x(c):.1f},{scale.y(m.high):.1f}" for c, m in curve.points]
        back = [f"{scale.x(c):.1f},{scale.y(m.low):.1f}" for c, m in reversed(curve.points)]
        shape = " ".join(there + back)
        yield f'<polygon points="{shape}" fill="{curve.colour}" opacity="0.15"/>'
    shift = (curve.look - curves / 2) * DODGE if curve.look else 0.0
    at = [(scale.x(c) + shift, scale.y(m.value), m) for c, m in curve.points]
    yield _path(curve, " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in at))
    for x, y, mean in at:
        if curve.look:
            top, bottom = scale.y(mean.high), scale.y(mean.low)
            yield (
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" '
                f'stroke="{curve.colour}" opacity="0.5"/>'
            )
        yield _marker(curve, x, y)


def _legend(curves: Sequence[_Curve]) -> Iterator[str]:
    """Names with a piece of their curves, the best at the end of the axis on top."""
    for row, curve in enumerate(sorted(curves, key=lambda c: -c.points[-1][1].value)):
        x, y = RIGHT + 20, TOP + 10 + row * ROW
        yield _path(curve, f"{x},{y} {x + 40},{y}")
        yield _marker(curve, x + 20, y)
        yield f'<text x="{x + 48}" y="{y + 4}">{escape(curve.name)}</text>'


def _path(curve: _Curve, points: str) -> str:
    kind = "line" if curve.look else "line ours"
    dash = DASHES[curve.look % len(DASHES)]
    return (
        f'<polyline class="{kind}" points="{points}" stroke="{curve.colour}" '
        f'stroke-dasharray="{dash}"/>'
    )


def _marker(curve: _Curve, x: float, y: float) -> str:
    return (
        f'<path d="{MARKERS[curve.look % len(MARKERS)]}" transform="translate({x:.1f} {y:.1f})" '
        f'fill="{curve.colour}" stroke="{curve.colour}" stroke-width="1.5"/>'
    )
