"""What a reader's program does by the API: settings, profiles, digests, feedback, data, and leaving."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from programs import (
    ROUND_AT,
    TODAY,
    after_a_round,
    key_of,
    next_page,
    opened,
    problem,
    program,
)
from sqlmodel import select

from tasks import models
from tasks.desk import interests, leaving
from tasks.desk.collecting import Collected
from tasks.records import Example
from tasks.round.context import Context
from tasks.store import profiles, readers
from workers.web.api.__main__ import document


@pytest.fixture(scope="module")
def round_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return after_a_round(migrated_file, tmp_path_factory.mktemp("round"))


@pytest.fixture(scope="module")
def looking(round_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Ada's program, for tests that change nothing."""
    home = tmp_path_factory.mktemp("looking")
    file = Path(shutil.copy(round_file, home / "paperround.db"))
    with opened(file, home, lambda: ROUND_AT) as made, program(made, 1) as ada:
        yield ada


@pytest.fixture
def context(round_file: Path, tmp_path: Path, clock: Any) -> Iterator[Context]:
    file = Path(shutil.copy(round_file, tmp_path / "paperround.db"))
    with opened(file, tmp_path / "home", clock) as made:
        yield made


@pytest.fixture
def stranger(context: Context) -> Iterator[TestClient]:
    """A program without a key."""
    with program(context) as made:
        yield made


@pytest.fixture
def ada(context: Context) -> Iterator[TestClient]:
    """A program with Ada's key."""
    with program(context, 1) as made:
        yield made


def tag(ada: TestClient, path: str = "/me") -> dict[str, str]:
    return {"If-Match": ada.get(path).headers["ETag"]}


# --- you -----------------------------------------------------------------------------------------
def test_preferences_are_changed_by_who_saw_them(ada: TestClient) -> None:
    seen = tag(ada)
    changed = ada.patch("/me", json={"hour": 6, "days": [5, 1], "language": "de"}, headers=seen)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["hour"], changed.json()["days"]) == (6, [1, 5])
    assert ada.get("/me").json() == changed.json()
    assert tag(ada)["If-Match"] == changed.headers["ETag"] != seen["If-Match"]
    problem(ada.patch("/me", json={"hour": 8}, headers=seen), 412)
    problem(ada.patch("/me", json={"hour": 8}), 428)
    assert ada.get("/me").json()["hour"] == 6


@pytest.mark.parametrize(
    "body",
    [
        {"hour": 24},
        {"hour": "7"},
        {"hour": None},
        {"days": []},
        {"days": [0]},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"language": "tlh"},
        {"about": 51},
        {"length": "endless"},
        {"explore": "yes"},
        {"email": "other@readers.example"},
        {"state": "active"},
        [],
        "hour",
    ],
)
def test_a_preference_that_cannot_be_is_refused(looking: TestClient, body: object) -> None:
    problem(looking.patch("/me", json=body, headers={"If-Match": "*"}), 422)


def test_what_is_known_already_is_not_sent_again(looking: TestClient) -> None:
    known = tag(looking)["If-Match"]
    for said in (known, f"W/{known}", f'"other", {known}', "*"):
        answer = looking.get("/me", headers={"If-None-Match": said})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == known
    for said in ('"other"', known.strip('"'), ""):
        assert looking.get("/me", headers={"If-None-Match": said}).status_code == 200


def test_a_pause_has_an_end_and_may_be_ended(context: Context, ada: TestClient) -> None:
    paused = ada.post("/me/pause", json={"until": "2026-12-01"}).json()
    assert (paused["state"], paused["back_on"]) == ("paused", "2026-12-01")
    problem(ada.post("/me/pause", json={"until": "2026-11-01"}), 422)
    problem(ada.post("/me/pause", json={"until": 1700000000}), 422)
    assert ada.post("/me/pause", json={}).json()["back_on"] is None
    assert ada.post("/me/resume").json()["state"] == "active"


def test_who_left_may_look_and_come_back(context: Context, ada: TestClient) -> None:
    with context.database.read() as session:
        token = readers.get(session, 1).token
    leaving.leave(context, token)
    assert ada.get("/me").json()["state"] == "unsubscribed"
    problem(ada.post("/me/pause", json={}), 422)
    assert ada.post("/me/resume").json()["state"] == "active"


def test_data_goes_out_and_comes_back_to_another_account(context: Context, ada: TestClient) -> None:
    ada.put("/me/feedback/3/save")
    whole = ada.get("/me/export").json()
    assert whole["account"]["email"] == "ada@readers.example"
    ada.headers["Authorization"] = f"Bearer {key_of(context, 2)}"
    brought = ada.post("/me/import", json=whole)
    assert brought.status_code == 200, brought.text
    assert brought.json()["counts"]["feedback"] == 1
    assert brought.json()["unknown"] == []
    assert [one["paper"]["id"] for one in ada.get("/me/saved").json()["items"]] == [3]
    for bad in ({}, {"version": 2}, [], whole | {"profiles": {"a": 1}}):
        problem(ada.post("/me/import", json=bad), 422)


def test_deleting_asks_for_what_was_seen_and_leaves_nothing(
    context: Context, ada: TestClient
) -> None:
    problem(ada.delete("/me"), 428)
    problem(ada.delete("/me", headers={"If-Match": "*"}), 428)
    problem(ada.delete("/me", headers={"If-Match": '"other"'}), 412)
    answer = ada.delete("/me?suppress=true", headers=tag(ada))
    assert "keyed hash" in answer.json()["kept"]
    problem(ada.get("/me"), 401)
    with context.database.read() as session:
        assert readers.seek(session, 1) is None


# --- profiles ------------------------------------------------------------------------------------
def test_a_profile_is_made_saved_over_renamed_and_removed(ada: TestClient) -> None:
    path, made = "/me/profiles/Graphs%2Ftrees", {"If-None-Match": "*"}
    problem(ada.get(path), 404)
    problem(ada.put(path, json={"terms": ["tree"]}), 428)
    problem(ada.put(path, json={"terms": ["tree"]}, headers={"If-Match": "*"}), 412)
    first = ada.put(path, json={"terms": ["tree"]}, headers=made)
    assert first.status_code == 201
    assert first.json()["name"] == "Graphs/trees"
    problem(ada.put(path, json={"terms": ["graph"]}, headers=made), 412)
    seen = {"If-Match": first.headers["ETag"]}
    second = ada.put(path, json=ada.get(path).json() | {"share": 2}, headers=seen)
    assert second.status_code == 200
    assert second.headers["ETag"] == ada.get(path).headers["ETag"]
    problem(ada.put(path, json={}, headers=seen), 412)
    problem(ada.delete(path, headers=seen), 412)
    renamed = ada.put(path, json=second.json() | {"name": "Trees"}, headers={"If-Match": "*"})
    assert renamed.json() == second.json() | {"name": "Trees"}
    rows = ada.get("/me/profiles").json()["items"]
    assert [(one["name"], one["version"]) for one in rows] == [("main", 1), ("Trees", 3)]
    assert rows[1]["etag"] == renamed.headers["ETag"]
    assert (
        ada.delete("/me/profiles/Trees", headers={"If-Match": rows[1]["etag"]}).status_code == 204
    )
    problem(ada.delete("/me/profiles/Trees"), 404)


def test_of_two_who_save_at_once_one_is_told(
    context: Context, ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tag(ada, "/me/profiles/main")
    whole = profiles.saved

    def meanwhile(session: Any, reader_id: int) -> Any:
        found = whole(session, reader_id)
        monkeypatch.setattr(profiles, "saved", whole)
        with context.database.write() as other:
            profiles.save(other, reader_id, "main", {"terms": ["theirs"]}, ROUND_AT)
        return found

    monkeypatch.setattr(profiles, "saved", meanwhile)
    problem(ada.put("/me/profiles/main", json={"terms": ["mine"]}, headers=seen), 412)
    assert ada.get("/me/profiles/main").json()["terms"] == ["theirs"]


def test_what_changed_is_not_deleted_by_who_saw_it_before(
    context: Context, ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tag(ada, "/me/profiles/main")
    remove = interests.remove

    def too_late(*said: Any, **expected: Any) -> None:
        with context.database.write() as other:
            profiles.save(other, 1, "main", {"terms": ["theirs"]}, ROUND_AT)
        remove(*said, **expected)

    monkeypatch.setattr(interests, "remove", too_late)
    problem(ada.delete("/me/profiles/main", headers=seen), 412)
    assert ada.get("/me/profiles/main").json()["terms"] == ["theirs"]


@pytest.mark.parametrize(
    "body",
    [
        {"terms": "tree"},
        {"terms": [1]},
        {"terms": ["x"] * 2001},
        {"term": ["x"]},
        {"share": 0},
        {"weights": {"tree": 11}},
        {"examples": [{"title": "x", "given": "soon"}]},
        {"examples": ["x"]},
        {"description": "x" * 20_001},
    ],
    ids=lambda body: repr(body)[:24],
)
def test_a_profile_that_cannot_be_is_refused(looking: TestClient, body: object) -> None:
    problem(looking.put("/me/profiles/main", json=body, headers={"If-Match": "*"}), 422)
    problem(looking.post("/me/preview", json=body), 422)


def test_a_librarys_papers_become_examples_once(ada: TestClient, quiet: None) -> None:
    text = "arXiv:2611.00003\n10.5555/unknown\nnothing at all"
    asked = {"text": text, "profile": "Mine"}
    first = ada.post("/me/papers", json=asked).json()
    assert (first["matched"], first["added"], first["version"]) == (1, 1, 1)
    assert first["unmatched"] == ["10.5555/unknown"]
    assert [one["label"] for one in first["refused"]] == ["nothing at all"]
    again = ada.post("/me/papers", json=asked).json()
    assert (again["matched"], again["added"], again["version"]) == (1, 0, 1)
    (example,) = ada.get("/me/profiles/Mine").json()["examples"]
    assert example["title"] == "Study 3 of graph kernels"


def test_of_two_who_add_papers_at_once_one_asks_again(
    context: Context, ada: TestClient, monkeypatch: pytest.MonkeyPatch, quiet: None
) -> None:
    save = interests.save

    def too_late(*said: Any, **expected: Any) -> int:
        with context.database.write() as other:
            profiles.save(other, 1, "main", {"terms": ["theirs"]}, ROUND_AT)
        return save(*said, **expected)

    monkeypatch.setattr(interests, "save", too_late)
    problem(ada.post("/me/papers", json={"text": "arXiv:2611.00003", "profile": "main"}), 409)


def test_more_examples_than_a_profile_holds_are_refused_whole(
    context: Context, ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tuple(Example(title=f"Paper {n}", id=str(n)) for n in range(2001))
    monkeypatch.setattr("workers.web.api.data.collect", lambda *_, **__: Collected(titled=many))
    asked = {"text": "many", "profile": "main"}
    assert "take out" in problem(ada.post("/me/papers", json=asked), 422)["detail"]
    assert ada.get("/me/profiles/main").json()["examples"] == []


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """arXiv is not asked."""
    monkeypatch.setattr("tasks.desk.collecting._ask_arxiv", lambda *_: ({}, []))


# --- digests -------------------------------------------------------------------------------------
def test_a_digest_is_shown_as_it_was_sent(looking: TestClient) -> None:
    (row,) = looking.get("/me/digests").json()["items"]
    assert (row["day"], row["papers"], row["state"]) == (TODAY, 2, "rendered")
    picks = looking.get(f"/me/digests/{TODAY}").json()["picks"]
    assert {pick["paper"]["title"] for pick in picks} == {
        "Study 0 of sparse attention",
        "Study 5 of sparse attention",
    }
    problem(looking.get("/me/digests/2026-11-19"), 404)


def test_digests_come_in_pages_the_newest_first(context: Context, ada: TestClient) -> None:
    with context.database.write() as session:
        row = session.exec(select(models.Digest).where(models.Digest.reader_id == 1)).one()
        for back in (1, 2):
            copy = row.model_dump(exclude={"id"}) | {"day": row.day - timedelta(days=back)}
            session.add(models.Digest(**copy | {"state": "empty", "reason": "nothing new"}))
    first = ada.get("/me/digests?limit=2")
    rest = ada.get(next_page(first)).json()
    days = [one["day"] for one in first.json()["items"] + rest["items"]]
    assert days == ["2026-11-20", "2026-11-19", "2026-11-18"]
    assert rest["items"][0]["reason"] == "nothing new"


def test_the_next_digest_is_foretold(looking: TestClient) -> None:
    found = looking.get("/me/outlook").json()
    assert (found["picks"], found["considered"]) == ([], 0)
    assert found["reason"]


# --- feedback ------------------------------------------------------------------------------------
def test_feedback_is_given_once_and_taken_back_once(ada: TestClient) -> None:
    for new in (True, False):
        assert ada.put("/me/feedback/1/more").json() == {"paper": 1, "want": "more", "new": new}
    ada.put("/me/feedback/2/save")
    assert answers(ada, "/me/feedback") == [(2, "save"), (1, "more")]
    assert answers(ada, "/me/feedback?want=more") == [(1, "more")]
    for _ in range(2):
        assert ada.delete("/me/feedback/1/more").status_code == 204
    assert answers(ada, "/me/feedback") == [(2, "save")]
    problem(ada.put("/me/feedback/1/much"), 422)
    problem(ada.put("/me/feedback/4711/more"), 404)


def answers(ada: TestClient, path: str) -> list[tuple[int, str]]:
    return [(one["paper"]["id"], one["want"]) for one in ada.get(path).json()["items"]]


def test_answers_come_in_pages_that_nothing_shifts(ada: TestClient) -> None:
    for paper in range(1, 6):
        ada.put(f"/me/feedback/{paper}/save")
    first = ada.get("/me/saved?limit=2")
    assert answers(ada, "/me/saved?limit=2") == [(5, "save"), (4, "save")]
    ada.delete("/me/feedback/4/save")
    assert answers(ada, next_page(first)) == [(3, "save"), (2, "save")]


def test_saved_papers_come_as_other_programs_want_them(ada: TestClient) -> None:
    ada.put("/me/feedback/3/save")
    bibtex = ada.get("/me/saved?format=bibtex")
    assert bibtex.headers["Content-Type"].startswith("application/x-bibtex")
    assert "Study 2 of tidal energy" in bibtex.text
    ris = ada.get("/me/saved?format=ris")
    assert ris.headers["Content-Type"].startswith("application/x-research-info-systems")
    assert ris.text.startswith("TY  - ")


def test_an_answers_effect_is_told_before_it_is_given(looking: TestClient) -> None:
    found = looking.get("/me/effect?paper=3&want=more").json()
    assert found["paper"]["id"] == 3
    assert answers(looking, "/me/feedback") == []
    problem(looking.get("/me/effect?paper=4711&want=more"), 404)


def test_what_was_learned_is_told_and_forgotten(ada: TestClient) -> None:
    ada.put("/me/feedback/3/more")
    ada.put("/me/feedback/4/save")
    (lesson,) = ada.get("/me/learned").json()["items"]
    assert lesson["profile_name"] == "main"
    assert {one["paper"]["id"] for one in lesson["papers"]} == {3, 4}
    assert ada.delete("/me/learned/3").json() == {"forgotten": 1}
    assert ada.delete("/me/learned").json() == {"forgotten": 1}
    assert ada.get("/me/learned").json() == {"items": []}
    assert answers(ada, "/me/saved") == [(4, "save")]


# --- looking changes nothing ---------------------------------------------------------------------
def test_no_get_changes_a_row(context: Context, ada: TestClient) -> None:
    ada.put("/me/feedback/3/save")
    before = dump(context)
    fill = {"name": "main", "day": TODAY, "paper": 3, "want": "more", "key": 1, "version": 1}
    for path, methods in json.loads(document())["paths"].items():
        if "get" in methods and not path.startswith("/admin/"):  # these are another key's
            asked = {"q": "x", "paper": 3, "want": "more", "profile": "main"}
            for method in ("GET", "HEAD"):
                answer = ada.request(method, path.format(**fill), params=asked)
                assert answer.status_code == 200, (path, answer.text)
    assert dump(context) == before


def dump(context: Context) -> list[str]:
    with context.database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        return list(raw.iterdump())
