"""The client against a real server on 127.0.0.1 that behaves as badly as servers do."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from web_server import Handler, Script, Site, endless, reply

from tasks.errors import SourceError, SourceRefused, UsageError
from tasks.fetch import http as http_module
from tasks.fetch.answer import Answer, asked_wait, failure, page, shown
from tasks.fetch.body import MOST_MEMBERS, BadBody, gunzip, whole
from tasks.fetch.http import Http, Limits, user_agent

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
QUICK = Limits(total=0.6, connect=0.5, read=0.3, body=100_000)


def packed(body: bytes, encoding: str = "gzip") -> Script:
    return reply(200, body, Content_Encoding=encoding)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def http() -> Iterator[Http]:
    with Http("https://example.org/about", allow_private=True, limits=QUICK) as http:
        yield http


def test_an_answer_has_status_url_lower_case_headers_and_body(site: Site, http: Http) -> None:
    site.scripts["/a"] = reply(200, b"hello", Content_Type="text/plain", ETag='W/"x"')
    answer = http.get(f"{site.url}/a")
    assert (answer.status, answer.url, answer.body) == (200, f"{site.url}/a", b"hello")
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["etag"] == 'W/"x"'


def test_a_request_names_us_and_offers_gzip_alone(site: Site, http: Http) -> None:
    http.get(f"{site.url}/a", accept="application/json")
    _, headers = site.asked[0]
    assert headers["User-Agent"].startswith("Paperround/")
    assert headers["User-Agent"].endswith(" (+https://example.org/about)")
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["Accept"] == "application/json"
    assert not {"If-None-Match", "If-Modified-Since", "Cookie", "Referer"} & headers.keys()


def test_without_a_contact_the_name_stands_alone() -> None:
    assert "(" not in user_agent("")


@pytest.mark.parametrize("found", ["1.2.3", None])
def test_the_version_comes_from_the_installation(
    found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if found is None:
            raise http_module.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(http_module, "version", version)
    assert user_agent("") == f"Paperround/{found or '0'}"


@pytest.mark.parametrize("contact", ["Jürgen", "a\r\nCookie: x"])
def test_a_contact_that_no_header_can_carry_is_refused(contact: str) -> None:
    with pytest.raises(UsageError, match="contact"):
        Http(contact)


def test_validators_go_out_as_they_were_given(site: Site, http: Http) -> None:
    site.scripts["/a"] = reply(304)
    answer = http.get(f"{site.url}/a", etag='W/"q"', last_modified="yesterday, about")
    _, headers = site.asked[0]
    assert (answer.status, answer.body) == (304, b"")
    assert headers["If-None-Match"] == 'W/"q"'
    assert headers["If-Modified-Since"] == "yesterday, about"


def test_cookies_are_not_kept(site: Site, http: Http) -> None:
    site.scripts["/a"] = reply(200, b"x", Set_Cookie="id=1; Path=/")
    http.get(f"{site.url}/a")
    http.get(f"{site.url}/a")
    assert "Cookie" not in site.asked[1][1]


def test_proxies_of_the_environment_are_not_used(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    site.scripts["/a"] = reply(200, b"x")
    with Http(allow_private=True) as http:
        assert http.get(f"{site.url}/a").body == b"x"


# --- bodies --------------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_a_gzip_body_is_inflated(encoding: str, site: Site, http: Http) -> None:
    site.scripts["/a"] = packed(gzip.compress(b"hello" * 1000), encoding)
    assert http.get(f"{site.url}/a").body == b"hello" * 1000


def test_all_members_of_a_gzip_body_are_read(site: Site, http: Http) -> None:
    body = gzip.compress(b"one ") + gzip.compress(b"two ") + b"\0" * 9 + gzip.compress(b"three")
    site.scripts["/a"] = packed(body + b"\0\0")
    assert http.get(f"{site.url}/a").body == b"one two three"


def test_members_may_be_cut_anywhere() -> None:
    body = gzip.compress(b"one ") + b"\0" + gzip.compress(b"two")
    assert b"".join(gunzip(bytes([byte]) for byte in body)) == b"one two"


def test_gzip_that_nobody_announced_is_inflated_once(site: Site, http: Http) -> None:
    site.scripts["/a"] = reply(200, gzip.compress(b"hello"))
    site.scripts["/twice"] = packed(gzip.compress(gzip.compress(b"hello")))
    assert http.get(f"{site.url}/a").body == b"hello"
    assert http.get(f"{site.url}/twice").body == b"hello"


def test_an_empty_body_may_call_itself_gzip(site: Site, http: Http) -> None:
    site.scripts["/a"] = packed(b"")
    assert http.get(f"{site.url}/a").body == b""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (gzip.compress(b"hello" * 99)[:-9], "ends in the middle"),
        (gzip.compress(b"a") + gzip.compress(b"b")[:5], "ends in the middle"),
        (b"no gzip at all", "broken gzip data"),
        (gzip.compress(b"a") + b"tail", "broken gzip data"),
        (gzip.compress(b"") * (MOST_MEMBERS + 1), "gzip members"),
        (gzip.compress(bytes(100_001)), "larger than 100,000 bytes"),
        (gzip.compress(gzip.compress(bytes(100_001))), "larger than 100,000 bytes"),
    ],
)
def test_a_bad_gzip_body_is_an_error(body: bytes, words: str, site: Site, http: Http) -> None:
    site.scripts["/a"] = packed(body)
    with pytest.raises(SourceError, match=words) as caught:
        http.get(f"{site.url}/a")
    assert f"{site.url}/a" in str(caught.value)


def test_a_gzip_bomb_costs_no_memory() -> None:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([squeeze.compress(bytes(1_000_000)) for _ in range(50)] + [squeeze.flush()])
    tracemalloc.start()
    with pytest.raises(BadBody, match="larger than"):
        whole([bomb], packed=True, cap=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd"])
def test_an_encoding_that_was_not_offered_is_refused(encoding: str, site: Site, http: Http) -> None:
    site.scripts["/a"] = packed(b"x", encoding)
    with pytest.raises(SourceError, match="only gzip was offered"):
        http.get(f"{site.url}/a")


def test_a_body_of_exactly_the_cap_is_read_and_one_byte_more_is_not(site: Site, http: Http) -> None:
    site.scripts["/a"] = reply(200, bytes(100_000))
    site.scripts["/b"] = reply(200, bytes(100_001))
    assert len(http.get(f"{site.url}/a").body) == 100_000
    with pytest.raises(SourceError, match="larger than 100,000 bytes"):
        http.get(f"{site.url}/b")


def test_a_body_without_end_is_cut_off(site: Site, http: Http) -> None:
    site.scripts["/a"] = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 9999, 0)
    with pytest.raises(SourceError, match="larger than"):
        http.get(f"{site.url}/a")


def test_a_body_shorter_than_announced_is_an_error(site: Site, http: Http) -> None:
    def script(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort")

    site.scripts["/a"] = script
    with pytest.raises(SourceError, match="cannot be fetched"):
        http.get(f"{site.url}/a")


def test_of_an_errors_body_only_the_beginning_is_read(site: Site, http: Http) -> None:
    site.scripts["/a"] = endless(b"HTTP/1.1 500 No\r\n\r\n", b"x" * 9999, 0)
    site.scripts["/b"] = reply(404, b"broken", Content_Encoding="gzip")
    assert len(http.get(f"{site.url}/a").body) == http_module.ERROR_BODY
    assert (http.get(f"{site.url}/b").status, http.get(f"{site.url}/b").body) == (404, b"")


# --- time ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: ",
        b"",
    ],
    ids=["body", "chunk", "header", "status"],
)
def test_a_dripping_server_is_left_at_the_deadline(first: bytes, site: Site, http: Http) -> None:
    site.scripts["/a"] = endless(first, b"1", 0.02)
    with pytest.raises(SourceError, match="did not answer in time"):
        http.get(f"{site.url}/a")


def test_a_silent_server_is_left_before_the_deadline(site: Site) -> None:
    site.scripts["/a"] = lambda handler: handler.server.stopping.wait(1)
    with (
        Http(allow_private=True, limits=Limits(total=60, read=0.05)) as http,
        pytest.raises(SourceError, match="did not answer in time"),
    ):
        http.get(f"{site.url}/a")


def test_a_slow_chain_of_redirects_has_one_deadline_together(site: Site) -> None:
    def script(handler: Handler) -> None:
        handler.server.stopping.wait(0.1)
        reply(302, Location="/a")(handler)

    site.scripts["/a"] = script
    limits = Limits(total=0.25, redirects=1000)
    with (
        Http(allow_private=True, limits=limits) as http,
        pytest.raises(SourceError, match="did not answer in time"),
    ):
        http.get(f"{site.url}/a")


def test_the_next_document_has_a_deadline_of_its_own(site: Site, http: Http) -> None:
    site.scripts["/a"] = endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x", 0.02)
    site.scripts["/b"] = reply(200, b"x")
    with pytest.raises(SourceError):
        http.get(f"{site.url}/a")
    assert http.get(f"{site.url}/b").body == b"x"


def test_a_closed_door_is_reported_with_its_address(http: Http) -> None:
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:1/x cannot be fetched") as caught:
        http.get("http://127.0.0.1:1/x")
    assert caught.value.retry
    assert caught.value.wait is None


def test_an_answer_that_is_no_http_is_an_error(site: Site, http: Http) -> None:
    def script(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"220 mail.example ESMTP\r\n")

    site.scripts["/a"] = script
    with pytest.raises(SourceError, match="cannot be fetched"):
        http.get(f"{site.url}/a")


# --- redirects -----------------------------------------------------------------------------------
def test_redirects_are_walked_with_the_validators(site: Site, http: Http) -> None:
    site.scripts["/old/a"] = reply(301, b"moved", Location="../new?x=1")
    site.scripts["/new?x=1"] = reply(200, b"here")
    answer = http.get(f"{site.url}/old/a", etag='"e"')
    assert (answer.url, answer.body) == (f"{site.url}/new?x=1", b"here")
    assert [headers["If-None-Match"] for _, headers in site.asked] == ['"e"', '"e"']


def test_five_redirects_are_walked_and_six_are_not(site: Site, http: Http) -> None:
    for number in range(6):
        site.scripts[f"/{number}"] = reply(307, Location=f"/{number + 1}")
    site.scripts["/6"] = reply(200, b"x")
    assert http.get(f"{site.url}/1").body == b"x"
    with pytest.raises(SourceError, match="more than 5 times"):
        http.get(f"{site.url}/0")


def test_a_redirect_without_a_place_is_an_answer(site: Site, http: Http) -> None:
    site.scripts["/a"] = reply(302)
    answer = http.get(f"{site.url}/a")
    assert "check the source's address" in str(failure(answer, AT))


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("file:///etc/passwd", "no http or https url"),
        ("gopher://127.0.0.1/", "no http or https url"),
        ("http://me:secret@127.0.0.1/", "user name"),
        ("http://[::1", "no url"),
        ("http://127.0.0.1:99999/", "no possible port"),
        ("http://①②⑦.⓪.⓪.①/".encode().decode("latin-1"), "no url"),
    ],
)
def test_a_redirect_to_elsewhere_is_refused(place: str, words: str, site: Site, http: Http) -> None:
    site.scripts["/a"] = reply(302, Location=place)
    with pytest.raises(SourceRefused, match=words) as caught:
        http.get(f"{site.url}/a")
    assert f"{site.url}/a redirects to" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "example.org", "http:///x", "ftp://example.org", "http://a\nb", "http://x:0/"]
)
def test_an_address_that_is_no_web_address_is_refused(url: str, http: Http) -> None:
    with pytest.raises(SourceRefused, match="correct the source's address"):
        http.get(url)


# --- what an answer means ------------------------------------------------------------------------
def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, url="https://me:pw@example.org/p?q=1", headers=names, body=body)


@pytest.mark.parametrize("status", [200, 304])
def test_a_good_answer_is_no_failure(status: int) -> None:
    assert failure(answer(status), AT) is None


@pytest.mark.parametrize("status", [401, 403, 410, 451])
def test_a_refusal_is_told_from_a_failure(status: int) -> None:
    error = failure(answer(status), AT)
    assert type(error) is SourceRefused
    assert f"https://example.org/p?q=1 answered {status} (" in str(error)


@pytest.mark.parametrize("status", [202, 204, 302, 400, 404, 405, 418, 429, 500, 503])
def test_any_other_answer_is_a_failure_to_be_tried_again(status: int) -> None:
    error = failure(answer(status, retry_after="60"), AT)
    assert type(error) is SourceError
    assert f"https://example.org/p?q=1 answered {status}" in str(error)
    assert error.wait == timedelta(seconds=60)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "864000"}, 86_400),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
        ({"retry-after": "Wed, 04 Mar 2026 12:05:00 GMT"}, 300),
        ({"retry-after": "Wed, 04 Mar 2026 12:05:00 -0000"}, 300),
        ({"retry-after": "Wed, 04 Mar 2026 11:00:00 GMT"}, None),
        ({"retry-after": "Sat, 14 Mar 2026 12:00:00 GMT"}, 86_400),
        (
            {
                "retry-after": "Wed, 04 Mar 2026 15:00:30 GMT",
                "date": "Wed, 04 Mar 2026 15:00:00 GMT",
            },
            30,
        ),
        ({"ratelimit": '"api";r=0;t=120'}, 120),
        ({"ratelimit": '"api"; r=0; t=99999999'}, 86_400),
        ({"ratelimit": '"api";r=12;t=120'}, None),
        ({"ratelimit": '"api";r=0;t=120', "retry-after": "300"}, 300),
    ],
)
def test_a_server_is_obeyed_within_reason(headers: dict[str, str], wait: int | None) -> None:
    expected = None if wait is None else timedelta(seconds=wait)
    assert asked_wait(headers, AT) == expected


PUZZLE = b"<html><script>window.gokuProps={}</script><script src='https://x.awswaf.com/c.js'>"


@pytest.mark.parametrize(
    "challenge",
    [
        answer(202, x_amzn_waf_action="challenge"),
        answer(202, PUZZLE, content_type="text/html"),
        answer(403, b"<script src='https://x.token.awswaf.com/c.js'>"),
        answer(405, PUZZLE, content_type="text/html; charset=utf-8"),
        answer(200, PUZZLE, content_type="text/html"),
        answer(403, cf_mitigated="challenge"),
    ],
)
def test_a_robot_challenge_is_a_refusal(challenge: Answer) -> None:
    error = failure(challenge, AT)
    assert type(error) is SourceRefused
    assert "robot challenge" in str(error)


@pytest.mark.parametrize(
    "honest",
    [
        answer(200, b"<html><script src='https://x.edge.sdk.awswaf.com/challenge.js'>"),
        answer(200, b'["window.gokuProps"]', content_type="application/json"),
    ],
)
def test_a_page_that_only_speaks_of_a_challenge_is_a_page(honest: Answer) -> None:
    assert failure(honest, AT) is None


def test_a_page_keeps_the_headers_a_later_reader_needs() -> None:
    found = page(
        answer(200, b"x", content_type="text/html", etag='"e"', set_cookie="a=b", date="d" * 2000),
        at=AT,
        kind="feed",
        day=AT.date(),
    )
    assert found.body == b"x"
    assert (found.fetched_at, found.kind, found.day) == (AT, "feed", AT.date())
    assert found.content_type == "text/html"
    assert found.headers == {"content-type": "text/html", "etag": '"e"', "date": "d" * 1000}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://me:pw@example.org/a@b", "https://example.org/a@b"),
        ("https://example.org/\x1b[31m\udcff ü", r"https://example.org/%1B[31m%5Cudcff%20%C3%BC"),
        ("x" * 400, "x" * 300 + "…"),
    ],
)
def test_a_shown_url_is_safe_to_show(url: str, words: str) -> None:
    assert shown(url) == words
