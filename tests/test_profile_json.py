"""Profiles as JSON: read leniently where nothing is lost, refused by name where something would be."""

from __future__ import annotations

from datetime import date

import pytest

from tasks.errors import UsageError
from tasks.profile_json import TERM_MOST, from_json, from_typed, none_later, to_json
from tasks.records import Example

FULL = {
    "terms": ["sparse attention"],
    "phrases": ["long context"],
    "authors": ["A. Rossi"],
    "categories": ["cs.CL"],
    "description": "Cheap attention.",
    "negatives": ["survey"],
    "examples": [{"title": "One", "abstract": "Two"}],
    "dislikes": [{"title": "Three", "abstract": ""}],
    "weights": {"sparse attention": 2.0},
}


def test_every_part_survives_a_round_trip() -> None:
    profile = from_json(FULL, key=7, name="main")
    assert (profile.id, profile.name) == (7, "main")
    assert profile.examples == (Example(title="One", abstract="Two"),)
    assert from_json(to_json(profile), key=7, name="main") == profile
    assert to_json(profile) == FULL


def test_every_part_is_optional() -> None:
    assert to_json(from_json({})) == {}
    assert from_json({"id": 5, "terms": None, "weights": None}).id == "5"


def test_blank_and_doubled_terms_are_dropped_and_a_title_is_an_example() -> None:
    profile = from_json({"terms": [" a ", "", "a"], "examples": ["A title"]})
    assert profile.terms == ("a",)
    assert profile.examples == (Example(title="A title"),)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "JSON object"),
        ({"term": ["x"]}, "has no term"),
        ({"terms": "x"}, "terms must be a list"),
        ({"terms": [1]}, "terms must be a list of texts"),
        ({"terms": ["x"] * 2001}, "2000 at most"),
        ({"description": ["x"]}, "description must be a text"),
        ({"description": True}, "description must be a text"),
        ({"examples": [3]}, "examples must be a list of objects"),
        ({"weights": ["x"]}, "weights must be an object"),
        ({"weights": {"x": -1}}, "from 0 to 10"),
        ({"weights": {"x": True}}, "from 0 to 10"),
    ],
)
def test_a_wrong_part_is_named(body: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        from_json(body)


def test_an_item_may_be_as_long_as_that_and_is_measured_without_the_blanks_around_it() -> None:
    longest = "x" * TERM_MOST
    assert from_typed({"authors": [f"  {longest} "]}).authors == (longest,)


def test_an_item_that_is_too_long_is_refused_where_it_is_typed_and_read_where_it_is_kept() -> None:
    longer = {"negatives": ["y" * (TERM_MOST + 1)]}
    with pytest.raises(
        UsageError, match=r"negatives: “y{40}…” is too long: 200 characters at most"
    ):
        from_typed(longer)
    assert from_json(longer).negatives == ("y" * 201,)


def test_no_example_is_of_a_later_day_than_that() -> None:
    days = ["2026-11-19", "2026-11-20", "9999-12-31", None]
    profile = from_json(
        {"terms": ["x"], "examples": [{"title": "y", "given": day} for day in days]}
    )
    told = [one.given for one in none_later(profile, date(2026, 11, 20)).examples]
    assert told == [date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 20), None]
