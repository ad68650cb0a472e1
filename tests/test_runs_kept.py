"""Backlog runs as they are kept, on both databases: who waits for whom, and what goes after its time."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from tasks.models import Run, RunItem
from tasks.store import runs
from tasks.store.database import Database
from tasks.store.runs import KEPT_FOR

DAY = timedelta(days=1)
FIRST = date(2026, 10, 5)


def kept(session: Session, code: str, state: str, now: datetime, *, first: int = 0) -> int:
    """A run over three days in that state."""
    days = (FIRST + first * DAY, FIRST + (first + 2) * DAY)
    key = runs.add(session, code=code, by="ada", days=days, question={"code": code}, now=now)
    runs.note(session, key, now, state=state, world={"papers": {"1": "x"}})
    return key


def test_a_run_in_a_queue_waits_for_what_is_under_way_and_for_who_came_before(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        early = kept(session, "early", "queued", now)
        late = kept(session, "late", "queued", now, first=1)
        kept(session, "elsewhere", "running", now, first=9)
        kept(session, "done", "done", now)
        busy = kept(session, "busy", "paused", now, first=2)

    def ahead(key: int) -> list[str]:
        with database.read() as session:
            return [one.code for one in runs.ahead(session, runs.get(session, key))]

    assert ahead(early) == ["busy"]
    assert ahead(late) == ["early", "busy"]
    with database.write() as session:
        runs.note(session, busy, now, state="done")
    assert ahead(early) == []
    assert ahead(late) == ["early"]


def test_the_pieces_of_a_run_go_after_their_time_and_the_run_stays(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        for state in ("done", "running", "planned", "stale"):
            kept(session, state, state, now)
        assert runs.purge(session, now) == 0
    with database.write() as session:
        assert runs.purge(session, now + KEPT_FOR + DAY) == 2
        assert runs.purge(session, now + KEPT_FOR + DAY) == 0
    with database.read() as session:
        some = {run.code: run for run in session.exec(select(Run))}
        left = set(session.exec(select(col(RunItem.run_id))))
        assert {code for code, run in some.items() if run.world} == {"running", "planned"}
        assert left == {some[code].id for code in ("running", "planned")}


def test_what_is_asked_for_again_is_known_while_it_is_planned(
    database: Database, now: datetime
) -> None:
    with database.write() as session:
        key = kept(session, "one", "planning", now)
        assert runs.being_planned(session, "bo", {"code": "one"}) is None
        assert runs.being_planned(session, "ada", {"code": "two"}) is None
        found = runs.being_planned(session, "ada", {"code": "one"})
        assert found is not None
        assert found.id == key
        runs.note(session, key, now, state="planned")
        assert runs.being_planned(session, "ada", {"code": "one"}) is None


def test_those_under_way_are_told_the_newest_first(database: Database, now: datetime) -> None:
    with database.write() as session:
        for state in ("planning", "planned", "done", "running", "paused", "undone"):
            kept(session, state, state, now)
        assert [run.code for run in runs.under_way(session)] == ["paused", "running", "planning"]
