"""The admin's frame: signing in and out, one's own page, the page of admins, the audit, and refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from browsing import as_admin, client
from fastapi.testclient import TestClient
from httpx2 import Response

from tasks.office import admins, entering, passwords, programs
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import admin_visits, audit
from tasks.store.admins import Role
from tasks.store.database import Database
from workers.web.admin import door
from workers.web.static import CONTENTS

GOOD, OTHER = "my dog eats purple clouds", "nine tidal kilns orbit a mango"
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    passwords._nobodys.cache_clear()


@pytest.fixture
def context(sqlite_url: str, settings: Settings, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    admins.create(opened, "command line", "ada", GOOD, role=Role.OWNER)
    yield opened
    opened.close()


@pytest.fixture
def stranger(context: Context) -> Iterator[TestClient]:
    with client(context) as browser:
        yield browser


@pytest.fixture
def ada(context: Context) -> Iterator[TestClient]:
    """The owner's browser, signed in."""
    with as_admin(context, "owner", "ada") as browser:
        yield browser


@pytest.fixture
def bo(context: Context) -> Iterator[TestClient]:
    """An operator's."""
    admins.create(context, "command line", "bo", OTHER, role=Role.OPERATOR)
    with as_admin(context, "operator", "bo") as browser:
        yield browser


def enter(browser: TestClient, password: str = GOOD, **fields: str) -> Response:
    return browser.post("/admin/sign-in", data={"name": "ada", "password": password} | fields)


def secret_of(answer: Response) -> str:
    found = re.search(rf"{door.COOKIE}=([^;]+);", answer.headers["Set-Cookie"])
    assert found
    return found[1]


def acts(context: Context) -> list[tuple[str, str, str]]:
    with context.database.read() as session:
        return [(act.who, act.action, act.subject) for act in audit.rows(session, 50)]


# --- signing in and out ----------------------------------------------------------------------------
def test_signing_in_leads_to_the_first_page_by_a_cookie_of_its_own(
    context: Context, stranger: TestClient
) -> None:
    assert "paperround admins create" in stranger.get("/admin/sign-in").text
    answer = enter(stranger)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-paperround-admin=")
    for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=604800"):
        assert part in cookie
    assert "Domain" not in cookie
    assert entering.visitor(context, secret_of(answer))


def test_a_cookie_that_somebody_chose_is_not_taken_over(
    context: Context, stranger: TestClient
) -> None:
    chosen = "a" * 43
    stranger.headers["Cookie"] = f"{door.COOKIE}={chosen}"
    secret = secret_of(enter(stranger))
    assert secret != chosen
    assert entering.visitor(context, chosen) is None


def test_who_signs_in_again_ends_the_visit_of_before(context: Context, ada: TestClient) -> None:
    former = ada.headers["Cookie"].partition("=")[2]
    secret = secret_of(enter(ada))
    assert entering.visitor(context, former) is None
    assert entering.visitor(context, secret)


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(stranger: TestClient) -> None:
    wrong = [enter(stranger, "wrong"), enter(stranger, GOOD, name="cyd")]
    assert [answer.status_code for answer in wrong] == [422, 422]
    assert wrong[0].text == wrong[1].text.replace('"cyd"', '"ada"')
    assert "do not fit together" in wrong[0].text
    assert not any("set-cookie" in answer.headers for answer in wrong)


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_too_many_tries_are_told_to_wait(stranger: TestClient, name: str) -> None:
    for _ in range(entering.EACH_PAIR.most):
        enter(stranger, "wrong", name=name)
    answer = enter(stranger, GOOD, name=name)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "901"
    assert "Try again in about 15 minutes." in answer.text


@pytest.mark.parametrize("name", [HOSTILE, "\x00", "x" * 9999, "ada' --"])
def test_a_name_that_nobody_can_have_is_an_answer_too(stranger: TestClient, name: str) -> None:
    answer = enter(stranger, name=name)
    assert answer.status_code == 422
    assert "<img" not in answer.text


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ("/admin/me", "/admin/me"),
        ("/admin/runs/a1-b2?page=2&said=x", "/admin/runs/a1-b2?page=2&said=x"),
        ("", "/admin"),
        ("https://evil.example", "/admin"),
        ("//evil.example", "/admin"),
        ("/admin//evil.example", "/admin"),
        ("/admin/..//evil.example", "/admin"),
        ("/admin\\evil", "/admin"),
        ("/administration", "/admin"),
        ("/my", "/admin"),
        ("/admin/me\nSet-Cookie: x=1", "/admin"),
        ("javascript:alert(1)", "/admin"),
    ],
)
def test_after_signing_in_one_goes_on_where_one_was_going_and_nowhere_else(
    stranger: TestClient, asked: str, to: str
) -> None:
    assert f'value="{to}"'.replace("&", "&amp;") in (
        stranger.get("/admin/sign-in", params={"to": asked}).text
    )
    assert enter(stranger, to=asked).headers["Location"] == to


def test_who_was_sent_to_sign_in_comes_back(stranger: TestClient, ada: TestClient) -> None:
    sent = stranger.get("/admin/audit?who=ada&action=signed+in").headers["Location"]
    assert ada.get(sent).headers["Location"] == "/admin/audit?who=ada&action=signed+in"


def test_signing_out_ends_the_visit_and_takes_the_cookie(context: Context, ada: TestClient) -> None:
    answer = ada.post("/admin/sign-out")
    assert answer.headers["Location"] == "/admin/sign-in?said=out"
    assert f'{door.COOKIE}=""' in answer.headers["Set-Cookie"]
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert ada.get("/admin/me").status_code == 303
    assert "You are signed out." in ada.get(answer.headers["Location"]).text
    assert ada.post("/admin/sign-out").status_code == 303


def test_a_page_opened_after_a_while_says_that_the_browser_is_there(
    context: Any, ada: TestClient
) -> None:
    assert "/admin/stay" not in ada.get("/admin/me").text
    context.clock.moment += admin_visits.IDLE - timedelta(seconds=1)
    assert 'data-hx-post="/admin/stay"' in ada.get("/admin/me").text
    assert ada.post("/admin/stay").status_code == 204
    assert "/admin/stay" not in ada.get("/admin/me").text
    context.clock.moment += timedelta(hours=1)
    assert ada.get("/admin/me").status_code == 200


def test_a_page_left_open_too_long_is_told_that_nothing_was_done(
    context: Any, ada: TestClient
) -> None:
    context.clock.moment += admin_visits.IDLE
    answer = ada.post("/admin/me/email", data={"email": "a@b.example"})
    assert answer.status_code == 401
    assert "Nothing was done" in answer.text
    assert 'href="/admin/sign-in"' in answer.text


def test_a_part_of_a_page_that_fetches_itself_leads_the_whole_page_to_signing_in(
    stranger: TestClient,
) -> None:
    answer = stranger.get("/admin/me", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/admin/sign-in")


# --- the frame -------------------------------------------------------------------------------------
def test_every_page_says_who_is_signed_in_and_where_one_is(ada: TestClient, bo: TestClient) -> None:
    text = ada.get("/admin/audit").text
    assert re.search(r'<a href="/admin/audit"\s+aria-current="page">Audit</a>', text)
    assert 'href="/admin/admins"' in text
    assert re.search(r">ada</a>\s*\(owner\)", text)
    assert 'href="/admin/admins"' not in bo.get("/admin/audit").text
    one = ada.get("/admin/admins/bo").text
    assert re.search(r'<a href="/admin/admins"\s+aria-current="true">Admins</a>', one)


def test_what_was_said_is_one_of_our_own_sentences(ada: TestClient) -> None:
    assert "That browser is signed out." in ada.get("/admin/me?said=ended").text
    assert "1,234 visits ended" in ada.get("/admin/admins?said=ended-1234").text
    for said in (HOSTILE, "nothing", "ended-x", "ended-1-2", ""):
        assert 'role="status"' not in ada.get("/admin/me", params={"said": said}).text


def test_an_unknown_page_stands_in_the_frame_without_telling_anything(
    ada: TestClient, stranger: TestClient
) -> None:
    for browser in (ada, stranger):
        answer = browser.get("/admin/nowhere")
        assert answer.status_code == 404
        assert "No such page" in answer.text
        assert "Nothing lives at this address." in answer.text
    assert stranger.get("/administration").text.count("admin.css") == 0


def test_what_cannot_be_read_is_told_so(ada: TestClient) -> None:
    answer = ada.get("/admin/audit?before=x")
    assert answer.status_code == 400
    assert "is not what this page expects" in answer.text
    assert ada.request("DELETE", "/admin/me").status_code == 405


def test_the_whole_style_of_an_admins_page_is_small() -> None:
    assert len(CONTENTS["admin.css"]) < 30_000


def test_a_database_that_is_gone_is_told_without_asking_it(ada: TestClient, context: Any) -> None:
    Path(context.database.url.removeprefix("sqlite:///")).unlink()
    context.database.engine.dispose()
    answer = ada.get("/admin/me")
    assert answer.status_code == 503
    assert "paperround doctor" in answer.text


# --- one's own page ----------------------------------------------------------------------------------
def test_the_password_is_changed_by_who_knows_it_and_all_visits_end(
    context: Context, ada: TestClient
) -> None:
    fields = {"old": GOOD, "new": OTHER, "again": OTHER}
    for wrong, said in (
        ({"old": "wrong"}, "that is not your password"),
        ({"again": "another"}, "typed in two ways"),
        ({"new": "short", "again": "short"}, "15 to 128 characters"),
    ):
        answer = ada.post("/admin/me/password", data=fields | wrong)
        assert answer.status_code == 422
        assert said in answer.text
    answer = ada.post("/admin/me/password", data=fields)
    assert answer.headers["Location"] == "/admin/sign-in?said=password"
    assert ada.get("/admin/me").status_code == 303
    assert "Your password was changed" in ada.get(answer.headers["Location"]).text
    assert enter(ada, OTHER).status_code == 303


def test_no_page_holds_what_was_typed_as_a_password(ada: TestClient) -> None:
    for path, fields in (
        ("/admin/sign-in", {"name": "ada", "password": "typed-by-mistake"}),
        ("/admin/me/password", {"old": "typed-by-mistake", "new": OTHER, "again": OTHER}),
        ("/admin/me/keys", {"name": "x", "role": "viewer", "password": "typed-by-mistake"}),
    ):
        answer = ada.post(path, data=fields)
        assert answer.status_code == 422
        assert "typed-by-mistake" not in answer.text


def test_the_address_for_alarms_is_checked(context: Context, ada: TestClient) -> None:
    answer = ada.post("/admin/me/email", data={"email": HOSTILE})
    assert answer.status_code == 422
    assert "<img" not in answer.text
    assert ada.post("/admin/me/email", data={"email": " ada@b.example "}).status_code == 303
    assert 'value="ada@b.example"' in ada.get("/admin/me").text
    assert admins.find(context, "ada").admin.email == "ada@b.example"


def test_visits_are_shown_and_ended_one_by_one_or_all(context: Context, ada: TestClient) -> None:
    with as_admin(context, "owner", "ada") as phone:
        visits = admins.find(context, "ada").visits
        text = ada.get("/admin/me").text
        assert text.count("this browser</span>") == 1
        assert ada.post(f"/admin/me/visits/{visits[0].id}/end").headers["Location"] == (
            "/admin/me?said=ended"
        )
        assert phone.get("/admin/me").status_code == 303
        assert ada.get("/admin/me").status_code == 200
        assert ada.post(f"/admin/me/visits/{visits[0].id}/end").status_code == 400
    gone = ada.post(f"/admin/me/visits/{visits[1].id}/end")
    assert gone.headers["Location"] == "/admin/sign-in?said=out"
    assert ada.get("/admin/me").status_code == 303


def test_all_visits_end_at_once(context: Context, ada: TestClient) -> None:
    with as_admin(context, "owner", "ada") as phone:
        assert ada.post("/admin/me/visits/end").headers["Location"] == "/admin/sign-in?said=out"
        assert phone.get("/admin/me").status_code == ada.get("/admin/me").status_code == 303


@pytest.mark.parametrize("number", ["0", "-1", str(2**63)])
def test_a_number_that_no_row_has_is_nowhere(ada: TestClient, number: str) -> None:
    assert ada.post(f"/admin/me/visits/{number}/end").status_code == 404
    assert ada.post(f"/admin/me/keys/{number}/revoke").status_code == 404


def test_a_key_is_made_by_who_knows_the_password_and_shown_once(
    context: Context, ada: TestClient
) -> None:
    fields = {"name": HOSTILE, "role": "operator", "password": GOOD}
    assert ada.post("/admin/me/keys", data=fields | {"password": "x"}).status_code == 422
    answer = ada.post("/admin/me/keys", data=fields)
    assert answer.status_code == 200
    assert "<img" not in answer.text
    secret = re.search(r'value="(pra_[^"]+)"', answer.text)
    assert secret
    found = entering.key_owner(context, secret[1])
    assert found
    assert (found.name, found.role) == ("ada", Role.OPERATOR)
    assert secret[1] not in ada.get("/admin/me").text
    (key,) = programs.listed(context, "ada")
    assert ada.post(f"/admin/me/keys/{key.id}/revoke").headers["Location"] == (
        "/admin/me?said=revoked"
    )
    assert entering.key_owner(context, secret[1]) is None
    assert ada.post(f"/admin/me/keys/{key.id}/revoke").status_code == 404


def test_no_key_is_stronger_than_who_makes_it(bo: TestClient, context: Context) -> None:
    assert '<option value="owner">' not in bo.get("/admin/me").text
    answer = bo.post("/admin/me/keys", data={"name": "x", "role": "owner", "password": OTHER})
    assert answer.status_code == 422
    assert "no key of theirs can be of owner" in answer.text
    assert programs.listed(context, "bo") == []


def test_where_there_are_as_many_keys_as_can_be_there_is_no_form(
    context: Context, ada: TestClient
) -> None:
    for number in range(programs.KEYS_MOST):
        programs.make(context, "ada", "ada", f"{number}", role=Role.VIEWER)
    text = ada.get("/admin/me").text
    assert "revoke one first" in text
    assert 'action="/admin/me/keys"' not in text


# --- admins ------------------------------------------------------------------------------------------
def test_an_owner_changes_a_role_with_their_own_password(
    context: Context, ada: TestClient, bo: TestClient
) -> None:
    assert "bo" in ada.get("/admin/admins").text
    path, fields = "/admin/admins/bo/role", {"role": "viewer", "password": GOOD}
    refused = ada.post(path, data=fields | {"password": OTHER})
    assert refused.status_code == 422
    assert "that is not your password" in refused.text
    assert bo.get("/admin/me").status_code == 200
    assert ada.post(path, data=fields).headers["Location"] == "/admin/admins?said=role"
    assert bo.get("/admin/me").status_code == 303
    assert acts(context)[0] == ("ada", "role changed", "admin bo")


def test_an_owner_signs_others_out(ada: TestClient, bo: TestClient) -> None:
    answer = ada.post("/admin/admins/bo/visits/end")
    assert answer.headers["Location"] == "/admin/admins?said=ended-1"
    assert "1 visits ended" in ada.get(answer.headers["Location"]).text
    assert bo.get("/admin/me").status_code == 303
    assert "Not signed in." in ada.get("/admin/admins/bo").text


def test_an_owner_removes_who_is_not_the_last_owner(
    context: Context, ada: TestClient, bo: TestClient
) -> None:
    sure = {"sure": "1", "password": GOOD}
    assert "you are sure" in ada.post("/admin/admins/bo/remove", data={"password": GOOD}).text
    last = ada.post("/admin/admins/ada/remove", data=sure)
    assert last.status_code == 422
    assert "ada is the only owner" in last.text
    assert ada.post("/admin/admins/bo/remove", data=sure).headers["Location"] == (
        "/admin/admins?said=removed"
    )
    assert bo.get("/admin/me").status_code == 303
    assert ada.post("/admin/admins/bo/remove", data=sure).status_code == 404
    assert [seen.admin.name for seen in admins.listed(context)] == ["ada"]


@pytest.mark.parametrize("name", ["nobody", "%00", "Ada", "a%2Fb", "%F0%9F%98%80", "x" * 200])
def test_an_admin_that_is_none_is_nowhere(ada: TestClient, name: str) -> None:
    assert ada.get(f"/admin/admins/{name}").status_code == 404
    assert ada.post(f"/admin/admins/{name}/visits/end").status_code == 404


def test_no_page_makes_an_admin(ada: TestClient) -> None:
    assert ada.post("/admin/admins", data={"name": "x", "password": GOOD}).status_code == 405
    assert "paperround admins create" in ada.get("/admin/admins").text


# --- the audit ---------------------------------------------------------------------------------------
def test_the_audit_is_read_by_pages(context: Context, ada: TestClient) -> None:
    with context.database.write() as session:
        for number in range(120):
            who = "ada" if number % 2 else HOSTILE
            audit.note(session, who, "tried", f"thing {number}", now=context.clock(), words=HOSTILE)
    seen, path = [], "/admin/audit?who=ada&action=tried"
    while path:
        answer = ada.get(path)
        assert answer.status_code == 200
        assert "<img" not in answer.text
        seen += [int(number) for number in re.findall(r"tried: thing (\d+)", answer.text)]
        older = re.search(r'href="(/admin/audit\?[^"]+)">Older ones', answer.text)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == list(range(119, 0, -2))
    assert "There is nothing more of that." in ada.get("/admin/audit?who=nobody").text
    assert "<img" not in ada.get("/admin/audit").text


@pytest.mark.parametrize("query", ["who=%00", f"action={HOSTILE}", "who=%ED%A0%80", "before=1"])
def test_whatever_is_looked_for_is_answered(ada: TestClient, query: str) -> None:
    answer = ada.get(f"/admin/audit?{query}")
    assert answer.status_code == 200
    assert "<img" not in answer.text


def test_an_empty_audit_says_so(context: Context, ada: TestClient) -> None:
    with context.database.write() as session:
        session.connection().exec_driver_sql("DELETE FROM audit")
    assert "Nothing was done yet." in ada.get("/admin/audit").text
