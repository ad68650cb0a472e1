"""Sources: one to a name, due in their turn, put off as long as they and their servers need."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from tasks.errors import LostLease, UnknownName, UsageError
from tasks.models import Source
from tasks.records import Fetched, RawPage, SourceKind
from tasks.store import pages, sources
from tasks.store.database import Database

HALF_HOUR = timedelta(minutes=30)


def add(session: Session, now: datetime, name: str = "daily", address: str = "") -> int:
    return sources.add(session, kind=SourceKind.HF, name=name, address=address, now=now)


def row(session: Session, name: str = "daily") -> Source:
    return session.exec(select(Source).where(Source.name == name)).one()


def take(session: Session, at: datetime) -> int:
    """Claim the one source that is due, as "me"; its id."""
    (taken,) = sources.claim(session, 1, 99, owner="me", at=at, now=at)
    return taken.id


# --- names and states ----------------------------------------------------------------------------
def test_a_new_source_is_due_at_once_and_as_often_as_its_kind(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        key = add(session, now, address="https://papers.example")
        assert sources.due(session, now, now) == [key]
        assert row(session).every_minutes == sources.EVERY_MINUTES[SourceKind.HF]
        assert sources.find(session, "daily").address == "https://papers.example"


def test_a_name_is_taken_until_its_source_is_removed(database: Database, now: datetime) -> None:
    with database.write() as session:
        add(session, now)
        with pytest.raises(UsageError, match="'daily' is there already: choose another --name"):
            add(session, now)
        sources.set_state(session, "daily", "paused")
        with pytest.raises(UsageError, match="is there already"):
            add(session, now)


def test_a_removed_name_comes_back_with_its_pages_and_without_its_past(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        key = add(session, now)
        pages.keep(session, key, RawPage(url="https://papers.example/1", body=b"x", fetched_at=now))
        take(session, now)
        outcome = Fetched(etag='"e"', last_modified="some day", notes=("half of it came",))
        sources.fetched(session, key, outcome, owner="me", at=now)
        sources.set_state(session, "daily", "removed")
        with pytest.raises(UnknownName, match="no source is named 'daily'"):
            sources.find(session, "daily")
        assert sources.rows(session) == []
    with database.write() as session:
        again = sources.add(
            session, kind=SourceKind.FEED, name="daily", address="https://other.example", now=now
        )
        assert again == key
        known = row(session)
        assert (known.kind, known.address, known.state) == (
            "feed",
            "https://other.example",
            "active",
        )
        assert (known.etag, known.last_modified, known.error) == ("", "", "")
        assert (known.attempts, known.next_attempt_at, known.every_minutes) == (0, None, 60)
        assert [found["pages"] for found in sources.rows(session)] == [1]


def test_a_paused_source_has_no_turn_and_a_resumed_one_has_it_at_once(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        key = add(session, now)
        take(session, now)
        sources.failed(session, key, "closed", owner="me", at=now, wait=None)
        sources.set_state(session, "daily", "paused")
        assert sources.due(session, now, now) == []
        assert sources.claim(session, 1, 99, owner="me", at=now, now=now) == []
        sources.set_state(session, "daily", "active")
        assert sources.due(session, now, now) == [key]
        assert row(session).attempts == 0


def test_a_name_that_nobody_has_is_answered_with_those_that_are(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        with pytest.raises(UnknownName, match=r"named 'weekly' \(known: none\)"):
            sources.set_state(session, "weekly", "paused")
        add(session, now)
        add(session, now, "gone")
        sources.set_state(session, "gone", "removed")
        for name in ("weekly", "gone"):
            with pytest.raises(UnknownName, match=rf"named '{name}' \(known: daily\)"):
                sources.set_state(session, name, "paused")


def test_the_source_of_pages_from_elsewhere_is_made_once_and_never_fetched(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        key = sources.internal(session, "saved", SourceKind.FOLDER, now)
    with database.write() as session:
        assert sources.internal(session, "saved", SourceKind.FOLDER, now) == key
        sources.wake(session)
        assert sources.due(session, now + timedelta(days=9), now) == []
        assert row(session, "saved").state == "paused"


# --- turns ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("wait", "pause"),
    [
        (None, HALF_HOUR),
        (timedelta(minutes=5), HALF_HOUR),
        (timedelta(hours=3), timedelta(hours=3)),
    ],
    ids=["no wish", "a short one", "a long one"],
)
def test_the_next_turn_comes_after_the_interval_or_the_servers_longer_wish(
    database: Database, now: datetime, wait: timedelta | None, pause: timedelta
) -> None:
    with database.write() as session:
        key = add(session, now)
        take(session, now)
        sources.fetched(session, key, Fetched(wait=wait), owner="me", at=now)
        assert row(session).next_attempt_at == now + pause
        early = now + pause - timedelta(seconds=1)
        assert sources.due(session, early, early) == []
        assert sources.due(session, now + pause, now + pause) == [key]


def test_a_good_turn_keeps_the_validators_and_the_notes(database: Database, now: datetime) -> None:
    with database.write() as session:
        key = add(session, now)
        take(session, now)
        outcome = Fetched(etag='"e"', last_modified="some day", notes=("one", "two"))
        sources.fetched(session, key, outcome, owner="me", at=now)
        take(session, now + HALF_HOUR)
        later = Fetched(not_modified=True)
        sources.fetched(session, key, later, owner="me", at=now + HALF_HOUR)
        known = row(session)
        assert (known.etag, known.last_modified, known.error) == ('"e"', "some day", "")
        assert (known.owner, known.lease_until, known.attempts) == ("", None, 0)
        assert sources.since(session, key) == now.date()


def test_a_bad_turn_is_put_off_twice_as_long_each_time_and_no_longer_than_a_day(
    database: Database, now: datetime
) -> None:
    pauses = []
    with database.write() as session:
        key, at = add(session, now), now
        for _ in range(9):
            take(session, at)
            sources.failed(session, key, "closed", owner="me", at=at, wait=None)
            due = row(session).next_attempt_at
            assert due is not None
            pauses.append(due - at)
            at = due
    assert pauses[:3] == [sources.RETRY_FIRST * n for n in (1, 2, 4)]
    assert pauses[-1] == sources.RETRY_MOST


def test_a_failing_source_is_left_alone_as_long_as_its_server_asks(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        key = add(session, now)
        take(session, now)
        wait = timedelta(hours=2)
        sources.failed(session, key, "429", owner="me", at=now, wait=wait)
        assert row(session).next_attempt_at == now + wait
        assert (row(session).error, row(session).fetched_at) == ("429", None)


def test_who_lost_the_source_may_not_end_its_turn(database: Database, now: datetime) -> None:
    with database.write() as session:
        key = add(session, now)
        take(session, now)
        with pytest.raises(LostLease, match="no longer owned by another"):
            sources.fetched(session, key, Fetched(), owner="another", at=now)
        with pytest.raises(LostLease, match="no longer owned by another"):
            sources.failed(session, key, "closed", owner="another", at=now, wait=None)
        assert sources.busy(session, now)


def test_a_round_that_is_asked_for_wakes_who_waits_but_not_who_fails_or_rests(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        keys = [add(session, now, name) for name in ("waits", "fails", "rests")]
        sources.claim(session, 1, 99, owner="me", at=now, now=now)
        sources.fetched(session, keys[0], Fetched(), owner="me", at=now)
        sources.failed(session, keys[1], "closed", owner="me", at=now, wait=None)
        sources.fetched(session, keys[2], Fetched(), owner="me", at=now)
        sources.set_state(session, "rests", "paused")
        assert sources.due(session, now, now) == []
        sources.wake(session)
        assert sources.due(session, now, now) == keys[:1]


def test_a_dated_source_is_asked_from_a_day_that_is_set(database: Database, now: datetime) -> None:
    with database.write() as session:
        key = add(session, now)
        assert sources.since(session, key) is None
        sources.ask_from(session, "daily", now.date() - timedelta(days=3))
        assert sources.since(session, key) == (now - timedelta(days=3)).date()


def test_a_day_that_did_not_come_is_asked_for_again(database: Database, now: datetime) -> None:
    gap = now.date() - timedelta(days=2)
    with database.write() as session:
        key = add(session, now)
        sources.claim(session, 1, 9, owner="me", at=now, now=now)
        sources.fetched(session, key, Fetched(missing_from=gap), owner="me", at=now)
    with database.write() as session:
        assert sources.since(session, key) == gap
        later = now + timedelta(hours=2)
        sources.claim(session, 1, 9, owner="me", at=later, now=later)
        sources.fetched(session, key, Fetched(), owner="me", at=later)
    with database.read() as session:
        assert sources.since(session, key) == later.date()
