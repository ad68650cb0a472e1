"""Real feeds and arXiv pages: everything is read or refused in words, and nothing else happens.

Runs where PAPERROUND_CORPUS names a folder with `feeds/` and `arxiv/`. Files of feedparser's own
suite state in their first comment what they expect; what of that we keep is checked.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.errors import PageError
from tasks.parse import clean, links
from tasks.parse.arxiv import looks_like_arxiv, parse_arxiv
from tasks.parse.feeds import parse_feed
from tasks.parse.page import parse_page
from tasks.records import ParsedPage, RawPage

pytestmark = pytest.mark.corpus
CORPUS = Path(os.environ.get("PAPERROUND_CORPUS", ""))
FILES = (
    sorted(path for room in ("feeds", "arxiv") for path in (CORPUS / room).rglob("*.*"))
    if "PAPERROUND_CORPUS" in os.environ
    else []
)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
EXPECTED = re.compile(
    r"entries\[0\](?:\.(?P<dot>title|link)|\[['\"](?P<key>title|link)['\"]\]) == "
    r"(?P<value>u?'[^']*'|u?\"[^\"]*\")"
)
COUNTS = {
    "davidbau.xml": 15,
    "stackoverflow.xml": 2,
    "malformed_rss_namespaced.xml": 2,
    "real_feedparser_0_entries_7ef13a42fa7e177a.xml": 34,
    "full.atom": 5,
    "encoding_WINDOWS-1251.xml": 50,
    "large_rss.xml": 25,
    "rdf_UTF8.xml": 60,
    "urdu_UTF8.xml": 26,
    "hepml_rss_digest.xml": 226,
    "RECONSTRUCTED_rss2_weekend_empty.xml": 0,
    "api_id_0808.05394_1707.08567_s0_m100_42e5aa0ec3af.status200.xml": 1,
    "api_id_astro-ph_0601001_s0_m100_3150dca9dc76.status200.xml": 1,
    "api_q_testing_s0_m100_cfe7536492ca.status200.xml": 100,
    "api_q_testing_s50_m10_7f488ab8598c.status200.xml": 10,
    "polaris_list_new_real_excerpt.html": 6,
}


def load(path: Path) -> RawPage:
    return RawPage(url="http://127.0.0.1:8097/f", body=path.read_bytes(), fetched_at=NOW)


def named(name: str) -> ParsedPage:
    (path,) = (path for path in FILES if path.name == name)
    return parse_page(load(path))


def expectation(path: Path) -> re.Match[str] | None:
    return EXPECTED.search(path.read_text("utf-8", "replace")[:2000])


def read(parse: Callable[[RawPage], ParsedPage], path: Path) -> ParsedPage | PageError:
    try:
        return parse(load(path))
    except PageError as error:
        return error


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
@pytest.mark.parametrize("parse", [parse_feed, parse_arxiv, parse_page])
def test_every_file_is_read_or_refused_in_words(path, parse):
    found = read(parse, path)
    if isinstance(found, PageError):
        assert found.reason
        assert len(str(found)) > 20
        return
    for entry in found.entries:
        assert entry.title
        assert entry.source_id
        assert entry.url is None or links.web(entry.url) == entry.url
        assert entry.published is None or entry.published.tzinfo is UTC
        repr(entry).encode()


@pytest.mark.parametrize("path", list(filter(expectation, FILES)), ids=lambda path: path.name)
def test_what_the_first_comment_expects_is_found(path):
    expected = expectation(path)
    assert expected
    entry = parse_feed(load(path)).entries[0]
    value = ast.literal_eval(expected["value"])
    if "title" in (expected["dot"], expected["key"]):
        assert entry.title == clean.title(value)
    else:
        assert entry.url == links.web(value)


@pytest.mark.skipif(not FILES, reason="PAPERROUND_CORPUS is not set")
@pytest.mark.parametrize(("name", "count"), COUNTS.items())
def test_feeds_of_the_wild_have_their_entries(name, count):
    assert len(named(name).entries) == count


@pytest.mark.skipif(not FILES, reason="PAPERROUND_CORPUS is not set")
def test_real_arxiv_pages_are_known_and_complete():
    pages = [path for path in FILES if path.parent.name == "arxiv"]
    ours = [path for path in pages if looks_like_arxiv(path.read_bytes())]
    assert len(ours) == len(pages) - 1  # a digest by somebody else
    for path in ours:
        if "status400" in path.name:
            with pytest.raises(PageError, match="incorrect id"):
                parse_page(load(path))
            continue
        found = parse_page(load(path))
        assert found.rejected == ()
        assert all(entry.arxiv_id and entry.authors and entry.abstract for entry in found.entries)
        assert all(entry.categories for entry in found.entries)
