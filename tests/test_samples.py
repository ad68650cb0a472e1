"""The sample pages of the demonstration: each of its shape, forty papers in all, some for each reader."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain

import pytest

from tasks.fetch.folder import pages
from tasks.parse.clean import title_key
from tasks.parse.page import parse_page
from tasks.profile_json import from_json
from tasks.records import Paper, ParsedEntry, ParsedPage, RawPage
from tasks.score import Scores, fit, score
from workers.demo import INTERESTS, SAMPLES

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SHAPES = {"1-api.json": "hf-api", "2-page.html": "hf-page", "3-saved.txt": "text-a"}
INVENTED_ID = re.compile(r"2611\.90\d{3}")  # arXiv has never had so many papers in a month
HOSTS = {"github.com", "example.org", "arxiv.org"}
PICK = 0.15


def raw(name: str) -> RawPage:
    """The page as the demonstration's source hands it on."""
    (found,) = (page for page in saved() if page.name == name)
    return found


def saved() -> list[RawPage]:
    return [page for page in pages(SAMPLES, at=NOW) if isinstance(page, RawPage)]


@pytest.fixture(scope="module")
def read() -> dict[str, ParsedPage]:
    return {page.name: parse_page(page) for page in saved()}


@pytest.fixture(scope="module")
def entries(read: dict[str, ParsedPage]) -> list[ParsedEntry]:
    """All entries of all pages, in their order; papers that stand twice come twice."""
    return list(chain.from_iterable(page.entries for page in read.values()))


@pytest.fixture(scope="module")
def papers(entries: list[ParsedEntry]) -> list[Paper]:
    """Each paper once."""
    once = {
        title_key(entry.title): Paper(
            id=entry.source_id, title=entry.title, abstract=entry.abstract
        )
        for entry in entries
    }
    return list(once.values())


def said(entry: ParsedEntry) -> tuple[str, str]:
    return entry.title, entry.abstract


def scored(papers: Sequence[Paper], background: Sequence[Paper]) -> Scores:
    profiles = [from_json(body, key=reader, name=name) for reader, name, body in INTERESTS]
    return score(fit(background), papers, profiles)


def test_the_folder_holds_these_pages_and_nothing_else() -> None:
    assert [page.name for page in saved()] == list(SHAPES)
    assert sorted(path.name for path in SAMPLES.iterdir()) == list(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_each_page_is_read_in_its_own_shape_without_a_doubt(
    read: dict[str, ParsedPage], name: str
) -> None:
    page = read[name]
    assert page.shape == SHAPES[name]
    assert [entry.rank for entry in page.entries] == list(range(1, 15))
    assert (page.warnings, page.rejected) == ((), ())
    assert [entry.warnings for entry in page.entries if entry.warnings] == []


def test_no_page_grows_too_old_to_be_news(read: dict[str, ParsedPage]) -> None:
    certain = {name: page.day for name, page in read.items() if page.day and page.certain_day}
    assert certain == {}
    saved_page = replace(raw("3-saved.txt"), fetched_at=NOW.replace(year=2036))
    assert not parse_page(saved_page).certain_day


def test_forty_papers_stand_on_the_pages_and_two_of_them_twice(entries: list[ParsedEntry]) -> None:
    told = Counter(title_key(entry.title) for entry in entries)
    assert (len(told), sorted(told.values())[-3:]) == (40, [1, 2, 2])


def test_a_paper_that_stands_twice_says_the_same_both_times(read: dict[str, ParsedPage]) -> None:
    api, html, text = (
        {title_key(entry.title): entry for entry in page.entries} for page in read.values()
    )
    (on_html,), (in_text,) = api.keys() & html.keys(), api.keys() & text.keys()
    assert said(api[on_html]) == said(html[on_html])
    assert api[on_html].arxiv_id == html[on_html].arxiv_id
    assert said(api[in_text]) == said(text[in_text])


def test_ids_are_invented_and_name_one_paper_each(read: dict[str, ParsedPage]) -> None:
    named = [*read["1-api.json"].entries, *read["2-page.html"].entries]
    titles = {entry.arxiv_id: title_key(entry.title) for entry in named}
    assert len(titles) == len(set(titles.values())) == 27
    assert [one for one in titles if not INVENTED_ID.fullmatch(one or "")] == []
    assert {entry.arxiv_id for entry in read["3-saved.txt"].entries} == {None}


def test_each_listed_paper_has_authors_votes_and_a_date(read: dict[str, ParsedPage]) -> None:
    for entry in (*read["1-api.json"].entries, *read["2-page.html"].entries):
        assert len(entry.authors) >= 2, entry.title
        assert 2 <= (entry.upvotes or 0) <= 180, entry.title
        assert entry.published is not None, entry.title
        assert entry.published < NOW, entry.title


def test_the_cards_say_the_same_as_the_page_s_data(read: dict[str, ParsedPage]) -> None:
    page = raw("2-page.html")
    cards = parse_page(replace(page, body=page.body.replace(b'"DailyPapers"', b'"Gone"')))
    assert cards.shape == "hf-cards"
    for card, entry in zip(cards.entries, read[page.name].entries, strict=True):
        assert (card.title, card.arxiv_id) == (entry.title, entry.arxiv_id)
        assert (card.upvotes, card.authors) == (entry.upvotes, entry.authors[:5])


def test_titles_and_abstracts_are_as_long_as_real_ones(entries: list[ParsedEntry]) -> None:
    odd = [
        entry.title
        for entry in entries
        if not (18 <= len(entry.title) <= 141 and 90 <= len(entry.abstract.split()) <= 150)
    ]
    assert odd == []


def test_the_quirks_of_real_pages_are_there_and_are_mended(entries: list[ParsedEntry]) -> None:
    source = "\n".join(page.body.decode() for page in saved())
    for quirk in (r"Fr\'echet", r"Nystr\\\&quot;om", r"38\%", r"3.1\\%", "$\\\\tau$-Plan", "}."):
        assert quirk in source, quirk
    told = " ".join(f"{entry.title} {entry.abstract}" for entry in entries)
    assert [word for word in told.split() if "\\" in word or "$" in word] == []
    for mended in ("Fréchet", "Nyström", "38%", "τ-Plan", "λ-Annealed", "Key–Value"):
        assert mended in told, mended
    assert sum(entry.title.endswith("?") for entry in entries) >= 3


def test_links_lead_only_to_invented_places(entries: list[ParsedEntry]) -> None:
    source = "\n".join(page.body.decode() for page in saved())
    assert set(re.findall(r"https?://([^/\s\"&]+)", source)) == HOSTS
    code = [url for entry in entries for url in entry.code_urls]
    assert len(set(code)) >= 20
    assert [url for url in code if not url.startswith("https://github.com/example-lab/")] == []
    assert [url for url in code if not re.fullmatch(r"[a-z-]+", url.rpartition("/")[2])] == []


def test_every_reader_finds_a_handful_and_nobody_everything(papers: list[Paper]) -> None:
    values = scored(papers, papers).values
    assert [int(count) for count in (values >= PICK).sum(axis=0) if not 3 <= count <= 8] == []
    assert ((values >= PICK).sum(axis=1) == 0).sum() >= 8


@pytest.mark.parametrize("known", [14, 27, 40])
def test_the_readers_first_picks_differ_however_many_papers_the_scorer_knows(
    papers: list[Paper], known: int
) -> None:
    values = scored(papers, papers[:known]).values
    assert ((values >= PICK).sum(axis=0) >= 3).all()
    assert len(set(values.argmax(axis=0).tolist())) == len(INTERESTS)
