"""Profiles at their reader's asking: nobody's save is lost."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from papers import add_reader
from sqlmodel import select

from tasks import models
from tasks.desk import interests
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.records import Reader
from tasks.round.context import Context
from tasks.store import profiles, readers


@pytest.fixture
def ada(context: Context, now: datetime) -> Reader:
    """A reader with one profile, `main`, at version 1."""
    with context.database.write() as session:
        return readers.get(session, add_reader(session, now))


@pytest.fixture
def bo(context: Context, ada: Reader, now: datetime) -> Reader:
    """Another one, whose profile has the same name."""
    with context.database.write() as session:
        return readers.get(session, add_reader(session, now, "bo@readers.example"))


def names(context: Context, reader: Reader) -> list[tuple[str, int]]:
    return [(one.name, one.version) for one in interests.list_profiles(context, reader.id)]


def save(context: Context, reader: Reader, name: str, expected: int | None, /, **body: Any) -> int:
    return interests.save(context, reader.id, name, body, expected=expected)


# --- saving --------------------------------------------------------------------------------------
def test_no_example_is_of_a_day_to_come(context: Context, ada: Reader, now: datetime) -> None:
    save(context, ada, "main", 1, examples=[{"title": "Tides", "given": "9999-12-31"}])
    (kept,) = interests.find(context, ada.id, "main").body["examples"]
    assert kept["given"] == now.date().isoformat()


def test_a_profile_is_made_changed_and_found(context: Context, ada: Reader) -> None:
    assert save(context, ada, " Folding ", None, terms=["protein  folding "], share=2) == 1
    assert save(context, ada, "Folding", 1, terms=["folding"], share=0.5) == 2
    found = interests.find(context, ada.id, "Folding")
    assert (found.version, found.body) == (2, {"terms": ["folding"], "share": 0.5})
    assert interests.find(context, ada.id, found.id) == found
    assert interests.body_of(context, found, 1) == {"terms": ["protein  folding"], "share": 2.0}
    assert interests.body_of(context, found, 9) == found.body
    with context.database.read() as session:
        row = session.get_one(models.Profile, found.id)
        assert (row.share, row.line) == (0.5, 0.0)


def test_who_saves_over_a_version_that_they_did_not_see_is_told(
    context: Context, ada: Reader
) -> None:
    save(context, ada, "main", 1, terms=["from the laptop"])
    with pytest.raises(Conflict, match="profile 'main' is not at version 1 any more"):
        save(context, ada, "main", 1, terms=["from the phone"])
    found = interests.find(context, ada.id, "main")
    assert (found.version, found.body) == (2, {"terms": ["from the laptop"]})


def test_of_many_who_save_at_once_one_wins(context: Context, ada: Reader) -> None:
    outcomes: list[object] = []

    def one(number: int) -> None:
        try:
            outcomes.append(save(context, ada, "main", 1, terms=[f"term {number}"]))
        except Conflict as error:
            outcomes.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(outcome, Conflict) for outcome in outcomes) == [False] + [True] * 5
    assert names(context, ada) == [("main", 2)]


def test_of_many_who_make_the_same_profile_at_once_one_wins(context: Context, ada: Reader) -> None:
    outcomes: list[bool] = []

    def one() -> None:
        try:
            outcomes.append(save(context, ada, "new", None, terms=["x"]) == 1)
        except Conflict:
            outcomes.append(False)

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 5 + [True]


def test_a_save_makes_the_shard_score_anew_and_a_refused_one_does_not(
    context: Context, ada: Reader
) -> None:
    def generation() -> int:
        with context.database.read() as session:
            return session.exec(select(models.Shard.generation)).one()

    before = generation()
    with pytest.raises(Conflict):
        save(context, ada, "main", 7, terms=["x"])
    assert generation() == before
    save(context, ada, "main", 1, terms=["x"])
    assert generation() == before + 1


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("", {"terms": ["x"]}, "A profile needs a name"),
        ("\u202e \x00", {"terms": ["x"]}, "A profile needs a name"),
        ("x" * 81, {"terms": ["x"]}, "A profile needs a name"),
        ("new", {}, "Say at least one thing"),
        ("new", {"share": 2, "weights": {"a": 1}}, "Say at least one thing"),
        ("new", {"colour": "red"}, "a profile has no colour"),
        ("new", {"share": 99}, "share must be a number"),
        ("new", "terms", "a profile is a JSON object"),
    ],
)
def test_what_no_profile_may_be_is_refused(
    context: Context, ada: Reader, name: str, body: object, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        interests.save(context, ada.id, name, body, expected=None)
    assert names(context, ada) == [("main", 1)]


def test_a_profile_that_lives_by_what_it_learned_may_be_emptied(
    context: Context, ada: Reader
) -> None:
    assert save(context, ada, "main", 1) == 2


def test_there_are_so_many_profiles_at_most(context: Context, ada: Reader) -> None:
    for number in range(1, interests.PROFILES_MOST):
        save(context, ada, f"number {number}", None, terms=["x"])
    with pytest.raises(UsageError, match="which is the most there can be"):
        save(context, ada, "one more", None, terms=["x"])
    assert save(context, ada, "main", 1, terms=["x"]) == 2


# --- names ---------------------------------------------------------------------------------------
def test_a_profile_is_renamed_and_keeps_all_that_it_holds(context: Context, ada: Reader) -> None:
    before = interests.find(context, ada.id, "main")
    interests.rename(context, ada.id, "main", " Sparse  things ")
    after = interests.find(context, ada.id, "Sparse things")
    assert (after.id, after.version, after.body) == (before.id, 1, before.body)
    interests.rename(context, ada.id, "Sparse things", "Sparse things")


def test_a_save_may_rename_too(context: Context, ada: Reader) -> None:
    assert save(context, ada, "main", 1, name="Folding", terms=["x"]) == 2
    assert names(context, ada) == [("Folding", 2)]


def test_a_name_that_is_taken_is_refused_and_nothing_is_saved(
    context: Context, ada: Reader
) -> None:
    save(context, ada, "Folding", None, terms=["x"])
    with pytest.raises(Conflict, match="another profile of that name"):
        save(context, ada, "main", None, terms=["y"])
    with pytest.raises(UsageError, match="another profile of that name"):
        save(context, ada, "main", 1, name="Folding", terms=["y"])
    with pytest.raises(UsageError, match="another profile of that name"):
        interests.rename(context, ada.id, "main", "Folding")
    assert names(context, ada) == [("main", 1), ("Folding", 1)]


def test_what_is_not_there_is_named(context: Context, ada: Reader) -> None:
    for act in (
        lambda: interests.find(context, ada.id, "other"),
        lambda: interests.find(context, ada.id, 99),
        lambda: interests.rename(context, ada.id, "other", "new"),
        lambda: interests.remove(context, ada.id, "other"),
    ):
        with pytest.raises(UnknownName, match="there is no profile"):
            act()
    with pytest.raises(UnknownName, match="this reader is gone"):
        interests.save(context, 99, "new", {"terms": ["x"]}, expected=None)


# --- removing ------------------------------------------------------------------------------------
def test_a_removed_profile_is_out_of_sight_and_its_name_is_free(
    context: Context, ada: Reader
) -> None:
    save(context, ada, "main", 1, terms=["x"])
    with pytest.raises(Conflict, match="not at version 1 any more"):
        interests.remove(context, ada.id, "main", expected=1)
    interests.remove(context, ada.id, "main", expected=2)
    assert names(context, ada) == []
    with context.database.read() as session:
        assert profiles.of_reader(session, ada.id) == profiles.rows(session, ada.id) == []
        assert [row["profiles"] for row in readers.rows(session)] == [[]]
    save(context, ada, "main", None, terms=["x"])
    interests.remove(context, ada.id, "main")
    assert names(context, ada) == []


def test_nobody_reaches_the_profiles_of_another_reader(
    context: Context, ada: Reader, bo: Reader
) -> None:
    theirs = interests.find(context, bo.id, "main")
    with pytest.raises(UnknownName):
        interests.find(context, ada.id, theirs.id)
    save(context, ada, "main", 1, name="mine now", terms=["x"])
    interests.remove(context, ada.id, "mine now")
    assert interests.find(context, bo.id, "main") == theirs


# --- what cannot be read -------------------------------------------------------------------------
def test_a_profile_that_cannot_be_read_is_no_hindrance(context: Context, ada: Reader) -> None:
    with context.database.write() as session:
        profiles.save(session, ada.id, "broken", {"colour": "red"}, context.clock())
    broken = interests.find(context, ada.id, "broken")
    assert interests.save(context, ada.id, "broken", {"terms": ["x"]}, expected=1) == 2
    assert interests.find(context, ada.id, broken.id).body == {"terms": ["x"]}
