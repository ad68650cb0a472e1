"""RIS, as reference managers and publishers write it."""

from __future__ import annotations

from time import process_time

from tasks.library import ris
from tasks.library.reference import NAMELESS, Reference, Refused

RECORD = """TY  - JOUR
ID  - 17
AU  - Author, Ada
A1  - Second, Bo
T1  - A Study of
      Tides
T2  - Journal of Inventions
AB  - We look
at tides.
KW  - tides
UR  - https://example.org/tides
DO  - https://doi.org/10.1234/TIDES
ER  -
"""


def test_a_record_is_read_whole() -> None:
    assert ris.parse(RECORD).references == (
        Reference(
            label="A Study of Tides",
            title="A Study of Tides",
            abstract="We look at tides.",
            authors=("Ada Author", "Bo Second"),
            doi="10.1234/tides",
        ),
    )


def test_line_ends_and_a_byte_order_mark_make_no_difference() -> None:
    for text in (RECORD.replace("\n", "\r\n"), RECORD.replace("\n", "\r"), "\ufeff" + RECORD):
        assert ris.looks_like(text)
        assert ris.parse(text) == ris.parse(RECORD)


def test_an_arxiv_id_is_found_where_programs_write_it() -> None:
    for line in (
        "UR  - https://arxiv.org/abs/2611.00001v2",
        "L1  - http://arxiv.org/pdf/2611.00001",
        "DO  - 10.48550/arXiv.2611.00001",
        "JO  - arXiv preprint arXiv:2611.00001",
        "M1  - arXiv:2611.00001",
    ):
        (one,) = ris.parse(f"TY  - GEN\nTI  - x\n{line}\nER  -").references
        assert one.arxiv_id == "2611.00001", line


def test_a_record_without_its_end_ends_where_the_next_begins() -> None:
    library = ris.parse(
        "stray\nTY  - JOUR\nTI  - One\nTY  - JOUR\nTI  - Two\nER  - \nTI  - none\nTY  - GEN\nTI  - Three"
    )
    assert [one.title for one in library.references] == ["One", "Two", "Three"]


def test_a_record_that_names_no_paper_is_refused() -> None:
    library = ris.parse(
        "TY  - JOUR\ncontinued\nID  - smith99\nPY  - 2026\nER  - \nTY  - GEN\nER  - "
    )
    assert library.refused == (
        Refused(label="smith99", reason=NAMELESS),
        Refused(label="(no name)", reason=NAMELESS),
    )


def test_a_text_of_many_lines_takes_no_longer_than_one_of_few() -> None:
    start = process_time()
    (one,) = ris.parse(
        "TY  - JOUR\nTI  - x\nAB  - begins\n" + "a\n" * 200_000 + "ER  - "
    ).references
    assert process_time() - start < 2  # about 0.1; by appending to a text it would be minutes
    assert one.abstract.startswith("begins a a")
    assert len(one.abstract) <= 20_000
