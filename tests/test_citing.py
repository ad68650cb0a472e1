"""Saved papers as BibTeX and RIS: other programs read back what was saved, whatever it says."""

from __future__ import annotations

from datetime import UTC, datetime

import bibtexparser
import pytest
import rispy
from hypothesis import given
from hypothesis import strategies as st

from tasks.library import bibtex as bibtex_reader
from tasks.library import citing
from tasks.library import ris as ris_reader
from tasks.records import Paper

PAPER = Paper(
    id=7,
    title="Sparse attention: 98.7% of contacts & a ninth of the memory",
    abstract="We show {it} costs $5 on_one card.\n\nFiles are in C:\\data^2 ~ here.",
    authors=("Ana Rossi", "Jan van der Berg", "Research and Development Group", "王伟"),
    categories=("cs.LG", "q-bio.BM"),
    arxiv_id="2611.04321",
    doi="10.1000/xyz_(1)",
    url="https://papers.example.net/p/7",
    published=datetime(2026, 11, 18, tzinfo=UTC),
)


def test_a_paper_becomes_an_entry_that_names_it_in_every_way() -> None:
    text = citing.bibtex([PAPER])
    for line in (
        "@misc{rossi_2611.04321,",
        r"  title = {{Sparse attention: 98.7\% of contacts \& a ninth of the memory}},",
        "  author = {Ana Rossi and Jan van der Berg and {Research and Development Group} and 王伟},",
        "  year = {2026},",
        r"  doi = {10.1000/xyz\_(1)},",
        "  eprint = {2611.04321},",
        "  archiveprefix = {arXiv},",
        "  primaryclass = {cs.LG},",
        "  url = {https://arxiv.org/abs/2611.04321},",
    ):
        assert line in text.splitlines()
    assert r"C:\textbackslash{}data\textasciicircum{}2 \textasciitilde{} here." in text


def test_another_program_reads_the_entry_and_so_do_we() -> None:
    text = citing.bibtex([PAPER, Paper(id=8, title="A second one", doi="10.1000/2")])
    theirs = bibtexparser.parse_string(text)
    assert theirs.failed_blocks == []
    assert [entry.entry_type for entry in theirs.entries] == ["misc", "article"]
    ours = bibtex_reader.parse(text)
    assert ours.refused == ()
    first, second = ours.references
    assert (first.title, first.arxiv_id, first.doi) == (PAPER.title, PAPER.arxiv_id, PAPER.doi)
    assert first.authors[:2] == PAPER.authors[:2]
    assert (second.title, second.doi) == ("A second one", "10.1000/2")


def test_a_paper_becomes_a_record_that_names_it_in_every_way() -> None:
    text = citing.ris([PAPER])
    assert text.startswith("TY  - UNPB\r\nID  - rossi_2611.04321\r\nTI  - Sparse attention: 98.7%")
    assert text.endswith("KW  - q-bio.BM\r\nER  - \r\n\r\n")
    for line in (
        "AU  - Rossi, Ana",
        "AU  - van der Berg, Jan",
        "AU  - 王伟",
        "PY  - 2026",
        "DA  - 2026/11/18",
        "DO  - 10.1000/xyz_(1)",
        "AN  - arXiv:2611.04321",
        "UR  - https://arxiv.org/abs/2611.04321",
    ):
        assert line in text.split("\r\n")


def test_another_program_reads_the_record_and_so_do_we() -> None:
    text = citing.ris([PAPER, Paper(id=8, title="A second one", doi="10.1000/2")])
    theirs = rispy.loads(text)
    assert [record["type_of_reference"] for record in theirs] == ["UNPB", "JOUR"]
    assert theirs[0]["title"] == PAPER.title
    first, second = ris_reader.parse(text).references
    assert (first.title, first.arxiv_id, first.doi) == (PAPER.title, PAPER.arxiv_id, PAPER.doi)
    assert first.authors[:2] == PAPER.authors[:2]
    assert second.doi == "10.1000/2"


@pytest.mark.parametrize(
    ("paper", "key"),
    [
        (PAPER, "rossi_2611.04321"),
        (Paper(id=1, title="", authors=("Eva Nová",), arxiv_id="hep-th/9912001"), "nova_hep-th/9912001"),
        (Paper(id=1, title="", authors=("王伟",), doi="10.1000/a{b}%c"), "paper_10.1000/a-b-c"),
        (Paper(id=1, title="A Tale of 2 Über-Cities, told in 3 words"), "paper_a-tale-of-ubercities-told-in"),
        (Paper(id=41, title="长序列"), "paper_41"),
    ],
)  # fmt: skip
def test_a_key_is_made_of_the_author_and_the_strongest_name(paper: Paper, key: str) -> None:
    assert citing.key(paper) == key


def test_a_key_stays_the_same_whatever_else_is_saved() -> None:
    other = Paper(id=9, title="Another", authors=("Ana Rossi",), arxiv_id="2611.00001")
    assert "@misc{rossi_2611.04321," in citing.bibtex([PAPER])
    assert "@misc{rossi_2611.04321," in citing.bibtex([other, PAPER])


def test_two_papers_of_the_same_name_get_two_keys() -> None:
    text = citing.bibtex([Paper(id=1, title="On it"), Paper(id=2, title="On it")])
    assert "@misc{paper_on-it," in text
    assert "@misc{paper_on-it-2," in text


@pytest.mark.parametrize(
    ("arxiv_id", "year"),
    [("0704.0001", "2007"), ("9912.00001", "1999"), ("math.GT/0309136", "2003"), ("x", "")],
)
def test_a_year_that_nobody_told_is_that_of_the_arxiv_id(arxiv_id: str, year: str) -> None:
    text = citing.bibtex([Paper(id=1, title="On it", arxiv_id=arxiv_id)])
    assert (f"year = {{{year}}}" in text) == bool(year)
    assert ("year" in text) == bool(year)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a.example/}\n@misc{evil,", "file:///etc/passwd"]
)
def test_an_address_that_is_none_of_the_web_is_left_out(url: str) -> None:
    paper = Paper(id=1, title="On it", url=url)
    assert "url" not in citing.bibtex([paper])
    assert "UR  -" not in citing.ris([paper])


def test_a_paper_without_anything_still_has_an_entry_and_a_record() -> None:
    assert citing.bibtex([Paper(id=1, title=" ")]) == (
        "@misc{paper_1,\n  title = {{Untitled paper}},\n}\n"
    )
    assert citing.ris([Paper(id=1, title="")]).split("\r\n")[2] == "TI  - Untitled paper"
    assert citing.bibtex([]) == citing.ris([]) == ""


NASTY = st.text(st.sampled_from('{}\\"%$#&_~^@,=\r\n\x00\u202e andTYER-  é'), max_size=40)


@given(title=NASTY, abstract=NASTY, author=NASTY, doi=NASTY)
def test_no_text_breaks_out_of_its_field(title: str, abstract: str, author: str, doi: str) -> None:
    paper = Paper(id=1, title=title, abstract=abstract, authors=(author,), doi=doi)
    after = Paper(id=2, title="The one after", arxiv_id="2611.00001")
    entries = bibtexparser.parse_string(citing.bibtex([paper, after]))
    assert entries.failed_blocks == []
    assert [entry.entry_type for entry in entries.entries][1:] == ["misc"]
    lines = citing.ris([paper, after]).split("\r\n")
    assert [line[:2] for line in lines].count("TY") == 2
    assert all(line == "" or line[2:6] == "  - " for line in lines)
