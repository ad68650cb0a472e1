"""Every page, as a browser shows it: nothing to object to for axe, the console, a narrow window or a validator.

The table names each page by how one gets there, and a route that no line of it opens fails a test.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import html5lib
import pytest
from every_page import FILES, PAGES, Way, looked_at
from journey import House, Opened, known
from lived_in import Settled, settle
from playwright.sync_api import Browser, Page, Response

from workers.web.app import FACES

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
EVERY = {"type": "tag", "values": [*WCAG, "best-practice"]}
OF_MAILS = {"type": "tag", "values": WCAG}  # mails have no landmarks
OF_LOOKS = {  # what colours and width decide; the rest of a page is the same in the dark
    "type": "rule",
    "values": [
        "color-contrast",
        "link-in-text-block",
        "target-size",
        "scrollable-region-focusable",
    ],
}
RUN_AXE = """rules => axe.run({runOnly: rules, iframes: false}).then(found => found.violations.map(
  v => `${v.id}: ${v.nodes.map(n => n.target + " " + n.failureSummary).join(" | ")}`))"""
SUBMIT = """([path, fields]) => {
  const form = Object.assign(document.createElement("form"), {method: "post", action: path});
  for (const [name, value] of fields)
    form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
  document.body.append(form);
  form.submit();
}"""
LARGEST = 60_000  # bytes
LOOKS: tuple[tuple[int, Any, Any], ...] = ((1280, "light", EVERY), (360, "dark", OF_LOOKS))


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
    path = way.at(settled)
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
    opened.said.clear()
    answer = go(page, way, settled)
    html = answer.text()
    assert answer.status == way.status
    assert len(html.encode()) < LARGEST
    assert faults_of_html(html) == []
    assert page.locator("h1").count() == 1
    assert page.title().partition(" · ")[0].strip()
    assert page.locator("html").get_attribute("lang") in ("en", "de")
    page.evaluate(AXE)
    for width, scheme, rules in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        assert way.is_mail or faults_by_axe(page, rules) == [], (width, scheme)
    assert [words for words in opened.said if f"status of {way.status}" not in words] == []


@pytest.mark.parametrize("way", ["a digest as it was mailed", "a mail's html"])
def test_a_mail_in_its_sandbox_is_sound_too(way: str, settled: Settled, browser: Browser) -> None:
    opened = settled.house.open(browser)
    html = go(opened.page, PAGES[way], settled).text()
    opened.page.goto("about:blank")
    opened.page.set_content(html)
    opened.page.evaluate(AXE)
    for width, scheme, _ in LOOKS:
        opened.page.set_viewport_size({"width": width, "height": 900})
        opened.page.emulate_media(color_scheme=scheme)
        assert faults_by_axe(opened.page, OF_MAILS) == []
    opened.close()


def faults_of_html(text: str) -> list[str]:
    """What a strict parser objects to, and ids that stand twice."""
    parser = html5lib.HTMLParser()
    parser.parse(text)
    ids = Counter(re.findall(r'\sid="([^"]*)"', text))
    twice = [name for name, times in ids.items() if times > 1]
    return [*map(str, parser.errors), *twice]


def faults_by_axe(page: Page, rules: Any = EVERY) -> list[str]:
    """What axe, which the page must have by now, objects to."""
    return list(page.evaluate(RUN_AXE, rules))


@pytest.mark.parametrize(("name", "times"), [("subscribed", 1), ("the link to delete", 0)])
def test_a_letter_can_be_asked_for_again_where_its_address_is_known(
    name: str, times: int, settled: Settled, windows: Callable[[Way], Opened]
) -> None:
    page = windows(PAGES[name]).page
    assert go(page, PAGES[name], settled).ok
    assert page.get_by_role("button", name="Send it again").count() == times


def test_axe_finds_what_is_planted(settled: Settled, browser: Browser) -> None:
    opened = settled.house.open(browser)
    opened.page.goto("/about")
    opened.page.evaluate(AXE)
    opened.page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<img><input><p>hard to read')"
    )
    opened.page.evaluate("document.querySelector('main > p').style.color = '#eee'")
    found = {fault.partition(":")[0] for fault in faults_by_axe(opened.page)}
    assert found == {"image-alt", "label", "color-contrast"}
    assert "color-contrast" in faults_by_axe(opened.page, OF_LOOKS)[0]
    opened.close()


def test_the_console_hears_what_the_policy_stops(settled: Settled, browser: Browser) -> None:
    opened = settled.house.open(browser)
    opened.page.goto("/about")
    opened.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<p style=color:red onclick=x()>x</p>')"
    )
    assert any("Content Security Policy" in words for words in opened.said)
    opened.close()


def test_every_page_stands_in_the_table(settled: Settled) -> None:
    opened = {_route_of(path.partition("?")[0]) for path in looked_at(settled)}
    there = {route.path for route in _routes() if "GET" in route.methods}
    assert there - opened == set(), "give each of these a line in tests/every_page.py"
    assert {*FILES} <= there


def _routes() -> list[Any]:
    return [route for face in FACES for route in face.router.routes]


def _route_of(path: str) -> str | None:
    """The template of the route that answers that path."""
    return next((route.path for route in _routes() if route.path_regex.fullmatch(path)), None)
