"""The pages of a profile's versions: looking, comparing, naming, going back, and bringing back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from browsing import signed_in
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import add_reader, bring, entry, page

from tasks.desk import interests, teaching, versions
from tasks.desk.visiting import TUNE
from tasks.records import Want
from tasks.round.context import Context
from tasks.store.database import Database

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
LIST = "/my/profiles/1/versions"


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """The pages know no database: one kind will do."""
    opened = Database(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def saved(context: Context, now: datetime) -> Context:
    """Two readers in Rome, twenty papers, and three versions of the first one's profile."""
    with context.database.write() as session:
        for name in ("ada", "bo"):
            add_reader(session, now, f"{name}@readers.example", timezone="Europe/Rome")
        bring(session, page(*(entry(n) for n in range(1, 21))), now - timedelta(hours=1))
    save(context, 1, terms=["sparse attention", "protein folding"], weights={"protein folding": 2})
    save(context, 2, terms=["protein folding"], description="How they fold.", share=2)
    return context


@pytest.fixture
def ada(saved: Context) -> Iterator[TestClient]:
    with signed_in(saved, 1) as browser:
        yield browser


def save(context: Context, expected: int, **body: Any) -> int:
    return interests.save(context, 1, "main", body, expected=expected)


def in_force(context: Context) -> tuple[int, Any]:
    found = interests.find(context, 1, 1)
    return found.version, found.body.get("terms")


def words(answer: Response) -> str:
    """What a person reads of it."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


# --- the list ------------------------------------------------------------------------------------
def test_each_save_is_listed_with_what_it_changed(ada: TestClient) -> None:
    answer = ada.get(LIST)
    told = words(answer)
    assert told.index("Version 3 in force") < told.index("Version 2") < told.index("Version 1")
    assert "Friday 20 November 2026, 10:30" in told, "on the reader's own clock"
    assert "Terms: removed “sparse attention”" in told
    assert "Weights: “protein folding” from 2 to 1" in told
    assert "Share: from 1 to 2" in told
    assert "Description: added" in told
    assert "The first version." in told
    assert told.count("Go back to this one") == 2
    assert 'href="/my/profiles/1/versions/2/3"' in answer.text


def test_a_long_history_has_pages_and_small_ones(saved: Context, ada: TestClient) -> None:
    for number in range(3, 50):
        save(saved, number, terms=[f"{'long ' * 30}{n}-{number}" for n in range(50)])
    answer = ada.get(LIST)
    assert len(answer.content) < 60_000
    assert "Version 50 " in words(answer)
    assert "Version 40 " not in words(answer)
    older = ada.get(f"{LIST}?before=31")
    assert "Version 30 " in words(older)
    assert "The newest versions" in words(older)
    assert "Undo the last change" not in words(older)
    assert "Older versions" not in words(ada.get(f"{LIST}?before=5"))


def test_a_single_version_has_nothing_to_undo_nor_to_compare(saved: Context) -> None:
    with signed_in(saved, 2) as bo:
        told = words(bo.get("/my/profiles/2/versions"))
    assert "Undo the last change" not in told
    assert "Compare any two" not in told


def test_any_two_can_be_asked_for(ada: TestClient) -> None:
    answer = ada.get(f"{LIST}?a=1&b=3")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{LIST}/1/3")
    assert ada.get(f"{LIST}?a=1&b=x").status_code == 400


def test_nobody_reaches_the_versions_of_another(saved: Context) -> None:
    with signed_in(saved, 2) as bo:
        assert bo.get(LIST).status_code == bo.get(f"{LIST}/1/2").status_code == 404
        for path in ("undo", "1/restore", "1/name"):
            assert bo.post(f"{LIST}/{path}", data={"version": "3"}).status_code == 404
        assert bo.get("/my/learned/forget?profile=1").status_code == 404
        assert bo.post("/my/profiles/1/bring-back").status_code == 404
    assert in_force(saved) == (3, ["protein folding"])


def test_what_is_not_there_is_not_found(ada: TestClient) -> None:
    for path in ("/my/profiles/new/versions", "/my/profiles/x/versions", f"{LIST}/1/4"):
        assert ada.get(path).status_code == 404, path
    assert ada.post(f"{LIST}/9/restore", data={"version": "3"}).status_code == 404
    assert ada.post("/my/profiles/x/bring-back").status_code == 404


# --- doing ---------------------------------------------------------------------------------------
def test_going_back_saves_the_old_version_once_more(saved: Context, ada: TestClient) -> None:
    answer = ada.post(f"{LIST}/1/restore", data={"version": "3"})
    assert answer.headers["location"] == f"{LIST}?said=restored"
    assert in_force(saved) == (4, ["sparse attention"])
    assert "saved as the newest version" in words(ada.get(answer.headers["location"]))


def test_the_last_change_is_undone_and_that_too(saved: Context, ada: TestClient) -> None:
    answer = ada.post(f"{LIST}/undo", data={"version": "3"})
    assert answer.headers["location"] == f"{LIST}?said=undone"
    assert in_force(saved) == (4, ["sparse attention", "protein folding"])
    ada.post(f"{LIST}/undo", data={"version": "4"})
    assert in_force(saved) == (5, ["protein folding"])


def test_who_did_not_see_the_last_save_is_told_and_nothing_is_changed(
    saved: Context, ada: TestClient
) -> None:
    for path in ("undo", "1/restore"):
        answer = ada.post(f"{LIST}/{path}", data={"version": "2"})
        assert answer.status_code == 409
        assert "Nothing was changed now: this is how it stands." in words(answer)
        assert 'name="version" value="3"' in answer.text
    assert in_force(saved) == (3, ["protein folding"])


def test_what_cannot_be_gone_back_to_is_said_in_the_readers_language(ada: TestClient) -> None:
    answer = ada.post(f"{LIST}/3/restore", data={"version": "3"})
    assert answer.status_code == 422
    assert "This version is in force already." in words(answer)
    assert ada.post(f"{LIST}/1/restore").status_code == 400
    assert ada.post(f"{LIST}/1/restore", data={"version": "x"}).status_code == 400


def test_a_version_is_named_and_whatever_the_name_is_it_is_text(
    saved: Context, ada: TestClient
) -> None:
    answer = ada.post(f"{LIST}/1/name", data={"label": HOSTILE})
    assert answer.headers["location"] == f"{LIST}?said=named"
    shown = ada.get(LIST)
    assert HOSTILE not in shown.text
    assert HOSTILE in unescape(shown.text)
    wrong = ada.post(f"{LIST}/1/name", data={"label": "x" * 81})
    assert wrong.status_code == 422
    assert "80 characters at most" in words(wrong)
    ada.post(f"{LIST}/1/name", data={"label": " "})
    assert versions.history(saved, 1, 1)[-1].label == ""


def test_who_came_by_a_digests_link_may_go_back_too(saved: Context) -> None:
    with signed_in(saved, 1, TUNE) as browser:
        assert browser.get(LIST).status_code == 200
        assert browser.post(f"{LIST}/undo", data={"version": "3"}).status_code == 303


def test_no_other_site_goes_back_for_a_reader(saved: Context, ada: TestClient) -> None:
    for path in (
        f"{LIST}/undo",
        f"{LIST}/1/restore",
        f"{LIST}/1/name",
        "/my/profiles/1/bring-back",
    ):
        answer = ada.post(path, data={"version": "3"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403, path
    assert in_force(saved) == (3, ["protein folding"])


# --- two of them ---------------------------------------------------------------------------------
def test_two_versions_stand_side_by_side_with_what_they_do(ada: TestClient) -> None:
    answer = ada.get(f"{LIST}/1/3")
    told = words(answer)
    assert "Terms sparse attention protein folding" in told
    assert "Share 1 2" in told
    assert "Description – How they fold." in told
    coming, _, going = told.partition(" + ")[2].partition(" − ")
    assert "of protein folding" in coming
    assert "of sparse attention" in going
    assert "Go back to version 1" in told
    assert "Go back to version 3" not in told
    there = ada.get(f"{LIST}/3/1?span=30")
    assert "Terms protein folding sparse attention" in words(there)
    assert "Weight of “protein folding” 1 2" in words(ada.get(f"{LIST}/1/2"))


def test_the_same_version_twice_is_the_same(ada: TestClient) -> None:
    told = words(ada.get(f"{LIST}/2/2"))
    assert "Both hold the same." in told
    assert "same papers come" in told
    assert "Go back to version" not in told


def test_two_whole_libraries_still_are_a_small_page(saved: Context, ada: TestClient) -> None:
    for number, letter in ((3, "a"), (4, "b")):
        papers = [{"title": f"{letter * 200}{n}", "abstract": letter * 900} for n in range(500)]
        terms = [f"{letter}{n} {HOSTILE}" for n in range(500)]
        save(saved, number, examples=papers, dislikes=papers, terms=terms, phrases=terms)
    answer = ada.get(f"{LIST}/4/5")
    assert len(answer.content) < 60_000
    assert "480 more" in words(answer)
    assert "<script>alert" not in answer.text


def test_a_version_that_no_profile_may_be_any_more_is_shown_all_the_same(
    saved: Context, ada: TestClient
) -> None:
    with saved.database.write() as session:
        session.connection().exec_driver_sql(
            'UPDATE profileversion SET body = \'{"colour": "red"}\' WHERE version = 2'
        )
    answer = ada.get(f"{LIST}/1/2")
    assert answer.status_code == 200
    assert "a profile has no colour" in words(answer)
    assert ada.post(f"{LIST}/2/restore", data={"version": "3"}).status_code == 422


# --- forgetting, and coming back -----------------------------------------------------------------
def test_one_profile_forgets_what_it_learned(saved: Context, ada: TestClient) -> None:
    interests.save(saved, 1, "Sea", {"terms": ["tidal energy"]}, expected=None)
    teaching.give(saved, 1, 2, Want.MORE)
    asked = ada.get("/my/learned/forget?profile=1")
    assert "Forget what “main” learned?" in words(asked)
    assert "What 1 answer taught this profile is forgotten" in words(asked)
    sea = interests.find(saved, 1, "Sea").id
    assert "What 0 answers taught this profile" in words(
        ada.get(f"/my/learned/forget?profile={sea}")
    )
    ada.post("/my/learned/forget", data={"profile": str(sea)})
    assert len(teaching.lessons(saved, 1)) == 1
    answer = ada.post("/my/learned/forget", data={"profile": "1"})
    assert answer.headers["location"] == "/my/learned?said=forgotten"
    assert teaching.lessons(saved, 1) == []
    assert in_force(saved) == (3, ["protein folding"])


def test_a_removed_profile_is_brought_back_from_the_list(saved: Context, ada: TestClient) -> None:
    ada.post("/my/profiles/1/remove")
    told = words(ada.get("/my/profiles?said=removed"))
    assert "main until 20 Dec 2026" in told
    assert ada.get(LIST).status_code == 404
    answer = ada.post("/my/profiles/1/bring-back")
    assert answer.headers["location"] == "/my/profiles?said=back"
    told = words(ada.get("/my/profiles?said=back"))
    assert "The profile is back." in told
    assert "Removed lately" not in told
    assert in_force(saved) == (4, ["protein folding"])
    assert ada.post("/my/profiles/1/bring-back").status_code == 404
