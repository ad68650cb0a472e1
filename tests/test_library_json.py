"""What Zotero, ORCID and CSL-JSON say, in the shapes that they say it in."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tasks.errors import UsageError
from tasks.library import csl, orcid, zotero
from tasks.library.loose import day
from tasks.library.reference import NAMELESS, Reference, Refused


def item(**data: Any) -> dict[str, Any]:
    """An item as Zotero's API gives it."""
    return {
        "key": "ABCD2345",
        "version": 7,
        "library": {"type": "user", "id": 475425},
        "meta": {"creatorSummary": "Author"},
        "data": {"key": "ABCD2345", "itemType": "journalArticle", "extra": ""} | data,
    }


def test_an_item_of_zotero_is_read_whole() -> None:
    creators = [
        {"creatorType": "author", "firstName": "Ada", "lastName": "Author"},
        {"creatorType": "author", "name": "The Tidal Group"},
    ]
    library = zotero.parse(
        [
            item(
                title="A Study of <i>Tides</i>",
                abstractNote="We look at tides.",
                creators=creators,
                DOI="10.1234/TIDES",
                dateAdded="2026-08-04T11:12:13Z",
            )
        ]
    )
    assert library.references == (
        Reference(
            label="A Study of <i>Tides</i>",
            title="A Study of Tides",
            abstract="We look at tides.",
            authors=("Ada Author", "The Tidal Group"),
            doi="10.1234/tides",
            given=date(2026, 8, 4),
        ),
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"archiveID": "arXiv:2611.00001", "repository": "arXiv"},
        {"url": "http://arxiv.org/abs/2611.00001v2"},
        {"extra": "Citation Key: x\narXiv:2611.00001 [cs]\ntex.note: y"},
        {"extra": "DOI: 10.48550/arXiv.2611.00001"},
        {"publicationTitle": "arXiv:2611.00001 [cs]"},
    ],
    ids=["archiveID", "url", "extra", "doi in extra", "publication"],
)
def test_zotero_s_places_for_an_arxiv_id_are_known(fields: dict[str, str]) -> None:
    (one,) = zotero.parse([item(title="x", **fields)]).references
    assert one.arxiv_id == "2611.00001"


def test_attachments_and_notes_are_counted_and_papers_without_a_name_refused() -> None:
    library = zotero.parse(
        [
            item(itemType="attachment", title="Full text"),
            item(itemType="note", note="<p>read</p>"),
            item(title="A Study", dateAdded="yesterday"),
            item(itemType="book", title=""),
            {"itemType": "book", "title": "As exported", "key": 7},
            {"data": None},
            None,
        ]
    )
    assert [(one.title, one.given) for one in library.references] == [
        ("A Study", None),
        ("As exported", None),
    ]
    assert library.refused[0] == Refused(label="ABCD2345", reason=NAMELESS)
    assert len(library.refused) == 3
    assert library.skipped == 2


def test_the_address_of_zotero_s_items_asks_for_the_newest_by_a_hundred() -> None:
    assert zotero.address(" 475425 ", base="https://api.example", start=200) == (
        "https://api.example/users/475425/items/top?v=3&format=json&sort=dateAdded&direction=desc"
        "&limit=100&start=200"
    )
    assert zotero.credentials(" aBc123 ") == {"Zotero-API-Key": "aBc123"}
    assert zotero.credentials("") == {}


@pytest.mark.parametrize(
    "user", ["", "ada", "47 5", "../1", "475425?x", "https://www.zotero.org/ada", "１２"]
)
def test_a_user_of_zotero_is_a_number(user: str) -> None:
    with pytest.raises(UsageError, match="it is a number, and not your name"):
        zotero.address(user, base="https://api.example", start=0)


@pytest.mark.parametrize("key", ["a b", "a&b", "ключ", "x" * 65])
def test_what_is_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(UsageError, match="no key of Zotero") as caught:
        zotero.credentials(key)
    assert key not in str(caught.value)


def group(
    title: str = "", year: str | None = None, month: str | None = None, **external: str
) -> dict[str, Any]:
    """One work of ORCID's reply; `external` are kinds of ids with their values."""
    ids = [
        {
            "external-id-type": kind,
            "external-id-value": value,
            "external-id-normalized": {"value": value, "transient": True},
            "external-id-url": {"value": f"https://ids.example/{value}"},
            "external-id-relationship": "part-of" if kind == "isbn" else "self",
        }
        for kind, value in external.items()
    ]
    published = {"year": {"value": year}, "month": {"value": month} if month else None, "day": None}
    return {
        "last-modified-date": {"value": 1586173708326},
        "external-ids": {"external-id": ids},
        "work-summary": [
            {
                "put-code": 64395936,
                "title": {"title": {"value": title}, "subtitle": None, "translated-title": None},
                "external-ids": {"external-id": ids},
                "url": None,
                "type": "journal-article",
                "publication-date": published if year else None,
                "journal-title": {"value": "Journal of Inventions"},
            }
        ],
    }


def test_works_of_orcid_are_read_with_the_day_they_were_published() -> None:
    reply = {
        "path": "/0000-0002-1825-0097/works",
        "group": [
            group("A Study of Tides", "2024", "05", doi="10.1234/TIDES", isbn="10.1234/whole"),
            group("Another", "2023", arxiv="2311.00001"),
            group("Third", isbn="10.1234/whole"),
            group(),
            None,
        ],
    }
    library = orcid.parse(reply)
    assert library.references == (
        Reference(
            label="A Study of Tides",
            title="A Study of Tides",
            doi="10.1234/tides",
            given=date(2024, 5, 1),
        ),
        Reference(label="Another", title="Another", arxiv_id="2311.00001", given=date(2023, 1, 1)),
        Reference(label="Third", title="Third"),
    )
    assert len(library.refused) == 2


@pytest.mark.parametrize("reply", [None, [], {}, {"group": None}, {"group": {}}, "x", 7])
def test_a_reply_of_another_shape_has_no_works(reply: object) -> None:
    assert orcid.parse(reply).references == ()


@pytest.mark.parametrize(
    "said",
    [
        "0000-0002-1825-0097",
        " 0000000218250097 ",
        "https://orcid.org/0000-0002-1825-0097",
        "orcid.org/0000-0002-1825-0097/",
    ],
)
def test_an_orcid_is_known_by_itself_and_by_its_address(said: str) -> None:
    assert orcid.canonical(said) == "0000-0002-1825-0097"


def test_an_orcid_may_end_in_x() -> None:
    assert orcid.canonical("0000-0002-1694-233x") == "0000-0002-1694-233X"


@pytest.mark.parametrize("place", [0, 3, 5, 10, 17, 18])
def test_one_wrong_digit_of_an_orcid_is_found(place: int) -> None:
    good = "0000-0002-1825-0097"
    wrong = good[:place] + str((int(good[place]) + 1) % 10) + good[place + 1 :]
    with pytest.raises(UsageError, match="one of its digits is wrong"):
        orcid.canonical(wrong)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "ada",
        "0000-0002-1825",
        "0000-0002-1825-0097/works",
        "https://evil.example/0000-0002-1825-0097",
    ],
)
def test_what_is_no_orcid_is_refused_with_an_example(said: str) -> None:
    with pytest.raises(UsageError, match="like 0000-0002-1825-0097"):
        orcid.canonical(said)


def test_an_item_of_csl_is_read_whole() -> None:
    library = csl.parse(
        [
            {
                "id": "http://zotero.org/users/1/items/ABCD2345",
                "type": "article-journal",
                "title": "A Study of Tides",
                "abstract": "We look at tides.",
                "author": [{"family": "Author", "given": "Ada"}, {"literal": "The Tidal Group"}],
                "DOI": "10.1234/TIDES",
                "number": "arXiv:2611.00001",
            },
            {"id": 5},
            "x",
        ]
    )
    assert library.references == (
        Reference(
            label="A Study of Tides",
            title="A Study of Tides",
            abstract="We look at tides.",
            authors=("Ada Author", "The Tidal Group"),
            arxiv_id="2611.00001",
            doi="10.1234/tides",
        ),
    )
    assert [one.label for one in library.refused] == ["5", "(no name)"]


def test_a_day_is_only_what_the_calendar_knows() -> None:
    assert day("2026", "2", "28") == date(2026, 2, 28)
    for parts in (("2026", "2", "30"), ("0", "1", "1"), ("", "", ""), ("year", "1", "1")):
        assert day(*parts) is None
