"""Getting in by mailed links: the same answer for everybody, a button for what acts, a cookie of one's own."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from http.cookies import SimpleCookie
from typing import Any

import pytest
from browsing import client, signed_in
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import add_reader
from sqlmodel import SQLModel, select

from tasks.desk import subscribing, visiting
from tasks.models import Delivery, Reader
from tasks.records import Ring, Step
from tasks.round.context import Context
from tasks.round.delivering import deliver
from tasks.store import deliveries, readers, suppressions
from tasks.store.database import Database
from workers.web import app
from workers.web.guard import HEADERS
from workers.web.page import COOKIE

ADA = "ada@readers.example"
LINK = re.compile(r"http://[^/\s]+/((?:confirm|in)/[A-Za-z0-9_-]{43})")
FROM_ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
)


@pytest.fixture
def context(sqlite_url: str, settings: Any, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def web(context: Context) -> Iterator[TestClient]:
    with client(context) as browser:
        yield browser


def everything(context: Context) -> dict[str, list[str]]:
    """All rows of all tables."""
    with context.database.engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(table.select())))
            for table in SQLModel.metadata.sorted_tables
        }


def link(context: Context, text: str = "") -> str:
    """The path of the link in that text, else in the newest letter."""
    found = LINK.search(text or newest_letter(context))
    assert found
    return f"/{found[1]}"


def newest_letter(context: Context) -> str:
    with context.database.read() as session:
        bodies = session.exec(select(Delivery.body).order_by(Delivery.id)).all()  # type: ignore[arg-type]
    part = message_from_bytes(bodies[-1], policy=policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def letters(context: Context) -> int:
    with context.database.read() as session:
        return len(session.exec(select(Delivery.id)).all())


def only_reader(context: Context) -> Reader:
    with context.database.read() as session:
        return Reader(**session.exec(select(Reader)).one().model_dump())


def secret_of(answer: Response) -> str:
    """The visit's secret that an answer sets as a cookie, which has all that such a one needs."""
    [header] = answer.headers.get_list("set-cookie")
    cookie = SimpleCookie(header)[COOKIE]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["path"], cookie["samesite"].lower(), cookie["domain"]) == ("/", "lax", "")
    return cookie.value


def add_ada(context: Context, **changes: Any) -> int:
    with context.database.write() as session:
        return add_reader(session, context.clock(), ADA, **changes)


def ask_to_sign_in(context: Context, web: TestClient) -> str:
    assert web.post("/sign-in", data={"email": ADA}).status_code == 200
    return link(context)


# --- subscribing ---------------------------------------------------------------------------------
def test_from_an_address_to_the_first_page_of_ones_own(context: Context, web: TestClient) -> None:
    assert 'name="zone"' in web.get("/subscribe").text
    sent = web.post("/subscribe", data={"email": ADA, "zone": "Europe/Rome"})
    assert (sent.status_code, ADA in sent.text) == (200, True)
    path = link(context)
    before = everything(context)
    door = web.get(path)
    assert web.head(path).status_code == door.status_code == 200
    assert "Confirm a…@readers.example" in door.text
    assert ADA not in door.text
    assert door.text.count("<button") == 1
    assert everything(context) == before
    assert only_reader(context).state == "pending"

    entered = web.post(path)
    assert (entered.status_code, entered.headers["location"]) == (303, "/my/start")
    found = visiting.visitor(context, secret_of(entered))
    assert found is not None
    assert (found.scope, found.reader.state, found.reader.timezone) == (
        "full",
        "active",
        "Europe/Rome",
    )
    assert "Max-Age=2592000" in entered.headers["set-cookie"]


def test_a_link_that_confirmed_says_so_and_shows_the_ways_on(
    context: Context, web: TestClient
) -> None:
    web.post("/subscribe", data={"email": ADA})
    path = link(context)
    web.post(path)
    before = everything(context)
    for answer in (web.get(path), web.post(path), web.get("/confirm/none"), web.post("/confirm/x")):
        assert answer.status_code == 410
        assert 'href="/subscribe"' in answer.text
        assert 'href="/sign-in"' in answer.text
        assert "set-cookie" not in answer.headers
    assert everything(context) == before


def test_a_link_to_confirm_is_over_after_a_week(
    context: Context, web: TestClient, clock: Any
) -> None:
    web.post("/subscribe", data={"email": ADA})
    path = link(context)
    clock.moment += timedelta(days=7)
    assert [web.get(path).status_code, web.post(path).status_code] == [410, 410]
    assert only_reader(context).state == "pending"


def test_the_answer_tells_nothing_about_an_address(context: Context, web: TestClient) -> None:
    answers = [web.post("/subscribe", data={"email": ADA})]
    for state in ("pending", "active", "paused", "unsubscribed"):
        with context.database.write() as session:
            readers.change(session, only_reader(context).id, state=state)
        answers.append(web.post("/subscribe", data={"email": ADA}))
    with context.database.write() as session:
        hidden = subscribing.hidden_for_ever(context, ADA)
        suppressions.add(session, hidden, context.clock())
    answers.append(web.post("/subscribe", data={"email": ADA}))
    answers.append(web.post("/subscribe", data={"email": ADA, "website": "https://spam.example"}))
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (200, answers[0].text),
    }


def test_who_fills_the_field_that_nobody_sees_gets_the_answer_and_no_more(
    context: Context, web: TestClient
) -> None:
    before = everything(context)
    answer = web.post("/subscribe", data={"email": ADA, "website": "x"})
    assert "Look in your mailbox" in answer.text
    assert everything(context) == before


@pytest.mark.parametrize("path", ["/subscribe", "/sign-in"])
@pytest.mark.parametrize("typed", ["", "ada", "ada@", "a b@x.example", '"><script>x</script>@'])
def test_what_is_no_address_comes_back_with_the_field_marked(
    context: Context, web: TestClient, path: str, typed: str
) -> None:
    before = everything(context)
    answer = web.post(path, data={"email": typed})
    assert answer.status_code == 422
    assert 'aria-invalid="true" aria-describedby="wrong"' in " ".join(answer.text.split())
    assert 'id="wrong"' in answer.text
    assert f'value="{html.escape(typed).replace("&quot;", "&#34;")}"' in answer.text
    assert "<script>x" not in answer.text
    assert everything(context) == before


def test_a_form_without_its_field_is_asked_for_again(web: TestClient) -> None:
    assert web.post("/subscribe").status_code == 422
    assert web.post("/sign-in").status_code == 422


def test_an_address_is_shown_as_it_was_typed_and_as_text(web: TestClient) -> None:
    answer = web.post("/subscribe", data={"email": "o'hara+x&y@readers.example"})
    assert answer.status_code == 200
    assert "o&#39;hara+x&amp;y@readers.example" in answer.text


def test_ten_an_hour_from_one_net_and_then_a_while_to_wait(context: Context) -> None:
    with client(context) as web:
        codes = [
            web.post(
                "/subscribe",
                data={"email": f"r{n}@readers.example"},
                headers={"X-Forwarded-For": f"198.51.100.{n}"},  # anybody may write this
            ).status_code
            for n in range(10)
        ]
        assert codes == [200] * 10
        answer = web.post("/subscribe", data={"email": "r10@readers.example"})
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3601"
    assert "Try again in about 1 hour." in answer.text
    assert letters(context) == 10


def test_behind_a_trusted_proxy_each_net_counts_alone(context: Context) -> None:
    with client(context, trusted_proxies="127.0.0.0/8") as web:
        codes = {
            web.post(
                "/subscribe",
                data={"email": f"r{n}@readers.example"},
                headers={"X-Forwarded-For": f"198.51.100.{n}"},
            ).status_code
            for n in range(12)
        }
    assert codes == {200}


def test_a_hundred_asks_for_one_address_are_one_mail(context: Context, web: TestClient) -> None:
    codes = {web.post("/subscribe", data={"email": ADA}).status_code for _ in range(100)}
    assert codes == {200, 429}
    assert letters(context) == 1


def test_the_workers_are_woken_for_the_mail(context: Context, settings: Any) -> None:
    rung: list[Ring] = []
    given = settings.model_copy(update={"database_url": _secret(context)})
    made = app.make_app(given, clock=context.clock, ring=rung.extend)
    with TestClient(made, "http://localhost", headers={"Sec-Fetch-Site": "same-origin"}) as web:
        web.post("/subscribe", data={"email": ADA})
        web.post("/sign-in", data={"email": ADA})
    assert rung[0] == Ring(Step.DELIVER, 1, 1)
    assert len(rung) == 2


def _secret(context: Context) -> Any:
    return type(context.settings)(database_url=context.database.url).database_url  # type: ignore[arg-type]


def test_the_folder_of_mails_is_named_at_the_machine_itself_alone(context: Context) -> None:
    asked = {"email": ADA}
    with client(context) as web:
        assert str(context.settings.mailbox) in web.post("/subscribe", data=asked).text
        passed_on = web.post("/subscribe", data=asked, headers={"X-Forwarded-For": "192.0.2.1"})
        assert str(context.settings.mailbox) not in passed_on.text
    smtp = type(context.settings)(smtp_url="smtp://mail.example")  # type: ignore[arg-type]
    for changes in ({"smtp_url": smtp.smtp_url}, {"base_url": "https://papers.example.org"}):
        with client(context, **changes) as web:
            answer = web.post("/subscribe", data=asked)
        assert answer.status_code == 200
        assert str(context.settings.mailbox) not in answer.text


def test_the_letter_can_be_opened_at_the_machine_itself(context: Context, web: TestClient) -> None:
    sent = web.post("/subscribe", data={"email": ADA}).text
    [mails] = re.findall(r'href="(/mails\?[^"]+)"', sent)
    deliver(context, 1, 1, context.clock())
    with context.database.write() as session:
        deliveries.forget_letters(session, context.clock())
    listed = web.get(mails).text
    assert f"to {ADA}" in listed
    [letter] = re.findall(r'href="(/mails/[^"]+letter[^"]+)"', listed)
    assert link(context, web.get(letter).text) in web.get(f"{letter}/html").text
    (context.settings.mailbox / "new" / letter.removeprefix("/mails/")).unlink()
    assert web.get(letter).status_code == 404


def test_a_stranger_is_answered_and_written_to_in_the_browsers_language(
    context: Context, web: TestClient
) -> None:
    answer = web.post("/subscribe", data={"email": ADA}, headers={"Accept-Language": "de"})
    assert '<html lang="de">' in answer.text
    assert only_reader(context).language == "de"
    web.post("/subscribe", data={"email": "bo@readers.example", "zone": "x" * 500})
    with context.database.read() as session:
        found = readers.by_email(session, "bo@readers.example")
    assert found is not None
    assert (found.language, found.timezone) == ("en", "UTC")


# --- signing in ----------------------------------------------------------------------------------
def test_a_mailed_link_signs_in_once(context: Context, web: TestClient) -> None:
    key = add_ada(context)
    path = ask_to_sign_in(context, web)
    assert path.startswith("/in/")
    before = everything(context)
    assert "Sign in as a…@readers.example" in web.get(path).text
    assert web.head(path).status_code == 200
    assert everything(context) == before
    entered = web.post(path)
    assert (entered.status_code, entered.headers["location"]) == (303, "/my")
    found = visiting.visitor(context, secret_of(entered))
    assert found is not None
    assert (found.reader.id, found.scope) == (key, "full")
    for answer in (web.get(path), web.post(path), web.get("/in/x")):
        assert answer.status_code == 410
        assert 'href="/sign-in"' in answer.text


def test_a_link_to_sign_in_is_over_after_half_an_hour(
    context: Context, web: TestClient, clock: Any
) -> None:
    add_ada(context)
    path = ask_to_sign_in(context, web)
    clock.moment += timedelta(minutes=30)
    assert [web.get(path).status_code, web.post(path).status_code] == [410, 410]


def test_asking_for_a_link_tells_nothing_about_an_address(
    context: Context, web: TestClient
) -> None:
    unknown = web.post("/sign-in", data={"email": ADA})
    assert letters(context) == 0
    add_ada(context)
    known = web.post("/sign-in", data={"email": ADA})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)


def test_each_link_opens_its_own_door_alone(context: Context, web: TestClient) -> None:
    add_ada(context)
    sign_in = ask_to_sign_in(context, web).removeprefix("/in/")
    web.post("/subscribe", data={"email": "bo@readers.example"})
    confirm = link(context).removeprefix("/confirm/")
    before = everything(context)
    for path in (f"/confirm/{sign_in}", f"/in/{confirm}", f"/tune/{confirm}", f"/tune/{sign_in}"):
        assert [web.get(path).status_code, web.post(path).status_code] == [410, 410], path
    flipped = confirm[:-1] + ("A" if confirm[-1] != "A" else "B")
    assert web.post(f"/confirm/{flipped}").status_code == 410
    assert everything(context) == before


def test_who_gets_in_gets_a_new_cookie_and_the_old_visit_ends(context: Context) -> None:
    key = add_ada(context)
    with signed_in(context, key) as web:
        old = web.headers["Cookie"].partition("=")[2]
        new = secret_of(web.post(ask_to_sign_in(context, web)))
    assert new != old
    assert visiting.visitor(context, old) is None
    assert visiting.visitor(context, new) is not None


def test_a_cookie_that_somebody_planted_never_becomes_a_visit(
    context: Context, web: TestClient
) -> None:
    add_ada(context)
    planted = "A" * 43
    web.headers["Cookie"] = f"{COOKIE}={planted}"
    new = secret_of(web.post(ask_to_sign_in(context, web)))
    assert new != planted
    assert visiting.visitor(context, planted) is None


def test_a_visitor_may_ask_for_a_fresh_link_without_typing(context: Context) -> None:
    key = add_ada(context)
    with signed_in(context, key, "tune") as web:
        answer = web.post("/sign-in")
        assert answer.status_code == 200
        assert "a…@readers.example" in answer.text
        assert ADA not in answer.text
        assert web.get(link(context)).status_code == 200


@pytest.mark.parametrize("typed", ["", "Ada@Readers.example", "ada@elsewhere.example"])
def test_a_visitor_s_own_address_has_limits_of_its_own(context: Context, typed: str) -> None:
    key = add_ada(context)
    with client(context) as stranger, signed_in(context, key, "tune") as web:
        for _ in range(2):
            assert stranger.post("/sign-in", data={"email": ADA}).status_code == 200
        assert letters(context) == 1
        assert web.post("/sign-in", data={"email": typed}).status_code == 200
    assert letters(context) == (1 if "elsewhere" in typed else 2)


def test_signing_out_ends_the_visit_and_takes_the_cookie(context: Context) -> None:
    key = add_ada(context)
    with signed_in(context, key) as web:
        secret = web.headers["Cookie"].partition("=")[2]
        answer = web.post("/sign-out")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert secret_of(answer) == ""
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert visiting.visitor(context, secret) is None
        assert web.get("/my/start").headers["location"] == "/sign-in"
    with client(context) as stranger:
        assert stranger.post("/sign-out").status_code == 303


# --- a digest's link to the preferences ----------------------------------------------------------
def tune_mark(context: Context, key: int, days_ago: int = 0) -> str:
    with context.database.read() as session:
        reader = readers.get(session, key)
    day = context.clock().date().toordinal() - days_ago
    return context.seal.mark("tune", key, day, epoch=reader.epoch)


def test_a_digests_link_opens_the_preferences_for_a_day(
    context: Context, web: TestClient, clock: Any
) -> None:
    path = f"/tune/{tune_mark(context, add_ada(context), 30)}"
    before = everything(context)
    assert "a…@readers.example" in web.get(path).text
    assert web.head(path).status_code == 200
    assert everything(context) == before
    entered = web.post(path)
    assert (entered.status_code, entered.headers["location"]) == (303, "/my/preferences")
    secret = secret_of(entered)
    found = visiting.visitor(context, secret)
    assert found is not None
    assert found.scope == "tune"
    clock.moment += timedelta(days=1)
    assert visiting.visitor(context, secret) is None
    assert web.get(path).status_code == web.post(path).status_code == 410


def test_who_signed_in_by_a_fresh_link_keeps_what_it_opens(context: Context) -> None:
    ada = add_ada(context)
    with context.database.write() as session:
        bo = add_reader(session, context.clock(), "bo@readers.example")
    with signed_in(context, ada) as web:
        own = web.post(f"/tune/{tune_mark(context, ada)}")
        assert (own.headers["location"], "set-cookie" in own.headers) == ("/my/preferences", False)
        found = visiting.visitor(context, secret_of(web.post(f"/tune/{tune_mark(context, bo)}")))
    assert found is not None
    assert (found.reader.id, found.scope) == (bo, "tune")


# --- whoever asks --------------------------------------------------------------------------------
def unsafe_routes() -> list[tuple[str, str]]:
    """Every route of every face that may change something, as method and a path that it answers."""
    return [
        (method, re.sub(r"\{[^}]+\}", "1", route.path))
        for face in app.FACES
        for route in face.router.routes
        for method in sorted(getattr(route, "methods", None) or ())
        if method not in ("GET", "HEAD", "OPTIONS")
    ]


def test_no_other_site_can_send_a_form_of_ours(context: Context) -> None:
    key = add_ada(context)
    routes = unsafe_routes()
    assert len(routes) > 20
    assert ("POST", "/subscribe") in routes
    before = None
    with signed_in(context, key) as web:
        del web.headers["Sec-Fetch-Site"]
        before = everything(context)
        for method, path in routes:
            expected = (
                404 if path == "/u/1" else 403
            )  # the one click of mail programs, and nobody's
            for headers in (*FROM_ELSEWHERE, {}, {"Origin": "null"}):
                answer = web.request(method, path, headers=headers)
                assert answer.status_code == expected, (method, path, headers)
    assert everything(context) == before


def test_the_pages_are_behind_the_guard_and_are_kept_by_nobody(
    context: Context, web: TestClient
) -> None:
    add_ada(context)
    path = ask_to_sign_in(context, web)
    for answer in (web.get("/subscribe"), web.get("/sign-in"), web.get(path), web.post(path)):
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
