"""An admin's hands by the API: the same as on the pages, by what a key's role lets it do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from browsing import client
from fastapi.testclient import TestClient
from papers import add_folder, add_page, add_reader, api_json, entry
from programs import BASE, next_page, problem
from sqlmodel import select

from tasks import models
from tasks.office import programs
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import admins, audit, pages, sources
from tasks.store.admins import Role
from tasks.store.database import Database

ADA = "ada@readers.example"
FEED = "https://1.1.1.1/feed"


@pytest.fixture
def context(
    sqlite_url: str, settings: Settings, clock: Any, tmp_path: Path, now: datetime
) -> Iterator[Context]:
    """After a round with one mail, which is unsure; and a page that could not be read."""
    settings.home.mkdir()
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(8))))
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    with opened.database.write() as session:
        values: Any = {"name": "ada", "email": "", "role": Role.OWNER, "password": "no hash"}
        admins.add(session, **values, now=now)
        add_folder(session, folder, now, "mine")
        add_reader(session, now, ADA)
    run_once(opened, now)
    with opened.database.write() as session:
        mail = session.exec(select(models.Delivery)).one()
        mail.state, mail.error = "unsure", f"no answer for {ADA}"
        session.exec(select(models.Attempt)).one().outcome = "unsure"
        key = add_page(session, sources.find(session, "mine").id, now, b"[{")
        pages.claim(session, key, key, owner="me", now=now)
        pages.quarantined(session, key, owner="me", reason="bad_json", error="it ends")
    yield opened
    opened.close()


def program(context: Context, role: Role) -> TestClient:
    secret = programs.make(context, "ada", "ada", role.value, role=role)[1]
    made = client(context)
    made.base_url = f"http://localhost{BASE}"
    made.headers["Authorization"] = f"Bearer {secret}"
    return made


@pytest.fixture
def viewer(context: Context) -> TestClient:
    return program(context, Role.VIEWER)


@pytest.fixture
def operator(context: Context) -> Iterator[TestClient]:
    with program(context, Role.OPERATOR) as made:  # at its end the parser's process ends, too
        yield made


LOOKS = (
    "/admin/sources",
    "/admin/sources/mine",
    "/admin/pages",
    "/admin/pages/2",
    "/admin/readers",
    "/admin/readers?q=1",
    "/admin/readers/1",
    "/admin/dead",
    "/admin/deliveries",
    "/admin/deliveries/1",
    "/admin/settings",
)
FOR_OPERATORS = ("/admin/dead/counts", "/admin/deliveries/unsure")
ACTS: tuple[tuple[str, dict[str, Any] | None], ...] = (
    ("/admin/sources", {"kind": "feed", "address": FEED, "name": "n"}),
    ("/admin/sources/mine/state", {"state": "paused", "was": "active"}),
    ("/admin/sources/mine/fetch", None),
    ("/admin/sources/mine/test", None),
    ("/admin/pages/2/parse", None),
    ("/admin/readers/1", {"do": "pause"}),
    ("/admin/dead", {"do": "drop", "mark": "x"}),
    ("/admin/dead/page/2", {"do": "drop"}),
    ("/admin/deliveries/unsure", {"arrived": True, "why": "log", "mark": "x"}),
    ("/admin/deliveries/1", {"arrived": True, "why": "log"}),
)


def acts(context: Context) -> list[str]:
    with context.database.read() as session:
        found = [f"{act.action}: {act.subject}" for act in reversed(audit.rows(session, 50))]
    return [act for act in found if "key" not in act]


def test_a_viewers_key_looks_and_sees_no_address(viewer: TestClient) -> None:
    for path in LOOKS:
        answer = viewer.get(path)
        assert answer.status_code == 200, path
        assert ADA not in answer.text, path
        assert "Study" not in answer.text or path.startswith("/admin/pages"), path
    problem(viewer.get("/admin/readers?q=ada"), 422)
    problem(viewer.get("/admin/dead?error=it"), 422)


def test_a_viewers_key_acts_on_nothing(context: Context, viewer: TestClient) -> None:
    for path, body in ACTS:
        said = problem(viewer.post(path, json=body), 403)
        assert "operator" in said["detail"], path
    problem(viewer.patch("/admin/sources/mine", json={"every_minutes": 60}), 403)
    for path in FOR_OPERATORS:
        problem(viewer.get(path), 403)
    assert acts(context) == []


def test_nobody_gets_in_without_a_key(context: Context) -> None:
    stranger = client(context)
    stranger.base_url = f"http://localhost{BASE}"  # type: ignore[assignment]
    for path in (*LOOKS, *FOR_OPERATORS):
        problem(stranger.get(path), 401)
    for path, body in ACTS:
        problem(stranger.post(path, json=body), 401)


def test_a_source_is_added_changed_paused_and_tried(context: Context, operator: TestClient) -> None:
    made = operator.post("/admin/sources", json={"kind": "feed", "address": FEED, "name": "n"})
    assert (made.status_code, made.json()["name"]) == (201, "n")
    problem(operator.post("/admin/sources", json={"kind": "folder", "address": "/etc"}), 422)
    wrong = {"kind": "feed", "address": "http://127.0.0.1/"}
    assert (
        "no public address" in problem(operator.post("/admin/sources", json=wrong), 422)["detail"]
    )
    plan = {"every_minutes": 30, "days": "15", "holidays": ["12-24"]}
    changed = operator.patch("/admin/sources/n", json=plan).json()["plan"]
    assert changed == {"address": FEED, **plan}
    problem(operator.patch("/admin/sources/n", json={"every_minutes": 1}), 422)
    state = {"state": "paused", "was": "active"}
    for _ in range(2):
        assert operator.post("/admin/sources/n/state", json=state).json()["state"] == "paused"
    gone = {"state": "removed", "was": "active"}
    problem(operator.post("/admin/sources/n/state", json=gone), 409)
    problem(operator.post("/admin/sources/n/fetch"), 422)
    assert operator.post("/admin/sources/mine/fetch").status_code == 202
    tried = operator.post("/admin/sources/mine/test").json()
    assert [page["entries"] for page in tried["pages"]] == [8]
    problem(operator.get("/admin/sources/none"), 404)
    assert acts(context) == [
        "source added: source n",
        "source planned anew: source n",
        "source paused: source n",
        "fetched now: source mine",
        "source tried: source mine",
    ]


def test_a_page_is_looked_at_and_parsed_again(operator: TestClient) -> None:
    listed = operator.get("/admin/pages?limit=1")
    assert [one["id"] for one in listed.json()["items"]] == [2]
    rest = operator.get(next_page(listed))
    assert [one["id"] for one in rest.json()["items"]] == [1]
    assert len(operator.get("/admin/pages/1").json()["found"]) == 8
    assert operator.post("/admin/pages/2/parse").json()["row"]["state"] == "fetched"
    problem(operator.post("/admin/pages/2/parse"), 409)
    problem(operator.get("/admin/pages/99"), 404)


def test_readers_are_found_and_helped(operator: TestClient) -> None:
    (found,) = operator.get("/admin/readers?q=ADA@").json()["items"]
    assert (found["id"], found["email"]) == (1, ADA)
    for do, state in (
        ("pause", "paused"),
        ("resume", "active"),
        ("suppress", "unsubscribed"),
        ("lift", "unsubscribed"),
    ):
        told = operator.post("/admin/readers/1", json={"do": do}).json()
        assert (told["reader"]["state"], told["suppressed"]) == (state, do == "suppress")
    until = {"do": "pause", "until": "2020-01-01"}
    operator.post("/admin/readers/1", json={"do": "resume"})
    problem(operator.post("/admin/readers/1", json=until), 422)
    problem(operator.post("/admin/readers/1", json={"do": "resend"}), 422)
    problem(operator.get("/admin/readers/7"), 404)
    assert operator.get("/admin/readers/1").json()["made"][0]["picks"] > 0


def test_a_confirmation_is_not_resent_too_often(
    context: Context, operator: TestClient, now: datetime
) -> None:
    with context.database.write() as session:
        add_reader(session, now, "new@readers.example", state="pending")
    assert operator.post("/admin/readers/2", json={"do": "resend"}).status_code == 200
    again = operator.post("/admin/readers/2", json={"do": "resend"})
    problem(again, 429)
    assert int(again.headers["retry-after"]) > 800


def test_dead_letters_are_retried_and_dropped_as_they_were_seen(
    context: Context, operator: TestClient, now: datetime
) -> None:
    with context.database.write() as session:
        key = add_page(session, sources.find(session, "mine").id, now, b"[{ more")
        session.get_one(models.Page, key).state = "quarantined"
    listed = operator.get("/admin/dead?limit=1")
    rest = operator.get(next_page(listed))
    ids = [one["id"] for answer in (listed, rest) for one in answer.json()["items"]]
    assert ids == [key, 2]
    assert operator.post(f"/admin/dead/page/{key}", json={"do": "retry"}).status_code == 204
    problem(operator.post(f"/admin/dead/page/{key}", json={"do": "retry"}), 404)
    counted = operator.get("/admin/dead/counts?kind=page").json()
    assert counted["counts"] == {"page": 1}
    asked = {"do": "drop", "kind": "page", "mark": counted["mark"]}
    assert operator.post("/admin/dead", json=asked).json() == {"done": 1, "refused": {}}
    assert "there were 1" in problem(operator.post("/admin/dead", json=asked), 409)["detail"]
    problem(operator.get("/admin/dead?kind=cat"), 422)
    problem(operator.get("/admin/dead?cursor=cat.1"), 422)


def test_unsure_mails_are_decided_as_they_were_seen(context: Context, operator: TestClient) -> None:
    (unsure,) = operator.get("/admin/deliveries?state=unsure&day=2026-11-20&reader=1").json()[
        "items"
    ]
    assert unsure["recipient"] == ADA
    way = operator.get("/admin/deliveries/1").json()
    assert way["moments"][-1]["what"] == "attempt 1, dot: unsure"
    assert ["To", ADA] in way["headers"]
    many = operator.get("/admin/deliveries/unsure?day=2026-11-20").json()
    asked = {"arrived": False, "why": "the log", "day": "2026-11-20", "mark": many["mark"]}
    assert operator.post("/admin/deliveries/unsure", json=asked).json()["done"] == 1
    problem(operator.post("/admin/deliveries/unsure", json=asked), 409)
    one = {"arrived": True, "why": "the log"}
    problem(operator.post("/admin/deliveries/1", json=one), 409)
    with context.database.write() as session:
        session.get_one(models.Delivery, 1).state = "unsure"
    assert operator.post("/admin/deliveries/1", json=one).json()["state"] == "sent"
    problem(operator.post("/admin/deliveries/1", json={"arrived": True, "why": ""}), 422)


def test_settings_are_told_without_secrets(operator: TestClient) -> None:
    told = {one["name"]: one for one in operator.get("/admin/settings").json()}
    assert told["database_url"]["is_secret"]
    assert told["database_url"]["value"] in ("", "sqlite://••••••")
