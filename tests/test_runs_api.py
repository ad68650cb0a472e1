"""Backlog runs by admins' programs: a plan is asked for, looked at, started, steered; and what each key may."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from backlogs import DAY, FIRST, Backlog, body_of
from browsing import client
from fastapi.testclient import TestClient
from mended_days import LAST, done, misread, planned, started, state, work
from programs import BASE, next_page, problem

from tasks.office import programs
from tasks.office import runs as office
from tasks.store import admins
from tasks.store.admins import Role

WISH = {"first": str(FIRST), "last": str(LAST)}


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Backlog]:
    with misread(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def with_key(found: Backlog) -> Iterator[Callable[[str], TestClient]]:
    """A program with a key of that role."""
    with found.context.database.write() as session:
        values: Any = {"name": "ada", "email": "", "role": Role.OWNER, "password": "no hash"}
        admins.add(session, **values, now=found.clock())
    with ExitStack() as stack:

        def make(role: str) -> TestClient:
            secret = programs.make(found.context, "ada", "ada", role, role=Role(role))[1]
            made = stack.enter_context(client(found.context))
            made.base_url = f"http://localhost{BASE}"
            made.headers["Authorization"] = f"Bearer {secret}"
            return made

        yield make


@pytest.fixture
def bo(with_key: Callable[[str], TestClient]) -> TestClient:
    """An operator's program."""
    return with_key("operator")


def test_a_plan_is_asked_for_and_seen_where_location_says(found: Backlog, bo: TestClient) -> None:
    wish = WISH | {"sources": ["daily"], "mail": "addendum", "readers": [1, 5]}
    answer = bo.post("/admin/runs", json=wish)
    assert answer.status_code == 202
    run = answer.json()
    assert (run["state"], run["asked_by"], run["may"]) == ("planning", "ada", ["drop"])
    assert run["question"] == wish | {"stage": "parse", "again": False}
    assert answer.headers["Location"] == f"{BASE}/admin/runs/{run['code']}"
    work(found, run["code"])
    seen = bo.get(f"/admin/runs/{run['code']}").json()
    assert (seen["state"], seen["may"]) == ("planned", ["start", "drop"])
    assert seen["plan"]["papers"]["changed"] == 84
    assert seen["plan"]["mails"] == 2
    assert seen["report"] == {}


def test_asked_twice_it_is_the_same_plan(bo: TestClient) -> None:
    first, second = (bo.post("/admin/runs", json=WISH).json()["code"] for _ in range(2))
    assert first == second


def test_a_run_is_started_steered_and_reported(found: Backlog, bo: TestClient) -> None:
    code = planned(found, mail="addendum")

    def act(name: str) -> str:
        answer = bo.post(f"/admin/runs/{code}/{name}")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["state"])

    assert act("start") == "checking"
    work(found, code, pieces=1)
    assert [act(name) for name in ("pause", "resume", "cancel", "again")] == [
        "paused",
        "running",
        "cancelled",
        "running",
    ]
    assert act("cancel?stop=true") == "cancelled"
    assert act("again") == "running"
    work(found, code)
    run = bo.get(f"/admin/runs/{code}").json()
    assert (run["state"], run["mails"]) == ("done", {"sent": 2})
    assert run["report"]["papers"]["changed"] == 84
    assert run["came_of"] == "84 papers changed, 3 papers merged, 2 mails"
    assert run["progress"]["done"] == run["progress"]["total"]
    assert act("undo") == "undoing"


def test_a_plan_that_is_not_true_any_more_says_what_changed(found: Backlog, bo: TestClient) -> None:
    code = planned(found)
    found.bring(FIRST, body_of(FIRST + 40 * DAY))
    work(found, code)
    bo.post(f"/admin/runs/{code}/start")
    work(found, code)
    run = bo.get(f"/admin/runs/{code}").json()
    assert (run["state"], run["may"]) == ("stale", ["drop"])
    assert any("a page has come: daily" in words for words in run["changed"])


def test_what_cannot_be_is_a_problem(found: Backlog, bo: TestClient) -> None:
    code = started(found)
    detail = problem(bo.post(f"/admin/runs/{code}/start"), 409)["detail"]
    assert detail == f"run {code} is running: only a plan can be started"
    problem(bo.post("/admin/runs/run-nobody/start"), 404)
    problem(bo.post(f"/admin/runs/{code}/explode"), 422)
    problem(bo.get("/admin/runs/run-nobody"), 404)
    problem(bo.get("/admin/runs/%00"), 422)
    problem(bo.post("/admin/runs", json=WISH | {"sources": ["nowhere"]}), 404)
    problem(bo.post("/admin/runs", json=WISH | {"readers": [4711]}), 404)
    problem(bo.post("/admin/runs", json=WISH | {"last": "2026-10-01"}), 422)
    problem(bo.post("/admin/runs", json=WISH | {"again": True}), 422)
    problem(bo.post("/admin/runs", json={"first": 5, "last": "x"}), 422)
    assert len(office.newest(found.context)) == 1


def test_another_run_over_the_same_days_waits_only_if_asked(found: Backlog, bo: TestClient) -> None:
    second = planned(found, mail="next")
    first = planned(found)
    bo.post(f"/admin/runs/{first}/start")
    problem(bo.post(f"/admin/runs/{second}/start"), 409)
    assert bo.post(f"/admin/runs/{second}/start?queue=true").json()["state"] == "queued"


def test_the_list_comes_by_pages(found: Backlog, bo: TestClient) -> None:
    codes = [done(found), planned(found, mail="next"), planned(found, mail="addendum")]
    first = bo.get("/admin/runs?limit=2")
    rest = bo.get(next_page(first)).json()
    assert [run["code"] for run in first.json()["items"]] == codes[:0:-1]
    assert [run["code"] for run in rest["items"]] == codes[:1]
    assert "plan" not in rest["items"][0]
    assert rest["next"] is None


def test_a_viewers_key_looks_and_does_nothing(
    found: Backlog, with_key: Callable[[str], TestClient]
) -> None:
    cy = with_key("viewer")
    code = started(found)
    assert cy.get("/admin/runs").status_code == cy.get(f"/admin/runs/{code}").status_code == 200
    for act in ("start", "pause", "resume", "cancel", "again", "undo", "drop"):
        problem(cy.post(f"/admin/runs/{code}/{act}"), 403)
    problem(cy.post("/admin/runs", json=WISH), 403)
    assert state(found, code) == "running"
