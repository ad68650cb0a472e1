"""Which papers of the store somebody names, in a few queries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from papers import bring, entry, page
from sqlalchemy import event
from sqlmodel import col, select

from tasks.models import Entry
from tasks.parse.clean import title_key
from tasks.store import entries, lookup
from tasks.store.database import Database


@pytest.fixture
def stored(database: Database, now: datetime) -> Database:
    """Forty papers; those from 31 on have a DOI and no arXiv id."""
    found = [
        entry(n) if n <= 30 else entry(n, arxiv_id=None, doi=f"10.1234/{n}") for n in range(1, 41)
    ]
    with database.write() as session:
        bring(session, page(*found), now)
    return database


@pytest.fixture
def statements(stored: Database) -> Iterator[list[str]]:
    """What the database was asked, without how transactions begin and end."""
    seen: list[str] = []

    def see(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(stored.engine, "before_cursor_execute", see)
    yield seen
    event.remove(stored.engine, "before_cursor_execute", see)


def found(database: Database, *wanted: list[tuple[str, str]]) -> dict[int, str]:
    with database.read() as session:
        return {place: paper.title for place, paper in lookup.find(session, wanted).items()}


def titled(title: str) -> tuple[str, str]:
    return "title", title_key(title)


def test_a_paper_is_found_by_its_id_its_doi_or_its_exact_title(stored: Database) -> None:
    assert found(
        stored,
        [("arxiv", "2611.00001"), titled("Another title")],
        [("arxiv", "2611.09999")],
        [("doi", "10.1234/31")],
        [titled("Study 2 of tidal")],
        [titled("STUDY 2: of tidal-energy")],
        [],
        [("doi", "10.1234/99"), titled("Study 3 of graph kernels")],
    ) == {
        0: "Study 1 of protein folding",
        2: "Study 31 of protein folding",
        4: "Study 2 of tidal energy",
        6: "Study 3 of graph kernels",
    }


def test_the_id_counts_before_the_doi_and_the_title(stored: Database) -> None:
    names = [
        ("title", title_key("Study 3 of graph kernels")),
        ("doi", "10.1234/31"),
        ("arxiv", "2611.00001"),
    ]
    assert found(stored, names) == {0: "Study 1 of protein folding"}


def test_a_title_is_no_proof_against_another_id(stored: Database) -> None:
    assert found(stored, [("arxiv", "2611.09999"), titled("Study 1 of protein folding")]) == {}
    assert found(stored, [("arxiv", "2611.09999"), ("doi", "10.1234/31")]) == {
        0: "Study 31 of protein folding"
    }
    assert found(stored, [("doi", "10.1234/99"), titled("Study 31 of protein folding")]) == {}


def test_a_paper_that_became_another_is_found_as_that(stored: Database) -> None:
    with stored.write() as session:
        first, second = session.exec(
            select(Entry).where(col(Entry.id).in_((1, 2))).order_by(col(Entry.id))
        )
        entries.join(session, keep=second, lost=first)
    both = found(stored, [("arxiv", "2611.00001")], [("arxiv", "2611.00002")])
    assert both == dict.fromkeys((0, 1), "Study 2 of tidal energy")


def test_names_that_still_lead_to_a_merged_entry_are_followed(stored: Database) -> None:
    with stored.write() as session:
        lost = session.get(Entry, 1)
        assert lost is not None
        lost.merged_into, lost.arxiv_id = 3, None
    assert found(stored, [titled("Study 1 of protein folding")]) == {0: "Study 3 of graph kernels"}


@pytest.mark.parametrize("count", [1, 2000])
def test_many_papers_take_as_many_queries_as_one(
    stored: Database, statements: list[str], count: int
) -> None:
    wanted = [
        [("arxiv", f"2611.{n:05d}"), ("doi", f"10.1234/{n}"), titled(f"Study {n} of tidal energy")]
        for n in range(1, count + 1)
    ]
    assert len(found(stored, *wanted)) == (1 if count == 1 else 40)
    assert len(statements) == 3


def test_nothing_wanted_asks_nothing(stored: Database, statements: list[str]) -> None:
    assert found(stored) == {}
    assert statements == []
