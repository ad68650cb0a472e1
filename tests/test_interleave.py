"""Team drafts are fair, whatever the rankings; verdicts wait until they may be given."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import UsageError
from tasks.evaluate.interleave import (
    Slot,
    Team,
    Verdict,
    coin,
    credit,
    days_needed,
    interleave,
    preference,
    wilson,
)

rankings = st.lists(st.integers(0, 30), max_size=15)
seeds = st.integers(0, 2**32)


def items(slots: list[Slot[int]]) -> list[int]:
    return [slot.item for slot in slots]


@given(rankings, rankings, seeds)
def test_every_beginning_holds_as_many_picks_of_each_team_give_or_take_one(
    a: list[int], b: list[int], seed: int
) -> None:
    ahead = 0
    for slot in interleave(a, b, coin=coin(seed)):
        ahead += {Team.A: 1, Team.B: -1, None: 0}[slot.team]
        assert abs(ahead) <= 1


@given(rankings, rankings, seeds)
def test_every_item_stands_there_once_and_none_is_lost(
    a: list[int], b: list[int], seed: int
) -> None:
    drafted = items(interleave(a, b, coin=coin(seed)))
    assert len(drafted) == len(set(drafted))
    assert set(drafted) == {*a, *b}


@given(rankings, rankings, seeds)
def test_each_pick_is_the_best_of_its_team_that_was_left(
    a: list[int], b: list[int], seed: int
) -> None:
    taken: set[int] = set()
    for slot in interleave(a, b, coin=coin(seed)):
        left = {t: [i for i in own if i not in taken] for t, own in ((Team.A, a), (Team.B, b))}
        if slot.team:
            assert slot.item == left[slot.team][0]
        else:
            assert not all(left.values())
            assert slot.item in [own[0] for own in left.values() if own]
        taken.add(slot.item)


@given(rankings, rankings, seeds)
def test_changing_sides_and_the_coin_changes_the_teams_alone(
    a: list[int], b: list[int], seed: int
) -> None:
    there, back = coin(seed), coin(seed)
    one = interleave(a, b, coin=there)
    two = interleave(b, a, coin=lambda: not back())
    assert [(s.item, s.team and s.team.other) for s in two if s.team] == [
        (s.item, s.team) for s in one if s.team
    ]


@given(rankings, rankings, seeds, st.integers(0, 40))
def test_a_shorter_list_is_the_beginning_of_the_longer_one(
    a: list[int], b: list[int], seed: int, most: int
) -> None:
    whole = interleave(a, b, coin=coin(seed))
    assert interleave(a, b, coin=coin(seed), most=most) == whole[:most]


def test_equal_rankings_earn_alike_over_many_coins() -> None:
    same = list(range(9))
    firsts = [interleave(same, same, coin=coin(seed)) for seed in range(2000)]
    assert all(items(slots) == same for slots in firsts)
    for place in range(9):
        share = sum(slots[place].team is Team.A for slots in firsts) / len(firsts)
        assert abs(share - 0.5) < 0.05


def test_what_is_left_over_earns_nothing() -> None:
    slots = interleave([1, 2], [1, 2, 3, 4], coin=lambda: True)
    assert [(slot.item, slot.team) for slot in slots] == [
        (1, Team.A), (2, Team.B), (3, None), (4, None)
    ]  # fmt: skip
    assert credit(slots, {1: 1.0, 2: 5.0, 3: 100.0, 99: 7.0}) == (1.0, 5.0)


def test_an_empty_ranking_leaves_the_other_whole() -> None:
    assert interleave([], [3, 1], coin=coin(0)) == [Slot(3, None), Slot(1, None)]
    assert interleave([], [], coin=coin(0)) == []


def test_the_same_seed_gives_the_same_list() -> None:
    lists = [interleave("abcdef", "fedcba", coin=coin(7)) for _ in range(2)]
    assert lists[0] == lists[1]
    assert len({str(interleave("abcdef", "fedcba", coin=coin(n))) for n in range(20)}) > 1


def test_nine_days_to_one_is_a_verdict_and_three_to_none_is_not_yet() -> None:
    told = preference([(1, 0)] * 9 + [(0, 1)] + [(2, 2)] * 5)
    assert (told.won_a, told.won_b, told.alike, told.verdict) == (9, 1, 5, Verdict.A)
    assert told.share == 0.9
    assert told.chance == pytest.approx(2 * 11 / 2**10)
    assert preference([(0, 3)] * 6).verdict is Verdict.B
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
