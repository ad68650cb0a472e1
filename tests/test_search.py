"""Search finds the same on both databases, whatever is typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from papers import bring, entry, page
from servers import Postgres
from sqlalchemy import event
from sqlmodel import Session, col, select, update

from tasks.models import Entry
from tasks.store import migrate, search
from tasks.store.database import Database

PAPERS = (
    ("Sparse attention for long proteins", "A router reads the sequence once.", ["Ada Lovelace"]),
    ("Folding with routers", "Sparse attention is not what we need.", ["José Müller"]),
    ("State-of-the-art speech codecs", "A survey of graph-based coding/decoding.", ["Bo Ray"]),
    ("Über naïve Bayes: an encoder/decoder view", "We study 3D shapes in 2.5 steps.", ["Łukasz Ż"]),
    ("长序列的稀疏注意力", "本文 提出 一种方法。", ["王伟"]),
    ("🚀Rockets—and their “engines”", "C++ and node.js, at user@lab.example.", ["O'Neil, Zoë"]),
)


FINDS: list[tuple[str, list[object]]] = [
    ("proteins", [1]),
    ("PROTEIN", [1]),
    ("reading sequences", [1]),
    ("sparse attention", [1, 2]),
    ("sparse survey", []),
    ("routers", [2, 1]),
    ('"long proteins"', [1]),
    ('"proteins long"', []),
    ("“long proteins”", [1]),
    ("sparse -proteins", [2]),
    ('attention -"long proteins"', [2]),
    ("attention -proteins -folding", []),
    ("-proteins", []),
    ("lovelace", [1]),
    ("jose muller", [2]),
    ("José MÜLLER", [2]),
    ("JOSE\u0301", [2]),
    ("uber naive", [4]),
    ("state of the art", [3]),
    ("state-of-the-art", [3]),
    ('"state of the art"', [3]),
    ("graph based", [3]),
    ("graph-based", [3]),
    ("decoding", [4, 3]),
    ("decoder", [4, 3]),
    ("encoder/decoder", [4]),
    ("2.5", [4]),
    ("3d", [4]),
    ("the", [3, 1]),
    ("rockets engines", [6]),
    ("node js", [6]),
    ("node.js", [6]),
    ("user lab.example", [6]),
    ("zoe o'neil", [6]),
    ("稀疏", []),
    ("长序列的稀疏注意力", [5]),
    ("提出", [5]),
    ("王伟", [5]),
    ("sparse AND attention", []),
    ("sparse OR nothing", []),
    ("", []),
    ("  ", []),
    ("— “” - * ^ ( )", []),
    ("🚀", []),
    ("title : proteins", []),
    ("* proteins", [1]),
    ("proteins NEAR", []),
    ('proteins"', [1]),
    ("\ud800proteins\0", [1]),
    ("\U0002fa1fproteins", []),
]


@pytest.fixture
def stored(database: Database, now: datetime) -> Database:
    """A database with those papers, numbered from 1."""
    with database.write() as session:
        made = [
            entry(n, title=title, abstract=abstract, authors=tuple(names))
            for n, (title, abstract, names) in enumerate(PAPERS, 1)
        ]
        bring(session, page(*made), now)
    return database


def found(database: Database, words: str, **changes: int) -> list[object]:
    with database.read() as session:
        papers, _ = search.search(session, words, **{"limit": 20} | changes)
        return [paper.id for paper in papers]


def test_what_is_typed_finds_the_same_on_both_databases(stored: Database) -> None:
    assert [(words, found(stored, words)) for words, _ in FINDS] == FINDS


def test_a_word_of_the_title_weighs_more_than_one_of_the_abstract(stored: Database) -> None:
    assert found(stored, "attention") == [1, 2]
    assert found(stored, "survey") == [3]


def test_pages_follow_one_another_until_the_last(database: Database, now: datetime) -> None:
    with database.write() as session:
        bring(session, page(*(entry(n) for n in range(1, 6))), now)
        first, after = search.search(session, "study", limit=2)
        assert after == 2
        second, after = search.search(session, "study", limit=2, after=2)
        assert after == 4
        last, after = search.search(session, "study", limit=2, after=4)
        assert after is None
        ids = [paper.id for paper in (*first, *second, *last)]
        assert sorted(ids, key=str) == [1, 2, 3, 4, 5]


def test_of_too_many_matches_the_newest_are_put_in_order(
    stored: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "RANKED", 1)
    assert found(stored, "attention") == [2]


def test_a_paper_is_found_by_what_it_says_now(stored: Database) -> None:
    with stored.write() as session:
        session.execute(update(Entry).where(col(Entry.id) == 1).values(title="Dense contacts"))
        session.execute(update(Entry).where(col(Entry.id) == 2).values(upvotes=99))
        session.execute(update(Entry).where(col(Entry.id) == 3).values(authors=["Grace Hopper"]))
    assert found(stored, "proteins") == []
    assert found(stored, "dense") == [1]
    assert found(stored, "folding") == [2]
    assert (found(stored, "hopper"), found(stored, "ray")) == ([3], [])
    with stored.write() as session:
        session.delete(session.get_one(Entry, 3))
    assert found(stored, "hopper") == []


def test_withdrawn_and_merged_papers_are_not_found(stored: Database) -> None:
    with stored.write() as session:
        session.execute(update(Entry).where(col(Entry.id) == 1).values(withdrawn=True))
        session.execute(update(Entry).where(col(Entry.id) == 2).values(merged_into=3))
    assert found(stored, "sparse attention") == []


def test_identifiers_and_addresses_lead_to_their_entry(stored: Database) -> None:
    with stored.write() as session:
        session.execute(update(Entry).where(col(Entry.id) == 5).values(url="https://a.example/5"))
        session.execute(update(Entry).where(col(Entry.id) == 6).values(url="https://a.example/6"))
        session.execute(update(Entry).where(col(Entry.id) == 6).values(withdrawn=True))
        assert search.by_identifier(session, "arxiv", "2611.00003") == 3
        assert search.by_identifier(session, "doi", "2611.00003") is None
        assert search.by_url(session, "https://a.example/5") == 5
        assert search.by_url(session, "https://a.example/6") is None


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(st.sampled_from("ab\"“*^:(){}+-&|!<>\\\0\ud800%'=~@ é字\n"), max_size=40))
def test_no_question_raises(stored: Database, words: str) -> None:
    found(stored, words)


@pytest.mark.parametrize(
    "words", ["x" * 10_000, "a " * 5_000, '"' * 10_000, "-" * 10_000, "é" * 10_000, "a\0b" * 3_000]
)
def test_long_questions_are_cut(stored: Database, words: str) -> None:
    found(stored, words)
    question = search.understood(words)
    assert len(question.wanted) + len(question.unwanted) <= search.MOST_PARTS
    assert sum(map(len, question.wanted)) <= search.LONGEST


def test_a_huge_hostile_paper_is_stored_and_found(database: Database, now: datetime) -> None:
    long = " ".join(f"w{n}é" for n in range(12_000))
    names = tuple('\U0001d4d0\x01"\\' + "x" * 10_000 for _ in range(40))
    huge = entry(1, title="<script>" + "y" * 400, abstract=f"beacon {long}", authors=names)
    with database.write() as session:
        bring(session, page(huge), now)
    assert found(database, "beacon") == [1]


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    """The statements that run meanwhile."""
    ran: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        ran.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    yield ran
    event.remove(session.get_bind(), "before_cursor_execute", note)


def test_a_search_takes_two_queries_whatever_it_finds(stored: Database) -> None:
    with stored.read() as session:
        for words in ("proteins", "attention", "nothing"):
            with counted(session) as ran:
                search.search(session, words, limit=20)
            assert len([statement for statement in ran if "SELECT" in statement]) == 2


def _migrated_to(database: Database, revision: str) -> None:
    with database.engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(migrate.SCRIPTS))
        config.attributes["connection"] = connection
        go = command.upgrade if revision == "head" else command.downgrade
        go(config, revision)


@pytest.fixture(params=["sqlite", "postgres"])
def own_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database that no other test shares, for its tables will come and go."""
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.create("search")
    database = Database(url)
    migrate.upgrade(database)
    yield database
    database.close()


def test_papers_that_were_there_before_are_found_after_the_migration(
    own_database: Database, now: datetime
) -> None:
    with own_database.write() as session:
        made: Sequence[str] = ("Sparse attention", "Folding")
        bring(session, page(*(entry(n, title=t) for n, t in enumerate(made, 1))), now)
    _migrated_to(own_database, "0002")
    _migrated_to(own_database, "head")
    assert migrate.drift(own_database) == []
    assert found(own_database, "sparse") == [1]
    with own_database.read() as session:
        assert len(session.exec(select(Entry)).all()) == 2
