"""Hugging Face's API: its rows through every change of schema."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import PageError
from tasks.parse import hf
from tasks.records import ParsedEntry, ParsedPage, RawPage

PAGES = Path(__file__).parent / "pages" / "hf"
NOW = datetime(2026, 9, 9, 6, tzinfo=UTC)
DAY = date(2026, 9, 8)


def raw(day: date | None = None) -> RawPage:
    return RawPage(url="https://huggingface.co/api/daily_papers", body=b"", fetched_at=NOW, day=day)


def saved(name: str) -> Any:
    return json.loads((PAGES / name).read_text(encoding="utf-8"))


def read(document: object, day: date | None = None) -> ParsedPage:
    return hf.parse_json(document, raw(day))


def paper(**fields: object) -> ParsedEntry:
    row = {"paper": {"id": "2609.10001", "title": "A Title", **fields}}
    return read([row]).entries[0]


def test_a_day_of_the_api_gives_its_papers_in_order() -> None:
    page = read(saved("day.json"), DAY)
    assert (page.shape, page.day, page.warnings, page.rejected) == ("hf-api", DAY, (), ())
    assert [entry.source_id for entry in page.entries] == [f"2609.1000{n}" for n in range(1, 7)]
    assert [entry.rank for entry in page.entries] == [1, 2, 3, 4, 5, 6]
    assert [entry.upvotes for entry in page.entries] == [31, 17, 9, 8, 5, 0]


def test_an_entry_carries_what_the_api_says() -> None:
    entry = read(saved("day.json")).entries[0]
    assert entry.title == "Lantern Search: Finding Small Models in Large Haystacks"
    assert "only 5% of the labels" in entry.abstract
    assert "\n" not in entry.title + entry.abstract
    assert entry.authors == ("Mira Holloway", "Jonas Fréchet", "Wei Tang")
    assert (entry.arxiv_id, entry.arxiv_version) == ("2609.10001", None)
    assert entry.url == "https://huggingface.co/papers/2609.10001"
    assert entry.published == datetime(2026, 9, 1, tzinfo=UTC)


def test_repositories_come_from_the_field_the_abstract_and_the_project_page() -> None:
    assert [entry.code_urls for entry in read(saved("day.json")).entries] == [
        ("https://github.com/lantern-lab/lantern-search",),
        ("https://github.com/anchor-group/sigma_anchors",),
        ("https://github.com/tableworks/row-order",),
        (),
        ("https://github.com/qwill-works/qwill2.5", "https://github.com/qwill-works/site"),
        ("https://github.com/forget/graphs-that-forget",),
    ]


@pytest.mark.parametrize("name", ["repr_strings.json", "envelope.json"])
def test_other_wrappings_give_the_same_entries(name: str) -> None:
    assert read(saved(name)).entries == read(saved("day.json")).entries


def test_search_results_and_bare_papers_give_the_same_entries() -> None:
    rows = saved("day.json")
    bare = [row["paper"] for row in rows]
    assert read({"papers": rows}).entries == read(rows).entries
    assert read(bare).entries == read(rows).entries
    assert read(bare[0]).entries == read(rows).entries[:1]
    assert read(rows[0]).entries == read(rows).entries[:1]


def test_rows_may_be_json_in_strings() -> None:
    rows = saved("day.json")
    assert read([json.dumps(row) for row in rows]).entries == read(rows).entries


def test_bad_rows_are_kept_aside_and_the_rest_goes_on() -> None:
    page = read(saved("odd_rows.json"))
    assert [entry.source_id[-1] for entry in page.entries] == ["1", "2", "4", "5", "6"]
    assert [entry.upvotes for entry in page.entries] == [1234, None, 12, None, None]
    assert [(item.position, item.reason) for item in page.rejected] == [
        (3, "It is text, not a paper."),
        (4, "It is no paper but NoneType."),
        (5, "It has no title."),
        (8, "It has no usable id."),
        (9, "It is a string that is neither JSON nor a Python value."),
    ]
    assert page.rejected[0].raw == "just a note"
    assert page.rejected[2].raw.startswith("{'paper': {'id': '2609.10003'}")


def test_authors_may_be_null_odd_or_hidden() -> None:
    entries = read(saved("odd_rows.json")).entries
    assert entries[1].authors == ("Ada Lindqvist",)
    assert entries[3].authors == ()
    assert entries[4].authors == ("Noor Haddad", "Elif Yıldız")
    assert "Jonas Fréchet" in entries[0].authors  # hidden on the page, and an author


def test_authors_may_be_one_text_or_named_otherwise() -> None:
    assert paper(authors="Ada Lindqvist, Wei Tang and Noor Haddad").authors == (
        "Ada Lindqvist",
        "Wei Tang",
        "Noor Haddad",
    )
    assert paper(authors=[{"fullname": "Wei Tang"}]).authors == ("Wei Tang",)


def test_fields_may_be_spelt_otherwise() -> None:
    entry = paper(abstract="Said.", github_repo="https://github.com/a/b", published_at="2026-09-01")
    assert (entry.abstract, entry.code_urls) == ("Said.", ("https://github.com/a/b",))
    assert entry.published == datetime(2026, 9, 1, tzinfo=UTC)


def test_code_behind_a_word_is_found() -> None:
    entry = paper(summary=r"Code is \href{https://github.com/a/b}{here}.")
    assert (entry.abstract, entry.code_urls) == ("Code is here.", ("https://github.com/a/b",))


@pytest.mark.parametrize(
    "name", ["2609.10001v2", "arXiv:2609.10001v2", "https://arxiv.org/abs/2609.10001v2"]
)
def test_every_spelling_of_an_id_names_one_paper(name: str) -> None:
    entry = paper(id=name)
    assert (entry.arxiv_id, entry.arxiv_version) == ("2609.10001", 2)
    assert (entry.source_id, entry.url) == (
        "2609.10001",
        "https://huggingface.co/papers/2609.10001",
    )


def test_a_withdrawn_paper_is_flagged() -> None:
    assert read(saved("odd_rows.json")).entries[4].withdrawn
    assert paper(summary="This paper has been withdrawn by the authors.").withdrawn
    assert not paper(withdrawnAt=None, summary="We study withdrawn papers.").withdrawn


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (47, 47),
        (0, 0),
        (47.0, 47),
        ("1,234", 1234),
        (" 12 ", 12),
        ("34.1k", 34100),
        ("1.2M", 1_200_000),
        (None, None),
        (True, None),
        (-1, None),
        (float("nan"), None),
        (float("inf"), None),
        (10**30, None),
        ("9" * 400, None),
        ("many", None),
        ([], None),
    ],
)
def test_votes_are_read_as_any_writer_puts_them(value: object, count: int | None) -> None:
    assert hf.votes(value) == count
    assert paper(upvotes=value).upvotes == count


@pytest.mark.parametrize(
    "fields",
    [
        {"title": None},
        {"title": 7},
        {"title": "<b></b>"},
        {"id": None},
        {"id": "../../etc"},
        {"id": "a b"},
        {"id": "javascript:alert(1)"},
    ],
)
def test_a_row_without_title_or_id_is_no_paper(fields: dict[str, object]) -> None:
    with pytest.raises(PageError) as caught:
        paper(**fields)
    assert caught.value.reason == "not_a_page"


def test_a_title_may_be_a_zero_and_an_id_need_not_be_arxivs() -> None:
    assert paper(title="0").title == "0"
    entry = paper(id="openreview.net/abc")
    assert (entry.arxiv_id, entry.source_id) == (None, "openreview.net/abc")


def test_markup_in_a_title_is_text_or_gone() -> None:
    entry = paper(title="<script>x()</script>Using <projektor>", summary="A &amp; B\x00\ud800")
    assert (entry.title, entry.abstract) == ("Using <projektor>", "A & B")


def test_what_is_missing_inside_is_taken_from_outside() -> None:
    row = {
        "paper": {"id": "2609.10001", "title": " "},
        "title": "Outer",
        "summary": "Also outer.",
        "publishedAt": "2026-09-01T20:00:00.000Z",
        "upvotes": 3,
    }
    entry = read([row]).entries[0]
    assert (entry.title, entry.abstract, entry.upvotes) == ("Outer", "Also outer.", 3)
    assert entry.published == datetime(2026, 9, 1, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "published"),
    [
        ("1970-01-01T00:00:00.000Z", None),
        ("2099-01-01T00:00:00.000Z", NOW),
        ("yesterday-ish", None),
        (17, None),
    ],
)
def test_a_date_is_never_made_up(value: object, published: datetime | None) -> None:
    assert paper(publishedAt=value).published == published


def test_an_empty_list_is_an_empty_day() -> None:
    page = read([], DAY)
    assert (page.entries, page.day) == ((), DAY)


@pytest.mark.parametrize("document", [{}, {"a": 1}, 7, "text", None, [1, 2], [{"a": 1}]])
def test_other_json_is_no_page(document: object) -> None:
    with pytest.raises(PageError) as caught:
        read(document)
    assert caught.value.reason == "not_a_page"


def test_a_list_without_end_is_cut() -> None:
    rows = [{"id": f"p{at}", "title": f"Paper {at}"} for at in range(2001)]
    page = read(rows)
    assert len(page.entries) == 2000
    assert page.warnings == ("The page has 2001 papers; the first 2000 were read.",)


@pytest.mark.parametrize(
    "text",
    ["{" * 100_000, "{" + "-" * 50_000 + "1}", "{'a': " + "9" * 5000 + "}", "{'a': open('x')}",
     "{" + "1," * 160_000 + "}", "{1:\x00}", "{'\\d': 1}"],
)  # fmt: skip
def test_a_string_that_is_no_row_harms_nothing(text: str) -> None:
    page = read([*saved("day.json"), text])
    assert (len(page.entries), len(page.rejected)) == (6, 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["paper", "id", "title", "summary", "authors", "name", "upvotes", "data"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_document_breaks_the_reading(document: Any) -> None:
    for one in (document, [document], [{"paper": document}], [{"id": "x1", "title": document}]):
        try:
            page = read(one)
        except PageError:
            continue
        json.dumps([entry.title for entry in page.entries])
