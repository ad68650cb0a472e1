"""Units and container files, as far as they can be judged by reading them: no engine runs here."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from workers.cli.app import app
from workers.cli.service import ROLES

ROOT = Path(__file__).parents[1]
DOCKER = ROOT / "docker"
COMPOSE = ("compose.yaml", "compose.cluster.yaml")
UNITS = sorted((DOCKER / "systemd").glob("*.service"))
TIMERS = sorted((DOCKER / "systemd").glob("*.timer"))
EXPOSED_MOST = 1.5  # of 10, as systemd-analyze counts
OWN = {"ExecStart", "ExecStartPost", "StateDirectory", "Type", "Environment", "EnvironmentFile"}
KEPT = {"TimeoutStopSec", "KillMode", "Restart", "RestartSec", "RestartPreventExitStatus"}


def services() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for name in COMPOSE:
        for service, said in yaml.safe_load((DOCKER / name).read_text())["services"].items():
            yield name, service, said


ALL = [pytest.param(said, id=f"{file}:{name}") for file, name, said in services()]


# --- containers ----------------------------------------------------------------------------------
@pytest.mark.parametrize("service", ALL)
def test_a_container_may_do_no_more_than_it_must(service: dict[str, Any]) -> None:
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "pid", "network_mode", "ipc", "devices"} & set(service)
    assert not [one for one in service["volumes"] if one.startswith(("/", ".", "~"))]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("service", ALL)
def test_a_container_is_asked_for_signs_of_life_and_started_again(service: dict[str, Any]) -> None:
    health = service["healthcheck"]
    assert "disable" not in health
    assert health["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    assert service["init"] is True


@pytest.mark.parametrize("service", [one for one in ALL if one.values[0]["image"] == "paperround"])
def test_a_containers_words_are_commands_of_ours(service: dict[str, Any]) -> None:
    command, *options = service["command"]
    assert command == "up"
    role = options[1] if options else "all"
    assert role in {*ROLES}
    asked = service["healthcheck"]["test"][1:]
    assert asked[:2] == ["paperround", "alive"]
    assert asked[2:] == ([role] if options else [])
    assert {"up", "alive"} <= set(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_image_runs_as_nobody_in_particular_and_holds_no_secret() -> None:
    lines = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    last = max(n for n, (word, *_) in enumerate(words) if word == "FROM")
    final = {word: rest[0] for word, *rest in words[last:]}
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", final["USER"])
    assert '["paperround", "alive"]' in final["HEALTHCHECK"]
    assert final["ENTRYPOINT"] == '["paperround"]'
    assert final["WORKDIR"] == "/srv/empty", "Celery puts it first on the path"
    assert not re.search(r"PASSWORD|SECRET|TOKEN", " ".join(lines))
    assert not [rest for word, *rest in words[last:] if word == "COPY" and "--from=" not in rest[0]]
    kept_out = re.findall(r"^[^#\n].*", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert kept_out[0] == "*", "what is built is named; all else of this machine stays out"


# --- units ---------------------------------------------------------------------------------------
def settings_of(unit: Path) -> list[tuple[str, str]]:
    """Every setting of a unit's file, in its order."""
    pairs = (line.partition("=") for line in unit.read_text().splitlines() if "=" in line)
    return [(name, value) for name, mark, value in pairs if mark and not name.startswith("#")]


def test_all_units_are_confined_alike() -> None:
    kinds = [
        {(name, value) for name, value in settings_of(unit) if name not in OWN | KEPT}
        - {(n, v) for n, v in settings_of(unit) if n in ("Description", "WantedBy")}
        for unit in UNITS
    ]
    assert len(UNITS) == 5
    assert all(kind == kinds[0] for kind in kinds)
    assert {("ProtectSystem", "strict"), ("DynamicUser", "yes")} <= kinds[0]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_units_words_are_commands_of_ours(unit: Path) -> None:
    said = dict(settings_of(unit))
    program, command, *options = said["ExecStart"].split()
    assert program == "/opt/paperround/bin/paperround"
    assert command in get_command(app).commands  # type: ignore[attr-defined]
    if command == "up":
        assert options[0] == "--role"
        assert options[1] in {*ROLES}
        assert int(said["TimeoutStopSec"]) > 30, "deliveries under way are finished"
    assert "PAPERROUND_HOME=/var/lib/paperround" in said["Environment"]


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with a program that is there, as systemd must find it."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze here")
    for unit in [*UNITS, *TIMERS]:
        text = unit.read_text().replace("/opt/paperround/bin/paperround", sys.executable)
        (tmp_path / unit.name.replace("@.", "@1.")).write_text(text)
    return tmp_path


def test_systemd_understands_every_unit(units: Path) -> None:
    for unit in sorted(units.iterdir()):
        done = analyze("verify", "--man=no", str(unit))
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), unit.name


def test_every_unit_is_hardened(units: Path) -> None:
    for unit in sorted(units.glob("*.service")):
        done = analyze("security", "--offline=true", "--no-pager", str(unit))
        found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
        assert found, done.stderr
        assert float(found[1]) <= EXPOSED_MOST, unit.name


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, check=False, timeout=60
    )
