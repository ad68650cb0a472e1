"""`paperround reprocess` and `paperround runs`: the plan, exactly that plan, and all that may come between."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from backlogs import DAY, FIRST, Backlog, body_of
from commands import Done, Run
from mended_days import LAST, NOW, abstracts, asked, misread, planned, started, state, work
from sqlalchemy import update
from sqlmodel import select

from tasks import models
from tasks.office import run_words
from tasks.office import runs as office
from tasks.office.runs import Standing
from tasks.records import SourceKind
from tasks.round.walk import run_once
from tasks.settings import current
from tasks.store import readers, sources, watch
from workers.cli import following, main, say

DATES = ("--from", FIRST, "--to", LAST)


class Terminal(io.StringIO):
    """Somebody who sits at a terminal, and what they type."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Backlog]:
    with misread(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def run(
    found: Backlog, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Calls `paperround` in this process, on that home and at its noon; `says` is typed at a terminal."""
    monkeypatch.setenv("PAPERROUND_HOME", str(found.context.settings.home))
    monkeypatch.setattr(say.out, "width", 120)
    monkeypatch.setattr("workers.cli.state.open_context", lambda _: found.context)
    monkeypatch.setattr("tasks.round.context.Context.close", lambda _: None)

    def call(*words: object, says: str | None = None) -> Done:
        current.cache_clear()
        monkeypatch.setattr("sys.argv", ["paperround", *map(str, words)])
        monkeypatch.setattr("sys.stdin", io.StringIO() if says is None else Terminal(says))
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, " ".join(said.err.split()))

    yield call
    current.cache_clear()


def newest(found: Backlog) -> Standing:
    return office.newest(found.context, limit=1)[0]


def mails(found: Backlog) -> int:
    return len([*(found.context.settings.mailbox / "new").glob("*")])


# --- a plan --------------------------------------------------------------------------------------
def test_a_dry_run_shows_the_plan_and_does_nothing(run: Run, found: Backlog) -> None:
    before, mailed = abstracts(found), mails(found)
    shown = run("reprocess", *DATES, "--mail", "addendum", "--dry-run")
    code = newest(found).code
    assert (shown.code, state(found, code)) == (0, "planned")
    table = " ".join(shown.out.replace("│", " ").split())
    assert f"Plan {code}" in table
    assert "Papers changed 84" in table
    assert "Readers who missed a top-3 paper 2 (6 papers)" in table
    assert "Mails that go out 2" in table
    assert f"{LAST} daily 1 29 28 0 28 0 1 0" in table
    assert f"nothing was done; `paperround runs start {code}` does exactly this" in shown.err
    assert (abstracts(found), mails(found)) == (before, mailed)


def test_what_was_planned_is_done_later_by_its_code_and_mailed_once(
    run: Run, found: Backlog
) -> None:
    mailed = mails(found)
    code = run("reprocess", *DATES, "--mail", "addendum", "--dry-run", "--json").json["code"]
    done = run("runs", "start", code)
    table = " ".join(done.out.replace("│", " ").split())
    assert (done.code, state(found, code)) == (0, "done")
    assert "Papers merged 3" in table
    assert "Its mails now 2 sent" in table
    assert mails(found) == mailed + 2
    assert run("runs", "start", code).code == 2
    assert mails(found) == mailed + 2


def test_with_yes_it_is_planned_and_done_at_once(run: Run, found: Backlog) -> None:
    before = abstracts(found)
    done = run("reprocess", *DATES, "--yes", "--json")
    assert done.code == 0
    assert (done.json["state"], done.json["report"]["papers"]["changed"]) == ("done", 84)
    assert len(abstracts(found) - before) == 84
    again = run("reprocess", *DATES, "--yes")
    assert (again.code, newest(found).state) == (0, "dropped")
    assert "there is nothing to do" in again.err


def test_who_sits_there_is_asked(run: Run, found: Backlog) -> None:
    no = run("reprocess", *DATES, says="n\n")
    assert no.code == 0
    assert "3 pages, 84 papers" in no.err
    assert "nobody is mailed" in no.err
    assert "`runs drop` forgets it" in no.err
    assert newest(found).state == "planned"
    assert run("reprocess", *DATES, says="y\n").code == 0
    assert newest(found).state == "done"


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_script_is_taken_at_its_word(run: Run, found: Backlog, more: tuple[str, ...]) -> None:
    assert run("reprocess", *DATES, "--sources", "daily,daily", *more).code == 0
    [done] = office.newest(found.context)
    assert (done.state, done.question.sources) == ("done", ("daily",))
    assert done.mails == {}, "nobody is mailed unless asked"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--from", "soon", "--to", LAST), "days are written like 2026-10-31"),
        (("--from", LAST, "--to", FIRST), "the days end before they begin"),
        ((*DATES, "--source", "nowhere"), "no source is named 'nowhere'"),
        ((*DATES, "--reader", "nobody@readers.example"), "nobody@readers.example"),
        ((*DATES, "--stage", "fetch", "--mail", "addendum"), "fetch with --mail none"),
        ((*DATES, "--again"), "only a fetch asks again"),
        ((*DATES, "--stage", "all"), "'all' is not one of"),
    ],
)
def test_what_makes_no_sense_is_refused(
    run: Run, found: Backlog, words: tuple[object, ...], says: str
) -> None:
    refused = run("reprocess", *words, "--dry-run")
    assert refused.code == 2
    assert says in refused.err.replace("│ ", "")
    assert office.newest(found.context) == []


def test_it_is_limited_to_sources_and_readers(run: Run, found: Backlog) -> None:
    some = ("--source", "daily", "--reader", "r4@readers.example", "--reader", "1")
    made = run("reprocess", *DATES, *some, "--mail", "next", "--dry-run", "--json").json
    with found.context.database.read() as session:
        fifth = readers.find(session, "r4@readers.example").id
    assert made["question"]["readers"] == [1, fifth]
    assert made["question"]["sources"] == ["daily"]
    assert made["plan"]["readers"]["gain"] <= 2


def test_days_to_fetch_are_named_in_spans(run: Run, found: Backlog) -> None:
    with found.context.database.write() as session:
        sources.add(session, kind=SourceKind.HF, name="live", address="https://x.example", now=NOW)
        sources.set_state(session, "live", "paused")
    days = ("--from", FIRST - 7 * DAY, "--to", LAST)
    some = ("--stage", "fetch", "--source", "live")
    shown = run("reprocess", *days, *some, "--dry-run")
    table = " ".join(shown.out.replace("│", " ").split())
    assert "To be asked for 10 days of sources" in table
    assert f"live {FIRST - 7 * DAY} to {LAST}" in table


# --- the world changes ---------------------------------------------------------------------------
def test_a_plan_is_refused_once_a_page_has_come(run: Run, found: Backlog) -> None:
    code = planned(found)
    key = found.bring(FIRST, body_of(FIRST + 40 * DAY))
    work(found, code)
    before = abstracts(found)
    refused = run("runs", "start", code)
    assert (refused.code, state(found, code)) == (3, "stale")
    assert f"since it was planned: a page has come: daily {FIRST}" in refused.err
    assert f"(page {key})" in refused.err
    assert "Plan the same again" in refused.err
    assert abstracts(found) == before


def test_what_is_not_as_planned_is_left_as_it_is_and_told(run: Run, found: Backlog) -> None:
    code = started(found)
    with found.context.database.write() as session:
        row = session.exec(select(models.Entry).where(models.Entry.title.like("%part 05 7"))).one()  # type: ignore[attr-defined]
        row.abstract = "Somebody mended it by hand."
        session.add(row)
    done = run("runs", "follow", code)
    assert (done.code, state(found, code)) == (3, "done")
    assert "not as planned: " in done.err
    assert "Somebody mended it by hand." in abstracts(found)


def test_another_run_over_the_same_days_is_waited_for_if_asked(run: Run, found: Backlog) -> None:
    second = planned(found, mail="next")
    first = started(found)
    refused = run("runs", "start", second)
    assert refused.code == 2
    assert f"{first} is running over some of these days" in refused.err
    assert run("runs", "start", second, "--queue", "--background").code == 0
    assert state(found, second) == "queued"
    ended = run("runs", "follow", second)
    assert (state(found, first), state(found, second)) == ("done", "stale")
    assert ended.code == 3


# --- workers, and none ---------------------------------------------------------------------------
def test_todays_round_goes_first_even_where_there_is_no_worker(run: Run, found: Backlog) -> None:
    code = planned(found)
    found.bring(LAST + DAY)
    assert run("runs", "start", code).code == 0
    with found.context.database.read() as session:
        assert session.exec(select(models.Page.state).distinct()).all() == ["parsed"]


def test_beside_workers_the_round_is_theirs(
    run: Run, found: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = planned(found)
    found.bring(LAST + DAY)
    with found.context.database.write() as session:
        watch.beat(session, "worker:here/1", NOW)
    monkeypatch.setattr(following, "run_once", lambda *_: pytest.fail("that is the workers'"))
    rested: list[float] = []

    def rest(seconds: float) -> None:
        rested.append(seconds)
        run_once(found.context, NOW)

    monkeypatch.setattr("time.sleep", rest)
    assert run("runs", "start", code).code == 0
    assert rested


def test_in_the_background_it_is_left_to_the_workers(run: Run, found: Backlog) -> None:
    left = run("reprocess", *DATES, "--yes", "--background")
    code = newest(found).code
    assert (left.code, state(found, code)) == (0, "checking")
    assert "no worker is running: `paperround up` starts them" in left.err
    assert f"`paperround runs show {code}` tells how far it is" in left.err
    with found.context.database.write() as session:
        watch.beat(session, "worker:here/1", NOW)
    other = run("reprocess", *DATES, "--mail", "next", "--yes", "--background", "--queue", "--json")
    assert other.json["state"] == "queued"
    assert "the workers begin within half a minute" in other.err


def interrupted(monkeypatch: pytest.MonkeyPatch, pieces: int, then: Callable[[], object]) -> None:
    """After so many pieces something else happens once."""
    step, left = following.step, [pieces]

    def counting(*said: Any, **more: Any) -> bool:
        left[0] -= 1
        if left[0] == 0:
            then()
        return step(*said, **more)

    monkeypatch.setattr(following, "step", counting)


def test_who_goes_away_is_told_what_becomes_of_it(
    run: Run, found: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    code = planned(found)
    interrupted(monkeypatch, 2, stop)
    gone = run("runs", "start", code)
    assert (gone.code, state(found, code)) == (130, "running")
    assert f"it rests until one is, or `paperround runs follow {code}`" in gone.err
    assert f"`paperround runs pause {code}`" in gone.err
    assert run("runs", "follow", code).code == 0
    assert state(found, code) == "done"


def test_a_run_that_somebody_pauses_is_left_for_later(
    run: Run, found: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = planned(found)
    interrupted(monkeypatch, 3, lambda: office.pause(found.context, code, "another"))
    paused = run("runs", "start", code)
    assert (paused.code, state(found, code)) == (75, "paused")
    assert f"`paperround runs resume {code}` goes on" in paused.err
    assert run("runs", "resume", code).code == 0
    assert state(found, code) == "done"


# --- steering ------------------------------------------------------------------------------------
def test_a_run_is_paused_cancelled_run_again_and_undone(run: Run, found: Backlog) -> None:
    before = abstracts(found)
    code = started(found)
    work(found, code, pieces=2)
    assert run("runs", "pause", code).code == 0
    cancelled = run("runs", "cancel", code, "--stop")
    assert (cancelled.code, state(found, code)) == (0, "cancelled")
    assert f"`paperround runs again {code}`" in cancelled.err
    assert run("runs", "again", code).code == 0
    assert abstracts(found) != before
    assert run("runs", "undo", code).code == 0
    assert (state(found, code), abstracts(found)) == ("undone", before)


def test_a_plan_is_dropped(run: Run, found: Backlog) -> None:
    code = planned(found)
    assert run("runs", "drop", code).code == 0
    refused = run("runs", "start", code)
    assert (refused.code, state(found, code)) == (2, "dropped")
    assert "only a plan can be started" in refused.err


def test_what_failed_ends_with_a_code_of_its_own(
    run: Run, found: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("tasks.store.claims.ATTEMPTS_MOST", 1)
    monkeypatch.setattr("tasks.store.mends.mark_page", broken)
    failed = run("reprocess", *DATES, "--yes")
    assert failed.code == 3
    assert "failed: pages: OSError('the disk is full')" in failed.err
    assert f"`paperround runs again {newest(found).code}`" in failed.err


def test_a_plan_that_cannot_be_made_ends_as_failed(
    run: Run, found: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = asked(found, sources=("daily",))
    with found.context.database.write() as session:
        session.execute(update(models.Source).values(name="another"))
    failed = run("runs", "follow", code)
    assert (failed.code, state(found, code)) == (1, "failed")
    assert "no source is named 'daily'" in failed.err


# --- looking -------------------------------------------------------------------------------------
def test_runs_are_listed_and_shown(run: Run, found: Backlog) -> None:
    assert "no runs yet: `paperround reprocess" in run("runs", "list").err
    code = planned(found, mail="addendum")
    listed = run("runs", "list")
    assert code in listed.out
    [row] = run("runs", "list", "--json").json
    assert (row["code"], row["state"], row["question"]["mail"]) == (code, "planned", "addendum")
    shown = run("runs", "show", code)
    assert f"Plan {code}" in shown.out
    assert f"Run {code}" in shown.out
    assert f"now: `paperround runs start {code}`, `paperround runs drop {code}`" in shown.err
    assert run("runs", "show", code, "--json").json["plan"]["mails"] == 2
    unknown = run("runs", "show", "run-nobody")
    assert (unknown.code, unknown.out) == (2, "")
    assert "there is no backlog run 'run-nobody'" in unknown.err


def test_a_bar_tells_how_far_it_is_where_somebody_looks(
    run: Run, found: Backlog, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = planned(found)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    seen: list[dict[str, Any]] = []
    update_ = following.Progress.update

    def noting(self: Any, task: Any, **said: Any) -> None:
        seen.append(said)
        update_(self, task, **said)

    monkeypatch.setattr(following.Progress, "update", noting)
    monkeypatch.setattr(following, "LOOK_S", 0.01)
    assert run("runs", "start", code).code == 0
    assert seen[0]["description"] == f"{code} checking"
    assert seen[-1]["description"] == f"{code} done"
    done = [said["completed"] for said in seen if "running" in said["description"]]
    assert done == sorted(done)
    assert max(done) > 0
    assert any("a second" in said["pace"] for said in seen)


def test_words_of_a_run_read_as_words() -> None:
    plan: dict[str, Any] = {
        "work": {"fetch": 3},
        "seconds": 6.0,
        "fetch": [{"source": "live", "day": str(FIRST + n * DAY), "dated": True} for n in (0, 1, 5)]
        + [{"source": "feed", "day": str(LAST), "dated": False}],
        "mail": "none",
    }
    assert run_words.would(plan) == [
        ("To be asked for", "4 days of sources"),
        ("It takes about", "6 seconds"),
    ]
    assert run_words.to_fetch(plan) == [
        ("live", f"{FIRST} to {FIRST + DAY}, {FIRST + 5 * DAY}"),
        ("feed", "what it has now"),
    ]
    assert run_words.would({}) == []
    assert run_words.pace(0.25) == "15 a minute"
    assert run_words.pace(1500.0) == "1,500 a second"
    assert run_words.work_of({"pages": 1, "papers": 1200, "mails": 0}) == "1 page and 1,200 papers"
