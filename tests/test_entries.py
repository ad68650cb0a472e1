"""One paper is one entry, whatever brings it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from papers import bring, entry, page
from sqlmodel import Session, col, select

from tasks.models import Entry, Identifier, Rejection, Sighting
from tasks.records import RejectedItem
from tasks.store import entries
from tasks.store.database import Database


def known(session: Session) -> list[Entry]:
    return list(
        session.exec(select(Entry).where(col(Entry.merged_into).is_(None)).order_by(col(Entry.id)))
    )


def test_a_page_brings_its_entries_and_where_they_stood(database: Database, now: datetime) -> None:
    with database.write() as session:
        merged = bring(session, page(entry(1), entry(2)), now)
        assert (merged.new, merged.merged, merged.arrived) == (2, 0, 2)
        sightings = session.exec(select(Sighting).order_by(col(Sighting.rank))).all()
        assert [(s.rank, s.upvotes) for s in sightings] == [(1, 1), (2, 2)]


def test_the_same_page_twice_changes_nothing_but_the_sightings(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        bring(session, page(entry(1)), now)
        merged = bring(session, page(entry(1)), now, body=b"a later page")
        assert (merged.new, merged.merged, merged.arrived) == (0, 1, 0)
        assert len(known(session)) == 1
        assert len(session.exec(select(Sighting)).all()) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"title": "Quite another title"}),
        ({"arxiv_id": None, "doi": "10.1/x"}, {"title": "Another title", "doi": "10.1/x"}),
        ({"arxiv_id": None}, {"arxiv_id": None, "title": "STUDY 1: of protein-folding"}),
        ({"arxiv_id": None}, {}),
        ({"arxiv_id": None, "doi": "10.1/x"}, {"doi": None}),
    ],
    ids=["arXiv id", "DOI", "normalised title", "id learned later", "title of an entry with a DOI"],
)
def test_two_sights_of_one_paper_are_one_entry(
    database: Database, now: datetime, first: dict[str, object], second: dict[str, object]
) -> None:
    with database.write() as session:
        bring(session, page(entry(1, **first)), now)
        bring(session, page(entry(1, **second)), now, body=b"2")
        assert len(known(session)) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"arxiv_id": "2611.09999"}),
        ({"arxiv_id": None, "doi": "10.1/x"}, {"arxiv_id": None, "doi": "10.1/y"}),
        ({"arxiv_id": None}, {"arxiv_id": None, "title": "Study 1.5 of protein folding"}),
    ],
    ids=["two arXiv ids", "two DOIs", "almost the same title"],
)
def test_papers_that_only_look_alike_stay_apart(
    database: Database, now: datetime, first: dict[str, object], second: dict[str, object]
) -> None:
    with database.write() as session:
        bring(session, page(entry(1, **first)), now)
        bring(session, page(entry(1, **second)), now, body=b"2")
        assert len(known(session)) == 2


def test_an_entry_that_ties_two_others_together_joins_them(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        by_doi = entry(1, arxiv_id=None, doi="10.1/x", title="As the journal calls it")
        bring(session, page(by_doi, entry(1, doi=None)), now)
        assert len(known(session)) == 2
        bring(session, page(entry(1, doi="10.1/x")), now, body=b"2")
        (one,) = known(session)
        assert (one.arxiv_id, one.doi) == ("2611.00001", "10.1/x")
        owners = {row.entry_id for row in session.exec(select(Identifier))}
        assert owners == {one.id}
        standing = session.exec(select(Sighting).where(Sighting.entry_id == one.id)).all()
        assert len(standing) == 2, "both papers stood on one page: one sighting stays with each"


def test_a_higher_version_updates_and_a_lower_one_never_overwrites(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        bring(session, page(entry(1, arxiv_version=2, abstract="two")), now)
        bring(session, page(entry(1, arxiv_version=1, abstract="one")), now, body=b"v1")
        bring(session, page(entry(1, arxiv_version=None, abstract="none")), now, body=b"v")
        assert [(e.arxiv_version, e.abstract) for e in known(session)] == [(2, "two")]
        before = known(session)[0].arrival
        bring(session, page(entry(1, arxiv_version=3, abstract="three")), now, body=b"v3")
        (one,) = known(session)
        assert (one.arxiv_version, one.abstract) == (3, "three")
        assert one.arrival is not None
        assert before is not None
        assert one.arrival > before, "a new version is scored anew"


def test_what_was_missing_is_filled_and_votes_are_the_newest(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        bare = entry(
            1, abstract="", authors=(), url=None, upvotes=3, code_urls=("https://a.example/x",)
        )
        bring(session, page(bare), now)
        full = entry(1, upvotes=9, code_urls=("https://b.example/y",), categories=("cs.CL",))
        bring(session, page(full), now, body=b"2")
        (one,) = known(session)
        assert one.abstract.startswith("We look")
        assert one.authors == ["Ada Author1", "Bo Second"]
        assert one.upvotes == 9
        assert one.code_urls == ["https://a.example/x", "https://b.example/y"]
        assert one.categories == ["cs.CL"]


def test_two_entries_of_one_page_that_are_one_paper_are_seen_once(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        merged = bring(session, page(entry(1), entry(1)), now)
        assert (merged.new, merged.merged) == (1, 1)
        assert len(session.exec(select(Sighting)).all()) == 1


def test_old_pages_are_history_and_no_news(database: Database, now: datetime) -> None:
    with database.write() as session:
        old = page(entry(1), day=date(2026, 1, 5))
        assert bring(session, old, now).arrived == 0
        assert entries.news(session, after=0, upto=9, at=now) == []
        assert bring(session, page(entry(1), day=date(2026, 11, 20)), now, body=b"2").arrived == 1


def test_a_day_without_its_year_is_no_proof_of_age(database: Database, now: datetime) -> None:
    with database.write() as session:
        widget = page(entry(1), day=date(2026, 8, 7), certain_day=False)
        assert bring(session, widget, now).arrived == 1


def test_news_are_numbered_in_the_order_of_commits_and_are_scored_for_two_weeks(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        bring(session, page(entry(1), entry(2)), now)
        bring(session, page(entry(3)), now, body=b"2")
        assert entries.arrivals(session) == 3
        assert [p.arxiv_id for _, p in entries.news(session, after=2, upto=3, at=now)] == [
            "2611.00003"
        ]
        later = now + timedelta(days=17)
        assert entries.news(session, after=0, upto=3, at=later) == []


def test_a_withdrawn_paper_is_kept_and_no_news(database: Database, now: datetime) -> None:
    with database.write() as session:
        bring(session, page(entry(1)), now)
        bring(session, page(entry(1, withdrawn=True)), now, body=b"2")
        assert known(session)[0].withdrawn
        assert entries.news(session, after=0, upto=9, at=now) == []


def test_rejected_items_are_kept_with_their_reason(database: Database, now: datetime) -> None:
    item = RejectedItem(position=7, reason="no title", raw="{…}")
    with database.write() as session:
        bring(session, page(entry(1), rejected=(item,)), now)
        kept = session.exec(select(Rejection)).one()
        assert (kept.position, kept.reason, kept.raw) == (7, "no title", "{…}")


def test_a_page_that_joins_two_entries_leaves_no_name_at_the_emptied_one(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        by_title = entry(1, arxiv_id=None, title="First name")
        bring(
            session,
            page(by_title, entry(2, title="Second name"), entry(2, title="First name")),
            now,
        )
        (one,) = known(session)
        assert {row.entry_id for row in session.exec(select(Identifier))} == {one.id}
        bring(session, page(entry(2, title="A third name")), now, body=b"later")
        assert len(known(session)) == 1


def test_what_was_news_or_withdrawn_stays_so_when_it_joins_an_older_entry(
    database: Database, now: datetime
) -> None:
    old = date(2026, 1, 5)
    with database.write() as session:
        bring(session, page(entry(1, arxiv_id=None, doi="10.1/x", title="Older"), day=old), now)
        bring(session, page(entry(1, withdrawn=True)), now, body=b"news")
        bring(session, page(entry(1, doi="10.1/x"), day=old), now, body=b"tie")
        (one,) = known(session)
        assert one.arrived_at == now
        assert one.withdrawn
        assert one.arrival == entries.arrivals(session)
