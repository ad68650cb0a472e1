"""`docs/running.md` is true: each command in it exists with its options, each setting and file is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tasks.office.alarms import KINDS
from tasks.settings import PREFIX, Settings
from workers.cli.app import app

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")


def commands() -> Iterator[str]:
    """Every command line of the page, in blocks and within sentences."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        if line.startswith("paperround "):
            yield line.partition(" #")[0].strip()
    prose = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
    for quoted in re.findall(r"`([^`]+)`", prose):
        line = " ".join(quoted.split())
        if " exec paperround " in line:
            line = line.partition(" exec paperround ")[2]
        if line.startswith("paperround "):
            yield line


def wrong(line: str) -> str:
    """What is wrong with a command line; nothing if it would be understood."""
    command: Any = get_command(app)
    words = shlex.split(line)[1:]
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        if name not in command.commands:
            return f"there is no command {name}"
        command = command.commands[name]
    options = {name: one for one in command.params for name in (*one.opts, *one.secondary_opts)}
    given, values = [], []
    while words:
        word = words.pop(0)
        if not word.startswith("--"):
            values.append(word)
            continue
        option = options.get(word)
        if option is None or option.param_type_name != "option":
            return f"{command.name} has no option {word}"
        given.append(option)
        if not option.is_flag:
            words.pop(0)
    places = [one for one in command.params if one.param_type_name == "argument"]
    needed = sum(one.required for one in places)
    most = 99 if any(one.nargs == -1 for one in places) else len(places)
    if not needed <= len(values) <= most:
        return f"{command.name} takes {needed} to {most} words, not {len(values)}"
    missing = [
        one.name for one in options.values() if one.required and one not in [*given, *places]
    ]
    return f"{command.name} needs {missing}" if missing else ""


def test_there_are_commands_on_the_page() -> None:
    assert len({*commands()}) > 40


@pytest.mark.parametrize("line", sorted({*commands()}))
def test_every_command_of_the_page_would_be_understood(line: str) -> None:
    assert wrong(line) == ""


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("paperround restart", "there is no command restart"),
        ("paperround sources polish hf", "there is no command polish"),
        ("paperround up --rolls web", "up has no option --rolls"),
        ("paperround restore", "restore takes 1 to 1 words, not 0"),
        ("paperround alive web beat", "alive takes 0 to 1 words, not 2"),
        ("paperround deliveries decide 1 --arrived", "decide needs ['why']"),
    ],
)
def test_a_command_that_would_not_be_is_noticed(line: str, why: str) -> None:
    assert wrong(line) == why


def test_every_setting_that_is_named_can_be_set() -> None:
    named = {name.removesuffix("_FILE") for name in re.findall(rf"{PREFIX}([A-Z_]+)", PAGE)}
    assert named - {"NAME"} <= {name.upper() for name in Settings.model_fields}


def test_every_alarm_has_its_row() -> None:
    rows = set(
        re.findall(r"^\| ([^|]+?) \|", PAGE.partition("## What an alarm means")[2], re.MULTILINE)
    )
    assert rows - {"alarm", "---"} == set(KINDS.values())


def test_every_file_that_is_named_is_there() -> None:
    for name in re.findall(r"docker/[\w.*/-]+", PAGE):
        assert list(ROOT.glob(name)), name


def test_every_unit_that_is_named_is_there() -> None:
    folder = ROOT / "docker" / "systemd"
    for name in re.findall(r"`(paperround-[a-z]+)(?:@\d)?(?:\.\w+)?`", PAGE):
        assert [*folder.glob(f"{name}*")], name
