"""Three days that a faulty parser misread: a home in which a backlog run has something to mend.

with misread(home) as found:
    code = planned(found)
    office.start(found.context, code, "somebody")
    work(found, code)
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backlogs import DAY, FIRST, Backlog, Clock, Sound, lived, moment
from sqlmodel import select

from tasks import models
from tasks.office import asking
from tasks.office import runs as office
from tasks.office.asking import Asked
from tasks.records import Step
from tasks.round.backlog.question import Mail
from tasks.round.backlog.working import step
from tasks.round.context import Context
from tasks.round.tick import tick
from tasks.round.walk import STEPS
from tasks.settings import Settings
from tasks.store import migrate
from tasks.store.database import Database

DAYS = 3
LAST = FIRST + (DAYS - 1) * DAY
NOW = moment(LAST, 12)  # nothing is due
WHO = "somebody"


@lru_cache(maxsize=1)
def _home() -> Path:
    """A home that lived those days; made once in a process, and to be copied."""
    home = Path(_folder.name) / "home"
    home.mkdir()
    database = Database(f"sqlite:///{home / 'paperround.db'}")
    migrate.upgrade(database)
    found = lived(database, Settings(home=home, _env_file=None), days=DAYS)  # type: ignore[call-arg]
    found.context.close()
    return home


_folder = TemporaryDirectory(prefix=f"mended-days-{os.getpid()}-")


@contextmanager
def misread(home: Path, **changes: Any) -> Iterator[Backlog]:
    """A copy of that home, at noon of the last day, with a parser that reads well."""
    shutil.copytree(_home(), home)
    chosen = Settings(home=home, _env_file=None, **changes)  # type: ignore[call-arg]
    with opened(chosen) as found:
        yield found


@contextmanager
def opened(settings: Settings) -> Iterator[Backlog]:
    """A home that was copied before."""
    clock = Clock()
    clock.moment = NOW
    context = Context(settings=settings, database=Database(settings.database), clock=clock)
    found = Backlog(context, clock)
    found.read_by(Sound())
    yield found
    context.close()


def asked(found: Backlog, mail: str = "none", **said: Any) -> str:
    """Ask for a plan of those days; what it is called."""
    wish = Asked(first=str(FIRST), last=str(LAST), mail=Mail(mail), **said)
    return office.plan(found.context, asking.question(found.context, wish), WHO)[0]


def planned(found: Backlog, **said: Any) -> str:
    """The same, and the plan is made."""
    code = asked(found, **said)
    work(found, code)
    return code


def started(found: Backlog, **said: Any) -> str:
    """A run that is under way: its last look found all as it was planned."""
    code = planned(found, **said)
    office.start(found.context, code, WHO)
    work(found, code, pieces=1)
    assert state(found, code) == "running"
    return code


def done(found: Backlog, **said: Any) -> str:
    """A run that has ended."""
    code = started(found, **said)
    work(found, code)
    assert state(found, code) == "done"
    return code


def work(found: Backlog, code: str, pieces: int = 0) -> None:
    """Do so many pieces of a run, and what the round wants before; without a number all that is due."""
    key = office.look(found.context, code).id
    for _ in range(pieces):
        if not step(found.context, key, found.clock()):
            _go_first(found.context, found.clock())
            assert step(found.context, key, found.clock())
    if not pieces:
        found.round(found.clock())


def _go_first(context: Context, at: datetime) -> None:
    """Do what the round has waiting, and nothing of any run."""
    waiting = deque(tick(context, at))
    while waiting:
        ring = waiting.popleft()
        if ring.step is not Step.BACKLOG:
            waiting.extend(STEPS[ring.step](context, ring.first, ring.last, at))


def state(found: Backlog, code: str) -> str:
    """The state of a run."""
    return office.look(found.context, code).state


def abstracts(found: Backlog) -> set[str]:
    """What the papers that stand for themselves say."""
    with found.context.database.read() as session:
        return {row.abstract for row in session.exec(select(models.Entry)) if not row.merged_into}
