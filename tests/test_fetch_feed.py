"""One feed, asked conditionally, from a real server on 127.0.0.1."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tasks.errors import SourceError, SourceRefused
from tasks.fetch import feed
from tasks.fetch.http import Http
from tasks.records import Source, SourceKind

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
BODY = b"<rss><channel><title>Invented</title></channel></rss>"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))
        status, headers, body = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""


class Site(ThreadingHTTPServer):
    """Gives one answer to everything."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/feed"
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, BODY)
        self.asked: list[dict[str, str]] = []

    def source(self, **fields: str) -> Source:
        return Source(id=1, kind=SourceKind.FEED, name="a feed", address=self.url, **fields)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.01,))
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(allow_private=True) as http:
        yield http


def test_a_feed_is_one_page_with_its_validators(site: Site, http: Http) -> None:
    site.answer = (
        200,
        {"Content-Type": "application/rss+xml", "ETag": 'W/"a,b"', "Last-Modified": "some day"},
        BODY,
    )
    fetched = feed.fetch(site.source(), at=AT, http=http)
    (page,) = fetched.pages
    assert (page.url, page.body, page.fetched_at, page.kind) == (site.url, BODY, AT, "feed")
    assert page.content_type == page.headers["content-type"] == "application/rss+xml"
    assert (fetched.etag, fetched.last_modified) == ('W/"a,b"', "some day")
    assert not fetched.not_modified
    assert "application/atom+xml" in site.asked[0]["Accept"]


def test_validators_go_back_verbatim_and_survive_an_unchanged_answer(
    site: Site, http: Http
) -> None:
    site.answer = (304, {"ETag": '"another"'}, b"")
    source = site.source(etag='W/"a,b"', last_modified="some day")
    fetched = feed.fetch(source, at=AT, http=http)
    assert site.asked[0]["If-None-Match"] == 'W/"a,b"'
    assert site.asked[0]["If-Modified-Since"] == "some day"
    assert fetched.not_modified
    assert fetched.pages == ()
    assert (fetched.etag, fetched.last_modified) == ('W/"a,b"', "some day")


def test_a_feed_that_lost_its_validators_loses_ours(site: Site, http: Http) -> None:
    fetched = feed.fetch(site.source(etag='"old"'), at=AT, http=http)
    assert (fetched.etag, fetched.last_modified) == ("", "")


@pytest.mark.parametrize("etag", ['"' + "x" * 1000 + '"', '"\xe9"'])
def test_a_validator_that_cannot_be_sent_back_is_not_kept(
    etag: str, site: Site, http: Http
) -> None:
    site.answer = (200, {"ETag": etag}, BODY)
    assert feed.fetch(site.source(), at=AT, http=http).etag == ""


def test_an_unasked_not_modified_is_an_error(site: Site, http: Http) -> None:
    site.answer = (304, {}, b"")
    with pytest.raises(SourceError, match="304"):
        feed.fetch(site.source(), at=AT, http=http)


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\xef\xbb\xbf\n"])
def test_an_empty_feed_is_an_error(body: bytes, site: Site, http: Http) -> None:
    site.answer = (200, {"ETag": '"e"'}, body)
    with pytest.raises(SourceError, match="is empty") as caught:
        feed.fetch(site.source(), at=AT, http=http)
    assert site.url in str(caught.value)


def test_a_feed_that_is_gone_is_refused(site: Site, http: Http) -> None:
    site.answer = (410, {}, b"gone")
    with pytest.raises(SourceRefused, match="410"):
        feed.fetch(site.source(), at=AT, http=http)
