"""The two labelled places: late news of a near miss, and a question to the reader."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tasks.compose import Known, compose
from tasks.records import Candidate, Paper, Pick, PickKind, Reader, Reason, Score

NOW = datetime(2026, 11, 20, 7, tzinfo=UTC)
READER = Reader(id=1, email="a@b.example", most=5, threshold=0.05)
DAY = timedelta(days=1)


def candidate(paper: int, value: float, **changes: Any) -> Candidate:
    """Scored by a profile whose line is 0.5; by default it came today."""
    raw = math.log(value / (1 - value))
    score = Score(entry_id=paper, profile_id=1, value=value, raw=raw, reasons=())
    made = Candidate(
        paper=Paper(id=paper, title=f"Paper {paper}", arxiv_id=f"2611.{paper:05d}"),
        score=score,
        line=0.5,
        arrived=NOW,
    )
    return replace(made, **changes)


def late(paper: int, value: float = 0.4, days: float = 3, **news: Any) -> Candidate:
    """A near miss of some days ago; `news` are what its paper has now."""
    made = candidate(paper, value, arrived=NOW - days * DAY, votes=5, version=1)
    now = {"upvotes": 5, "version": 1} | news
    return replace(made, paper=replace(made.paper, **now))


def strangers(papers: Any, others: Any) -> Any:
    """No two papers have anything in common."""
    return np.zeros((len(papers), len(others)))


def picks(*found: Candidate, reader: Reader = READER, **known: Any) -> tuple[Pick, ...]:
    beside = Known(**{"now": NOW} | known)
    return compose(reader, found, sent=(), considered=9, known=beside).picks


def kinds(*found: Candidate, **rest: Any) -> list[tuple[object, str]]:
    return [(pick.paper.id, pick.kind.value) for pick in picks(*found, **rest)]


STRICT = replace(READER, explore=False)


# --- a question ----------------------------------------------------------------------------------
def test_a_near_miss_takes_the_last_place_and_says_why() -> None:
    found = picks(candidate(1, 0.9), candidate(2, 0.4))
    assert [(p.place, p.kind) for p in found] == [(1, PickKind.MATCH), (2, PickKind.EXPLORE)]
    assert [p.note for p in found] == ["", "Not a sure match, and unlike what came before"]


def test_a_full_digest_gives_one_place_to_the_question() -> None:
    found = [candidate(n, 0.9 - n / 100) for n in range(1, 7)]
    assert kinds(*found, candidate(9, 0.4)) == [
        *((n, "match") for n in range(1, 5)),
        (9, "explore"),
    ]


def test_a_strict_reader_a_short_digest_and_a_day_without_matches_get_no_question() -> None:
    found = [candidate(1, 0.9), candidate(2, 0.4)]
    assert kinds(*found, reader=STRICT) == [(1, "match")]
    assert kinds(*found, reader=replace(READER, most=4)) == [(1, "match")]
    assert kinds(found[1]) == []


def test_what_lies_far_under_the_line_or_near_zero_is_no_question() -> None:
    assert kinds(candidate(1, 0.9), candidate(2, 0.05)) == [(1, "match")]
    low = replace(READER, threshold=0.0)
    found = [candidate(1, 0.9), replace(candidate(2, 0.005), line=0.02)]
    assert kinds(*found, reader=low) == [(1, "match")]


def test_what_a_negative_bars_is_no_question() -> None:
    barred = candidate(2, 0.4)
    never = Reason(kind="negative", label="x", value=-10)
    barred = replace(barred, score=replace(barred.score, reasons=(never,)))
    assert kinds(candidate(1, 0.9), barred) == [(1, "match")]


def test_the_least_certain_is_asked_about_unless_the_like_of_it_is_known() -> None:
    found = [candidate(1, 0.9), candidate(2, 0.45), candidate(3, 0.4)]
    taught = [Paper(id=0, title="Taught")]

    def alike(papers: Any, others: Any) -> Any:
        known = {(2, 0), (0, 2)}
        return np.array([[float((p.id, o.id) in known) for o in others] for p in papers])

    assert kinds(*found, alike=alike)[-1] == (2, "explore")
    assert kinds(*found, alike=alike, taught=taught)[-1] == (3, "explore")
    assert kinds(*found, alike=alike, papers=taught)[-1] == (3, "explore")


def test_a_certain_value_leaves_nothing_to_ask() -> None:
    sure = candidate(2, 0.4)
    sure = replace(sure, score=replace(sure.score, value=1.0, raw=30.0), line=2.0)
    found = [candidate(1, 0.9), sure, candidate(3, 0.4)]
    assert kinds(*found, alike=strangers)[-1] == (3, "explore")


def test_nobody_is_asked_about_what_is_no_longer_new() -> None:
    old = candidate(2, 0.45, arrived=NOW - 2 * DAY)
    found = [candidate(1, 0.9), old, candidate(3, 0.4)]
    assert kinds(*found, alike=strangers)[-1] == (3, "explore")
    assert kinds(*found, alike=strangers, since=NOW - 3 * DAY)[-1] == (2, "explore")
    assert kinds(*found, alike=strangers, now=None)[-1] == (2, "explore")


# --- late news -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("news", "words"),
    [
        ({"upvotes": 133}, "128 votes since"),
        ({"code_urls": ("https://code.example/x",)}, "code released"),
        ({"version": 2}, "now in version 2"),
        (
            {"upvotes": 133, "code_urls": ("https://code.example/x",), "version": 3},
            "128 votes since, code released, now in version 3",
        ),
    ],
)
def test_a_near_miss_comes_back_with_what_happened(news: dict[str, Any], words: str) -> None:
    (pick,) = picks(late(1, **news))
    assert (pick.kind, pick.note, pick.place) == (PickKind.LATE, words, 1)


@pytest.mark.parametrize(
    ("days", "due"),
    [(1, False), (2.9, False), (3, True), (3.9, True), (4, False), (7.5, True), (14, True), (15, False)],
)  # fmt: skip
def test_it_is_looked_at_after_3_7_and_14_days(days: float, due: bool) -> None:
    assert bool(picks(late(1, days=days, upvotes=200))) == due


def test_a_reader_with_few_days_misses_no_look() -> None:
    found = late(1, days=5, upvotes=200)
    assert not picks(found)
    assert picks(found, since=NOW - 3 * DAY)
    assert not picks(found, since=NOW - 2 * DAY)
    assert not picks(late(1, upvotes=200), now=None)


def test_no_news_is_no_pick() -> None:
    quiet = [
        late(1),
        late(2, upvotes=9),
        replace(late(3, version=4), version=None),
        replace(late(4, code_urls=("https://code.example/x",)), coded=True),
        replace(late(5, upvotes=200), arrived=None),
    ]
    assert kinds(*quiet) == []


def test_votes_are_news_where_they_rise_more_than_others_do() -> None:
    crowd = [late(n, 0.3, upvotes=50) for n in range(2, 8)]
    assert kinds(*crowd, late(1, 0.3, upvotes=45), reader=STRICT) == []
    assert kinds(*crowd, late(1, 0.3, upvotes=300), reader=STRICT) == [(1, "late")]


def test_a_source_that_had_no_votes_before_brings_them() -> None:
    (pick,) = picks(replace(late(1, upvotes=90), votes=None))
    assert pick.note == "90 votes since"


def test_there_is_one_place_for_late_news_and_the_best_has_it() -> None:
    code = {"code_urls": ("https://code.example/x",)}
    found = [late(1, 0.35, **code), late(2, 0.4, **code), late(3, 0.41, version=2)]
    assert kinds(*found, reader=STRICT) == [(2, "late")]


def test_far_under_the_line_no_news_helps() -> None:
    assert kinds(late(1, 0.1, upvotes=500)) == []


def test_late_news_stands_before_the_question_and_after_the_matches() -> None:
    found = [candidate(n, 0.9 - n / 100) for n in range(1, 7)]
    shown = kinds(*found, late(8, upvotes=300), candidate(9, 0.4))
    assert shown == [*((n, "match") for n in range(1, 4)), (8, "late"), (9, "explore")]


def test_a_full_short_digest_has_no_room_for_late_news_and_one_with_room_has() -> None:
    short = replace(READER, most=1)
    assert kinds(candidate(1, 0.9), late(2, upvotes=300), reader=short) == [(1, "match")]
    assert kinds(late(2, upvotes=300), reader=short) == [(2, "late")]
    assert kinds(late(2, upvotes=300), reader=replace(READER, most=0)) == []


def test_a_twin_of_what_was_sent_or_shown_is_neither_news_nor_a_question() -> None:
    sent = Paper(id=99, title="Once", arxiv_id="2611.00002v1")
    found = [candidate(1, 0.9), late(2, upvotes=300), candidate(3, 0.4)]
    shown = replace(found[2], paper=replace(found[2].paper, arxiv_id="2611.00001v2"))
    assert kinds(*found[:2], shown, papers=[sent]) == [(1, "match")]
