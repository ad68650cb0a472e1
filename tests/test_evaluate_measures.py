"""Measures against their definitions, counted out over every order of equal scores."""

from __future__ import annotations

from itertools import permutations
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evaluate.measures import (
    average_precision,
    calibration,
    grouped,
    mean,
    ndcg,
    probability,
    recall,
    reciprocal_rank,
)

days = st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=6).filter(
    lambda day: any(wanted for _, wanted in day)
)


def of(day: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([float(s) for s, _ in day]), np.array([wanted for _, wanted in day])


def orders(day: list[tuple[int, bool]]) -> list[list[bool]]:
    """What is wanted, in every order that the scores allow."""
    ranked = [
        order for order in permutations(day) if list(order) == sorted(order, key=lambda x: -x[0])
    ]
    return [[wanted for _, wanted in order] for order in ranked]


def plain_ndcg(wanted: list[bool]) -> float:
    gains = [1 / log2(place + 2) for place in range(10)]
    found = sum(g for g, hit in zip(gains, wanted, strict=False) if hit)
    return found / sum(gains[: sum(wanted)])


@given(days)
def test_ties_share_their_places(day: list[tuple[int, bool]]) -> None:
    groups, every = grouped(*of(day)), orders(day)
    assert ndcg(groups) == pytest.approx(np.mean([plain_ndcg(order) for order in every]))
    firsts = [1 / (order.index(True) + 1) for order in every]
    assert reciprocal_rank(groups) == pytest.approx(np.mean(firsts))
    for depth in (1, 3, 9):
        found = [sum(order[:depth]) / sum(order) for order in every]
        assert recall(groups, depth) == pytest.approx(np.mean(found))


@given(days, st.randoms())
def test_the_order_of_a_file_changes_nothing(day: list[tuple[int, bool]], random: object) -> None:
    turned = list(day)
    random.shuffle(turned)  # type: ignore[attr-defined]
    one, two = grouped(*of(day)), grouped(*of(turned))
    for measure in (ndcg, reciprocal_rank, average_precision):
        assert measure(one) == pytest.approx(measure(two))


def test_a_perfect_day_is_one_and_a_late_hit_is_little() -> None:
    best = grouped(np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, True, False, False]))
    assert [ndcg(best), reciprocal_rank(best), average_precision(best)] == [1.0, 1.0, 1.0]
    worst = grouped(np.arange(20.0), np.arange(20) == 0)
    assert ndcg(worst) == 0.0
    assert reciprocal_rank(worst) == average_precision(worst) == pytest.approx(1 / 20)


def test_more_than_ten_wanted_papers_can_still_be_ranked_perfectly() -> None:
    assert ndcg(grouped(np.arange(30.0), np.arange(30) >= 15)) == pytest.approx(1.0)


def test_probabilities_never_overflow() -> None:
    assert probability(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]


def test_honest_probabilities_have_little_error_and_boasting_ones_much() -> None:
    random = np.random.default_rng(0)
    said = random.uniform(0, 1, 100_000)
    came = random.uniform(0, 1, 100_000) < said
    honest = calibration(said, came)
    assert honest.error < 0.02
    assert honest.pairs == sum(honest.counts) == 5000
    assert set(honest.counts) == {500}
    assert min(honest.said) >= 0.95
    boasting = calibration(said, random.uniform(0, 1, 100_000) < said / 2)
    assert boasting.error == pytest.approx(0.4875, abs=0.02)


def test_a_few_pairs_fill_a_few_bins() -> None:
    told = calibration(np.array([0.9, 0.2]), np.array([True, False]))
    assert (told.pairs, told.counts, told.said, told.came) == (1, (1,), (0.9,), (1.0,))
    assert told.error == pytest.approx(0.1)


def test_the_interval_is_that_of_the_bootstrap_and_always_the_same() -> None:
    values = np.random.default_rng(1).normal(0.7, 0.2, 50)
    told = mean(values)
    assert told == mean(values)
    reach = 1.96 * values.std() / np.sqrt(50)
    assert told.low == pytest.approx(told.value - reach, abs=0.01)
    assert told.high == pytest.approx(told.value + reach, abs=0.01)
    assert mean([0.4]).low == mean([0.4]).high == 0.4
