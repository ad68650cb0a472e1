"""Tuning by programs: what an edit does, what is wrong or missing, why a paper came, and trials."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from papers import SUBJECTS, add_reader, bring, entry, page
from programs import ROUND_AT, opened, problem, program

from tasks.desk import interests, teaching
from tasks.records import Want
from tasks.round.context import Context
from templates import words_for
from workers.web import turns
from workers.web.api.tuning_shapes import Preview

DAY = timedelta(days=1)
OF_MAIN = {"profile": "main"}
TIDES = {"terms": ["tidal energy"]}


@pytest.fixture(scope="module")
def lived_in(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten days of papers, and Ada with a profile and an answer; Bo speaks German."""
    home = tmp_path_factory.mktemp("home")
    file = Path(shutil.copy(migrated_file, home / "paperround.db"))
    with opened(file, home, lambda: ROUND_AT) as made:
        with made.database.write() as session:
            for name in ("ada", "bo"):
                language = {"bo": "de"}.get(name, "en")
                at = ROUND_AT - 12 * DAY
                add_reader(session, at, f"{name}@readers.example", language=language)
            for back in range(9, -1, -1):
                first = (9 - back) * 20
                some = [
                    entry(
                        n,
                        title=f"{SUBJECTS[n % 5].capitalize()} number{n} by thing{n * 7}",
                        abstract=f"We study {SUBJECTS[n % 5]} with part{n}.",
                    )
                    for n in range(first, first + 20)
                ]
                at = (ROUND_AT - back * DAY).replace(hour=3, tzinfo=UTC)
                bring(session, page(*some), at, body=f"page {back}".encode())
        teaching.give(made, 1, 6, Want.MORE)
    return file


@pytest.fixture
def context(lived_in: Path, tmp_path: Path) -> Iterator[Context]:
    file = Path(shutil.copy(lived_in, tmp_path / "paperround.db"))
    with opened(file, tmp_path / "home", lambda: ROUND_AT) as made:
        yield made


@pytest.fixture
def ada(context: Context) -> Iterator[TestClient]:
    with program(context, 1) as made:
        yield made


# --- preview -------------------------------------------------------------------------------------
def test_a_preview_shows_what_comes_and_goes_and_keeps_nothing(ada: TestClient) -> None:
    before = ada.get("/me/profiles").json()
    found = ada.post("/me/preview", params=OF_MAIN, json=TIDES).json()
    assert "come in" in found["verdict"]
    assert len(found["after"]["turns"]) == found["span"] == 7
    assert found["comes"] >= len(found["entering"]) > 0
    assert found["goes"] >= len(found["leaving"]) > 0
    assert any("Tidal energy" in pick["paper"]["title"] for pick in found["picks"])
    for pick in found["picks"]:
        raw = sum(reason["value"] for reason in pick["score"]["reasons"])
        assert raw == pytest.approx(pick["score"]["raw"])
    assert ada.get("/me/profiles").json() == before


def test_a_preview_looks_back_as_far_as_is_asked_for(ada: TestClient) -> None:
    found = ada.post("/me/preview", params=OF_MAIN | {"span": 30}, json=TIDES).json()
    assert found["span"] == 30
    assert len(found["after"]["turns"]) > 7
    assert found["before"]["recall"]["cases"] == 1
    assert found["before"]["liked"] == [6]
    assert [paper["id"] for paper in found["lost"]] in ([6], [])
    problem(ada.post("/me/preview", params={"span": 8}, json=TIDES), 422)
    problem(ada.post("/me/preview", params={"profile": "none"}, json=TIDES), 404)
    problem(ada.post("/me/preview", json={"terms": ["x" * 201]}), 422)


def test_who_has_no_profile_has_nothing_to_compare_with(context: Context, ada: TestClient) -> None:
    interests.remove(context, 1, "main")
    found = ada.post("/me/preview", json=TIDES).json()
    assert found["before"] is None
    assert found["leaving"] == []
    assert "would have come" in found["verdict"]


def test_sentences_are_in_the_readers_language(context: Context) -> None:
    with program(context, 2) as bo:
        change = {"terms": ["sparse attention", "—"]}
        (found,) = bo.post("/me/lint", params=OF_MAIN, json=change).json()["remarks"]
        (mend,) = found["mends"]
    german = words_for("de")
    assert mend["says"] == german.gettext("Remove “%(text)s”", text="—")


# --- advice --------------------------------------------------------------------------------------
def test_faults_are_told_with_whole_profiles_that_mend_them(ada: TestClient) -> None:
    wrong = {"terms": ["sparse attention", "—"]}
    (found,) = ada.post("/me/lint", params=OF_MAIN, json=wrong).json()["remarks"]
    assert (found["kind"], found["part"], found["item"]) == ("wordless", "terms", "—")
    (mend,) = found["mends"]
    assert mend["body"]["terms"] == ["sparse attention"]
    assert mend["effect"] is None
    tried = ada.post("/me/lint", params=OF_MAIN | {"effects": 3}, json=wrong).json()
    assert "No change" in tried["remarks"][0]["mends"][0]["effect"]
    assert ada.post("/me/lint", params=OF_MAIN, json=mend["body"]).json() == {"remarks": []}


def test_a_mend_may_remove_a_profile(context: Context, ada: TestClient) -> None:
    interests.save(context, 1, "twin", {"terms": ["sparse attention"]}, expected=None)
    answer = ada.post(
        "/me/lint", params={"profile": "twin"}, json={"terms": ["sparse attention"]}
    ).json()
    mends = [mend for one in answer["remarks"] for mend in one["mends"]]
    assert ("twin", None) in [(mend["removes"], mend["body"]) for mend in mends]


def test_suggestions_tell_what_they_would_change(ada: TestClient) -> None:
    found = ada.post("/me/suggest", json={"terms": ["energy"]}).json()
    ideas = [*found["terms"], *found["authors"], *found["papers"]]
    assert found["source"] in ("liked", "picked")
    for idea in ideas:
        assert idea["says"]
        assert idea["comes"] + idea["goes"] > 0
        assert "energy" in idea["body"]["terms"]
    for one in found["questions"]:
        assert one["says"]
        assert one["paper"]["id"]


# --- why -----------------------------------------------------------------------------------------
def test_why_tells_what_became_of_a_paper(ada: TestClient) -> None:
    found = ada.get("/me/why", params={"paper": "198"}).json()
    assert found["papers"] == []
    story = found["story"]
    assert story["paper"]["id"] == 198
    assert story["verdict"]
    assert story["sights"][0]["source"] == "daily"
    assert story["profiles"][0]["profile"] == "main"
    by_arxiv = ada.get("/me/why", params={"paper": story["paper"]["arxiv_id"]}).json()
    assert by_arxiv["story"] == story


def test_why_lets_choose_where_a_title_names_several(ada: TestClient) -> None:
    found = ada.get("/me/why", params={"paper": "tidal energy"}).json()
    assert found["story"] is None
    assert len(found["papers"]) > 1
    assert "Tidal" in found["papers"][0]["title"]
    problem(ada.get("/me/why", params={"paper": "nothing at all like it"}), 404)
    problem(ada.get("/me/why"), 422)


# --- one at a time -------------------------------------------------------------------------------
def test_who_would_wait_too_long_is_told_when_to_ask_again(
    ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.01)
    asked: list[Any] = [
        lambda: ada.post("/me/preview", json=TIDES),
        lambda: ada.post("/me/lint", json=TIDES),
        lambda: ada.post("/me/suggest", json=TIDES),
        lambda: ada.get("/me/why", params={"paper": "1"}),
    ]
    with turns.LOOKING_BACK.of(1):
        for ask in asked:
            answer = ask()
            assert "ask again" in problem(answer, 429)["detail"]
            assert int(answer.headers["Retry-After"]) >= 1
    problem(ada.post("/me/preview", json={"terms": ["x" * 201]}), 422)
    assert ada.post("/me/preview", json=TIDES).status_code == 200, "an error opens the gate again"


# --- trials --------------------------------------------------------------------------------------
def test_a_trial_is_started_looked_at_and_promoted(context: Context, ada: TestClient) -> None:
    assert ada.get("/me/trial").json() == {"trial": None}
    made = ada.post("/me/trial", params=OF_MAIN, json=TIDES)
    assert made.status_code == 201
    found = ada.get("/me/trial").json()["trial"]
    assert found == made.json()
    assert (found["profile"], found["verdict"], found["digests"]) == ("main", "not yet", 0)
    assert found["body"]["terms"] == ["tidal energy"]
    assert found["says"]
    problem(ada.post("/me/trial", params=OF_MAIN, json=TIDES), 409)
    answer = ada.post("/me/trial/promote", params={"started": found["started"]})
    assert answer.json()["terms"] == ["tidal energy"]
    assert answer.headers["ETag"] == ada.get("/me/profiles/main").headers["ETag"]
    assert ada.get("/me/trial").json() == {"trial": None}
    assert interests.find(context, 1, "main").version == 2


def test_a_trial_is_dropped_by_who_saw_it(ada: TestClient) -> None:
    problem(ada.post("/me/trial", params={"profile": "none"}, json=TIDES), 404)
    problem(ada.post("/me/trial", params=OF_MAIN, json={"terms": ["sparse attention"]}), 422)
    ada.post("/me/trial", params=OF_MAIN, json=TIDES)
    other = {"started": "2026-01-01T00:00:00Z"}
    problem(ada.delete("/me/trial", params=other), 409)
    problem(ada.post("/me/trial/promote", params=other), 409)
    assert ada.delete("/me/trial").status_code == 204
    problem(ada.delete("/me/trial"), 404)
    problem(ada.post("/me/trial/promote"), 404)


def test_another_readers_trial_is_not_there(context: Context, ada: TestClient) -> None:
    ada.post("/me/trial", params=OF_MAIN, json=TIDES)
    with program(context, 2) as bo:
        assert bo.get("/me/trial").json() == {"trial": None}
        problem(bo.delete("/me/trial"), 404)


def test_every_shape_can_be_written_as_json(ada: TestClient) -> None:
    found = ada.post("/me/preview", params=OF_MAIN, json=TIDES).json()
    assert Preview.model_validate_json(json.dumps(found)).model_dump(mode="json") == found
