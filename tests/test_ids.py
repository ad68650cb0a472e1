"""Which texts are identifiers, and what they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.parse import ids


@pytest.mark.parametrize(
    "text",
    [
        "2401.12345",
        "arXiv:2401.12345",
        "arxiv: 2401.12345",
        "oai:arXiv.org:2401.12345",
        "http://arxiv.org/abs/2401.12345",
        "https://www.arxiv.org/pdf/2401.12345.pdf",
        "https://export.arxiv.org/abs/2401.12345?context=cs",
        "https://browse.arxiv.org/html/2401.12345#S2",
        "//arxiv.org/format/2401.12345",
        "arxiv.org/abs/2401.12345/",
        "https://arxiv.org/abs/arXiv:2401.12345",
        "https://www.alphaxiv.org/abs/2401.12345",
        "https://huggingface.co/papers/2401.12345",
        "https://huggingface.co/papers/2401.12345.md",
        "https://hf.co/papers/2401.12345",
        "https://ar5iv.labs.arxiv.org/html/2401.12345",
        "https://ar5iv.org/abs/2401.12345",
        "10.48550/arXiv.2401.12345",
        "doi:10.48550/ARXIV.2401.12345",
        "https://doi.org/10.48550/arXiv.2401.12345",
        " (https://arxiv.org/abs/2401.12345). ",
        "<arXiv:2401.12345>,",
        "https%3A%2F%2Farxiv.org%2Fabs%2F2401.12345",
    ],
)
def test_every_form_of_an_arxiv_id_is_one_id(text: str) -> None:
    assert ids.arxiv(text) == ("2401.12345", None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2401.12345v2", ("2401.12345", 2)),
        ("https://arxiv.org/pdf/2401.12345v12.pdf).", ("2401.12345", 12)),
        ("arXiv:2401.12345v3 [cs.CL]", ("2401.12345", 3)),
        ("2401.12345v0", ("2401.12345", None)),
        ("0704.0001", ("0704.0001", None)),
        ("1412.9999v1", ("1412.9999", 1)),
        ("hep-th/9901001v2", ("hep-th/9901001", 2)),
        ("math.CA/0611800", ("math/0611800", None)),
        ("http://arxiv.org/abs/cond-mat.mtrl-sci/0611800v1", ("cond-mat/0611800", 1)),
        ("https://arxiv.org/abs/math%2F0611800", ("math/0611800", None)),
        ("oai:arXiv.org:astro-ph/0601001", ("astro-ph/0601001", None)),
        ("HEP-TH/9108001", ("hep-th/9108001", None)),
    ],
)
def test_versions_stand_apart_and_old_ids_lose_their_subject_class(
    text: str, found: tuple[str, int | None]
) -> None:
    assert ids.arxiv(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "0808.05394",
        "1501.0001",
        "2413.00001",
        "2400.00001",
        "1234.56789",
        "0703.0001",
        "9101.12345",
        "2401.00000",
        "2401.123456",
        "2401.12345.6",
        "hep-th/9013001",
        "hep-th/0704001",
        "hep-th/9107000",
        "sports/9901001",
        "https://evil.example/abs/2401.12345",
        "https://arxiv.org.evil.example/abs/2401.12345",
        "https://arxiv.org/list/cs.AI/new",
        "the number 2401.12345 is one",
        "",
        "2401.12345" + " " * 600,
    ],
)
def test_numbers_that_only_look_like_an_id_are_none(text: str) -> None:
    assert ids.arxiv(text) is None


def test_prose_gives_its_first_marked_id() -> None:
    text = "since 2401.11111 (see arXiv:2413.00001, arXiv:2402.22222v3 and arXiv:2403.33333)"
    assert ids.find_arxiv(text) == ("2402.22222", 3)
    assert ids.find_arxiv("at https://arxiv.org/abs/2401.12345v2.") == ("2401.12345", 2)
    assert ids.find_arxiv("at hf.co/papers/2401.12345, we") == ("2401.12345", None)
    assert ids.find_arxiv("it rose from 2401.11111 to 2402.22222") is None
    assert ids.find_arxiv("notarxiv:2401.12345") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("doi:10.1038/S41586-024-00001-1", "10.1038/s41586-024-00001-1"),
        ("https://doi.org/10.1038/S41586-024-00001-1.", "10.1038/s41586-024-00001-1"),
        ("http://dx.doi.org/10.1000/a%2Fb", "10.1000/a/b"),
        ("10.1000/a(1)b", "10.1000/a(1)b"),
        ("10.1000/a(1)", "10.1000/a(1)"),
        ("10.1000/a)", "10.1000/a"),
        ("info:doi/10.1000/x", "10.1000/x"),
        ("10.48550/arXiv.2401.12345", None),
        ("10.1000", None),
        ("see 10.1000/x there", None),
        ("10.1000/" + "x" * 600, None),
        ("", None),
    ],
)
def test_a_doi_is_canonical_and_never_arxivs_own(text: str, found: str | None) -> None:
    assert ids.doi(text) == found


@given(st.text(max_size=100))
def test_no_text_breaks_the_reading_of_ids(text: str) -> None:
    for marked in (text, f"arXiv:{text}", f"https://doi.org/{text}"):
        ids.arxiv(marked)
        ids.find_arxiv(marked)
        ids.doi(marked)


@given(st.integers(2007, 2060), st.integers(1, 12), st.integers(1, 9999), st.integers(1, 99))
def test_every_new_id_comes_back_as_it_went(
    year: int, month: int, number: int, version: int
) -> None:
    digits = 5 if year >= 2015 else 4
    name = f"{year % 100:02}{month:02}.{number:0{digits}}"
    expected = (name, version) if (year, month) >= (2007, 4) else None
    assert ids.arxiv(f"https://arxiv.org/abs/{name}v{version}") == expected
