"""What a stranger sees: the day's papers, a paper, search, the feed; hostile papers harm nobody."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import feedparser
import html5lib
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from papers import bring, entry, page
from sqlalchemy import Engine, event
from sqlmodel import col, update

from tasks.models import Entry
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store.database import Database
from workers.web import app, editions
from workers.web.page import COOKIE

Ask = Callable[..., Response]
FRIDAY = date(2026, 11, 20)
DAY = timedelta(days=1)
EVERY_PAGE = ("/", "/days", "/days/2026-11-20", "/papers/1", "/search?q=study", "/about")
HOSTILE = "</title></article><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\u202egnp.exe \U0001f600 "


def visit(context: Context, **changes: Any) -> TestClient:
    """A browser before a web face on the context's database and clock."""
    url = Settings(database_url=context.database.url).database_url  # type: ignore[arg-type]
    settings = context.settings.model_copy(update={"database_url": url} | changes)
    made = app.make_app(settings, clock=context.clock)
    return TestClient(made, "http://localhost", follow_redirects=False)


def fill(context: Context, *papers: Any, day: date | None = FRIDAY, body: bytes = b"page") -> None:
    with context.database.write() as session:
        bring(session, page(*papers, day=day), context.clock(), body=body)


def text_of(answer: Response) -> str:
    """What the page says, as one line."""
    tree = html5lib.parse(answer.text, namespaceHTMLElements=False)
    return " ".join(" ".join(tree.itertext()).split())


@pytest.fixture
def context(sqlite_url: str, settings: Settings, clock: Any) -> Iterator[Context]:
    settings.home.mkdir()
    opened = Context(settings=settings, database=Database(sqlite_url), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def opened(context: Context) -> Iterator[TestClient]:
    """A browser before the web face as it is set up by itself."""
    with visit(context) as client:
        yield client


@pytest.fixture
def ask(opened: TestClient) -> Ask:
    """Asks the web face; what it answers with html is html without a fault."""

    def get(path: str, **more: Any) -> Response:
        answer: Response = opened.get(path, **more)
        if "html" in answer.headers.get("content-type", ""):
            html5lib.HTMLParser(strict=True).parse(answer.text)
            assert len(re.findall("<h1", answer.text)) == 1
        return answer

    return get


# --- a day ---------------------------------------------------------------------------------------
def test_the_front_page_shows_the_newest_day(context: Context, ask: Ask) -> None:
    names = ("Ada A", "Bo B", "Cy C", "Di D")
    long = "First sentence stands here and is long enough. " * 20
    code = ("https://code.example/x",)
    fill(
        context,
        entry(1, upvotes=1),
        entry(2, upvotes=7, authors=names, abstract=long, code_urls=code),
    )
    answer = ask("/")
    said = text_of(answer)
    assert answer.status_code == 200
    assert "Friday 20 November 2026" in said
    assert "2 papers" in said
    assert said.index("Study 2") < said.index("Study 1")
    assert "7 votes" in said
    assert "1 vote " in said
    assert "Ada A, Bo B, Cy C et al. (4)" in said
    assert "none have come today" not in said
    assert said.count("First sentence stands here") in range(2, 9)
    for url in ("/papers/2", "https://arxiv.org/pdf/2611.00002", "https://code.example/x"):
        assert f'href="{url}"' in answer.text
    assert '<link rel="alternate"' in answer.text


def test_an_older_day_on_the_front_page_says_so(context: Context, ask: Ask) -> None:
    fill(context, entry(1), day=FRIDAY - 3 * DAY)
    said = text_of(ask("/"))
    assert "Tuesday 17 November 2026" in said
    assert "none have come today" in said
    assert "none have come today" not in text_of(ask("/days/2026-11-17"))


def test_a_page_from_the_future_is_not_todays(context: Context, ask: Ask) -> None:
    fill(context, entry(1), day=FRIDAY + DAY)
    assert "No papers yet" in text_of(ask("/"))
    assert ask("/days/2026-11-21").status_code == 404


def test_without_papers_every_page_still_stands(ask: Ask) -> None:
    for path in ("/", "/days", "/search", "/search?q=nothing", "/about"):
        assert ask(path).status_code == 200, path
    assert ask("/papers/1").status_code == 404


def test_days_lead_to_the_nearest_days_with_papers(context: Context, ask: Ask) -> None:
    for number, back in enumerate((0, 4, 9), 1):
        fill(context, entry(number), day=FRIDAY - back * DAY, body=str(back).encode())
    middle = ask("/days/2026-11-16").text
    assert 'href="/days/2026-11-11"' in middle
    assert 'href="/days/2026-11-20"' in middle
    empty = ask("/days/2026-11-14")
    assert empty.status_code == 404
    assert 'href="/days/2026-11-11"' in empty.text
    assert 'href="/days/2026-11-16"' in empty.text


@pytest.mark.parametrize(
    "day",
    [
        "0001-01-01",
        "9999-12-31",
        "2026-11-21",
        "2026-02-30",
        "2026-13-01",
        "20261120",
        "1763596800",
        "today",
        "2026-W47-5",
        "٢٠٢٦-١١-٢٠",
        "2026-11-20T00:00",
        "2026-11-20%00",
        "..%2f..",
        "x" * 3000,
    ],
)
def test_an_absurd_day_is_not_found_and_leads_on(context: Context, ask: Ask, day: str) -> None:
    fill(context, entry(1))
    answer = ask(f"/days/{day}")
    assert answer.status_code == 404
    assert 'href="/"' in answer.text


def test_a_long_day_comes_in_pages(context: Context, ask: Ask) -> None:
    fill(context, *(entry(n, upvotes=1000 - n) for n in range(1, 62)))
    first, second, third = (ask(f"/days/2026-11-20?page={n}") for n in (1, 2, 3))
    assert [len(re.findall("<article", answer.text)) for answer in (first, second, third)] == [
        30,
        30,
        1,
    ]
    assert 'href="/days/2026-11-20?page=2"' in ask("/").text
    assert "?page=4" not in third.text
    assert [text_of(answer).count("page ") for answer in (first, second)] == [0, 1]
    for number in (4, 1000):
        assert ask(f"/days/2026-11-20?page={number}").status_code == 404
    for number in (0, -1, 1001, 10**30, "x"):
        assert ask(f"/?page={number}").status_code == 400


def test_a_full_page_of_long_papers_stays_small(context: Context, ask: Ask) -> None:
    words = "Honest sentences of a usual length make up this abstract. " * 40
    names = tuple(f"Firstname Lastname{n}" for n in range(40))
    code = ("https://code.example/" + "x" * 200,)
    fill(
        context,
        *(
            entry(n, abstract=words, authors=names, title="t" * 150, code_urls=code)
            for n in range(1, 40)
        ),
    )
    for path in ("/", "/search?q=honest", "/days"):
        assert len(ask(path).content) < 60_000, path


def test_the_days_are_drawn_and_listed(context: Context, ask: Ask) -> None:
    fill(context, entry(1), entry(2))
    fill(context, entry(3), day=FRIDAY - 2 * DAY, body=b"2")
    fill(context, entry(4), day=FRIDAY - 60 * DAY, body=b"3")
    answer = ask("/days")
    assert re.findall(r'<rect x="(\d+)" y="(\d+)" width="8" height="(\d+)"', answer.text) == [
        ("591", "0", "100"),
        ("571", "50", "50"),
    ]
    assert re.findall(r'<a href="/days/(2026-\d\d-\d\d)">', answer.text) == [
        "2026-11-20",
        "2026-11-18",
    ]
    assert re.search(r'<svg role="img"\s+aria-labelledby="chart"', answer.text)


def test_every_bar_can_be_seen() -> None:
    [low, high] = editions.bars({FRIDAY - DAY: 1, FRIDAY: 5000}, FRIDAY - DAY)
    assert (low.height, high.height) == (1, 100)
    assert editions.bars({}, FRIDAY) == []


# --- a paper -------------------------------------------------------------------------------------
def test_a_papers_page_says_what_is_known(context: Context, ask: Ask) -> None:
    known = entry(
        1,
        upvotes=1234,
        doi="10.1234/x.y",
        arxiv_version=3,
        categories=("cs.LG", "stat.ML"),
        code_urls=("https://code.example/a", "https://code.example/b", "javascript:alert(1)"),
        published=datetime.fromisoformat("2026-11-18T00:00:00+00:00"),
    )
    fill(context, known, entry(2))
    answer = ask("/papers/1")
    said = text_of(answer)
    for words in (
        "Study 1 of protein folding",
        "Ada Author1, Bo Second",
        "1,234 votes",
        "version 3",
    ):
        assert words in said
    for words in ("cs.LG, stat.ML", "10.1234/x.y", "18 Nov 2026", "20 Nov 2026", "daily"):
        assert words in said
    assert "We look at protein folding in the 1th way and find that it holds." in said
    assert answer.text.count('href="https://code.example/b"') == 1
    assert "javascript:" not in answer.text
    assert "withdrawn" not in said


def test_a_paper_that_became_another_leads_there(context: Context, ask: Ask) -> None:
    fill(context, entry(1), entry(2))
    with context.database.write() as session:
        session.execute(update(Entry).where(col(Entry.id) == 2).values(merged_into=1))
        session.execute(update(Entry).where(col(Entry.id) == 1).values(withdrawn=True))
    answer = ask("/papers/2")
    assert (answer.status_code, answer.headers["location"]) == (301, "/papers/1")
    assert "This paper was withdrawn." in text_of(ask("/papers/1"))


def test_a_paper_with_very_many_authors_and_no_abstract_stands(context: Context, ask: Ask) -> None:
    names = tuple(f"Name{n} " + "y" * 300 for n in range(500))
    fill(context, entry(1, authors=names, abstract="", upvotes=None, arxiv_id=None))
    answer = ask("/papers/1")
    assert "and 300 more" in text_of(answer)
    assert "No abstract is known." in text_of(answer)
    assert len(answer.content) < 60_000


@pytest.mark.parametrize(
    "name", ["0", "-1", "99", "9" * 18, "9" * 19, "1.0", "1%00", "x", "%D9%A1"]
)
def test_an_unknown_paper_is_not_found(context: Context, ask: Ask, name: str) -> None:
    fill(context, entry(1))
    assert ask(f"/papers/{name}").status_code == 404


# --- search --------------------------------------------------------------------------------------
def test_search_shows_what_it_found_and_what_was_asked(context: Context, ask: Ask) -> None:
    fill(context, *(entry(n) for n in range(1, 40)))
    answer = ask("/search", params={"q": 'study "tidal energy" -2'})
    assert 'value="study &#34;tidal energy&#34; -2"' in answer.text
    assert "tidal energy" in text_of(answer)
    assert "Study 2 of" not in text_of(answer)
    first = ask("/search", params={"q": "study"})
    assert len(re.findall("<article", first.text)) == 30
    assert 'href="/search?q=study&amp;after=30"' in first.text
    rest = ask("/search?q=study&after=30")
    assert len(re.findall("<article", rest.text)) == 9
    assert "The first ones" in rest.text
    assert "Nothing was found" in text_of(ask("/search?q=nothing"))


@pytest.mark.parametrize(
    "named",
    [
        "2611.00001",
        "arXiv:2611.00001v2",
        "https://arxiv.org/abs/2611.00001",
        "10.1234/x.Y",
        "https://doi.org/10.1234/x.y",
        "https://papers.example/1",
        " 2611.00001 \0",
    ],
)
def test_a_papers_name_leads_to_it(context: Context, ask: Ask, named: str) -> None:
    fill(context, entry(1, doi="10.1234/x.y", url="https://papers.example/1"))
    answer = ask("/search", params={"q": named})
    assert (answer.status_code, answer.headers["location"]) == (303, "/papers/1")


@pytest.mark.parametrize(
    "words",
    [
        '"',
        "*",
        "NEAR(",
        "a AND",
        "-",
        "\0",
        "%",
        "'; DROP TABLE entry; --",
        "x" * 10_000,
        "10.1/%00",
        "https://\0",
        "2611.99999",
        "<script>alert(1)</script>",
        "{title}:x",
        "\ud7ff\U0010ffff",
    ],
)
def test_whatever_is_typed_search_answers(context: Context, ask: Ask, words: str) -> None:
    fill(context, entry(1))
    answer = ask("/search", params={"q": words})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert len(answer.content) < 20_000


def test_a_page_beyond_all_results_is_refused(ask: Ask) -> None:
    for after in ("-1", "1001", "x", "9" * 40):
        assert ask(f"/search?q=study&after={after}").status_code == 400
    assert ask("/search?q=study&after=1000").status_code == 200


# --- the feed ------------------------------------------------------------------------------------
def test_the_newest_day_comes_as_a_feed(context: Context, ask: Ask) -> None:
    fill(context, entry(1, upvotes=1), entry(2, upvotes=5))
    fill(context, entry(3), day=FRIDAY - DAY, body=b"older")
    answer = ask("/feed.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    read = feedparser.parse(io.BytesIO(answer.content))
    assert not read.bozo
    assert [item.id for item in read.entries] == [
        f"tag:paperround.invalid,2026:paper:{n}" for n in (2, 1)
    ]
    assert read.feed.updated == "2026-11-20T09:30:00Z"
    assert read.entries[0].link == "https://arxiv.org/abs/2611.00002"
    assert "links" not in read.feed or not [x for x in read.feed.links if x.rel == "self"]


def test_with_a_public_address_the_feed_leads_to_our_pages(context: Context) -> None:
    fill(context, entry(1))
    with visit(context, base_url="https://news.example/") as public:
        read = feedparser.parse(io.BytesIO(public.get("/feed.atom").content))
    links = {link.rel: link.href for link in read.feed.links}
    assert links == {"self": "https://news.example/feed.atom", "alternate": "https://news.example/"}
    assert read.entries[0].link == "https://news.example/papers/1"


def test_who_has_the_feed_already_is_told_so(context: Context, ask: Ask) -> None:
    fill(context, entry(1))
    first = ask("/feed.atom")
    tag, changed = first.headers["etag"], first.headers["last-modified"]
    assert changed == "Fri, 20 Nov 2026 09:30:00 GMT"
    later = "Sat, 21 Nov 2026 09:30:00 GMT"
    for held in (
        {"If-None-Match": tag},
        {"If-None-Match": f'"x", W/{tag}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": changed},
        {"If-Modified-Since": later},
    ):
        answer = ask("/feed.atom", headers=held)
        assert (answer.status_code, answer.content) == (304, b""), held
        assert answer.headers["etag"] == tag
    for other in (
        {"If-None-Match": '"x"', "If-Modified-Since": later},
        {"If-Modified-Since": "Thu, 19 Nov 2026 09:30:00 GMT"},
        {"If-Modified-Since": "Sat, 21 Nov 2026 09:30:00 -0000"},
        {"If-Modified-Since": "never"},
    ):
        assert ask("/feed.atom", headers=other).status_code == 200, other
    fill(context, entry(2), body=b"a later page")
    assert ask("/feed.atom", headers={"If-None-Match": tag}).status_code == 200


def test_the_feed_is_made_of_data_and_not_of_the_time(
    context: Context, ask: Ask, clock: Any
) -> None:
    fill(context, entry(1))
    before = ask("/feed.atom")
    clock.moment += timedelta(hours=5)
    assert ask("/feed.atom").content == before.content
    assert b"1970-01-01T00:00:00Z" not in before.content


def test_a_feed_without_papers_is_a_feed(ask: Ask) -> None:
    read = feedparser.parse(io.BytesIO(ask("/feed.atom").content))
    assert (read.bozo, read.entries, read.feed.updated) == (False, [], "1970-01-01T00:00:00Z")


# --- everywhere ----------------------------------------------------------------------------------
@pytest.mark.parametrize("path", [*EVERY_PAGE, "/feed.atom"])
def test_hostile_papers_are_only_words(context: Context, ask: Ask, path: str) -> None:
    study = "study " + HOSTILE
    huge = "x" * 10_000
    fill(
        context,
        entry(
            1, title=study, abstract=HOSTILE + huge, authors=(HOSTILE, huge), categories=(HOSTILE,)
        ),
        entry(2, title="study " + huge, url="javascript:alert(1)", code_urls=("data:text/html,x",)),
        entry(3, title="\x01\x02", abstract="study \ud7ff\x0b\ufffe\u2028", doi="10.1/<script>"),
        entry(
            4, title="دراسة study", abstract="نص", authors=("\u202eAda",), arxiv_id=None, url="//x"
        ),
    )
    answer = ask(path)
    assert answer.status_code == 200
    harm = r'<script(?! src="/static/)|<img|javascript:|href="(?!https://|/[^/]|/"|#main"|data:,")'
    assert not re.search(harm, answer.text)
    assert "\u202e" not in answer.text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", answer.text)
    if path == "/feed.atom":
        assert not feedparser.parse(io.BytesIO(answer.content)).bozo


@pytest.mark.parametrize("path", [*EVERY_PAGE, "/feed.atom"])
def test_a_page_may_be_kept_for_a_minute_unless_somebody_is_signed_in(
    context: Context, ask: Ask, path: str
) -> None:
    fill(context, entry(1))
    answer = ask(path)
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert answer.headers["vary"] == "Cookie, Accept-Language"
    signed_in = ask(path, headers={"Cookie": f"{COOKIE}=anything"})
    assert signed_in.headers["cache-control"] == "no-store"
    assert ask("/days/2020-01-01").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*EVERY_PAGE, "/feed.atom"])
def test_pages_are_only_looked_at(context: Context, opened: TestClient, path: str) -> None:
    fill(context, entry(1))
    head = opened.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        by_hand = {"Sec-Fetch-Site": "none"}
        assert opened.request(method, path, headers=by_hand).status_code == 405


@pytest.mark.parametrize("path", [*EVERY_PAGE])
def test_the_box_to_subscribe_stands_on_every_page(context: Context, ask: Ask, path: str) -> None:
    fill(context, entry(1))
    page = ask(path).text
    [form] = re.findall(r'<form method="post" action="/subscribe">.*?</form>', page, re.DOTALL)
    assert re.search(r'<label for="email">[^<]+</label>\s*<input id="email"\s+type="email"', form)
    assert '<input type="hidden" name="zone" value="">' in form
    trap = re.search(r'<div class="trap">.*?</div>', form, re.DOTALL)
    assert trap
    assert 'name="website"' in trap[0]
    assert 'tabindex="-1"' in trap[0]


def statements(do: Callable[[], object]) -> int:
    """How many queries run meanwhile, on whatever connection."""
    ran: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        ran.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    do()
    event.remove(Engine, "before_cursor_execute", note)
    return len([statement for statement in ran if "SELECT" in statement])


def test_more_papers_cost_no_more_queries_on_either_database(
    database: Database, settings: Settings, clock: Any
) -> None:
    context = Context(settings=settings, database=database, clock=clock)
    asked = (*EVERY_PAGE, "/feed.atom", "/search?q=%00%22*%20-x")
    with visit(context) as client:
        fill(context, entry(1, title="study " + HOSTILE))
        few = {path: statements(lambda path=path: client.get(path)) for path in asked}  # type: ignore[misc]
        fill(context, *(entry(n) for n in range(2, 30)), body=b"2")
        for path in asked:
            assert statements(lambda path=path: client.get(path)) == few[path]  # type: ignore[misc]
            assert client.get(path).status_code == 200
    assert few.pop("/about") == 0
    assert few["/"] == 9
    assert few["/search?q=study"] == 2
    assert all(count < 9 for path, count in few.items() if path != "/")
