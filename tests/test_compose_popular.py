"""What readers get, and see first, who have said nothing yet."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.compose import diverse, popular
from tasks.records import Paper, PickKind, Reader

READER = Reader(id=1, email="ada@readers.example", most=3)


def paper(number: int, votes: int | None, title: str = "") -> Paper:
    return Paper(
        id=number, title=title or f"A wholly different thing, number {number}", upvotes=votes
    )


def test_the_most_voted_come_first_and_those_without_votes_last() -> None:
    papers = [paper(1, None), paper(2, 5), paper(3, 90), paper(4, 5), paper(5, 0)]
    found = popular(replace(READER, most=9), papers, sent=(), considered=5)
    assert [pick.paper.id for pick in found.picks] == [3, 4, 2, 5, 1]
    assert [pick.place for pick in found.picks] == [1, 2, 3, 4, 5]
    assert {pick.kind for pick in found.picks} == {PickKind.POPULAR}


def test_what_was_sent_does_not_come_again_nor_a_twin_of_it() -> None:
    sent, title = paper(1, 99), "Sparse attention for very long proteins"
    papers = [sent, paper(2, 9, title), paper(3, 8, f"{title}!"), paper(4, 1)]
    found = popular(READER, papers, sent={1}, considered=4)
    assert [pick.paper.id for pick in found.picks] == [2, 4]
    known = popular(READER, papers, sent={1}, considered=4, known=[paper(9, 1, title)])
    assert [pick.paper.id for pick in known.picks] == [4]


def test_a_day_without_papers_says_so() -> None:
    found = popular(READER, [], sent=(), considered=0)
    assert (found.picks, found.reason) == ((), "no new papers came since the last digest")


@given(st.lists(st.one_of(st.none(), st.integers(-5, 10**9)), max_size=12))
def test_the_reason_is_the_whole_score(votes: list[int | None]) -> None:
    papers = [paper(n, vote) for n, vote in enumerate(votes)]
    for pick in popular(READER, papers, sent=(), considered=12).picks:
        assert math.isclose(sum(reason.value for reason in pick.score.reasons), pick.score.raw)
        assert 0.5 <= pick.score.value <= 1


def test_the_first_papers_are_far_from_each_other_and_known_to_others() -> None:
    rng = np.random.default_rng(1)
    centres = np.eye(4, 8)
    places = np.concatenate([centre + 0.01 * rng.normal(size=(10, 8)) for centre in centres])
    votes: list[int | None] = [n % 10 for n in range(40)]
    shown = diverse(places, votes, 4)
    assert {n // 10 for n in shown} == {0, 1, 2, 3}
    assert all(n % 10 >= 7 for n in shown), "of each kind one that others liked"


@given(st.integers(0, 6), st.integers(0, 9))
def test_no_paper_is_shown_twice_and_no_more_than_there_are(count: int, number: int) -> None:
    shown = diverse(np.zeros((count, 3)), [None] * count, number)
    assert len(shown) == len(set(shown)) == min(count, max(number, 1))
