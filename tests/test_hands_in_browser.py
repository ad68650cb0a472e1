"""An admin's hands in a real browser: pressed by operators, not shown to viewers."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from handled import NOW, troubled
from journey import Opened
from papers import api_json, entry
from playwright.sync_api import Browser, Error, Page, expect
from web_server import Site, reply

from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import admin_visits, admins
from tasks.store.admins import Role
from tasks.store.database import Database
from workers.web.admin import door
from workers.web.app import make_app

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATHS = (
    "/admin/sources",
    "/admin/sources/new",
    "/admin/sources/feed",
    "/admin/pages",
    "/admin/pages/1",
    "/admin/pages/4",
    "/admin/readers",
    "/admin/readers?state=paused",
    "/admin/readers/1",
    "/admin/dead",
    "/admin/dead?kind=item",
    "/admin/dead/page/4",
    "/admin/dead/all?do=retry",
    "/admin/deliveries",
    "/admin/deliveries/1",
    "/admin/deliveries/2",
    "/admin/deliveries/unsure",
    "/admin/preview",
    "/admin/preview?mail=sign-in&text_only=true",
    "/admin/settings",
)
Sit = Callable[[str], Page]


@pytest.fixture
def context(migrated_file: Path, tmp_path: Path) -> Iterator[Context]:
    file = troubled(migrated_file, tmp_path)
    settings = Settings(home=tmp_path / "home", allow_private=True, _env_file=None)  # type: ignore[call-arg]
    opened = Context(
        settings=settings,
        database=Database(f"sqlite:///{shutil.copy(file, tmp_path / 'x.db')}"),
        clock=lambda: NOW,
    )
    yield opened
    opened.close()


@pytest.fixture
def url(context: Context) -> Iterator[str]:
    """Where the pages are, while they are asked for."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    chosen = Settings(database_url=context.database.url)  # type: ignore[arg-type]
    settings = context.settings.model_copy(
        update={"base_url": url, "database_url": chosen.database_url}
    )
    app: Any = make_app(settings, clock=context.clock)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield url
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def sit(context: Context, url: str, browser: Browser) -> Iterator[Sit]:
    """Signs in somebody of a role; at the end no page may have complained, but of a refusal."""
    windows: list[Opened] = []

    def open_(role: str) -> Page:
        made = browser.new_context(base_url=url)
        made.set_default_timeout(10_000)
        with context.database.write() as session:
            known = admins.password_of(session, role)
            values = {"name": role, "email": "", "role": Role(role), "password": "no hash"}
            admin = known[0] if known else admins.add(session, **values, now=NOW)
            secret = admin_visits.begin(session, admin, now=NOW)
        cookie: Any = {"name": door.COOKIE, "value": secret, "secure": True}
        cookie |= {"url": url.replace("http:", "https:"), "httpOnly": True, "sameSite": "Lax"}
        made.add_cookies([cookie])
        windows.append(Opened(made.new_page()))
        return windows[-1].page

    yield open_
    for window in windows:
        said = [words for words in window.said if "status of 403" not in words]
        assert [words for words in said if "status of 422" not in words] == []
        window.close()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_source_is_tested_added_and_paused(sit: Sit) -> None:
    page = sit("operator")
    with Site() as site:
        site.otherwise = reply(200, api_json(*(entry(n) for n in range(6))))
        page.goto("/admin/sources/new")
        page.get_by_label("Address").fill(f"{site.url}/papers.json")
        page.get_by_label("Kind").select_option("feed")
        press(page, "Test it first")
        expect(page.get_by_role("heading", name="What a turn would bring")).to_be_visible()
        assert len(site.asked) == 1
        page.get_by_label("Name", exact=True).fill("local")
        press(page, "Add it")
        expect(page.get_by_role("status")).to_contain_text("The source was added")
        press(page, "Pause it")
        expect(page.get_by_role("status")).to_contain_text("Paused")
        press(page, "Remove it")
        press(page, "Bring it back")
        expect(page.get_by_role("status")).to_contain_text("It is active")


def test_a_dead_letter_is_retried_and_an_unsure_mail_decided(sit: Sit) -> None:
    page = sit("operator")
    page.goto("/admin/dead?kind=delivery")
    press(page, "Retry")
    expect(page.get_by_role("status")).to_have_text("It is tried again.")
    expect(page.get_by_text("There are none of these.")).to_be_visible()
    page.goto("/admin/deliveries")
    page.get_by_role("link", name="Look at them").click()
    page.locator("tbody").get_by_role("link").click()
    page.get_by_label("How you know").fill("the server's log")
    press(page, "It did not arrive: send it again")
    expect(page.get_by_role("heading", level=1)).to_have_text("Delivery 2: ready")
    expect(page.get_by_text("decided by operator: not accepted")).to_be_visible()


def test_one_is_dropped_only_after_a_second_look(sit: Sit) -> None:
    page = sit("operator")
    page.goto("/admin/dead?kind=page")
    page.get_by_role("link", name="Drop…", exact=True).click()
    press(page, "Drop it for good")
    expect(page.get_by_role("status")).to_have_text("It was given up for good.")
    page.goto("/admin/pages/4")
    press(page, "Parse it again after all")
    expect(page.get_by_role("status")).to_contain_text("It waits to be read once more")


def test_many_are_dropped_after_a_look_at_their_number(sit: Sit) -> None:
    page = sit("operator")
    page.goto("/admin/dead")
    page.get_by_role("link", name="Drop all of these…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Drop 2 dead letters?")
    press(page, "Drop these 2")
    expect(page.get_by_role("status")).to_have_text("2 were given up for good.")


def test_a_viewer_finds_no_button_to_press(sit: Sit) -> None:
    page = sit("viewer")
    for path in PATHS:
        page.goto(path)
        forms = page.locator("form[method=post]:not([action='/admin/sign-out'])")
        assert forms.count() == 0, path


def test_the_frame_of_a_preview_runs_nothing(sit: Sit) -> None:
    page = sit("viewer")
    page.goto("/admin/preview?terms=attention")
    frame = page.frame_locator("iframe.mail")
    expect(frame.get_by_text("good match").first).to_be_visible()
    inside = page.frames[-1]
    with pytest.raises(Error, match="sandbox"):
        inside.evaluate("document.cookie")  # it has an origin of its own
