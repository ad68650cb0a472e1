"""Scores become picks: the best, at most so many, none twice, and a reason when there are none."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tasks.compose import compose
from tasks.records import Candidate, Paper, Reader, Score

READER = Reader(id=1, email="a@b.example", most=3, threshold=0.5)


def candidate(paper: int, value: float, profile: str = "main") -> Candidate:
    score = Score(entry_id=paper, profile_id=profile, value=value, raw=value * 10, reasons=())
    return Candidate(
        paper=Paper(id=paper, title=f"Paper {paper}"), score=score, profile_name=profile
    )


def places(reader: Reader, *found: Candidate, sent: set[int | str] = frozenset()) -> list[object]:  # type: ignore[assignment]
    return [p.paper.id for p in compose(reader, found, sent=sent, considered=9).picks]


def test_the_best_come_first_and_not_too_many() -> None:
    found = [candidate(n, v) for n, v in ((1, 0.6), (2, 0.9), (3, 0.7), (4, 0.8))]
    assert places(READER, *found) == [2, 4, 3]


def test_a_score_at_the_threshold_is_in_and_one_below_is_out() -> None:
    assert places(READER, candidate(1, 0.5), candidate(2, 0.4999)) == [1]


def test_what_was_sent_does_not_come_again() -> None:
    assert places(READER, candidate(1, 0.9), candidate(2, 0.8), sent={1}) == [2]


def test_a_paper_wanted_by_two_profiles_is_picked_once_by_the_one_that_wants_it_most() -> None:
    picks = compose(
        READER, [candidate(1, 0.6, "a"), candidate(1, 0.8, "b")], sent=(), considered=1
    ).picks
    assert [(p.place, p.profile_name) for p in picks] == [(1, "b")]


def test_ties_fall_the_same_way_whatever_the_order() -> None:
    found = [candidate(n, 0.7) for n in (10, 9, 100)]
    assert places(READER, *found) == places(READER, *reversed(found)) == [9, 10, 100]


def test_an_empty_digest_says_why() -> None:
    def why(reader: Reader, considered: int) -> str:
        return compose(reader, [], sent=(), considered=considered).reason

    assert why(READER, 0) == "no new papers came since the last digest"
    assert why(READER, 1) == "none of 1 new paper reached the threshold of 0.50"
    assert why(READER, 7) == "none of 7 new papers reached the threshold of 0.50"
    assert why(replace(READER, most=0), 7) == "the reader asks for no papers"


@given(
    st.lists(st.tuples(st.integers(1, 20), st.floats(0, 1)), max_size=40),
    st.sets(st.integers(1, 20)),
)
def test_picks_are_distinct_ordered_unsent_and_over_the_line(
    scored: list[tuple[int, float]], sent: set[int]
) -> None:
    found = [candidate(n, v) for n, v in scored]
    picks = compose(READER, found, sent=sent, considered=len(found)).picks
    ids = [p.paper.id for p in picks]
    values = [p.score.value for p in picks]
    assert len(set(ids)) == len(ids) <= READER.most
    assert not sent & set(ids)
    assert values == sorted(values, reverse=True)
    assert all(value >= READER.threshold for value in values)
    assert [p.place for p in picks] == list(range(1, len(picks) + 1))
