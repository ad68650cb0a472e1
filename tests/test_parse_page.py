"""`parse_page`: which shape a page has, and the reason why it has none."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import PageError
from tasks.parse.page import LARGEST, parse_page
from tasks.records import ParsedPage, RawPage

PAGES = Path(__file__).parent / "pages"
NOW = datetime(2026, 9, 9, 6, tzinfo=UTC)
FEED = (
    b"<rss version='2.0'><channel><title>x</title><item><title>A paper</title>"
    b"<link>https://a.example/1</link></item></channel></rss>"
)
ATOM = (
    b"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'><title>x</title><entry>"
    b"<id>https://a.example/1</id><title>A paper</title></entry></feed>"
)
API = (
    b"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom' "
    b"xmlns:arxiv='http://arxiv.org/schemas/atom'><id>https://arxiv.org/api/x</id></feed>"
)
JSON_FEED = b'{"version":"https://jsonfeed.org/version/1.1","title":"x","items":[]}'
LISTING = (PAGES / "arxiv" / "list_none.html").read_bytes()


def page(body: bytes, **fields: object) -> RawPage:
    return RawPage(**{"url": "https://a.example/x", "body": body, "fetched_at": NOW, **fields})  # type: ignore[arg-type]


def read(body: bytes, **fields: object) -> ParsedPage:
    return parse_page(page(body, **fields))


def saved(name: str) -> bytes:
    return (PAGES / name).read_bytes()


def reason(body: bytes, **fields: object) -> str:
    with pytest.raises(PageError) as caught:
        read(body, **fields)
    assert "https://a.example/x" in str(caught.value) or caught.value.reason == "not_a_page"
    return caught.value.reason


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("hf/day.json", "hf-api"),
        ("hf/repr_strings.json", "hf-api"),
        ("hf/envelope.json", "hf-api"),
        ("hf/day.html", "hf-page"),
        ("hf/empty_day.html", "hf-page"),
        ("hf/cards.html", "hf-cards"),
        ("hf/list.md", "markdown-list"),
        ("text/layout_a.txt", "text-a"),
        ("text/layout_b.txt", "text-b"),
        ("text/layout_c.txt", "text-c"),
        ("text/trending.txt", "text"),
    ],
)
@pytest.mark.parametrize("kind", ["auto", "hf", "text"])
def test_the_bytes_tell_the_shape(name: str, shape: str, kind: str) -> None:
    assert read(saved(name), kind=kind).shape == shape


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (FEED, "rss"),
        (b"\n<!-- saved -->\n" + FEED, "rss"),
        (ATOM, "atom"),
        (API, "arxiv-api"),
        (LISTING, "arxiv-list"),
        (JSON_FEED, "json"),
        (b" [] ", "hf-api"),
    ],
)
def test_feeds_go_to_their_own_readers(body: bytes, shape: str) -> None:
    assert read(body).shape == shape


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\xef\xbb\xbf", b"\xff\xfe \x00", b"\x00\x00"])
def test_an_empty_body_is_empty(body: bytes) -> None:
    assert reason(body) == "empty"


def test_a_challenge_is_blocked_and_no_empty_day() -> None:
    assert reason(saved("hf/challenge.html")) == "blocked"
    assert reason(saved("hf/cloudflare.html"), kind="feed") == "blocked"
    assert reason(b"<html><title>Human Verification</title>x</html>") == "blocked"
    assert reason(b"<html>x</html>", headers={"CF-Mitigated": "challenge"}) == "blocked"
    assert reason(b"<html>x</html>", headers={"x-amzn-waf-action": "captcha"}) == "blocked"


def test_a_page_that_loads_a_challenge_script_is_no_challenge() -> None:
    assert b"challenge.js" in saved("hf/day.html")
    body = saved("hf/day.html").replace(b"defer", b">window.gokuProps={}</script><script")
    assert read(body).shape == "hf-page"
    assert read(body.replace(b'"DailyPapers"', b"'DailyPapers'")).shape == "hf-page"
    cards = saved("hf/cards.html").replace(
        b"<body", b"<script>window.gokuProps={}</script><body", 1
    )
    assert read(cards).shape == "hf-cards"


def test_a_piece_of_a_page_is_read_like_the_page() -> None:
    body = saved("hf/day.html")
    assert read(b"<main>" + body[body.index(b"<div class") :]).entries == read(body).entries


@pytest.mark.parametrize(
    "body",
    [
        b"Rate exceeded.",
        b"rate limit exceeded\n",
        b"429 Too Many Requests",
        b"503 Service Unavailable",
        b"Error 502: Bad Gateway",
        b'{"error":"Invalid date"}',
        b'{"error":{"code":7},"data":null}',
        b'{"errors":[{"message":"slow down"}]}',
        b'{"message":"Too many requests"}',
        b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>",
    ],
)
def test_an_apology_is_an_error_page(body: bytes) -> None:
    assert reason(body) == "error_page"


def test_a_web_page_is_no_page_and_may_offer_a_feed() -> None:
    body = b"<html><head><title>Blog</title>%s</head><body><p>Hello</p></body></html>"
    link = b'<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    assert reason(body % b"") == "not_a_page"
    assert reason(body % b"", kind="feed") == "not_a_feed"
    with pytest.raises(PageError, match=r"It offers a feed: https://a\.example/feed\.xml"):
        read(body % link)
    assert reason(b"plain words", content_type="text/html") == "not_a_page"


def test_a_list_of_feeds_is_named_as_one() -> None:
    assert reason(b'<?xml version="1.0"?><opml version="2.0"><body/></opml>') == "list_of_feeds"
    assert reason(b"<opml><body/></opml>") == "list_of_feeds"


def test_surrogates_in_utf8_are_joined_or_left_out() -> None:
    body = FEED.replace(b"A paper", "A \ud83d\ude00 p\ud800aper ö".encode("utf-8", "surrogatepass"))
    assert read(body).entries[0].title == "A 😀 paper ö"


def test_broken_json_is_named_where_json_was_promised() -> None:
    assert reason(b"[{", content_type="application/json") == "bad_json"
    assert reason(b"[" * 100_000, name="day.json") == "bad_json"
    assert reason(b"[{") == "not_a_page"


@pytest.mark.parametrize("depth", [200, 900, 950, 990, 5000])
@pytest.mark.parametrize("around", ["[%s]", '{"error":%s}', '[{"paper":{"id":"a","title":%s}}]'])
def test_deep_nesting_is_a_page_error(depth: int, around: str) -> None:
    assert reason((around % ("[" * depth + "]" * depth)).encode())


def test_text_may_begin_with_a_bracket() -> None:
    body = "[Re] A Second Look\n" + "We looked again and saw the same thing as before. " * 6
    assert read(body.encode()).entries[0].title == "[Re] A Second Look"


def test_plain_words_go_to_the_reader_that_was_asked_for() -> None:
    assert reason(b"plain words", kind="feed") == "not_a_feed"
    assert reason(b"plain words", kind="arxiv") == "not_a_feed"
    assert reason(b"plain words", kind="hf") == "not_a_page"


def test_a_body_too_large_is_not_even_decoded() -> None:
    assert reason(b"[" + b" " * LARGEST) == "too_large"


def test_other_encodings_are_read() -> None:
    whole = read(saved("text/layout_a.txt"))
    text = saved("text/layout_a.txt").decode()
    for body in (text.encode("utf-16"), text.encode("utf-8-sig"), b"\x00" + text.encode()):
        assert read(body).entries == whole.entries
    assert read(text.replace("σ", "ö").encode("cp1252")).entries[1].title.startswith("ö-Anchors")
    greek = read(text.encode("iso-8859-7"), content_type="text/plain; charset=ISO-8859-7")
    assert greek.entries == whole.entries


def test_no_more_entries_are_read_than_a_page_may_have() -> None:
    abstract = "Something that is said at length about nothing in particular. " * 4
    body = "\n".join(f"Paper number {at}\n{abstract}" for at in range(2001))
    result = read(body.encode())
    assert len(result.entries) == 2000
    assert result.warnings == ("The page has 2001 papers; 2000 were read.",)


def test_letter_spaced_abstracts_are_flagged() -> None:
    body = "A Title of a Paper\n" + "W e s p a c e o u r w o r d s. " * 10
    assert read(body.encode()).entries[0].warnings == ("The abstract is letter-spaced.",)


@pytest.mark.parametrize(
    ("fields", "day", "certain"),
    [
        ({}, date(2026, 9, 8), False),
        ({"day": date(2024, 9, 8)}, date(2024, 9, 8), True),
        ({"name": "saved-2023-09-08.txt"}, date(2023, 9, 8), True),
        ({"name": "saved-2023-09-07.txt"}, date(2026, 9, 8), False),
        ({"name": "saved-2023-09-31.txt"}, date(2026, 9, 8), False),
    ],
)
def test_a_day_without_its_year_is_made_good(
    fields: dict[str, object], day: date, certain: bool
) -> None:
    result = read(saved("text/layout_a.txt"), **fields)
    assert (result.day, result.certain_day) == (day, certain)


def test_a_daily_list_is_of_the_day_in_its_address() -> None:
    url = "https://huggingface.co/api/daily_papers?date=2026-09-08&limit=100"
    assert read(saved("hf/day.json"), url=url).day == date(2026, 9, 8)
    assert read(saved("hf/day.json"), name="2025-04-01.json").day == date(2025, 4, 1)
    assert read(FEED, url=url).day is None


SAVED = [
    path.read_bytes() for folder in ("hf", "text") for path in sorted((PAGES / folder).iterdir())
]
KINDS = st.sampled_from(["auto", "hf", "arxiv", "feed", "text"])
SIGNS = [
    b"<",
    b">",
    b"&",
    b'"',
    b"\\",
    b"\x00",
    b"\xff",
    b"\n",
    b"[",
    b"{",
    b"null",
    b"\xed\xa0\x80",
]


def survives(body: bytes, kind: str) -> None:
    try:
        result = read(body, kind=kind)
    except PageError:
        return
    for entry in result.entries:
        assert entry.title
        assert entry.source_id
        json.dumps([entry.title, entry.abstract, *entry.authors]).encode()
        f"{entry.title}{entry.abstract}{entry.url}".encode()


@given(st.binary(max_size=300), KINDS)
def test_any_bytes_are_a_page_or_a_page_error(body: bytes, kind: str) -> None:
    survives(body, kind)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.sampled_from([*SAVED, FEED, ATOM, API, JSON_FEED, LISTING]),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.1), st.sampled_from(SIGNS)), max_size=5),
    KINDS,
)
def test_damaged_pages_are_a_page_or_a_page_error(
    body: bytes, cuts: list[tuple[float, float, bytes]], kind: str
) -> None:
    for place, length, sign in cuts:
        at = int(place * len(body))
        body = body[:at] + sign + body[at + int(length * len(body)) :]
    survives(body, kind)
