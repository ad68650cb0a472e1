"""Hugging Face's web pages: the JSON they hydrate from, and the cards they show."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from tasks.errors import PageError
from tasks.parse import hf
from tasks.parse.hf_html import parse_html
from tasks.records import ParsedPage, RawPage

PAGES = Path(__file__).parent / "pages" / "hf"
NOW = datetime(2026, 9, 9, 6, tzinfo=UTC)
DAY = date(2026, 9, 8)


def raw(day: date | None = None) -> RawPage:
    return RawPage(url="https://huggingface.co/api/daily_papers", body=b"", fetched_at=NOW, day=day)


def saved(name: str) -> Any:
    return json.loads((PAGES / name).read_text(encoding="utf-8"))


def read(document: object, day: date | None = None) -> ParsedPage:
    return hf.parse_json(document, raw(day))


def html(text: str, day: date | None = None) -> ParsedPage | None:
    return parse_html(LexborHTMLParser(text), raw(day))


def html_page(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def test_hydration_gives_the_entries_of_the_api() -> None:
    page = html(html_page("day.html"), DAY)
    assert page is not None
    assert (page.shape, page.day, page.warnings) == ("hf-page", DAY, ())
    assert page.entries == read(saved("day.json")).entries


def test_a_page_of_another_day_says_so() -> None:
    page = html(html_page("day.html"), date(2026, 9, 12))
    assert page is not None
    assert page.day == DAY
    assert page.warnings == ("The page is of 2026-09-08, though 2026-09-12 was asked for.",)


def test_an_empty_page_is_an_empty_day() -> None:
    page = html(html_page("empty_day.html"), DAY)
    assert page is not None
    assert (page.shape, page.entries, page.day) == ("hf-page", (), DAY)


def test_cards_stand_in_and_each_paper_counts_once() -> None:
    page = html(html_page("cards.html"), DAY)
    whole = read(saved("day.json")).entries
    assert page is not None
    assert (page.shape, page.day) == ("hf-cards", DAY)
    assert "cards were read" in page.warnings[0]
    for card, entry in zip(page.entries, whole, strict=True):
        for name in ("title", "source_id", "arxiv_id", "authors", "upvotes", "url", "rank"):
            assert getattr(card, name) == getattr(entry, name)
        assert card.abstract == ""
    assert [card.code_urls for card in page.entries[:2]] == [whole[0].code_urls, ()]


@pytest.mark.parametrize(
    "broken",
    ['data-props="x', 'data-props="[]" x="', 'data-props="[[[[" x="',
     'data-props="{&quot;dailyPapers&quot;:[1]}" x="'],
)  # fmt: skip
def test_broken_hydration_falls_back_to_cards(broken: str) -> None:
    text = html_page("day.html").replace('\n  data-props="', f"\n  {broken}")
    page = html(text)
    assert page is not None
    assert (page.shape, len(page.entries)) == ("hf-cards", 6)


def test_broken_hydration_without_cards_is_no_empty_day() -> None:
    with pytest.raises(PageError, match="shows no cards"):
        html('<div data-target="DailyPapers" data-props="{&amp;quot;"></div>')


def test_the_first_usable_hydration_counts() -> None:
    text = html_page("day.html").replace("<main>", '<div data-target="DailyPapers"></div><main>')
    page = html(text)
    assert page is not None
    assert page.entries == read(saved("day.json")).entries


def test_rows_without_papers_and_no_cards_are_an_error() -> None:
    props = "{&quot;dailyPapers&quot;:[1]}"
    with pytest.raises(PageError, match="no paper in any of its rows"):
        html(f'<div data-target="DailyPapers" data-props="{props}"></div>')


def test_a_long_paragraph_of_a_card_is_its_abstract() -> None:
    words = "It is an abstract and no summary. " * 14
    page = html(f'<article><h3><a href="/papers/2609.1">A</a></h3><p>{words}</p></article>')
    assert page is not None
    assert page.entries[0].abstract == words.strip()
    assert page.entries[0].upvotes is None


def test_a_page_saved_by_a_browser_has_absolute_links() -> None:
    text = html_page("cards.html")
    absolute = html(text.replace('href="/papers/', 'href="https://huggingface.co/papers/'))
    relative = html(text)
    assert absolute is not None
    assert relative is not None
    assert absolute.entries == relative.entries


def test_other_articles_are_no_cards() -> None:
    assert html("<article><h3><a href='/posts/1'>A</a></h3></article>") is None
    assert html("<article><h3><a href='/papers/'>A</a></h3></article>") is None
