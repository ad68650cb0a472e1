"""A stranger becomes a reader, gets digests that follow them, leaves, comes back, and goes for good.

The whole way in a real browser, three times: with a mouse; without any script, narrow and dark; and by
the keyboard alone. Mails are read where they arrive, in the mailbox folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from journey import ADA, Hand, House, Keys, Opened, known, moment
from playwright.sync_api import Browser, Locator, expect
from reading_mail import links, parts, titles, way_out

pytestmark = pytest.mark.browser

LIKED = ("Sieve", "Half Measure", "Lamplight", "Keyhole", "Second Take")
LESS = "Less like this"
EARLY = moment(21, 5, 50)  # the papers of the day before are here, and the digest is not made yet


@dataclass(frozen=True)
class Way:
    """How somebody goes about it."""

    hand: type[Hand]
    look: dict[str, Any]
    zone: str


WAYS = {
    "by mouse": Way(Hand, {"width": 1280, "scheme": "light"}, "Europe/Rome"),
    "without scripts": Way(Hand, {"width": 360, "scheme": "dark", "scripts": False}, "UTC"),
    "by keyboard": Way(Keys, {"width": 1280, "scheme": "light"}, "Europe/Rome"),
}


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path / "home", known()) as opened:
        yield opened


@dataclass
class Reader:
    """Somebody at a browser."""

    house: House
    opened: Opened
    hand: Hand
    way: Way

    def press(self, name: str, role: Any = "button") -> None:
        """Press the one button (or link) of that name."""
        self.hand.press(self.opened.page.get_by_role(role, name=name, exact=True))

    def expect(self, heading: str) -> None:
        """A page with this heading, which fits its window."""
        page = self.opened.page
        expect(page.locator("h1")).to_have_text(re.compile(heading))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url

    def titles(self, under: str = "main") -> list[str]:
        """The titles of the papers that stand there."""
        return self.opened.page.locator(f"{under} .pick-title").all_inner_texts()

    def section(self, heading: str) -> list[str]:
        """The titles of the list right under those words; none where they are not said."""
        words = f'*[self::p or self::h3][normalize-space() = "{heading}"]'
        under = self.opened.page.locator(f"xpath=//{words}/following-sibling::ol[1]")
        return under.locator(".pick-title").all_inner_texts()


def test_from_a_first_look_to_the_last_trace(house: House, browser: Browser, way: Way) -> None:
    house.clock.moment = moment(19, 8)
    opened = house.open(browser, timezone_id="Europe/Rome", **way.look)
    ada = Reader(house, opened, way.hand(opened.page), way)
    subscribes_and_confirms(ada)
    liked = says_what_interests_them(ada)
    digest = gets_a_digest(ada, liked)
    says_less_and_sees_it_come_true(ada, digest)
    leaves_and_comes_back(ada, digest)
    is_deleted(ada)
    assert opened.said == []
    opened.close()


def subscribes_and_confirms(ada: Reader) -> None:
    page = ada.opened.page
    page.goto("/")
    ada.expect("Wednesday 18 November 2026")
    ada.hand.write(page.get_by_label("Your mail address"), ADA)
    ada.press("Subscribe")
    ada.expect("Look in your mailbox")
    mail = ada.house.mail()
    written, shown = links(mail)
    assert written == shown
    assert mail["To"] == ADA
    [link] = written
    page.goto(link)
    ada.expect("Confirm your subscription")
    ada.press("Confirm a…@readers.example")


def says_what_interests_them(ada: Reader) -> list[str]:
    """Five papers, a look at yesterday's digest, and Save."""
    page = ada.opened.page
    ada.expect("What interests you")
    boxes = [page.get_by_role("checkbox", name=f"{name}:") for name in LIKED]
    liked = [_label_of(box) for box in boxes]
    for box in boxes:
        ada.hand.tick(box)
    assert page.get_by_label("Time zone").input_value() == ada.way.zone
    ada.press("Show me yesterday’s digest")
    expect(page.locator("#looked h2")).to_have_text(
        "What would have come on Wednesday 18 November 2026"
    )
    previewed = ada.titles("#looked")
    assert previewed
    assert page.locator("#looked .pick-why").count() == len(previewed), "each says why"
    assert not {*previewed} & {*liked}
    assert all(box.is_checked() for box in boxes)
    ada.press("Save and start")
    ada.expect("Your papers")
    expect(
        page.get_by_text("Your next digest comes on Friday 20 November at 07:00")
    ).to_be_visible()
    assert ada.house.mails() == []
    return liked


def _label_of(box: Locator) -> str:
    return str(box.evaluate("node => node.labels[0].innerText"))


def gets_a_digest(ada: Reader, liked: list[str]) -> EmailMessage:
    house = ada.house
    house.day(19)
    assert house.mails() == [], "not before the hour"
    house.round(moment(20, 7, 5))
    digest = house.mail()
    assert digest["To"] == ADA
    plain, _ = parts(digest)
    written, shown = links(digest)
    ours = [url for url in written if url.startswith(house.url)]
    assert {*ours} >= {url for url in shown if "/give/" not in url and url.startswith(house.url)}
    assert {*ours} <= {*shown}
    came = titles(digest)
    assert came
    one_line = " ".join(plain.split())
    assert all(title in one_line for title in came)
    assert not {*came} & {*liked}, "they know these"
    return digest


def says_less_and_sees_it_come_true(ada: Reader, digest: EmailMessage) -> None:
    """What the page foretells is what the next mail brings, to the paper."""
    house, page = ada.house, ada.opened.page
    house.day(20)
    assert house.mails() == []
    house.clock.moment = EARLY
    before = _next_digest(ada)
    _open_one_that_matters(ada, digest)
    leaving, entering = ada.section("These go"), ada.section("These come in")
    ada.press("Save my answer")
    ada.expect(f"Noted: {LESS}")
    after = _next_digest(ada)
    assert {*before} - {*after} == {*leaving}
    assert {*after} - {*before} == {*entering}
    house.round(moment(21, 7, 5))
    assert titles(house.mail()) == after
    assert after != before
    page.goto("/my/learned")
    ada.expect("What was learned from you")
    assert page.get_by_text(LESS).count() == 1


def _next_digest(ada: Reader) -> list[str]:
    ada.opened.page.goto("/my")
    ada.expect("Your papers")
    return ada.titles("section[aria-labelledby=coming]")


def _open_one_that_matters(ada: Reader, digest: EmailMessage) -> None:
    """Open the mail's links for less, one after the other, until one would change something."""
    asked = [url for url in links(digest)[1] if url.endswith("want=less")]
    rows = ada.house.rows()
    for url in asked:
        ada.opened.page.goto(url)
        ada.expect("What do you say of this paper")
        if ada.section("These go"):
            break
    assert ada.section("These go")
    assert ada.opened.page.get_by_label(LESS).is_checked()
    assert ada.house.rows() == rows, "looking changed something"


def leaves_and_comes_back(ada: Reader, digest: EmailMessage) -> None:
    house, page = ada.house, ada.opened.page
    for _ in range(2):
        assert _one_click(way_out(digest)) == 200
    house.round(moment(22, 7, 5))
    assert house.mails() == []
    [visible] = [url for url in links(digest)[0] if "/u/" in url]
    page.goto(visible)
    for button, heading in (
        ("Undo", "Your digests go on"),
        ("Stop my digests", "You will get no more digests"),
        ("Undo", "Your digests go on"),
    ):
        ada.press(button)
        ada.expect(heading)
    page.goto("/my")
    assert page.get_by_text("Your next digest comes on Monday 23 November").is_visible()


def _one_click(url: str) -> int:
    """As a mail program does it (RFC 8058): no cookie, from another site."""
    asked = Request(url, data=b"List-Unsubscribe=One-Click", method="POST")
    asked.add_header("Origin", "https://mail.example")
    asked.add_header("Sec-Fetch-Site", "cross-site")
    with urlopen(asked) as answer:
        return int(answer.status)


def is_deleted(ada: Reader) -> None:
    house, page = ada.house, ada.opened.page
    assert house.traces(ADA)
    ada.press("Your data", "link")
    ada.press("See what that means", "link")
    ada.expect("Delete all that is yours")
    ada.hand.tick(page.get_by_label("Yes, delete everything"))
    ada.press("Delete me")
    ada.expect("All that was yours is deleted")
    assert page.context.cookies() == []
    page.goto("/my")
    ada.expect("Sign in")
    assert house.traces(ADA) == []
    assert house.traces(ADA.partition("@")[0] + "@") == []
    assert [*(house.settings.mailbox / "new").iterdir()] == []
    house.round(moment(23, 7, 5))
    assert house.mails() == []
