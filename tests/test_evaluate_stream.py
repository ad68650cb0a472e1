"""The walk along the stream shows no ranker the future and measures everybody on the same papers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from tasks.evaluate import Judged, Ours, Plan, Uses, judge, outcomes, walk
from tasks.evaluate.measures import Floats
from tasks.evaluate.outcome import rival
from tasks.evaluate.report import as_json, tables
from tasks.evaluate.stream import blocks
from tasks.evaluate.volume import PastDay, Volume
from tasks.records import Paper, Profile

FIRST = date(2026, 9, 1)
DAYS, EACH = 60, 8
SPLIT = FIRST + timedelta(days=20)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def judged(*rows: dict[str, Any]) -> Judged:
    """A stream of papers called by day and number; the first of each day is about tides."""
    papers = [
        (day(d), Paper(id=f"{d}-{n}", title=f"{'Tides' if n == 0 else 'Stars'} {d} {n}"))
        for d in range(DAYS)
        for n in range(EACH)
    ]
    return judge(papers, rows)


def row(name: str = "ada", **changes: Any) -> dict[str, Any]:
    made = {
        "id": name,
        "terms": ["tides"],
        "split": str(SPLIT),
        "likes": [f"{d}-0" for d in range(0, 20, 4)],
        "days": [str(day(d)) for d in (25, 40, 58)],
        "relevant": ["25-0", "40-0", "58-0"],
    }
    return made | changes


class Spy:
    """Ranks by a rule of its own and remembers what it was shown."""

    name, uses, calibrated = "spy", Uses.BOTH, False

    def __init__(self, **changes: Any) -> None:
        self.fits: list[list[Paper]] = []
        self.ranks: list[tuple[list[Paper], list[Profile]]] = []
        for name, value in changes.items():
            setattr(self, name, value)

    def fit(self, papers_before: Sequence[Paper]) -> None:
        self.fits.append(list(papers_before))

    def rank(self, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats:
        self.ranks.append((list(papers), list(profiles)))
        column = np.array([3.0 if paper.title.startswith("Tides") else -3.0 for paper in papers])
        return np.repeat(column[:, None], len(profiles), axis=1)


def number(paper: Paper) -> int:
    return int(str(paper.id).partition("-")[0])


def quantile(past: Sequence[PastDay], about: float, _: date, papers: int) -> float:
    """The value that about so many a day have reached."""
    values = np.sort(np.concatenate([then.values for then in past]))[::-1]
    return float(values[min(round(about * len(past)), len(values)) - 1])


@pytest.mark.parametrize("threshold", [None, quantile])
def test_a_ranker_learns_from_before_a_block_and_never_sees_beyond_it(threshold: Any) -> None:
    spy = Spy(calibrated=True)
    walk(judged(row()), [spy], Plan(refit=7, threshold=threshold))
    assert len(spy.fits) == len(spy.ranks) >= 3
    for fitted, (ranked, _) in zip(spy.fits, spy.ranks, strict=True):
        newest = max(map(number, fitted))
        assert sorted(set(map(number, fitted))) == list(range(newest + 1))
        assert max(map(number, ranked)) <= newest + 7


def test_a_block_is_ranked_in_one_call_with_every_number_of_likes() -> None:
    spy = Spy()
    walk(judged(row(), row("bo")), [spy], Plan(refit=365))
    ((ranked, profiles),) = spy.ranks
    assert sorted(set(map(number, ranked))) == [25, 40, 58]
    # Five likes are all likes, and so are thirty: asked once.
    assert [len(p.examples) for p in profiles] == [0, 1, 3, 5] * 2
    assert [e.title for e in profiles[1].examples] == ["Tides 16 0"]


def test_many_profiles_are_ranked_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = walk(judged(row(), row("bo")), [Spy()], Plan(refit=365))
    monkeypatch.setattr("tasks.evaluate.stream.COLUMNS_MOST", 3)
    spy = Spy()
    parts = walk(judged(row(), row("bo")), [spy], Plan(refit=365))
    assert [len(profiles) for _, profiles in spy.ranks] == [3, 3, 2]
    assert str(parts) == str(whole)


def test_blocks_begin_after_the_first_split_and_hold_every_day_once() -> None:
    made = list(blocks(judged(row(), row("bo", split=str(day(24)))), 14))
    assert [d for block in made for d in block] == [day(d) for d in range(21, DAYS)]
    assert [block[0] for block in made] == [day(21), day(35), day(49)]


def test_rankers_are_asked_for_the_likes_that_they_use() -> None:
    words, likes, both = (Spy(name=u.value, uses=u) for u in Uses)
    plan = Plan(likes=(0, 3, None), refit=365)
    found = outcomes(walk(judged(row()), [words, likes, both], plan), [words, likes, both], plan)
    assert [(o.ranker, o.likes) for o in found] == [
        ("words", 0), ("likes", 3), ("likes", None), ("both", 0), ("both", 3), ("both", None)
    ]  # fmt: skip
    assert rival(found, "words", None) == found[0]
    assert rival(found, "likes", 0) is None


def test_measures_are_those_of_the_ranking() -> None:
    plan = Plan(likes=(0,))
    task = judged(row(), row("bo", relevant=["25-0", "40-1"]))
    (found,) = outcomes(walk(task, [Spy()], plan), [Spy()], plan)
    assert found.readers["ndcg@10"][0] == found.readers["mrr"][0] == found.readers["ap"][0] == 1.0
    # Bo wanted one paper that shares places 2 to 8, and nothing on the third day.
    shared = np.mean([1 / np.log2(place + 1) for place in range(2, 9)])
    assert found.readers["ndcg@10"][1] == pytest.approx((1 + shared) / 2)
    assert found.readers["recall@5/day"][1] == pytest.approx((1 + 12 / 21) / 2)
    assert found.mean("mrr").value == np.mean(found.readers["mrr"])
    assert found.beside(found, "ap").value == 0.0
    assert found.calibration is None
    assert found.volume is None


def test_probabilities_are_judged_over_all_pairs() -> None:
    plan, spy = Plan(likes=(0,)), Spy(calibrated=True)
    (found,) = outcomes(walk(judged(row()), [spy], plan), [spy], plan)
    assert found.calibration
    assert found.calibration.pairs == 1  # of 3 days with 8 papers
    assert found.calibration.error == pytest.approx(1 - 1 / (1 + np.exp(-3)))


def test_volume_counts_every_day_from_the_split_on() -> None:
    asked: list[tuple[int, date]] = []

    def threshold(past: Sequence[PastDay], about: float, today: date, papers: int) -> float:
        assert papers == EACH
        asked.append((len(past), today))
        assert all(then.day < today for then in past)
        assert [then.day for then in past] == sorted(then.day for then in past)
        return quantile(past, about, today, papers)

    spy = Spy(calibrated=True)
    plan = Plan(likes=(0,), about=1, threshold=threshold)
    (found,) = outcomes(walk(judged(row()), [spy], plan), [spy], plan)
    assert [today for _, today in asked] == [day(d) for d in range(21, DAYS)]
    assert {count for count, _ in asked} == {20}
    assert found.volume == Volume(1, (1.0,))
    assert found.volume.within == 1.0


def test_volume_and_probabilities_are_reported() -> None:
    plan, spy = Plan(likes=(0,), about=1, threshold=quantile), Spy(calibrated=True)
    found = outcomes(walk(judged(row()), [spy], plan), [spy], plan)
    (sureness,) = (table for table in tables(found) if "volume" in table.title)
    assert sureness.rows == (("spy", "0", "0.047", "1", "1.0 (1.0–1.0) of 1", "100% of readers"),)
    assert as_json(found)[0]["volume"] == {"about": 1, "picks": (1.0,), "within": 1.0}


def test_a_quarter_off_is_within_and_more_is_not() -> None:
    assert Volume(8, (6.0, 10.0, 5.9, 10.1)).within == 0.5


def test_progress_is_told_from_nothing_to_all() -> None:
    told: list[tuple[int, int]] = []
    walk(judged(row()), [Spy()], Plan(), lambda done, of, _: told.append((done, of)))
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_our_own_scorer_finds_what_was_asked_for() -> None:
    plan = Plan(likes=(0, None), refit=365)
    found = outcomes(walk(judged(row()), [Ours()], plan), [Ours()], plan)
    assert [o.mean("ndcg@10").value for o in found] == [1.0, 1.0]
