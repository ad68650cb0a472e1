"""The command line as scripts and people meet it: real calls, real exit codes."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Done, Run
from papers import api_json, entry

from tasks.settings import current
from workers.cli import main


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def run(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Calls `paperround` in this process, with a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAPERROUND_HOME", str(home))
    capsys.readouterr()

    def call(*words: object, **env: str) -> Done:
        current.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr("sys.argv", ["paperround", *map(str, words)])
            for name, value in env.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        spoken = capsys.readouterr()
        return Done(int(ended.value.code or 0), spoken.out, spoken.err)

    yield call
    current.cache_clear()


@pytest.fixture
def started(home: Path, tmp_path: Path) -> Run:
    """Calls `paperround` in a process of its own, for what starts processes itself."""
    base = {k: v for k, v in os.environ.items() if not k.startswith("PAPERROUND_")}

    def call(*words: object, **env: str) -> Done:
        command = [sys.executable, "-c", "from workers.cli import main; main()", *map(str, words)]
        extra = {"PAPERROUND_HOME": str(home)} | env
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=base | extra,
            cwd=tmp_path,
            check=False,
            timeout=100,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "pages" / "2026-11-20.json"
    path.parent.mkdir()
    path.write_bytes(api_json(*(entry(n) for n in range(10))))
    return path


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "attention.json"
    path.write_text(json.dumps({"id": "ada", "terms": ["sparse attention"]}))
    return path


def test_without_words_it_says_what_it_can(run: Run) -> None:
    done = run()
    assert done.code == 2
    for command in (
        "demo",
        "up",
        "doctor",
        "round",
        "parse",
        "ingest",
        "score",
        "sources",
        "readers",
    ):
        assert command in done.out
    assert run("--version").out.startswith("paperround 0.")


def test_parse_prints_a_line_for_each_entry(run: Run, page: Path) -> None:
    done = run("parse", page, "--json")
    assert done.code == 0
    assert len(done.lines) == 10
    fields = (
        "title abstract authors arxiv_id doi url code_urls upvotes published source_id warnings"
    )
    assert set(fields.split()) <= set(done.lines[0])
    assert done.lines[3]["title"] == "Study 3 of graph kernels"


def test_parse_names_a_page_that_it_cannot_read_and_reads_the_rest(
    run: Run, page: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('[{"paper"')
    done = run("parse", broken, page)
    assert done.code == 3
    assert set(done.lines[0]) == {"file", "error"}
    assert done.lines[0]["error"].startswith("bad_json")
    assert len(done.lines) == 11


def test_parse_says_of_a_file_that_is_not_there_or_too_large_what_is_wrong(
    run: Run, page: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(20_000_000)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no more")
    done = run("parse", tmp_path / "gone.json", large, tmp_path / "broken.zip", page)
    assert done.code == 3
    errors = [line for line in done.lines if "error" in line]
    assert [Path(line["file"]).name for line in errors] == ["gone.json", "large.json", "broken.zip"]
    assert len(done.lines) == 13


def test_parse_touches_no_home(run: Run, page: Path, home: Path) -> None:
    run("parse", page)
    assert not home.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("parse",),
        ("parse", "x", "--kind", "mystery"),
        ("frobnicate",),
        ("round", "--date", "tomorrow"),
        ("round", "--now", "soon"),
        ("sources", "add", "feed"),
        ("sources", "pause", "nobody"),
        ("readers", "add", "not an address"),
        ("readers", "add", "a@b.example", "--tz", "Mars/Olympus"),
        ("readers", "add", "a@b.example", "--days", "89"),
        ("readers", "show", "nobody@b.example"),
        ("profiles", "list", "nobody@b.example"),
    ],
)
def test_wrong_use_ends_with_two_and_a_sentence(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.code == 2
    assert done.err.strip()
    assert "Traceback" not in done.err


def test_a_wrong_setting_ends_with_78_and_its_name(run: Run) -> None:
    done = run("readers", "list", PAPERROUND_DATABASE_URL="mysql://u:hidden@h/x")
    assert done.code == 78
    assert "PAPERROUND_DATABASE_URL" in done.err
    assert "hidden" not in done.err


def test_a_home_that_cannot_be_made_ends_with_78(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("readers", "list", PAPERROUND_HOME=str(tmp_path / "file" / "home"))
    assert done.code == 78
    assert "PAPERROUND_HOME" in done.err


def test_a_database_that_does_not_answer_ends_with_75(run: Run) -> None:
    done = run("readers", "list", PAPERROUND_DATABASE_URL="postgresql://u:hidden@127.0.0.1:1/x")
    assert done.code == 75
    assert "doctor" in done.err
    assert "hidden" not in done.err


def test_ingest_counts_and_a_second_time_finds_nothing_new(
    run: Run, page: Path, tmp_path: Path
) -> None:
    (page.parent / "broken.json").write_text('[{"paper"')
    first = run("ingest", page.parent, "--json")
    assert first.code == 3
    assert {k: first.json[k] for k in ("pages", "entries", "new", "merged", "rejected")} == {
        "pages": 2,
        "entries": 10,
        "new": 10,
        "merged": 0,
        "rejected": 0,
    }
    assert [item["name"] for item in first.json["quarantined"]] == ["broken.json"]
    later = tmp_path / "later.json"
    later.write_bytes(api_json(entry(1), entry(77)))
    second = run("ingest", later, "--json").json
    assert (second["entries"], second["new"], second["merged"]) == (2, 1, 1)


def test_score_ranks_entries_and_its_reasons_add_up(
    run: Run, page: Path, profile: Path, tmp_path: Path
) -> None:
    entries = tmp_path / "entries.jsonl"
    entries.write_text(run("parse", page).out)
    done = run("score", "--profiles", profile, "--entries", entries, "--top", 3, "--json")
    assert done.code == 0
    (ranked,) = done.json
    assert ranked["id"] == "ada"
    assert [item["title"] for item in ranked["entries"][:2]] == [
        "Study 5 of sparse attention",  # it has the votes
        "Study 0 of sparse attention",
    ]
    assert len(ranked["entries"]) == 3
    for item in ranked["entries"]:
        assert sum(reason["value"] for reason in item["reasons"]) == pytest.approx(
            item["raw"], abs=1e-9
        )
    table = run("score", "--profiles", profile, "--entries", entries, "--background", entries)
    assert "sparse attention" in table.out


def test_score_names_a_bad_line_and_passes_over_unknown_keys(
    run: Run, profile: Path, tmp_path: Path
) -> None:
    entries = tmp_path / "entries.jsonl"
    entries.write_text('{"title": "One"}\n{"abstract": "no title"}\n')
    done = run("score", "--profiles", profile, "--entries", entries)
    assert done.code == 2
    assert "line 2" in done.err
    profile.write_text(json.dumps([{"terms": ["one"], "likes": []}]))
    entries.write_text('{"title": "One"}\n')
    done = run("score", "--profiles", profile, "--entries", entries, "--json")
    assert done.code == 0
    assert "likes" in done.err
    profile.write_text("[1]")
    assert run("score", "--profiles", profile, "--entries", entries).code == 2
    profile.write_text("{")
    assert run("score", "--profiles", profile, "--entries", entries).code == 2


def test_sources_from_adding_to_removing(run: Run, page: Path) -> None:
    assert run("sources", "add", "folder", page.parent, "--name", "mine").code == 0
    assert run("sources", "add", "folder", page.parent, "--name", "mine").code == 2
    (row,) = run("sources", "list", "--json").json
    assert (row["name"], row["kind"], row["state"]) == ("mine", "folder", "active")
    checked = run("sources", "test", "mine", "--json").json
    assert [(p["shape"], p["entries"]) for p in checked["pages"]] == [("hf-api", 10)]
    assert "mine" in run("sources", "test", "mine").out
    for verb, state in (("pause", "paused"), ("resume", "active")):
        assert run("sources", verb, "mine").code == 0
        assert run("sources", "list", "--json").json[0]["state"] == state
    assert run("sources", "remove", "mine").code == 0
    assert run("sources", "list", "--json").json == []
    assert "no sources yet" in run("sources", "list").err


def test_checking_a_source_that_cannot_be_read_says_so(run: Run, page: Path) -> None:
    (page.parent / "bad.json").write_text("[{")
    run("sources", "add", "folder", page.parent, "--name", "mine")
    done = run("sources", "test", "mine")
    assert done.code == 3
    assert "bad_json" in done.out
    page.parent.rename(page.parent.with_name("moved"))
    assert run("sources", "test", "mine").code in (2, 75)


def test_readers_and_profiles_from_adding_to_removing(
    run: Run, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("readers", "add", "Ada@Readers.Example", "--profile", profile, "--hour", 6).code == 0
    assert run("readers", "add", "ada@readers.example").code == 2
    (row,) = run("readers", "list", "--json").json
    assert (row["email"], row["hour"], row["profiles"]) == ("ada@readers.example", 6, ["attention"])
    shown = run("readers", "show", "ada@readers.example", "--json").json
    assert shown["profiles"][0]["terms"] == ["sparse attention"]
    assert "attention" in run("readers", "show", 1).out
    assert run("profiles", "show", 1, "attention").json == {
        "name": "attention",
        "terms": ["sparse attention"],
    }
    profile.write_text(json.dumps({"name": "attention", "terms": ["linear attention"]}))
    assert "version 2" in run("profiles", "save", 1, profile).err
    assert run("profiles", "list", 1, "--json").json[0]["version"] == 2
    profile.write_text(json.dumps({"term": []}))
    assert run("profiles", "save", 1, profile).code == 2
    assert run("profiles", "remove", 1, "attention").code == 0
    assert run("profiles", "show", 1, "attention").code == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert run("readers", "remove", 1).code == 1, "nobody said yes"
    assert run("readers", "remove", 1, "--yes").code == 0
    assert run("readers", "list", "--json").json == []


def test_run_once_walks_the_round_without_a_broker(
    run: Run, page: Path, profile: Path, home: Path
) -> None:
    run("sources", "add", "folder", page.parent)
    run("readers", "add", "ada@readers.example", "--profile", profile)
    done = run("run-once", "--date", "2026-11-20", "--json")
    assert done.code == 0, done.err
    (digest,) = done.json["digests"]
    assert (digest["reader"], digest["state"], digest["picks"]) == (
        "ada@readers.example",
        "sent",
        2,
    )
    assert Path(digest["mail"]).is_file()
    assert done.json["steps"]["deliver"]["sent"] == 1
    assert not (home / "broker").exists()
    listed = run("mail", "--json").json
    assert [(m["reader"], m["state"], m["picks"]) for m in listed] == [
        ("ada@readers.example", "sent", 2)
    ]
    assert run("mail", "--reader", "ada@readers.example", "--json").json == listed
    assert "ada@reade" in run("mail").out
    assert "nothing to do" in run("run-once", "--date", "2026-11-20").out


@pytest.mark.slow
def test_round_walks_the_same_round_through_the_workers(
    started: Run, page: Path, profile: Path
) -> None:
    started("sources", "add", "folder", page.parent)
    started("readers", "add", "ada@readers.example", "--profile", profile)
    done = started("round", "--date", "2026-11-20", "--json")
    assert done.code == 0, done.err
    assert [d["state"] for d in done.json["digests"]] == ["sent"]
    assert done.json["steps"]["parse"]["new"] == 10
    again = started("round", "--date", "2026-11-20", "--json").json
    assert again["steps"]["deliver"]["sent"] == 0
    assert again["digests"] == []


@pytest.mark.slow
def test_the_demo_shows_the_main_job_and_a_second_time_sends_nothing(
    started: Run, page: Path
) -> None:
    done = started("demo", "--from", page.parent, "--json")
    assert done.code in (0, 1), done.err
    result = done.json
    assert (result["pages"], result["entries"], result["distinct"], result["new"]) == (
        1,
        10,
        10,
        10,
    )
    assert len(result["digests"]) == 4
    assert result["sent"] == sum(bool(d["mail"]) for d in result["digests"])
    again = started("demo", "--from", page.parent, "--json").json
    assert (again["new"], again["sent"]) == (0, 0)


def test_the_demo_touches_neither_real_readers_nor_a_real_mail_server(run: Run) -> None:
    done = run("demo", PAPERROUND_SMTP_URL="smtp://127.0.0.1:1")
    assert done.code == 2
    assert "no real mail" in done.err
    run("readers", "add", "ada@real.example")
    done = run("demo", "--readers", 1)
    assert done.code == 2
    assert "real readers" in done.err


@pytest.mark.slow
def test_up_says_where_its_page_is_and_ends_as_asked(home: Path, tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PAPERROUND_")}
    env |= {"PAPERROUND_HOME": str(home), "PAPERROUND_PORT": "0", "PAPERROUND_LOG_FORMAT": "text"}
    command = [sys.executable, "-c", "from workers.cli import main; main()", "up", "--role", "web"]
    with subprocess.Popen(
        command, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = ""
        while "Paperround is up" not in said and (line := process.stderr.readline()):
            said += line
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert re.search(
        r"INFO +workers.embedded.supervisor: Paperround is up: http://127.0.0.1:[1-9]", said
    )
    assert "alembic" not in said


def test_doctor_says_what_is_wrong_and_what_to_do(run: Run) -> None:
    assert run("doctor", "--json").code == 0
    done = run("doctor", PAPERROUND_SMTP_URL="smtp://127.0.0.1:1")
    assert done.code == 1
    assert "127.0.0.1:1" in done.err
