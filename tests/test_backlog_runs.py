"""What can be done with a backlog run: pause, cancel, run again, queue, undo; and when it refuses."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from misread import DAY, FIRST, LAST, World, cut, halves, nameless, paper, sound, spoiled
from papers import add_reader
from sqlmodel import Session, select, update

from tasks import models
from tasks.errors import Conflict
from tasks.office import runs
from tasks.records import Message, ParsedEntry, ParsedPage, RawPage
from tasks.round.backlog import working
from tasks.round.backlog.question import Question
from tasks.round.delivering import DOOR
from tasks.settings import Settings
from tasks.store import deliveries, pages, sources, watch
from tasks.store import runs as stored
from tasks.store.database import Database

ONE, TWO, THREE, FOUR = (paper(number) for number in range(1, 5))
NEWER = replace(TWO, arxiv_version=2, abstract=f"{TWO.abstract} Now with a proof.")
PIECES = 4  # of the run over the three days: what is to be noted of the pages, and the papers of each day


def wrong(found: list[ParsedEntry]) -> list[ParsedEntry]:
    """The first paper is dropped, the others have no last sentence, and what is nameless is in two."""
    more = [halves(one)[1] for one in found if one.arxiv_id is None]
    return [cut(one) for one in found[1:]] + more


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    """Three days that were misread, and are read soundly from now on."""
    settings = Settings(home=tmp_path / "home", _env_file=None)  # type: ignore[call-arg]
    made = World(database, settings, spoiled(wrong))
    made.bring(FIRST, [ONE, TWO, nameless(5)])
    made.bring(FIRST + DAY, [THREE, TWO, nameless(6)])
    made.bring(FIRST + 2 * DAY, [FOUR, nameless(7), nameless(8)])
    return made


def begun(world: World, pieces: int) -> str:
    """A run of which so many pieces are done."""
    code = world.plan().code
    runs.start(world.context, code, "ada")
    for _ in range(pieces + 1):  # and the last look before
        assert step(world, code)
    return code


def step(world: World, code: str) -> bool:
    return working.step(world.context, runs.look(world.context, code).id, world.clock())


def mended(world: World, tmp_path: Path, migrated: Path) -> bool:
    """Whether the world is as a sound parser would have made it."""
    path = tmp_path / "sound.db"
    path.write_bytes(migrated.read_bytes())
    database = Database(f"sqlite:///{path}")
    settings = Settings(home=tmp_path / "sound", _env_file=None)  # type: ignore[call-arg]
    other = World(database, settings, sound)
    other.bring(FIRST, [ONE, TWO, nameless(5)])
    other.bring(FIRST + DAY, [THREE, TWO, nameless(6)])
    other.bring(FIRST + 2 * DAY, [FOUR, nameless(7), nameless(8)])
    known = other.known()
    database.close()
    return world.known() == known


def test_a_process_is_at_one_piece_at_a_time_and_rings_for_who_found_it_busy(
    world: World,
) -> None:
    first = runs.look(world.context, begun(world, 1))
    with working.BUSY:
        assert working.backlog(world.context, first.id, first.id, world.clock()) == []
    assert runs.look(world.context, first.code).progress == first.progress
    _, (ring,) = runs.plan(world.context, Question(first=FIRST, last=FIRST), "bo")
    assert working.backlog(world.context, first.id, first.id, world.clock()) == [ring]
    assert runs.look(world.context, first.code).state == "done"


def test_a_paused_run_does_nothing_until_it_is_resumed(
    world: World, tmp_path: Path, migrated_file: Path
) -> None:
    code = begun(world, 2)
    runs.pause(world.context, code, "ada")
    before = world.rows()
    world.work()
    stands = runs.look(world.context, code)
    done = stands.progress.done
    assert (world.rows(), stands.state, done > 0) == (before, "paused", True)
    assert stands.may == ("resume", "cancel", "stop")
    world.clock.moment += timedelta(hours=9)
    runs.resume(world.context, code, "ada")
    assert runs.look(world.context, code).progress.rate is None
    world.clock.moment += timedelta(seconds=10)
    step(world, code)
    stands = runs.look(world.context, code)
    speed = (stands.progress.done - done) / 10
    assert stands.progress.rate == pytest.approx(speed)
    left = stands.progress.total - stands.progress.done
    assert stands.progress.eta == world.clock() + timedelta(seconds=left / speed)
    world.work()
    assert runs.look(world.context, code).state == "done"
    assert mended(world, tmp_path, migrated_file)


def test_a_cancelled_run_begins_no_more_and_can_be_run_again(
    world: World, tmp_path: Path, migrated_file: Path
) -> None:
    code = begun(world, 2)
    before = world.rows()
    runs.cancel(world.context, code, "ada")
    world.work()
    cancelled = runs.look(world.context, code)
    assert (world.rows(), cancelled.state) == (before, "cancelled")
    assert cancelled.report["failed"] == ["papers: cancelled"] * (PIECES - 2)
    missing = [row["not_done"] for row in cancelled.report["days"]]
    assert (missing[0], all(missing[1:])) == (0, True)
    assert not mended(world, tmp_path, migrated_file)
    runs.again(world.context, code, "ada")
    world.work()
    done = runs.look(world.context, code)
    assert (done.state, done.report["failed"], done.report["conflicts"]) == ("done", [], [])
    assert done.report["papers"] == done.plan["papers"]
    assert mended(world, tmp_path, migrated_file)


def test_a_stop_and_who_takes_a_piece_wait_for_each_other_in_one_order(world: World) -> None:
    """Otherwise PostgreSQL would end one of the two, as it ends every deadlock."""
    run = runs.look(world.context, begun(world, 1))
    with ThreadPoolExecutor(1) as pool:
        with world.context.database.write() as session:
            mine = (models.RunItem.run_id == run.id, models.RunItem.state == "waiting")
            session.execute(update(models.RunItem).where(*mine).values(owner="another"))
            stopped = pool.submit(runs.cancel, world.context, run.code, "ada", stop=True)
            wait([stopped], 1)
            stored.note(session, run.id, world.clock())
        stopped.result(60)
    ended = runs.look(world.context, run.code)
    assert (ended.state, ended.progress.under_way) == ("cancelled", 0)
    assert ended.progress.cancelled == ended.progress.total - ended.progress.done


@pytest.mark.parametrize("stop", [False, True])
def test_a_piece_under_way_is_finished_at_a_cancel_and_given_up_at_a_stop(
    world: World, stop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = begun(world, 1)
    before = world.rows()

    def meanwhile(name: str) -> None:
        if name == "backlog.claimed":
            runs.cancel(world.context, code, "ada", stop=stop)

    monkeypatch.setattr(working, "failpoint", meanwhile)
    assert step(world, code)
    monkeypatch.undo()
    assert (world.rows() == before) is stop
    world.work()
    cancelled = runs.look(world.context, code)
    sizes = {(one.kind, one.state): one.items for one in cancelled.tallies}
    assert sizes["papers", "cancelled"] == (3 if stop else 2)
    assert cancelled.state == "cancelled"
    assert sum(cancelled.report["papers"].values()) > 0 or stop


def test_a_run_is_undone_to_the_rows_that_were(world: World) -> None:
    before = world.rows()
    done = world.mend()
    assert done.report["papers"] == {"added": 3, "changed": 5, "split": 0, "merged": 4, "gone": 0}
    assert done.may == ("undo",)
    runs.undo(world.context, done.code, "ada")
    world.work()
    undone = runs.look(world.context, done.code)
    after = world.rows()
    added = {key for key in after["entries"] if key not in before["entries"]}
    assert (undone.state, undone.may, len(added)) == ("undone", (), 3)
    assert all(after["entries"].pop(key)[0]["withdrawn"] for key in added)
    assert after == before


def test_what_was_undone_can_be_mended_again(
    world: World, tmp_path: Path, migrated_file: Path
) -> None:
    runs.undo(world.context, world.mend().code, "ada")
    world.work()
    again = world.mend()
    assert (again.state, again.report["conflicts"]) == ("done", [])
    assert mended(world, tmp_path, migrated_file)


def test_a_paper_whose_adding_was_undone_comes_with_its_next_page(world: World) -> None:
    runs.undo(world.context, world.mend().code, "ada")
    world.work()
    world.read_by(sound)
    world.bring(LAST, [ONE])
    with world.context.database.read() as session:
        rows = session.exec(select(models.Entry).where(models.Entry.arxiv_id == ONE.arxiv_id))
        assert [(row.title, row.withdrawn) for row in rows] == [(ONE.title, False)]


def test_half_a_run_is_undone_too(world: World) -> None:
    before = world.rows()
    code = begun(world, 2)
    runs.cancel(world.context, code, "ada")
    assert world.rows() != before
    runs.undo(world.context, code, "ada")
    world.work()
    after = world.rows()
    for key in after["entries"].keys() - before["entries"].keys():
        del after["entries"][key]
    assert after == before


def test_undo_leaves_what_was_changed_since_and_says_so(world: World) -> None:
    before = world.rows()
    done = world.mend()
    world.read_by(sound)
    world.bring(LAST, [NEWER])
    changed = next(key for key, told in before["entries"].items() if told[0]["title"] == TWO.title)
    mended = world.rows()["entries"]
    runs.undo(world.context, done.code, "ada")
    world.work()
    after = world.rows()["entries"]
    assert after[changed] == mended[changed]
    others = before["entries"].keys() - {changed}
    assert {key: after[key] for key in others} == {key: before["entries"][key] for key in others}
    report = runs.look(world.context, done.code).report
    assert report["undo_conflicts"] == [
        f"paper {changed} was changed again since: it stays as it is"
    ]


def test_two_runs_over_the_same_days_are_not_under_way_at_once(world: World) -> None:
    second = world.plan(FIRST + DAY, LAST).code
    first = begun(world, 1)
    with pytest.raises(Conflict, match=f"{first} is running over some of these days"):
        runs.start(world.context, second, "bo")
    assert runs.look(world.context, second).state == "planned"
    runs.start(world.context, second, "bo", queue=True)
    assert not step(world, second)
    assert runs.look(world.context, second).state == "queued"
    world.work()
    world.work()
    assert runs.look(world.context, first).state == "done"
    late = runs.look(world.context, second)
    assert late.state == "stale"
    assert any("would not be changed any more" in words for words in late.changed)


def test_a_queued_run_is_done_where_the_first_left_all_as_it_was(
    world: World, tmp_path: Path, migrated_file: Path
) -> None:
    first, second = world.plan(), world.plan()
    runs.start(world.context, first.code, "ada")
    runs.start(world.context, second.code, "bo", queue=True)
    assert step(world, first.code)
    runs.cancel(world.context, first.code, "ada")
    world.work()
    assert runs.look(world.context, second.code).state == "done"
    assert mended(world, tmp_path, migrated_file)


def test_runs_over_other_days_do_not_wait_for_each_other(world: World) -> None:
    first = world.plan(FIRST, FIRST).code
    second = world.plan(FIRST + 2 * DAY, LAST).code
    runs.start(world.context, first, "ada")
    runs.start(world.context, second, "ada")
    world.work()
    assert [runs.look(world.context, code).state for code in (first, second)] == ["done"] * 2


def a_page_comes(world: World) -> None:
    world.bring(FIRST + DAY, [FOUR])


def an_entry_changes(world: World) -> None:
    world.bring(LAST, [NEWER])


def somebody_mends_it(world: World) -> None:
    world.start(world.plan().code)


@pytest.mark.parametrize(
    ("happens", "sentence"),
    [
        (a_page_comes, "a page has come: daily 2026-10-06, fetched 2026-10-06 06:00 (page 4)"),
        (an_entry_changes, "paper 1 would be changed in another way"),
        (somebody_mends_it, "paper 1 would not be changed any more"),
    ],
)
def test_a_plan_is_refused_once_the_world_has_changed(
    world: World, happens: Callable[[World], None], sentence: str
) -> None:
    code = world.plan().code
    happens(world)
    before = world.rows()
    refused = world.start(code)
    assert (refused.state, world.rows()) == ("stale", before)
    assert sentence in refused.changed
    assert refused.error.startswith("the world has changed since this was planned: ")
    assert refused.may == ("drop",)


def test_an_error_that_quotes_an_address_is_told_without_it(world: World) -> None:
    code = begun(world, 1)
    with world.context.database.write() as session:
        item = session.exec(select(models.RunItem).where(models.RunItem.state == "waiting")).first()
        run = session.exec(select(models.Run)).one()
        assert item is not None
        item.state = "failed"
        item.error = run.error = "ada@readers.example is no address"
    told = runs.look(world.context, code)
    assert told.error == "[address] is no address"
    assert told.errors == ((item.kind, told.error),)


def test_a_change_between_the_last_look_and_the_work_is_told_and_hurts_nobody(world: World) -> None:
    code = begun(world, 1)
    world.bring(LAST, [NEWER])
    kept = world.known()["papers"]
    world.work()
    done = runs.look(world.context, code)
    assert (done.state, len(done.report["conflicts"])) == ("done", 1)
    assert "is not what the plan saw: it was changed meanwhile" in done.report["conflicts"][0]
    assert [told for told in world.known()["papers"] if '"Paper 2 on' in told[0]] == [
        told for told in kept if '"Paper 2 on' in told[0]
    ]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (runs.pause, "it cannot pause now"),
        (runs.resume, "it cannot resume now"),
        (runs.cancel, "there is nothing to cancel"),
        (runs.again, "only an ended run can be run again"),
        (runs.undo, "only an ended run can be undone"),
    ],
)
def test_what_cannot_be_done_now_is_refused(
    world: World, act: Callable[..., object], words: str
) -> None:
    code = world.plan().code
    with pytest.raises(Conflict, match=f"run {code} is planned: {words}"):
        act(world.context, code, "ada")


def test_nothing_is_run_again_where_nothing_failed(world: World) -> None:
    done = world.mend()
    with pytest.raises(Conflict, match="has nothing that failed or was cancelled"):
        runs.again(world.context, done.code, "ada")
    with pytest.raises(Conflict, match="only a plan can be started"):
        runs.start(world.context, done.code, "ada")


def test_who_did_what_is_written_down(world: World) -> None:
    code = begun(world, 1)
    runs.pause(world.context, code, "ada")
    runs.resume(world.context, code, "bo")
    runs.cancel(world.context, code, "ada", stop=True)
    runs.again(world.context, code, "ada")
    world.work()
    runs.undo(world.context, code, "cy")
    with world.context.database.read() as session:
        rows = session.exec(select(models.Audit).order_by(models.Audit.id))  # type: ignore[arg-type]
        done = [(row.who, row.action) for row in rows if row.subject == f"run {code}"]
    assert done == [
        ("ada", "backlog run planned"),
        ("ada", "backlog run started"),
        ("ada", "backlog run paused"),
        ("bo", "backlog run resumed"),
        ("ada", "backlog run cancelled"),
        ("ada", "backlog run begun again"),
        ("cy", "backlog run undone"),
    ]


def a_source_is_due(session: Session, now: datetime) -> None:
    sources.set_state(session, "daily", "active")


def a_page_waits(session: Session, now: datetime) -> None:
    raw = RawPage(url="https://papers.example/new", body=b"new", fetched_at=now)
    pages.keep(session, sources.find(session, "daily").id, raw)


def a_shard_lags(session: Session, now: datetime) -> None:
    add_reader(session, now)


def a_digest(session: Session, now: datetime, state: str) -> models.Digest:
    key = add_reader(session, now)
    session.execute(update(models.Shard).values(scored=10**6))
    row = models.Digest(reader_id=key, day=FIRST, due_at=now, planned_at=now, state=state)
    session.add(row)
    session.flush()
    return row


def a_digest_is_planned(session: Session, now: datetime) -> None:
    a_digest(session, now, "planned")


def a_digest_is_to_be_written(session: Session, now: datetime) -> None:
    a_digest(session, now, "composed")


def a_mail_is_ready(session: Session, now: datetime) -> None:
    digest = a_digest(session, now, "rendered")
    message = Message(
        key="k", message_id="<k@x.example>", sender="a@x.example", recipient="b@x.example", body=b""
    )
    deliveries.add(session, digest.id or 0, digest.reader_id, message, now)


@pytest.mark.parametrize(
    "happens",
    [
        a_source_is_due,
        a_page_waits,
        a_shard_lags,
        a_digest_is_planned,
        a_digest_is_to_be_written,
        a_mail_is_ready,
    ],
)
def test_no_piece_is_begun_while_todays_round_has_something_to_do(
    world: World, happens: Callable[[Session, datetime], None]
) -> None:
    code = begun(world, 1)
    with world.context.database.write() as session:
        happens(session, world.clock())
    before = claims(world)
    assert not step(world, code)
    assert claims(world) == before


def claims(world: World) -> list[tuple[str, int, str]]:
    with world.context.database.read() as session:
        rows = session.exec(select(models.RunItem).order_by(models.RunItem.position))  # type: ignore[arg-type]
        return [(row.kind, row.attempts, row.state) for row in rows]


def test_mails_whose_server_is_down_are_waited_for_by_nobody(world: World) -> None:
    code = begun(world, 1)
    with world.context.database.write() as session:
        a_mail_is_ready(session, world.clock())
        watch.beat(session, DOOR, world.clock() + timedelta(minutes=2), "refused")
    assert step(world, code)


def test_a_plan_under_way_makes_room_for_todays_round_and_is_made_later(world: World) -> None:
    def read(page: RawPage) -> ParsedPage:
        world.clock.moment += timedelta(seconds=1)
        with world.context.database.write() as session:
            a_page_waits(session, world.clock())
        return sound(page)

    world.read_by(read)
    code, _ = runs.plan(world.context, Question(first=FIRST, last=LAST), "ada")
    assert not step(world, code)
    assert runs.look(world.context, code).state == "planning"
    assert claims(world) == [("plan", 0, "waiting")]
    with world.context.database.write() as session:
        session.execute(
            update(models.Page).where(models.Page.state == "fetched").values(state="dropped")
        )  # type: ignore[arg-type]
    world.read_by(sound)
    assert step(world, code)
    assert runs.look(world.context, code).state == "planned"
