"""An admin's hands on the command line: each command on a real home."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Done, Run
from papers import add_folder, add_page, add_reader, api_json, entry
from sqlmodel import select

from tasks import models
from tasks.round.context import Context, utc_now
from tasks.round.walk import run_once
from tasks.settings import Settings, current
from tasks.store import audit, pages, sources
from tasks.store.database import Database
from workers.cli import main, say

ADA = "ada@readers.example"


@pytest.fixture(scope="module")
def round_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file after a round of today, and a page that could not be read."""
    home = tmp_path_factory.mktemp("round")
    file = Path(shutil.copy(migrated_file, home / "round.db"))
    now = utc_now()
    (home / "pages").mkdir()
    (home / "pages" / f"{now.date()}.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    database = Database(f"sqlite:///{file}")
    made = Context(settings=Settings(home=home), database=database, clock=lambda: now)
    with database.write() as session:
        add_folder(session, home / "pages", now, "mine")
        add_reader(session, now, ADA)
    run_once(made, now)
    with database.write() as session:
        key = add_page(session, sources.find(session, "mine").id, now, b"[{")
        pages.claim(session, key, key, owner="me", now=now)
        pages.quarantined(session, key, owner="me", reason="bad_json", error="it ends")
    made.close()
    return file


@pytest.fixture
def home(tmp_path: Path, round_file: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    shutil.copy(round_file, path / "paperround.db")
    return path


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    """The same home, seen from beside."""
    opened = Database(Settings(home=home).database)
    yield opened
    opened.close()


@pytest.fixture
def run(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Calls `paperround` in this process, on that home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAPERROUND_HOME", str(home))
    monkeypatch.setattr(say.out, "width", 400)
    monkeypatch.setattr("sys.stdin", io.StringIO())  # nobody is there to say yes
    capsys.readouterr()

    def call(*words: object) -> Done:
        current.cache_clear()
        monkeypatch.setattr("sys.argv", ["paperround", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        spoken = capsys.readouterr()
        return Done(int(ended.value.code or 0), spoken.out, " ".join(spoken.err.split()))

    yield call
    current.cache_clear()


def acts(database: Database) -> list[str]:
    with database.read() as session:
        return [
            f"{one.who}: {one.action}: {one.subject}" for one in reversed(audit.rows(session, 50))
        ]


def set_state(database: Database, state: str) -> None:
    """The one mail is in that state, and nothing says that it was accepted."""
    with database.write() as session:
        session.exec(select(models.Delivery)).one().state = state
        for attempt in session.exec(select(models.Attempt)):
            session.delete(attempt)


def test_a_source_from_its_trial_to_its_return(run: Run, database: Database) -> None:
    tried = run("sources", "test", "mine")
    assert tried.code == 0
    assert "hf-api" in tried.out
    assert run("sources", "schedule", "mine", "--every", 90, "--holidays", "12-24").code == 0
    told = run("sources", "show", "mine", "--json").json
    assert (told["every_minutes"], told["holidays"]) == (90, ["12-24"])
    assert "every_minutes" in run("sources", "show", "mine").out
    assert "every 5 to 1440" in run("sources", "schedule", "mine", "--every", 1).err
    assert "1 source has its turn" in run("sources", "fetch", "mine").err
    assert "1 source has its turn" in run("sources", "fetch").err
    for verb in ("pause", "resume", "remove"):
        assert run("sources", verb, "mine").code == 0
    assert run("sources", "resume", "mine").code == 2
    assert run("sources", "bring-back", "mine").code == 0
    done = [act.split(": ")[1] for act in acts(database)]
    assert done == [
        "source tried",
        "source planned anew",
        "fetched now",
        "fetched now",
        "source paused",
        "source resumed",
        "source removed",
        "source brought back",
    ]


def test_an_address_is_tried_before_it_is_a_source(run: Run, tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "2026-11-20.json").write_bytes(api_json(entry(1)))
    (tmp_path / "saved" / "bad.json").write_text("[{")
    tried = run("sources", "test", "./saved", "--json")
    assert tried.code == 3
    assert [page["entries"] for page in tried.json["pages"]] == [1, 0]
    assert run("sources", "test", "nothing").code == 2
    assert run("sources", "test", tmp_path / "none", "--kind", "folder").code == 2
    failed = run("sources", "test", "http://127.0.0.1:1/")
    assert failed.code == 2
    assert "127.0.0.1" in failed.err


def test_pages_are_listed_shown_and_parsed_again(run: Run, database: Database) -> None:
    assert [row["state"] for row in run("pages", "list", "--json").json] == [
        "quarantined",
        "parsed",
    ]
    assert "parsed" in run("pages", "list", "--state", "parsed").out
    shown = run("pages", "show", 2)
    assert "bad_json" in shown.out
    assert "The JSON ends in the middle" in shown.err
    assert run("pages", "show", 1, "--json").json["entries"] == 10
    assert run("pages", "show", 2, "--raw").out.strip() == "[{"
    assert run("pages", "parse-again", 2).code == 0
    assert run("pages", "parse-again", 2).code == 2
    assert run("pages", "show", 9).code == 2
    assert acts(database) == ["command line: page parsed again: page 2"]


def test_dead_letters_are_listed_retried_and_dropped(run: Run, database: Database) -> None:
    set_state(database, "dead")
    told = run("dead", "list", "--json").json
    assert told["counts"] == {"page": 1, "delivery": 1}
    assert ADA in run("dead", "list").out
    assert run("dead", "list", "--kind", "cat").code == 2
    assert "tried again" in run("dead", "retry", "delivery 1").err
    assert run("dead", "retry", "delivery 1").code == 2
    for wrong in ("delivery", "delivery x", "delivery " + "1" * 30):
        assert "name one, like" in run("dead", "drop", wrong).err
    assert "1 dropped" in run("dead", "drop", "--kind", "page", "--yes").err
    assert "there are none" in run("dead", "drop", "--yes").err
    assert "nothing was given up" in run("dead", "list").err


def test_what_of_many_cannot_be_retried_is_told(run: Run, database: Database) -> None:
    set_state(database, "dead")
    with database.write() as session:
        for pick in session.exec(select(models.Pick)):
            session.delete(pick)
    done = run("dead", "retry", "--yes")
    assert done.code == 3
    assert "1 tried again" in done.err
    assert "1 not: its papers were set free" in done.err
    assert run("dead", "drop", "delivery/1").code == 0


def test_many_are_acted_on_only_after_somebody_says_so(run: Run, database: Database) -> None:
    for do in ("retry", "drop"):
        assert run("dead", do).code == 1
    assert acts(database) == []


def test_an_unsure_mail_is_shown_and_decided(run: Run, database: Database) -> None:
    assert "there are no unsure mails" in run("deliveries", "decide", "--arrived", "--why", "x").err
    shown = run("deliveries", "show", 1)
    assert "attempt 1, dot: sent" in shown.out
    assert "Study" not in shown.out
    set_state(database, "unsure")
    (row,) = run("deliveries", "list", "--state", "unsure", "--json").json
    assert row["recipient"] == ADA
    assert ADA in run("deliveries", "list").out
    assert run("deliveries", "list", "--state", "lost").code == 2
    told = run("deliveries", "show", 1, "--json").json
    assert [moment["what"] for moment in told["moments"]][:2] == ["due", "planned"]
    assert run("deliveries", "decide", 1, "--arrived").code == 2, "a reason is needed"
    assert run("deliveries", "decide", 1, "--not-arrived", "--why", "log").code == 0
    assert run("deliveries", "decide", 1, "--arrived", "--why", "log").code == 2
    set_state(database, "unsure")
    assert run("deliveries", "decide", "--arrived", "--why", "log").code == 1, "nobody says yes"
    done = run("deliveries", "decide", "--arrived", "--why", "log", "--yes")
    assert "1 mails: sent, it arrived" in done.err


def test_readers_are_found_and_helped(run: Run, database: Database) -> None:
    assert [row["email"] for row in run("readers", "search", "ada", "--json").json] == [ADA]
    assert "nobody fits" in run("readers", "search", "a%a").err
    assert "needs no confirmation" in run("readers", "resend", ADA).err
    with database.write() as session:
        add_reader(session, utc_now(), "new@readers.example", state="pending")
    assert run("readers", "resend", "new@readers.example").code == 0
    assert run("readers", "resend", "new@readers.example").code == 75
    assert "1 waiting mails were stopped" in run("readers", "suppress", "new@readers.example").err
    assert "of no reader" in run("readers", "suppress", "nobody@readers.example").err
    assert "may go there again" in run("readers", "unsuppress", "new@readers.example").err
    assert "was not suppressed" in run("readers", "unsuppress", "new@readers.example").err
    run("readers", "pause", ADA)
    run("readers", "resume", ADA)
    assert [act.removeprefix("command line: ") for act in acts(database)] == [
        "confirmation resent: reader 2",
        "address suppressed: reader 2",
        "address suppressed: an address of no reader",
        "suppression lifted: reader 2",
        "reader paused: reader 1",
        "reader resumed: reader 1",
    ]


def test_settings_are_shown_with_their_source(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_SECRET", "s" * 40)
    told = {one["variable"]: one for one in run("settings", "--json").json}
    assert told["PAPERROUND_HOME"]["value"] == str(home)
    assert told["PAPERROUND_HOME"]["whence"] == "environment"
    assert told["PAPERROUND_PORT"]["whence"] == "default"
    shown = run("settings")
    assert "s" * 40 not in shown.out
    assert "PAPERROUND_CONCURRENCY" in shown.out
