"""Every command of the README does what a newcomer expects of it: it works."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from papers import api_json, entry

from tasks.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.partition("  #")[0].strip()
    for block in BLOCKS
    for line in block.splitlines()
    if line.strip()
]
BY_THE_SCRIPT = {"./run test": "tests/test_run_script.py"}
RUNS_UNTIL_STOPPED = {"./run up": "tests/test_embedded.py"}


def test_the_readme_begins_with_the_two_commands() -> None:
    assert COMMANDS[:2] == ["./run demo", "./run test"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_command_of_the_readme_works_in_its_order(tmp_path: Path) -> None:
    (profile,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    (tmp_path / "interests.json").write_text(profile)
    edited = json.loads(profile) | {"terms": ["sparse attention", "video diffusion"]}
    (tmp_path / "edited.json").write_text(json.dumps(edited))
    (tmp_path / "saved-pages").mkdir()
    (tmp_path / "saved-pages" / "page.json").write_bytes(api_json(*(entry(n) for n in range(5))))
    (tmp_path / "entries.jsonl").write_text(json.dumps({"title": "Sparse attention"}) + "\n")
    days = [f"2026-11-{day:02d}" for day in range(2, 7)]
    papers = [
        {"id": f"{day}/{n}", "date": day, "title": f"{subject} {n}", "abstract": f"On {subject}."}
        for day in days
        for n, subject in enumerate(("Sparse attention", "Tidal energy", "Graph kernels"))
    ]
    (tmp_path / "papers.jsonl").write_text("\n".join(map(json.dumps, papers)))
    judged = {
        "id": "ada",
        "terms": ["sparse attention"],
        "split": days[1],
        "likes": [f"{days[0]}/0"],
    }
    judged |= {"days": days[2:], "relevant": [f"{day}/0" for day in days[2:]]}
    (tmp_path / "judged.json").write_text(json.dumps([judged]))
    env = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    env |= {f"{PREFIX}HOME": str(tmp_path / "home")}
    ran = 0
    for command in COMMANDS:
        if command in BY_THE_SCRIPT or command in RUNS_UNTIL_STOPPED:
            continue
        words = shlex.split(command)
        assert words.pop(0) == "./run"
        program = [sys.executable, "-c", "from workers.cli import main; main()", *words]
        done = subprocess.run(
            program, env=env, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        if words[:2] == ["sources", "test"]:
            assert done.returncode in (0, 75), (
                f"{command}: {done.stderr}"
            )  # the live list may be away
        elif words[0] in ("doctor", "alarms"):
            assert done.returncode in (0, 1), f"{command}: {done.stderr}"  # it may find something
        else:
            assert done.returncode == 0, f"{command}: {done.stderr}"
        ran += 1
    assert ran >= 14


def test_commands_that_are_run_elsewhere_are_run_there() -> None:
    for command, place in (BY_THE_SCRIPT | RUNS_UNTIL_STOPPED).items():
        assert command in COMMANDS
        assert (ROOT / place).is_file()


def test_the_table_of_settings_names_all_of_them() -> None:
    table = README.partition("## Settings")[2].partition("\n## ")[0]
    named = set(re.findall(r"_([A-Z][A-Z_]*)`", table))
    assert {name.upper() for name in Settings.model_fields} - {
        n.removeprefix("PAPERROUND_") for n in named
    } == set()


def test_every_link_to_a_file_leads_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
