"""Saved pages whose lines look like something else: odd titles, odd abstracts, lines between."""

from datetime import UTC, date, datetime

import pytest

from tasks.errors import PageError
from tasks.parse.page import parse_page
from tasks.parse.pairing import Line, Sort, paired
from tasks.records import ParsedPage, RawPage

NOW = datetime(2026, 9, 9, 6, tzinfo=UTC)
INVITATION = "Get trending papers in your email inbox!"
HEADS = {
    "text-a": ["new", INVITATION, "Subscribe", "Daily Papers",
               "byAK and the research community", "Sep 8"],
    "text-b": ["new", INVITATION, "Subscribe", "byAK and the research community", "Sep 8"],
    "text-c": ["Get trending papers in your email inbox once a day!", INVITATION],
}  # fmt: skip
ONE = "We measure how lanterns drift on a slow river, and for how long they can be seen from it. "
PROSE = ONE * 6

Papers = list[tuple[str, str]]


def long(size: int, end: str = ".") -> str:
    text = (ONE * 30)[: size - len(end)].rstrip(" .,")
    return text + "y" * (size - len(end) - len(text)) + end


PLAIN: Papers = [(f"Lanterns and Rivers, Part {n}", f"{PROSE}This is part {n}.") for n in range(4)]


def saved(papers: Papers, layout: str) -> str:
    lines = [line for paper in papers for line in paper]
    if layout == "text-c":
        return "\n".join([*HEADS[layout], f"Subscribe{lines[0]}", *lines[1:]])
    return "\n\n".join([*HEADS[layout], *lines])


def read(body: str) -> ParsedPage:
    return parse_page(RawPage(url="", body=body.encode(), fetched_at=NOW))


def pairs(page: ParsedPage) -> Papers:
    return [(entry.title, entry.abstract) for entry in page.entries]


ODD = [
    ("Do Lanterns Sleep?", PROSE + "One."),
    ("Stop the River Here!", PROSE + "Two."),
    ("k-lanterns: one that begins lower-case", "k-clustering is old. " + PROSE + "Zero."),
    ("σ-Lanterns", PROSE + "Three."),
    ("Lantern", PROSE + "Four."),
    ("X", PROSE + "Five."),
    ("0", PROSE + "Six."),
    ("1984", PROSE + "Seven."),
    ("4.5k", PROSE + "Eight."),
    ("Models", PROSE + "Nine."),
    ("new", PROSE + "Ten."),
    ("Daily", PROSE + "Eleven."),
    ("Daily Papers: a Study", PROSE + "Twelve."),
    ("Subscribe to Rivers and Other Lists", PROSE + "Thirteen."),
    ("new lamps for old", PROSE + "Fourteen."),
    ("Submitted by Committee", PROSE + "Fifteen."),
    ("Sep 8: the Day a River Stopped", PROSE + "Sixteen."),
    ("Lamps Inc.", PROSE + "Seventeen."),
    (long(175, ""), PROSE + "Eighteen."),
    (long(179, "?"), PROSE + "Nineteen."),
    ("A Short Abstract", long(165)),
    ("A Short Abstract Without an End", long(165, "")),
    (long(170, "?"), long(165, "")),
    ("An Address at the End", PROSE + "https://github.com/river/lantern"),
    ("A Brace at the End", PROSE + "{https://github.com/river/lantern}"),
    ("Words at the End", PROSE + "Keywords: rivers, lanterns"),
]


@pytest.mark.parametrize("layout", HEADS)
@pytest.mark.parametrize("odd", ODD, ids=[f"{title[:20]}-{len(text)}" for title, text in ODD])
def test_an_odd_paper_is_read_wherever_it_stands(odd: tuple[str, str], layout: str) -> None:
    for papers in ([odd], [odd, *PLAIN], [*PLAIN[:2], odd, *PLAIN[2:]], [*PLAIN, odd]):
        page = read(saved(papers, layout))
        assert pairs(page) == papers
        assert (page.shape, page.rejected, page.warnings) == (layout, (), ())
        assert page.day == (None if layout == "text-c" else date(2026, 9, 8))


@pytest.mark.parametrize("layout", HEADS)
def test_odd_papers_may_follow_one_another(layout: str) -> None:
    short = [paper for paper in ODD if len(paper[0]) < 150]
    assert pairs(read(saved(short, layout))) == short


def test_the_button_is_glued_to_a_word_only() -> None:
    body = f"{INVITATION}\nSubscribe to Rivers\n{PROSE}"
    assert pairs(read(body)) == [("Subscribe to Rivers", PROSE.strip())]


@pytest.mark.parametrize("at", range(8))
def test_with_a_line_missing_nothing_of_the_head_becomes_a_title(at: int) -> None:
    lines = [line for paper in PLAIN for line in paper]
    del lines[at]
    page = read("\n\n".join([*HEADS["text-a"], *lines]))
    assert pairs(page) == PLAIN[: at // 2] + PLAIN[at // 2 + 1 :]
    assert [item.reason for item in page.rejected] == ["This line has no partner."]


@pytest.mark.parametrize("lost", [(1, 3), (1, 3, 5), (0, 2), (0, 3), (2, 7)])
def test_each_missing_line_costs_its_own_paper_only(lost: tuple[int, ...]) -> None:
    lines = [line for paper in PLAIN for line in paper]
    kept = [line for at, line in enumerate(lines) if at not in lost]
    papers = [paper for n, paper in enumerate(PLAIN) if not {2 * n, 2 * n + 1} & {*lost}]
    for titles in (
        kept,
        [line.replace("Part 1", "or what a lantern does at night?") for line in kept],
    ):
        page = read("\n".join([*HEADS["text-b"], *titles]))
        assert [abstract for _, abstract in pairs(page)] == [abstract for _, abstract in papers]


CARD = """-
{votes}
Submitted by
some one
{title}
https://huggingface.co/papers/2609.1000{n}
{abstract}
lantern-lab · 3 authors
· Published on Sep 1, 2026
Upvote
47
GitHub 34.1k
arXiv Page"""
MENU = "Hugging Face\nModels\nBuckets new\nLog In\nsource citations\nSep 8\n" + INVITATION


def test_in_a_newer_copy_menus_votes_and_labels_are_no_titles() -> None:
    papers = [*PLAIN[:2], ("Models", PROSE + "Odd."), ("1984", PROSE + "Even."), *PLAIN[2:]]
    cards = [
        CARD.format(n=n, votes=f"1,20{n}", title=title, abstract=abstract)
        for n, (title, abstract) in enumerate(papers, 1)
    ]
    page = read("\n".join([MENU, "Subscribe", *cards, "Previous", "Next", "System theme", "TOS"]))
    assert pairs(page) == papers
    assert page.day == date(2026, 9, 8)
    assert [entry.arxiv_id for entry in page.entries] == [f"2609.1000{n}" for n in range(1, 7)]
    assert [item.raw for item in page.rejected] == ["source citations", "System theme"]


def test_a_vote_between_a_title_and_its_abstract_changes_nothing() -> None:
    title, abstract = PLAIN[0]
    link = "https://huggingface.co/papers/2609.10001"
    page = read("\n".join([INVITATION, "Subscribe", title, "47", link, abstract, link]))
    assert pairs(page) == [PLAIN[0]]
    assert page.entries[0].url == link


def test_a_link_above_a_title_belongs_to_no_paper() -> None:
    link = "https://huggingface.co/papers/2609.10001"
    page = read("\n".join([INVITATION, *PLAIN[0], link, *PLAIN[1]]))
    assert pairs(page) == PLAIN[:2]
    assert [entry.arxiv_id for entry in page.entries] == [None, None]


@pytest.mark.parametrize(
    "body",
    [
        "A heading\nA short line that ends.\nAnother short line\n" + PROSE,
        "\n".join(["Words of a song", "and their echo", PROSE, "What next?", "Nobody knows"]),
        f"{PROSE}\n{PROSE}More.\n{PROSE}Even more.",
    ],
)
def test_prose_without_head_lines_is_no_page(body: str) -> None:
    with pytest.raises(PageError) as caught:
        read(body)
    assert caught.value.reason == "not_a_page"


def test_a_reading_says_what_it_costs() -> None:
    texts = [Line(1, "A Title"), Line(2, "a menu", Sort.MENU), Line(3, PROSE), Line(4, "Lost")]
    reading = paired(texts)
    assert [(pair.title.at, pair.abstract.at) for pair in reading.pairs] == [(1, 3)]
    assert [line.at for line in reading.alone] == [4]
    assert reading.pairs[0].between == [texts[1]]
    assert reading.cost == pytest.approx(1.3)
    assert paired([]).cost == 0
