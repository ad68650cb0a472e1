"""Scores become picks: the best, at most so many, none twice, and a reason when there are none."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tasks.compose import Known, compose
from tasks.records import Candidate, Paper, PickKind, Reader, Reason, Score

READER = Reader(id=1, email="a@b.example", most=3, threshold=0.5)


def candidate(paper: int, value: float, profile: str = "main") -> Candidate:
    score = Score(entry_id=paper, profile_id=profile, value=value, raw=value * 10, reasons=())
    return Candidate(
        paper=Paper(id=paper, title=f"Paper {paper}"), score=score, profile_name=profile
    )


def scored(paper: int, value: float, profile: str = "main") -> Candidate:
    """A candidate whose raw score and value agree."""
    found = candidate(paper, value, profile)
    return replace(found, score=replace(found.score, raw=math.log(value / (1 - value))))


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
    def why(reader: Reader, considered: int, *found: Candidate) -> str:
        return compose(reader, found, sent=(), considered=considered).reason

    assert why(READER, 0) == "no new papers came since the last digest"
    assert why(READER, 1) == "none of 1 new paper reached the threshold of 0.50"
    assert why(READER, 7) == "none of 7 new papers reached the threshold of 0.50"
    assert why(READER, 7, candidate(1, 0.4)) == "none of 7 new papers reached the threshold of 0.50"
    assert why(replace(READER, most=0), 7) == "the reader asks for no papers"


def test_an_empty_digest_tells_whether_the_line_was_in_the_way() -> None:
    found = [replace(candidate(n, v), line=0.8) for n, v in ((1, 0.6), (2, 0.4))]
    reason = compose(READER, found, sent=(), considered=7).reason
    assert reason == "none of 7 new papers reached 0.80, the score that brings about 5 a day"


def test_an_empty_digest_tells_that_what_matched_was_sent_before() -> None:
    old = Known(papers=[Paper(id=9, title="Other", arxiv_id="2611.00001v1")])
    new = candidate(1, 0.9)
    new = replace(new, paper=replace(new.paper, arxiv_id="2611.00001"))
    found = compose(READER, [new], sent=(), considered=7, known=old)
    assert found.reason == "of 7 new papers, all that matched had been sent before"


def test_the_line_of_a_profile_holds_for_its_own_papers() -> None:
    found = [replace(candidate(1, 0.7, "a"), line=0.8), replace(candidate(2, 0.6, "b"), line=0.55)]
    assert places(READER, *found) == [2]


def test_a_paper_goes_to_the_profile_whose_line_it_clears_by_most() -> None:
    found = [
        replace(scored(1, 0.8, "broad"), line=0.79),
        replace(scored(1, 0.7, "narrow"), line=0.5),
    ]
    (pick,) = compose(READER, found, sent=(), considered=1).picks
    assert (pick.profile_name, pick.score.value) == ("narrow", 0.7)


def test_what_a_negative_bars_is_no_pick_of_any_kind_however_low_the_bar() -> None:
    reader = replace(READER, most=10, threshold=0)
    never = Reason(kind="negative", label="blockchain", value=-10)
    found = candidate(1, 0.9)
    found = replace(found, score=replace(found.score, reasons=(never,)))
    assert places(reader, found, candidate(2, 0.2)) == [2]


def test_a_score_that_is_no_number_is_no_pick() -> None:
    nan = candidate(1, 0.9)
    assert places(READER, replace(nan, score=replace(nan.score, raw=math.nan))) == []
    assert places(READER, replace(nan, line=math.nan)) == []
    assert places(READER, replace(nan, line=math.inf)) == []


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


CANDIDATES = st.lists(
    st.builds(
        lambda paper, value, profile, line: replace(
            scored(paper, value, profile), line=line, share=1.0 + len(profile)
        ),
        st.integers(1, 15),
        st.floats(0.001, 0.999),
        st.sampled_from(["a", "bb", "ccc"]),
        st.sampled_from([0.0, 0.2, 0.7]),
    ),
    max_size=40,
    unique_by=lambda c: (c.paper.id, c.score.profile_id),
)


@given(CANDIDATES, st.integers(0, 12), st.floats(0, 1), st.booleans(), st.randoms())
def test_whatever_comes_the_order_is_nothing_and_the_promises_hold(
    found: list[Candidate], most: int, threshold: float, explore: bool, random: Random
) -> None:
    reader = replace(READER, most=most, threshold=threshold, explore=explore)
    outcome = compose(reader, found, sent=(), considered=9)
    turned = random.sample(found, len(found))
    assert compose(reader, turned, sent=(), considered=9) == outcome
    ids = [p.paper.id for p in outcome.picks]
    assert len(set(ids)) == len(ids) <= most
    assert [p.place for p in outcome.picks] == list(range(1, len(ids) + 1))
    assert bool(outcome.picks) != bool(outcome.reason)
    given_ = {(c.paper.id, c.score.profile_id): c for c in found}
    for pick in outcome.picks:
        own = given_[pick.paper.id, pick.score.profile_id]
        over = own.score.value >= max(own.line, threshold)
        assert over == (pick.kind is PickKind.MATCH)
        assert bool(pick.note) == (pick.kind is not PickKind.MATCH)
