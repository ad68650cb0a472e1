"""The form of a profile: whatever a profile holds comes back from it, and each button does its one thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from tasks.profile_json import from_json, to_json
from tasks.records import Reader
from tasks.store.profiles import Saved
from workers.web.tuner_form import ABOUT, PARTS, SHARE, WEIGHT, Typed, as_known, read

READER = Reader(id=1, email="ada@readers.example", about=4.5)
Fields = list[tuple[str, str]]


def fields(typed: Typed, do: str = "look") -> Fields:
    """What a browser sends of the form."""
    return [
        ("version", str(typed.version)),
        ("about-was", str(typed.about_was)),
        ("about", ABOUT.slider(typed.about).value),
        ("dropped", " ".join(typed.dropped)),
        ("weights", typed.other_weights),
        ("name", typed.name),
        ("description", typed.description.replace("\n", "\r\n")),
        ("share", SHARE.slider(typed.share).value),
        ("span", str(typed.span)),
        ("do", do),
        *(field for part in PARTS for field in fields_of(typed, part)),
    ]


def fields_of(typed: Typed, part: str) -> Iterator[tuple[str, str]]:
    for chip in typed.chips(part):
        yield part, chip.text
        yield f"{part}-weight", chip.slider.value if chip.slider else ""
    yield f"{part}-add", ""
    yield f"{part}-more", typed.more(part).replace("\n", "\r\n")


def known(body: Mapping[str, Any]) -> Typed:
    return as_known(Saved(id=7, name="main", version=3, body=body), READER)


def after(typed: Typed, do: str = "look", **more: str) -> Typed:
    """The edit after one more press, with these fields filled in otherwise."""
    names = {name.replace("_", "-") for name in more}
    sent = [field for field in fields(typed, do) if field[0] not in names]
    return read(FormData([*sent, *((name.replace("_", "-"), text) for name, text in more.items())]))


def kept(typed: Typed, base: Mapping[str, Any]) -> dict[str, Any]:
    return to_json(from_json(typed.body(base)))


WORDS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=12)
WORD = WORDS.filter(lambda text: text == text.strip())
NUMBER = st.floats(0, 10) | st.sampled_from([0.0, 0.25, 1.0, 1.5, 7.0, 10.0])
LISTS = {part: st.lists(WORD, max_size=8) for part in PARTS}


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Profiles of all kinds, with weights of what they name and of what they do not."""
    lists = {part: draw(items) for part, items in LISTS.items()}
    named = [text for items in lists.values() for text in items] or ["nothing"]
    weights = draw(st.dictionaries(st.sampled_from(named) | WORD, NUMBER, max_size=8))
    rest = {"description": draw(WORD), "share": draw(st.floats(0.1, 10))}
    return to_json(from_json(lists | rest | {"weights": weights, "examples": ["One", "Two"]}))


@given(bodies())
def test_any_profile_comes_back_from_its_form_as_it_was(body: dict[str, Any]) -> None:
    typed = known(body)
    assert kept(typed, body) == body
    assert after(typed) == typed
    assert kept(after(after(typed)), body) == body


@pytest.mark.parametrize("many", [60, 61, 200, 2000])
def test_so_do_very_many_things_with_weights(many: int) -> None:
    items = [f"term {n}" for n in range(many)]
    body = {"terms": items, "phrases": items[:3], "weights": dict.fromkeys(items[::7], 1.3)}
    typed = known(body)
    assert len(typed.chips("terms")) == 60
    assert typed.chips("terms")[-1].text == items[-1]
    assert typed.more("terms").count("term") == many - 60
    assert kept(after(typed), body) == body


def test_what_is_added_stands_last_whatever_is_pressed_and_no_thing_stands_twice() -> None:
    typed = known({"terms": ["a", "b"], "weights": {"a": 2.0}})
    for do in ("look", "save", "span:30", "drop:phrases:0", "what?"):
        more = after(typed, do, terms_add="  c ", authors_add="Ada Author1")
        assert more.lists["terms"] == ("a", "b", "c")
        assert more.lists["authors"] == ("Ada Author1",)
        assert more.weights == {"a": 2.0}
    assert after(typed, terms_add="a").lists["terms"] == ("a", "b")


def test_several_at_once_are_taken_one_a_line() -> None:
    typed = after(known({"terms": ["z"]}), terms_more="a\r\n\r\n b \nc")
    assert typed.lists["terms"] == ("a", "b", "c", "z")
    assert typed.more("terms") == ""


def test_a_chip_goes_with_its_weight_and_no_other() -> None:
    typed = known({"terms": ["a", "b", "c"], "weights": {"a": 2.0, "b": 3.0, "c": 1.0}})
    gone = after(typed, "drop:terms:1")
    assert gone.lists["terms"] == ("a", "c")
    assert gone.weights == {"a": 2.0, "c": 1.0}
    assert after(after(typed, "drop:terms:2"), terms_add="c").weights == {"a": 2.0, "b": 3.0}
    assert after(typed, "drop:terms:7").lists == typed.lists


def test_what_stands_in_two_lists_is_weighed_once() -> None:
    body = {"terms": ["x"], "phrases": ["x", "y"], "weights": {"x": 2.0}}
    typed = known(body)
    assert [chip.slider is None for chip in typed.chips("phrases")] == [True, False]
    assert kept(after(typed), body) == body
    only = after(typed, "drop:terms:0")
    assert only.weights == {"x": 2.0}
    first = only.chips("phrases")[0]
    assert first.slider
    assert first.slider.value == "2"


def test_nothing_of_what_never_comes_has_a_weight() -> None:
    typed = known({"negatives": ["survey"], "weights": {"survey": 2.0}})
    assert [chip.slider for chip in typed.chips("negatives")] == [None]
    assert after(typed).weights == {"survey": 2.0}


def test_a_weight_is_moved() -> None:
    typed = known({"terms": ["a"], "weights": {"a": 1.0}})
    assert after(typed, terms_weight="2.5").weights == {"a": 2.5}
    assert after(known({"terms": ["a"]}), terms_weight="1").weights == {}
    assert after(known({"terms": ["a"], "weights": {"a": 3.0}}), terms_weight="1").weights == {}


def test_papers_are_taken_out_by_their_place_in_the_version_the_edit_began_from() -> None:
    body = {"examples": [{"title": f"Example {n}"} for n in range(4)], "dislikes": ["Not this"]}
    typed = after(after(known(body), "drop:examples:1"), "drop:dislikes:0")
    assert typed.dropped == {"examples-1", "dislikes-0"}
    assert [one.title for one in typed.papers(body, "examples")] == [
        "Example 3",
        "Example 2",
        "Example 0",
    ]
    assert [one["title"] for one in kept(typed, body)["examples"]] == [
        "Example 0",
        "Example 2",
        "Example 3",
    ]
    assert "dislikes" not in kept(typed, body)
    assert after(typed, dropped="examples-x ../etc examples-2").dropped == {"examples-2"}


def test_an_empty_form_is_an_empty_profile() -> None:
    typed = read(FormData())
    assert typed.is_empty
    assert typed.wishes == {}
    assert to_json(from_json(typed.body({}))) == {}
    assert as_known(None, READER).is_empty
    assert not known({"description": "x"}).is_empty


def test_how_many_a_day_is_wished_for_where_it_was_moved() -> None:
    typed = known({"terms": ["a"]})
    assert typed.wishes == {}
    assert after(typed, about="9").wishes == {"about": 9.0}
    assert after(typed, about="lots").wishes == {"about": "lots"}


@pytest.mark.parametrize("span", ["8", "", "span:8", "x", "9999", "٣٠"])
def test_one_looks_back_seven_days_unless_another_span_is_chosen(span: str) -> None:
    typed = known({"terms": ["a"]})
    assert after(typed, "span:90").span == 90
    assert after(after(typed, "span:30")).span == 30
    assert after(typed, span=span).span == after(typed, span).span == 7


@pytest.mark.parametrize("words", ["[1]", "{", "[" * 100_000, "1", "null"])
def test_weights_that_are_none_are_none(words: str) -> None:
    assert after(known({"terms": ["a"]}), weights=words).weights == {}


def test_what_is_no_number_stays_as_it_was_typed_for_others_to_refuse() -> None:
    typed = after(known({"terms": ["a"]}), terms_weight="<b>", share="many", version="-1")
    assert typed.weights == {"a": "<b>"}
    assert (typed.share, typed.version) == ("many", 0)
    assert after(known({}), share="0,5").share == 0.5
    shown = typed.chips("terms")[0].slider
    assert shown
    assert shown.value == "1"


@pytest.mark.parametrize(
    ("value", "slider"),
    [
        (1.0, ("1", "0", "5", "0.25")),
        (1.25, ("1.25", "0", "5", "0.25")),
        (1.3, ("1.3", "0", "5", "any")),
        (7.0, ("7", "0", "10", "0.25")),
        (9.99, ("9.99", "0", "10", "any")),
        (0.30000000000000004, ("0.30000000000000004", "0", "5", "any")),
        (float("nan"), ("1", "0", "5", "0.25")),
        (11.0, ("1", "0", "5", "0.25")),
        ("2", ("1", "0", "5", "0.25")),
    ],
)
def test_a_slider_holds_any_weight_exactly_until_it_is_moved(
    value: object, slider: tuple[str, ...]
) -> None:
    made = WEIGHT.slider(value)
    assert (made.value, made.least, made.most, made.step) == slider


def test_a_break_within_a_thing_is_a_blank() -> None:
    typed = known({"terms": ["two\r\nlines"], "weights": {"two\r\nlines": 2.0}})
    assert typed.lists["terms"] == ("two lines",)
    assert after(typed).weights == {"two lines": 2.0}


def test_the_labels_are_short_and_what_is_kept_is_whole() -> None:
    long = "very " * 2000
    typed = after(known({}), terms_add=long)
    [chip] = typed.chips("terms")
    assert len(chip.label) <= 100
    assert chip.text == long.strip()
