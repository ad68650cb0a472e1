"""Whatever is pasted or uploaded is known by what it says, or refused in a sentence."""

from __future__ import annotations

import json
from contextlib import suppress
from time import process_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import UsageError
from tasks.library.reference import MOST_BYTES, Library
from tasks.library.sniff import read

BIB = "@misc{key, title = {A Study of Tides}, eprint = {2611.00001}}"
RIS = "TY  - JOUR\nTI  - A Study of Tides\nUR  - https://arxiv.org/abs/2611.00001\nER  - \n"
CSL = json.dumps(
    [{"id": "x", "title": "A Study of Tides", "URL": "https://arxiv.org/abs/2611.00001"}]
)
ZOTERO = json.dumps(
    [
        {
            "data": {
                "itemType": "preprint",
                "title": "A Study of Tides",
                "archiveID": "arXiv:2611.00001",
            }
        }
    ]
)
EXPORTED = json.dumps(
    {
        "items": [
            {"itemType": "preprint", "title": "A Study of Tides", "archiveID": "arXiv:2611.00001"}
        ]
    }
)
ORCID = json.dumps(
    {
        "group": [
            {
                "work-summary": [
                    {
                        "title": {"title": {"value": "A Study of Tides"}},
                        "url": {"value": "https://arxiv.org/abs/2611.00001"},
                    }
                ]
            }
        ]
    }
)


@pytest.mark.parametrize(
    "text",
    [BIB, RIS, CSL, ZOTERO, EXPORTED, ORCID],
    ids=["bibtex", "ris", "csl", "zotero", "exported", "orcid"],
)
def test_each_kind_is_known_by_what_it_says(text: str) -> None:
    for data in (
        text,
        text.encode(),
        b"\xef\xbb\xbf" + text.encode(),
        text.encode("utf-16"),
        f"\n  {text}".encode(),
    ):
        (one,) = read(data, "library.txt").references
        assert (one.title, one.arxiv_id) == ("A Study of Tides", "2611.00001")


def test_ids_are_read_as_lines_and_as_a_list_of_json() -> None:
    assert read("2611.00001\n2611.00002") == read(b"2611.00001, 2611.00002", "ids.txt")
    assert read('["2611.00001", "2611.00002"]') == read("2611.00001\n2611.00002")


def test_a_list_with_numbers_in_brackets_is_no_json() -> None:
    (one,) = read("[1] A. Author. A study. arXiv:2611.00001").references
    assert one.arxiv_id == "2611.00001"


def test_lines_of_several_encodings_are_each_read_in_their_own() -> None:
    data = "@misc{a, title={Über Täler}}\n".encode() + "@misc{b, title={Über Höhen}}".encode(
        "latin-1"
    )
    assert [one.title for one in read(data).references] == ["Über Täler", "Über Höhen"]


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "", "there is nothing in it"),
        (" \r\n\ufeff", "", "there is nothing in it"),
        (b"%PDF-1.7 \xe2", "paper.pdf", "that is no plain text"),
        (b"PK\x03\x04\x14\x00\x08", "library.zip", "that is no plain text"),
        ("<html><body>", "", "web page or XML"),
        ("{broken", "library.json", "broken JSON"),
        ("[" * 100_000, "library.json", "broken JSON"),
        ("% an empty file", "library.bib", "there is no paper in it"),
        ("# 2611.00001", "", "there is no paper in it"),
        ("[]", "", "there is no paper in it"),
        (b"x" * (MOST_BYTES + 1), "", "5,000,001 bytes, and 5,000,000 are the most"),
        ("[" + "{}," * 30_000 + "{}]", "", "more than 2,000 papers"),
        ("@misc{k}\n" * 2001, "", "more than 2,000 papers"),
        ("TY  - JOUR\n" * 2001, "", "more than 2,000 papers"),
    ],
    ids=str,
)
def test_what_cannot_be_imported_is_refused_with_the_way_out(
    data: bytes | str, name: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        read(data, name)


PIECES = st.sampled_from(
    (
        *"@{}(),=#\"'\\$%\n\r\t [];:<>&-\x00\ud800\u0301a1",
        *("@article{", "@string{", "@comment{", "title", "\r\n", "abstract = {", "\\'", "\\url{"),
        *("TY  - ", "\nER  - ", "\nTI  - ", "10.1234/", "2611.00001", "arXiv:", " and "),
        *('{"group":', '"data"', '{"itemType":', "null", "https://arxiv.org/abs/"),
    )
)
FIELDS = (
    *("group", "items", "data", "itemType", "title", "author", "work-summary", "external-ids"),
    *("external-id", "value", "publication-date", "year", "creators", "dateAdded", "url", "DOI"),
)
TEXTS = st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(TEXTS, st.binary(max_size=200), VALUES.map(json.dumps)),
    st.sampled_from(["", "a.bib", "a.json"]),
)
def test_no_input_raises_anything_but_a_usage_error(data: bytes | str, name: str) -> None:
    try:
        library = read(data, name)
    except UsageError:
        return
    assert library != Library()
    for one in library.references:
        assert one.title or one.arxiv_id or one.doi
        "".join([one.label, one.title, one.abstract, *one.authors, one.doi or ""]).encode()
    for refused in library.refused:
        assert refused.label
        refused.label.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"\xe9\n" * 300_000,
        "[" + "1," * 200_000 + "1]",
        '[{"title":"x","author":[' + "{}," * 150_000 + "{}]}]",
        '{"group":[{"work-summary":[' + "{}," * 150_000 + "{}]}]}",
        "TY  - JOUR\n" + "UR  - a\n" * 60_000,
        "2611.00001 " + "doi" * 200_000,
        "10.1234/" + "(" * 500_000,
        ", " * 200_000,
        "#\n" * 250_000,
    ],
    ids=lambda data: repr(data[:12]),
)
def test_half_a_megabyte_of_anything_is_read_in_a_moment(data: bytes | str) -> None:
    start = process_time()
    with suppress(UsageError):
        read(data)
    assert process_time() - start < 3  # all below 0.5
