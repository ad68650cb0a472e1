"""The way out: opening it changes nothing, one click leaves, and undo brings back."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi.testclient import TestClient
from papers import add_folder, add_reader, api_json, entry
from sqlmodel import SQLModel, select

from tasks import models
from tasks.desk.addresses import masked
from tasks.desk.limits import EACH_FRESH
from tasks.desk.subscribing import sign_in_link
from tasks.records import Ring, Step
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import digests, readers
from workers.web.app import make_app
from workers.web.guard import HEADERS

BASE = "https://papers.example.org"
ADA = "ada@readers.example"
ONE_CLICK = {
    "content": b"List-Unsubscribe=One-Click",
    "headers": {
        "Content-Type": "application/x-www-form-urlencoded",
        "Sec-Fetch-Site": "cross-site",
        "Origin": "https://mail.example",
    },
}
FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin", "Origin": BASE}
GONE = "You will get no more digests"
STOP = "Stop my digests"
ACTS = ("undo", "pause", "link")


@pytest.fixture
def public(context: Context, now: datetime) -> Iterator[Context]:
    """The context of a public web face, with one reader."""
    url = Settings(database_url=context.database.url).database_url  # type: ignore[arg-type]
    changes = {"base_url": BASE, "host": "0.0.0.0", "database_url": url}
    with context.database.write() as session:
        add_reader(session, now, ADA, terms=["sparse attention"])
    opened = replace(context, settings=context.settings.model_copy(update=changes))
    yield opened
    opened.close()


@pytest.fixture
def web(public: Context) -> Iterator[TestClient]:
    """A stranger's browser, or a mail provider's server."""
    app = make_app(public.settings, clock=public.clock)
    with TestClient(app, BASE, follow_redirects=False, client=("203.0.113.9", 50_000)) as browser:
        yield browser


@pytest.fixture
def way(public: Context) -> str:
    """The path of the reader's way out."""
    return f"/u/{row(public).token}"


def row(context: Context) -> models.Reader:
    with context.database.read() as session:
        found = session.exec(select(models.Reader).where(models.Reader.email == ADA)).one()
        return models.Reader(**found.model_dump())


def put(context: Context, **changes: object) -> None:
    with context.database.write() as session:
        found = session.exec(select(models.Reader).where(models.Reader.email == ADA)).one()
        for name, value in changes.items():
            setattr(found, name, value)


def everything(context: Context) -> dict[str, list[str]]:
    """All rows of all tables."""
    with context.database.engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(table.select())))
            for table in SQLModel.metadata.sorted_tables
        }


def add_pages(context: Context, now: datetime, folder: Path) -> None:
    """Ten saved papers, two of them for the reader, and a source that reads them."""
    folder.mkdir()
    (folder / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    with context.database.write() as session:
        add_folder(session, folder, now)


def links_to_us(context: Context) -> set[str]:
    """Every link of the only mail that leads to our pages: in its headers and both bodies."""
    with context.database.read() as session:
        body = session.exec(select(models.Delivery.body)).one()
    mail = message_from_bytes(body, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    texts = [str(value) for value in mail.values()]
    texts += [unescape(str(part.get_content())) for part in mail.iter_parts()]
    return {link for text in texts for link in re.findall(rf'{BASE}[^\s<>"]*', text)}


# --- opening it ----------------------------------------------------------------------------------
def test_opening_every_link_of_a_mail_changes_nothing_and_finds_a_page(
    public: Context, web: TestClient, way: str, now: datetime, tmp_path: Path
) -> None:
    add_pages(public, now, tmp_path / "pages")
    run_once(public, now)
    before = everything(public)
    links = links_to_us(public)
    assert BASE + way in links
    for link in links:
        for method in ("GET", "HEAD"):
            assert web.request(method, link).status_code == 200
    assert everything(public) == before
    assert before["reader"]
    assert before["delivery"]


def test_the_page_says_whose_digests_without_telling_the_address(web: TestClient, way: str) -> None:
    text = web.get(way).text
    assert "a…@readers.example" in text
    assert ADA not in text
    assert text.count("<button") == text.count("<form") == 1
    assert f'<form method="post" action="{way}">' in text
    assert STOP in text


@pytest.mark.parametrize(
    ("address", "shown"),
    [("ada@x.example", "a…@x.example"), ("a@x.example", "a…@x.example"), ('"@"@x', '"…@x')],
)
def test_an_address_is_masked_to_its_first_letter(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_the_pages_are_behind_the_guard_and_are_kept_by_nobody(web: TestClient, way: str) -> None:
    for answer in (web.get(way), web.post(way), web.post(f"{way}/undo", headers=FROM_OUR_PAGE)):
        assert answer.status_code == 200
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Strict-Transport-Security"]
        assert "Set-Cookie" not in answer.headers
    assert web.get(way, headers={"Host": "evil.example"}).status_code == 400
    assert web.post(way, headers={"Host": "evil.example"}).status_code == 400


# --- leaving -------------------------------------------------------------------------------------
def test_one_click_of_a_mail_program_leaves(public: Context, web: TestClient, way: str) -> None:
    answer = web.post(way, **ONE_CLICK)  # type: ignore[arg-type]
    assert (answer.status_code, answer.history) == (200, [])
    assert "Cookie" not in answer.request.headers
    assert GONE in answer.text
    assert row(public).state == "unsubscribed"


def test_the_button_of_the_page_leaves_and_only_this_reader(
    public: Context, web: TestClient, way: str, now: datetime
) -> None:
    with public.database.write() as session:
        add_reader(session, now, "bo@readers.example")
    answer = web.post(way, headers=FROM_OUR_PAGE)
    assert GONE in answer.text
    assert f'<form method="post" action="{way}/undo">' in answer.text
    with public.database.read() as session:
        assert [reader.email for reader in readers.active(session)] == ["bo@readers.example"]


def test_leaving_again_says_the_same_and_the_link_offers_the_way_back(
    public: Context, web: TestClient, way: str
) -> None:
    first = web.post(way, **ONE_CLICK)  # type: ignore[arg-type]
    before = everything(public)
    second = web.post(way, **ONE_CLICK)  # type: ignore[arg-type]
    assert (second.status_code, second.text) == (200, first.text)
    assert everything(public) == before
    assert web.get(way).text == first.text


def test_a_mail_that_waits_is_not_sent_to_a_reader_who_left(
    public: Context, web: TestClient, way: str, now: datetime, tmp_path: Path
) -> None:
    add_pages(public, now, tmp_path / "pages")
    left = []

    def leave(ring: Ring) -> None:
        if ring.step is Step.DELIVER:
            left.append(web.post(way, **ONE_CLICK).status_code)  # type: ignore[arg-type]

    run_once(public, now, leave)
    assert left == [200]
    with public.database.read() as session:
        [mail] = digests.rows(session)
    assert mail["delivery"] == "suppressed"
    assert not list(public.settings.mailbox.glob("new/*"))
    run_once(public, now + timedelta(days=1))
    with public.database.read() as session:
        assert len(digests.rows(session)) == 1, "nothing is made for the next day"


# --- coming back ---------------------------------------------------------------------------------
def test_undo_brings_the_digests_back_at_the_next_hour(
    public: Context, web: TestClient, way: str
) -> None:
    web.post(way)
    answer = web.post(f"{way}/undo", headers=FROM_OUR_PAGE)
    assert answer.status_code == 200
    assert "Your digests go on" in answer.text
    assert "on Saturday 21 November, about 07:00 (UTC)" in answer.text
    assert STOP in answer.text
    back = row(public)
    assert (back.state, back.next_digest_at) == ("active", datetime(2026, 11, 21, 7, tzinfo=UTC))
    assert web.post(f"{way}/undo", headers=FROM_OUR_PAGE).text == answer.text
    assert STOP in web.get(way).text


@pytest.mark.parametrize(
    ("state", "words"), [("active", "Your digests go on"), ("paused", "Stop your digests?")]
)
def test_undo_changes_nothing_for_a_reader_who_never_left(
    public: Context, web: TestClient, way: str, state: str, words: str
) -> None:
    put(public, state=state)
    before = everything(public)
    assert words in web.post(f"{way}/undo", headers=FROM_OUR_PAGE).text
    assert everything(public) == before


OURS: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": BASE},
    {"Origin": "http://localhost:8780", "Host": "localhost:8780"},
    {"Origin": BASE, "Host": "127.0.0.1:8780"},  # a proxy that writes its own name
)
NOT_OURS: tuple[dict[str, str], ...] = (
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": BASE},
    {"Origin": "https://evil.example"},
    {"Origin": f"{BASE}.evil.example"},
    {"Origin": f"{BASE}:444"},
    {"Origin": "null"},
    {"Origin": ""},
)


def test_undo_is_for_our_own_page_alone(public: Context, web: TestClient, way: str) -> None:
    for headers in NOT_OURS:
        put(public, state="unsubscribed")
        answer = web.post(f"{way}/undo", headers=headers)
        assert (answer.status_code, "Not from there" in answer.text) == (403, True), headers
        assert row(public).state == "unsubscribed", headers
    for headers in OURS:
        put(public, state="unsubscribed")
        assert web.post(f"{way}/undo", headers=headers).status_code == 200, headers
        assert row(public).state == "active", headers


def test_without_a_base_url_a_foreign_origin_is_refused_too(public: Context, way: str) -> None:
    settings = public.settings.model_copy(update={"base_url": ""})
    with TestClient(make_app(settings, clock=public.clock), "http://localhost") as browser:
        for origin in ("null", "", "https://", "https://evil.example"):
            assert browser.post(f"{way}/undo", headers={"Origin": origin}).status_code == 403


# --- what is offered in place of leaving --------------------------------------------------------
def test_who_left_may_pause_instead(public: Context, web: TestClient, way: str) -> None:
    left = web.post(way).text
    days = re.findall(r'name="until"\s+value="([0-9-]+)"', left)
    assert days == ["2026-12-04", "2026-12-20"]
    assert 'min="2026-11-21"' in left
    answer = web.post(f"{way}/pause", data={"until": days[0]}, headers=FROM_OUR_PAGE)
    assert answer.status_code == 200
    assert "until Friday 4 December 2026" in answer.text
    paused = row(public)
    assert (paused.state, paused.back_on) == ("paused", date(2026, 12, 4))
    assert (
        web.post(f"{way}/pause", data={"until": days[0]}, headers=FROM_OUR_PAGE).text == answer.text
    )
    assert STOP in web.get(way).text


@pytest.mark.parametrize(
    "until", ["", "soon", "2026-11-20", "2026-11-19", "2027-11-22", "0001-01-01"]
)
def test_a_day_that_is_none_changes_nothing_and_is_marked(
    public: Context, web: TestClient, way: str, until: str
) -> None:
    web.post(way)
    before = everything(public)
    answer = web.post(f"{way}/pause", data={"until": until}, headers=FROM_OUR_PAGE)
    assert answer.status_code == 422
    assert GONE in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert everything(public) == before


def test_nobody_who_never_confirmed_can_pause(public: Context, web: TestClient, way: str) -> None:
    put(public, state="pending")
    before = everything(public)
    answer = web.post(f"{way}/pause", data={"until": "2026-12-04"}, headers=FROM_OUR_PAGE)
    assert answer.status_code == 422
    assert everything(public) == before


def test_to_delete_everything_a_link_goes_to_the_mailbox(
    public: Context, web: TestClient, way: str
) -> None:
    web.post(way)
    answer = web.post(f"{way}/link", headers=FROM_OUR_PAGE)
    assert answer.status_code == 200
    assert "a…@readers.example" in answer.text
    assert ADA not in answer.text
    with public.database.read() as session:
        letter = session.exec(select(models.Delivery)).one()
        assert (letter.letter, letter.recipient) == ("sign-in", ADA)


def test_who_holds_a_mail_is_not_shut_out_by_strangers(
    public: Context, web: TestClient, way: str
) -> None:
    for number in range(4):
        sign_in_link(public, ADA, net=f"192.0.2.{number}")
    for _ in range(EACH_FRESH.most):
        assert web.post(f"{way}/link", headers=FROM_OUR_PAGE).status_code == 200
    with public.database.read() as session:
        assert len(session.exec(select(models.Delivery)).all()) == 1 + EACH_FRESH.most
    refused = web.post(f"{way}/link", headers=FROM_OUR_PAGE)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1801")


def test_a_reader_whose_zone_is_unknown_here_can_leave(
    public: Context, web: TestClient, way: str
) -> None:
    put(public, timezone="Nowhere/At_all")
    assert GONE in web.post(way).text


# --- strangers -----------------------------------------------------------------------------------
def test_a_token_that_is_nobodys_gets_the_small_page(
    public: Context, web: TestClient, way: str
) -> None:
    before, token = everything(public), way.removeprefix("/u/")
    strange = ["", "x" * len(token), token[:-1], token + "x", token.swapcase(), token * 100]
    strange += ["%00", token + "%0A", token + "%2F", "%25", "%27%20OR%201=1--", "ü"]
    for path in (f"/u/{word}" for word in strange):
        answers = [web.get(path), web.post(path, **ONE_CLICK)]  # type: ignore[arg-type]
        answers += [web.post(f"{path}/{act}", headers=FROM_OUR_PAGE) for act in ACTS]
        assert [answer.status_code for answer in answers] == [404] * 5, path
        assert all("No such page" in answer.text for answer in answers), path
    assert everything(public) == before


def test_nothing_else_is_answered(public: Context, web: TestClient, way: str) -> None:
    before = everything(public)
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert web.request(method, way).status_code == 405
        answer = web.request(method, f"{way}/undo", headers=FROM_OUR_PAGE)
        assert answer.status_code == 405
    for act in ACTS:
        assert web.get(f"{way}/{act}").status_code == 405
    assert everything(public) == before


def test_the_body_of_the_one_click_is_never_read(
    public: Context, web: TestClient, way: str
) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("a body was asked for")

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"papers.example.org"), (b"content-length", b"6000000")]
    scope = {"type": "http", "http_version": "1.1", "scheme": "https", "method": "POST"} | {
        "path": way, "raw_path": way.encode(), "root_path": "", "query_string": b"",
        "headers": headers, "client": ("203.0.113.9", 1), "server": ("127.0.0.1", 8780),
    }  # fmt: skip
    anyio.run(web.app, scope, receive, send)
    assert sent[0]["status"] == 200
    assert row(public).state == "unsubscribed"


def test_a_token_is_never_logged(
    web: TestClient, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for path in (way, f"{way}x"):
        web.get(path)
        web.post(path)
        for act in ACTS:
            web.post(f"{path}/{act}", headers=FROM_OUR_PAGE)
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    assert not [record for record in ours if way[3:] in record.getMessage()]
