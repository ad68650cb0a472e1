"""JSON Feeds are read leniently: a wrong field costs itself, never the item or the feed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import PageError
from tasks.parse.jsonfeed import is_json_feed, parse_json_feed
from tasks.records import ParsedEntry, ParsedPage, RawPage

NOW = datetime(2026, 8, 15, 12, tzinfo=UTC)
PAGES = Path(__file__).parent / "pages" / "feeds"
PAGE = RawPage(url="https://notes.example.org/feed.json", body=b"", fetched_at=NOW)


def saved() -> ParsedPage:
    return parse_json_feed(json.loads((PAGES / "json.json").read_text()), PAGE)


def only(item: Any, **more: Any) -> ParsedEntry:
    (entry,) = parse_json_feed({"items": [item], **more}, PAGE).entries
    return entry


def test_an_item_becomes_a_clean_entry():
    found = saved()
    assert found.shape == "json"
    assert found.entries[0] == ParsedEntry(
        title="Where a <b and c> d",
        abstract="Read it. Code: here",
        authors=("Ada Quill", "Bo Lantern"),
        arxiv_id="2608.90001",
        arxiv_version=2,
        url="https://notes.example.org/notes/17",
        code_urls=("https://gitlab.com/notes/lanterns",),
        categories=("optics", "3"),
        published=datetime(2026, 8, 4, 8, tzinfo=UTC),
        source_id="17",
        rank=1,
    )


def test_version_1_authors_and_plain_content_are_read():
    second = saved().entries[1]
    assert second.authors == ("Zoë Wick",)
    assert second.abstract == second.title == "Plain words <kept> here."
    assert second.published is None


def test_an_item_with_a_title_alone_is_keyed_by_it():
    third = saved().entries[2]
    assert (third.source_id, third.categories) == ("title:only a title", ("one",))


def test_items_without_a_name_are_rejected_in_their_place():
    found = saved().rejected
    assert [(one.position, one.raw) for one in found] == [
        (4, "a bare string"),
        (5, "nothing to call it by"),
    ]


def test_an_external_link_stands_in_for_a_missing_one():
    assert only({"external_url": "https://e.example.org/x"}).url == "https://e.example.org/x"


def test_numbers_are_ids_and_truth_values_are_none():
    assert only({"id": 3.5, "title": True, "summary": "s"}).source_id == "3.5"
    assert only({"id": 0, "title": "t"}).source_id == "0"


def test_lone_surrogates_do_not_survive():
    entry = only(json.loads('{"id": "a\\ud800", "title": "t\\udfff", "url": "https://e/\\ud800"}'))
    assert (entry.source_id, entry.title) == ("a", "t")
    repr(entry).encode()


def test_an_empty_list_is_legal():
    assert parse_json_feed({"items": []}, PAGE).entries == ()


@pytest.mark.parametrize("document", [{}, {"items": None}, {"items": {"a": 1}}])
def test_no_list_of_items_is_said_clearly(document):
    with pytest.raises(PageError, match="without a list of items") as caught:
        parse_json_feed(document, PAGE)
    assert caught.value.reason == "bad_json"


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        ({"version": "https://jsonfeed.org/version/1"}, True),
        ({"version": "https://jsonfeed.org/version/1.1", "items": []}, True),
        ({"version": "2.0", "items": []}, False),
        ({"version": None}, False),
        ([], False),
        ("jsonfeed.org/version", False),
    ],
)
def test_a_json_feed_says_that_it_is_one(document, wanted):
    assert is_json_feed(document) is wanted
