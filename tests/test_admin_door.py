"""Who gets past the door of the admin's side: every route of it, of the pages and of the API, for each role.

The routes are found, not named: one that is added without a dependency on the door fails here.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from browsing import as_admin, client, signed_in
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import add_reader

from tasks.desk import visiting
from tasks.office import programs
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store.admins import Role
from tasks.store.database import Database
from workers.web.admin import door
from workers.web.api.app import BASE, SUBJECTS
from workers.web.app import FACES

SAFE = ("GET", "HEAD", "OPTIONS")
FOR_ALL = ("/admin/sign-in", "/admin/sign-out")
OWN = re.compile(r"/admin/(me|stay)(/.*)?")  # what every admin may do about themselves
OWNERS = re.compile(r"/admin/admins(/.*)?")
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOSTS = ("localhost/openapi.json?x=", "a/b?", "evil.example#")


@dataclass(frozen=True)
class Ask:
    """One method of one route."""

    method: str
    path: str

    @property
    def acts(self) -> bool:
        return self.method not in SAFE

    @property
    def needed(self) -> Role:
        """The least role that it may take."""
        if OWNERS.fullmatch(self.path):
            return Role.OWNER
        return Role.OPERATOR if self.acts and not OWN.fullmatch(self.path) else Role.VIEWER

    def send(self, browser: TestClient, under: str = "") -> Response:
        return browser.request(self.method, under + re.sub(r"\{[^}]*\}", "1", self.path))


def asks(routers: Any) -> list[Ask]:
    """All that can be asked under `/admin` of these routers."""
    return [
        Ask(method, route.path)
        for one in routers
        for route in one.router.routes
        if re.match(r"/admin(/|$)", route.path)
        for method in sorted(route.methods)
    ]


PAGES = [ask for ask in asks(FACES) if ask.path not in FOR_ALL]
PROGRAMS = asks(SUBJECTS)
TOO_LOW = [(role, ask) for role in Role for ask in PAGES if not role.may(ask.needed)]
TOO_LOW_KEYS = [(role, ask) for role in Role for ask in PROGRAMS if not role.may(ask.needed)]


@pytest.fixture(scope="module")
def context(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    home = tmp_path_factory.mktemp("door")
    file = shutil.copy(migrated_file, home / "paperround.db")
    chosen, database = Settings(home=home), Database(f"sqlite:///{file}")
    opened = Context(settings=chosen, database=database, clock=lambda: NOW)
    with database.write() as session:
        add_reader(session, NOW, "ada@readers.example")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def stranger(context: Context) -> Iterator[TestClient]:
    """A browser of nobody."""
    with client(context) as browser:
        yield browser


@pytest.fixture(scope="module")
def as_role(context: Context) -> Iterator[Callable[[Role], TestClient]]:
    """A browser of an admin of that role."""
    with ExitStack() as stack:
        known = {role: stack.enter_context(as_admin(context, role)) for role in Role}
        yield known.__getitem__


@pytest.fixture(scope="module")
def key_of(context: Context, as_role: Any) -> dict[Role, dict[str, str]]:
    """The header that shows a key of each role, of the admin of that role."""
    made = {role: programs.make(context, "a test", role, "x", role=role)[1] for role in Role}
    return {role: {"Authorization": f"Bearer {secret}"} for role, secret in made.items()}


@pytest.fixture(scope="module")
def readers_key(context: Context) -> str:
    """A key that opens a reader's account."""
    return visiting.make_key(context, 1, "x")[1]


def named(asked: Any) -> str:
    return f"{asked.method} {asked.path}" if isinstance(asked, Ask) else str(asked)


# --- pages ---------------------------------------------------------------------------------------
def test_the_routes_are_found() -> None:
    assert {"/admin/me", "/admin/admins", "/admin/audit"} <= {ask.path for ask in PAGES}
    assert {"/admin/me", "/admin/audit"} <= {ask.path for ask in PROGRAMS}
    assert {ask.path for ask in asks(FACES)} >= {*FOR_ALL}


@pytest.mark.parametrize("ask", PAGES, ids=named)
def test_nobody_gets_in_without_signing_in(stranger: TestClient, ask: Ask) -> None:
    answer = ask.send(stranger)
    if ask.acts:
        assert answer.status_code == 401
        assert "You are not signed in" in answer.text
    else:
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/admin/sign-in?to=%2Fadmin")


def test_a_reader_who_signed_in_is_a_stranger_here(context: Context) -> None:
    with signed_in(context, 1) as reader:
        for ask in PAGES:
            assert ask.send(reader).status_code == (401 if ask.acts else 303), ask
        secret = reader.headers["Cookie"].partition("=")[2]
        reader.headers["Cookie"] = f"{door.COOKIE}={secret}"
        assert reader.get("/admin/me").status_code == 303


@pytest.mark.parametrize(("role", "ask"), TOO_LOW, ids=named)
def test_a_role_that_is_too_low_is_told_which_it_takes(
    as_role: Callable[[Role], TestClient], role: Role, ask: Ask
) -> None:
    answer = ask.send(as_role(role))
    assert answer.status_code == 403
    if ask.method != "HEAD":
        assert f"This takes an {ask.needed}" in answer.text
        assert f"your role is {role}" in answer.text


@pytest.mark.parametrize("ask", PAGES, ids=named)
def test_no_other_site_can_send_a_form(as_role: Callable[[Role], TestClient], ask: Ask) -> None:
    if not ask.acts:
        return
    browser = as_role(Role.OWNER)
    path = re.sub(r"\{[^}]*\}", "1", ask.path)
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = browser.request(ask.method, path, headers=foreign)
        assert answer.status_code == 403
        assert "not sent from a page of ours" in answer.text


@pytest.mark.parametrize("host", HOSTS)
def test_a_strange_host_opens_nothing(stranger: TestClient, host: str) -> None:
    for ask in PAGES:
        answer = stranger.request(ask.method, "/admin/me", headers={"Host": host})
        assert answer.status_code == 400


# --- programs ------------------------------------------------------------------------------------
@pytest.mark.parametrize("ask", PROGRAMS, ids=named)
def test_no_program_gets_in_without_an_admins_key(
    stranger: TestClient, as_role: Callable[[Role], TestClient], readers_key: str, ask: Ask
) -> None:
    assert ask.send(stranger, BASE).status_code == 401
    assert ask.send(as_role(Role.OWNER), BASE).status_code == 401, "a cookie"
    path = BASE + re.sub(r"\{[^}]*\}", "1", ask.path)
    for shown in (readers_key, "pra_00000000_" + "a" * 43, "pra_' OR 1=1", ""):
        said = {"Authorization": f"Bearer {shown}"}
        answer = stranger.request(ask.method, path, headers=said)
        assert answer.status_code == 401
        assert "pra_" in answer.json()["detail"]
        assert "invalid_token" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("role", "ask"), TOO_LOW_KEYS, ids=named)
def test_a_key_that_is_too_weak_is_told_which_it_takes(
    stranger: TestClient, key_of: dict[Role, dict[str, str]], role: Role, ask: Ask
) -> None:
    path = BASE + re.sub(r"\{[^}]*\}", "1", ask.path)
    answer = stranger.request(ask.method, path, headers=key_of[role])
    assert answer.status_code == 403
    assert answer.json()["detail"] == f"this takes the key of an {ask.needed}; yours is of a {role}"
