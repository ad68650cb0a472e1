"""Every page, as a browser shows it: nothing to object to for axe, the console, a narrow window or a validator.

The table names each page by how one gets there, and a route that no line of it opens fails a test.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import axe_playwright_python
import html5lib
import pytest
from journey import ADA, House, Opened, known
from lived_in import BEGINNER, LEAVER, PLAIN, Settled, settle
from playwright.sync_api import Browser, Page, Response

from workers.web.app import FACES

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
RUN_AXE = """rules => axe.run(document, {runOnly: rules}).then(found => found.violations.map(
  v => `${v.id}: ${v.nodes.map(n => n.target + " " + n.failureSummary).join(" | ")}`))"""
SUBMIT = """([path, fields]) => {
  const form = Object.assign(document.createElement("form"), {method: "post", action: path});
  for (const [name, value] of fields)
    form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
  document.body.append(form);
  form.submit();
}"""
LARGEST = 60_000  # bytes
LOOKS: tuple[tuple[int, Any], ...] = ((1280, "light"), (360, "dark"))
At = Callable[[Settled], str]


@dataclass(frozen=True)
class Way:
    """How one gets to a page: its path, as whom, and the fields of the form that is sent there, if any."""

    path: str | At
    who: str = ""
    fields: tuple[tuple[str, str], ...] | None = None
    scope: str = "full"
    status: int = 200
    is_mail: bool = False  # shut in: axe cannot run there


def posted(path: str | At, who: str = "", status: int = 200, **fields: str) -> Way:
    return Way(path, who, tuple(fields.items()), status=status)


def give(want: str) -> At:
    return lambda all_: all_.link(all_.digest, f"want={want}")


def give_path(all_: Settled) -> str:
    return give("less")(all_).partition("?")[0]


def out(all_: Settled) -> str:
    return f"/u/{all_.token}"


PAGES = {
    "today": Way("/"),
    "today, signed in": Way("/", ADA),
    "a day": Way("/days/2026-11-19"),
    "a day's second page": Way("/days/2026-11-18?page=2"),
    "a day without papers": Way("/days/2026-11-15", status=404),
    "days": Way("/days"),
    "a paper": Way(lambda all_: f"/papers/{all_.papers[0]}"),
    "search": Way("/search"),
    "search that found": Way("/search?q=attention"),
    "search that found nothing": Way("/search?q=zebra"),
    "about": Way("/about"),
    "subscribe": Way("/subscribe"),
    "subscribe, wrongly": posted("/subscribe", status=422, email="nobody"),
    "subscribed": posted("/subscribe", email="another@readers.example", zone="Europe/Rome"),
    "confirm": Way(lambda all_: all_.link(all_.confirm, "/confirm/")),
    "confirm too late": Way("/confirm/x", status=410),
    "sign in": Way("/sign-in"),
    "sign in, wrongly": posted("/sign-in", status=422, email="nobody"),
    "sign-in mailed": posted("/sign-in", email="unknown@readers.example"),
    "the door": Way(lambda all_: all_.link(all_.sign_in, "/in/")),
    "the door, shut": Way("/in/x", status=410),
    "to the preferences": Way(lambda all_: all_.link(all_.digest, "/tune/")),
    "more": Way(give("more")),
    "less": Way(give("less")),
    "save": Way(give("save")),
    "answered": posted(give_path, want="less"),
    "taken back": posted(give_path, want="less", undo="1"),
    "a digest as it was mailed": Way(lambda all_: all_.link(all_.digest, "/view/"), is_mail=True),
    "a digest in plain text": Way(lambda all_: all_.link(all_.plain, "/view/")),
    "stop": Way(out),
    "a return too late": posted(lambda all_: f"{out(all_)}/pause", status=422, until="2099-01-01"),
    "stopped": posted(out),
    "the link to delete": posted(lambda all_: f"{out(all_)}/link"),
    "come back": posted(lambda all_: f"{out(all_)}/undo"),
    "paused instead": posted(lambda all_: f"{out(all_)}/pause", until="2026-12-05"),
    "my papers": Way("/my", ADA),
    "my papers, as a beginner": Way("/my", BEGINNER),
    "my papers, after leaving": Way("/my", LEAVER),
    "my digests": Way("/my/digests", ADA),
    "my first digest": Way("/my/digests/2026-11-20", ADA),
    "start": Way("/my/start", BEGINNER),
    "start with a preview": posted("/my/start/preview", BEGINNER, terms="speech", hour="7", zone="UTC", about="5"),
    "start with papers": posted("/my/start/papers", BEGINNER, papers="2611.98000 10.1234/x nonsense"),
    "start, wrongly": posted("/my/start", BEGINNER, 422, hour="99", zone="Moon", about="no", orcid="1"),
    "profiles": Way("/my/profiles", ADA),
    "a profile": Way("/my/profiles/1", ADA),
    "a new profile": Way("/my/profiles/new", ADA),
    "a profile tried out": posted("/my/profiles/1", ADA, do="preview", name="main", terms="video", version="1", share="1"),
    "a profile, wrongly": posted("/my/profiles/new", ADA, 422, name="", share="99"),
    "remove a profile": Way("/my/profiles/1/remove", ADA),
    "preferences": Way("/my/preferences", ADA),
    "preferences by a digest's link": Way("/my/preferences", ADA, scope="tune"),
    "preferences, wrongly": posted("/my/preferences", ADA, 422, rhythm="own", hour="99", about="x", most="", length="x"),
    "a pause, wrongly": posted("/my/pause", ADA, 422, until="2001-01-01", **{"for": "day"}),
    "preferences, in German": posted("/my/preferences", LEAVER, 200, rhythm="every", hour="7", timezone="UTC", about="5", most="10", length="normal", language="de", name="Cy"),
    "what was learned": Way("/my/learned", ADA),
    "nothing learned": Way("/my/learned", BEGINNER),
    "forget all": Way("/my/learned/forget", ADA),
    "saved": Way("/my/saved", ADA),
    "nothing saved": Way("/my/saved", BEGINNER),
    "my data": Way("/my/data", ADA),
    "my data by a digest's link": Way("/my/data", ADA, scope="tune"),
    "brought back, wrongly": posted("/my/import", ADA, 422),
    "keys": Way("/my/keys", ADA),
    "a new key": posted("/my/keys", ADA, name="reader"),
    "a new key, wrongly": posted("/my/keys", ADA, 422, name=""),
    "delete me": Way("/my/delete", ADA),
    "delete me, unsure": posted("/my/delete", ADA, 422),
    "old links ended": posted("/my/links/renew", PLAIN),
    "deleted": posted("/my/delete", PLAIN, sure="1", suppress="1"),
    "status": Way("/status"),
    "mails": Way("/mails?day=2026-11-20"),
    "no mails": Way("/mails?day=2026-11-01"),
    "a mail": Way(lambda all_: f"/mails/{all_.mail_key}"),
    "a mail's html": Way(lambda all_: f"/mails/{all_.mail_key}/html", is_mail=True),
    "nowhere": Way("/nowhere", status=404),
    "not readable": Way("/?page=x", status=400),
    "not in this way": posted("/about", status=405),
    "not by a digest's link": Way("/my/keys", ADA, scope="tune", status=403),
}
NO_PAGES = {"/feed.atom", "/feeds/{mark}.atom", "/feeds/{mark}.json", "/my/export.json", "/my/saved.bib"}
NO_PAGES |= {"/my/saved.ris", "/livez", "/readyz", "/static/{name}"}


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    with House(tmp_path_factory.mktemp("pages") / "home", known()) as house:
        yield settle(house)


@pytest.fixture(scope="module")
def windows(settled: Settled, browser: Browser) -> Iterator[Callable[[Way], Opened]]:
    """One window for each who looks."""
    opened: dict[tuple[str, str], Opened] = {}

    def window(way: Way) -> Opened:
        who = (way.who, way.scope)
        if who not in opened:
            opened[who] = settled.house.open(browser)
            if way.who:
                settled.visit(opened[who].page.context, *who)
        return opened[who]

    yield window
    for each in opened.values():
        each.close()


def go(page: Page, way: Way, settled: Settled) -> Response:
    """Open the page, or send the form and see what comes."""
    path = way.path if isinstance(way.path, str) else way.path(settled)
    if way.fields is None:
        found = page.goto(path)
    else:
        page.goto("/about")
        with page.expect_navigation(wait_until="load") as coming:
            page.evaluate(SUBMIT, [path, [list(field) for field in way.fields]])
        found = coming.value
    assert found is not None
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound(name: str, windows: Callable[[Way], Opened], settled: Settled) -> None:
    way = PAGES[name]
    opened = windows(way)
    page = opened.page
    answer = go(page, way, settled)
    html = answer.text()
    assert answer.status == way.status
    assert len(html.encode()) < LARGEST
    assert faults_of_html(html) == []
    assert page.locator("h1").count() == 1
    assert page.title().partition(" · ")[0].strip()
    assert page.locator("html").get_attribute("lang") in ("en", "de")
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        assert way.is_mail or faults_by_axe(page) == [], (width, scheme)
    assert [words for words in opened.said if f"status of {way.status}" not in words] == []
    opened.said.clear()


@pytest.mark.parametrize("way", ["a digest as it was mailed", "a mail's html"])
def test_a_mail_in_its_sandbox_is_sound_too(way: str, settled: Settled, browser: Browser) -> None:
    opened = settled.house.open(browser)
    html = go(opened.page, PAGES[way], settled).text()
    opened.page.goto("about:blank")
    opened.page.set_content(html)
    for width, scheme in LOOKS:
        opened.page.set_viewport_size({"width": width, "height": 900})
        opened.page.emulate_media(color_scheme=scheme)
        assert faults_by_axe(opened.page) == []
    opened.close()


def faults_of_html(text: str) -> list[str]:
    """What a strict parser objects to, and ids that stand twice."""
    parser = html5lib.HTMLParser()
    parser.parse(text)
    ids = Counter(re.findall(r'\sid="([^"]*)"', text))
    twice = [name for name, times in ids.items() if times > 1]
    return [*map(str, parser.errors), *twice]


def faults_by_axe(page: Page) -> list[str]:
    page.evaluate(AXE)
    return list(page.evaluate(RUN_AXE, RULES))


def test_axe_finds_what_is_planted(settled: Settled, browser: Browser) -> None:
    opened = settled.house.open(browser)
    opened.page.goto("/about")
    opened.page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=data:,><input>')")
    found = {fault.partition(":")[0] for fault in faults_by_axe(opened.page)}
    assert found == {"image-alt", "label"}
    opened.close()


def test_the_console_hears_what_the_policy_stops(settled: Settled, browser: Browser) -> None:
    opened = settled.house.open(browser)
    opened.page.goto("/about")
    opened.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=color:red onclick=x()>x</p>')")
    assert any("Content Security Policy" in words for words in opened.said)
    opened.close()


def test_every_page_stands_in_the_table(settled: Settled) -> None:
    paths = [way.path if isinstance(way.path, str) else way.path(settled) for way in PAGES.values() if way.fields is None]
    opened = {_route_of(path.partition("?")[0]) for path in paths}
    pages = {route.path for route in _routes() if "GET" in route.methods}
    assert pages - NO_PAGES - opened == set(), "give each of these a line in the table"


def _routes() -> list[Any]:
    return [route for face in FACES for route in face.router.routes]


def _route_of(path: str) -> str | None:
    """The template of the route that answers that path."""
    return next((route.path for route in _routes() if route.path_regex.fullmatch(path)), None)
