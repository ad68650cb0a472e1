"""Plots in the terminal: what one sees is what there was, in every terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cli.plots import ASCII, BLOCKS, Ink, ink_for, interval, plot

ENDS = ("1 Nov", "7 Nov")
INKS = pytest.mark.parametrize("ink", [BLOCKS, ASCII])


def test_each_day_is_a_column_as_high_as_its_number() -> None:
    lines = plot({"after": [4, 2, 0, None, 1]}, ends=ENDS, width=40, ink=BLOCKS, rows=2)
    assert lines == [
        "      4│███",
        "after 0│███ ███ ···     ▄▄▄",
        "        1 Nov          7 Nov",
    ]


def test_two_versions_stand_on_one_scale() -> None:
    lines = plot({"before": [8, 8], "after": [4, 4]}, ends=ENDS, width=40, ink=ASCII, rows=2)
    assert [line[8:] for line in lines[:4]] == ["|### ###", "|### ###", "|", "|### ###"]
    assert [line[:8] for line in lines[:4]] == ["       8", "before 0", "       8", "after  0"]


def test_a_little_is_more_than_nothing() -> None:
    (top, low, _) = plot({"": [1000, 1, 0]}, ends=ENDS, width=40, ink=BLOCKS, rows=2)
    assert top.endswith("│███")
    assert low.split("│")[1].split() == ["███", "▁▁▁", "···"]


def test_many_days_share_columns() -> None:
    lines = plot({"after": [1] * 80 + [9] * 10}, ends=ENDS, width=30, ink=BLOCKS)
    assert max(map(len, lines)) <= 30
    assert lines[0].endswith("█")
    assert "█" not in lines[0].split("│")[1][:10]


@INKS
def test_no_days_and_no_picks_can_be_drawn(ink: Ink) -> None:
    assert len(plot({}, ends=ENDS, width=40, ink=ink)) == 1
    assert len(plot({"after": []}, ends=ENDS, width=40, ink=ink)) == 4
    nothing = plot({"after": [0, None]}, ends=ENDS, width=40, ink=ink)
    assert ink.zero in nothing[2]


def test_a_terminal_without_unicode_gets_ascii() -> None:
    assert ink_for("UTF-8") is ink_for("utf8") is BLOCKS
    assert ink_for("ascii") is ink_for("latin-1") is ASCII
    lines = plot({"after": [3, 1, 0]}, ends=ENDS, width=40, ink=ink_for("US-ASCII"))
    "\n".join([*lines, interval(0.5, 0.2, 0.9, ink=ASCII)]).encode("ascii")


@INKS
def test_an_interval_shows_its_middle_between_its_ends(ink: Ink) -> None:
    drawn = interval(0.5, 0.25, 0.75, ink=ink, width=21)
    places = [drawn.index(mark) for mark in (ink.ends[0], ink.middle, ink.ends[1])]
    assert places == [5, 10, 15]
    assert len(interval(1.0, 1.0, 1.0, ink=ink)) == 21
    assert interval(0.0, 0.0, 0.3, ink=ink).startswith(ink.middle)


@given(
    st.lists(st.none() | st.floats(0, 1e6), max_size=120),
    st.integers(20, 200),
    st.sampled_from([BLOCKS, ASCII]),
)
def test_whatever_is_drawn_keeps_to_its_room(
    values: list[float | None], width: int, ink: Ink
) -> None:
    lines = plot({"after": values}, ends=ENDS, width=width, ink=ink)
    assert all(len(line) <= max(width, 34) for line in lines)
    assert len(lines) == 4
