"""The versions of a profile: none is lost, each can be gone back to, and a removed profile comes back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from papers import add_reader, bring, entry, page
from sqlmodel import col, select

from tasks import models
from tasks.desk import interests, moving, teaching, versions
from tasks.desk.differences import Part, difference, told
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.records import Reader, Want
from tasks.round.context import Context
from tasks.round.tick import tick
from tasks.store import profiles, readers
from tasks.store import versions as store
from templates import words_for

EN, DE = words_for("en"), words_for("de")


@pytest.fixture
def ada(context: Context, now: datetime) -> Reader:
    """A reader with one profile, `main`, at version 1: sparse attention."""
    with context.database.write() as session:
        return readers.get(session, add_reader(session, now))


def save(context: Context, reader: Reader, name: str, expected: int | None, /, **body: Any) -> int:
    return interests.save(context, reader.id, name, body, expected=expected)


def body(context: Context, reader: Reader, name: str = "main") -> dict[str, Any]:
    return dict(interests.find(context, reader.id, name).body)


# --- what differs --------------------------------------------------------------------------------
def test_what_differs_is_told_part_by_part() -> None:
    before = {"terms": ["a", "b"], "weights": {"a": 2, "b": 3}, "description": "Old."}
    after = {"terms": ["c", "a"], "authors": ["Ada"], "weights": {"A": 0.5}, "share": 2}
    found = difference(before, after)
    assert found.parts == (
        Part(name="terms", added=("c",), removed=("b",), kept=1),
        Part(name="authors", added=("Ada",), removed=(), kept=0),
    )
    assert found.weights == (("a", 2, 0.5),), "what is gone has no weight to tell"
    assert (found.description, found.share) == (("Old.", ""), (1, 2))
    assert told(found, EN) == [
        "Terms: added “c”; removed “b”",
        "Authors to follow: added “Ada”",
        "Weights: “a” from 2 to 0.5",
        "Share: from 1 to 2",
        "Description: removed",
    ]


def test_papers_are_told_by_their_titles_and_known_by_what_they_say() -> None:
    old = {"title": "Tides", "abstract": "Of the sea.", "given": "2026-11-01"}
    before = {"examples": [old, {"title": "", "abstract": "Only words."}]}
    after = {"examples": [old | {"given": "2026-11-02"}, {"title": "Tides", "abstract": "Anew."}]}
    (part,) = difference(before, after).parts
    assert part == Part(name="examples", added=("Tides",), removed=("Only words.",), kept=1)


def test_order_and_spelling_of_nothing_are_no_difference() -> None:
    assert not difference({"terms": ["a", "b"], "share": 1}, {"terms": ["b", "a"], "authors": []})
    assert told(difference({}, {}), EN) == ["The same as the one before."]


def test_of_much_the_first_is_named_and_the_rest_counted() -> None:
    found = difference({}, {"terms": [f"t{n}" for n in range(2000)], "description": "x"})
    assert told(found, EN) == [
        "Terms: added “t0”, “t1”, “t2” and 1,997 more",
        "Description: added",
    ]
    assert told(difference({"description": "y"}, {"description": "x"}), EN, most=1) == [
        "Description: changed"
    ]


def test_hostile_texts_stay_short_and_on_one_line() -> None:
    text = "\u202e<b>\n" + "x" * 190
    papers = [{"title": text * 100}]
    found = difference({}, {"terms": [text], "weights": {text: 3}, "examples": papers})
    lines = told(found, EN)
    assert len(lines) == 3
    for line in lines:
        assert len(line) < 150
        assert not {"\n", "\u202e"} & {*line}


def test_what_cannot_be_read_counts_as_nothing() -> None:
    assert difference({"colour": "red"}, {"terms": ["x"]}).parts[0].added == ("x",)


# --- history -------------------------------------------------------------------------------------
def test_every_save_is_listed_with_what_it_changed(
    context: Context, ada: Reader, clock: Any
) -> None:
    first = context.clock()
    clock.moment += timedelta(hours=1)
    save(context, ada, "main", 1, terms=["sparse attention", "tides"])
    save(context, ada, "main", 2, terms=["tides"])
    newest, middle, oldest = versions.history(context, ada.id, "main")
    assert [one.number for one in (newest, middle, oldest)] == [3, 2, 1]
    assert [one.in_force for one in (newest, middle, oldest)] == [True, False, False]
    assert (oldest.created_at, newest.created_at) == (first, clock.moment)
    assert oldest.change is None
    assert newest.change
    assert middle.change
    assert newest.change.parts[0].removed == ("sparse attention",)
    assert middle.change.parts[0].added == ("tides",)


def test_a_long_history_comes_in_pieces_that_fit_together(context: Context, ada: Reader) -> None:
    for number in range(1, 8):
        save(context, ada, "main", number, terms=[f"term {number}"])
    whole = versions.history(context, ada.id, "main")
    pieces = versions.history(context, ada.id, "main", most=3)
    pieces += versions.history(context, ada.id, "main", before=6, most=3)
    pieces += versions.history(context, ada.id, "main", before=3, most=3)
    assert pieces == whole
    assert len(whole) == 8
    assert versions.history(context, ada.id, "main", before=1) == []


def test_a_version_has_a_name_as_long_as_its_reader_wants(context: Context, ada: Reader) -> None:
    save(context, ada, "main", 1, terms=["x"])
    versions.name(context, ada.id, "main", 1, "  before\nthe   grant\u202e ")
    assert [one.label for one in versions.history(context, ada.id, "main")] == [
        "",
        "before the grant",
    ]
    versions.name(context, ada.id, "main", 1, "")
    assert [one.label for one in versions.history(context, ada.id, "main")] == ["", ""]
    with pytest.raises(UsageError, match="80 characters at most"):
        versions.name(context, ada.id, "main", 1, "x" * 81)
    with pytest.raises(UnknownName, match="no version 9"):
        versions.name(context, ada.id, "main", 9, "x")


def test_nobody_reaches_the_versions_of_another_reader(
    context: Context, ada: Reader, now: datetime
) -> None:
    hers = interests.find(context, ada.id, "main").id
    with context.database.write() as session:
        bo = add_reader(session, now, "bo@readers.example")
    for act in (
        lambda: versions.history(context, bo, hers),
        lambda: versions.body_of(context, bo, hers, 1),
        lambda: versions.name(context, bo, hers, 1, "mine"),
        lambda: versions.restore(context, bo, hers, 1, expected=1),
        lambda: versions.undo(context, bo, hers, expected=1),
    ):
        with pytest.raises(UnknownName):
            act()
    interests.remove(context, ada.id, "main")
    with pytest.raises(UnknownName):
        versions.bring_back(context, bo, hers)


# --- going back ----------------------------------------------------------------------------------
def test_going_back_is_a_save_and_nothing_between_is_lost(context: Context, ada: Reader) -> None:
    save(context, ada, "main", 1, terms=["two"], share=2)
    save(context, ada, "main", 2, terms=["three"])
    assert versions.restore(context, ada.id, "main", 2, expected=3) == 4
    assert body(context, ada) == {"terms": ["two"], "share": 2}
    assert [one.number for one in versions.history(context, ada.id, "main")] == [4, 3, 2, 1]
    assert versions.body_of(context, ada.id, "main", 3) == {"terms": ["three"]}
    with context.database.read() as session:
        row = session.exec(select(models.Profile)).one()
        assert (row.share, row.fresh) == (2, True)


def test_who_goes_back_without_seeing_the_last_save_is_told(context: Context, ada: Reader) -> None:
    save(context, ada, "main", 1, terms=["two"])
    save(context, ada, "main", 2, terms=["from the phone"])
    for act in (versions.undo, lambda *a, **k: versions.restore(*a, 1, **k)):
        with pytest.raises(Conflict, match="not at version 2 any more"):
            act(context, ada.id, "main", expected=2)
    assert body(context, ada) == {"terms": ["from the phone"]}


def test_what_cannot_be_gone_back_to_is_refused(context: Context, ada: Reader) -> None:
    with pytest.raises(UsageError, match="in force already"):
        versions.restore(context, ada.id, "main", 1, expected=1)
    with pytest.raises(UnknownName, match="no version 2"):
        versions.restore(context, ada.id, "main", 2, expected=1)
    with pytest.raises(UsageError, match="nothing to undo"):
        versions.undo(context, ada.id, "main", expected=1)


def test_undo_goes_back_and_forth_and_steps_over_saves_that_changed_nothing(
    context: Context, ada: Reader
) -> None:
    save(context, ada, "main", 1, terms=["two"])
    save(context, ada, "main", 2, terms=["two"])
    first = versions.body_of(context, ada.id, "main", 1)
    assert versions.undo(context, ada.id, "main", expected=3) == 4
    assert body(context, ada) == first
    assert versions.undo(context, ada.id, "main", expected=4) == 5
    assert body(context, ada) == {"terms": ["two"]}


def test_a_name_is_no_part_of_a_version(context: Context, ada: Reader) -> None:
    save(context, ada, "main", 1, name="Waves", terms=["two"])
    versions.undo(context, ada.id, "Waves", expected=2)
    assert [one.name for one in interests.list_profiles(context, ada.id)] == ["Waves"]


# --- removing ------------------------------------------------------------------------------------
def test_a_removed_profile_comes_back_as_it_was(
    context: Context, ada: Reader, now: datetime
) -> None:
    save(context, ada, "main", 1, terms=["two"], share=3)
    before = interests.find(context, ada.id, "main")
    interests.remove(context, ada.id, "main")
    (gone,) = versions.removed(context, ada.id)
    assert (gone.id, gone.name, gone.until) == (before.id, "main", now + timedelta(days=30))
    with context.database.write() as session:
        model = select(models.Profile)
        assert [row.state for row in session.exec(model)] == ["removed"]
        session.exec(model).one().fresh = False
    assert versions.bring_back(context, ada.id, "main") == "main"
    after = interests.find(context, ada.id, "main")
    assert (after.id, after.version, after.body) == (before.id, 3, before.body)
    assert versions.removed(context, ada.id) == []
    assert [one.label for one in versions.history(context, ada.id, "main")] == ["", "", ""]
    with pytest.raises(Conflict):
        save(context, ada, "main", before.version, terms=["a tab from before"])
    with context.database.read() as session:
        assert session.exec(select(models.Profile)).one().fresh
    with pytest.raises(UnknownName, match="no removed profile"):
        versions.bring_back(context, ada.id, "main")


def test_where_its_name_was_taken_a_profile_comes_back_under_another(
    context: Context, ada: Reader
) -> None:
    long = "x" * 80
    for name in ("main", long):
        key = save(context, ada, name, None, terms=["a"]) if name == long else 1
        interests.remove(context, ada.id, name, expected=key)
        save(context, ada, name, None, terms=["b"])
    assert versions.bring_back(context, ada.id, "main") == "main (2)"
    called = versions.bring_back(context, ada.id, long)
    assert called.endswith("… (2)")
    assert len(called) <= interests.NAME_MOST
    interests.remove(context, ada.id, "main (2)")
    interests.remove(context, ada.id, "main")
    assert {one.name for one in versions.removed(context, ada.id)} == {"main", "main (2)"}


def test_the_most_profiles_there_can_be_are_not_exceeded_by_coming_back(
    context: Context, ada: Reader
) -> None:
    interests.remove(context, ada.id, "main")
    for number in range(interests.PROFILES_MOST):
        save(context, ada, f"number {number}", None, terms=["x"])
    with pytest.raises(UsageError, match="the most there can be"):
        versions.bring_back(context, ada.id, "main")
    interests.remove(context, ada.id, "number 3")
    assert versions.bring_back(context, ada.id, "main") == "main"


def test_after_thirty_days_it_is_gone_for_good(context: Context, ada: Reader, clock: Any) -> None:
    save(context, ada, "other", None, terms=["x"])
    interests.remove(context, ada.id, "main")
    clock.moment += timedelta(days=29)
    tick(context, clock.moment, plans=False)
    assert len(versions.removed(context, ada.id)) == 1
    clock.moment += timedelta(days=1)
    assert versions.removed(context, ada.id) == []
    with pytest.raises(UnknownName):
        versions.bring_back(context, ada.id, "main")
    tick(context, clock.moment, plans=False)
    with context.database.read() as session:
        assert [row.name for row in session.exec(select(models.Profile))] == ["other"]
        assert len(session.exec(select(models.ProfileVersion)).all()) == 1


def test_who_removes_without_end_fills_no_disk(context: Context, ada: Reader, clock: Any) -> None:
    for number in range(25):
        clock.moment += timedelta(minutes=1)
        save(context, ada, f"number {number}", None, terms=["x"])
        interests.remove(context, ada.id, f"number {number}")
    kept = versions.removed(context, ada.id)
    assert [one.name for one in kept] == [f"number {number}" for number in range(24, 4, -1)]
    with context.database.read() as session:
        assert len(session.exec(select(models.Profile)).all()) == store.REMOVED_MOST + 1


def test_its_shadow_and_its_scores_go_with_a_removed_profile(context: Context, ada: Reader) -> None:
    with context.database.write() as session:
        main = session.exec(select(models.Profile)).one().id
        shadow = models.Profile(reader_id=ada.id, name="\tshadow", state="shadow", shadows=main)
        session.add(shadow)
    interests.remove(context, ada.id, "main")
    with context.database.read() as session:
        assert [row.id for row in session.exec(select(models.Profile))] == [main]


def test_what_a_removed_profile_learned_teaches_the_first_one_until_it_is_back(
    context: Context, ada: Reader, now: datetime
) -> None:
    save(context, ada, "sea", None, terms=["tidal energy"])
    with context.database.write() as session:
        bring(session, page(*(entry(n) for n in range(1, 6))), now)
        sea = session.exec(select(models.Profile).where(models.Profile.name == "sea")).one()
        planned: dict[str, Any] = {"state": "rendered", "due_at": now, "planned_at": now}
        digest = models.Digest(reader_id=ada.id, day=now.date(), **planned)
        session.add(digest)
        session.flush()
        pick: dict[str, Any] = {"digest_id": digest.id, "reader_id": ada.id, "profile_id": sea.id}
        rated: dict[str, Any] = {"value": 0.5, "raw": 0, "reasons": []}
        session.add_all(models.Pick(entry_id=n, place=n, **pick, **rated) for n in (2, 3))
    teaching.give(context, ada.id, 2, Want.MORE)
    assert learned(context, ada) == {"main": [], "sea": ["entry:2"]}
    interests.remove(context, ada.id, "sea")
    assert learned(context, ada) == {"main": ["entry:2"]}
    assert [lesson.profile_name for lesson in teaching.lessons(context, ada.id)] == ["main"]
    teaching.give(context, ada.id, 3, Want.MORE)
    exported = moving.export(context, ada.id)
    assert [one["name"] for one in exported["profiles"]] == ["main"]
    assert [one["profile"] for one in exported["feedback"]] == ["", ""]
    versions.bring_back(context, ada.id, "sea")
    assert learned(context, ada) == {"main": ["entry:3"], "sea": ["entry:2"]}, (
        "what each was taught"
    )


def learned(context: Context, reader: Reader) -> dict[str, list[str]]:
    """What each profile learned from, by its name."""
    with context.database.read() as session:
        return {
            one.profile.name: [example.id for example in one.profile.examples]
            for one in profiles.of_reader(session, reader.id)
        }


def test_one_profile_alone_may_forget_what_it_learned(
    context: Context, ada: Reader, now: datetime
) -> None:
    save(context, ada, "sea", None, terms=["tidal energy"])
    with context.database.write() as session:
        bring(session, page(*(entry(n) for n in range(1, 6))), now)
    for number in (1, 2, 3):
        teaching.give(context, ada.id, number, Want.MORE)
    main, sea = interests.list_profiles(context, ada.id)
    with context.database.write() as session:
        for row in session.exec(select(models.Feedback).order_by(col(models.Feedback.entry_id))):
            row.profile_id = {1: None, 2: main.id, 3: sea.id}[row.entry_id]
    assert teaching.forget(context, ada.id, profile_id=sea.id) == 1
    assert learned(context, ada) == {"main": ["entry:1", "entry:2"], "sea": []}
    teaching.give(context, ada.id, 3, Want.SAVE)
    with context.database.write() as session:
        session.exec(
            select(models.Feedback).where(models.Feedback.entry_id == 3)
        ).one().profile_id = sea.id
    interests.remove(context, ada.id, "sea")
    assert teaching.forget(context, ada.id, profile_id=main.id) == 3
    assert learned(context, ada) == {"main": []}


# --- taking along --------------------------------------------------------------------------------
def test_versions_keep_their_names_when_they_are_taken_along(
    context: Context, ada: Reader, now: datetime
) -> None:
    save(context, ada, "main", 1, terms=["two"])
    versions.name(context, ada.id, "main", 1, "before the grant")
    document = moving.export(context, ada.id)
    with context.database.write() as session:
        bo = add_reader(session, now, "bo@readers.example")
    interests.remove(context, bo, "main")
    moving.bring_back(context, bo, document)
    assert [one.label for one in versions.history(context, bo, "main")] == ["", "before the grant"]
    document["profiles"][0]["versions"][0]["label"] = "x" * 81
    with pytest.raises(UsageError, match="label must be a text of 0 to 80"):
        moving.bring_back(context, bo, document)
