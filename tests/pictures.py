"""The pictures of the documentation, from invented papers alone:

python tests/pictures.py docs/
"""

from __future__ import annotations

import os
import sys
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from journey import ADA, Hand, House, known, moment
from papers import add_reader
from playwright.sync_api import Browser, sync_playwright
from sqlmodel import select

from tasks import models
from tasks.office import admins, asking, runs, watching
from tasks.office.asking import Asked
from tasks.round.backlog import planning
from tasks.round.backlog.question import Mail
from tasks.round.backlog.working import step
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.store.admins import Role

ADMIN, PASSWORD = "grace", "nine tidal kilns orbit a mango"
TALL = 1000


def pictures(folder: Path, browser: Browser, house: House) -> None:
    """Write what a stranger sees, the first minutes, their preview, a profile being tuned and an admin's
    morning, as files into that folder.
    """
    house.day(19)
    page = house.open(browser, height=790).page
    page.goto("/")
    page.screenshot(path=folder / "paperround-today.png")
    with house.context.database.write() as session:
        reader = add_reader(session, moment(20, 7), ADA, terms=["long context"])
    house.sign_in(page.context, reader)
    page.goto("/my/start")
    for name in ("Sieve", "Half Measure", "Second Take"):
        Hand(page).tick(page.get_by_role("checkbox", name=f"{name}:").first)
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=folder / "start.png")
    page.get_by_role("button", name="Show me yesterday’s digest").click()
    page.locator("#looked .picks").wait_for()
    box = page.locator("#looked").evaluate("e => [e.offsetLeft, e.offsetTop]")
    shown = {"x": box[0] - 40, "y": box[1] - 30, "width": 800, "height": 790}
    page.screenshot(path=folder / "preview.png", full_page=True, clip=shown)
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto("/my/profiles")
    page.get_by_role("link", name="main", exact=True).click()
    page.locator("#terms-add").fill("video diffusion")
    page.locator("#terms-add").press("Enter")
    page.locator("#terms-1").wait_for()
    page.get_by_role("radio", name="30").or_(
        page.get_by_role("button", name="30 days")
    ).first.click()
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=folder / "tuner.png")
    page.context.close()
    admins_morning(folder, browser, house)


def admins_morning(folder: Path, browser: Browser, house: House) -> None:
    """The health page in the light, beside a backlog run that is under way in the dark."""
    house.round(moment(20, 7, 5))
    house.day(20)
    house.round(moment(20, 18, 5), "2026-11-20-torn.json", b'[{"paper": {"id"')
    watching.watch(house.context)
    admins.create(house.context, "command line", ADMIN, PASSWORD, role=Role.OPERATOR)
    health = _shot(browser, house, "/admin", width=720, scheme="light")
    run = _shot(browser, house, f"/admin/runs/{_under_way(house)}", width=560, scheme="dark")
    page = house.open(browser, height=TALL).page
    images = "".join(
        f'<img src="data:image/png;base64,{b64encode(shot).decode()}">' for shot in (health, run)
    )
    page.set_content(f'<body style="margin: 0; display: flex">{images}')
    page.screenshot(path=folder / "admin.png")
    page.context.close()


def _shot(browser: Browser, house: House, path: str, *, width: int, scheme: str) -> bytes:
    page = house.open(browser, width=width, height=TALL, scheme=scheme).page
    house.admit(page.context, ADMIN)
    page.goto(path)
    shot = page.screenshot()
    page.context.close()
    return shot


def _under_way(house: House) -> str:
    """A run that mends two weeks, of which some abstracts were cut off, has come half way; its code."""
    context, clock = house.context, house.clock
    with context.database.write() as session:
        for row in session.exec(select(models.Entry)):
            if row.id is not None and row.id % 3:
                row.abstract = row.abstract[:60]
    asked = Asked(first="2026-11-09", last="2026-11-20", mail=Mail.ADDENDUM)
    with patch.object(planning, "AT_ONCE", 6):
        code = runs.plan(context, asking.question(context, asked), ADMIN)[0]
        run_once(context, clock())
    runs.start(context, code, ADMIN)
    key = runs.look(context, code).id
    while runs.look(context, code).progress.share < 0.55 or state(context, code) != "running":
        clock.moment += timedelta(seconds=0.4)
        assert step(context, key, clock())
    return code


def state(context: Context, code: str) -> str:
    return runs.look(context, code).state


def main() -> None:
    """Make the pictures in the folder that is named."""
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with (
        TemporaryDirectory() as home,
        House(Path(home) / "home", known()) as house,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        pictures(Path(sys.argv[1]), browser, house)
        browser.close()


if __name__ == "__main__":
    main()
