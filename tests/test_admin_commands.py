"""The commands for admins and the audit, each on a real home."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from commands import Done, Run
from typer.testing import CliRunner

from tasks.office import admins, entering, passwords
from tasks.round.context import Context
from tasks.settings import Settings, current
from tasks.store.database import Database
from workers.cli import main
from workers.cli.app import app

GOOD, OTHER = "my dog eats purple clouds", "nine tidal kilns orbit a mango"


@pytest.fixture
def home(tmp_path: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "home"
    path.mkdir()
    shutil.copy(migrated_file, path / "paperround.db")
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    passwords._nobodys.cache_clear()
    monkeypatch.setenv("PAPERROUND_HOME", str(path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    current.cache_clear()
    yield path
    current.cache_clear()


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str, stdin: str = "") -> Done:
        monkeypatch.setattr("sys.argv", ["paperround", *words])
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        try:
            main()
            code: Any = 0
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return Done(int(code or 0), said.out, said.err)

    return call


@pytest.fixture
def context(home: Path) -> Iterator[Context]:
    """The same home, seen from beside."""
    chosen = Settings(home=home)
    opened = Context(settings=chosen, database=Database(chosen.database))
    yield opened
    opened.close()


@pytest.fixture
def ada(run: Run) -> None:
    words = ("admins", "create", "ada", "--role", "owner", "--email", "ada@admins.example")
    assert run(*words, "--password-stdin", stdin=f"{GOOD}\n").code == 0


def test_an_admin_is_made_from_a_pipe(run: Run, ada: None, context: Context) -> None:
    assert entering.sign_in(context, "ada", GOOD, net="here")
    (row,) = run("admins", "list", "--json").json
    assert (row["name"], row["role"], row["visits"], row["keys"]) == ("ada", "owner", 1, 0)
    assert GOOD not in run("admins", "list").out


def test_a_password_is_asked_for_twice_and_not_shown(home: Path, context: Context) -> None:
    asked = CliRunner().invoke(app, ["admins", "create", "bo"], input=f"{GOOD}\n{GOOD}\n")
    assert asked.exit_code == 0, asked.output
    assert "there is no owner yet: `paperround admins role bo owner`" in asked.output
    assert GOOD not in asked.output
    assert entering.sign_in(context, "bo", GOOD, net="here")
    typed = f"{GOOD}\n{OTHER}\n" * 2
    again = CliRunner().invoke(app, ["admins", "create", "cy"], input=typed)
    assert again.exit_code != 0
    assert len(admins.listed(context)) == 1


def test_what_will_not_do_is_told(run: Run, ada: None) -> None:
    for words, stdin, said in (
        (("ada",), GOOD, "there is an admin ada already"),
        (("Bo",), GOOD, "no admin's name"),
        (("bo",), "short", "15 to 128 characters"),
        (("bo",), "", "no password on the first line"),
        (("bo", "--email", "nobody"), GOOD, "no mail address"),
    ):
        done = run("admins", "create", *words, "--password-stdin", stdin=stdin)
        assert done.code == 2
        assert said in done.err
    assert len(run("admins", "list", "--json").json) == 1


def test_passwords_roles_and_addresses_are_changed(run: Run, ada: None, context: Context) -> None:
    secret = entering.sign_in(context, "ada", GOOD, net="here")
    assert run("admins", "password", "ada", "--password-stdin", stdin=OTHER).code == 0
    assert entering.visitor(context, secret or "") is None
    assert entering.sign_in(context, "ada", OTHER, net="here")
    assert "1 visits ended" in run("admins", "sign-out", "ada").err
    assert run("admins", "create", "bo", "--password-stdin", stdin=GOOD).code == 0
    assert run("admins", "role", "bo", "operator").err == "bo: operator\n"
    assert run("admins", "email", "bo", "bo@admins.example").code == 0
    assert run("admins", "email", "bo").err == "bo: alarms go to nobody\n"
    assert "only owner" in run("admins", "role", "ada", "viewer").err
    assert run("admins", "password", "cy", "--password-stdin", stdin=GOOD).code == 2


def test_who_is_removed_is_asked_about_and_the_last_owner_stays(run: Run, ada: None) -> None:
    assert run("admins", "create", "bo", "--password-stdin", stdin=GOOD).code == 0
    assert run("admins", "remove", "bo", stdin="n\n").code != 0
    assert len(run("admins", "list", "--json").json) == 2
    assert run("admins", "remove", "bo", "--yes").code == 0
    assert "ada is the only owner" in run("admins", "remove", "ada", "--yes").err
    assert [row["name"] for row in run("admins", "list", "--json").json] == ["ada"]


def test_keys_are_made_listed_and_revoked(run: Run, ada: None, context: Context) -> None:
    made = run("admins", "keys", "make", "ada", "graphs", "--role", "operator")
    secret = made.out.strip()
    assert secret.startswith("pra_")
    assert entering.key_owner(context, secret)
    (row,) = run("admins", "keys", "list", "ada", "--json").json
    assert (row["name"], row["role"]) == ("graphs", "operator")
    assert secret not in run("admins", "keys", "list", "ada").out
    assert run("admins", "keys", "revoke", "ada", str(row["id"])).code == 0
    assert entering.key_owner(context, secret) is None
    assert "admins keys make ada" in run("admins", "keys", "list", "ada").err
    assert run("admins", "keys", "revoke", "ada", "1").code == 2


def test_the_audit_is_listed(run: Run, ada: None) -> None:
    run("admins", "role", "ada", "owner")
    run("admins", "sign-out", "ada")
    rows = run("audit", "--json").json
    assert [row["action"] for row in rows] == ["visits ended", "admin created"]
    assert {row["who"] for row in rows} == {"command line"}
    assert run("audit", "--action", "admin created", "--json").json == rows[1:]
    assert run("audit", "--before", str(rows[0]["id"]), "--limit", "1", "--json").json == rows[1:]
    assert "admin created" in run("audit").out
    assert "nothing was done yet" in run("audit", "--who", "nobody").err


def test_no_admins_is_told_with_the_way(run: Run) -> None:
    assert "paperround admins create NAME --role owner" in run("admins", "list").err
