"""Lists of papers, as people type and paste them."""

from __future__ import annotations

import pytest

from tasks.errors import UsageError
from tasks.library import ids
from tasks.library.reference import MOST_PAPERS, Refused


def known(text: str) -> list[str | None]:
    return [one.arxiv_id or one.doi for one in ids.parse(text).references]


@pytest.mark.parametrize(
    "written",
    [
        "2611.00001",
        "2611.00001v3",
        "arXiv:2611.00001",
        "arXiv: 2611.00001v2 [cs.CL]",
        "https://arxiv.org/abs/2611.00001v1",
        "http://www.arxiv.org/pdf/2611.00001.pdf",
        "https://arxiv.org/html/2611.00001v2#S3",
        "https://www.alphaxiv.org/abs/2611.00001",
        "https://huggingface.co/papers/2611.00001",
        "10.48550/arXiv.2611.00001",
        "https://doi.org/10.48550/arxiv.2611.00001",
    ],
)
def test_every_way_of_writing_an_arxiv_id_names_the_same_paper(written: str) -> None:
    assert known(written) == ["2611.00001"]


@pytest.mark.parametrize(
    "written",
    [
        "10.1234/Some.Paper(2026)7,8",
        "doi:10.1234/some.paper(2026)7,8",
        "DOI: 10.1234/some.paper(2026)7,8",
        "https://doi.org/10.1234/some.paper(2026)7,8",
        "http://dx.doi.org/10.1234%2Fsome.paper(2026)7,8",
    ],
)
def test_every_way_of_writing_a_doi_names_the_same_paper(written: str) -> None:
    assert known(written) == ["10.1234/some.paper(2026)7,8"]


def test_old_ids_lose_their_subject_and_version() -> None:
    assert known("math.CA/0611800v2 hep-th/9901001") == ["math/0611800", "hep-th/9901001"]


@pytest.mark.parametrize("between", ["\n", ", ", ",", "; ", "\r\n", "  ", ";\n\n", "\t"])
def test_papers_may_stand_on_lines_or_between_commas_and_blanks(between: str) -> None:
    written = between.join(
        ["2611.00001", "10.1234/a,b", "doi:10.1234/c", "https://arxiv.org/abs/2611.00002"]
    )
    assert known(written) == ["2611.00001", "10.1234/a,b", "10.1234/c", "2611.00002"]


def test_words_beside_an_id_are_remarks() -> None:
    library = ids.parse(
        "[1] Ada Author, a fine paper. arXiv:2611.00001 (2026)\n# mine\n\n2611.00002 read!"
    )
    assert [one.label for one in library.references] == ["arXiv:2611.00001", "2611.00002"]
    assert library.refused == ()


def test_what_names_no_paper_is_refused_by_its_own_words() -> None:
    library = ids.parse("A fine paper\n2611.00001, 2613.00001\nhttps://example.org/paper")
    assert [one.arxiv_id for one in library.references] == ["2611.00001"]
    assert library.refused == (
        Refused(label="A fine paper", reason=ids.UNKNOWN),
        Refused(label="2613.00001", reason=ids.UNKNOWN),
        Refused(label="https://example.org/paper", reason=ids.UNKNOWN),
    )


def test_a_paper_that_stands_twice_counts_once() -> None:
    assert known("2611.00001v1\nhttps://arxiv.org/abs/2611.00001v2") == ["2611.00001"]


def test_more_papers_than_can_be_imported_are_refused_with_the_limit() -> None:
    many = "\n".join(f"2611.{number:05d}" for number in range(1, MOST_PAPERS + 2))
    assert len(ids.parse(many.rpartition("\n")[0]).references) == MOST_PAPERS
    with pytest.raises(UsageError, match="more than 2,000 papers"):
        ids.parse(many)


def test_a_book_on_one_line_is_no_list() -> None:
    with pytest.raises(UsageError, match="more than 2,000 papers"):
        ids.parse("word " * 30_000)


def test_labels_are_safe_to_show_and_not_endless() -> None:
    (refused,) = ids.parse("\u202eno\x00 paper " + "x" * 5000).refused
    assert refused.label.startswith("no paper x")
    assert len(refused.label) <= 200
