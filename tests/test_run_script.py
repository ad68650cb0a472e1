"""`./run` sets up once, heals itself, and hands words, exit codes and signals through.

It runs in a folder with a stub in place of uv and of what uv installs, so that nothing is fetched.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEV, RUNTIME = "requirements-dev.lock", "requirements.lock"

# Does to .venv what uv does, as far as the script can see, and writes down what it was asked for.
UV = """#!/bin/sh
[ "$1" = --version ] && exit 0
echo "uv $*" >>"$CALLS"
case "$*" in
*"$UV_FAILS_AT"*) [ -z "$UV_FAILS_AT" ] || exit 9 ;;
esac
case "$2 $3" in
"venv --python")
    mkdir -p .venv/bin && touch .venv/pyvenv.cfg
    { cat "$TOOL"; printf '[ "$1" != -c ] || exec "%s" "$@"\\n' "$4"; } >.venv/bin/python
    chmod +x .venv/bin/python
    ;;
"pip install")
    for name in paperround ruff mypy lint-imports djlint; do
        cp "$TOOL" .venv/bin/$name
    done
    ;;
esac
"""
# Says how it was called, and fails if TOOL_FAILS names it.
TOOL = """#!/bin/sh
[ "$1" = -c ] || echo "${0##*/} $*"
[ "$1" != pid ] || echo "pid $$"
[ "$1" != where ] || pwd
[ "$1" != words ] || printf '<%s>\\n' "$@"
case "$TOOL_FAILS" in *"${0##*/}"*) [ "$1" = -c ] || exit 7 ;; esac
"""
# This Python, but of the version VERSION, and with a pip that takes notes or, by PIP=none, without.
PYTHON = """#!/bin/sh
case "$PIP $1 $2 $3" in
"none -m pip "*) exit 1 ;;
*" -m pip install")
    mkdir -p .bootstrap/bin && cp "$STUB_UV" .bootstrap/bin/uv
    echo "pip $*" >>"$CALLS"
    ;;
*" --version "*) echo "Python $VERSION" ;;
*" -c "*)
    exec "%s" -I -S -c "
import sys
sys.version_info = tuple(map(int, '$VERSION'.split('.')))
sys._base_executable = '$0'
exec(sys.argv[1])" "$2" ;;
esac
"""


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


class Checkout:
    """A folder with the script, two locks and a bench, and a PATH with the stubs first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a checkout"
        self.calls = folder / "calls"
        self.bin = folder / "bin"
        for name in (DEV, RUNTIME, "pyproject.toml"):
            executable(self.folder / name, f"# {name}\n")
        executable(self.folder / "tests" / "bench" / "bench_one.py", "")
        executable(self.folder / "tests" / "bench" / "bench_two.py", "")
        shutil.copy(ROOT / "run", self.folder)
        executable(self.bin / "uv", UV)
        executable(self.bin / "python3", PYTHON % sys._base_executable)
        self.environ = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "CALLS": str(self.calls),
            "TOOL": str(executable(folder / "tool", TOOL)),
            "STUB_UV": str(executable(folder / "uv", UV)),
            "VERSION": "3.11.9",
        }

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["./run", *words],
            cwd=self.folder,
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        with self.start(*words, **environ) as process:
            out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    @property
    def synced(self) -> list[str]:
        """The locks that were installed, in order."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line.split()[-1] for line in lines if " pip sync " in line]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_an_old_python_is_refused_with_the_way_out(checkout: Checkout) -> None:
    done = checkout.run("demo", VERSION="3.10.13")
    assert done.returncode == 2
    assert "needs Python 3.11 or newer, and python3 is Python 3.10.13" in done.stderr
    assert "PYTHON=python3.12 ./run" in done.stderr
    assert not (checkout.folder / ".venv").exists()


def test_a_command_may_be_called_by_its_full_name(checkout: Checkout) -> None:
    assert checkout.run("paperround", "demo").stdout == "paperround demo\n"
    assert checkout.run("paperround").stdout == "paperround --help\n"


def test_a_command_runs_where_the_caller_stands(checkout: Checkout, tmp_path: Path) -> None:
    script = checkout.folder / "run"
    done = subprocess.run(
        [script, "where"],
        cwd=tmp_path,
        env=checkout.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["paperround where", str(tmp_path)]


def test_a_python_that_is_not_there_is_named(checkout: Checkout) -> None:
    done = checkout.run("demo", PYTHON="python-of-nowhere")
    assert (done.returncode, "python-of-nowhere is not here" in done.stderr) == (2, True)


def test_a_python_without_pip_is_told_how_to_get_one(checkout: Checkout) -> None:
    (checkout.bin / "uv").unlink()
    done = checkout.run("demo", PIP="none", PATH=f"{checkout.bin}:{tools_without_uv(checkout)}")
    assert done.returncode == 2
    assert "apt install python3-pip" in done.stderr


def tools_without_uv(checkout: Checkout) -> Path:
    """A folder with the POSIX tools that the script needs, wherever this machine has them."""
    folder = checkout.folder.parent / "posix"
    folder.mkdir()
    for name in ("sh", "dirname", "cat", "cksum", "mkdir", "rm", "cp", "chmod", "touch"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


@pytest.mark.parametrize("shim", [True, False], ids=["a shim without uv", "no uv"])
def test_without_uv_pip_brings_one_into_a_folder_of_its_own(checkout: Checkout, shim: bool) -> None:
    (checkout.bin / "uv").unlink()
    if shim:
        executable(checkout.bin / "uv", "#!/bin/sh\nexit 127\n")
    path = f"{checkout.bin}:{tools_without_uv(checkout)}"
    assert checkout.run("demo", PATH=path).stdout == "paperround demo\n"
    assert "--target .bootstrap uv==0.13.*" in checkout.calls.read_text()
    assert checkout.synced == [RUNTIME]


def test_the_first_call_says_what_it_does_and_the_second_does_nothing(checkout: Checkout) -> None:
    first, second = checkout.run("demo"), checkout.run("demo")
    assert first.stdout == second.stdout == "paperround demo\n"
    assert first.stderr.startswith("Setting up (once): installing requirements.lock into .venv")
    assert second.stderr == ""
    assert checkout.synced == [RUNTIME]


def test_only_hashed_packages_are_installed_and_only_into_the_environment(
    checkout: Checkout,
) -> None:
    checkout.run("demo")
    _, sync, project = checkout.calls.read_text().splitlines()
    assert "--python .venv/bin/python --require-hashes" in sync
    assert "--python .venv/bin/python --no-deps -e ." in project


@pytest.mark.parametrize("name", [RUNTIME, "pyproject.toml"])
def test_a_changed_file_is_installed_anew_once(checkout: Checkout, name: str) -> None:
    checkout.run("demo")
    (checkout.folder / name).write_text("# changed\n", encoding="utf-8")
    checkout.run("demo")
    checkout.run("demo")
    assert checkout.synced == [RUNTIME, RUNTIME]


def test_an_environment_with_the_tools_of_development_keeps_them(checkout: Checkout) -> None:
    for word in ("demo", "test", "demo"):
        checkout.run(word)
    (checkout.folder / DEV).write_text("# changed\n", encoding="utf-8")
    checkout.run("demo")
    assert checkout.synced == [RUNTIME, DEV, DEV]


@pytest.mark.parametrize("step", ["venv", "pip sync", "pip install"])
def test_a_set_up_that_broke_off_is_taken_up_again(checkout: Checkout, step: str) -> None:
    assert checkout.run("demo", UV_FAILS_AT=step).returncode == 9
    assert checkout.run("demo").stdout == "paperround demo\n"


def test_an_upgrade_that_broke_off_is_not_taken_for_the_old_state(checkout: Checkout) -> None:
    checkout.run("demo")
    assert checkout.run("test", UV_FAILS_AT="pip sync").returncode == 9
    checkout.run("demo")
    assert checkout.synced == [RUNTIME, DEV, RUNTIME]


def test_of_two_at_once_one_sets_up_and_the_other_waits(checkout: Checkout) -> None:
    both = [checkout.start("demo"), checkout.start("demo")]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert said == ["paperround demo\n"] * 2
    assert checkout.synced == [RUNTIME]


def test_a_moved_folder_is_set_up_anew(checkout: Checkout) -> None:
    checkout.run("demo")
    mark = checkout.folder / ".venv" / "mark"
    mark.touch()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    assert checkout.run("demo").stdout == "paperround demo\n"
    assert not (checkout.folder / ".venv" / "mark").exists()


def test_an_environment_whose_python_went_away_is_made_anew(checkout: Checkout) -> None:
    checkout.run("demo")
    python = checkout.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    assert checkout.run("demo").stdout == "paperround demo\n"
    assert python.is_file()


def test_an_old_python_on_path_is_no_matter_where_the_environment_stands(
    checkout: Checkout,
) -> None:
    checkout.run("demo")
    assert checkout.run("demo", VERSION="3.9.2").stdout == "paperround demo\n"


def test_words_arrive_as_they_were_and_none_asks_for_help(checkout: Checkout) -> None:
    assert "<words>\n<two words>\n<>\n<*>\n" in checkout.run("words", "two words", "", "*").stdout
    assert checkout.run().stdout == "paperround --help\n"


def test_the_command_takes_the_place_of_the_script(checkout: Checkout) -> None:
    checkout.run("demo")
    with checkout.start("pid", TOOL_FAILS="paperround") as process:
        out, _ = process.communicate(timeout=60)
    assert f"pid {process.pid}\n" in out  # so signals reach it
    assert process.returncode == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "-n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder"),
        (["-k", "day"], "-n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder -k day"),
        (["tests/test_x.py", "-k", "y"], "tests/test_x.py -k y"),
    ],
)
def test_the_whole_suite_is_spread_and_a_named_file_is_not(
    checkout: Checkout, words: list[str], said: str
) -> None:
    assert checkout.run("test", *words).stdout == f"python -m pytest {said}\n"
    assert checkout.synced == [DEV]


def test_check_runs_every_stage_and_names_what_failed(checkout: Checkout) -> None:
    done = checkout.run("check", TOOL_FAILS="mypy python")
    stages = [line[3:] for line in done.stdout.splitlines() if line.startswith("== ")]
    assert stages == [
        "ruff check",
        "ruff format --check",
        "mypy",
        "lint-imports",
        "djlint templates --check",
        "djlint templates --lint",
        "./run test",
    ]
    assert done.stderr.endswith("Failed:\n  mypy\n  ./run test\n")
    assert done.returncode == 1


def test_check_passes_where_every_stage_does_and_closes_on_the_tests(checkout: Checkout) -> None:
    done = checkout.run("check")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("python -m pytest")


def test_bench_runs_all_or_those_named(checkout: Checkout) -> None:
    assert checkout.run("bench").stdout.count("python tests/bench/bench_") == 2
    done = checkout.run("bench", "two")
    assert done.stdout == "\n== two\npython tests/bench/bench_two.py\n"


def test_an_unknown_bench_is_refused_before_any_runs(checkout: Checkout) -> None:
    done = checkout.run("bench", "one", "three")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No bench is called three" in done.stderr


def test_it_runs_from_any_folder(checkout: Checkout) -> None:
    words = [checkout.folder / "run", "demo"]
    out = subprocess.check_output(words, cwd="/", env=checkout.environ, text=True)
    assert out == "paperround demo\n"
    assert (checkout.folder / ".venv").is_dir()
