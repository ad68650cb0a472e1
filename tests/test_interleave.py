"""Verdicts over days that were planned are rarely wrong, and wait until they may be given."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import UsageError
from tasks.evaluate.interleave import Verdict, days_needed, preference, wilson


def test_nine_days_to_one_is_a_verdict_and_three_to_none_is_not_yet() -> None:
    told = preference([(1, 0)] * 9 + [(0, 1)] + [(2, 2)] * 5)
    assert (told.won_saved, told.won_shadow, told.alike, told.verdict) == (9, 1, 5, Verdict.SAVED)
    assert told.share == 0.9
    assert told.chance == pytest.approx(2 * 11 / 2**10)
    assert preference([(0, 3)] * 6).verdict is Verdict.SHADOW
    assert preference([(1, 0)] * 3).verdict is Verdict.NOT_YET


def test_without_a_decided_day_nothing_is_said() -> None:
    told = preference([(0, 0), (1, 1)])
    assert (told.share, told.low, told.high, told.chance) == (0.5, 0.0, 1.0, 1.0)
    assert told.verdict is Verdict.NOT_YET


def test_equals_are_called_different_in_at_most_one_case_of_twenty() -> None:
    for days in (1, 6, 25, 80):
        called = sum(
            comb(days, won) / 2**days
            for won in range(days + 1)
            if preference([(1, 0)] * won + [(0, 1)] * (days - won)).verdict is not Verdict.NOT_YET
        )
        assert called <= 0.05


def test_the_interval_is_wilsons() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


@given(st.integers(0, 200), st.integers(1, 200))
def test_the_interval_holds_the_share_and_turns_with_it(hits: int, more: int) -> None:
    tries = hits + more
    low, high = wilson(hits, tries)
    assert 0 <= low <= hits / tries + 1e-12 <= high + 2e-12 <= 1 + 2e-12
    assert wilson(more, tries) == pytest.approx((1 - high, 1 - low))


def plainly(share: float) -> int:
    """Days needed, counted out."""
    for days in range(1, 400):
        halves = [comb(days, k) / 2**days for k in range(days + 1)]
        losses = [k for k in range(days + 1) if 2 * sum(halves[: k + 1]) <= 0.05]
        lost = 1 - share
        if sum(comb(days, k) * lost**k * share ** (days - k) for k in losses) >= 0.8:
            return days
    raise AssertionError(share)


@pytest.mark.parametrize("share", [0.6, 0.7, 0.9, 1.0])
def test_the_days_that_are_needed_are_those_of_the_exact_test(share: float) -> None:
    assert days_needed(share) == days_needed(1 - share) == plainly(share)
    assert days_needed(share, alike=0.5) == 2 * plainly(share)


def test_equals_are_never_told_apart_and_nonsense_is_refused() -> None:
    assert days_needed(0.5) is None
    with pytest.raises(UsageError, match="share"):
        days_needed(1.2)
    with pytest.raises(UsageError, match="below 1"):
        days_needed(0.7, alike=1.0)
