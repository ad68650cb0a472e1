"""The versions of profiles by programs: the API, and the commands of the terminal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from papers import add_reader, bring, entry, page
from programs import ROUND_AT, next_page, opened, problem, program

from tasks.desk import interests, teaching, versions
from tasks.records import Want
from tasks.round.context import Context
from tasks.settings import current
from workers.cli import main

OF_MAIN = {"profile": "main"}


@pytest.fixture
def context(migrated_file: Path, tmp_path: Path) -> Iterator[Context]:
    """Two readers; the first one's profile has three versions."""
    home = tmp_path / "home"
    home.mkdir()
    file = Path(shutil.copy(migrated_file, home / "paperround.db"))
    with opened(file, home, lambda: ROUND_AT) as made:
        with made.database.write() as session:
            for name in ("ada", "bo"):
                add_reader(session, ROUND_AT, f"{name}@readers.example")
            bring(session, page(entry(1), entry(2)), ROUND_AT)
        interests.save(made, 1, "main", {"terms": ["tides"], "share": 2}, expected=1)
        interests.save(made, 1, "main", {"terms": ["tides", "waves"]}, expected=2)
        yield made


@pytest.fixture
def ada(context: Context) -> Iterator[TestClient]:
    with program(context, 1) as made:
        yield made


def seen(client: TestClient) -> dict[str, str]:
    return {"If-Match": client.get("/me/profiles/main").headers["ETag"]}


# --- the API -------------------------------------------------------------------------------------
def test_every_save_is_listed_by_pages(ada: TestClient) -> None:
    answer = ada.get("/me/versions", params=OF_MAIN | {"limit": 2})
    newest, middle = answer.json()["items"]
    assert (newest["number"], newest["in_force"], middle["in_force"]) == (3, True, False)
    assert newest["change"] == ["Terms: added “waves”", "Share: from 2 to 1"]
    (oldest,) = ada.get(next_page(answer)).json()["items"]
    assert (oldest["number"], oldest["change"]) == (1, [])
    assert ada.get("/me/versions", params=OF_MAIN | {"cursor": 1}).json()["items"] == []


def test_a_version_and_what_has_changed_since_can_be_read(ada: TestClient) -> None:
    assert ada.get("/me/versions/2", params=OF_MAIN).json()["share"] == 2
    found = ada.get("/me/versions/2/difference", params=OF_MAIN).json()
    assert found == {
        "parts": [{"name": "terms", "added": ["waves"], "removed": [], "kept": 1}],
        "weights": [],
        "description": None,
        "share": [2, 1],
    }
    back = ada.get("/me/versions/3/difference", params=OF_MAIN | {"to": 2}).json()
    assert back["parts"][0]["removed"] == ["waves"]


def test_a_version_gets_a_name(ada: TestClient) -> None:
    answer = ada.put("/me/versions/1/label", params=OF_MAIN, json={"label": " At first "})
    assert answer.json()["label"] == "At first"
    problem(ada.put("/me/versions/1/label", params=OF_MAIN, json={"label": "x" * 81}), 422)
    problem(ada.put("/me/versions/9/label", params=OF_MAIN, json={"label": "x"}), 404)


def test_going_back_wants_to_know_what_was_seen(context: Context, ada: TestClient) -> None:
    path = "/me/versions/2/restore"
    before = seen(ada)
    problem(ada.post(path, params=OF_MAIN), 428)
    problem(ada.post(path, params=OF_MAIN, headers={"If-Match": '"other"'}), 412)
    answer = ada.post(path, params=OF_MAIN, headers=before)
    assert answer.json()["share"] == 2
    assert {"If-Match": answer.headers["ETag"]} == seen(ada)
    problem(ada.post(path, params=OF_MAIN, headers=before), 412)
    problem(ada.post("/me/versions/4/restore", params=OF_MAIN, headers=seen(ada)), 422)
    assert interests.find(context, 1, "main").version == 4


def test_who_goes_back_while_another_saves_is_told(
    context: Context, ada: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore = versions.restore

    def too_late(*said: Any, **expected: Any) -> int:
        interests.save(context, 1, "main", {"terms": ["theirs"]}, expected=3)
        return restore(*said, **expected)

    monkeypatch.setattr(versions, "restore", too_late)
    problem(ada.post("/me/versions/1/restore", params=OF_MAIN, headers=seen(ada)), 412)
    assert interests.find(context, 1, "main").body == {"terms": ["theirs"]}


def test_a_removed_profile_is_listed_and_brought_back(context: Context, ada: TestClient) -> None:
    assert ada.delete("/me/profiles/main").status_code == 204
    (gone,) = ada.get("/me/removed").json()["items"]
    assert (gone["name"], gone["until"]) == ("main", "2026-12-20T09:30:00Z")
    with program(context, 2) as bo:
        problem(bo.post(f"/me/removed/{gone['id']}/restore"), 404)
        assert bo.get("/me/removed").json() == {"items": []}
    answer = ada.post(f"/me/removed/{gone['id']}/restore")
    assert answer.json()["terms"] == ["tides", "waves"]
    assert {"If-Match": answer.headers["ETag"]} == seen(ada)
    problem(ada.post(f"/me/removed/{gone['id']}/restore"), 404)


def test_one_profile_forgets_by_its_name(context: Context, ada: TestClient) -> None:
    teaching.give(context, 1, 1, Want.MORE)
    problem(ada.delete("/me/learned", params={"profile": "other"}), 404)
    interests.save(context, 1, "other", {"terms": ["x"]}, expected=None)
    assert ada.delete("/me/learned", params={"profile": "other"}).json() == {"forgotten": 0}
    assert ada.delete("/me/learned", params=OF_MAIN).json() == {"forgotten": 1}


# --- the terminal --------------------------------------------------------------------------------
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    context: Context, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Calls `paperround` on that home: its exit code, and what it said to stdout and stderr."""
    monkeypatch.setenv("PAPERROUND_HOME", str(context.settings.home))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words: object) -> tuple[int, str, str]:
        current.cache_clear()
        monkeypatch.setattr("sys.argv", ["paperround", "profiles", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, " ".join(said.err.split())

    yield call
    current.cache_clear()


def test_versions_are_listed_named_and_compared_in_the_terminal(run: Run) -> None:
    assert run("label", 1, "main", 1, "[b]At first[/b]")[0] == 0
    code, out, _ = run("versions", 1, "main")
    assert code == 0
    assert "[b]At first[/b]" in out
    assert "Terms: added" in out
    rows = json.loads(run("versions", 1, "main", "--json")[1])
    assert [(row["number"], row["label"]) for row in rows] == [
        (3, ""),
        (2, ""),
        (1, "[b]At first[/b]"),
    ]
    assert run("versions", 1, "main", "--since", 2)[1].splitlines() == [
        "Terms: added “waves”",
        "Share: from 2 to 1",
    ]
    assert "Nothing has changed since" in run("versions", 1, "main", "--since", 3)[1]
    assert json.loads(run("versions", 1, "main", "--since", 2, "--json")[1])["share"] == [2, 1]
    assert run("label", 1, "main", 1, "")[0] == 0


def test_going_back_undoing_and_bringing_back_in_the_terminal(run: Run, context: Context) -> None:
    assert "at version 4" in run("restore", 1, "main", 2)[2]
    assert "at version 5" in run("restore", 1, "main")[2]
    assert interests.find(context, 1, "main").body == {"terms": ["tides", "waves"]}
    assert run("restore", 1, "main", 9)[0] == 2
    code, _, err = run("remove", 1, "main")
    assert code == 0
    assert "restore 1 'main'" in err
    assert run("restore", 1, "main", 2)[0] == 2
    assert "main of ada@readers.example is back" in run("restore", 1, "main")[2]
    assert run("restore", 1, "never")[0] == 2
