"""arXiv's announcement feeds and any of its urls, from a real server on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from web_server import Site, reply

from tasks.errors import SourceError, SourceRefused
from tasks.fetch import arxiv
from tasks.fetch.http import Http
from tasks.records import Source, SourceKind

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
FEED = b"<feed xmlns='http://www.w3.org/2005/Atom'><title>Invented</title></feed>"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.otherwise = reply(200, FEED, ETag='"e"')
        yield site


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(allow_private=True) as http:
        yield http


def source(address: str, **fields: str) -> Source:
    return Source(id=1, kind=SourceKind.ARXIV, name="arXiv", address=address, **fields)


@pytest.mark.parametrize("address", ["cs.CL", "cs.CL+cs.LG", "math", "cond-mat.mes-hall+q-bio"])
def test_categories_stand_for_their_announcement_feed(address: str) -> None:
    assert arxiv.feed_url(address) == f"https://rss.arxiv.org/rss/{address}"


@pytest.mark.parametrize("address", ["", "cs.CL cs.LG", "cs.CL+", "../x", "cs.CL?x=1", "cs.CL\n"])
def test_what_is_no_category_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(SourceRefused, match=r"such as cs\.CL\+cs\.LG"):
        arxiv.feed_url(address)


def test_a_url_is_used_as_it_stands(site: Site, http: Http) -> None:
    url = f"{site.url}/api/query?search_query=cat:cs.CL+AND+ti:%22x%22&max_results=5"
    fetched = arxiv.fetch(source(url), at=AT, http=http)
    (page,) = fetched.pages
    assert (page.url, page.kind, page.body, page.fetched_at) == (url, "arxiv", FEED, AT)
    assert site.paths == [url.removeprefix(site.url)]
    assert fetched.etag == '"e"'


def test_an_unchanged_feed_brings_no_page(site: Site, http: Http) -> None:
    site.otherwise = reply(304, ETag='"e"')
    fetched = arxiv.fetch(source(f"{site.url}/rss/cs.CL", etag='"e"'), at=AT, http=http)
    assert fetched.not_modified
    assert fetched.pages == ()
    ((path, headers),) = site.asked
    assert (path, headers["If-None-Match"]) == ("/rss/cs.CL", '"e"')


def test_a_sentence_in_place_of_a_feed_is_an_error(site: Site, http: Http) -> None:
    site.otherwise = reply(200, b"Rate exceeded.\n", ETag='"e"')
    with pytest.raises(SourceError, match="answered 'Rate exceeded"):
        arxiv.fetch(source(f"{site.url}/rss/cs.CL"), at=AT, http=http)


def test_a_feed_of_an_error_does_not_become_a_page(site: Site, http: Http) -> None:
    site.otherwise = reply(400, FEED, ETag='"e"')
    with pytest.raises(SourceError, match="answered 400"):
        arxiv.fetch(source(f"{site.url}/api/query?id_list=abc"), at=AT, http=http)
