"""Who owns a piece of work: one owner at a time, and a sleeper loses."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from papers import add_page, add_source
from sqlmodel import Session, col

from tasks.errors import LostLease
from tasks.models import Page
from tasks.store import claims, owners
from tasks.store.database import Database
from tasks.store.owners import fence, is_gone

LEASE = timedelta(minutes=1)


def take(session: Session, owner: str, now: datetime, limit: int = 1) -> list[int]:
    where = (col(Page.state) == "fetched",)
    return claims.claim(session, Page, where, owner=owner, now=now, lease=LEASE, limit=limit)


@pytest.fixture
def waiting(database: Database, now: datetime) -> list[int]:
    """Three pages that wait."""
    with database.write() as session:
        source = add_source(session, now)
        return [add_page(session, source, now, body) for body in (b"1", b"2", b"3")]


def test_a_claim_takes_the_oldest_and_counts_the_attempt(
    database: Database, waiting: list[int], now: datetime
) -> None:
    with database.write() as session:
        assert take(session, "a", now, limit=2) == waiting[:2]
        row = session.get_one(Page, waiting[0])
        assert (row.owner, row.attempts, row.lease_until) == ("a", 1, now + LEASE)


def test_nobody_takes_what_somebody_holds(
    database: Database, waiting: list[int], now: datetime
) -> None:
    with database.write() as session:
        take(session, "a", now, limit=3)
    with database.write() as session:
        assert take(session, "b", now) == []


def test_a_lease_that_ended_is_free_and_its_owner_may_write_no_more(
    database: Database, waiting: list[int], now: datetime
) -> None:
    later = now + LEASE + timedelta(seconds=1)
    with database.write() as session:
        take(session, "a", now)
        assert take(session, "b", later) == waiting[:1]
    with (
        database.write() as session,
        pytest.raises(LostLease, match="page 1 is no longer owned by a"),
    ):
        claims.finish(session, Page, waiting[0], owner="a", state="parsed")
    with database.write() as session:
        claims.finish(session, Page, waiting[0], owner="b", state="parsed")
        row = session.get_one(Page, waiting[0])
        assert (row.state, row.owner, row.lease_until) == ("parsed", "", None)


def test_work_that_ends_its_worker_every_time_is_not_given_out_for_ever(
    database: Database, waiting: list[int], now: datetime
) -> None:
    with database.write() as session:
        for attempt in range(claims.ATTEMPTS_MOST):
            moment = now + attempt * 2 * LEASE
            assert take(session, f"w{attempt}", moment) == waiting[:1]
        assert take(session, "last", moment + 2 * LEASE) == waiting[1:2]


def test_many_workers_at_once_share_the_work_and_none_is_done_twice(
    database: Database, waiting: list[int], now: datetime
) -> None:
    with database.write() as session:
        source = add_source(session, now, "more")
        for n in range(40):
            add_page(session, source, now, b"more %d" % n)

    def worker(number: int) -> list[int]:
        mine: list[int] = []
        while True:
            with database.write() as session:
                taken = take(session, f"w{number}", now, limit=3)
            if not taken:
                return mine
            mine += taken

    with ThreadPoolExecutor(4) as pool:
        found = [key for keys in pool.map(worker, range(4)) for key in keys]
    assert sorted(found) == list(range(1, 44))


def test_waits_double_up_to_a_most() -> None:
    first, most = timedelta(minutes=1), timedelta(minutes=10)
    waits = [claims.backoff(n, first=first, most=most) for n in (0, 1, 2, 3, 4, 5, 99)]
    assert [int(w.total_seconds() // 60) for w in waits] == [1, 1, 2, 4, 8, 10, 10]


def test_the_lease_of_a_process_that_is_gone_ends_at_once(
    database: Database, waiting: list[int], now: datetime
) -> None:
    words = "from tasks.store.owners import fence; print(fence())"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    ghost, alive = done.stdout.strip(), fence()
    with database.write() as session:
        take(session, ghost, now)
        take(session, alive, now)
        assert claims.release(session, now) == 1
        assert take(session, "next", now, limit=3) == [waiting[0], waiting[2]]


def test_who_is_alive_elsewhere_or_unreadable_is_left_alone() -> None:
    mine = fence()
    machine, process, token = mine.rsplit("/", 2)
    assert not is_gone(mine)
    assert not is_gone(f"elsewhere/1/{process}/{token}")
    assert not is_gone("")
    assert not is_gone("nonsense")
    number = process.partition("@")[0]
    assert is_gone(f"{machine}/{number}@12345/{token}"), (
        "the number came again, the process did not"
    )


def test_without_a_process_table_a_number_that_answers_is_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(owners.Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    monkeypatch.setattr(owners.Path, "exists", lambda _: False)
    mine = fence()
    assert not is_gone(mine)
    machine, _, token = mine.rsplit("/", 2)
    assert is_gone(f"{machine}/{2**22 + 1}@/{token}")
