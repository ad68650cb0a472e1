"""The admin's side of the API: whose key it is, and the audit by pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import client
from fastapi import APIRouter
from fastapi.testclient import TestClient
from programs import BASE, next_page, problem

from tasks.office import programs
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import admins, audit
from tasks.store.admins import Role
from tasks.store.database import Database
from workers.web.api.admin_door import AdminRoute, KeyOperator, KeyOwner, KeyViewer
from workers.web.api.app import make_api
from workers.web.page import Face


@pytest.fixture
def context(sqlite_url: str, settings: Settings, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    with opened.database.write() as session:
        values: Any = {"name": "ada", "email": "", "role": Role.OWNER, "password": "no hash"}
        admins.add(session, **values, now=clock())
    yield opened
    opened.close()


@pytest.fixture
def ada(context: Context) -> Iterator[TestClient]:
    """A program with a key of Ada's, for looking."""
    secret = programs.make(context, "ada", "ada", "x", role=Role.VIEWER)[1]
    with client(context) as made:
        made.base_url = f"http://localhost{BASE}"
        made.headers["Authorization"] = f"Bearer {secret}"
        yield made


def test_a_key_says_whose_it_is_and_what_it_may(ada: TestClient) -> None:
    assert ada.get("/admin/me").json() == {"name": "ada", "role": "viewer"}


def test_a_head_is_a_look(context: Context, ada: TestClient) -> None:
    assert ada.head("/admin/me").status_code == 200
    assert programs.listed(context, "ada")[0].used_at is None


def test_the_audit_is_read_by_pages(context: Context, ada: TestClient) -> None:
    with context.database.write() as session:
        for number in range(5):
            audit.note(session, "bo", "tried", f"thing {number}", now=context.clock(), n=number)
    first = ada.get("/admin/audit?limit=3&who=bo&action=tried")
    assert [one["subject"] for one in first.json()["items"]] == ["thing 4", "thing 3", "thing 2"]
    assert first.json()["items"][0]["detail"] == {"n": 4}
    rest = ada.get(next_page(first)).json()
    assert [one["subject"] for one in rest["items"]] == ["thing 1", "thing 0"]
    assert rest["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=0", "cursor=x", "who=%00"])
def test_what_cannot_be_asked_is_a_problem(ada: TestClient, query: str) -> None:
    problem(ada.get(f"/admin/audit?{query}"), 422)


def test_a_key_that_was_revoked_opens_nothing(context: Context, ada: TestClient) -> None:
    (key,) = programs.listed(context, "ada")
    programs.revoke(context, "ada", "ada", key.id)
    assert "pra_" in problem(ada.get("/admin/me"), 401)["detail"]


# --- what a key's role lets a program do -----------------------------------------------------------
@pytest.fixture
def doors(context: Context) -> Iterator[TestClient]:
    """An API with a path for each role, which answers who asks."""
    router = APIRouter(route_class=AdminRoute)

    @router.post("/admin/look")
    def look(who: KeyViewer) -> str:
        return who.name

    @router.post("/admin/act")
    def act(who: KeyOperator) -> str:
        return who.name

    @router.post("/admin/manage")
    def manage(who: KeyOwner) -> str:
        return who.name

    api = make_api(Face(context, list))
    api.include_router(router)
    with TestClient(api) as made:
        yield made


@pytest.mark.parametrize("role", list(Role))
def test_a_key_opens_the_doors_of_its_role_and_those_before(
    context: Context, doors: TestClient, role: Role
) -> None:
    secret = programs.make(context, "ada", "ada", "x", role=role)[1]
    doors.headers["Authorization"] = f"Bearer {secret}"
    codes = [doors.post(f"/admin/{door}").status_code for door in ("look", "act", "manage")]
    assert codes == [200 if role.may(needed) else 403 for needed in Role]
    assert programs.listed(context, "ada")[0].used_at == context.clock()
