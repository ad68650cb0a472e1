"""What another site can make a reader's browser do here: nothing. It can send forms, and ask to be led on."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import httpx2
import pytest
from journey import ADA, House, Opened, known
from lived_in import Settled, settle
from playwright.sync_api import Browser
from sqlmodel import select
from web_server import Site, reply

from tasks import models
from tasks.desk import visiting
from workers.web.page import COOKIE

ELSEWHERE = ("localhost", "127.0.0.1")  # another site, and another port of the same one
PREFERENCES = {
    "rhythm": "every",
    "hour": "9",
    "timezone": "UTC",
    "about": "5",
    "most": "10",
    "length": "normal",
    "language": "de",
}
FORMS: dict[str, dict[str, str]] = {
    "/my/preferences": PREFERENCES,
    "/subscribe": {"email": "victim@elsewhere.example"},
    "/sign-in": {"email": ADA},
    "/sign-out": {},
    "/my/delete": {"sure": "1"},
    "/my/feedback": {"entry": "1", "want": "less"},
    "/my/keys": {"name": "mine"},
    "/my/feed/renew": {},
    "/my/start": {"terms": "casinos", "hour": "7", "zone": "UTC", "about": "5"},
}
HOSTILE = """\
Subject: A digest
MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

<title>as sent</title><h1 style="color: rgb(1, 2, 3)">as sent</h1>
<script>document.title = document.querySelector("h1").textContent = "rewritten"</script>
<img src="CANARY/img" onerror="document.title = 'rewritten'"><link rel="stylesheet" href="CANARY/css">
<iframe src="/my"></iframe><form action="/my/delete" method="post"><button>press</button></form>
<meta http-equiv="refresh" content="0;url=CANARY/refresh">
"""


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settled]:
    with House(tmp_path_factory.mktemp("foreign") / "home", known()) as house:
        yield settle(house)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as opened:
        yield opened


@pytest.fixture
def window(settled: Settled, browser: Browser) -> Iterator[Opened]:
    """A window of a reader who has signed in."""
    opened = settled.house.open(browser)
    settled.visit(opened.page.context, ADA)
    yield opened
    opened.close()


@pytest.mark.browser
@pytest.mark.parametrize("host", ELSEWHERE)
def test_a_form_of_another_site_is_refused_and_does_nothing(
    settled: Settled, window: Opened, site: Site, host: str
) -> None:
    before = settled.house.rows()
    give = settled.link(settled.digest, "want=less").partition("?")[0]
    for path, fields in {**FORMS, give: {"want": "less"}}.items():
        site.scripts["/"] = reply(
            200, _form(settled.house.url + path, fields), Content_Type="text/html"
        )
        window.page.goto(f"http://{host}:{site.server_port}/")
        with window.page.expect_navigation() as coming:
            window.page.get_by_role("button").click()
        assert coming.value.status == 403, path
        assert window.page.locator("body").inner_text().startswith("Not from there")
    assert settled.house.rows() == before


def _form(action: str, fields: dict[str, str]) -> bytes:
    inputs = "".join(f"<input name='{escape(n)}' value='{escape(v)}'>" for n, v in fields.items())
    return f"<form method='post' action='{action}'>{inputs}<button>win</button></form>".encode()


@pytest.mark.browser
def test_a_script_of_another_site_can_neither_post_nor_read(
    settled: Settled, window: Opened, site: Site
) -> None:
    site.scripts["/"] = reply(200, b"<h1>x</h1>", Content_Type="text/html")
    before = settled.house.rows()
    window.page.goto(site.url)
    ask = """([url, how]) => fetch(url, {credentials: "include", ...how}).then(
      answer => answer.text(), error => String(error))"""
    for how in (
        {},
        {"method": "POST", "mode": "no-cors", "body": "sure=1"},
        {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": "{}"},
    ):
        said = window.page.evaluate(ask, [settled.house.url + "/my/delete", how])
        assert ADA not in said
        assert "Failed to fetch" in said or said == ""
    assert settled.house.rows() == before


@pytest.mark.browser
def test_no_other_site_can_show_our_pages_in_a_frame(
    settled: Settled, window: Opened, site: Site
) -> None:
    frame = f"<iframe src='{settled.house.url}/my/delete'></iframe>".encode()
    site.scripts["/"] = reply(200, frame, Content_Type="text/html")
    window.page.goto(site.url)
    assert "Delete" not in window.page.frame_locator("iframe").locator("body").inner_text()
    assert any("frame-ancestors" in words for words in window.said)


@pytest.mark.browser
def test_a_hostile_digest_seen_in_a_browser_can_do_nothing(
    settled: Settled, window: Opened, site: Site
) -> None:
    where = models.Delivery.key == settled.mail_key
    with settled.house.context.database.write() as session:
        row = session.exec(select(models.Delivery).where(where)).one()
        kept, row.body = (
            row.body,
            HOSTILE.replace("CANARY", site.url).replace("\n", "\r\n").encode(),
        )
    window.page.goto(settled.link(settled.digest, "/view/"))
    url = window.page.url
    assert window.page.title() == window.page.locator("h1").inner_text() == "as sent"
    assert window.page.locator("h1").evaluate("e => getComputedStyle(e).color") == "rgb(1, 2, 3)"
    window.page.get_by_role("button").click()
    assert window.page.url == url
    assert site.asked == []
    assert any("script" in words for words in window.said)
    with settled.house.context.database.write() as session:
        session.exec(select(models.Delivery).where(where)).one().body = kept


@pytest.mark.parametrize(
    "to",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "\\\\evil.example",
        "evil.example",
        "/my\r\nSet-Cookie: a=b",
        "/%0d%0aX: y",
    ],
)
def test_no_form_leads_to_another_site(settled: Settled, to: str) -> None:
    visit = visiting.begin(settled.house.context, settled.ids[ADA], "full")
    answer = httpx2.post(
        f"{settled.house.url}/my/feedback",
        data={"entry": str(settled.papers[0]), "want": "save", "to": to},
        headers={"Sec-Fetch-Site": "same-origin", "Cookie": f"{COOKIE}={visit}"},
    )
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(("/my#", "/%0d%0aX:"))
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/my", "/subscribe", "/my/delete", "/api/v1/editions"])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", ""]
)
def test_a_strange_name_of_ours_is_refused(settled: Settled, path: str, host: str) -> None:
    before = settled.house.rows()
    headers = {"Host": host, "Sec-Fetch-Site": "same-origin"}
    for method in ("GET", "POST"):
        answer = httpx2.request(method, settled.house.url + path, headers=headers)
        assert answer.status_code == 400
    assert settled.house.rows() == before
