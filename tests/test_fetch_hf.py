"""Daily Papers by day: paging, the way round a refusing API, bad days. Invented papers only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from web_server import Script, Site, reply

from tasks.errors import SourceError, SourceRefused
from tasks.fetch import hf
from tasks.fetch.http import Http
from tasks.records import Fetched, Source, SourceKind

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
TODAY = date(2026, 3, 4)
PUZZLE = b"<html><script>window.gokuProps={}</script></html>"


def api(day: date, number: int = 0) -> str:
    return f"/api/daily_papers?date={day}&limit=100&p={number}"


def list_day(site: Site, day: date, *answers: Script) -> None:
    """Let the API's pages of that day answer so."""
    for number, answer in enumerate(answers):
        site.scripts[api(day, number)] = answer


def papers(count: int, first: int = 0, **headers: str) -> Script:
    rows = [{"paper": {"id": f"2603.{n:05}"}} for n in range(first, first + count)]
    return reply(200, json.dumps(rows).encode(), Content_Type="application/json", **headers)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def fetch(site: Site, since: date | None = None, at: datetime = AT) -> Fetched:
    source = Source(id=1, kind=SourceKind.HF, name="Daily Papers", address=f"{site.url}/")
    with Http(allow_private=True) as http:
        return hf.fetch(source, at=at, since=since, http=http)


def test_today_is_one_page_of_the_api(site: Site) -> None:
    list_day(site, TODAY, papers(3))
    fetched = fetch(site)
    (page,) = fetched.pages
    assert page.url == site.url + api(TODAY)
    assert (page.kind, page.day, page.fetched_at) == ("hf", TODAY, AT)
    assert page.content_type == "application/json"
    assert json.loads(page.body)[0]["paper"]["id"] == "2603.00000"
    assert fetched.notes == ()
    assert site.paths == [api(TODAY)]


def test_an_empty_list_is_a_page(site: Site) -> None:
    list_day(site, TODAY, papers(0))
    assert [page.body for page in fetch(site).pages] == [b"[]"]


def test_without_an_address_hugging_face_itself_is_asked() -> None:
    asked = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return []

    source = Source(id=1, kind=SourceKind.HF, name="Daily Papers", address="")
    with Http(resolver=resolver) as http, pytest.raises(SourceError, match="huggingface"):
        hf.fetch(source, at=AT, since=None, http=http)
    assert asked == [("huggingface.co", 443)]


# --- paging --------------------------------------------------------------------------------------
def test_a_full_page_leads_to_the_next(site: Site) -> None:
    list_day(site, TODAY, papers(100), papers(100, 100), papers(7, 200))
    assert [len(json.loads(page.body)) for page in fetch(site).pages] == [100, 100, 7]


def test_a_link_leads_to_the_next_page(site: Site) -> None:
    list_day(site, TODAY, papers(50, Link='<http://elsewhere.example/>; rel="next"'), papers(2, 50))
    assert [page.url[-1] for page in fetch(site).pages] == ["0", "1"]


def test_an_empty_next_page_is_not_kept(site: Site) -> None:
    list_day(site, TODAY, papers(100), papers(0))
    assert len(fetch(site).pages) == 1


def test_a_mirror_that_repeats_its_page_is_left(site: Site) -> None:
    list_day(site, TODAY, papers(100), papers(100))
    assert len(fetch(site).pages) == 1
    assert len(site.paths) == 2


def test_a_list_without_end_is_cut_after_ten_pages_and_noted(site: Site) -> None:
    list_day(site, TODAY, *(papers(100, 100 * number) for number in range(11)))
    fetched = fetch(site)
    assert len(fetched.pages) == 10
    assert "not the last page" in fetched.notes[0]
    assert len(site.paths) == 10


def test_a_second_page_that_fails_leaves_the_first(site: Site) -> None:
    list_day(site, TODAY, papers(100), reply(500))
    fetched = fetch(site)
    assert len(fetched.pages) == 1
    assert "answered 500" in fetched.notes[0]


# --- the way round a refusing API ----------------------------------------------------------------
REFUSALS: list[Script] = [
    reply(500),
    reply(404),
    reply(403, b"no"),
    reply(202, PUZZLE, x_amzn_waf_action="challenge"),
    reply(405, PUZZLE, Content_Type="text/html"),
    reply(200, PUZZLE, Content_Type="text/html"),
    reply(200, b"<html>Welcome</html>", Content_Type="text/html"),
    reply(200, b'{"error": "over there"}'),
    reply(200, b'{"papers'),
    reply(200, b"[" * 100_000),
    reply(200),
    reply(200, b"\xff\xfe"),
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_where_the_api_refuses_the_page_is_read(refusal: Script, site: Site) -> None:
    list_day(site, TODAY, refusal)
    site.scripts[f"/papers/date/{TODAY}"] = reply(200, b"<html>day", Content_Type="text/html")
    fetched = fetch(site)
    (page,) = fetched.pages
    assert (page.body, page.kind, page.day) == (b"<html>day", "hf", TODAY)
    assert page.url == f"{site.url}/papers/date/{TODAY}"
    assert "not from the API" in fetched.notes[0]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply(202, PUZZLE, x_amzn_waf_action="challenge"), SourceRefused, "robot challenge"),
        (reply(503), SourceError, "answered 503"),
        (reply(200, b"\n"), SourceError, "is empty"),
        (reply(302, Location="/papers/date/2026-03-03"), SourceError, "has no page for"),
    ],
)
def test_where_both_refuse_nothing_comes(
    answer: Script, kind: type[SourceError], words: str, site: Site
) -> None:
    list_day(site, TODAY, reply(500))
    site.scripts[f"/papers/date/{TODAY}"] = answer
    site.scripts["/papers/date/2026-03-03"] = reply(200, b"<html>the day before")
    with pytest.raises(SourceError, match=words) as caught:
        fetch(site)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "answer",
    [
        reply(429, Retry_After="120"),
        reply(429, RateLimit='"api";r=0;t=120'),
        reply(503, Retry_After="120"),
    ],
)
def test_a_server_that_asks_for_a_pause_is_not_asked_in_another_way(
    answer: Script, site: Site
) -> None:
    list_day(site, TODAY, answer)
    with pytest.raises(SourceError) as caught:
        fetch(site)
    assert caught.value.wait == timedelta(seconds=120)
    assert site.paths == [api(TODAY)]


def test_a_day_the_api_does_not_know_is_not_replaced_by_another(site: Site) -> None:
    list_day(site, TODAY, reply(400, b'{"error":"Invalid date"}'))
    site.scripts[f"/papers/date/{TODAY}"] = reply(200, b"<html>the latest day")
    with pytest.raises(SourceError, match=f"no list for {TODAY} yet"):
        fetch(site)
    assert site.paths == [api(TODAY)]


# --- days ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("since", "days"),
    [
        (None, ["2026-03-04"]),
        (date(2026, 3, 4), ["2026-03-04"]),
        (date(2026, 3, 2), ["2026-03-02", "2026-03-03", "2026-03-04"]),
        (date(2026, 3, 9), ["2026-03-04"]),
    ],
)
def test_days_run_from_since_to_today_oldest_first(since: date | None, days: list[str]) -> None:
    assert [str(day) for day in hf.asked_days(AT, since)] == days


def test_no_more_than_seven_days_back_are_asked_for() -> None:
    days = hf.asked_days(AT, date(2020, 1, 1))
    assert (days[0], days[-1], len(days)) == (date(2026, 2, 25), TODAY, 8)


def test_today_is_that_of_utc() -> None:
    auckland = timezone(timedelta(hours=13))
    assert hf.asked_days(datetime(2026, 3, 5, 1, tzinfo=auckland), None) == [TODAY]


def test_each_day_is_a_page_oldest_first(site: Site) -> None:
    days = [TODAY - timedelta(days=back) for back in (2, 1, 0)]
    for number, day in enumerate(days):
        list_day(site, day, papers(number))
    assert [(page.day, len(json.loads(page.body))) for page in fetch(site, days[0]).pages] == [
        (day, number) for number, day in enumerate(days)
    ]


def test_one_bad_day_does_not_lose_the_others(site: Site) -> None:
    days = [TODAY - timedelta(days=back) for back in (2, 1, 0)]
    list_day(site, days[0], papers(1))
    list_day(site, days[1], reply(400))
    list_day(site, days[2], papers(2))
    fetched = fetch(site, days[0])
    assert [page.day for page in fetched.pages] == [days[0], days[2]]
    (note,) = fetched.notes
    assert note.startswith(f"{days[1]}: {site.url}/api/daily_papers?date={days[1]}")
    assert fetched.wait is None
    assert fetched.missing_from == days[1]


def test_after_a_request_for_a_pause_no_further_day_is_asked_for(site: Site) -> None:
    days = [TODAY - timedelta(days=back) for back in (2, 1, 0)]
    list_day(site, days[0], papers(1))
    list_day(site, days[1], reply(429, Retry_After="5400"))
    list_day(site, days[2], papers(2))
    fetched = fetch(site, days[0])
    assert [page.day for page in fetched.pages] == [days[0]]
    assert fetched.notes[1] == f"{days[2]} was not asked for"
    assert fetched.missing_from == days[1]
    assert fetched.wait == timedelta(seconds=5400)
    assert site.paths == [api(days[0]), api(days[1])]


def test_where_every_day_fails_the_error_is_raised(site: Site) -> None:
    with pytest.raises(SourceError, match="answered 404"):
        fetch(site, TODAY - timedelta(days=1))
