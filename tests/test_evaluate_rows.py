"""Judged profiles as others may bring them: what is kept, left out and told, or refused by name."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tasks.errors import UsageError
from tasks.evaluate import folds, judge
from tasks.records import Paper

FIRST = date(2026, 11, 2)


def stream(days: int = 10, each: int = 3) -> list[tuple[date, Paper]]:
    """`each` papers a day, called by day and number: 0-0, 0-1 …"""
    return [
        (FIRST + timedelta(days=day), Paper(id=f"{day}-{n}", title=f"Paper {n} of day {day}"))
        for day in range(days)
        for n in range(each)
    ]


def row(**changes: Any) -> dict[str, Any]:
    """A profile that is in order."""
    made = {
        "id": "ada",
        "terms": ["sparse attention"],
        "description": "Fast attention.",
        "split": "2026-11-06",
        "likes": ["0-0", "1-1", "4-2"],
        "days": ["2026-11-09", "2026-11-08"],
        "relevant": ["6-1", "7-2"],
        "source": "an invented list",
    }
    return made | changes


def test_a_profile_is_read_with_its_likes_and_its_days_in_order() -> None:
    judged = judge(reversed(stream()), [row()])
    (reader,) = judged.readers
    assert reader.profile.terms == ("sparse attention",)
    assert [paper.id for paper in reader.likes] == ["0-0", "1-1", "4-2"]
    assert reader.relevant == {date(2026, 11, 8): {"6-1"}, date(2026, 11, 9): {"7-2"}}
    assert list(reader.relevant) == [date(2026, 11, 8), date(2026, 11, 9)]
    assert list(judged.days) == sorted(judged.days)
    assert judged.notes == ()


def test_the_newest_likes_become_examples() -> None:
    (reader,) = judge(stream(), [row()]).readers
    titles = {k: [e.title for e in reader.after(k).examples] for k in (0, 1, 2, 30, None)}
    every = ["Paper 0 of day 0", "Paper 1 of day 1", "Paper 2 of day 4"]
    assert titles == {0: [], 1: every[2:], 2: every[1:], 30: every, None: every}
    assert [e.title for e in reader.after(1).kept_back] == every[:2]
    assert [reader.count(k) for k in (0, 1, 30, None)] == [0, 1, 3, 3]


def test_dislikes_are_part_of_the_profile() -> None:
    (reader,) = judge(stream(), [row(dislikes=["2-0"])]).readers
    (disliked,) = reader.profile.dislikes
    assert (disliked.title, disliked.id) == ("Paper 0 of day 2", "2-0")
    assert disliked.given is not None
    assert reader.after(1).dislikes == reader.profile.dislikes


def test_only_the_newest_papers_from_before_a_day_are_learned_from() -> None:
    judged = judge(stream(), [row()])
    assert [p.id for p in judged.before(FIRST + timedelta(days=2), 4)] == [
        "0-2",
        "1-0",
        "1-1",
        "1-2",
    ]
    assert judged.before(FIRST, 4) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"likes": ["0-0", "nowhere"]}, "1 of its likes are not among the papers"),
        ({"likes": ["0-0", "6-1"]}, "1 of its likes are later than 2026-11-06"),
        ({"likes": ["4-2", "0-0"]}, "not in the order of their papers' days"),
        ({"dislikes": ["9-9"]}, "1 of its dislikes are not among the papers"),
        ({"relevant": ["6-1", "8-0", "9-9"]}, "2 of its relevant papers stand on none of its days"),
        ({"colour": "red"}, "passed over what means nothing here: colour"),
    ],
)
def test_what_is_left_out_is_told_by_the_profiles_name(changes: dict[str, Any], words: str) -> None:
    (note,) = judge(stream(), [row(**changes)]).notes
    assert note.startswith("profile 'ada': ")
    assert words in note


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"split": None}, "split must be a day like 2026-11-20, not None"),
        ({"split": "last week"}, "split must be a day"),
        ({"days": ["soon"]}, "days must be a day"),
        ({"days": "2026-11-08"}, "days must be a list"),
        ({"days": ["2026-11-06"]}, "its judged day 2026-11-06 is not after its split"),
        ({"days": ["2027-01-01"]}, "no paper has its judged day 2027-01-01"),
        ({"days": []}, "none of its `relevant` papers"),
        ({"relevant": ["9-9"]}, "none of its `relevant` papers"),
        ({"likes": "0-0"}, "likes must be a list"),
        ({"likes": [["0-0"]]}, "likes must be a list of paper ids"),
        ({"terms": "sparse"}, "terms must be a list"),
        ({"id": ["x"]}, "id must be a text or a number"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        judge(stream(), [row(**changes)])
    assert str(refused.value).startswith("profile ")


def test_a_profile_without_an_id_is_called_by_its_place() -> None:
    judged = judge(stream(), [row(), row(id=None)])
    assert [reader.profile.id for reader in judged.readers] == ["ada", 2]


def test_nothing_stands_there_twice() -> None:
    with pytest.raises(UsageError, match="profile 'ada' stands there twice"):
        judge(stream(), [row(), row()])
    with pytest.raises(UsageError, match="paper '0-0' stands there twice"):
        judge([*stream(), *stream(1, 1)], [row()])


def test_there_must_be_somebody_and_something_to_learn_from() -> None:
    with pytest.raises(UsageError, match="no profile"):
        judge(stream(), [])
    late = row(split="2026-11-01", likes=[], days=["2026-11-02"], relevant=["0-0"])
    with pytest.raises(UsageError, match="no paper is dated before 2026-11-02"):
        judge(stream(), [late])


def test_too_many_papers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.evaluate.rows.PAPERS_MOST", 5)
    with pytest.raises(UsageError, match="more than 5 papers"):
        judge(stream(), [row()])


def test_folds_measure_everybody_once_and_never_on_whom_was_chosen() -> None:
    people = list("abcdefghijk")
    made = list(folds(people, 3))
    assert sorted(place for _, told in made for place in told) == list(range(11))
    for chosen, told in made:
        assert sorted(chosen + told) == list(range(11))
    assert made == list(folds(people, 3))
    assert made != list(folds(people, 3, seed=1))
    with pytest.raises(UsageError, match="2 to 11 folds"):
        list(folds(people, 12))
