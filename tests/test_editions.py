"""A day's papers, merged over sources, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import pytest
from papers import bring, entry, page
from sqlalchemy import event
from sqlmodel import Session, col, update

from tasks.models import Entry, Page
from tasks.store import editions
from tasks.store.database import Database
from tasks.store.editions import Sight

FRIDAY = date(2026, 11, 20)
DAY = timedelta(days=1)
SATURDAY = FRIDAY + DAY


def numbers(found: list[editions.Listed]) -> list[int | str]:
    return [listed.paper.id for listed in found]


def test_a_day_has_the_papers_of_its_pages_by_votes_and_then_rank(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        silent = [entry(n, upvotes=None) for n in (1, 2)]
        bring(session, page(*silent, entry(3, upvotes=0), entry(4, upvotes=9), day=FRIDAY), now)
        bring(session, page(entry(5), day=FRIDAY - DAY), now, body=b"older")
        assert numbers(editions.listed(session, FRIDAY, limit=30)) == [4, 3, 1, 2]
        assert numbers(editions.listed(session, FRIDAY, limit=2, offset=1)) == [3, 1]
        assert editions.listed(session, SATURDAY, limit=30) == []


def test_a_paper_of_several_sources_stands_once_at_its_best_rank(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        first = [entry(n, upvotes=None) for n in (1, 2, 3)]
        bring(session, page(*first, day=FRIDAY), now)
        bring(session, page(first[2], first[1], day=FRIDAY), now, body=b"2", source="another")
        found = editions.listed(session, FRIDAY, limit=30)
        assert numbers(found) == [1, 3, 2]
        assert [listed.sources for listed in found] == [
            ("daily",), ("another", "daily"), ("another", "daily"),
        ]  # fmt: skip
        assert found[0].updated == now
        assert editions.counts(session, FRIDAY, FRIDAY) == {FRIDAY: 3}


def test_papers_of_pages_without_a_day_stand_on_the_day_they_arrived(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        bring(session, page(entry(1)), now)
        bring(session, page(entry(1), entry(2)), now + DAY, body=b"the feed a day later")
        assert numbers(editions.listed(session, FRIDAY, limit=30)) == [1]
        assert numbers(editions.listed(session, SATURDAY, limit=30)) == [2]
        assert editions.counts(session, FRIDAY, SATURDAY) == {SATURDAY: 1, FRIDAY: 1}


def test_a_page_with_a_day_says_nothing_of_the_day_of_arrival(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        bring(session, page(entry(1), day=FRIDAY - DAY), now)
        assert editions.listed(session, FRIDAY, limit=30) == []


def test_withdrawn_and_merged_papers_stand_nowhere(database: Database, now: datetime) -> None:
    with database.write() as session:
        bring(session, page(*(entry(n) for n in (1, 2, 3)), day=FRIDAY), now)
        session.execute(update(Entry).where(col(Entry.id) == 1).values(withdrawn=True))
        session.execute(
            update(Entry).where(col(Entry.id) == 2).values(merged_into=3, arrived_at=None)
        )
        assert numbers(editions.listed(session, FRIDAY, limit=30)) == [3]
        assert editions.counts(session, FRIDAY, FRIDAY) == {FRIDAY: 1}
        session.execute(update(Entry).values(withdrawn=True))
        assert editions.newest(session, before=SATURDAY) is None
        assert editions.counts(session, FRIDAY, FRIDAY) == {}


@pytest.mark.parametrize("dated", [True, False])
def test_the_nearest_days_are_those_with_papers(
    database: Database, now: datetime, dated: bool
) -> None:
    days = [FRIDAY - 9 * DAY, FRIDAY - 3 * DAY, FRIDAY]
    with database.write() as session:
        for number, day in enumerate(days, 1):
            at = now - (FRIDAY - day)
            found = page(entry(number), day=day if dated else None)
            bring(session, found, at, body=str(number).encode())
        bring(session, page(day=FRIDAY - DAY), now, body=b"an empty day")
        assert editions.newest(session, before=SATURDAY) == FRIDAY
        assert editions.newest(session, before=FRIDAY) == days[1]
        assert editions.newest(session, before=days[1]) == days[0]
        assert editions.newest(session, before=days[0]) is None
        assert editions.oldest(session, after=days[0], before=SATURDAY) == days[1]
        assert editions.oldest(session, after=days[1], before=SATURDAY) == FRIDAY
        assert editions.oldest(session, after=FRIDAY, before=SATURDAY) is None
        assert editions.newest(session, before=date.min) is None
        assert editions.newest(session, before=date.max) == FRIDAY
        assert editions.oldest(session, after=date.min, before=SATURDAY) == days[0]


def test_days_of_both_kinds_are_neighbours(database: Database, now: datetime) -> None:
    with database.write() as session:
        bring(session, page(entry(1), day=FRIDAY - 2 * DAY), now - 2 * DAY)
        bring(session, page(entry(2)), now - DAY, body=b"feed", source="feed")
        bring(session, page(entry(3), day=FRIDAY), now, body=b"3")
        assert editions.newest(session, before=FRIDAY) == FRIDAY - DAY
        assert editions.newest(session, before=FRIDAY - DAY) == FRIDAY - 2 * DAY
        after = editions.oldest(session, after=FRIDAY - 2 * DAY, before=SATURDAY)
        assert after == FRIDAY - DAY


def test_a_paper_is_known_with_its_sightings(database: Database, now: datetime) -> None:
    with database.write() as session:
        bring(session, page(entry(1, upvotes=3), day=FRIDAY - DAY), now)
        bring(session, page(entry(2), entry(1, upvotes=8), day=FRIDAY), now, body=b"b")
        bring(session, page(entry(1, upvotes=5), day=FRIDAY), now, body=b"c")
        bring(session, page(entry(1, upvotes=None)), now, body=b"d", source="feed")
        known = editions.known(session, 1)
        assert known is not None
        assert known.paper.title == "Study 1 of protein folding"
        assert (known.first_seen, known.withdrawn, known.became) == (now, False, None)
        assert known.sights == (
            Sight(FRIDAY, "daily", 1, 8),
            Sight(FRIDAY, "feed", 1, None),
            Sight(FRIDAY - DAY, "daily", 1, 3),
        )
        assert editions.known(session, 99) is None


def test_a_merged_entry_says_what_it_became(database: Database, now: datetime) -> None:
    with database.write() as session:
        bring(session, page(entry(1), entry(2)), now)
        session.execute(update(Entry).where(col(Entry.id) == 2).values(merged_into=1))
        known = editions.known(session, 2)
        assert known is not None
        assert known.became == 1


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    """The statements that run meanwhile."""
    ran: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        ran.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    yield ran
    event.remove(session.get_bind(), "before_cursor_execute", note)


@pytest.mark.parametrize("papers", [1, 25])
def test_a_day_takes_two_queries_however_many_papers(
    database: Database, now: datetime, papers: int
) -> None:
    with database.write() as session:
        bring(session, page(*(entry(n) for n in range(1, papers + 1)), day=FRIDAY), now)
    with database.write() as session, counted(session) as ran:
        found = editions.listed(session, FRIDAY, limit=30)
        assert len(found) == papers
        assert len([statement for statement in ran if "SELECT" in statement]) == 2


def test_a_day_is_found_by_indices(sqlite_url: str, now: datetime) -> None:
    database = Database(sqlite_url)
    with database.write() as session:
        bring(session, page(*(entry(n) for n in range(1, 5)), day=FRIDAY), now)
        with counted(session) as ran:
            editions.newest(session, before=SATURDAY)
            editions.listed(session, FRIDAY, limit=30)
            editions.counts(session, FRIDAY, FRIDAY)
    with database.engine.connect() as connection:
        for statement in ran:
            values = ("2026-11-20",) * statement.count("?")
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            scans = [row[3] for row in plan if row[3].startswith("SCAN")]
            assert all("anon" in scan for scan in scans), plan
            assert not [row for row in plan if "merged_into" in row[3]], plan
            assert not [row for row in plan if "ix_page_day (day=?)" in row[3]], plan
    database.close()


def test_pages_of_quarantine_bring_no_day(database: Database, now: datetime) -> None:
    with database.write() as session:
        bring(session, page(day=FRIDAY), now)
        assert session.get_one(Page, 1).day == FRIDAY
        assert editions.newest(session, before=SATURDAY) is None
