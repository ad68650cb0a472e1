"""A verdict that may be looked for every day: rarely wrong between equals, soon there where one is better."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.compose import Contest, Known, Team, compose
from tasks.compose.drafting import Slot, credit
from tasks.evaluate.interleave import Verdict
from tasks.evaluate.verdict import ENOUGH, evidence, interval, more_days, verdict, weigh
from tasks.records import Candidate, Paper, Reader, Score

counts = st.integers(0, 300)
SAVED, SHADOW = 1, 9
NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)


# --- the numbers ---------------------------------------------------------------------------------
def exactly(won: int, lost: int) -> Fraction:
    """e against one half, from factorials: 6 · (won + 1)! (lost + 1)! / (won + lost + 3)! · 2^days."""
    shares = Fraction(math.factorial(won + 1) * math.factorial(lost + 1))
    return 6 * shares / math.factorial(won + lost + 3) * 2 ** (won + lost)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (1, 0), (8, 0), (9, 0), (20, 9), (50, 50)])
def test_the_evidence_is_the_mixtures(won: int, lost: int) -> None:
    assert math.exp(evidence(won, lost)) == pytest.approx(float(exactly(won, lost)))


@given(counts, counts)
def test_between_equals_the_evidence_is_worth_tomorrow_what_it_is_today(
    won: int, lost: int
) -> None:
    today = math.exp(evidence(won, lost))
    tomorrow = (math.exp(evidence(won + 1, lost)) + math.exp(evidence(won, lost + 1))) / 2
    assert tomorrow == pytest.approx(today)


@given(counts, counts)
def test_the_interval_leaves_out_one_half_just_when_there_is_a_verdict(won: int, lost: int) -> None:
    low, high = interval(won, lost)
    assert 0 <= low <= high <= 1
    assert (low < 0.5 < high) == (verdict(won, lost) is Verdict.NOT_YET)
    if won + lost:
        assert low < won / (won + lost) + 1e-12
        assert high > won / (won + lost) - 1e-12
    for share in (low, high):
        if 0 < share < 1:
            assert evidence(won, lost, share) == pytest.approx(ENOUGH, abs=1e-3)
    assert interval(lost, won) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def test_a_run_of_years_breaks_nothing() -> None:
    assert interval(20_000, 0)[1] == 1
    assert interval(0, 20_000)[0] == 0
    low, high = interval(20_000, 1)
    assert 0.99 < low < high < 1


def test_eight_days_to_none_are_not_enough_and_nine_are() -> None:
    assert verdict(0, 8) is Verdict.NOT_YET
    assert verdict(0, 9) is Verdict.SHADOW
    assert verdict(9, 0) is Verdict.SAVED


def test_days_are_weighed_by_who_earned_more() -> None:
    told = weigh([(1, 0), (0, 1), (0, 1), (0, 0), (-1, 0), (2, 2)])
    assert (told.won_saved, told.won_shadow, told.alike, told.decided) == (1, 3, 2, 4)
    assert told.share == 0.75
    assert told.low < 0.5 < told.high
    assert told.verdict is Verdict.NOT_YET
    nothing = weigh([(0, 0)])
    assert (nothing.share, nothing.low, nothing.high, nothing.more) == (0.5, 0.0, 1.0, None)


def test_what_a_verdict_still_takes_is_counted_at_the_share_so_far() -> None:
    assert more_days(9, 0) == 0
    assert more_days(10, 10) is None
    assert more_days(8, 0) == more_days(0, 8) == 2
    more = more_days(14, 6)
    assert more is not None
    share = 15 / 22
    before, then = (evidence(14 + share * n, 6 + (1 - share) * n) for n in (more - 1, more))
    assert before < ENOUGH <= then


# --- readers -------------------------------------------------------------------------------------
def first(wins: Iterable[bool]) -> Verdict:
    """The first verdict of a reader who looks every day, by whether the shadow won it."""
    won = 0
    for day, win in enumerate(wins, start=1):
        won += int(win)
        if (said := verdict(day - won, won)) is not Verdict.NOT_YET:
            return said
    return Verdict.NOT_YET


@pytest.mark.parametrize("share", [0.75, 0.8])
def test_of_a_hundred_readers_who_prefer_one_95_are_told_so_within_200_days(share: float) -> None:
    generator = np.random.default_rng(5)
    answered = generator.random((100, 200)) < 0.6  # on the other days they say too little
    wins = generator.random((100, 200)) < share
    told = [first(row[days]) for row, days in zip(wins, answered, strict=True)]
    assert told.count(Verdict.SHADOW) >= 95


def test_of_readers_without_a_preference_who_look_daily_for_a_year_one_in_twenty_is_told_one() -> (
    None
):
    generator = np.random.default_rng(6)
    told = [first(row) for row in generator.random((400, 365)) < 0.5]
    assert 400 - told.count(Verdict.NOT_YET) <= 20


def test_on_all_days_at_once_the_interval_holds_the_share_19_times_in_20() -> None:
    generator = np.random.default_rng(7)
    missed = 0
    for _ in range(200):
        wins = np.cumsum(generator.random(150) < 0.7)
        days = range(1, 151)
        missed += any(evidence(w, n - w, 0.7) >= ENOUGH for w, n in zip(wins, days, strict=True))
    assert missed <= 10


# --- readers with digests ------------------------------------------------------------------------
READER = Reader(id=1, email="ada@readers.example", threshold=0.1, most=5, explore=False)


class Simulated:
    """A reader to whom a paper is good or not, as chance has it; each side finds the good ones as well
    as its eye is: it ranks by what the paper is worth and an error of its own.
    """

    def __init__(self, seed: int, *, saved: float, shadow: float) -> None:
        self.chance = random.Random(seed)
        self.seed, self.errors = seed, {SAVED: saved, SHADOW: shadow}

    def day(self, number: int) -> tuple[float, float]:
        """What either side earned by one digest."""
        papers = [Paper(id=n, title=f"Paper {n}") for n in range(number * 100, number * 100 + 20)]
        good = {paper.id: self.chance.random() < 0.3 for paper in papers}
        found = [
            self._seen(paper, profile, good[paper.id])
            for profile in self.errors
            for paper in papers
        ]
        known = Known(contest=Contest(saved=SAVED, shadow=SHADOW, seed=(self.seed, number)))
        picks = compose(READER, found, sent=(), considered=20, known=known).picks
        assert {pick.score.profile_id for pick in picks} == {SAVED}
        # Of five papers this reader answers two: more like this, or less.
        answered = {p.paper.id for p in picks if self.chance.random() < 0.4}
        worth = {n: 1 if good[n] else -1 for n in answered}
        return credit([Slot(p.paper.id, Team(p.team)) for p in picks], worth)

    def _seen(self, paper: Paper, profile: int, good: bool) -> Candidate:
        raw = (2.0 if good else 0.0) + self.chance.gauss(0, self.errors[profile])
        value = 1 / (1 + math.exp(-raw))
        score = Score(entry_id=paper.id, profile_id=profile, value=value, raw=raw, reasons=())
        return Candidate(paper=paper, score=score, arrived=NOW - timedelta(hours=1))

    def told(self, days: int) -> Verdict:
        """The first verdict within so many digests, looked for after each."""
        won = {Team.SAVED: 0, Team.SHADOW: 0}
        for number in range(days):
            saved, shadow = self.day(number)
            if saved != shadow:
                won[Team.SAVED if saved > shadow else Team.SHADOW] += 1
            said = verdict(won[Team.SAVED], won[Team.SHADOW])
            if said is not Verdict.NOT_YET:
                return said
        return Verdict.NOT_YET


@pytest.mark.slow
@pytest.mark.parametrize("better", [Verdict.SAVED, Verdict.SHADOW])
def test_drafted_digests_tell_the_better_of_two_profiles_to_95_of_100_readers(
    better: Verdict,
) -> None:
    eyes = (
        {"saved": 0.5, "shadow": 4.0} if better is Verdict.SAVED else {"saved": 4.0, "shadow": 0.5}
    )
    told = [Simulated(seed, **eyes).told(200) for seed in range(100)]
    assert told.count(better) >= 95


@pytest.mark.slow
def test_drafted_digests_tell_no_difference_where_there_is_none() -> None:
    told = [Simulated(1000 + seed, saved=1.0, shadow=1.0).told(60) for seed in range(100)]
    assert 100 - told.count(Verdict.NOT_YET) <= 5
