"""What a backlog run brings its readers: nothing, one mail, or picks of the next digest; no paper twice."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import backlogs
import pytest
from backlogs import DAY, FIRST, SECRET, Backlog, Clock, Sound, moment
from reading_mail import opened, titles
from sqlalchemy import update
from sqlmodel import col, select

from tasks import models
from tasks.errors import Conflict
from tasks.office import runs
from tasks.office.runs import Standing
from tasks.records import Reader, Ring, Step
from tasks.round.backlog.gaining import TOP
from tasks.round.backlog.question import Mail, Question, Stage
from tasks.round.backlog.working import step
from tasks.round.context import Context
from tasks.round.rendering import render
from tasks.round.scoring import score
from tasks.settings import Settings
from tasks.store import digests, migrate, profiles, readers, shards
from tasks.store.database import Database

DAYS = 4
LAST = FIRST + (DAYS - 1) * DAY
NOW = moment(FIRST + DAYS * DAY, 12)  # the day after: its digests went out in the morning
MISSED = 5  # the reader who waits for words of last sentences


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a world that a faulty parser has read, and one that a sound one has."""
    folder = tmp_path_factory.mktemp("lived")
    scorer: tuple[str, bytes] | None = None
    for name, parser in (("faulty", None), ("sound", Sound())):
        database = Database(f"sqlite:///{folder / name}.db")
        migrate.upgrade(database)
        lived = live(database, folder / name, parser)
        scorer = scored_alike(lived, scorer)
        database.close()
    return folder


def scored_alike(lived: Backlog, scorer: tuple[str, bytes] | None) -> tuple[str, bytes]:
    """Scores of two worlds can be compared where one scorer made them."""
    with lived.context.database.write() as session:
        if scorer is not None:
            version, data = scorer
            shards.save_model(session, version=version, papers=10**9, data=data, now=NOW)
        row = session.exec(select(models.ScorerModel).where(models.ScorerModel.data != b"")).one()
        found = row.version, row.data
    score(lived.context, 1, 1, NOW)
    return found


def live(database: Database, home: Path, parser: Any = None) -> Backlog:
    """Days of rounds, and the morning of the next, on which no page came."""
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    home.mkdir(exist_ok=True)
    lived = backlogs.lived(database, settings, days=DAYS, parser=parser)
    lived.round(moment(FIRST + DAYS * DAY, 7, 5))
    lived.read_by(Sound())
    lived.clock.moment = NOW
    return lived


@pytest.fixture
def lived(made: Path, tmp_path: Path) -> Iterator[Backlog]:
    """The faulty world, whose pages are read soundly from now on. Its mailbox is empty."""
    database = Database(f"sqlite:///{shutil.copy(made / 'faulty.db', tmp_path / 'lived.db')}")
    settings = Settings(home=tmp_path / "home", _env_file=None)  # type: ignore[call-arg]
    settings.home.mkdir()
    clock = Clock()
    clock.moment = NOW
    found = Backlog(Context(settings=settings, database=database, clock=clock), clock)
    found.days = [FIRST + number * DAY for number in range(DAYS)]
    found.readers = [1, 2, 3, 4, 5]
    found.read_by(Sound())
    yield found
    database.close()


def planned(
    lived: Backlog, mail: Mail, first: date = FIRST, last: date = LAST, **asked: Any
) -> Standing:
    code, _ = runs.plan(lived.context, Question(first=first, last=last, mail=mail, **asked), "ada")
    lived.round(lived.clock.moment)
    return runs.look(lived.context, code)


def started(lived: Backlog, code: str) -> Standing:
    runs.start(lived.context, code, "ada")
    lived.round(lived.clock.moment)
    return runs.look(lived.context, code)


def run(lived: Backlog, mail: Mail, **asked: Any) -> Standing:
    """Plan, do, and deliver whatever comes of it."""
    return started(lived, planned(lived, mail, **asked).code)


def mailbox(lived: Backlog) -> dict[str, list[list[str]]]:
    """The titles of each mail, by who got it."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    for path in sorted((lived.context.settings.home / "mailbox" / "new").glob("*")):
        mail = opened(path.read_bytes())
        found[str(mail["To"])].append(titles(mail))
    return dict(found)


def address(reader_id: int) -> str:
    return f"r{reader_id - 1}@readers.example"


def tops(database: Database) -> dict[tuple[int, date], set[str]]:
    """The titles of each reader's best papers of each day, by the scores that are kept."""
    found: dict[tuple[int, date], list[tuple[float, str]]] = defaultdict(list)
    with database.read() as session:
        kept = session.exec(
            select(models.Score, models.Entry, models.Profile)
            .join(models.Entry, models.Entry.id == models.Score.entry_id)  # type: ignore[arg-type]
            .join(models.Profile, models.Profile.id == models.Score.profile_id)  # type: ignore[arg-type]
        )
        for one, entry, profile in kept:
            assert entry.arrived_at
            if FIRST <= entry.arrived_at.date() <= LAST and one.value >= profile.line:
                found[one.reader_id, entry.arrived_at.date()].append((one.raw, entry.title))
    return {place: {t for _, t in sorted(some)[-TOP:]} for place, some in found.items()}


def missed(made: Path) -> set[int]:
    """Who would have had a top pick with the sound parser of which they got no word, whole or half."""
    worlds = [Database(f"sqlite:///{made / name}.db") for name in ("faulty", "sound")]
    had, better = (tops(database) for database in worlds)
    with worlds[0].read() as session:
        sent = session.exec(
            select(models.Pick.reader_id, models.Entry.title).join(models.Entry)  # type: ignore[arg-type]
        ).all()
    for database in worlds:
        database.close()
    return {
        reader_id
        for (reader_id, day), titles in better.items()
        for title in titles - had.get((reader_id, day), set())
        if not {(reader_id, title), (reader_id, half(title))} & {*sent}
    }


def half(title: str) -> str:
    """What the faulty parser calls a paper's second half."""
    return f"{title.rpartition(' for ')[2]}, continued"


def rows(lived: Backlog, model: Any) -> list[dict[str, Any]]:
    with lived.context.database.read() as session:
        return [row.model_dump() for row in session.exec(select(model).order_by(model.id))]


def no_paper_twice(lived: Backlog) -> bool:
    """No mail of a reader has a paper that another one has, by its title."""
    found = mailbox(lived)
    return all(count == 1 for some in found.values() for count in Counter(chain(*some)).values())


@pytest.mark.parametrize("mail", [Mail.ADDENDUM, Mail.NEXT])
def test_nobody_is_told_of_a_mend_that_could_not_be_made(lived: Backlog, mail: Mail) -> None:
    """A page of today that changes a paper between the last look and the work keeps it as it is."""
    code = planned(lived, mail).code
    runs.start(lived.context, code, "ada")
    step(lived.context, runs.look(lived.context, code).id, NOW)
    gains = gains_of(lived, MISSED)
    with lived.context.database.write() as session:
        changed = session.get_one(models.Entry, gains[0])
        changed.abstract += " It was read once more today."
    lived.round(NOW)
    assert len(runs.look(lived.context, code).report["conflicts"]) == 1
    with lived.context.database.read() as session:
        mailed = select(models.Pick.entry_id).join(models.Digest)
        mailed = mailed.where(col(models.Digest.addendum_of).is_not(None))
        carried = select(models.Carry.entry_id).where(models.Carry.reader_id == MISSED)
        told = {*session.exec(mailed), *session.exec(carried)}
    assert gains[0] not in told
    assert told >= set(gains[1:])


def gains_of(lived: Backlog, reader_id: int) -> list[int]:
    """The entries that a plan has for a reader."""
    with lived.context.database.read() as session:
        kept = select(models.RunItem.payload).where(models.RunItem.kind == "mails")
        every = [one for payload in session.exec(kept) for one in payload["readers"]]
    return [gain["entry"] for one in every if one["reader"] == reader_id for gain in one["gains"]]


# --- none ----------------------------------------------------------------------------------------
def test_a_silent_mend_mails_nobody_and_puts_nothing_before_anybody(lived: Backlog) -> None:
    tables = (models.Digest, models.Pick, models.Delivery)
    before = [rows(lived, table) for table in tables]
    done = run(lived, Mail.NONE)
    assert (done.state, done.report["papers"]["changed"], done.plan["mails"]) == ("done", 112, 0)
    assert done.plan["readers"]["gain"] == 1, "it says who would have gained all the same"
    assert [len(rows(lived, table)) for table in tables] == [len(some) for some in before]
    assert (mailbox(lived), carried(lived)) == ({}, [])


def carried(lived: Backlog) -> list[tuple[int, int]]:
    with lived.context.database.read() as session:
        return [*session.exec(select(models.Carry.reader_id, models.Carry.entry_id))]


# --- addendum ------------------------------------------------------------------------------------
def test_an_addendum_goes_once_to_those_alone_who_missed_a_top_pick(
    lived: Backlog, made: Path
) -> None:
    assert missed(made) == {MISSED}
    done = run(lived, Mail.ADDENDUM)
    assert (done.plan["mails"], done.report["mails"], done.mails) == (1, 1, {"sent": 1})
    assert mailbox(lived).keys() == {address(MISSED)}
    ((mailed,),) = mailbox(lived).values()
    secret = {row["title"] for row in rows(lived, models.Entry) if SECRET in row["abstract"]}
    assert (len(mailed), secret & {*mailed}) == (5, {*mailed}), "as many as the reader wants"


def test_a_silent_mend_of_old_days_reaches_no_digest(lived: Backlog) -> None:
    lived.clock.moment += 30 * DAY
    run(lived, Mail.NONE)
    lived.round(moment(lived.clock.moment.date() + DAY, 7, 5))
    assert mailbox(lived) == {}


def test_the_next_digest_brings_nothing_of_an_addendum_again(lived: Backlog) -> None:
    run(lived, Mail.ADDENDUM)
    for number in range(1, 4):
        lived.round(moment(FIRST + (DAYS + number) * DAY, 7, 5))
    assert no_paper_twice(lived)


@pytest.mark.parametrize("again", [Mail.ADDENDUM, Mail.NEXT])
def test_the_same_backlog_once_more_mails_nobody(lived: Backlog, again: Mail) -> None:
    run(lived, Mail.ADDENDUM)
    before = mailbox(lived)
    lived.clock.moment += DAY
    done = run(lived, again)
    assert (done.state, done.plan["readers"]["gain"], carried(lived)) == ("done", 0, [])
    lived.round(moment(FIRST + (DAYS + 2) * DAY, 7, 5))
    assert mailbox(lived)[address(MISSED)][:1] == before[address(MISSED)]
    assert no_paper_twice(lived)


def like_the_one_who_missed(lived: Backlog, name: str, since: datetime) -> int:
    """One more reader with the same profile."""
    with lived.context.database.write() as session:
        one = Reader(id=0, email=f"{name}@readers.example", about=4, most=5, explore=False)
        key = readers.add(session, one, next_digest_at=None, now=since)
        profiles.save(session, key, "papers", {"terms": [SECRET]}, since)
    return key


def test_who_is_away_gone_unconfirmed_or_came_later_gets_none(lived: Backlog) -> None:
    begin = moment(FIRST, 3)
    keys = {name: like_the_one_who_missed(lived, name, begin) for name in ("here", "away", "left")}
    keys["pending"] = like_the_one_who_missed(lived, "pending", begin)
    like_the_one_who_missed(lived, "late", NOW)
    with lived.context.database.write() as session:
        for name, state in (("away", "paused"), ("left", "unsubscribed"), ("pending", "pending")):
            values = {"state": state, "created_at": NOW if name == "pending" else begin}
            one = update(models.Reader).where(col(models.Reader.id) == keys[name])
            session.execute(one.values(values))
    done = run(lived, Mail.ADDENDUM)
    assert mailbox(lived).keys() == {address(MISSED), "here@readers.example"}
    assert done.report["mails"] == 2


@pytest.mark.parametrize("state", ["paused", "unsubscribed"])
def test_who_leaves_between_plan_and_run_gets_none(lived: Backlog, state: str) -> None:
    plan = planned(lived, Mail.ADDENDUM)
    runs.start(lived.context, plan.code, "ada")
    assert step(lived.context, plan.id, NOW), "the last look"
    with lived.context.database.write() as session:
        readers.set_state(session, address(MISSED), state)
    lived.round(NOW)
    done = runs.look(lived.context, plan.code)
    assert (done.state, done.report["mails"], mailbox(lived)) == ("done", 0, {})


def test_who_is_forgotten_between_plan_and_run_gets_none(lived: Backlog) -> None:
    plan = planned(lived, Mail.ADDENDUM)
    runs.start(lived.context, plan.code, "ada")
    assert step(lived.context, plan.id, NOW)
    with lived.context.database.write() as session:
        readers.remove(session, str(MISSED))
    lived.round(NOW)
    done = runs.look(lived.context, plan.code)
    assert (done.state, done.report["mails"], mailbox(lived)) == ("done", 0, {})


def gains(lived: Backlog, plan: Standing, reader_id: int = MISSED) -> set[int]:
    """What a reader would gain by a plan."""
    with lived.context.database.read() as session:
        found = session.exec(
            select(models.RunItem).where(
                models.RunItem.run_id == plan.id, models.RunItem.kind == "mails"
            )
        )
        return {
            gain["entry"]
            for row in found
            for one in row.payload["readers"]
            for gain in one["gains"]
            if one["reader"] == reader_id
        }


@pytest.mark.parametrize("how", ["sent", "said", "sent its other half"])
def test_who_knows_a_paper_already_is_not_told_of_it(lived: Backlog, how: str) -> None:
    plan = planned(lived, Mail.ADDENDUM)
    whole = min(gains(lived, plan))
    known = half_of(lived, whole) if how == "sent its other half" else whole
    with lived.context.database.write() as session:
        if how == "said":
            session.add(models.Feedback(reader_id=MISSED, entry_id=known, kind="hide", at=NOW))
        else:
            mine = select(models.Digest.id).where(models.Digest.reader_id == MISSED)
            pick: dict[str, Any] = {"digest_id": session.exec(mine).first(), "entry_id": known}
            session.add(models.Pick(reader_id=MISSED, place=1, value=0.5, raw=0.0, **pick))
    later = planned(lived, Mail.ADDENDUM)
    assert whole not in gains(lived, later)
    started(lived, later.code)
    titled = {row["id"]: row["title"] for row in rows(lived, models.Entry)}
    ((mailed,),) = mailbox(lived).values()
    assert titled[whole] not in mailed


def half_of(lived: Backlog, whole: int) -> int:
    """An entry that a faulty parser made of a part of a paper's second sentence."""
    with lived.context.database.write() as session:
        first = session.exec(select(models.Sighting).where(models.Sighting.entry_id == whole)).one()
        part = session.get_one(models.Entry, whole).abstract[60:140]
        row = models.Entry(title="A part", abstract=part, created_at=NOW, updated_at=NOW)
        session.add(row)
        session.flush()
        assert row.id
        session.add(models.Sighting(page_id=first.page_id, entry_id=row.id, rank=90))
        return row.id


def test_only_the_readers_asked_for_gain(lived: Backlog) -> None:
    like_the_one_who_missed(lived, "other", moment(FIRST, 3))
    done = run(lived, Mail.ADDENDUM, readers=(MISSED,))
    assert (done.report["mails"], mailbox(lived).keys()) == (1, {address(MISSED)})


def test_a_mail_that_was_not_written_yet_is_taken_back_by_undo_and_one_that_went_is_not(
    lived: Backlog,
) -> None:
    plan = planned(lived, Mail.ADDENDUM)
    runs.start(lived.context, plan.code, "ada")
    finish(lived, plan)
    assert runs.look(lived.context, plan.code).mails == {"composed": 1}
    sent = lived.sent()
    runs.undo(lived.context, plan.code, "ada")
    finish(lived, plan)
    lived.round(NOW)
    assert (mailbox(lived), len(sent) - len(lived.sent())) == ({}, 5)
    again = run(lived, Mail.ADDENDUM)
    assert (again.report["mails"], len(mailbox(lived)[address(MISSED)])) == (1, 1)
    runs.undo(lived.context, again.code, "ada")
    lived.round(NOW)
    assert len(lived.sent()) == len(sent)
    run(lived, Mail.ADDENDUM)
    assert no_paper_twice(lived)


@pytest.mark.parametrize("state", ["ready", "deferred", "dead", "expired"])
def test_a_mail_that_was_written_and_not_handed_over_is_taken_back_by_undo(
    lived: Backlog, state: str
) -> None:
    plan = planned(lived, Mail.ADDENDUM)
    runs.start(lived.context, plan.code, "ada")
    finish(lived, plan)
    digest = max(row["id"] for row in rows(lived, models.Digest))
    render(lived.context, digest, digest, NOW)
    with lived.context.database.write() as session:
        mine = update(models.Delivery).where(col(models.Delivery.digest_id) == digest)
        session.execute(mine.values(state=state))
    runs.undo(lived.context, plan.code, "ada")
    finish(lived, plan)
    lived.round(NOW)
    assert (mailbox(lived), runs.look(lived.context, plan.code).mails) == ({}, {"dropped": 1})
    assert not any(row["digest_id"] == digest for row in rows(lived, models.Pick))


def finish(lived: Backlog, plan: Standing) -> None:
    """Do all of a run, and nothing of today's round."""
    while step(lived.context, plan.id, NOW, aside=False):
        pass


# --- next ----------------------------------------------------------------------------------------
def test_the_next_digest_brings_what_was_missed_once(lived: Backlog) -> None:
    lived.clock.moment += 30 * DAY  # what was missed is no news any more
    done = run(lived, Mail.NEXT)
    assert (done.report["carried"], done.plan["mails"]) == (5, 0)
    titled = {row["id"]: row["title"] for row in rows(lived, models.Entry)}
    due = {titled[entry] for _, entry in carried(lived)}
    before = mailbox(lived)
    for number in range(1, 4):
        lived.round(moment(lived.clock.moment.date() + DAY, 7, 5))
        assert len(mailbox(lived).get(address(MISSED), [])) == 1, f"digest {number}"
    ((mailed,),) = mailbox(lived).values()
    assert ({*mailed}, before) == (due, {})
    assert no_paper_twice(lived)


def test_what_is_to_come_in_the_next_digest_is_taken_back_by_undo(lived: Backlog) -> None:
    done = run(lived, Mail.NEXT)
    assert len(carried(lived)) == 5
    runs.undo(lived.context, done.code, "ada")
    lived.round(NOW)
    assert carried(lived) == []


# --- several runs --------------------------------------------------------------------------------
def test_two_runs_over_other_days_that_tell_of_one_paper_mail_it_once(lived: Backlog) -> None:
    lived.bring(LAST, backlogs.body_of(FIRST))  # the first day's papers once more
    lived.round(NOW)
    plans = [
        planned(lived, Mail.ADDENDUM, FIRST, FIRST),
        planned(lived, Mail.ADDENDUM, LAST, LAST),
    ]
    assert gains(lived, plans[0]) & gains(lived, plans[1])
    for plan in plans:
        runs.start(lived.context, plan.code, "ada")
    for _ in range(40):  # in turns, so that both have looked before either has changed anything
        for plan in plans:
            step(lived.context, plan.id, NOW)
    lived.round(NOW)
    assert {runs.look(lived.context, plan.code).state for plan in plans} == {"done"}
    assert no_paper_twice(lived)
    pairs = [(row["reader_id"], row["entry_id"]) for row in rows(lived, models.Pick)]
    assert len(pairs) == len(set(pairs))


def test_a_day_may_have_a_digest_and_an_addendum_and_neither_twice(lived: Backlog) -> None:
    run(lived, Mail.ADDENDUM)
    days = Counter((row["reader_id"], row["day"]) for row in rows(lived, models.Digest))
    assert days[MISSED, NOW.date()] == 2
    lived.round(NOW)
    lived.round(moment(NOW.date(), 20))
    again = Counter((row["reader_id"], row["day"]) for row in rows(lived, models.Digest))
    assert again == days


def test_a_reader_who_saves_a_profile_makes_a_plan_stale_where_it_changes_what_they_gain(
    lived: Backlog,
) -> None:
    plan = planned(lived, Mail.ADDENDUM)
    with lived.context.database.write() as session:
        profiles.save(session, MISSED, "papers", {"terms": ["tidal energy"]}, NOW)
    refused = started(lived, plan.code)
    assert (refused.state, mailbox(lived)) == ("stale", {})
    assert refused.changed == (f"reader {MISSED} would not be changed any more",)


# --- from a later step on ------------------------------------------------------------------------
def test_scoring_again_brings_what_a_changed_profile_wants(lived: Backlog) -> None:
    run(lived, Mail.NONE)
    assert run(lived, Mail.ADDENDUM, stage=Stage.SCORE).plan["readers"]["gain"] in (0, 1)
    before = len(mailbox(lived).get(address(1), []))
    with lived.context.database.write() as session:
        profiles.save(session, 1, "papers", {"phrases": ["protein folding"]}, NOW)
    lived.clock.moment += 20 * DAY  # no news any more
    done = run(lived, Mail.ADDENDUM, stage=Stage.SCORE)
    assert (done.state, done.plan["work"].keys()) == ("done", {"scores", "mails"})
    assert len(mailbox(lived)[address(1)]) == before + 1
    assert all("Protein" in t or "Fold" in t for t in mailbox(lived)[address(1)][-1][:1])
    with pytest.raises(Conflict, match="there is nothing to put back"):
        runs.undo(lived.context, done.code, "ada")


def test_composing_again_brings_the_papers_of_digests_that_died(lived: Backlog) -> None:
    asked: dict[str, Any] = {"first": FIRST - 7 * DAY, "stage": Stage.COMPOSE, "readers": (2,)}
    with lived.context.database.write() as session:
        readers.change(session, 2, most=50)
    before = gains(lived, planned(lived, Mail.ADDENDUM, **asked), 2)
    with lived.context.database.write() as session:
        mine = select(models.Digest).where(models.Digest.reader_id == 2)
        row = session.exec(mine.where(models.Digest.day == FIRST + DAY)).one()
        lost = session.exec(select(models.Pick).where(models.Pick.digest_id == row.id)).all()
        papers = {pick.entry_id for pick in lost}
        row.state = "dead"
        digests.free_papers(session, [row.id or 0])
    plan = planned(lived, Mail.ADDENDUM, **asked)
    assert set(plan.plan["work"]) == {"mails"}
    wanted = gains(lived, plan, 2)
    assert before < wanted <= before | papers
    assert started(lived, plan.code).state == "done"
    assert mailbox(lived).keys() == {address(2)}
    assert {entry for reader, entry in lived.sent() if reader == 2} >= wanted


def test_composing_days_again_that_went_well_brings_nobody_anything(lived: Backlog) -> None:
    done = run(lived, Mail.ADDENDUM, stage=Stage.COMPOSE, readers=(1, 2, 3, 4))
    assert (done.plan["readers"]["gain"], mailbox(lived)) == (0, {})


# --- both databases ------------------------------------------------------------------------------
def test_on_each_database_the_same_readers_get_the_same_mail(
    database: Database, tmp_path: Path, lived: Backlog
) -> None:
    run(lived, Mail.ADDENDUM)
    other = live(database, tmp_path / "other")
    shutil.rmtree(tmp_path / "other" / "mailbox")
    run(other, Mail.ADDENDUM)
    assert mailbox(other) == mailbox(lived)
    assert other.told() == lived.told()


def test_a_run_rings_for_its_mails(lived: Backlog) -> None:
    plan = planned(lived, Mail.ADDENDUM)
    rings = runs.start(lived.context, plan.code, "ada")
    assert rings == [Ring(Step.BACKLOG, plan.id, plan.id)]
