"""The web face: what it shows, to whom, and what every answer carries."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from browsing import HERE, client
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import add_folder, add_reader, api_json, entry
from servers import Valkey, free_port
from sqlmodel import select

from tasks import models
from tasks.records import RawPage, SourceKind
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import pages, sources, watch
from tasks.store.database import Database
from workers.web import app as web
from workers.web import status
from workers.web.guard import HEADERS, host_of, is_private
from workers.web.page import distance
from workers.web.static import ADDRESSES, CONTENTS

Ask = Callable[..., Response]
EVERY_ROUTE = (
    "/",
    "/status",
    "/mails",
    "/mails/nothing",
    "/mails/nothing/html",
    "/u/nothing",
    "/livez",
    "/readyz",
    "/static/app.css",
    "/no/such/page",
)
ROUND_AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # what the fixture `now` says
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def context(sqlite_url: str, settings: Settings, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def round_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file after one round: a folder source, two readers, one of them with a mail."""
    home = tmp_path_factory.mktemp("round")
    file = Path(shutil.copy(migrated_file, home / "round.db"))
    (home / "pages").mkdir()
    (home / "pages" / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    database = Database(f"sqlite:///{file}")
    made = Context(settings=Settings(home=home), database=database, clock=lambda: ROUND_AT)
    with database.write() as session:
        add_folder(session, home / "pages", ROUND_AT)
        add_reader(session, ROUND_AT, "ada@readers.example", terms=["sparse attention"])
        add_reader(session, ROUND_AT, "cy@readers.example", terms=["medieval poetry"])
    run_once(made, ROUND_AT)
    made.close()
    return file


@pytest.fixture
def after_a_round(context: Context, round_file: Path) -> Context:
    """The context after that round."""
    shutil.copy(round_file, context.database.url.removeprefix("sqlite:///"))
    return context


@pytest.fixture
def ask(after_a_round: Context) -> Iterator[Ask]:
    with client(after_a_round) as browser:
        yield browser.get


def key_of(context: Context) -> str:
    with context.database.read() as session:
        return session.exec(select(models.Delivery.key)).one()


# --- what stands where ---------------------------------------------------------------------------
def test_the_front_page_shows_the_round_with_its_counts(ask: Ask) -> None:
    text = re.sub(r"<[^>]+>|\s+", " ", ask("/status").text)
    text = re.sub(" +", " ", text)
    for words in (
        "fetch 1 pages source active 1",
        "parse 10 papers page parsed 1 sightings 10",
        "score 2 readers",
        "compose 2 digests empty 1",
        "render 1 mails",
        "deliver 1 sent sent 1",
        "All is in order",
        "2 active readers",
    ):
        assert words in text


def test_a_new_installation_says_what_is_missing(context: Context) -> None:
    with client(context) as browser:
        text = browser.get("/status").text
    assert "2 things want your attention" in text
    assert "Nothing has ticked yet" in text
    assert "There are no sources yet" in text
    assert "Every page could be read." in text


def test_a_late_tick_a_shut_door_and_bad_rows_are_named(
    after_a_round: Context, now: datetime
) -> None:
    with after_a_round.database.write() as session:
        watch.beat(session, "beat:host/1", now - timedelta(minutes=4))
        watch.beat(session, "tick", now - timedelta(minutes=4))
        watch.beat(session, "transport", now + timedelta(minutes=2), "refused")
        session.exec(
            select(models.Digest).where(models.Digest.state == "empty")
        ).one().state = "dead"
        mail = session.exec(select(models.Delivery)).one()
        mail.state, mail.created_at = "deferred", now - timedelta(minutes=6)
    with client(after_a_round) as browser:
        text = browser.get("/status").text
    assert "Nobody has looked for due work since 09:26 UTC on Friday 20 November" in text
    assert "The mail server cannot be used, and 1 mail waits." in text
    assert "1 digest or mail failed at every try." in text
    assert "refused" not in text, "what a server said is for admins"


def test_a_failing_source_and_a_quarantined_page_stand_with_their_reasons(
    context: Context, now: datetime
) -> None:
    _fail_and_quarantine(context, now)
    with client(context) as browser:
        text = browser.get("/status").text
    assert "The source Broken feed failed 3 times in a row." in text
    assert "1 page of Broken feed could not be read." in text
    assert "the server said 500" in text
    assert "not_a_feed: a page of another kind" in text


def test_words_of_strangers_are_text(context: Context, now: datetime) -> None:
    _fail_and_quarantine(context, now, words=HOSTILE)
    with client(context) as browser:
        text = browser.get("/status").text
    assert HOSTILE not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") == 2


def _fail_and_quarantine(context: Context, now: datetime, words: str = "") -> None:
    with context.database.write() as session:
        key = sources.add(
            session, kind=SourceKind.FEED, name="Broken feed", address="https://f.example/", now=now
        )
        sources.claim(session, key, key, owner="me", at=now, now=now)
        raw = RawPage(url="https://f.example/", body=b"?", fetched_at=now)
        [page] = pages.save(session, key, [raw])
        pages.claim(session, page, page, owner="me", now=now)
        error = words or "a page of another kind"
        pages.quarantined(session, page, owner="me", reason="not_a_feed", error=error)
        error = words or "the server said 500"
        sources.failed(session, key, error, owner="me", at=now, wait=None)
        session.get_one(models.Source, key).attempts = 3


def test_every_state_of_a_delivery_is_counted_by_name() -> None:
    tallies = {name: {} for name in ("page", "source", "reader", "shard", "digest")} | {
        "entry": {"known": 0, "joined": 0},
        "sighting": {"kept": 0},
        "rejection": {"kept": 0},
        "delivery": {"sent": 3, "unsure": 1, "deferred": 0},
    }
    last = status.stations(tallies)[-1]
    assert (last.step, last.number) == ("deliver", 3)
    assert last.states == (("sent", 3), ("unsure", 1))


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (0, "now"),
        (-12, "12 s ago"),
        (-119, "119 s ago"),
        (-150, "2 min ago"),
        (-3 * 3600, "3 h ago"),
        (-60 * 3600, "2 days ago"),
        (90, "in 90 s"),
        (1800, "in 30 min"),
    ],
)
def test_moments_are_told_as_people_say_them(now: datetime, gap: int, words: str) -> None:
    assert distance(now, now + timedelta(seconds=gap)) == words


# --- mails ---------------------------------------------------------------------------------------
def test_the_mails_of_the_newest_day_are_listed_with_their_states(ask: Ask) -> None:
    text = ask("/mails").text
    assert "Mails of Friday 20 November 2026" in text
    assert "to ada@readers.example, 2 of" in text
    assert "none of 10 new papers" in text


def test_a_day_can_be_chosen_and_may_have_none(ask: Ask) -> None:
    text = ask("/mails?day=2026-11-01").text
    assert "No digest was planned for this day." in text
    assert "/mails?day=2026-10-31" in text
    assert ask("/mails?day=yesterday").status_code == 400


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_last_of_all_days_have_neighbours_only_where_there_are_some(
    ask: Ask, day: str
) -> None:
    answer = ask(f"/mails?day={day}")
    assert answer.status_code == 200
    assert answer.text.count("The day ") == 1


def test_with_no_mail_at_all_today_is_shown(context: Context) -> None:
    with client(context) as browser:
        assert "Mails of Friday 20 November 2026" in browser.get("/mails").text


def test_a_mail_shows_its_headers_and_its_text(after_a_round: Context, ask: Ask) -> None:
    key = key_of(after_a_round)
    assert f'href="/mails/{key}"' in ask("/mails").text
    text = ask(f"/mails/{key}").text
    assert f'href="/mails/{key}/html"' in text
    assert "ada@readers.example" in text
    assert "Study 0 of sparse attention" in text


def test_the_html_of_a_mail_is_shut_in(after_a_round: Context, ask: Ask) -> None:
    answer = ask(f"/mails/{key_of(after_a_round)}/html")
    assert "Study 0 of sparse attention" in answer.text
    csp = answer.headers["Content-Security-Policy"]
    assert csp.startswith("sandbox allow-popups; default-src 'none';")
    assert "script-src" not in csp
    assert "img-src" not in csp
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"


def test_a_mail_without_html_has_no_such_page(after_a_round: Context, now: datetime) -> None:
    body = b"Subject: Plain\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
    with after_a_round.database.write() as session:
        session.exec(select(models.Delivery)).one().body = body
    key = key_of(after_a_round)
    with client(after_a_round) as browser:
        assert "Open as" not in browser.get(f"/mails/{key}").text
        assert browser.get(f"/mails/{key}/html").status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "0.0.0.0"},
        {"host": "192.0.2.7"},
        {"host": "papers.example.org"},
        {"base_url": "https://papers.example.org"},  # a proxy stands in front
    ],
)
def test_mails_are_not_there_where_strangers_may_ask(
    after_a_round: Context, round_file: Path, changes: dict[str, str]
) -> None:
    key = key_of(after_a_round)
    with client(after_a_round, **changes) as browser:
        for path in ("/mails", f"/mails/{key}", f"/mails/{key}/html"):
            assert browser.get(path).status_code == 404
        front = browser.get("/status").text
    assert "/mails" not in front
    assert str(round_file.parent) not in front


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_a_request_that_a_proxy_passed_on_sees_no_mail(ask: Ask, header: str) -> None:
    assert ask("/mails", headers={header: "127.0.0.1"}).status_code == 404


def test_a_request_from_another_machine_sees_no_mail(after_a_round: Context) -> None:
    made = web.make_app(client(after_a_round).app._app.state.face.settings)  # type: ignore[attr-defined]
    with TestClient(made, "http://localhost", client=("192.0.2.1", 1)) as browser:
        assert browser.get("/mails").status_code == 404


def test_a_web_face_for_this_machine_alone_may_carry_its_own_address(settings: Settings) -> None:
    assert is_private(settings)
    for base in ("http://localhost:8780", "http://127.0.0.1", "http://[::1]:8780"):
        assert is_private(settings.model_copy(update={"base_url": base}))
    assert not is_private(settings.model_copy(update={"base_url": "http://localhost.evil.example"}))


# --- the guard -----------------------------------------------------------------------------------
@pytest.mark.parametrize("path", EVERY_ROUTE)
def test_every_answer_carries_the_security_headers(ask: Ask, path: str) -> None:
    found = ask(path).headers
    own = {"Content-Security-Policy", "Cache-Control"}
    assert {name: found[name] for name in HEADERS.keys() - own}.items() <= HEADERS.items()
    assert found["Cache-Control"] in ("no-store", "public, max-age=60")
    assert "default-src 'none'" in found["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in found["Content-Security-Policy"]
    assert "Strict-Transport-Security" not in found


def test_hsts_is_promised_where_the_address_is_https(after_a_round: Context) -> None:
    with client(after_a_round, base_url="https://papers.example.org") as browser:
        answer = browser.get("/", headers={"Host": "papers.example.org"})
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8780", "[::1]:8780", "LOCALHOST:1"])
def test_the_names_of_this_machine_are_answered(ask: Ask, host: str) -> None:
    assert ask("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "evil.example/localhost",
        "127.0.0.1.nip.example",
        "localhost, evil.example",
        "",
        "[::1",
        "localhost:port",
    ],
)
def test_a_strange_name_is_refused_wherever_it_leads(ask: Ask, host: str) -> None:
    for path in EVERY_ROUTE:
        answer = ask(path, headers={"Host": host})
        assert answer.status_code == 400
        assert "PAPERROUND_BASE_URL" in answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_two_names_at_once_are_refused(ask: Ask) -> None:
    assert ask("/", headers=[("Host", "localhost"), ("Host", "evil.example")]).status_code == 400


def test_a_name_is_read_without_port_or_user() -> None:
    assert host_of("Papers.Example.org:8443") == "papers.example.org"
    assert host_of("me@papers.example.org") == "papers.example.org"
    assert host_of("papers example") == ""


@pytest.mark.parametrize("path", EVERY_ROUTE)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_but_reading_is_possible(after_a_round: Context, path: str, method: str) -> None:
    with client(after_a_round) as browser:
        assert browser.request(method, path).status_code in (404, 405)


def test_reading_changes_nothing(after_a_round: Context, ask: Ask) -> None:
    def dump() -> list[str]:
        with after_a_round.database.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            return list(raw.iterdump())

    before = dump()
    key = key_of(after_a_round)
    for path in (*EVERY_ROUTE, f"/mails/{key}", f"/mails/{key}/html"):
        ask(path)
    assert dump() == before


def test_unknown_addresses_get_a_small_page(ask: Ask) -> None:
    answer = ask("/no/such/page")
    assert answer.status_code == 404
    assert "<h1" in answer.text
    assert "No such page" in answer.text


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_framework_shows_nothing_of_its_own(ask: Ask, path: str) -> None:
    assert ask(path).status_code == 404


def test_an_error_shows_no_trace_and_keeps_the_headers(
    after_a_round: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(watch, "tallies", broken)
    with client(after_a_round) as browser:
        answer = browser.get("/status")
    assert answer.status_code == 500
    assert "Something broke" in answer.text
    assert "secret" not in answer.text
    assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_without_tables_the_pages_say_so(settings: Settings, tmp_path: Path, clock: Any) -> None:
    empty = Settings(home=tmp_path, database_url=f"sqlite:///{tmp_path}/empty.db")  # type: ignore[arg-type]
    with TestClient(web.make_app(empty, clock=clock), "http://localhost") as browser:
        answer = browser.get("/")
    assert answer.status_code == 503
    assert "The database does not answer, or has not got its tables yet." in answer.text


def test_the_style_sheet_is_kept_for_ever_under_its_mark_only(ask: Ask) -> None:
    assert f'href="{ADDRESSES["app.css"]}"' in ask("/status").text
    kept = ask(ADDRESSES["app.css"])
    assert kept.headers["Content-Type"].startswith("text/css")
    assert "immutable" in kept.headers["Cache-Control"]
    assert ask("/static/app.css?v=old").headers["Cache-Control"] == "no-store"


# --- health --------------------------------------------------------------------------------------
def test_the_process_says_that_it_lives(ask: Ask) -> None:
    assert ask("/livez").text == "ok\n"


def test_it_is_ready_when_database_tables_and_broker_are(context: Context, tmp_path: Path) -> None:
    with Valkey(tmp_path) as broker:
        url = Settings(broker_url=broker.url).broker_url  # type: ignore[arg-type]
        with client(context, broker_url=url) as browser:
            answer = browser.get("/readyz")
    assert answer.status_code == 200
    parts = {"database": "ok", "migrations": "ok", "broker": "ok", "beat": "ok", "worker": "ok"}
    assert answer.json() == {"ready": "yes"} | parts


def test_what_is_not_ready_is_named_and_nothing_more(tmp_path: Path) -> None:
    broken = Settings(
        home=tmp_path,
        database_url="sqlite:///" + str(tmp_path / "no" / "folder.db"),  # type: ignore[arg-type]
        broker_url=f"redis://:sesame@127.0.0.1:{free_port()}/0",  # type: ignore[arg-type]
    )
    with TestClient(web.make_app(broken), "http://localhost", client=HERE) as browser:
        answer = browser.get("/readyz")
    assert answer.status_code == 503
    parts = {"database": "failed", "migrations": "failed", "broker": "failed"}
    assert answer.json() == {"ready": "no"} | parts


def test_tables_that_are_missing_are_not_ready(tmp_path: Path) -> None:
    empty = Settings(home=tmp_path, database_url=f"sqlite:///{tmp_path}/empty.db")  # type: ignore[arg-type]
    with TestClient(web.make_app(empty), "http://localhost", client=HERE) as browser:
        assert browser.get("/readyz").json()["migrations"] == "failed"


def test_the_app_reads_this_process_settings_when_given_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "current", lambda: Settings(home=tmp_path))
    with TestClient(web.make_app(), "http://localhost") as browser:
        assert browser.get("/livez").status_code == 200


# --- looks ---------------------------------------------------------------------------------------
def luminance(colour: str) -> float:
    """WCAG's relative luminance of #rrggbb."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "accent"])
@pytest.mark.parametrize("ground", ["paper", "tint"])
def test_every_ink_can_be_read_on_every_ground(scheme: int, ink: str, ground: str) -> None:
    sheet = dict(
        re.findall(r"--(\w+): (#\w+);", CONTENTS["app.css"].decode().split(":root {")[scheme + 1])
    )
    pair = sorted((luminance(sheet[ink]), luminance(sheet[ground])))
    assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


def test_the_style_sheet_is_small() -> None:
    assert len(CONTENTS["app.css"]) < 30_000, "of all the pages together"
