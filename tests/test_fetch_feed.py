"""One feed, asked conditionally, from a real server on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from web_server import Site, reply

from tasks.errors import SourceError, SourceRefused
from tasks.fetch import feed
from tasks.fetch.http import Http
from tasks.records import Source, SourceKind

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
BODY = b"<rss><channel><title>Invented</title></channel></rss>"


def source(site: Site, **fields: str) -> Source:
    address = f"{site.url}/feed"
    return Source(id=1, kind=SourceKind.FEED, name="a feed", address=address, **fields)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.scripts["/feed"] = reply(200, BODY)
        yield site


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(allow_private=True) as http:
        yield http


def test_a_feed_is_one_page_with_its_validators(site: Site, http: Http) -> None:
    validators = {"ETag": 'W/"a,b"', "Last_Modified": "some day"}
    site.scripts["/feed"] = reply(200, BODY, Content_Type="application/rss+xml", **validators)
    fetched = feed.fetch(source(site), at=AT, http=http)
    (page,) = fetched.pages
    assert (page.url, page.body, page.fetched_at, page.kind) == (
        f"{site.url}/feed",
        BODY,
        AT,
        "feed",
    )
    assert page.content_type == page.headers["content-type"] == "application/rss+xml"
    assert (fetched.etag, fetched.last_modified) == ('W/"a,b"', "some day")
    assert not fetched.not_modified
    assert "application/atom+xml" in site.asked[0][1]["Accept"]


def test_validators_go_back_verbatim_and_survive_an_unchanged_answer(
    site: Site, http: Http
) -> None:
    site.scripts["/feed"] = reply(304, ETag='"another"')
    known = source(site, etag='W/"a,b"', last_modified="some day")
    fetched = feed.fetch(known, at=AT, http=http)
    _, headers = site.asked[0]
    assert headers["If-None-Match"] == 'W/"a,b"'
    assert headers["If-Modified-Since"] == "some day"
    assert fetched.not_modified
    assert fetched.pages == ()
    assert (fetched.etag, fetched.last_modified) == ('W/"a,b"', "some day")


def test_a_feed_that_lost_its_validators_loses_ours(site: Site, http: Http) -> None:
    fetched = feed.fetch(source(site, etag='"old"'), at=AT, http=http)
    assert (fetched.etag, fetched.last_modified) == ("", "")


@pytest.mark.parametrize("etag", ['"' + "x" * 1000 + '"', '"\xe9"'])
def test_a_validator_that_cannot_be_sent_back_is_not_kept(
    etag: str, site: Site, http: Http
) -> None:
    site.scripts["/feed"] = reply(200, BODY, ETag=etag)
    assert feed.fetch(source(site), at=AT, http=http).etag == ""


def test_an_unasked_not_modified_is_an_error(site: Site, http: Http) -> None:
    site.scripts["/feed"] = reply(304)
    with pytest.raises(SourceError, match="304"):
        feed.fetch(source(site), at=AT, http=http)


@pytest.mark.parametrize("body", [b"", b" \r\n\t", b"\xef\xbb\xbf\n"])
def test_an_empty_feed_is_an_error(body: bytes, site: Site, http: Http) -> None:
    site.scripts["/feed"] = reply(200, body, ETag='"e"')
    with pytest.raises(SourceError, match="is empty") as caught:
        feed.fetch(source(site), at=AT, http=http)
    assert f"{site.url}/feed" in str(caught.value)


def test_a_feed_that_is_gone_is_refused(site: Site, http: Http) -> None:
    site.scripts["/feed"] = reply(410, b"gone")
    with pytest.raises(SourceRefused, match="410"):
        feed.fetch(source(site), at=AT, http=http)
