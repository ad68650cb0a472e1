"""Papers that were written to do harm go the whole way, and are words on every page, in every feed and mail.

They come in as a page of the daily list and as a feed. Each tries to run a script that says it did, to
show a dialog, or to fetch something from a server of its own.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from html import escape
from xml.etree import ElementTree

import bibtexparser
import feedparser
import html5lib
import httpx2
import pytest
import rispy
from journey import ADA, House, Opened, known, moment
from papers import add_reader
from playwright.sync_api import Browser
from reading_mail import links, parts
from sqlmodel import select
from web_server import Site

from tasks import models
from tasks.desk import teaching, visiting
from tasks.records import Want
from tasks.store import readers
from workers.web.own_feeds import address
from workers.web.page import COOKIE

ABOUT = "sparse attention"  # what makes a paper the reader's
RUNS = "document.title='ow'+'ned';alert(1);fetch('CANARY/ran')"
PAYLOADS = (
    f"<script>{RUNS}</script>",
    f"</title><script>{RUNS}</script>",
    f"</textarea></pre></style><script>{RUNS}</script>",
    f"<<script>script>{RUNS}</script>",
    f"<scr<script></script>ipt>{RUNS}</scr<script></script>ipt>",
    f"&lt;script&gt;{RUNS}&lt;/script&gt;",
    f"&amp;lt;script&amp;gt;{RUNS}&amp;lt;/script&amp;gt;",
    f'<img src="CANARY/img" onerror="{RUNS}">',
    f'"><img src=CANARY/quoted onerror={RUNS}>',
    f"' autofocus onfocus={RUNS} x='",
    f'<svg onload="{RUNS}"><image href="CANARY/svg"/></svg>',
    f'<math><mtext></p><a href="javascript:{RUNS}">x</a></math>',
    f'<a href="javascript:{RUNS}">PDF</a>',
    f'<iframe srcdoc="<script>{RUNS}</script>"></iframe><object data="CANARY/o"></object>',
    '<link rel="stylesheet" href="CANARY/css"><style>@import "CANARY/import"; * {display: none}</style>',
    '<meta http-equiv="refresh" content="0;url=CANARY/refresh"><base href="CANARY/">',
    '<form action="CANARY/form"><input name="email"><button>Subscribe</button></form>',
    f"<!--[if mso]><script>{RUNS}</script><![endif]--><!-- --!><script>{RUNS}</script>",
    f"<![CDATA[<script>{RUNS}</script>]]>",
    "{{ 7*191 }}{% raw %}{{ self.__init__.__globals__ }}${7*191}#{7*191}",
    "%(address)s %s {0} {address.__class__}",
    "\u202egpj.exe\u202c \u2066right\u2069 \u200bto left",
    "W" * 10_000,
    "注" * 3_000,
    "nul \x00 bell \x07 escape \x1b[31m \ud800 \ufffe",
    "}, url = {javascript:alert(1)}, note = {x}}\n@article{evil, title = {evil}",
    "line\r\nBcc: victim@elsewhere.example\r\n\r\nbody",
    "line\nER  - \nTY  - JOUR\nTI  - evil",
    '=HYPERLINK("CANARY/csv")',
    "\\input{/etc/passwd} $\\href{javascript:alert(1)}{x}$ \\write18{x}",
)
URLS = (
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//CANARY/x",
    "https://a@CANARY/",
)
EMBEDS = "img, iframe, object, embed, base, math, meta[http-equiv]"
FOREIGN = """embeds => {
  const all = selector => [...document.querySelectorAll(selector)];
  const ours = location.origin;
  return [
    ...all("*").filter(e => e.rel !== "icon" && [...e.attributes].some(
      a => /^on/i.test(a.name) || /^\\s*(javascript|vbscript|data):/i.test(a.value))),
    ...all(embeds),
    ...all("script").filter(e => !e.src.startsWith(ours + "/static/")),
    ...all("form").filter(e => !e.action.startsWith(ours)),
  ].map(e => e.outerHTML);
}"""


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """A house that hostile papers came to, a reader who gets them, and the canary's server."""

    house: House
    canary: Site
    reader: int
    mail: EmailMessage
    papers: list[int]

    def cookie(self) -> dict[str, str]:
        """What signs the reader in."""
        return {"Cookie": f"{COOKIE}={visiting.begin(self.house.context, self.reader, 'full')}"}

    def feed(self, kind: str) -> str:
        """The reader's own feed."""
        with self.house.context.database.read() as session:
            reader = readers.get(session, self.reader)
        return address(self.house.context, reader, kind)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    home = tmp_path_factory.mktemp("attacked") / "home"
    with Site() as canary, House(home, known()) as house:
        with house.context.database.write() as session:
            changes = {"about": 40, "most": 50}
            reader = add_reader(session, moment(20, 7), ADA, terms=[ABOUT], **changes)
        at = moment(19, 18)
        house.round(at, "2026-11-19.json", listed(canary.url))
        house.round(moment(19, 19), "2026-11-19.rss", feed(canary.url))
        house.round(moment(20, 7, 5))
        mail = house.mail()
        yield Attacked(
            house=house,
            canary=canary,
            reader=reader,
            mail=mail,
            papers=_saved(house, reader),
        )
        assert canary.asked == [], "something was fetched"


def listed(canary: str) -> bytes:
    """The payloads as papers of the daily list."""
    papers = []
    for number, payload in enumerate(PAYLOADS):
        text = payload.replace("CANARY", canary)
        url = URLS[number % len(URLS)].replace("CANARY", canary)
        paper = {
            "id": f"2611.{80_000 + number}",
            "title": f"{ABOUT} {number} {text}",
            "summary": f"We look at {ABOUT}. {text} It holds.",
            "authors": [{"name": text}, {"name": "Ada Author"}],
            "upvotes": 200 - number,
            "publishedAt": "2026-11-18T00:00:00.000Z",
            "githubRepo": url,
            "projectPage": url,
        }
        papers.append({"title": paper["title"], "paper": paper})
    return json.dumps(papers).encode()


def feed(canary: str) -> bytes:
    """The same as items of an RSS feed, which has markup of its own."""
    items = []
    for number, payload in enumerate(PAYLOADS):
        text = escape(payload.replace("CANARY", canary)).encode("utf-8", "ignore").decode()
        text = "".join(char for char in text if char >= " " or char in "\r\n")
        link = escape(URLS[number % len(URLS)].replace("CANARY", canary))
        items.append(
            f"<item><title>{ABOUT} in a feed {number} {text}</title><link>{link}</link>"
            f"<description>{ABOUT} {text}</description><author>{text}</author>"
            f"<category>{text}</category></item>"
        )
    body = f"<rss version='2.0'><channel><title>x</title>{''.join(items)}</channel></rss>"
    return body.encode("utf-8", "ignore")


def _saved(house: House, reader: int) -> list[int]:
    """The papers of the reader's digest, all of them saved and learned from."""
    with house.context.database.read() as session:
        picks = select(models.Pick.entry_id).where(models.Pick.reader_id == reader)
        found = list(session.exec(picks))
    for paper in found[:-1]:
        teaching.give(house.context, reader, paper, Want.SAVE)
    return found


def test_they_have_come_all_the_way(attacked: Attacked) -> None:
    with attacked.house.context.database.read() as session:
        titles = [
            entry.title for entry in session.exec(select(models.Entry)) if ABOUT in entry.title
        ]
    assert len(titles) >= len(PAYLOADS)
    assert len(attacked.papers) >= 20
    assert any("{{ 7*191 }}" in title for title in titles)


PATHS = (
    "/",
    "/days/2026-11-19?page=2",
    "/search?q=sparse+attention",
    "/my",
    "/my/start",
    "/my/saved",
    "/my/learned",
    "/my/profiles/1",
    "/my/digests/2026-11-20",
    "/mails",
    "/status",
)


@pytest.mark.browser
@pytest.mark.parametrize("path", PATHS)
def test_on_every_page_they_are_only_words(attacked: Attacked, browser: Browser, path: str) -> None:
    opened = signed_in(attacked, browser)
    opened.page.goto(path)
    harmless(opened)
    opened.close()


@pytest.mark.browser
def test_on_its_own_page_each_is_only_words(attacked: Attacked, browser: Browser) -> None:
    opened = signed_in(attacked, browser)
    gives = [url for url in links(attacked.mail)[1] if "want=more" in url]
    for url in (*(f"/papers/{paper}" for paper in attacked.papers[: len(PAYLOADS)]), *gives[:4]):
        opened.page.goto(url)
        harmless(opened)
    opened.close()


@pytest.mark.browser
def test_in_a_preview_they_are_only_words(attacked: Attacked, browser: Browser) -> None:
    opened = signed_in(attacked, browser)
    page = opened.page
    page.goto("/my/start")
    page.get_by_label("Terms").fill(ABOUT)
    page.get_by_role("button", name="Show me yesterday’s digest").click()
    page.locator("#looked .picks").wait_for()
    harmless(opened)
    opened.close()


@pytest.mark.browser
@pytest.mark.parametrize("way", ["/view/", "mail program"])
def test_in_a_digest_they_are_only_words(attacked: Attacked, browser: Browser, way: str) -> None:
    opened = signed_in(attacked, browser)
    if way == "/view/":
        opened.page.goto(next(url for url in links(attacked.mail)[1] if way in url))
    else:
        opened.page.set_content(parts(attacked.mail)[1])
    assert opened.page.locator("h1").inner_text() == "Paperround"
    harmless(opened)
    opened.close()


def signed_in(attacked: Attacked, browser: Browser) -> Opened:
    return attacked.house.open(browser, width=360, extra_http_headers=attacked.cookie())


def harmless(opened: Opened) -> None:
    page = opened.page
    assert opened.said == []
    assert page.title() != "owned"
    assert page.evaluate(FOREIGN, EMBEDS) == []
    text = page.locator("body").inner_text()
    assert "1337" not in text
    assert not {*"\x00\x07\x1b\u202e\u2066\u200b"} & {*text + page.title()}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@pytest.mark.browser
def test_a_page_that_trusted_them_would_be_caught(browser: Browser) -> None:
    with Site() as canary:
        opened = Opened(browser.new_page())
        opened.page.set_content(PAYLOADS[7].replace("CANARY", canary.url))
        opened.page.wait_for_function("document.title === 'owned'")
        assert any("dialog" in words for words in opened.said)
        assert "/img" in canary.paths
        assert opened.page.evaluate(FOREIGN, EMBEDS)
        opened.close()


def test_a_mail_of_them_has_one_recipient_and_no_header_of_theirs(attacked: Attacked) -> None:
    assert attacked.mail["To"] == ADA
    assert attacked.mail["Bcc"] is None
    assert len(attacked.mail.get_all("Subject", [])) == 1
    assert {part.get_content_type() for part in attacked.mail.walk()} == {
        "multipart/alternative",
        "text/plain",
        "text/html",
    }


@pytest.mark.parametrize("which", ["edition", "own"])
def test_feeds_of_them_are_sound(attacked: Attacked, which: str) -> None:
    url = attacked.house.url + "/feed.atom" if which == "edition" else attacked.feed("atom")
    body = httpx2.get(url).content
    ElementTree.fromstring(body)
    parsed = feedparser.parse(io.BytesIO(body), sanitize_html=False)
    assert not parsed.bozo
    assert len(parsed.entries) >= 20
    for entry in parsed.entries:
        assert all(link.href.startswith("http") for link in entry.get("links", []))
        assert entry.title_detail.type == "text/plain"
        for content in (*entry.get("content", []), *filter(None, [entry.get("summary_detail")])):
            assert content.type == "text/plain" or _elements(content.value) <= {"p", "b", "a", "br"}


def _elements(html: str) -> set[str]:
    """The elements in a piece of html."""
    tree = html5lib.parseFragment(html, namespaceHTMLElements=False)
    return {str(node.tag) for node in tree.iter()} - {"DOCUMENT_FRAGMENT"}


def test_the_json_feed_and_the_api_carry_them_as_text(attacked: Attacked) -> None:
    own = httpx2.get(attacked.feed("json")).json()
    assert len(own["items"]) >= 20
    assert all(item.get("url", "http").startswith("http") for item in own["items"])
    base = attacked.house.url + "/api/v1"
    answer = httpx2.get(f"{base}/editions/2026-11-19")
    assert answer.headers["content-type"] == "application/json"
    assert not [
        url for url in _strings(answer.json()) if url.lower().startswith(("javascript:", "data:"))
    ]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)
    elif isinstance(value, str):
        yield value


def test_citations_of_them_hold_one_entry_each(attacked: Attacked) -> None:
    saved = len(attacked.papers) - 1
    url = attacked.house.url + "/my/saved"
    bibtex = httpx2.get(url + ".bib", headers=attacked.cookie()).text
    library = bibtexparser.parse_string(bibtex)
    assert not library.failed_blocks
    assert len(library.entries) == saved
    assert "evil" not in {entry.key for entry in library.entries}
    assert not [e for e in library.entries if str(e.get("url")).lower().startswith("javascript")]
    ris = httpx2.get(url + ".ris", headers=attacked.cookie()).text
    assert len(rispy.loads(ris)) == saved
