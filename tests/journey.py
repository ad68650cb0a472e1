"""Paperround as one house: a web face that Chromium can open, a mailbox folder, a clock that is set by hand.

    with House(home, known()) as house:
        house.day(19)
        opened = house.open(browser, width=360, scheme="dark")
        opened.page.goto("/")
        ...
        assert opened.said == []

Rings of the web face are answered at once, so that a letter lies in the mailbox when its page has come.
"""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import invented
import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page
from reading_mail import opened

from tasks.desk import visiting
from tasks.records import Ring, SourceKind
from tasks.round.context import Context
from tasks.round.walk import STEPS, run_once
from tasks.settings import Settings
from tasks.store import admin_visits, admins, migrate, sources
from tasks.store.database import Database
from workers import demo
from workers.web.admin import door
from workers.web.app import make_app
from workers.web.page import COOKIE

SAMPLES = demo.SAMPLES  # for the 18th to the 20th
SOURCE = "daily papers"
HISTORY = (5, 6, 9, 10, 11, 12, 13, 16, 17, 18)  # weekdays
ADA = "ada@readers.example"
PATIENCE = 10_000  # milliseconds
TABS_MOST = 600  # a page with more stops than that is no page for a keyboard


def moment(day: int, hour: int = 9, minute: int = 0) -> datetime:
    """A moment of November 2026 (the 18th is a Wednesday)."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


class Clock:
    """Stands still until its `moment` is set."""

    def __init__(self, at: datetime) -> None:
        self.moment = at

    def __call__(self) -> datetime:
        return self.moment


class House:
    """A home folder with its database, mailbox and pages, and a web face on a port of this machine.

    `rows` is a database to begin with, as `known()` gives it; `chosen` are settings.
    """

    def __init__(self, home: Path, rows: bytes = b"", **chosen: Any) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.settings = Settings(home=home, base_url=self.url, _env_file=None, **chosen)
        self.clock = Clock(moment(18))
        self.pages = home / "pages"
        self.pages.mkdir(parents=True)
        if rows:
            (home / "paperround.db").write_bytes(rows)
        database = Database(self.settings.database)
        migrate.upgrade(database)
        self.context = Context(settings=self.settings, database=database, clock=self.clock)
        self._take_pages()
        self.app: Any = make_app(self.settings, clock=self.clock, ring=self.answer)
        config = uvicorn.Config(self.app, log_level="warning", lifespan="on")
        self._server = uvicorn.Server(config)
        sockets = {"sockets": [self._listener]}
        self._thread = threading.Thread(target=self._server.run, kwargs=sockets)
        self._read: set[str] = set()

    def _take_pages(self) -> None:
        """The one source is this home's folder of pages, whichever it was before."""
        with self.context.database.write() as session:
            if sources.rows(session):
                sources.set_state(session, SOURCE, "removed")
            kind, address = SourceKind.FOLDER, str(self.pages)
            sources.add(session, kind=kind, name=SOURCE, address=address, now=self.clock())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Close what an open house holds, where no web face was started."""
        self._listener.close()
        self.context.close()

    def answer(self, rings: Iterable[Ring]) -> None:
        """Do at once what rings ask for, as a worker does."""
        for ring in rings:
            STEPS[ring.step](self.context, ring.first, ring.last, self.clock())

    # --- time and papers -------------------------------------------------------------------------
    def round(self, at: datetime, name: str = "", body: bytes = b"") -> None:
        """It is `at`: a page of that name has come, if one is named, and all that is due is done."""
        self.clock.moment = at
        if name:
            (self.pages / name).write_bytes(body)
            with self.context.database.write() as session:
                sources.wake(session)
        run_once(self.context, at)

    def day(self, day: int, hour: int = 18) -> None:
        """The invented papers of that day of November have come at that hour."""
        at = moment(day, hour)
        for sample in SAMPLES.glob(f"{day - 17}-*"):
            (self.pages / f"{at.date()}{sample.suffix}").write_bytes(sample.read_bytes())
        self.round(at, f"{at.date()}-more.json", invented.day(at.date()))

    # --- mails -----------------------------------------------------------------------------------
    def mails(self) -> list[EmailMessage]:
        """The mails that came into the mailbox folder since the last call, the oldest first."""
        files = sorted(
            (
                file
                for file in (self.settings.mailbox / "new").glob("*")
                if file.name not in self._read
            ),
            key=lambda file: file.stat().st_mtime_ns,
        )
        self._read.update(file.name for file in files)
        return [opened(file.read_bytes()) for file in files]

    def mail(self) -> EmailMessage:
        """The one mail that has come since the last call."""
        [found] = self.mails()
        return found

    # --- the database ----------------------------------------------------------------------------
    def traces(self, text: str) -> list[str]:
        """Where in the home folder these words still stand: files by name, whatever is in them."""
        found = []
        for file in sorted(self.settings.home.rglob("*")):
            if file.is_file() and text.encode() in file.read_bytes():
                found.append(str(file.relative_to(self.settings.home)))
        return found

    def rows(self) -> dict[str, str]:
        """A checksum of every table of the database file, by its name; the search index included."""
        with self.context.database.engine.connect() as connection:
            named = "SELECT name FROM sqlite_master WHERE type = 'table'"
            tables = [str(name) for (name,) in connection.exec_driver_sql(named)]
            return {
                name: _checksum(connection.exec_driver_sql(f'SELECT * FROM "{name}"'))
                for name in sorted(tables)
            }

    # --- pages -----------------------------------------------------------------------------------
    def open(
        self,
        browser: Browser,
        *,
        width: int = 1280,
        scheme: str = "light",
        scripts: bool = True,
        **more: Any,
    ) -> Opened:
        """A window of that width with nothing in it yet, and cookies of its own."""
        size = {"width": width, "height": more.pop("height", 900)}
        made = browser.new_context(
            viewport=size,
            color_scheme=scheme,
            java_script_enabled=scripts,
            base_url=self.url,
            **more,
        )
        made.set_default_timeout(PATIENCE)
        return Opened(made.new_page())

    def sign_in(self, window: BrowserContext, reader_id: int, scope: str = "full") -> None:
        """A visit of that reader begins in this window."""
        self._give(window, COOKIE, visiting.begin(self.context, reader_id, scope))

    def admit(self, window: BrowserContext, name: str) -> None:
        """A visit of the admin of that name begins in this window."""
        with self.context.database.write() as session:
            admin = admins.find(session, name)
            secret = admin_visits.begin(session, admin, now=self.clock())
        self._give(window, door.COOKIE, secret)

    def _give(self, window: BrowserContext, name: str, secret: str) -> None:
        # Browsers take a cookie for https alone from this machine over http too; the tool's door does not.
        cookie: Any = {"name": name, "value": secret, "url": self.url.replace("http:", "https:")}
        window.add_cookies([{**cookie, "secure": True, "httpOnly": True, "sameSite": "Lax"}])


@lru_cache(maxsize=1)
def known() -> bytes:
    """A database that has seen two weeks of papers, up to the evening of the 18th, and no reader."""
    with TemporaryDirectory() as folder:
        with closing(House(Path(folder) / "home")) as house:
            for day in HISTORY:
                house.day(day)
        return (house.settings.home / "paperround.db").read_bytes()


# A look that the next one makes needless is given up, and htmx says so.
GIVEN_UP = ("htmx:afterRequest,", "htmx:sendAbort,")


@dataclass
class Opened:
    """A page in Chromium, and all that it complained of: messages of the console, errors, dialogs."""

    page: Page
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(f"{self.page.url}: {error}"))
        self.page.on("dialog", self._dismiss)

    def _hear(self, message: ConsoleMessage) -> None:
        if not message.text.startswith(GIVEN_UP):
            self.said.append(f"{self.page.url}: {message.text}")

    def _dismiss(self, dialog: Any) -> None:
        self.said.append(f"{self.page.url}: dialog {dialog.message}")
        dialog.dismiss()

    def close(self) -> None:
        """Close the window with its cookies."""
        self.page.context.close()


class Hand:
    """Uses a page as a person with a mouse does."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, target: Locator) -> None:
        """Press a button or a link."""
        target.click()

    def tick(self, target: Locator) -> None:
        """Tick a box, or choose one of several, by its label: the box itself may lie under it."""
        self.page.locator(f'label[for="{target.get_attribute("id")}"]').click()
        assert target.is_checked()

    def write(self, target: Locator, text: str) -> None:
        """Type into a field."""
        target.fill(text)


class Keys(Hand):
    """Uses a page by Tab, Enter, Space and letters alone."""

    def press(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def tick(self, target: Locator) -> None:
        self._reach(target)
        if not target.is_checked():
            self.page.keyboard.press("Space")
        assert target.is_checked()

    def write(self, target: Locator, text: str) -> None:
        self._reach(target)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def _reach(self, target: Locator) -> None:
        """Go on by Tab until the target has the focus, and see that it can be seen that it has."""
        target.wait_for()
        for _ in range(TABS_MOST):
            if target.evaluate("node => node === document.activeElement"):
                assert target.evaluate(SHOWS_FOCUS), f"nobody sees that {target} has the focus"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached by Tab")


SHOWS_FOCUS = """node => {
  const styles = [node, node.labels?.[0], node.closest("label")].filter(Boolean).map(e => getComputedStyle(e));
  return styles.some(s => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0);
}"""


def _checksum(rows: Iterable[Sequence[Any]]) -> str:
    lines = sorted(repr(tuple(row)) for row in rows)
    return f"{len(lines)} rows {hashlib.sha256(''.join(lines).encode()).hexdigest()[:16]}"
