"""BibTeX as people have it: written by hand, by ten programs, and copied together."""

from __future__ import annotations

import logging
from contextlib import suppress
from time import process_time

import pytest

from tasks.errors import UsageError
from tasks.library import bibtex
from tasks.library.reference import NAMELESS, Reference, Refused


def only(text: str) -> Reference:
    (one,) = bibtex.parse(text).references
    return one


def test_an_entry_is_read_whole() -> None:
    assert only(
        """@Article{author2026study,
          author    = {Author, Ada and Bo Second and {The Tidal Group}},
          title     = "A {Study} of Tides",
          abstract  = {We look
                       at tides.},
          doi       = {10.1234/TIDES},
          year      = 2026,
        }"""
    ) == Reference(
        label="author2026study",
        title="A Study of Tides",
        abstract="We look at tides.",
        authors=("Ada Author", "Bo Second", "The Tidal Group"),
        doi="10.1234/tides",
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"{Fr{\'e}chet and G\"odel}", "Fréchet and Gödel"),
        (r"{{\v S}koda, \v{C}apek, Erd{\H o}s, \c c}", "Škoda, Čapek, Erdős, ç"),
        (
            r"{{\O}rsted, \o re, Stra{\ss}e, Stra\ss e, {\L}{\'o}d{\'z}}",
            "Ørsted, øre, Straße, Straße, Łódź",
        ),
        (r"{{{BERT}} and {G}aussians}", "BERT and Gaussians"),
        (r"{On $\alpha$-GANs: $2.4\times$ faster}", "On α-GANs: 2.4× faster"),
        (r"{On \(\beta\)-GANs}", "On β-GANs"),
        (
            r"{Tides -- and {\textquoteleft}waves{\textquoteright}---{A} {\textless} B}",
            "Tides – and ‘waves’—A < B",
        ),
        (r"{AT\&T, 50\% off \{sets\}}", "AT&T, 50% off {sets}"),
        (r'"G\"odel {"}quoted{"} words"', 'Gödel "quoted" words'),
        ("{Two\r\n   lines}", "Two lines"),
    ],
)
def test_titles_read_as_a_person_would_type_them(written: str, meant: str) -> None:
    assert only(f"@misc{{key, title = {written}}}").title == meant


@pytest.mark.parametrize(
    "fields",
    [
        "eprint = {2611.00001}, archivePrefix = {arXiv}",
        "eprint = 2611.00001v2",
        "eprint = {arXiv:2611.00001}",
        r"url = {https://arxiv.org/abs/2611.00001}",
        r"howpublished = {\url{http://arxiv.org/pdf/2611.00001v1.pdf}}",
        "journal = {arXiv preprint arXiv:2611.00001}",
        "journal = {CoRR}, volume = {abs/2611.00001}",
        "doi = {10.48550/arXiv.2611.00001}",
        "note = {arXiv:2611.00001 [cs.CL]}",
        'publisher = "arXiv" # ":2611.00001"',
    ],
)
def test_an_arxiv_id_is_found_where_programs_write_it(fields: str) -> None:
    assert only(f"@misc{{key, title={{x}}, {fields}}}").arxiv_id == "2611.00001"


def test_an_id_that_a_remark_mentions_is_another_paper_s() -> None:
    assert only("@misc{k, title={x}, note={Corrects arXiv:2611.00002}}").arxiv_id is None


def test_strings_are_filled_in_and_joined() -> None:
    text = """@string{ arx = "arXiv preprint " }
        @STRING(pre = arx # {arXiv:})
        @misc{key, title = "A" # { } # unknown # 7, journal = pre # "2611.00001"}"""
    assert only(text) == Reference(label="key", title="A unknown7", arxiv_id="2611.00001")


def test_what_is_no_entry_is_left_out() -> None:
    text = """Exported by hand, mail ada@readers.example {now}.
        @preamble{"\\newcommand{\\x}{y}"}
        @comment{jabref-meta: databaseType:bibtex;}
        @Comment this is not even in braces
        @comment(nor this)
        % remarks
        @misc(first, title={One}) @misc{second, title={Two}}"""
    library = bibtex.parse(text)
    assert [(one.label, one.title) for one in library.references] == [
        ("first", "One"),
        ("second", "Two"),
    ]
    assert library.refused == ()


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("@article{bad, title = {No end", bibtex.UNCLOSED),
        ('@article{bad, title = "No end, year = 2026}', bibtex.UNCLOSED),
        ("@article{bad, title {No sign}}", bibtex.NO_FIELD),
        ("@article{bad, title = {A} {B}}", bibtex.NO_FIELD),
        ("@article{bad, title = , year = 2026}", bibtex.NO_FIELD),
        ("@article{bad, title = a#b#c#d#e#f#g#h#i#j#k#l}", bibtex.TOO_JOINED),
        ("@article{bad, year = 2026}", NAMELESS),
        ("@article{bad,}", NAMELESS),
    ],
)
def test_a_broken_entry_costs_itself_alone_and_says_why(broken: str, reason: str) -> None:
    library = bibtex.parse(f"@misc{{one, title={{One}}}}\n{broken}\n@misc{{two, title={{Two}}}}")
    assert [one.label for one in library.references] == ["one", "two"]
    assert library.refused == (Refused(label="bad", reason=reason),)


def test_an_entry_that_lacks_only_its_last_brace_is_read() -> None:
    text = "@misc{one, title={One},\n year=2026\n\n@misc{two, title={Two}"
    assert [one.title for one in bibtex.parse(text).references] == ["One", "Two"]


def test_an_entry_without_a_key_is_known_by_its_title() -> None:
    assert only("@misc{title = {A Study}}").label == "A Study"
    assert only("@misc{, title = {A Study}}").label == "A Study"


def test_a_broken_entry_without_a_key_is_known_by_its_beginning() -> None:
    (refused,) = bibtex.parse("@misc{title = {A Study").refused
    assert refused.label == "@misc{title = {A Study"


def test_of_a_field_that_stands_twice_the_first_counts() -> None:
    assert only("@misc{k, title={One}, Title={Two}}").title == "One"


def test_one_paper_under_two_keys_counts_once_with_all_that_is_said() -> None:
    text = """@misc{a, title={The Study}, eprint={2611.00001}}
        @misc{b, title={The study.}, abstract={It holds.}, doi={10.1234/x}}"""
    assert only(text) == Reference(
        label="a", title="The Study", abstract="It holds.", arxiv_id="2611.00001", doi="10.1234/x"
    )


def test_two_papers_of_one_key_or_one_title_are_two() -> None:
    text = """@misc{k, title={Study}, eprint={2611.00001}}
        @misc{k, title={Study}, eprint={2611.00002}}
        @misc{k, title={Another}, doi={10.1234/x}}
        @misc{k, title={Another}, doi={10.1234/y}}"""
    assert len(bibtex.parse(text).references) == 4


def test_strings_made_of_strings_do_not_grow_without_end() -> None:
    lines = ['@string{s0 = "xxxxxxxxxx"}']
    lines += [f"@string{{s{n} = {' # '.join([f's{n - 1}'] * 10)}}}" for n in range(1, 20)]
    lines += ["@misc{k, title={x}, abstract = s19 # s19}"]
    assert len(only("\n".join(lines)).abstract) == 400


@pytest.mark.parametrize(
    "unit",
    [
        "\n@a{",
        "@a{",
        "\n@a{x,title={",
        "@",
        "{",
        "@a{x,t={}",
        '\n@a{k,title="',
        "t=a#",
        "\\(",
        "$",
        "\\'{",
        "  ",
    ],
    ids=repr,
)
def test_nothing_takes_long_to_read_or_is_logged(
    unit: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    start = process_time()
    nested = f"@misc{{k, title={{x}}, abstract={{{unit * 30}}}}}\n"
    with suppress(UsageError):  # more than 2,000 papers
        bibtex.parse(nested + unit * (400_000 // len(unit)))
    assert process_time() - start < 2  # about 0.1; what takes the square of the length takes hours
    assert caplog.records == []
