"""Suggestions: words, authors and papers that sharpen a profile, by what they change, and what to ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import weeks
from papers import add_reader, bring, entry, page

from tasks.desk import interests, teaching
from tasks.desk.tuning import past
from tasks.desk.tuning.advice import advice_words, taking
from tasks.desk.tuning.advice.suggesting import Source, Suggestion, Suggestions, suggest
from tasks.desk.tuning.machine import compare
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.records import Reader, Want
from tasks.round.context import Context
from tasks.score.names import Name, name_of, sameness
from tasks.score.words import stems
from tasks.store import readers
from templates import words_for

BODY = {"terms": ["sparse attention"]}


@pytest.fixture(scope="module")
def house(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """Six weeks of papers; reader 1 liked speech, reader 2 nothing."""
    opened = weeks.opened(migrated_file, tmp_path_factory.mktemp("weeks"))
    with opened.database.write() as session:
        for name in ("ada", "bo"):
            add_reader(session, weeks.NOW, f"{name}@readers.example", about=4, most=8)
    for key in weeks.newest(opened, "speech", 8):
        teaching.give(opened, 1, key, Want.MORE)
    yield opened
    opened.close()


def reader(house: Context, key: int) -> Reader:
    with house.database.read() as session:
        return readers.get(session, key)


@pytest.fixture(scope="module")
def by_liked(house: Context) -> Suggestions:
    return suggest(house, reader(house, 1), 1, BODY)


@pytest.fixture(scope="module")
def by_picked(house: Context) -> Suggestions:
    return suggest(house, reader(house, 2), 2, BODY)


def all_of(some: Suggestions) -> list[Suggestion]:
    return [*some.terms, *some.authors, *some.papers]


def test_what_the_reader_liked_is_learned_from(by_liked: Suggestions) -> None:
    assert (by_liked.source, by_liked.of) == (Source.LIKED, 8)
    assert by_liked.terms
    assert all(2 <= one.hits <= 8 for one in (*by_liked.terms, *by_liked.authors))
    assert "of the 8 papers that you liked" in advice_words.grounds(by_liked.terms[0], by_liked)


def test_where_nothing_was_liked_the_picks_tell(by_picked: Suggestions) -> None:
    assert by_picked.source is Source.PICKED
    assert by_picked.of > 20
    assert "that the profile brought" in advice_words.grounds(by_picked.terms[0], by_picked)


def test_nothing_is_suggested_that_is_typed_already(house: Context, by_liked: Suggestions) -> None:
    body = {
        "terms": [*BODY["terms"], *(one.text for one in by_liked.terms)],
        "authors": [one.text for one in by_liked.authors],
    }
    again = suggest(house, reader(house, 1), 1, body)
    typed = [stems(text) for text in body["terms"]]
    assert all(stems(one.text) not in typed for one in again.terms)
    for one in again.authors:
        assert not any(sameness(named(text), named(one.text)) for text in body["authors"])


def named(text: str) -> Name:
    name = name_of(text)
    assert name is not None
    return name


def test_each_shows_what_it_really_changes(house: Context, by_picked: Suggestions) -> None:
    assert all_of(by_picked)
    for one in all_of(by_picked):
        assert one.effect.entering or one.effect.leaving
        real = compare(house, reader(house, 2), 2, one.body, span=7)
        assert [pick.paper.id for _, pick in real.entering] == ids(one.effect.entering)
        assert [pick.paper.id for _, pick in real.leaving] == ids(one.effect.leaving)


def ids(some: Any) -> list[int | str]:
    return [pick.paper.id for _, pick in some]


def test_the_first_brings_most_of_what_is_liked_or_changes_most(by_picked: Suggestions) -> None:
    sizes = [len(one.effect.entering) + len(one.effect.leaving) for one in by_picked.terms]
    assert sizes == sorted(sizes, reverse=True)


def test_a_handful_of_replays_is_made(house: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    real = past.replay
    monkeypatch.setattr(past, "replay", lambda *given: made.append(given) or real(*given))
    suggest(house, reader(house, 2), 2, {"terms": ["quantization"]})
    assert 0 < len(made) <= 12


def test_what_is_to_be_judged_is_near_the_line_and_unlike(
    house: Context, by_picked: Suggestions
) -> None:
    asked = suggest(house, reader(house, 2), 2, {"description": "Streams of tokens."}).questions
    some = [*by_picked.questions, *asked]
    assert some
    picked = {pick.paper.id for _, pick in compare(house, reader(house, 2), 2, BODY).after.picks}
    assert picked.isdisjoint(one.paper.id for one in by_picked.questions)
    for one in some:
        assert one.score.value < one.line
        assert one.score.reasons
        assert "The profile is unsure" in advice_words.question(one)
    keys = [one.paper.id for one in asked]
    assert len(keys) == len(set(keys)) <= 4


def test_an_empty_store_and_an_empty_profile_suggest_nothing(context: Context, now: Any) -> None:
    with context.database.write() as session:
        key = add_reader(session, now)
        ada = readers.get(session, key)
    assert all_of(suggest(context, ada, 1, {"terms": ["zebra"]})) == []
    with context.database.write() as session:
        bring(session, page(entry(1)), now)
    found = suggest(context, ada, None, {})
    assert (found.source, all_of(found), found.questions) == (Source.NOTHING, [], ())


def test_everything_is_said_in_both_languages(by_liked: Suggestions) -> None:
    for words in (words_for("en"), words_for("de")):
        for one in all_of(by_liked):
            assert advice_words.suggestion(one, words)
            assert advice_words.grounds(one, by_liked, words)
            assert advice_words.effect(one.effect, words)


# --- taking --------------------------------------------------------------------------------------
def test_a_suggestion_is_saved_as_the_next_version(house: Context, by_picked: Suggestions) -> None:
    bo, term = reader(house, 2), by_picked.terms[0]
    taking.take(house, bo, 2, "terms", term.text, expected=1)
    now = interests.find(house, 2, 2)
    assert (now.version, now.body) == (2, dict(term.body))
    paper = by_picked.papers[0].paper
    assert paper is not None
    taking.take(house, bo, 2, "examples", str(paper.id), expected=2)
    taking.take(house, bo, 2, "dislikes", str(paper.id), expected=3)
    body = interests.find(house, 2, 2).body
    assert "examples" not in body
    assert [one["id"] for one in body["dislikes"]] == [f"entry:{paper.id}"]


def test_what_cannot_be_taken_is_said(house: Context) -> None:
    bo = reader(house, 2)
    now = interests.find(house, 2, 2).version
    with pytest.raises(UsageError, match="no list 'colours'"):
        taking.take(house, bo, 2, "colours", "red", expected=now)
    for number in ("99999", "x", "-1", "١"):
        with pytest.raises(UnknownName, match="no paper"):
            taking.take(house, bo, 2, "examples", number, expected=now)
    with pytest.raises(Conflict):
        taking.take(house, bo, 2, "terms", "red", expected=now - 1)
    with pytest.raises(UnknownName):
        taking.take(house, bo, 1, "terms", "red", expected=now)
