"""About so many a day: the line that brings them, on days of any size and from a past of any length."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.compose import Day, expected, line, lines

Floats = NDArray[np.float64]

MONDAY = date(2026, 11, 2)


def stream(sizes: list[int], seed: int = 1) -> list[Floats]:
    """Days of evenly good papers."""
    rng = np.random.default_rng(seed)
    return [rng.random(size) for size in sizes]


def picks(days: list[Floats], about: float) -> list[int]:
    """Picks of each day from the second on, each by the line of the twenty days before."""
    got = []
    for today in range(1, len(days)):
        past = days[max(0, today - 20) : today]
        scores = np.concatenate(past)[:, None]
        counts = [len(day) for day in past]
        least = lines(scores, counts, about=about, papers=len(days[today]))[0]
        got.append(int((days[today] >= least).sum()))
    return got


@pytest.mark.parametrize("about", [0.5, 2, 7, 20])
def test_an_even_stream_brings_what_was_asked_for(about: float) -> None:
    mean = np.mean(picks(stream([100] * 400), about))
    assert mean == pytest.approx(about, rel=0.1)


def test_days_of_any_size_bring_it_too() -> None:
    sizes = [25, 25, 220, 25, 90] * 80
    got = picks(stream(sizes), 7)
    by_size = {size: np.mean(got[sizes.index(size) - 1 :: 5]) for size in (220, 90)}
    assert np.mean(got) == pytest.approx(7, rel=0.1)
    assert by_size[220] == pytest.approx(7, rel=0.15)
    assert by_size[90] == pytest.approx(7, rel=0.15)


def test_days_of_their_own_kind_are_learned_from_where_kinds_differ() -> None:
    """Small days of good papers between large ordinary ones, as with a source of chosen papers."""
    rng = np.random.default_rng(3)
    days = [rng.random(25) ** 0.3 if n % 4 else rng.random(220) for n in range(400)]
    got = picks(days, 7)
    assert np.mean(got[3::4]) == pytest.approx(7, rel=0.2)
    assert np.mean(got) == pytest.approx(7, rel=0.2)


def test_a_rich_day_brings_more_and_a_poor_one_none() -> None:
    days = stream([100] * 20)
    history = [Day(MONDAY + timedelta(n), scores) for n, scores in enumerate(days)]
    least = line(history, about=5, today=MONDAY + timedelta(20), papers=100)
    assert (stream([100], seed=5)[0] ** 0.2 >= least).sum() > 10
    assert (stream([100], seed=5)[0] * 0.5 >= least).sum() == 0


def test_the_first_day_begins_at_the_start_and_the_second_knows_something() -> None:
    today = MONDAY + timedelta(1)
    assert line([], about=7, today=today, papers=100, start=0.3) == 0.3
    one = [Day(MONDAY, np.linspace(0, 1, 100))]
    assert line(one, about=7, today=today, papers=100, start=0.3) == pytest.approx(0.93, abs=0.01)


def test_a_past_too_short_to_tell_asks_for_its_best_and_the_start() -> None:
    few = [Day(MONDAY, [0.1, 0.2, 0.3])]
    assert line(few, about=1, today=MONDAY, papers=100, start=0.5) == 0.5
    assert line(few, about=1, today=MONDAY, papers=100, start=0.2) == 0.3


def test_a_quiet_day_is_not_filled() -> None:
    usual = [Day(MONDAY + timedelta(n), scores) for n, scores in enumerate(stream([30] * 20))]
    assert line(usual, about=7, today=MONDAY, papers=4) == pytest.approx(0.5, abs=0.06)


def test_scores_that_many_papers_share_do_not_let_them_all_in() -> None:
    scores = np.concatenate([np.full(97, 0.047), [0.5, 0.6, 0.7]])
    least = line([Day(MONDAY, scores)] * 20, about=10, today=MONDAY, papers=100)
    assert 0.047 < least < 0.05
    all_of_them = line([Day(MONDAY, np.full(9, 0.3))] * 20, about=5, today=MONDAY, papers=9)
    assert 0.3 < all_of_them < 0.301


def test_a_crowd_of_one_score_comes_in_where_there_is_room_for_all_of_it() -> None:
    scores = np.concatenate([np.full(5, 0.4), np.linspace(0, 0.3, 95)])
    assert 0.29 <= line([Day(MONDAY, scores)] * 20, about=6, today=MONDAY, papers=100) <= 0.4


def test_who_asks_for_none_gets_none() -> None:
    past = stream([50])[0][:, None] * [1, 1]
    found = lines(past, [50], about=[0, 5], papers=50)
    assert found[0] == np.inf
    assert np.isfinite(found[1])
    assert lines(past[:0], [], about=[0, 5], papers=50, start=[0.1, 0.2]).tolist() == [np.inf, 0.2]


def test_counts_that_do_not_fit_the_scores_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Days of 4 papers .* shape \(5, 1\)"):
        lines(np.zeros((5, 1)), [2, 2], about=3, papers=9)


def test_many_profiles_at_once_are_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    past, counts = rng.random((90, 4)), [40, 20, 30]
    about = np.array([1.0, 5.0, 9.0, 0.0])
    together = lines(past, counts, about=about, papers=35, start=0.1)
    alone = [lines(past[:, [n]], counts, about=about[n], papers=35, start=0.1)[0] for n in range(4)]
    assert together == pytest.approx(alone, abs=1e-12)


def test_a_weekday_is_expected_to_be_like_its_own() -> None:
    days = [(MONDAY + timedelta(n), 200 if n % 7 == 1 else 100) for n in range(28) if n % 7 < 5]
    tuesday, friday = (expected(days, MONDAY + timedelta(28 + n)) for n in (1, 4))
    assert 150 <= tuesday <= 200
    assert 100 <= friday <= 115


def test_days_without_papers_are_no_days() -> None:
    days = [(MONDAY, 100), (MONDAY + timedelta(1), 0)]
    assert expected(days, MONDAY) == 100
    assert expected(days[1:], MONDAY) == 0
    empty = Day(MONDAY, [])
    full = [Day(MONDAY, np.linspace(0, 1, 50))] * 3
    assert line([empty, *full, empty], about=3, today=MONDAY) == line(full, about=3, today=MONDAY)
    assert line([empty], about=3, today=MONDAY, start=0.2) == 0.2


@given(
    st.lists(st.lists(st.floats(0, 1), max_size=8), max_size=6),
    st.floats(0.1, 30),
    st.integers(0, 500),
)
def test_a_line_is_a_number_and_asking_for_more_never_raises_it(
    history: list[list[float]], about: float, papers: int
) -> None:
    days = [Day(MONDAY + timedelta(n), scores) for n, scores in enumerate(history)]
    found = [
        line(days, about=n, today=MONDAY, papers=papers, start=0.05) for n in (about, about * 2)
    ]
    assert np.isfinite(found).all()
    assert found[1] <= found[0] + 2e-6


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_papers_and_days_does_not_matter(scores: list[float], random: Random) -> None:
    turned = list(scores)
    random.shuffle(turned)
    other = Day(MONDAY + timedelta(1), [0.2, 0.4])
    found = [
        line(days, about=3, today=MONDAY, papers=12)
        for days in ([Day(MONDAY, scores), other], [other, Day(MONDAY, turned)])
    ]
    assert found[0] == pytest.approx(found[1], abs=1e-9)
