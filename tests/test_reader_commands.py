"""What readers do for themselves on pages, done by the command line: each command on a real home."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from commands import Done, Run
from papers import add_folder, add_reader, api_json, entry
from sqlmodel import select
from typer.main import get_command

from tasks import models
from tasks.desk import subscribing, visiting
from tasks.desk.collecting import Collected
from tasks.records import Example
from tasks.round.context import Context, utc_now
from tasks.round.walk import run_once
from tasks.settings import Settings, current
from tasks.store import readers
from tasks.store.database import Database
from workers.cli import main
from workers.cli.app import app

ADA = "ada@readers.example"


@pytest.fixture(scope="module")
def round_file(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file after a round of today: ten papers, and Ada's digest."""
    home = tmp_path_factory.mktemp("round")
    file = Path(shutil.copy(migrated_file, home / "round.db"))
    now = utc_now()
    (home / "pages").mkdir()
    (home / "pages" / f"{now.date()}.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    database = Database(f"sqlite:///{file}")
    made = Context(settings=Settings(home=home), database=database, clock=lambda: now)
    with database.write() as session:
        add_folder(session, home / "pages", now)
        add_reader(session, now, ADA)
    run_once(made, now)
    made.close()
    return file


@pytest.fixture
def home(tmp_path: Path, round_file: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    shutil.copy(round_file, path / "paperround.db")
    return path


@pytest.fixture
def context(home: Path) -> Iterator[Context]:
    """The same home, seen from beside."""
    chosen = Settings(home=home)
    opened = Context(settings=chosen, database=Database(chosen.database))
    yield opened
    opened.close()


@pytest.fixture
def run(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Calls `paperround` in this process, on that home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAPERROUND_HOME", str(home))
    capsys.readouterr()

    def call(*words: object) -> Done:
        current.cache_clear()
        monkeypatch.setattr("sys.argv", ["paperround", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        spoken = capsys.readouterr()
        # A console breaks its lines where the words happen to reach its edge.
        return Done(int(ended.value.code or 0), spoken.out, " ".join(spoken.err.split()))

    yield call
    current.cache_clear()


def reader(context: Context, who: str = ADA) -> Any:
    with context.database.read() as session:
        return readers.find(session, who)


# --- help ----------------------------------------------------------------------------------------
def test_every_command_says_what_it_does_and_what_it_takes() -> None:
    met = 0
    for path, command in commands(get_command(app)):
        assert command.help, path
        for part in command.params:
            is_option = getattr(part, "help", None) is not None
            assert is_option, f"{path}: {part.name} says nothing of itself"
        met += 1
    assert met > 30


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in getattr(group, "commands", {}).items():
        yield f"{path} {name}", command
        yield from commands(command, f"{path} {name}")


# --- readers -------------------------------------------------------------------------------------
def test_who_subscribes_gets_the_letter_of_the_page(run: Run, context: Context) -> None:
    done = run(
        "readers", "subscribe", "New@Readers.Example", "--tz", "Europe/Rome", "--language", "de"
    )
    assert done.code == 0, done.err
    made = reader(context, "new@readers.example")
    assert (made.state, made.timezone, made.language) == ("pending", "Europe/Rome", "de")
    with context.database.read() as session:
        body = select(models.Delivery.body).where(models.Delivery.letter == "confirm")
        mail = message_from_bytes(session.exec(body).one(), policy=policy.default)
    assert "/confirm/" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert run("readers", "subscribe", "nobody").code == 2
    assert run("readers", "subscribe", "a@b.example", "--tz", "Mars/Olympus").code == 2


def test_settings_are_changed_one_by_one(run: Run, context: Context) -> None:
    words = "--about 3 --hour 6 --days 51 --length short --language de --text-only --no-explore"
    done = run("readers", "set", ADA, *words.split())
    assert done.code == 0, done.err
    now = reader(context)
    assert (now.about, now.hour, now.days, now.length) == (3, 6, (1, 5), "short")
    assert (now.language, now.text_only, now.explore, now.most) == ("de", True, False, 10)
    for wrong in ("--hour 24", "--days 8", "--length endless", "--language tlh", "--tz Mars", ""):
        assert run("readers", "set", ADA, *wrong.split()).code == 2
    assert reader(context) == now


def test_a_reader_pauses_and_comes_back(run: Run, context: Context) -> None:
    day = (utc_now() + timedelta(days=9)).date()
    assert str(day) in run("readers", "pause", ADA, "--until", day).err
    assert (reader(context).state, reader(context).back_on) == ("paused", day)
    assert run("readers", "pause", 1, "--until", "2001-01-01").code == 2
    assert run("readers", "resume", ADA).code == 0
    assert reader(context).state == "active"
    assert "resume" in run("readers", "pause", ADA).err
    assert reader(context).back_on is None


def test_a_link_to_sign_in_is_printed_alone_and_works_once(run: Run, context: Context) -> None:
    done = run("readers", "sign-in", ADA)
    url = done.out.strip()
    assert url.startswith("http://127.0.0.1:8780/in/")
    secret = url.rpartition("/")[2]
    assert secret not in done.err
    assert subscribing.sign_in(context, secret).email == ADA
    with pytest.raises(Exception, match="used already"):
        subscribing.sign_in(context, secret)


def test_who_has_not_confirmed_is_handed_that_link(run: Run, context: Context) -> None:
    run("readers", "subscribe", "new@readers.example")
    url = run("readers", "sign-in", "new@readers.example").out.strip()
    assert "/confirm/" in url
    assert subscribing.confirm(context, url.rpartition("/")[2]).state == "active"


def test_data_is_printed_taken_elsewhere_and_brought_back(run: Run, tmp_path: Path) -> None:
    run("feedback", "give", ADA, 3, "save")
    file = tmp_path / "ada.json"
    file.write_text(run("readers", "export", ADA).out)
    assert json.loads(file.read_text())["account"]["email"] == ADA
    run("readers", "add", "cy@readers.example")
    brought = run("readers", "import", "cy@readers.example", file, "--json").json
    assert brought["counts"]["feedback"] == 1
    assert brought["unknown"] == []
    assert run("feedback", "list", "cy@readers.example", "--json").json[0]["paper"] == 3
    packed = tmp_path / "ada.json.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    for same in (file, packed):
        assert "0 feedback" in run("readers", "import", "cy@readers.example", same).err
    file.write_text("{}")
    assert run("readers", "import", ADA, file).code == 2
    file.write_text("[")
    assert "no JSON document" in run("readers", "import", ADA, file).err


def test_papers_that_are_not_known_here_are_named(run: Run, tmp_path: Path) -> None:
    run("feedback", "give", ADA, 3, "save")
    whole = run("readers", "export", ADA).json
    whole["feedback"][0]["paper"] = {"arxiv": None, "doi": None, "title": "Elsewhere Alone"}
    file = tmp_path / "ada.json"
    file.write_text(json.dumps(whole))
    assert "not known here: Elsewhere Alone" in run("readers", "import", ADA, file).err


def test_removing_leaves_nothing_but_what_is_asked_for(run: Run, context: Context) -> None:
    done = run("readers", "remove", ADA, "--yes", "--suppress")
    assert "Kept: a keyed hash" in done.err
    assert run("readers", "list", "--json").json == []
    with context.database.read() as session:
        assert len(session.exec(select(models.Suppression)).all()) == 1
    run("readers", "add", ADA)
    assert "Nothing is kept." in run("readers", "remove", ADA, "--yes").err


@pytest.mark.parametrize(
    "words",
    [
        "readers set nobody --hour 6",
        "readers pause nobody",
        "readers resume nobody",
        "readers sign-in nobody",
        "readers export nobody",
        "profiles preview nobody",
        "feedback list nobody",
        "feedback learned nobody",
        "feedback forget nobody",
        "feedback give nobody 1 more",
        "keys list nobody",
        "keys make nobody x",
        "keys revoke nobody 1",
    ],
)
def test_who_is_not_there_is_named(run: Run, words: str) -> None:
    done = run(*words.split())
    assert done.code == 2
    assert "no reader 'nobody'" in done.err


# --- profiles ------------------------------------------------------------------------------------
def test_papers_of_a_file_become_examples_and_the_rest_is_named(
    run: Run, tmp_path: Path, quiet: None
) -> None:
    file = tmp_path / "mine.bib"
    file.write_text(
        "@article{a, title={Anything}, eprint={2611.00003}, archiveprefix={arXiv}}\n"
        "@article{b, title={Elsewhere Alone}}\n@article{c, year={2001}}\n"
    )
    done = run("profiles", "import", ADA, file)
    assert done.code == 0, done.err
    assert "2 new examples for My papers of ada@readers.example" in done.err
    assert "1 papers are known here, 1 by title" in done.err
    assert "not read: c" in done.err
    again = run("profiles", "import", ADA, file, "--name", "My papers", "--json").json
    assert (again["added"], again["version"], again["matched"]) == (0, 1, 1)
    body = run("profiles", "show", ADA, "My papers").json
    assert {one["title"] for one in body["examples"]} == {
        "Study 3 of graph kernels",
        "Elsewhere Alone",
    }


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """arXiv is not asked."""
    monkeypatch.setattr("tasks.desk.collecting._ask_arxiv", lambda *_: ({}, []))


def test_papers_come_from_zotero_or_orcid_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def found(_: Context, *said: str) -> Collected:
        asked.append(said)
        one = Example(title=f"Paper {len(asked)}", id=f"x:{len(asked)}")
        return Collected(titled=(one,), unmatched=("10.5555/none",))

    monkeypatch.setattr("tasks.desk.collecting.from_zotero", found)
    monkeypatch.setattr("tasks.desk.collecting.from_orcid", found)
    done = run("profiles", "import", ADA, "--zotero", 475425, "--zotero-key", "k3y")
    assert "not found: 10.5555/none" in done.err
    assert "k3y" not in done.err
    assert run("profiles", "import", ADA, "--orcid", "0000-0002-1825-0097").code == 0
    assert asked == [("475425", "k3y"), ("0000-0002-1825-0097",)]
    for wrong in ([], ["--zotero", 1, "--orcid", 2]):
        assert "one place" in run("profiles", "import", ADA, *wrong).err


def test_a_folder_is_no_library(run: Run, tmp_path: Path) -> None:
    done = run("profiles", "import", ADA, tmp_path)
    assert (done.code, "cannot be read" in done.err) == (2, True)


# --- papers --------------------------------------------------------------------------------------
def test_papers_are_searched_and_shown(run: Run) -> None:
    rows = run("papers", "search", "protein folding", "--json").json
    assert sorted(row["title"] for row in rows) == [
        "Study 1 of protein folding",
        "Study 6 of protein folding",
    ]
    assert len(run("papers", "search", "protein", "--most", 1, "--json").json) == 1
    assert "Study 3 of graph kernels" in run("papers", "search", "arXiv:2611.00003").out
    assert "nothing found" in run("papers", "search", "xylophone").err
    shown = run("papers", "show", 4, "--json").json
    assert run("papers", "show", "2611.00003", "--json").json == shown
    assert shown["sights"][0]["source"] == "folder"
    assert "Study 3 of graph kernels" in run("papers", "show", 4).out
    for name in (4711, "2611.99999", "-", "9" * 40):
        assert run("papers", "show", "--", name).code == 2


def test_a_paper_that_is_no_more_says_so(run: Run, context: Context) -> None:
    with context.database.write() as session:
        row = session.get_one(models.Entry, 4)
        row.withdrawn, row.merged_into = True, 5
    done = run("papers", "show", 4)
    assert "withdrawn" in done.err
    assert "paper 5" in done.err


# --- feedback ------------------------------------------------------------------------------------
def test_feedback_is_given_listed_learned_and_forgotten(run: Run) -> None:
    assert "nothing yet" in run("feedback", "list", ADA).err
    assert "nothing was learned" in run("feedback", "learned", ADA).err
    assert "kept" in run("feedback", "give", ADA, 3, "more").err
    assert "already" in run("feedback", "give", ADA, 3, "more").err
    run("feedback", "give", ADA, 4, "save")
    rows = run("feedback", "list", ADA, "--json").json
    assert [(row["paper"], row["want"]) for row in rows] == [(4, "save"), (3, "more")]
    (lesson,) = run("feedback", "learned", ADA, "--json").json
    assert {one["paper"]["id"] for one in lesson["papers"]} == {3, 4}
    assert "for a paper:" in run("feedback", "learned", ADA).err
    assert "1 answers" in run("feedback", "forget", ADA, 3).err
    assert "1 answers" in run("feedback", "forget", ADA).err
    assert "taken back" in run("feedback", "give", ADA, 4, "save", "--take-back").err
    assert run("feedback", "list", ADA, "--json").json == []


@pytest.mark.parametrize("words", ["4711 more", "0 more", "3 much", f"{2**63} more"])
def test_feedback_that_cannot_be_is_refused(run: Run, words: str) -> None:
    assert run("feedback", "give", ADA, *words.split()).code == 2


# --- keys ----------------------------------------------------------------------------------------
def test_a_key_is_printed_once_opens_and_is_revoked(run: Run, context: Context) -> None:
    done = run("keys", "make", ADA, "my script")
    secret = done.out.strip()
    assert secret not in done.err
    owner = visiting.key_owner(context, secret)
    assert owner is not None
    assert owner.email == ADA
    (row,) = run("keys", "list", ADA, "--json").json
    assert (row["name"], secret.startswith(row["start"])) == ("my script", True)
    assert secret not in run("keys", "list", ADA).out
    assert run("keys", "revoke", ADA, row["id"]).code == 0
    assert visiting.key_owner(context, secret) is None
    assert run("keys", "revoke", ADA, row["id"]).code == 2
    assert "no keys" in run("keys", "list", ADA).err
    assert run("keys", "make", ADA, "").code == 2
