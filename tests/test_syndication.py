"""Feeds are valid and harmless, whatever the papers say."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.render.syndication import Feed, Item, atom, json_feed

AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
NAME = "{http://www.w3.org/2005/Atom}"
PAPER = Item(
    id="tag:news.example,2026:paper:1",
    title="Sparse attention & long proteins",
    updated=AT,
    url="https://news.example/papers/1",
    paragraphs=("We look at x < y.", ""),
    links=(("PDF", "https://arxiv.example/1.pdf"), ("Code", "javascript:alert(1)")),
    authors=("Ada Lovelace", " "),
    categories=("cs.LG", ""),
    published=AT - timedelta(days=1),
)
FEED = Feed(
    id="tag:news.example,2026:edition",
    title="Papers of the day",
    updated=AT,
    items=(PAPER,),
    author="Paperround",
    url="https://news.example/",
    own_url="https://news.example/feed.atom",
)
HOSTILE = "</title><script>alert(1)</script>]]>&amp;&#0;\0\x0b\x1b\ud800\ufffe\u202e\U0001f600 end"


def parsed(feed: Feed) -> ElementTree.Element:
    return ElementTree.fromstring(atom(feed))


def test_an_atom_feed_says_all_that_is_known() -> None:
    root = parsed(FEED)
    assert root.tag == f"{NAME}feed"
    assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert [child.tag.removeprefix(NAME) for child in root] == [
        "id", "title", "updated", "author", "link", "link", "entry",
    ]  # fmt: skip
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{NAME}link")}
    assert links == {"self": FEED.own_url, "alternate": FEED.url}
    [entry] = root.findall(f"{NAME}entry")
    texts = {child.tag.removeprefix(NAME): child.text for child in entry}
    assert texts["id"] == PAPER.id
    assert texts["title"] == PAPER.title
    assert (texts["updated"], texts["published"]) == (
        "2026-11-20T09:30:00Z",
        "2026-11-19T09:30:00Z",
    )
    assert [name.text for name in entry.iter(f"{NAME}name")] == ["Ada Lovelace"]
    assert [term.get("term") for term in entry.findall(f"{NAME}category")] == ["cs.LG"]
    assert texts["content"] == (
        '<p dir="auto">We look at x &lt; y.</p><p><a href="https://arxiv.example/1.pdf">PDF</a></p>'
    )


def test_feed_readers_understand_it() -> None:
    read = feedparser.parse(io.BytesIO(atom(FEED)))
    assert not read.bozo
    assert read.version == "atom10"
    [entry] = read.entries
    assert (entry.title_detail.value, entry.link) == (PAPER.title, PAPER.url)


def test_a_json_feed_says_the_same() -> None:
    made = json.loads(json_feed(FEED))
    [item] = made.pop("items")
    assert made == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": FEED.title,
        "language": "en",
        "authors": [{"name": "Paperround"}],
        "home_page_url": FEED.url,
        "feed_url": FEED.own_url,
    }
    content = item.pop("content_html")
    assert 'href="https://arxiv.example/1.pdf"' in content
    assert "javascript" not in content
    assert item == {
        "id": PAPER.id,
        "url": PAPER.url,
        "title": PAPER.title,
        "date_published": "2026-11-19T09:30:00Z",
        "date_modified": "2026-11-20T09:30:00Z",
        "authors": [{"name": "Ada Lovelace"}],
        "tags": ["cs.LG"],
    }


def test_what_is_not_known_is_left_out() -> None:
    bare = Item(id="urn:x:1", title="Bare", updated=AT)
    feed = replace(FEED, items=(bare,), url="", own_url="")
    assert parsed(feed).findall(f"{NAME}link") == []
    [entry] = parsed(feed).findall(f"{NAME}entry")
    assert {child.tag.removeprefix(NAME) for child in entry} == {
        "id",
        "title",
        "updated",
        "content",
    }
    made = json.loads(json_feed(feed))
    assert "feed_url" not in made
    assert made["items"][0].keys() == {"id", "title", "content_html", "date_modified"}
    assert json.loads(json_feed(replace(FEED, items=())))["items"] == []


def test_moments_are_told_in_utc() -> None:
    east = datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert parsed(replace(FEED, updated=east)).findtext(f"{NAME}updated") == "2026-11-20T04:00:00Z"


@pytest.mark.parametrize("part", ["title", "paragraphs", "authors", "categories"])
def test_hostile_words_stay_words(part: str) -> None:
    words: Any = HOSTILE if part == "title" else (HOSTILE,)
    feed = replace(FEED, items=(replace(PAPER, **{part: words}),))
    document = atom(feed)
    assert b"<script" not in document
    assert not feedparser.parse(io.BytesIO(document)).bozo
    [entry] = parsed(feed).findall(f"{NAME}entry")
    shown = "".join(entry.itertext()) + "".join(str(node.attrib) for node in entry.iter())
    assert "\u202e" not in shown
    assert "\ufffe" not in shown
    assert "script" in shown
    assert "<script" not in json.loads(json_feed(feed))["items"][0]["content_html"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//a.example", "https://a@b/"]
)
def test_a_link_that_leads_elsewhere_is_left_out(url: str) -> None:
    feed = replace(FEED, url=url, items=(replace(PAPER, url=url, links=(("PDF", url),)),))
    assert {link.get("rel") for link in parsed(feed).iter(f"{NAME}link")} == {"self"}
    assert "<a" not in "".join(parsed(feed).itertext())
    assert "url" not in json.loads(json_feed(feed))["items"][0]


@given(text=st.text(st.characters(codec=None)))
def test_every_text_makes_a_feed_that_parses(text: str) -> None:
    item = replace(PAPER, title=text, paragraphs=(text,), authors=(text,), links=((text, text),))
    feed = replace(FEED, title=text, items=(item,))
    assert len(parsed(feed).findall(f"{NAME}entry")) == 1
    assert json.loads(json_feed(feed))["items"][0]["id"] == PAPER.id


def test_the_same_papers_make_the_same_bytes() -> None:
    assert atom(FEED) == atom(replace(FEED))
    assert atom(FEED) != atom(replace(FEED, items=()))
