"""The pages as a browser shows them: no overflow, no complaint, no script of a stranger that runs."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from papers import add_folder, add_reader, api_json, entry
from playwright.sync_api import Browser, Page
from sqlmodel import select

from tasks import models
from tasks.records import RawPage, SourceKind
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import pages, sources, watch
from tasks.store.database import Database
from workers.web.app import make_app

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
ONE_WORD = "Unbreakable" * 30
HOSTILE = """\
Subject: A letter
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<title>as sent</title><h1 style="color: rgb(1, 2, 3)">as sent</h1>
<script>document.title = document.querySelector("h1").textContent = "rewritten"</script>
<img src="x" onerror="document.title = 'rewritten'">
<iframe src="/"></iframe><form action="/"><button>press</button></form>
"""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def database(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A round's rows, with trouble of each kind and with words that are hard to break."""
    home = tmp_path_factory.mktemp("browser")
    file = shutil.copy(migrated_file, home / "paperround.db")
    (home / "pages").mkdir()
    (home / "pages" / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    database = Database(f"sqlite:///{file}")
    context = Context(settings=Settings(home=home), database=database, clock=lambda: AT)
    with database.write() as session:
        add_folder(session, home / "pages", AT)
        add_reader(session, AT, "ada@readers.example", terms=["sparse attention"])
        add_reader(session, AT, f"{'long' * 15}@{'name.' * 30}example", terms=["protein folding"])
        key = sources.add(
            session,
            kind=SourceKind.FEED,
            name=ONE_WORD,
            address=f"https://f.example/{ONE_WORD}",
            now=AT,
        )
    run_once(context, AT)
    with database.write() as session:
        raw = RawPage(url=f"https://f.example/{ONE_WORD}", body=b"?", fetched_at=AT)
        [page] = pages.save(session, key, [raw])
        pages.claim(session, page, page, owner="me", now=AT)
        pages.quarantined(session, page, owner="me", reason="not_a_feed", error=ONE_WORD)
        watch.beat(session, "tick", AT)
    context.close()
    yield database
    database.close()


@pytest.fixture(scope="module")
def address(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web face on that database."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), database_url=database.url)  # type: ignore[arg-type]
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(make_app(settings, clock=lambda: AT), log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def key(database: Database) -> str:
    with database.read() as session:
        return str(session.exec(select(models.Delivery.key)).first())


def open_page(
    browser: Browser, width: int, scheme: Any, *, scripts: bool = True
) -> tuple[Page, list[str]]:
    """A page of that width, and the list of what it complains about."""
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
    )
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    return page, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 700, 1280])
def test_pages_fit_their_window_and_complain_of_nothing(
    browser: Browser, address: str, key: str, width: int, scheme: str
) -> None:
    page, said = open_page(browser, width, scheme)
    for path in ("/", "/mails", f"/mails/{key}"):
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.locator("h1").count() == 1
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(252, 250, 246)", "dark": "rgb(25, 24, 21)"}[scheme]
    assert said == []
    page.close()


def test_one_can_walk_from_the_front_page_to_a_mail(browser: Browser, address: str) -> None:
    page, said = open_page(browser, 1280, "light")
    page.goto(address)
    page.get_by_role("link", name="Mails").click()
    page.get_by_role("link", name="Study").first.click()
    assert page.get_by_role("heading", name="Plain text").is_visible()
    page.get_by_role("link", name="Open as a mail program shows it").click()
    assert page.locator("h1").inner_text() == "Paperround"
    assert said == []
    page.close()


def test_a_hostile_mail_can_do_nothing(
    browser: Browser, address: str, database: Database, key: str
) -> None:
    with database.write() as session:
        row = session.exec(select(models.Delivery).where(models.Delivery.key == key)).one()
        kept, row.body = row.body, HOSTILE.replace("\n", "\r\n").encode()
    page, said = open_page(browser, 1280, "light")
    answered: list[str] = []
    page.on("response", lambda response: answered.append(response.url))
    page.goto(f"{address}/mails/{key}/html")
    assert page.title() == page.locator("h1").inner_text() == "as sent"
    assert page.locator("h1").evaluate("node => getComputedStyle(node).color") == "rgb(1, 2, 3)"
    page.get_by_role("button").click()
    assert page.url == f"{address}/mails/{key}/html"
    assert any("script" in words for words in said)
    assert answered == [f"{address}/mails/{key}/html"], "what the policy stops is never answered"
    page.close()
    with database.write() as session:
        session.exec(select(models.Delivery).where(models.Delivery.key == key)).one().body = kept


def test_without_its_sandbox_the_same_mail_would_have_its_way(browser: Browser) -> None:
    page, _ = open_page(browser, 1280, "light")
    page.set_content(HOSTILE.partition("\n\n")[2])
    page.wait_for_function("document.title == 'rewritten'")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_reader_leaves_and_comes_back_by_buttons_without_any_script(
    browser: Browser, address: str, database: Database, scheme: str
) -> None:
    ada = select(models.Reader).where(models.Reader.email == "ada@readers.example")

    def state() -> tuple[str, str]:
        with database.read() as session:
            row = session.exec(ada).one()
            return row.token, row.state

    page, said = open_page(browser, 360, scheme, scripts=False)
    way = f"{address}/u/{state()[0]}"
    page.goto(way)
    for button, words, then in (
        ("Stop my digests", "You will get no more digests", "unsubscribed"),
        ("Undo", "Your digests go on", "active"),
    ):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        pressed = page.get_by_role("button", name=button, exact=True)
        box = pressed.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        pressed.click()
        assert page.locator("h1").inner_text() == words
        assert state()[1] == then
    assert page.locator("header nav").count() == 0
    assert said == []
    page.close()
