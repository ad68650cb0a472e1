"""What the tuner draws and says of a comparison, by comparisons made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

import templates
from tasks.desk.tuning.effect_words import adding_up, verdict
from tasks.desk.tuning.machine import Comparison, Near, Side, Turn
from tasks.desk.tuning.measuring import Estimate
from tasks.records import Paper, Pick, PickKind, Reason, Score
from workers.web.effect import effect
from workers.web.plots import span, volume

WORDS = templates.words_for("en")
FIRST = date(2026, 11, 14)
REASONS = (
    Reason(kind="baseline", label="baseline", value=-3.004),
    Reason(kind="term", label="sparse attention in the title", value=2.004),
    Reason(kind="author", label="Ada Author1", value=1.004),
    Reason(kind="less", label="survey", value=-0.504),
    Reason(kind="example", label="like “Another paper”", value=0.404),
    Reason(kind="words", label="kernels", value=0.1),
    Reason(kind="words", label="other words", value=0.05),
)


def pick(number: int, **changes: Any) -> Pick:
    raw = sum(reason.value for reason in REASONS)
    score = Score(entry_id=number, profile_id=1, value=0.49, raw=raw, reasons=REASONS)
    made = Pick(place=1, paper=Paper(id=number, title=f"Paper <{number}>"), score=score)
    return replace(made, **changes)


def turn(at: int, *picks: Pick, line: float = 0.2) -> Turn:
    day = FIRST + timedelta(days=at)
    moment = datetime.combine(day, time(7), tzinfo=UTC)
    return Turn(day=day, at=moment, considered=60, line=line, own=len(picks), picks=picks)


def side(*turns: Turn, **changes: Any) -> Side:
    made = Side(turns=turns, liked=(), precision=None, recall=None, ndcg=None)
    return replace(made, **changes)


def comparison(before: Side | None, after: Side, **changes: Any) -> Comparison:
    last = FIRST + timedelta(days=6)
    made = Comparison(span=7, first=FIRST, last=last, before=before, after=after, near=())
    return replace(made, **changes)


def both(**changes: Any) -> Comparison:
    """Three days: the edit brings papers 4 and 5 and sends 1 away."""
    before = side(turn(0, pick(1), pick(2)), turn(1, pick(3)), turn(2, line=1.5))
    after = side(turn(0, pick(2)), turn(1, pick(3), pick(4), line=0.1), turn(2, pick(5), line=0.3))
    return comparison(before, after, **changes)


# --- the verdict ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([1, 2], [2, 3, 4], "2 papers come in, 1 goes: 3 a day instead of 2."),
        ([1, 2, 3], [4], "1 paper comes in, 3 go: 1 a day instead of 3."),
        ([1], [2], "1 paper comes in, 1 goes: 1 a day as before."),
        ([], [2], "1 paper comes in, none goes: 1 a day instead of 0."),
        ([1], [], "No paper comes in, 1 goes: 0 a day instead of 1."),
        ([1, 2], [2, 1], "No change: the same papers come, 2 a day."),
    ],
)
def test_the_verdict_is_one_sentence(before: list[int], after: list[int], said: str) -> None:
    made = [side(turn(0, *map(pick, numbers))) for numbers in (before, after)]
    assert verdict(comparison(made[0], made[1])) == said


def test_the_verdict_of_a_first_profile_and_of_no_days() -> None:
    assert verdict(comparison(None, side(turn(0, pick(1))))) == "1 a day would have come."
    assert verdict(comparison(None, side())) == "There are no papers of these days to look back on."


# --- plots ---------------------------------------------------------------------------------------
def test_the_plot_and_its_table_tell_the_same() -> None:
    made = volume(both())
    assert [(row.picks_before, row.picks_after) for row in made.rows] == [(2, 1), (1, 2), (0, 1)]
    assert [(row.line_before, row.line_after) for row in made.rows] == [
        (0.2, 0.2),
        (0.2, 0.1),
        (None, 0.3),
    ]
    assert (made.width, made.most, made.top) == (30, 2, 0.5)
    assert made.bars == "M2 100V50h6V100zM12 100V0h6V100zM22 100V50h6V100z"
    assert made.steps == "M0 0h10V50h10V100h10"
    assert made.line == "M0 60h10V80h10V40h10"
    assert made.was == "M0 60h10V60h10", "it ends where nothing reaches it"


def test_a_line_goes_on_after_a_gap() -> None:
    turns = side(turn(0), turn(1, line=2.0), turn(2))
    assert volume(comparison(None, turns)).line == "M0 20h10M20 20h10"


def test_a_day_that_one_side_alone_has_is_none_of_the_other() -> None:
    made = volume(comparison(side(turn(1, pick(1))), side(turn(0, pick(1), pick(2)))))
    assert [(row.picks_before, row.picks_after) for row in made.rows] == [(None, 2), (1, None)]
    assert (made.bars, made.steps) == ("M2 100V0h6V100z", "M10 50h10")


def test_of_no_days_nothing_is_drawn() -> None:
    made = volume(comparison(None, side()))
    assert (made.bars, made.steps, made.line, made.was, made.rows) == ("", "", "", "", ())
    assert made.width > 0
    assert made.most == 1


def test_an_interval_stays_on_its_axis() -> None:
    made = span(Estimate(value=0.5, low=-0.1, high=1.2, cases=3))
    assert (made.value, made.low, made.high) == (50, 0, 100)


# --- sums ----------------------------------------------------------------------------------------
def test_the_shown_numbers_add_up_to_the_shown_sum() -> None:
    score = pick(1).score
    rows = adding_up(score)
    assert round(sum(row.value for row in rows), 2) == round(score.raw, 2)
    assert [row.label for row in rows] == [
        "Matches “sparse attention” in the title",
        "You follow Ada Author1",
        "“survey”",
        "Like “Another paper”",
        "all smaller reasons",
        "what every paper begins from",
    ]
    assert [row.value for row in rows][2:5] == [-0.5, 0.4, 0.15]


def test_a_score_of_few_reasons_has_no_rest() -> None:
    score = Score(entry_id=1, profile_id=1, value=0.3, raw=-1.0, reasons=REASONS[:2])
    assert [row.value for row in adding_up(score)] == [2.0, -3.0]
    none = Score(entry_id=1, profile_id=1, value=0.5, raw=0.0, reasons=())
    assert [row.value for row in adding_up(none)] == [0.0]


# --- the whole side ------------------------------------------------------------------------------
def test_what_comes_and_goes_stands_newest_first_with_its_reasons() -> None:
    made = effect(both(), WORDS)
    assert [line.entry for line in made.entering.full] == [5, 4]
    assert [line.entry for line in made.leaving.full] == [1]
    assert made.entering.full[0].bars[-1].wide is None, "where every paper begins is no reason"
    bars = made.entering.full[0].bars
    assert [(bar.x, bar.wide) for bar in bars[:3]] == [(20.0, 80.0), (20.0, 40.0), (0.0, 20.0)]
    assert [line.is_new for line in made.picks.more] == [True]
    assert made.picks.full == (), "its sums stand above already"
    assert made.newest == FIRST + timedelta(days=2)


def test_where_nothing_changes_the_newest_digest_stands_with_its_sums() -> None:
    same = side(turn(0, pick(1)))
    made = effect(comparison(same, same), WORDS)
    assert (made.entering.all, made.leaving.all) == (0, 0)
    assert [bool(line.bars) for line in made.picks.full] == [True]


def test_of_very_many_the_first_have_sums_more_have_titles_and_the_rest_is_counted() -> None:
    after = side(turn(0, *map(pick, range(1, 41))))
    made = effect(comparison(side(turn(0)), after), WORDS).entering
    assert (len(made.full), len(made.more), made.left_out, made.all) == (6, 12, 22, 40)
    assert not any(line.bars for line in made.more)


def test_votes_are_no_sum_and_a_first_profile_has_nothing_to_compare() -> None:
    popular = pick(1, kind=PickKind.POPULAR)
    made = effect(comparison(None, side(turn(0, popular))), WORDS)
    assert made.picks.full[0].bars == ()
    assert not made.compares
    assert (made.entering.all, made.lost) == (0, ())


def test_what_fell_just_below_the_line_says_how_far() -> None:
    near = Near(day=FIRST, paper=Paper(id=9, title="Near"), score=pick(9).score, line=0.5)
    [line] = effect(both(near=(near,)), WORDS).near
    assert line.facts.endswith("the line was 0.50")
    assert line.bars


def test_liked_papers_are_kept_lost_and_won() -> None:
    papers = [Paper(id=n, title=f"Liked {n}") for n in range(4)]
    found = both(span=30)
    some = Estimate(value=0.5, low=0.3, high=0.7, cases=8)
    assert found.before
    found = replace(
        found,
        before=replace(found.before, liked=tuple(papers[:3]), precision=some),
        after=replace(found.after, liked=tuple(papers[2:])),
    )
    made = effect(found, WORDS)
    assert made.is_judged
    assert (made.kept, made.gained) == (1, 1)
    assert [sheet.title for _, sheet in made.lost] == ["Liked 0", "Liked 1"]
    assert [(m.span_before is None, m.span_after is None) for m in made.measures] == [
        (False, True),
        (True, True),
        (True, True),
    ]
    assert not effect(both(), WORDS).is_judged
