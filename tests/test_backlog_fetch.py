"""Days that a source did not bring are asked for again by a backlog run, from a local stand-in for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import backlogs
import pytest
from backlogs import DAY, FIRST, Backlog, Clock, Sound, body_of, moment
from sqlmodel import col, select, update
from web_server import Site, reply

from tasks import models
from tasks.errors import Conflict
from tasks.office import runs
from tasks.office.runs import Standing
from tasks.round.backlog.question import Mail, Question, Stage
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store import migrate
from tasks.store.database import Database

GAP = [FIRST + number * DAY for number in (1, 2, 3)]
READER = 1


@pytest.fixture
def site() -> Iterator[Site]:
    """The daily list, which answers nothing yet."""
    with Site() as site:
        yield site


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a week, a first day, and three days on which the source did not answer."""
    folder = tmp_path_factory.mktemp("gap")
    database = Database(f"sqlite:///{folder / 'gap.db'}")
    migrate.upgrade(database)
    live(database, folder)
    database.close()
    return folder / "gap.db"


def live(database: Database, home: Path) -> Backlog:
    settings = Settings(home=home, allow_private=True, _env_file=None)  # type: ignore[call-arg]
    home.mkdir(exist_ok=True)
    found = backlogs.lived(database, settings, days=1, parser=Sound())
    for day in GAP:
        found.round(moment(day, 7, 5))
    found.clock.moment = moment(GAP[-1], 12)
    return found


@pytest.fixture
def lived(made: Path, tmp_path: Path, site: Site) -> Iterator[Backlog]:
    """The same, its source being at the site."""
    database = Database(f"sqlite:///{shutil.copy(made, tmp_path / 'lived.db')}")
    settings = Settings(home=tmp_path, allow_private=True, _env_file=None)  # type: ignore[call-arg]
    clock = Clock()
    clock.moment = moment(GAP[-1], 12)
    found = Backlog(Context(settings=settings, database=database, clock=clock), clock)
    found.read_by(Sound())
    ask(found, site)
    yield found
    database.close()


def ask(lived: Backlog, site: Site) -> None:
    """The source is at the site."""
    with lived.context.database.write() as session:
        one = update(models.Source).where(col(models.Source.name) == "daily")
        session.execute(one.values(address=site.url))


def path(day: date) -> str:
    return f"/api/daily_papers?date={day}&limit=100&p=0"


def come_back(site: Site, *days: date) -> None:
    """The source answers for these days."""
    for day in days:
        site.scripts[path(day)] = reply(200, body_of(day), Content_Type="application/json")


def planned(lived: Backlog, first: date = FIRST, last: date = GAP[-1], **asked: Any) -> Standing:
    asked = {"stage": Stage.FETCH, "mail": Mail.NEXT, "sources": ("daily",)} | asked
    code, _ = runs.plan(lived.context, Question(first=first, last=last, **asked), "ada")
    lived.round(lived.clock.moment)
    return runs.look(lived.context, code)


def fetched(lived: Backlog, **asked: Any) -> Standing:
    plan = planned(lived, **asked)
    runs.start(lived.context, plan.code, "ada")
    lived.round(lived.clock.moment)
    return runs.look(lived.context, plan.code)


def mails(lived: Backlog) -> list[date]:
    """The days of the digests with picks that the first reader got."""
    with lived.context.database.read() as session:
        rows = select(models.Digest.day).where(
            models.Digest.reader_id == READER, models.Digest.state == "rendered"
        )
        return sorted(session.exec(rows))


def arrived(lived: Backlog, day: date) -> set[datetime | None]:
    """When the papers of a day were news."""
    with lived.context.database.read() as session:
        rows = (
            select(models.Entry.arrived_at)
            .join(models.Sighting)
            .join(models.Page)
            .where(models.Page.day == day)
        )
        return {*session.exec(rows)}


def test_the_days_that_did_not_come_are_brought_in_and_each_reader_gets_one_digest_over_them(
    database: Database, tmp_path: Path, site: Site
) -> None:
    lived = live(database, tmp_path / "home")
    ask(lived, site)
    before = mails(lived)
    come_back(site, *GAP)
    plan = planned(lived)
    assert [one["day"] for one in plan.plan["fetch"]] == [str(day) for day in GAP]
    assert (site.paths, plan.plan["work"]) == ([], {"fetch": 3}), "a plan asks nobody"
    runs.start(lived.context, plan.code, "ada")
    lived.round(lived.clock.moment)
    done = runs.look(lived.context, plan.code)
    assert (done.state, done.report["failed"]) == ("done", [])
    assert done.report["fetched"] == {"pages": 3, "new": 84, "merged": 0, "quarantined": 0}
    assert len(lived.told()) == 8 * 28 + 84
    for number in (1, 2):
        lived.round(moment(GAP[-1] + number * DAY, 7, 5))
    assert mails(lived)[len(before) :][:1] == [GAP[-1] + DAY]
    pairs = [row for row in lived.sent() if row[0] == READER]
    assert len(pairs) == len(set(pairs))
    assert planned(lived).plan["work"] == {}, "nothing is missing any more"


def test_days_that_came_are_asked_for_again_only_where_that_was_asked(
    lived: Backlog, site: Site
) -> None:
    come_back(site, FIRST, *GAP)
    assert planned(lived, last=FIRST).plan["work"] == {}
    done = fetched(lived, last=FIRST, again=True)
    assert site.paths == [path(FIRST)]
    assert done.report["fetched"] == {"pages": 1, "new": 0, "merged": 28, "quarantined": 0}
    assert len(lived.told()) == 8 * 28


def test_a_day_that_still_does_not_come_has_failed_and_can_be_asked_for_again(
    lived: Backlog, site: Site
) -> None:
    come_back(site, GAP[0], GAP[2])
    site.scripts[path(GAP[1])] = reply(503)
    plan = planned(lived)
    runs.start(lived.context, plan.code, "ada")
    for _ in range(8):
        lived.round(lived.clock.moment)
        lived.clock.moment += timedelta(minutes=6)
    done = runs.look(lived.context, plan.code)
    assert (done.state, len(done.report["failed"]), done.progress.failed) == ("done", 1, 1)
    assert "503" in done.errors[0][1] or "404" in done.errors[0][1]
    assert done.report["fetched"]["pages"] == 2
    come_back(site, GAP[1])
    runs.again(lived.context, plan.code, "ada")
    lived.round(lived.clock.moment)
    done = runs.look(lived.context, plan.code)
    assert (done.state, done.report["failed"], done.report["fetched"]["pages"]) == ("done", [], 3)


@pytest.mark.parametrize(("mail", "is_news"), [(Mail.NEXT, True), (Mail.NONE, False)])
def test_old_days_are_news_only_where_they_are_to_come_in_the_next_digest(
    lived: Backlog, site: Site, mail: Mail, is_news: bool
) -> None:
    come_back(site, *GAP)
    lived.clock.moment += 30 * DAY
    fetched(lived, mail=mail)
    assert arrived(lived, GAP[0]) == {lived.clock.moment if is_news else None}


def test_a_plan_is_refused_where_a_day_has_come_meanwhile(lived: Backlog, site: Site) -> None:
    come_back(site, *GAP)
    plan = planned(lived)
    lived.bring(GAP[1])
    lived.round(lived.clock.moment)
    runs.start(lived.context, plan.code, "ada")
    lived.round(lived.clock.moment)
    stale = runs.look(lived.context, plan.code)
    assert (stale.state, stale.changed) == ("stale", (f"daily has {GAP[1]} by now",))
    assert site.paths == []


def test_what_cannot_be_read_is_kept_and_counted(lived: Backlog, site: Site) -> None:
    come_back(site, *GAP)
    site.scripts[path(GAP[1])] = reply(200, b'[{"paper": {}}, 7]', Content_Type="application/json")
    done = fetched(lived)
    assert (done.state, done.report["fetched"]["pages"]) == ("done", 3)
    assert done.report["fetched"]["new"] == 56


def test_what_was_fetched_cannot_be_undone(lived: Backlog, site: Site) -> None:
    come_back(site, *GAP)
    done = fetched(lived)
    assert done.may == ()
    with pytest.raises(Conflict, match="what was fetched or scored is kept"):
        runs.undo(lived.context, done.code, "ada")
