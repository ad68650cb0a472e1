"""The admin's pages in a real browser: what each role can do there, and how it looks while it is done.

A house with an admin of each role signed in: other pages of the admin's side are tried in it too.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import axe_playwright_python
import pytest
import uvicorn
from backlogs import DAY, FIRST, Backlog, body_of
from journey import Opened
from mended_days import asked, misread, planned, started, state, work
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tasks.office import runs as office
from tasks.office.runs import Standing
from tasks.round.backlog.question import Stage
from tasks.round.context import Context
from tasks.store import admin_visits, admins
from tasks.store.admins import Role
from workers.web.admin import door
from workers.web.app import make_app

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"],
}
RUN_AXE = """rules => axe.run({runOnly: rules}).then(found => found.violations.map(
  v => `${v.id}: ${v.nodes.map(n => n.target + " " + n.failureSummary).join(" | ")}`))"""
LOOKS: tuple[tuple[str, int, Any], ...] = (("wide", 1280, "light"), ("narrow", 360, "dark"))
PATIENCE = 10_000  # milliseconds
PIECES_OF = 6  # papers: a run of three days has many pieces then
SHOTS = os.environ.get("PAPERROUND_SHOTS", "")  # a folder for pictures, for whoever wants to look


class Office:
    """A web face on a port of this machine, on the rows of a context, and its admins: one of each role."""

    def __init__(self, found: Backlog) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.found = found
        app: Any = make_app(
            found.context.settings.model_copy(update={"base_url": self.url}), clock=found.clock
        )
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        sockets = {"sockets": [self._listener]}
        self._thread = threading.Thread(target=self._server.run, kwargs=sockets)

    @property
    def context(self) -> Context:
        """Where its rows are."""
        return self.found.context

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def window(self, browser: Browser, role: str, **more: Any) -> Opened:
        """A window in which an admin of that role has signed in."""
        made = browser.new_context(base_url=self.url, **more)
        made.set_default_timeout(PATIENCE)
        self._sign_in(made, role)
        return Opened(made.new_page())

    def _sign_in(self, window: BrowserContext, role: str) -> None:
        now = self.context.clock()
        with self.context.database.write() as session:
            known = admins.password_of(session, role)
            values = {"name": role, "email": "", "role": Role(role), "password": "no hash"}
            admin = known[0] if known else admins.add(session, **values, now=now)
            secret = admin_visits.begin(session, admin, now=now)
        # Browsers take a cookie for https alone from this machine over http too; the tool's door does not.
        url = self.url.replace("http:", "https:")
        cookie: Any = {"name": door.COOKIE, "value": secret, "url": url, "secure": True}
        window.add_cookies([cookie | {"httpOnly": True, "sameSite": "Lax"}])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Office]:
    with misread(tmp_path / "home") as found, Office(found) as opened:
        yield opened


@pytest.fixture
def sit(house: Office, browser: Browser) -> Iterator[Callable[[str], Page]]:
    """Signs in somebody of a role; at the end, no page of theirs may have complained, but of a refusal."""
    windows: list[Opened] = []

    def open_(role: str, **more: Any) -> Page:
        windows.append(house.window(browser, role, **more))
        return windows[-1].page

    yield open_
    for window in windows:
        assert [words for words in window.said if "status of 403" not in words] == []
        window.close()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def shows(page: Page, heading: str) -> None:
    """The page comes to show this as the run's state, by itself."""
    expect(page.get_by_role("heading", level=2, name=heading, exact=True)).to_be_visible()


def done_so_far(page: Page) -> int:
    return int(page.locator("#bar").get_attribute("value") or 0)


def moves_past(page: Page, value: int) -> None:
    """The bar comes to stand further, without anybody loading the page."""
    page.wait_for_function("before => document.getElementById('bar').value > before", arg=value)


def buttons(page: Page) -> list[str]:
    """What can be pressed in the page's own part."""
    return page.locator("main button").all_inner_texts()


def sound(page: Page, name: str) -> None:
    """Nothing to object to, wide and light, narrow and dark."""
    page.evaluate(AXE)
    for look, width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(SHOTS) / f"{name}-{look}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, look)
        assert page.evaluate(RUN_AXE, RULES) == [], (name, look)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")


# --- backlog runs --------------------------------------------------------------------------------
@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of many pieces, so that there is something to look at."""
    monkeypatch.setattr("tasks.round.backlog.planning.AT_ONCE", PIECES_OF)


def newest(house: Office) -> Standing:
    return office.newest(house.context, limit=1)[0]


@pytest.mark.usefixtures("small_pieces")
def test_an_operator_plans_starts_watches_and_steers_a_run(
    house: Office, sit: Callable[[str], Page]
) -> None:
    page = sit("operator")
    code = plans_on_the_page(house, page)
    starts_it_and_sees_it_move(house, page, code)
    pauses_and_resumes_it(house, page, code)
    cancels_it_runs_the_rest_and_undoes_all(house, page, code)


def plans_on_the_page(house: Office, page: Page) -> str:
    page.goto("/admin/runs")
    page.get_by_role("link", name="Plan a run").click()
    page.get_by_label("From", exact=True).fill("2026-10-05")
    page.get_by_label("To, that day too").fill("2026-10-07")
    page.get_by_role("radio", name="addendum").check()
    press(page, "Make the plan")
    shows(page, "Planning")
    code = newest(house).code
    work(house.found, code, pieces=1)
    shows(page, "Planned")
    expect(page.locator("main")).to_contain_text("Mails that go out")
    assert buttons(page) == ["Start exactly this plan", "Drop this plan"]
    return code


def starts_it_and_sees_it_move(house: Office, page: Page, code: str) -> None:
    press(page, "Start exactly this plan")
    shows(page, "Checking")
    work(house.found, code, pieces=1)
    shows(page, "Running")
    before = done_so_far(page)
    for _ in range(3):
        work(house.found, code, pieces=1)
        moves_past(page, before)
        before = done_so_far(page)
    expect(page.locator("#progress")).to_contain_text("a second")


def pauses_and_resumes_it(house: Office, page: Page, code: str) -> None:
    press(page, "Pause")
    shows(page, "Paused")
    assert state(house.found, code) == "paused"
    assert "Pause" not in buttons(page)
    press(page, "Resume")
    shows(page, "Running")
    before = done_so_far(page)
    work(house.found, code, pieces=1)
    moves_past(page, before)


def cancels_it_runs_the_rest_and_undoes_all(house: Office, page: Page, code: str) -> None:
    press(page, "Cancel: begin nothing more")
    shows(page, "Cancelled")
    left = newest(house).progress.cancelled
    assert left > 0
    press(page, f"Run again what failed or was cancelled ({left})")
    shows(page, "Running")
    work(house.found, code)
    shows(page, "Done")
    expect(page.locator("main")).to_contain_text("What was done")
    press(page, "Undo")
    shows(page, "Undoing")
    work(house.found, code)
    shows(page, "Undone")
    assert buttons(page) == []


def test_a_viewer_sees_all_and_is_refused_every_act(
    house: Office, sit: Callable[[str], Page]
) -> None:
    page = sit("viewer")
    page.goto("/admin/runs")
    assert page.get_by_role("link", name="Plan a run").count() == 0
    code = started(house.found)
    page.goto(f"/admin/runs/{code}")
    shows(page, "Running")
    assert buttons(page) == []
    for do in ("start", "pause", "resume", "cancel", "stop", "again", "undo", "drop"):
        refused(page, f"/admin/runs/{code}", do=do)
    refused(page, "/admin/runs/new", first="2026-10-05", last="2026-10-07")
    assert [run.state for run in office.newest(house.context)] == ["running"]


SUBMIT = """([path, fields]) => {
  const form = Object.assign(document.createElement("form"), {method: "post", action: path});
  for (const [name, value] of fields)
    form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
  document.body.append(form);
  form.submit();
}"""


def refused(page: Page, path: str, **fields: str) -> None:
    """Who sends that form all the same is told which role it takes."""
    page.goto("/admin/audit")
    with page.expect_navigation(wait_until="load") as coming:
        page.evaluate(SUBMIT, [path, [list(field) for field in fields.items()]])
    answer = coming.value
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("h1")).to_have_text("This takes an operator")


@pytest.mark.usefixtures("small_pieces")
def test_without_scripts_a_link_looks_again(house: Office, sit: Any) -> None:
    page = sit("operator", java_script_enabled=False)
    code = started(house.found)
    page.goto(f"/admin/runs/{code}")
    before = done_so_far(page)
    work(house.found, code, pieces=2)
    page.get_by_role("link", name="Look again").click()
    assert done_so_far(page) > before
    press(page, "Stop now: give up what is under way too")
    shows(page, "Cancelled")


@pytest.mark.usefixtures("small_pieces")
def test_the_pages_of_runs_are_sound_in_every_state(
    house: Office, sit: Callable[[str], Page]
) -> None:
    page = sit("operator")
    found = house.found

    def look(path: str, name: str) -> None:
        page.goto(f"/admin/runs{path}")
        sound(page, name)
        page.goto("about:blank")  # a run's page comes anew by itself once its state is another

    look("", "runs-none")
    look("/new", "run-new")
    stale = planned(found, stage=Stage.PARSE)
    found.bring(FIRST, body_of(FIRST + 40 * DAY), source="daily")
    work(found, stale)
    office.start(found.context, stale, "somebody")
    work(found, stale)
    assert state(found, stale) == "stale"
    look(f"/{stale}", "run-stale")
    code = asked(found, mail="addendum")
    look(f"/{code}", "run-planning")
    work(found, code, pieces=1)
    look(f"/{code}", "run-planned")
    office.start(found.context, code, "somebody")
    work(found, code, pieces=4)
    look(f"/{code}", "run-running")
    work(found, code)
    look(f"/{code}", "run-done")
    look("", "runs")
