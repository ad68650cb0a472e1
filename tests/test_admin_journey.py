"""An admin's morning in a real browser: through the door by name and password, then what went wrong is set
right; and somebody who may only look finds nothing to press, and is refused what they send all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from busy_office import OPERATOR, PASSWORD, VIEWER
from journey import SOURCE, House, Opened, known
from lived_in import PLAIN, Settled, settle
from papers import api_json, entry
from playwright.sync_api import Browser, Page, expect
from web_server import Site, reply

from tasks.store import source_rows

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SUBMIT = """([path, fields]) => {
  const form = Object.assign(document.createElement("form"), {method: "post", action: path});
  for (const [name, value] of fields)
    form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
  document.body.append(form);
  form.submit();
}"""


@pytest.fixture
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    home = tmp_path_factory.mktemp("office") / "home"
    with House(home, known(), allow_private=True) as house:
        yield settle(house)


@pytest.fixture
def sit(settled: Settled, browser: Browser) -> Iterator[Callable[[], Page]]:
    """A window in which nobody has signed in; no page may have complained at the end, but of a refusal."""
    windows: list[Opened] = []

    def open_() -> Page:
        windows.append(settled.house.open(browser))
        return windows[-1].page

    yield open_
    for window in windows:
        assert [words for words in window.said if "status of 4" not in words] == []
        window.close()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def says(page: Page, words: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(words)


def signs_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    press(page, "Sign in")


def test_an_operator_comes_in_and_sets_right_what_went_wrong(
    settled: Settled, sit: Callable[[], Page]
) -> None:
    page = sit()
    comes_in_by_the_form(page)
    sends_the_mail_that_was_given_up(settled, page)
    decides_the_mail_of_which_nobody_knew(settled, page)
    adds_a_source_that_was_tested(settled, page)
    goes_out_again(page)


def comes_in_by_the_form(page: Page) -> None:
    page.goto("/admin/dead")
    expect(page).to_have_url("/admin/sign-in?to=%2Fadmin%2Fdead")
    signs_in(page, OPERATOR, "a wrong password")
    expect(page.get_by_role("alert")).to_contain_text("do not fit together")
    signs_in(page, OPERATOR)
    expect(page).to_have_url("/admin/dead")
    expect(page.get_by_text(f"Signed in as {OPERATOR}")).to_be_visible()


def sends_the_mail_that_was_given_up(settled: Settled, page: Page) -> None:
    settled.house.mails()
    page.locator(f"a[href='/admin/dead/delivery/{settled.office.dead}']").first.click()
    press(page, "Retry it")
    says(page, "It is tried again.")
    assert settled.house.mail()["To"] == PLAIN


def decides_the_mail_of_which_nobody_knew(settled: Settled, page: Page) -> None:
    page.get_by_role("link", name="Health", exact=True).click()
    page.locator("main a[href^='/admin/deliveries']").first.click()
    page.get_by_role("link", name="Look at them").click()
    page.locator(f"a[href='/admin/deliveries/{settled.office.unsure}']").first.click()
    assert settled.house.mails() == []
    page.get_by_label("How you know").fill("the server's log has nothing of it")
    press(page, "It did not arrive: send it again")
    says(page, "It is sent again")
    assert settled.house.mail()["To"] == PLAIN
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("sent")


def adds_a_source_that_was_tested(settled: Settled, page: Page) -> None:
    house = settled.house
    with Site() as site:
        site.otherwise = reply(200, api_json(*(entry(n) for n in range(6))))
        page.get_by_role("link", name="Sources", exact=True).click()
        page.get_by_role("link", name="Add a source").click()
        page.get_by_label("Kind").select_option("feed")
        page.get_by_label("Address").fill(f"{site.url}/papers.json")
        page.get_by_label("Name", exact=True).fill("nearby")
        before = house.rows()["entry"]
        press(page, "Test it first")
        expect(page.get_by_role("heading", name="What a turn would bring")).to_be_visible()
        expect(page.locator("main")).to_contain_text("6 entries, 0 rejected")
        assert house.rows()["entry"] == before
        press(page, "Add it")
        says(page, "The source was added")
        house.round(house.clock())
    assert house.rows()["entry"] != before
    page.reload()
    expect(page.locator("main")).to_contain_text("parsed")


def goes_out_again(page: Page) -> None:
    press(page, "Sign out")
    says(page, "You are signed out.")
    page.goto("/admin/sources")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in as an admin")


def test_a_viewer_sees_it_all_and_is_refused_each_of_it(
    settled: Settled, sit: Callable[[], Page]
) -> None:
    page = sit()
    page.goto("/admin")
    signs_in(page, VIEWER)
    office, source = settled.office, f"/admin/sources/{quote(SOURCE)}"
    acts = {
        f"/admin/dead/delivery/{office.dead}": {"do": "retry"},
        f"/admin/dead/page/{office.page}": {"do": "drop"},
        f"/admin/dead/digest/{office.digest}": {"do": "retry"},
        f"/admin/deliveries/{office.unsure}": {"do": "again", "why": "the log"},
        "/admin/sources/new": {"do": "add", "kind": "feed", "address": "https://1.1.1.1/x"},
        source: {"do": "try"},
        f"/admin/pages/{office.page}": {},
        f"/admin/readers/{settled.ids[PLAIN]}": {"do": "suppress"},
        f"/admin/runs/{office.planned}": {"do": "start"},
    }
    before = settled.house.rows()
    for path, fields in acts.items():
        page.goto(path)
        assert page.locator("main button, main form[method=post]").count() == 0, path
        expect(page.locator("main")).to_contain_text("takes an operator")
        refused(page, path, fields)
    refused(page, "/admin/dead/all", {"do": "retry", "mark": "x"})
    refused(page, "/admin/deliveries/unsure", {"do": "again", "mark": "x", "why": "the log"})
    refused(page, source, {"do": "remove"})
    assert settled.house.rows() == before
    with settled.house.context.database.read() as session:
        assert [row.state for row in source_rows.rows(session) if row.name == SOURCE] == ["active"]


def refused(page: Page, path: str, fields: dict[str, str]) -> None:
    """Who sends that form all the same is told which role it takes."""
    with page.expect_navigation(wait_until="load") as coming:
        page.evaluate(SUBMIT, [path, [list(field) for field in fields.items()]])
    assert coming.value
    assert coming.value.status == 403
    expect(page.get_by_role("heading", level=1)).to_have_text("This takes an operator")
