"""The pages of an admin's hands: who may press what, what each says, and what stays private."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from browsing import as_admin, client
from fastapi.testclient import TestClient
from handled import FEED, HOSTILE, troubled
from papers import add_page, add_reader, add_source
from sqlmodel import select

import templates
from tasks import models
from tasks.office import deliveries, sources
from tasks.records import Ring, Step
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import audit
from tasks.store import readers as store_readers
from tasks.store.database import Database
from tasks.store.delivery_rows import Wanted
from workers.web import app as web

POSTED = re.compile(r'<form[^>]* method="post"[^>]* action="([^"]*)"')
MARK = re.compile(r'name="mark" value="([^"]*)"')


@pytest.fixture
def context(sqlite_url: str, settings: Settings, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def house_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return troubled(migrated_file, tmp_path_factory.mktemp("house"))


@pytest.fixture
def house(context: Context, house_file: Path) -> Context:
    """The context in that house."""
    shutil.copy(house_file, context.database.url.removeprefix("sqlite:///"))
    return context


LOOKS = (
    "/admin/sources",
    "/admin/sources/new",
    "/admin/sources/feed",
    "/admin/sources/hand%2Fmade",
    "/admin/pages",
    "/admin/pages?source=feed&state=quarantined",
    "/admin/pages/1",
    "/admin/pages/4",
    "/admin/pages/4/raw",
    "/admin/readers",
    "/admin/readers?q=1",
    "/admin/readers/1",
    "/admin/dead",
    "/admin/dead?kind=page&days=0",
    "/admin/dead/page/4",
    "/admin/dead/delivery/3",
    "/admin/deliveries",
    "/admin/deliveries?state=unsure&day=2026-11-20&reader=2",
    "/admin/deliveries/1",
    "/admin/deliveries/2",
    "/admin/preview",
    "/admin/preview?mail=confirm",
    "/admin/preview/html",
    "/admin/settings",
)
ACTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/admin/sources", {}),
    ("/admin/sources/new", {"do": "add", "kind": "feed", "address": FEED, "name": "n"}),
    ("/admin/sources/new", {"do": "try", "kind": "feed", "address": FEED}),
    ("/admin/sources/feed", {"do": "pause", "was": "active"}),
    ("/admin/sources/feed", {"do": "try"}),
    ("/admin/sources/feed", {"do": "fetch"}),
    ("/admin/pages/4", {}),
    ("/admin/readers/1", {"do": "suppress"}),
    ("/admin/readers/1", {"do": "pause"}),
    ("/admin/dead/page/4", {"do": "retry"}),
    ("/admin/dead/all", {"do": "drop", "mark": "0-x"}),
    ("/admin/deliveries/2", {"do": "arrived", "why": "log"}),
    ("/admin/deliveries/unsure", {"do": "again", "why": "log", "mark": "0-x"}),
)


def everything(context: Context) -> str:
    """All rows, but for the visits that tests make."""
    with context.database.read() as session:
        names = [t for t in models.SQLModel.metadata.sorted_tables if "visit" not in t.name]
        return repr([(t.name, session.execute(t.select()).all()) for t in names])


def acts(context: Context) -> list[str]:
    with context.database.read() as session:
        found = audit.rows(session, 50)
    return [f"{act.who}: {act.action}: {act.subject}" for act in reversed(found)]


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Ring]:
    """What the pages wake."""
    heard: list[Ring] = []
    made = web.make_app

    def make(*args: Any, **kwargs: Any) -> Any:
        return made(*args, **{"ring": heard.extend} | kwargs)

    monkeypatch.setattr(web, "make_app", make)
    return heard


# --- who may -------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", ["viewer", "operator", "owner"])
def test_every_admin_may_look_and_looking_changes_nothing(house: Context, role: str) -> None:
    browser = as_admin(house, role)
    before = everything(house)
    for path in LOOKS:
        answer = browser.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text[:300]}"
        assert HOSTILE not in answer.text or path.endswith("/raw"), path
        assert browser.head(path).status_code == 200, path
    assert everything(house) == before


def test_who_has_not_signed_in_is_led_to_the_door(house: Context) -> None:
    stranger = client(house)
    before = everything(house)
    for path in (*LOOKS, "/admin/dead/all?do=retry", "/admin/deliveries/unsure"):
        answer = stranger.get(path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/admin/sign-in")
    for path, fields in ACTS:
        assert stranger.post(path, data=fields).status_code == 401, path
    assert everything(house) == before


def test_a_viewer_is_refused_every_act_and_shown_no_button(house: Context) -> None:
    viewer = as_admin(house, "viewer")
    before = everything(house)
    for path, fields in ACTS:
        answer = viewer.post(path, data=fields)
        assert answer.status_code == 403, path
        assert "operator" in answer.text
    for path in ("/admin/dead/all?do=retry", "/admin/deliveries/unsure"):
        assert viewer.get(path).status_code == 403
    assert everything(house) == before
    for path in LOOKS:
        forms = {*POSTED.findall(viewer.get(path).text)} - {"/admin/sign-out"}
        assert not forms, path


def test_no_other_sites_form_acts(house: Context) -> None:
    operator = as_admin(house, "operator")
    before = everything(house)
    for path, fields in ACTS:
        answer = operator.post(path, data=fields, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403, path
    assert everything(house) == before


def test_a_viewer_sees_no_address_and_no_admin_sees_a_readers_papers(house: Context) -> None:
    for role in ("viewer", "owner"):
        browser = as_admin(house, role)
        for path in LOOKS:
            if path.startswith(("/admin/readers", "/admin/deliveries", "/admin/dead")):
                text = browser.get(path).text
                assert "Study" not in text, path
                assert "private matter" not in text, path
                assert role == "owner" or not re.search(r"(ada|r\d)@readers", text), path
    owner = as_admin(house, "owner")
    assert "ada@readers.example" in owner.get("/admin/readers?q=ada").text
    asked = as_admin(house, "viewer").get("/admin/readers?q=ada")
    assert asked.status_code == 422
    assert "searched by operators" in asked.text


@pytest.mark.parametrize(
    "path",
    [
        "/admin/sources/nothing",
        "/admin/sources/",
        "/admin/pages/99",
        "/admin/pages/99/raw",
        "/admin/readers/99",
        "/admin/deliveries/99",
        "/admin/dead/page/1",
        "/admin/dead/cat/1",
    ],
)
def test_what_is_not_there_is_said_to_be_so(house: Context, path: str) -> None:
    assert as_admin(house).get(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/admin/pages/0",
        "/admin/readers/9999999999999999999999",
        "/admin/dead?after=x",
        "/admin/dead?days=-1",
        "/admin/deliveries?reader=x",
        "/admin/preview?mail=" + "x" * 99,
    ],
)
def test_what_makes_no_sense_is_refused(house: Context, path: str) -> None:
    assert as_admin(house).get(path).status_code == 400


# --- sources -------------------------------------------------------------------------------------
def test_a_source_is_added_paused_and_brought_back(house: Context, rung: list[Ring]) -> None:
    browser = as_admin(house, "operator")
    fields = {"do": "add", "kind": "arxiv", "address": "cs.CL", "name": "cl"}
    added = browser.post("/admin/sources/new", data=fields)
    assert added.headers["location"] == "/admin/sources/cl?said=added"
    assert "the workers fetch it now" in browser.get(added.headers["location"]).text
    assert [ring.step for ring in rung] == [Step.FETCH]
    for do, was in (("pause", "active"), ("remove", "paused"), ("resume", "removed")):
        assert browser.post("/admin/sources/cl", data={"do": do, "was": was}).status_code == 303
    assert len(rung) == 2
    assert acts(house)[-4:] == [
        "operator: source added: source cl",
        "operator: source paused: source cl",
        "operator: source removed: source cl",
        "operator: source brought back: source cl",
    ]
    old = browser.post("/admin/sources/cl", data={"do": "remove", "was": "paused"})
    assert old.status_code == 422
    assert "is active by now" in old.text


@pytest.mark.parametrize("address", ["http://127.0.0.1/", "file:///etc/passwd", HOSTILE])
def test_a_form_that_is_wrong_says_why_and_keeps_what_was_typed(
    house: Context, address: str
) -> None:
    fields = {"kind": "feed", "address": address, "name": "kept-name"}
    for do in ("add", "try"):
        answer = as_admin(house).post("/admin/sources/new", data=fields | {"do": do})
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
        assert "kept-name" in answer.text
        assert HOSTILE not in answer.text


def test_no_folder_of_the_machine_is_named_on_a_page(house: Context) -> None:
    fields = {"kind": "folder", "address": "/etc", "name": "x"}
    for do in ("add", "try"):
        answer = as_admin(house).post("/admin/sources/new", data=fields | {"do": do})
        assert "named at the machine alone" in answer.text
    with as_admin(house) as browser:  # at its end the parser's process ends, too
        tried = browser.post("/admin/sources/folder", data={"do": "try"})
    assert "8 entries" in tried.text, "one that is there may be tried"
    assert HOSTILE not in tried.text


def test_a_schedule_is_edited_by_one_at_a_time(house: Context, rung: list[Ring]) -> None:
    browser = as_admin(house)
    shown = browser.get("/admin/sources/feed").text
    seen = re.search(r'name="seen" value="([^"]*)"', shown)
    assert seen is not None
    fields = {
        "do": "plan",
        "address": FEED,
        "every_minutes": "30",
        "days": ["1", "5"],
        "holidays": "12-24, 2026-12-31",
        "seen": seen[1].replace("&#34;", '"'),
    }
    assert browser.post("/admin/sources/feed", data=fields).headers["location"].endswith("planned")
    plan = sources.get(house, "feed").plan
    assert (plan.every_minutes, plan.days, plan.holidays) == (30, "15", ("12-24", "2026-12-31"))
    late = browser.post("/admin/sources/feed", data=fields | {"every_minutes": "45"})
    assert "was changed meanwhile" in late.text
    assert 'value="45"' in late.text, "what was typed stays"
    endless = '{"address": "", "every_minutes": 1e999, "days": "", "holidays": []}'
    for said in ("", "[]", "{", '{"address": 1}', "[" * 9000, endless):
        wrong = browser.post("/admin/sources/feed", data=fields | {"seen": said})
        assert wrong.status_code == 422
    wrong = browser.post("/admin/sources/feed", data=fields | {"holidays": "yesterday"})
    assert "&#39;yesterday&#39; is no day" in wrong.text


def test_all_sources_are_fetched_by_one_button(house: Context, rung: list[Ring]) -> None:
    answer = as_admin(house).post("/admin/sources")
    assert answer.headers["location"] == "/admin/sources?said=hurried-4"
    assert {ring.step for ring in rung} == {Step.FETCH}
    one = as_admin(house).post("/admin/sources/feed", data={"do": "fetch"})
    assert one.status_code == 303


# --- pages ---------------------------------------------------------------------------------------
def test_a_quarantined_page_says_why_and_is_parsed_again_once(
    house: Context, rung: list[Ring]
) -> None:
    browser = as_admin(house)
    shown = browser.get("/admin/pages/4")
    assert "bad_json" in shown.text
    assert "The JSON ends in the middle" in shown.text
    again = browser.post("/admin/pages/4")
    assert again.headers["location"] == "/admin/pages/4?said=again"
    assert rung == [Ring(Step.PARSE, 4, 4)]
    second = browser.post("/admin/pages/4")
    assert second.status_code == 409
    assert "waits to be parsed already" in second.text
    assert "only a quarantined one" in browser.post("/admin/pages/1").text


def test_a_page_that_was_read_tells_what_stood_on_it(house: Context) -> None:
    shown = as_admin(house).get("/admin/pages/1").text
    assert "hf-api" in shown
    assert 'href="/papers/1"' in shown
    assert "8 new" in shown


def test_a_strangers_bytes_are_text_in_an_origin_of_their_own(house: Context) -> None:
    raw = as_admin(house).get("/admin/pages/4/raw")
    assert raw.headers["content-type"] == "text/plain; charset=utf-8"
    assert raw.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert raw.headers["x-content-type-options"] == "nosniff"
    assert HOSTILE in raw.text


def test_bytes_that_are_no_text_are_shown_all_the_same(house: Context, now: datetime) -> None:
    with house.database.write() as session:
        source = add_source(session, now, "odd")
        key = add_page(session, source, now, b"\x00\x1b[31m\xff\xfe\xd8\x00" * 3000)
    browser = as_admin(house)
    shown = browser.get(f"/admin/pages/{key}")
    assert shown.status_code == 200
    assert "\x1b" not in shown.text
    assert "This is the beginning." in shown.text
    assert browser.get(f"/admin/pages/{key}/raw").status_code == 200


def test_lists_go_on_where_they_ended(house: Context, now: datetime) -> None:
    with house.database.write() as session:
        source = add_source(session, now, "many")
        for number in range(55):
            key = add_page(session, source, now, b"many%d" % number)
            session.get_one(models.Page, key).state = "quarantined"
    browser = as_admin(house)
    for path, item in (
        ("/admin/pages?source=many", r'href="/admin/pages/(\d+)"'),
        ("/admin/dead?kind=page", r'href="/admin/pages/(\d+)"'),
    ):
        seen: list[str] = []
        while path:
            shown = browser.get(path).text.replace("&amp;", "&")
            seen += re.findall(item, shown)
            found = re.search(r'<a href="([^"]*)">(?:Older ones|The next ones)</a>', shown)
            path = found[1] if found else ""
        assert len(seen) == len(set(seen)) >= 55


# --- readers ---------------------------------------------------------------------------------------
def test_a_reader_is_suppressed_and_that_is_lifted(house: Context) -> None:
    browser = as_admin(house)
    for do, words in (
        ("suppress", "Nothing is mailed to this address any more; 0 waiting"),
        ("lift", "Mail may go there again"),
    ):
        answer = browser.post("/admin/readers/1", data={"do": do})
        assert words in browser.get(answer.headers["location"]).text
    left = browser.post("/admin/readers/1", data={"do": "resume"})
    assert (left.status_code, "reader 1 left" in left.text) == (422, True)


def test_a_reader_is_paused_and_resumed(house: Context) -> None:
    browser = as_admin(house)
    for do, words in (("pause", "They get no digests"), ("resume", "They get digests again")):
        answer = browser.post("/admin/readers/1", data={"do": do})
        assert words in browser.get(answer.headers["location"]).text
    paused = browser.post("/admin/readers/1", data={"do": "pause", "until": "2026-12-01"})
    assert "back on 2026-12-01" in browser.get(paused.headers["location"]).text
    for until, words in (("soon", "is no day"), ("2020-01-01", "between tomorrow")):
        wrong = browser.post("/admin/readers/1", data={"do": "pause", "until": until})
        assert wrong.status_code == 422
        assert words in wrong.text
    assert "needs no confirmation" in browser.post("/admin/readers/1", data={"do": "resend"}).text


def test_a_confirmation_is_resent_and_not_too_often(
    house: Context, rung: list[Ring], now: datetime
) -> None:
    with house.database.write() as session:
        key = add_reader(session, now, "new@readers.example", state="pending")
    browser = as_admin(house)
    answer = browser.post(f"/admin/readers/{key}", data={"do": "resend"})
    assert answer.headers["location"].endswith("said=resent")
    assert [ring.step for ring in rung] == [Step.DELIVER]
    again = browser.post(f"/admin/readers/{key}", data={"do": "resend"})
    assert "was mailed a short while ago" in again.text


def test_readers_are_found_on_many_pages(house: Context, now: datetime) -> None:
    with house.database.write() as session:
        for number in range(60):
            add_reader(session, now, f"many{number}@readers.example")
        store_readers.set_state(session, "many1@readers.example", "paused")
    browser = as_admin(house)
    first = browser.get("/admin/readers?q=many").text.replace("&amp;", "&")
    found = re.search(r'<a href="([^"]*)">The next ones</a>', first)
    assert found is not None
    second = browser.get(found[1]).text
    assert len(re.findall(r"many\d+@", first + second)) == 60
    assert re.findall(r"many\d+@", browser.get("/admin/readers?state=paused").text) == ["many1@"]


# --- dead letters ------------------------------------------------------------------------------------
def test_a_dead_letter_is_retried_or_refused_with_its_reason(
    house: Context, rung: list[Ring]
) -> None:
    browser = as_admin(house)
    answer = browser.post("/admin/dead/delivery/3", data={"do": "retry"})
    assert answer.headers["location"] == "/admin/dead?kind=delivery&said=retried"
    assert rung == [Ring(Step.DELIVER, 3, 3)]
    again = browser.post("/admin/dead/delivery/3", data={"do": "retry"})
    assert again.status_code == 422
    assert "no dead delivery 3" in again.text
    dropped = browser.post("/admin/dead/page/4", data={"do": "drop"})
    assert "given up for good" in browser.get(dropped.headers["location"]).text


def test_many_are_dropped_after_they_were_counted_and_only_once(
    house: Context, now: datetime
) -> None:
    browser = as_admin(house)
    asked = browser.get("/admin/dead/all?do=drop&kind=page")
    assert "Drop 1 dead letter?" in asked.text
    mark = MARK.search(asked.text)
    assert mark is not None
    fields = {"do": "drop", "kind": "page", "mark": mark[1]}
    done = browser.post("/admin/dead/all", data=fields)
    assert done.headers["location"] == "/admin/dead?kind=page&said=alldropped-1"
    again = browser.post("/admin/dead/all", data=fields)
    assert again.status_code == 409
    assert "there were 1, and there are 0 now" in again.text
    assert "operator" not in "".join(acts(house))


def test_what_of_many_could_not_be_done_is_told(house: Context, rung: list[Ring]) -> None:
    browser = as_admin(house)
    with house.database.write() as session:
        digest = session.get_one(models.Delivery, 3).digest_id
        session.delete(
            session.exec(select(models.Pick).where(models.Pick.digest_id == digest)).one()
        )
    asked = browser.get("/admin/dead/all?do=retry")
    mark = MARK.search(asked.text)
    assert mark is not None
    done = browser.post("/admin/dead/all", data={"do": "retry", "mark": mark[1]})
    assert "1 is tried again, 1 is not" in done.text
    assert "1 × its papers were set free" in done.text
    assert [ring.step for ring in rung] == [Step.PARSE]


def test_errors_are_looked_for_by_operators_alone(house: Context) -> None:
    assert "delivery 3" in as_admin(house).get("/admin/dead?error=550").text
    shown = as_admin(house, "viewer").get("/admin/dead?error=550")
    assert shown.status_code == 422
    assert "operators look for words" in shown.text
    assert "page 4" in shown.text, "the list is shown without that"


# --- deliveries --------------------------------------------------------------------------------------
def test_an_unsure_mail_is_decided_once(house: Context, rung: list[Ring]) -> None:
    browser = as_admin(house)
    assert "1 mail may or may not have arrived" in browser.get("/admin/deliveries").text
    bare = browser.post("/admin/deliveries/2", data={"do": "again"})
    assert "say how you know" in bare.text
    done = browser.post("/admin/deliveries/2", data={"do": "again", "why": "the log"})
    assert done.headers["location"] == "/admin/deliveries/2?said=again"
    assert rung == [Ring(Step.DELIVER, 2, 2)]
    second = browser.post("/admin/deliveries/2", data={"do": "arrived", "why": "the log"})
    assert "only an unsure one" in second.text
    assert acts(house)[-1] == "owner: delivery decided: it did not arrive: delivery 2"


def test_all_unsure_mails_are_decided_after_they_were_counted(house: Context) -> None:
    browser = as_admin(house)
    asked = browser.get("/admin/deliveries/unsure?day=2026-11-20").text
    assert "Did these 1 mail arrive?" in asked
    mark = MARK.search(asked)
    assert mark is not None
    fields = {"do": "arrived", "day": "2026-11-20", "mark": mark[1]}
    bare = browser.post("/admin/deliveries/unsure", data=fields)
    assert bare.status_code == 422
    done = browser.post("/admin/deliveries/unsure", data=fields | {"why": "the log"})
    assert done.headers["location"] == "/admin/deliveries?day=2026-11-20&said=allarrived-1"
    assert deliveries.unsure(house, Wanted()).number == 0
    again = browser.post("/admin/deliveries/unsure", data=fields | {"why": "the log"})
    assert "there were 1, and there are 0 now" in again.text
    assert "There are none (any more)" in browser.get("/admin/deliveries/unsure").text


def test_a_day_that_is_none_is_left_out(house: Context) -> None:
    for day in ("yesterday", "2026-02-30", "20261120"):
        shown = as_admin(house).get(f"/admin/deliveries?day={day}")
        assert shown.status_code == 200


# --- previews ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mail", ["digest", "confirm", "sign-in", "known"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_preview_shows_the_mail_in_a_frame_of_its_own(
    house: Context, mail: str, language: str
) -> None:
    browser = as_admin(house, "viewer")
    query = f"mail={mail}&language={language}&terms=sparse+attention"
    shown = browser.get(f"/admin/preview?{query}")
    assert shown.status_code == 200
    assert "frame-src 'self'" in shown.headers["content-security-policy"]
    frame = re.search(r'<iframe[^>]* src="([^"]*)"', shown.text)
    assert frame is not None
    html = browser.get(frame[1].replace("&amp;", "&"))
    policy = html.headers["content-security-policy"]
    assert policy.startswith("sandbox")
    assert "script-src" not in policy
    assert "frame-ancestors 'self'" in policy
    assert f'lang="{language}"' in html.text
    assert HOSTILE not in html.text


def test_a_preview_of_plain_text_has_no_frame(house: Context) -> None:
    browser = as_admin(house)
    shown = browser.get("/admin/preview?text_only=true").text
    assert "<iframe" not in shown
    assert browser.get("/admin/preview/html?text_only=true").status_code == 404


def test_a_preview_that_cannot_be_says_why(house: Context) -> None:
    browser = as_admin(house)
    none = browser.get("/admin/preview?day=2020-01-01")
    assert "No paper had come by then." in none.text
    wrong = browser.get("/admin/preview?language=xx")
    assert wrong.status_code == 422
    assert "there is no &#39;xx&#39;" in wrong.text


def test_a_preview_keeps_nothing(house: Context) -> None:
    browser = as_admin(house)
    before = everything(house)
    assert "nobody@readers.example" in browser.get("/admin/preview/html").text
    assert everything(house) == before


def test_templates_are_watched_only_where_they_are_developed(
    house: Context, tmp_path: Path
) -> None:
    browser = as_admin(house)
    assert "data-hx-trigger" not in browser.get("/admin/preview").text.replace("load", "")
    assert browser.get("/admin/preview/changed").status_code == 404
    try:
        developer = as_admin(house, develop=True)
        assert templates.environment_for("en").auto_reload
        shown = developer.get("/admin/preview").text
        assert 'data-hx-trigger="every 2s"' in shown
        stamp = templates.stamp()
        assert developer.get(f"/admin/preview/changed?since={stamp}").status_code == 204
        changed = developer.get("/admin/preview/changed?since=before")
        assert changed.headers["hx-refresh"] == "true"
    finally:
        templates.reload_changed(False)
    as_admin(house).get("/admin/preview")
    assert not templates.environment_for("de").auto_reload


# --- settings ------------------------------------------------------------------------------------------
def test_settings_are_shown_without_a_secret(house: Context) -> None:
    secret = "a-secret-of-more-than-thirty-two-signs"
    url = Settings(smtp_url=f"smtp://me:{secret}@mail.example").smtp_url  # type: ignore[arg-type]
    browser = as_admin(house, smtp_url=url)
    shown = browser.get("/admin/settings").text
    assert secret not in shown
    assert "smtp://••••••" in shown
    assert "PAPERROUND_CONCURRENCY" in shown


def test_pages_are_small(house: Context) -> None:
    browser: TestClient = as_admin(house)
    for path in LOOKS:
        if not path.endswith(("/raw", "/html")):
            assert len(browser.get(path).content) < 60_000, path
