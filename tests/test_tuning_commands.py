"""Tuning in the terminal: what an edit does, what is wrong or missing, why a paper came, and trials; of a
reader of this home, or of a file alone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import invented
import pytest
from commands import Done, Run
from papers import SUBJECTS, add_folder, add_reader, api_json, bring, entry, page

from tasks.desk import interests, teaching
from tasks.desk.tuning import shadows
from tasks.desk.tuning.aside import aside, nobody
from tasks.desk.tuning.machine import compare
from tasks.errors import UsageError
from tasks.evaluate.verdict import weigh
from tasks.parse.page import parse_page
from tasks.records import Paper, RawPage, Want
from tasks.round.context import Context, utc_now
from tasks.round.walk import run_once
from tasks.settings import Settings, current
from tasks.store.database import Database
from workers.cli import main

ADA = "ada@readers.example"
NOW = datetime.now(UTC).replace(hour=23, minute=0)
DAY = timedelta(days=1)
DAYS = 12
TIDES = {"name": "main", "terms": ["tidal energy"], "negatives": ["folding"]}


def title(number: int) -> str:
    return f"{SUBJECTS[number % 5].capitalize()} number{number} by thing{number * 7}"


@pytest.fixture(scope="module")
def lived_in(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with twelve days of papers, a reader who wants sparse attention, and what she said."""
    home = tmp_path_factory.mktemp("home")
    file = Path(shutil.copy(migrated_file, home / "paperround.db"))
    with opened_on(file, home, NOW) as made:
        with made.database.write() as session:
            for back in range(DAYS):
                first = back * 20
                found = [
                    entry(n, title=title(n), abstract=f"We study {SUBJECTS[n % 5]} with part{n}.")
                    for n in range(first, first + 20)
                ]
                at = (NOW - (DAYS - 1 - back) * DAY).replace(hour=3)
                bring(session, page(*found), at, body=f"page {back}".encode())
            add_reader(session, NOW - DAYS * DAY, ADA, terms=["sparse attention"])
            add_reader(session, NOW - DAYS * DAY, "bo@readers.example")
        interests.remove(made, 2, "main")
        for number in (5, 10, 25):
            teaching.give(made, 1, number + 1, Want.MORE)
    return home


@pytest.fixture
def home(tmp_path: Path, lived_in: Path) -> Path:
    return Path(shutil.copytree(lived_in, tmp_path / "home"))


@pytest.fixture
def run(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Calls `paperround profiles` in this process, on that home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAPERROUND_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "120")

    def call(*words: object) -> Done:
        current.cache_clear()
        monkeypatch.setattr("sys.argv", ["paperround", "profiles", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, " ".join(said.err.split()))

    yield call
    current.cache_clear()


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    return written(tmp_path / "edited.json", TIDES)


def written(path: Path, body: object) -> Path:
    path.write_text(json.dumps(body))
    return path


@pytest.fixture
def entries(tmp_path: Path) -> Path:
    """Forty dated days of papers in a file."""
    path = tmp_path / "papers.jsonl"
    lines = [
        {
            "id": f"{day}-{n}",
            "date": str(date(2026, 9, 1) + day * DAY),
            "title": title(day * 10 + n),
            "abstract": f"We study {SUBJECTS[n % 5]} with part{day}.",
            "authors": ["Ada Author"],
        }
        for day in range(40)
        for n in range(10)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@contextmanager
def opened_on(file: Path, home: Path, at: datetime) -> Iterator[Context]:
    """The home of that file, whose clock stands at that moment."""
    database = Database(f"sqlite:///{file}")
    made = Context(settings=Settings(home=home), database=database, clock=lambda: at)
    yield made
    made.close()


def versions(run: Run) -> list[int]:
    return [one["version"] for one in run("list", ADA, "--json").json]


# --- preview -------------------------------------------------------------------------------------
def test_a_preview_tells_what_comes_what_goes_and_why(run: Run, edited: Path) -> None:
    done = run("preview", ADA, edited)
    assert done.code == 0, done.err
    first, *_ = done.out.splitlines()
    assert first.startswith("main: ")
    assert "come in" in first
    for heading in ("Comes in: ", "Goes: ", "Picks of ", "Day by day"):
        assert heading in done.out
    assert "Tidal energy" in done.out
    assert "in all: " in done.out
    assert versions(run) == [1]


def test_a_previews_json_has_reasons_that_add_up(run: Run, edited: Path) -> None:
    found = run("preview", ADA, edited, "--json").json
    assert found["span"] == len(found["after"]["turns"]) == 7
    assert found["comes"] >= len(found["entering"]) > 0
    picks = [one["pick"] for one in found["entering"]] + found["picks"]
    for pick in picks:
        raw = sum(reason["value"] for reason in pick["score"]["reasons"])
        assert raw == pytest.approx(pick["score"]["raw"])
    assert [pick["paper"]["id"] for pick in found["picks"]] == found["after"]["turns"][-1]["papers"]


def test_without_a_file_what_is_saved_is_shown(run: Run) -> None:
    done = run("preview", ADA)
    assert "No change" in done.out
    assert "Sparse attention" in done.out
    assert "Comes in" not in done.out
    assert run("preview", ADA, "--days", 30, "--json").json["span"] == 30


def test_a_file_of_another_name_is_tried_as_a_new_profile(run: Run, tmp_path: Path) -> None:
    body = written(tmp_path / "Tides.json", {"terms": ["tidal energy"]})
    done = run("preview", ADA, body)
    assert "no profile 'Tides': the file is tried as a new one" in done.err
    assert "Sparse attention" in done.out
    assert "Tidal energy" in done.out
    over = run("preview", ADA, body, "--name", "main")
    assert over.err == ""
    assert over.out.startswith("main: ")


def test_more_or_fewer_picks_can_be_asked_for(run: Run) -> None:
    few, many = (run("preview", ADA, "--about", n, "--json").json for n in (1, 8))
    lines = [[turn["line"] for turn in one["after"]["turns"]] for one in (few, many)]
    assert sum(lines[0]) > sum(lines[1])
    one = run("preview", ADA, "--most", 1, "--json").json
    assert max(len(turn["papers"]) for turn in one["after"]["turns"]) == 1


def test_a_preview_without_papers_says_what_to_do(
    run: Run, home: Path, migrated_file: Path, edited: Path
) -> None:
    shutil.copy(migrated_file, home / "paperround.db")
    done = run("preview", "--profile", edited)
    assert (done.code, done.out) == (0, "")
    assert "run-once" in done.err


# --- backtest ------------------------------------------------------------------------------------
def test_a_backtest_draws_the_days_and_measures_both_sides(
    run: Run, edited: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.md"
    done = run("backtest", ADA, edited, "--daily", "--markdown", report)
    assert done.code == 0, done.err
    assert "Picks a day" in done.out
    assert "The line: the least score of a pick" in done.out
    assert "before" in done.out
    assert "after" in done.out
    assert any(mark in done.out for mark in "▁▂▃▄▅▆▇█#")
    assert "Papers that you liked: " in done.out
    for name in ("precision", "recall", "ndcg"):
        assert name in done.out
    assert "Day by day" in done.out
    told = report.read_text()
    assert told.startswith("# main\n\n")
    assert "**Day by day**" in told
    assert "| recall |" in told


def test_a_backtests_json_is_the_previews_over_more_days(run: Run, edited: Path) -> None:
    done = run("backtest", ADA, edited, "--days", 90, "--json")
    found = done.json
    assert found["span"] == 90
    assert found["before"]["recall"]["cases"] == 3
    assert {*found["before"]["liked"]} >= {one["id"] for one in found["lost"]}
    assert "█" not in done.out


def test_without_answers_nothing_is_measured(run: Run, edited: Path, home: Path) -> None:
    done = run("backtest", "bo@readers.example", edited)
    assert "once papers were judged" in done.err
    assert "precision" not in done.out


def test_titles_in_a_report_are_no_markup(run: Run, tmp_path: Path) -> None:
    strange = written(tmp_path / "x.json", {"name": "<b>[x](y)", "terms": ["tides"]})
    papers = tmp_path / "p.jsonl"
    made = [
        {"id": n, "date": f"2026-09-{n:02}", "title": f"Tides <script> | [a](b) {n} \x1b[31m"}
        for n in range(1, 20)
    ]
    papers.write_text("\n".join(map(json.dumps, made)))
    report = tmp_path / "r.md"
    done = run(
        *("backtest", "--profile", strange, "--entries", papers, "--against", strange),
        *("--markdown", report),
    )
    assert done.code == 0, done.err
    assert "\x1b" not in done.out
    told = report.read_text()
    assert "\x1b" not in told
    assert "<script>" not in told
    assert "](" not in told.replace("\\]", "")


# --- of no reader --------------------------------------------------------------------------------
def test_a_file_alone_is_looked_at_on_the_papers_of_this_home(run: Run, edited: Path) -> None:
    found = run("preview", "--profile", edited, "--json").json
    assert found["before"] is None
    titles = [pick["paper"]["title"] for pick in found["picks"]]
    assert any("Tidal energy" in one for one in titles)
    assert "would have come" in run("preview", "--profile", edited, "--most", 3).out


def test_two_files_are_compared(run: Run, edited: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other.json", {"terms": ["sparse attention"]})
    found = run("preview", "--profile", edited, "--against", other, "--json").json
    assert found["comes"] > 0
    assert found["goes"] > 0
    assert found["before"]["a_day"] > 0


def test_dated_papers_of_a_file_need_no_home(
    run: Run, edited: Path, entries: Path, home: Path
) -> None:
    shutil.rmtree(home)
    done = run("backtest", "--profile", edited, "--entries", entries, "--json")
    assert done.code == 0, done.err
    found = done.json
    assert (found["first"], found["last"]) == ("2026-09-11", "2026-10-10")
    assert found["after"]["a_day"] > 1
    assert not found["coming"]
    assert not home.exists()


def test_the_papers_of_a_file_come_on_their_days(settings: Settings, entries: Path) -> None:
    papers = {
        date(2026, 9, day): [Paper(id=day * 100 + n, title=title(day * 100 + n)) for n in range(5)]
        for day in range(1, 31)
    }
    with aside(settings, papers, span=7) as context:
        folder = context.settings.home
        found = compare(context, nobody(), None, {"terms": ["tidal energy"]}, span=7)
        assert [turn.day for turn in found.after.turns] == [*papers][-7:]
        assert {turn.considered for turn in found.after.turns[1:]} == {5}
    assert not folder.exists()
    with pytest.raises(UsageError, match="no papers"), aside(settings, {}, span=7):
        pass


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("preview",), "name a reader, or a profile of nobody's"),
        (("preview", ADA, "--profile", "edited.json"), "name a reader, or a profile of nobody's"),
        (("preview", "--profile", "edited.json", "--name", "x"), "leave FILE and --name out"),
        (("preview", ADA, "--entries", "papers.jsonl"), "name it by --profile FILE"),
        (("preview", ADA, "--days", "8"), "--days is one of 7, 30, 90"),
        (("preview", ADA, "--about", "99"), "a number from 0 to 50"),
        (("preview", "nobody"), "no reader 'nobody'"),
        (("preview", "bo@readers.example"), "has no profile yet"),
        (("preview", ADA, "--name", "none"), "there is no profile 'none'"),
        (("preview", ADA, "broken.json"), "is not JSON"),
        (("backtest", ADA, "--markdown", "no/report.md"), "there is no folder no"),
        (("backtest", ADA, "--markdown", "."), "cannot be written"),
        (("lint", ADA, "--apply", "99"), "there is no number 99"),
        (("why", ADA, "nothing like it"), "there is no paper"),
        (("shadow", "start", ADA, "papers.json"), "there is no profile 'papers'"),
        (("shadow", "show", ADA), "No trial is running."),
        (("shadow", "promote", ADA), "No trial is running."),
        (("shadow", "drop", ADA), "No trial is running."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.usefixtures("edited", "entries")
def test_what_cannot_be_is_told_with_exit_code_2(
    run: Run, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "broken.json").write_text("{")
    written(tmp_path / "papers.json", {"terms": ["x"]})
    done = run(*words)
    assert done.code == 2
    assert said in done.err


# --- advice --------------------------------------------------------------------------------------
@pytest.fixture
def faulty(tmp_path: Path, run: Run) -> Path:
    """A profile with a misspelled term, which its file names as it is saved."""
    return written(
        tmp_path / "faulty.json",
        {"name": "main", "terms": ["sparse attention", "sparse attention", "tidal enrgy", "—"]},
    )


def test_faults_come_with_mends_and_what_these_would_do(
    run: Run, faulty: Path, entries: Path
) -> None:
    done = run("lint", "--profile", faulty, "--entries", entries)
    assert done.code == 0, done.err
    assert "“tidal enrgy” stands in none" in done.out
    assert "Write “tidal energy”. " in done.out
    assert "come in" in done.out
    found = run("lint", "--profile", faulty, "--entries", entries, "--json").json["remarks"]
    mends = [mend for remark in found for mend in remark["mends"]]
    assert all(mend["effect"] for mend in mends)
    number = next(n for n, mend in enumerate(mends, 1) if "tidal energy" in mend["says"])
    mended = run("lint", "--profile", faulty, "--entries", entries, "--apply", number).json
    assert mended["name"] == "main"
    assert "tidal energy" in mended["terms"]


def test_a_mend_is_saved_as_the_next_version(run: Run, faulty: Path) -> None:
    found = run("lint", ADA, faulty, "--json").json["remarks"]
    assert [remark["kind"] for remark in found] == ["wordless"]
    done = run("lint", ADA, faulty, "--apply", 1)
    assert "saved main of ada@readers.example as version 2" in done.err
    assert "—" not in run("show", ADA, "main").json["terms"]
    assert "Nothing is wrong" in run("lint", ADA).out


def test_a_second_profile_that_is_the_same_is_removed(run: Run, tmp_path: Path) -> None:
    run("save", ADA, written(tmp_path / "twin.json", {"terms": ["sparse attention"]}))
    found = run("lint", ADA, "--name", "twin", "--json").json["remarks"]
    mends = [mend for remark in found for mend in remark["mends"]]
    number = next(n for n, mend in enumerate(mends, 1) if mend["removes"] == "twin")
    assert "removed twin" in run("lint", ADA, "--name", "twin", "--apply", number).err
    assert [one["name"] for one in run("list", ADA, "--json").json] == ["main"]


def test_suggestions_are_numbered_and_taken_by_their_number(run: Run, tmp_path: Path) -> None:
    entries = tmp_path / "invented.jsonl"
    days = [date(2026, 9, 1) + number * DAY for number in range(30)]
    lines = [
        json.dumps(
            {"id": one.source_id, "date": str(day), "title": one.title}
            | {"abstract": one.abstract, "authors": one.authors}
        )
        for day in days
        for one in parse_page(RawPage(url="", body=invented.day(day), fetched_at=NOW)).entries
    ]
    entries.write_text("\n".join(lines))
    wide = written(
        tmp_path / "wide.json", {"terms": ["quantization"], "description": "Streams of tokens."}
    )
    done = run("suggest", "--profile", wide, "--entries", entries)
    assert done.code == 0, done.err
    found = run("suggest", "--profile", wide, "--entries", entries, "--json").json
    ideas = [*found["terms"], *found["authors"], *found["papers"]]
    assert ideas, "nothing was suggested"
    assert f"1. {ideas[0]['says']}" in done.out
    assert found["questions"], "nothing is worth an answer"
    for one in found["questions"]:
        assert one["paper"]["title"] in " ".join(done.out.split())
    taken = run("suggest", "--profile", wide, "--entries", entries, "--apply", 1).json
    taken.pop("name")
    body = {part: value for part, value in ideas[0]["body"].items() if taken.get(part)}
    assert [*taken] == [*body]


# --- why -----------------------------------------------------------------------------------------
def test_why_tells_a_papers_way_and_what_would_turn_it(run: Run) -> None:
    done = run("why", ADA, 233)
    assert done.code == 0, done.err
    assert "Its way" in done.out
    assert "seen in daily at place" in done.out
    assert "What your profiles thought of it" in done.out
    assert "The smallest edit that would have turned it: Add the term" in done.out
    found = run("why", ADA, 233, "--json").json
    assert found["paper"]["id"] == 233
    assert found["verdict"] in " ".join(done.out.split())
    assert found["profiles"][0]["profile"] == found["flip"]["profile"] == "main"


def test_a_title_that_several_papers_have_lists_them(run: Run) -> None:
    done = run("why", ADA, "tidal energy")
    assert done.code == 2
    assert "may be several papers" in done.err
    assert "Which of these?" in done.out
    assert run("why", ADA, "number7 thing49").out.splitlines()[0] == title(7)


def test_why_of_a_paper_that_was_sent_tells_of_the_mail(
    run: Run, home: Path, migrated_file: Path
) -> None:
    now = utc_now() - timedelta(minutes=5)
    file = Path(shutil.copy(migrated_file, home / "paperround.db"))
    (home / "pages").mkdir()
    (home / "pages" / f"{now.date()}.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    with opened_on(file, home, now) as made:
        with made.database.write() as session:
            add_folder(session, home / "pages", now)
            add_reader(session, now + timedelta(seconds=30), ADA)
        run_once(made, now)
        run_once(made, now + timedelta(minutes=1))
        teaching.give(made, 1, 1, Want.SAVE)
    done = run("why", ADA, "2611.00005")
    assert done.code == 0, done.err
    said = " ".join(done.out.split())
    assert "You got it on" in said
    assert f"digest of {now.date()}: chosen" in said
    assert "the mail's delivery: sent" in said
    assert "answered: save" in run("why", ADA, 1).out
    found = run("why", ADA, "2611.00005", "--json").json
    assert found["sent"]["day"] == str(now.date())
    assert found["digests"][0]["cause"] == "picked"


# --- trials --------------------------------------------------------------------------------------
def test_a_trial_is_started_shown_and_promoted(run: Run, edited: Path) -> None:
    done = run("shadow", "start", ADA, edited)
    assert done.code == 0, done.err
    assert "on trial beside main" in done.err
    told = run("shadow", "show", ADA).out
    assert "main: on trial since" in told
    assert "tidal energy" in told
    found = run("shadow", "show", ADA, "--json").json
    assert (found["profile"], found["verdict"]) == ("main", "not yet")
    assert found["body"]["terms"] == ["tidal energy"]
    again = run("shadow", "start", ADA, edited)
    assert again.code == 2
    assert "A trial is running already" in again.err
    assert "is version 2 now" in run("shadow", "promote", ADA).err
    assert run("show", ADA, "main").json["terms"] == ["tidal energy"]


def test_what_a_trial_came_to_is_drawn(
    run: Run, edited: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("shadow", "start", ADA, edited)
    really = shadows.standing

    def won(context: Context, reader_id: int) -> Any:
        found = really(context, reader_id)
        assert found
        return replace(found, digests=12, weighed=weigh([(0, 1)] * 12), more=0)

    monkeypatch.setattr(shadows, "standing", won)
    told = run("shadow", "show", ADA).out.splitlines()
    assert "The version on trial serves you better." in " ".join(told)
    assert told[-1].startswith("saved ")
    assert told[-1].endswith(" on trial")
    assert run("shadow", "show", ADA, "--json").json["share"] == 1


def test_a_trial_is_dropped(run: Run, edited: Path) -> None:
    run("shadow", "start", ADA, edited, "--name", "main")
    assert "the profile stays as it was" in run("shadow", "drop", ADA).err
    assert run("shadow", "show", ADA, "--json").json is None
    assert versions(run) == [1]
