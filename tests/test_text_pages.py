"""Saved plain-text pages, in every layout and with every kind of damage."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tasks.errors import PageError
from tasks.parse.markdown import is_markdown_list, parse_markdown
from tasks.parse.text import parse_text
from tasks.records import ParsedPage

PAGES = Path(__file__).parent / "pages"
NOW = datetime(2026, 9, 9, 6, tzinfo=UTC)


def saved(name: str) -> str:
    return (PAGES / "text" / name).read_text(encoding="utf-8")


def read(body: str, fetched_at: datetime = NOW) -> ParsedPage:
    return parse_text(body, fetched_at=fetched_at)


def pairs(page: ParsedPage) -> list[tuple[str, str]]:
    return [(entry.title, entry.abstract) for entry in page.entries]


@pytest.mark.parametrize(
    ("name", "shape", "papers", "day"),
    [
        ("layout_a.txt", "text-a", 4, date(2026, 9, 8)),
        ("layout_b.txt", "text-b", 2, date(2024, 2, 29)),
        ("layout_c.txt", "text-c", 5, None),
        ("trending.txt", "text", 3, None),
    ],
)
def test_each_layout_is_told_by_its_head(
    name: str, shape: str, papers: int, day: date | None
) -> None:
    page = read(saved(name))
    assert (page.shape, len(page.entries), page.day) == (shape, papers, day)
    assert page.certain_day is (day is None)
    assert page.rejected == ()


@pytest.mark.parametrize("name", ["layout_a.txt", "layout_b.txt", "layout_c.txt"])
def test_titles_and_abstracts_stand_as_the_page_has_them(name: str) -> None:
    body = saved(name).replace("inbox!\nSubscribe", "inbox!\n")
    lines = body.split("\n")
    for title, abstract in pairs(read(saved(name))):
        assert title in lines
        following = next(line for line in lines[lines.index(title) + 1 :] if line)
        assert abstract == following or "\\" in following


def test_accents_and_escapes_are_mended_and_nothing_else() -> None:
    text = read(saved("layout_a.txt")).entries
    assert "only 5% of the labels" in text[0].abstract
    assert r"a constant {\delta} that" in text[1].abstract
    assert "Fréchet and Hölder estimates" in text[1].abstract
    assert "N^* copies of a table are needed before the effect fades. %We leave" in text[2].abstract
    assert "split <projektor> in three" in text[3].abstract


def test_repositories_are_read_off_the_abstracts() -> None:
    assert [entry.code_urls for entry in read(saved("layout_c.txt")).entries] == [
        ("https://github.com/tableworks/row-order",),
        (),
        ("https://github.com/qwill-works/qwill2.5",),
        ("https://github.com/forget/graphs-that-forget",),
        ("https://github.com/lantern-lab/lantern-search",),
    ]


def test_entries_are_ranked_and_keyed_by_their_title() -> None:
    entries = read(saved("layout_a.txt")).entries
    assert [entry.rank for entry in entries] == [1, 2, 3, 4]
    again = read(saved("layout_c.txt")).entries
    assert entries[0].source_id == again[4].source_id
    assert len({entry.source_id for entry in entries + again}) == 6


def test_a_newer_capture_gives_each_card_once_with_its_id() -> None:
    page = read(saved("trending.txt"))
    assert [entry.arxiv_id for entry in page.entries] == ["2609.10001", "2609.10002", "2609.10003"]
    assert page.entries[0].url == "https://huggingface.co/papers/2609.10001"
    assert page.warnings == ("3 papers stand on the page twice.",)


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (lambda body: body.replace("\n", "\r\n"), 4),
        (lambda body: body.replace("\n", "\r"), 4),
        (lambda body: "\ufeff" + body, 4),
        (lambda body: body.replace("\n\n", "\n"), 4),
        (lambda body: body.replace("\n\n", "\n \xa0\t\n   \xa0"), 4),
        (lambda body: body + "\n\n", 4),
        (lambda body: body.replace(" and ", "\xa0and "), 4),
        (lambda body: body + "\n\n" + body, 4),
        (lambda body: body.replace("Aug", "\x0bAug\x00"), 4),
    ],
)
def test_other_line_ends_indents_and_repeated_heads_change_nothing(damage, kept) -> None:
    body = saved("layout_a.txt")
    assert pairs(read(damage(body))) == pairs(read(body))


def test_a_head_repeated_in_mid_file_is_dropped_where_it_is_glued_too() -> None:
    page = read(saved("layout_a.txt") + "\n" + saved("layout_c.txt"))
    assert len(page.entries) == 6
    assert page.rejected == ()
    assert not any(entry.title.startswith("Subscribe") for entry in page.entries)


def test_a_title_that_begins_like_the_button_keeps_its_beginning() -> None:
    abstract = "It is long enough to be an abstract, and it says little. " * 5
    page = read(
        f"Get trending papers in your email inbox!\nSubscribe\nSubscribers leave\n{abstract}"
    )
    assert page.entries[0].title == "Subscribers leave"


@pytest.mark.parametrize("missing", range(8))
def test_a_missing_line_costs_its_own_paper_only(missing: int) -> None:
    lines = [line for line in saved("layout_a.txt").split("\n") if line]
    whole = pairs(read(saved("layout_a.txt")))
    del lines[6 + missing]
    page = read("\n".join(lines))
    assert pairs(page) == whole[: missing // 2] + whole[missing // 2 + 1 :]
    assert len(page.rejected) == 1
    assert page.rejected[0].reason == "This line has no partner."
    assert "1 of 7 lines have no partner" in page.warnings[0]


def test_two_missing_lines_far_apart_shift_nothing_between_them() -> None:
    lines = [line for line in saved("layout_c.txt").split("\n") if line]
    whole = pairs(read(saved("layout_c.txt")))
    del lines[2 + 8]
    del lines[2 + 1]
    lines[2] = lines[2].removeprefix("Subscribe")
    assert pairs(read("\n".join(lines))) == whole[1:4]


def test_a_line_too_much_is_set_aside_with_its_place() -> None:
    page = read(saved("layout_b.txt").replace("Feb 29\n", "Feb 29\n\nwhat was asked\n"))
    assert len(page.entries) == 2
    assert (page.rejected[0].position, page.rejected[0].raw) == (11, "what was asked")


def test_strict_turn_allows_short_abstracts_and_long_titles() -> None:
    title = "A title that goes on " * 11
    head = "Get trending papers in your email inbox!\nSubscribe"
    page = read(f"{head}\nA Short One\nIt says so little.\n{title}\n{title} and an abstract.")
    assert len(page.entries) == 2
    assert page.shape == "text"


def test_the_name_of_a_submitter_is_dropped_and_a_title_is_not() -> None:
    abstract = "It is long enough to be an abstract, and it says little. " * 5
    page = read(
        f"Submitted by\nSome One\nOne: A Title\n{abstract}\nSubmitted by\nA Title With Us\n{abstract}!"
    )
    assert [entry.title for entry in page.entries] == ["One: A Title", "A Title With Us"]


@pytest.mark.parametrize(
    ("written", "now", "day"),
    [
        ("Sep 9", NOW, date(2026, 9, 9)),
        ("Sep 10", NOW, date(2025, 9, 10)),
        ("Jan 2", datetime(2026, 12, 31, tzinfo=UTC), date(2026, 1, 2)),
        ("Dec 31", datetime(2027, 1, 1, tzinfo=UTC), date(2026, 12, 31)),
        ("Feb 29", datetime(2104, 2, 28, tzinfo=UTC), date(2096, 2, 29)),
        ("Feb 30", NOW, None),
    ],
)
def test_a_date_is_of_the_latest_year_that_is_not_ahead(
    written: str, now: datetime, day: date | None
) -> None:
    page = read(saved("layout_a.txt").replace("Sep 8", written), now)
    assert page.day == day
    assert page.certain_day is (day is None)
    assert len(page.entries) == 4


def test_a_date_with_its_year_is_certain() -> None:
    page = read(saved("layout_a.txt").replace("Sep 8", "Sep 8, 2023"))
    assert (page.day, page.certain_day) == (date(2023, 9, 8), True)


def test_a_head_without_papers_is_an_empty_day() -> None:
    page = read("new\n\nGet trending papers in your email inbox!\n\nSubscribe\n\nAug 7")
    assert page.entries == ()
    assert page.warnings == ("The page has its head lines and no paper.",)


@pytest.mark.parametrize(
    "body",
    [
        "Hello there.",
        "one\ntwo\nthree",
        "# Heading\n\nProse that ends here.\n" + "x\n" * 20,
        "47\n-\n",
    ],
)
def test_other_text_is_no_page(body: str) -> None:
    with pytest.raises(PageError) as caught:
        read(body)
    assert caught.value.reason == "not_a_page"


def test_endless_lines_are_refused() -> None:
    with pytest.raises(PageError, match="100001 lines"):
        read("a\n" * 100_000)


def test_a_markdown_list_gives_papers_with_votes_and_authors() -> None:
    body = (PAGES / "hf" / "list.md").read_text(encoding="utf-8")
    page = parse_markdown(body)
    assert (page.shape, page.day, len(page.entries)) == ("markdown-list", date(2026, 9, 8), 6)
    entry = page.entries[2]
    assert entry.title == "Do Tables Remember? A Study of Row Order in Pretraining"
    assert (entry.arxiv_id, entry.upvotes, entry.rank) == ("2609.10003", 9, 3)
    assert entry.authors == ("Priya Raman", "Tomás Oliveira")
    assert entry.abstract.startswith("What is new: Tables are read row by row")
    assert "*" not in entry.abstract


def test_a_bare_markdown_list_is_read_too() -> None:
    page = parse_markdown("# List (2026-02-31)\n### [A [b] C](https://a.example/x)\nVotes: many\n")
    entry = page.entries[0]
    assert (entry.title, entry.url, entry.upvotes) == ("A [b] C", "https://a.example/x", None)
    assert (entry.source_id, entry.authors, page.day) == ("https://a.example/x", (), None)
    assert not is_markdown_list("# Heading\n[link](https://a.example)\n")
