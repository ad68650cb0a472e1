"""The layout and its rules hold: what no linter and no single room can see."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("workers", "tasks", "templates")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOP_LEVEL = {"workers", "tasks", "templates", "docker", "tests", "docs", "run", "LICENSE"} | {
    "pyproject.toml", "requirements.lock", "requirements-dev.lock",
    "README.md", "CHANGELOG.md", "SECURITY.md",
}  # fmt: skip
# With a bracket in each, so that this file does not hold what it looks for.
PRIVATE = re.compile(
    r"(?<![a-z.])/(?:wor[k]|roo[t]|far[m])/|pyp[i]\.org|pythonhoste[d]|debia[n]\.org"
)


def project_files() -> list[Path]:
    """What git holds or would take in; without git there is nothing to say."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for line in done.stdout.splitlines() if (path := ROOT / line).is_file()]


def sources() -> list[Path]:
    """Every module of ours."""
    return sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))


def modules() -> Iterator[str]:
    """Their dotted names."""
    for path in sources():
        parts = path.relative_to(ROOT).with_suffix("").parts
        if "migrations" not in parts:  # Alembic runs these, by path
            yield ".".join(parts).removesuffix(".__init__")


def strangers() -> set[str]:
    """What our modules import and neither we nor Python bring."""
    names: set[str] = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    known = {*PACKAGES, *sys.stdlib_module_names}
    return {name for name in names if name.partition(".")[0] not in known}


def named(body: Sequence[ast.AST]) -> Iterator[str]:
    """What is imported while a module is: not in a function, and not for the sake of types alone."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from named(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from named(list(ast.iter_child_nodes(node)))


def with_packages(name: str) -> set[str]:
    """A module, and the packages that it lies in: these are imported before it."""
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts) + 1)}


def waits_for() -> dict[str, set[str]]:
    """Modules of ours, each with those of ours that must have been imported before it."""
    found: dict[str, set[str]] = {}
    ours = set(modules())
    for path in sources():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name in ours:
            asked = set(named(ast.parse(path.read_text(encoding="utf-8")).body))
            asked = {one if one in ours else one.rpartition(".")[0] for one in asked} & ours
            above = set().union(*map(with_packages, asked)) - with_packages(name)
            found[name] = (asked | above) - {name}
    return found


def pins(lock: str) -> dict[str, str]:
    """The packages of a lock with their versions."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def test_every_module_imports() -> None:
    words = "\n".join(f"import {name}" for name in sorted(modules()))
    command = [sys.executable, "-W", "error", "-c", words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_module_waits_for_one_that_waits_for_it() -> None:
    """So each can be imported first."""
    TopologicalSorter(waits_for()).prepare()


@pytest.mark.parametrize(
    ("lines", "imported"),
    [
        ("import a.b\nfrom a import c", {"a.b", "a.c"}),
        (
            "class A:\n    try:\n        import a\n    except ImportError:\n        import b",
            {"a", "b"},
        ),
        ("def f():\n    import a", set()),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    import b", {"b"}),
    ],
)
def test_what_waits_is_what_python_would_import(lines: str, imported: set[str]) -> None:
    assert set(named(ast.parse(lines).body)) == imported


def test_the_top_level_holds_the_names_of_the_design_alone() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in project_files()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_tests_are_flat_and_helpers_hold_none() -> None:
    helpers = [path for path in (ROOT / "tests").glob("*.py") if path.name[:5] != "test_"]
    assert [path for path in helpers if "\ndef test_" in path.read_text(encoding="utf-8")] == []
    below = {path.relative_to(ROOT / "tests") for path in (ROOT / "tests").glob("*/**/*.py")}
    assert {str(path) for path in below if not path.match("bench/*.py")} == set()


def test_a_package_only_binds_names() -> None:
    kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr)
    for name in ("workers", "tasks"):
        for path in (ROOT / name).rglob("__init__.py"):
            body = ast.parse(path.read_text(encoding="utf-8")).body
            assert all(isinstance(node, kinds) for node in body), path


def test_every_package_of_ours_can_be_found() -> None:
    folders = {path.parent for path in sources() if "migrations" not in path.parts}
    assert {str(path) for path in folders if not (path / "__init__.py").exists()} == set()


def test_a_broad_except_raises_again_or_says_why() -> None:
    found = []
    for path in sources():
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
            again = isinstance(node.body[-1], ast.Raise)
            told = any("#" in line for line in lines[node.lineno - 1 : node.body[0].lineno])
            if broad and not again and not told:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_a_silenced_rule_is_named_and_has_its_reason() -> None:
    silenced = re.compile(r"# noqa(?!: [A-Z]+\d+(, [A-Z]+\d+)*\b.{4,})|# type: ignore(?!\[)")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sources()
        for line in path.read_text(encoding="utf-8").splitlines()
        if silenced.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_every_package_by_hash_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 20
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    assert re.findall(r"https?://\S*|--\S*(?:index|find)\S*", text) == []


def test_no_uv_lock_writes_addresses_into_the_project() -> None:
    assert not (ROOT / "uv.lock").exists()


def test_the_locks_are_in_step_with_the_project() -> None:
    runtime, dev = pins("requirements.lock"), pins("requirements-dev.lock")
    project = PYPROJECT["project"]
    for lock, words in (
        (runtime, project["dependencies"]),
        (dev, project["dependencies"] + project["optional-dependencies"]["dev"]),
    ):
        for wanted in map(Requirement, words):
            pinned = lock.get(canonicalize_name(wanted.name), "")
            assert wanted.specifier.contains(pinned or "0"), f"{wanted}, locked: {pinned}"
    assert runtime.items() <= dev.items()


def test_the_code_imports_nothing_that_its_lock_does_not_bring() -> None:
    brought = {canonicalize_name(name) for name in pins("requirements.lock")}
    providers = packages_distributions()
    missing = {
        name
        for name in {name.partition(".")[0] for name in strangers()}
        if brought.isdisjoint(map(canonicalize_name, providers.get(name, [])))
    }
    assert missing == set()


def test_every_room_stands_in_the_contract_that_keeps_celery_out() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    kept = {
        room
        for contract in contracts
        if "celery" in contract.get("forbidden_modules", ())
        for room in contract["source_modules"]
    }
    rooms = {".".join(name.split(".")[:2]) for name in modules() if name.startswith("tasks.")}
    assert rooms - {"tasks.pipeline"} <= kept


def test_the_contracts_of_the_design_are_there() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    layers = [item["layers"] for item in contracts if item["type"] == "layers"]
    assert list(PACKAGES) in layers
    pure = {"tasks.parse", "tasks.score", "tasks.compose", "tasks.render"}
    assert any(
        pure <= set(item["source_modules"]) and "sqlalchemy" in item["forbidden_modules"]
        for item in contracts
        if item["type"] == "forbidden"
    )


def test_the_wheel_carries_code_templates_and_migrations(tmp_path: Path) -> None:
    assert PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == list(PACKAGES)
    pytest.importorskip("hatchling")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    ours = {str(path.relative_to(ROOT)) for path in project_files()}
    wanted = {name for name in ours if name.startswith(tuple(f"{top}/" for top in PACKAGES))}
    assert wanted <= held
    assert {name.partition("/")[0] for name in held if ".dist-info" not in name} == set(PACKAGES)


def test_no_file_speaks_of_a_machine_or_an_index() -> None:
    found = []
    for path in project_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {hit.group()}" for hit in PRIVATE.finditer(text)]
    assert found == []


def test_the_scripts_can_be_run_and_the_ci_runs_the_whole_check() -> None:
    for name in ("run", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK), name
    assert "\n./run check\n" in (ROOT / ".ci/run").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["compose.yaml", "compose.cluster.yaml"])
def test_every_container_is_pinned_confined_and_watched(name: str) -> None:
    services = yaml.safe_load((ROOT / "docker" / name).read_text(encoding="utf-8"))["services"]
    for label, service in services.items():
        own = service["image"] == "paperround"
        assert own or re.search(r":\d+\.\d+", service["image"]), label
        assert service["read_only"] is True, label
        assert service["cap_drop"] == ["ALL"], label
        assert service["security_opt"] == ["no-new-privileges:true"], label
        assert own or service["healthcheck"], label
        assert service["restart"] == "unless-stopped", label


def test_the_image_has_the_oldest_python_that_is_promised_and_is_not_root() -> None:
    text = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    oldest = PYPROJECT["project"]["requires-python"].removeprefix(">=")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert all(base.startswith(f"python:{oldest}") or base == "base" for base in bases)
    assert re.search(r"^USER (?!root|0)\S+", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    assert "--require-hashes" in text


def test_no_pattern_is_possessive_since_early_releases_of_python_3_11_match_those_wrongly() -> None:
    possessive = re.compile(r"[)\]\w.][*+?]\+|\(\?>")
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile"
            if called and possessive.search(ast.unparse(node.args[0]).replace("\\\\", "\\")):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


def test_vendored_files_are_those_that_were_taken_in() -> None:
    folder = ROOT / "templates" / "static"
    table = (folder / "VENDOR.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+\.js) \|.*\| ([0-9a-f]{64}) \|$", table, re.MULTILINE)
    assert [name for name, _ in rows] == ["htmx.js"]
    for name, digest in rows:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
