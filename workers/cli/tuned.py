"""What the tuning commands are asked about: a reader's profile and its edit, or a file of nobody's."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tasks.desk import interests, preferring
from tasks.desk.tuning.aside import aside, nobody
from tasks.errors import UnknownName, UsageError
from tasks.records import Paper, Reader
from tasks.round.context import Context
from tasks.settings import current
from workers.cli.asked import find, read_profile
from workers.cli.files import read_dated_papers
from workers.cli.say import err, note
from workers.cli.state import opened

READABLE: Any = {"exists": True, "dir_okay": False}
Who = Annotated[
    str,
    typer.Argument(help="The reader's address or number; none with --profile.", metavar="WHO"),
]
File = Annotated[
    Path | None,
    typer.Argument(help="The edited profile as JSON; none for the saved one.", **READABLE),
]
Name = Annotated[
    str,
    typer.Option(help="Which of the reader's profiles (default: the file's name, or the first)."),
]
Alone = Annotated[
    Path | None, typer.Option("--profile", help="A profile as JSON, of no reader.", **READABLE)
]
Against = Annotated[
    Path | None, typer.Option(help="Compare with this profile, not with the saved one.", **READABLE)
]
Entries = Annotated[
    Path | None,
    typer.Option(
        help="With --profile: these dated papers alone (JSONL, also .xz or .gz), and no database.",
        **READABLE,
    ),
]
About = Annotated[
    float | None, typer.Option(help="Picks a day to ask for (default: the reader's, or 5).")
]
Most = Annotated[
    int | None, typer.Option(help="Picks in one digest at most (default: the reader's, or 10).")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was said on the command line. `span` is how many days are looked back on."""

    span: int
    who: str = ""
    file: Path | None = None
    name: str = ""
    alone: Path | None = None
    against: Path | None = None
    entries: Path | None = None
    about: float | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A profile and where it is looked at. `which` is its number, None for one that is not saved; `version`
    the one in force; `base` what it is compared with, None for what is saved.
    """

    context: Context
    reader: Reader
    which: int | None
    name: str
    body: Mapping[str, Any]
    version: int | None = None
    base: Mapping[str, Any] | None = None

    @property
    def typed(self) -> dict[str, Any]:
        """The body with its name."""
        return {**self.body, "name": self.name}


@contextmanager
def tuned(asked: Question) -> Iterator[Tuned]:
    """The profile that is asked about. Raises `UsageError`."""
    if bool(asked.who) == bool(asked.alone):
        raise UsageError("name a reader, or a profile of nobody's by --profile FILE")
    if asked.alone and (asked.file or asked.name):
        raise UsageError("--profile is of no reader: leave FILE and --name out")
    if asked.entries and not asked.alone:
        raise UsageError("--entries is for a profile of no reader: name it by --profile FILE")
    if asked.alone is None:
        with opened() as context:
            yield _of_reader(context, asked)
    elif asked.entries is None:
        with opened() as context:
            yield _of_nobody(context, asked, asked.alone)
    else:
        papers = _dated(asked.entries)
        with ExitStack() as house:
            with waiting("Laying the papers out"):
                context = house.enter_context(aside(current(), papers, span=asked.span))
            yield _of_nobody(context, asked, asked.alone)


@contextmanager
def waiting(words: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """Tells on stderr, where somebody looks at it, what takes a while; call what it gives at each step."""
    count = (MofNCompleteColumn(),) if total else ()
    columns = (TextColumn("{task.description} …"), *count, TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(words, total=total)
        yield lambda: bar.advance(task)


def _of_reader(context: Context, asked: Question) -> Tuned:
    """The profile that `profiles save` would save over with the same words."""
    reader = _wishing(find(context, asked.who), asked)
    known = interests.list_profiles(context, reader.id)
    if asked.file is None and not known:
        raise UsageError(f"{reader.email} has no profile yet: name a FILE that holds one")
    called, body = read_profile(asked.file) if asked.file else ("", {})
    called = asked.name or called or known[0].name
    saved = next((one for one in known if one.name == called), None)
    if saved is None and asked.file is None:
        raise UnknownName(f"there is no profile {called!r}")
    if saved is None:
        note(f"{reader.email} has no profile {called!r}: the file is tried as a new one")
    return Tuned(
        context=context,
        reader=reader,
        which=saved.id if saved else None,
        name=called,
        body=body if asked.file or not saved else saved.body,
        version=saved.version if saved else None,
        base=_base(asked),
    )


def _of_nobody(context: Context, asked: Question, file: Path) -> Tuned:
    called, body = read_profile(file)
    return Tuned(
        context=context,
        reader=_wishing(nobody(), asked),
        which=None,
        name=called,
        body=body,
        base=_base(asked),
    )


def _wishing(reader: Reader, asked: Question) -> Reader:
    """The reader with the numbers of picks that are asked for here."""
    said = {"about": asked.about, "most": asked.most}
    wishes = {name: value for name, value in said.items() if value is not None}
    wrong = preferring.faults(wishes)
    if wrong:
        raise UsageError(" ".join(wrong.values()))
    return replace(reader, **wishes)  # type: ignore[arg-type]  # `faults` saw them


def _base(asked: Question) -> Mapping[str, Any] | None:
    return read_profile(asked.against)[1] if asked.against else None


def _dated(path: Path) -> dict[date, list[Paper]]:
    days: dict[date, list[Paper]] = defaultdict(list)
    for day, paper in read_dated_papers(path):
        days[day].append(paper)
    return days
