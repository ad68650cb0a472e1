"""`backup` and `restore` as a person and a script meet them."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Done, Run

from tasks.settings import current
from workers.cli import main


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Calls `paperround` in this process; `home` names its home, `says` is what is typed."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object, home: str = "old", says: str = "", **env: str) -> Done:
        current.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["paperround", *map(str, words)])
            patch.setattr("sys.stdin", io.StringIO(says))
            patch.setenv("PAPERROUND_HOME", str(tmp_path / home))
            for name, value in env.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        spoken = capsys.readouterr()
        return Done(int(ended.value.code or 0), spoken.out, " ".join(spoken.err.split()))

    yield call
    current.cache_clear()


@pytest.fixture
def reader(run: Run) -> None:
    assert run("readers", "add", "ada@readers.example").code == 0


@pytest.mark.usefixtures("reader")
def test_everything_goes_into_one_file_and_comes_back(run: Run, tmp_path: Path) -> None:
    made = run("backup", "kept.zip")
    assert (made.code, made.out) == (0, "")
    assert "kept.zip: " in made.err
    assert "keep it where nobody else looks" in made.err
    assert stat.S_IMODE((tmp_path / "kept.zip").stat().st_mode) == 0o600
    done = run("restore", "kept.zip", "--yes", home="new")
    assert (done.code, done.out) == (0, "")
    assert "restored" in done.err
    assert "void" not in done.err
    [ada] = run("readers", "list", "--json", home="new").json
    assert ada["email"] == "ada@readers.example"
    assert run("audit", "--json", home="new").json[0]["action"] == "backup restored"


@pytest.mark.usefixtures("reader")
def test_in_a_folder_the_file_is_named_by_the_moment(run: Run, tmp_path: Path) -> None:
    (tmp_path / "safe").mkdir()
    told = run("backup", "safe", "--json").json
    [path] = (tmp_path / "safe").iterdir()
    assert tmp_path / told["file"] == path
    assert path.name.startswith("paperround-20")
    assert told["bytes"] == path.stat().st_size
    assert told["rows"]["reader"] == 1
    assert told["database"] == "sqlite"


@pytest.mark.usefixtures("reader")
def test_a_check_changes_nothing(run: Run, tmp_path: Path) -> None:
    run("backup", "kept.zip")
    assert "kept.zip is whole: " in run("restore", "kept.zip", "--check", home="new").err
    assert run("restore", "kept.zip", "--check", "--json", home="new").json["rows"]["reader"] == 1
    assert not (tmp_path / "new").exists()
    spoilt = (tmp_path / "kept.zip").read_bytes()[:-100]
    (tmp_path / "kept.zip").write_bytes(spoilt)
    done = run("restore", "kept.zip", "--check", home="new")
    assert done.code == 2
    assert "no whole backup" in done.err


@pytest.mark.usefixtures("reader")
def test_it_is_asked_first_and_says_what_it_would_do(run: Run, tmp_path: Path) -> None:
    run("backup", "kept.zip")
    done = run("restore", "kept.zip", home="new", says="n\n")
    assert done.code == 1
    assert "Restore" in done.err
    assert "rows as they were at 20" in done.err
    assert not (tmp_path / "new" / "paperround.db").exists()
    done = run("restore", "kept.zip", "--replace", says="y\n")
    assert done.code == 0
    assert "in place of all that is here now?" in done.err


@pytest.mark.usefixtures("reader")
def test_what_is_there_is_not_lost_unasked(run: Run) -> None:
    run("backup", "kept.zip")
    done = run("restore", "kept.zip", "--yes")
    assert done.code == 2
    assert "say --replace" in done.err
    assert run("backup", "kept.zip").code == 2
    assert run("restore", "kept.zip", "--yes", "--replace", "--json").json["links_hold"]


@pytest.mark.usefixtures("reader")
def test_links_that_hold_no_longer_are_told_of(run: Run) -> None:
    run("backup", "kept.zip")
    done = run("restore", "kept.zip", "--yes", home="new", PAPERROUND_SECRET="s" * 32)
    assert "the links in mails that were sent are void" in done.err


@pytest.mark.usefixtures("reader")
def test_what_was_left_aside_is_told(run: Run) -> None:
    run("round", "--help")
    run("backup", "kept.zip")
    told = run("restore", "kept.zip", "--yes", "--json", home="new").json
    assert set(told["changed"]) == {
        "visits", "tickets", "letters", "runs", "digests", "asked", "unsure", "hours",
    }  # fmt: skip
    done = run("restore", "kept.zip", "--yes", "--json", "--nothing-sent-since", home="other")
    assert set(done.json["changed"]) == {"visits", "tickets", "letters", "runs"}
