"""A month of real rounds for some readers, day by day with one scorer, over invented papers.

Sources bring the same papers again with more votes, papers come twice under other names, readers answer,
edit their profiles and pause. What was kept before each hour of digests is written down.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import invented
from papers import bring
from sqlmodel import select, update

from tasks import models
from tasks.desk import interests, leaving, teaching
from tasks.parse.page import parse_page
from tasks.records import ParsedEntry, ParsedPage, RawPage, Reader, Want
from tasks.round.context import Context
from tasks.round.scoring import fitted
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import profiles, readers, shards
from tasks.store.database import Database

DAY = timedelta(days=1)
BEFORE, DAYS = 30, 30  # days of papers that lines are learned from, and days that are lived
FIRST = date(2026, 10, 19)  # a Monday
HOURS = (7, 9, 22)  # when digests are due, in UTC
Scored = Mapping[tuple[int, int], float]  # by profile and entry


class Clock:
    """Stands still until its `moment` is set."""

    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@dataclass
class Lived:
    """A month that was lived: the context, the readers, what was kept before each hour of digests, and the
    databases of each day's early morning.
    """

    context: Context
    clock: Clock
    readers: list[int] = field(default_factory=list)
    kept: dict[datetime, tuple[Scored, Mapping[int, float]]] = field(default_factory=dict)
    files: dict[datetime, Path] = field(default_factory=dict)

    def round(self, at: datetime) -> None:
        """Whatever is due at that moment is done."""
        self.clock.moment = at
        run_once(self.context, at)


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


# --- papers --------------------------------------------------------------------------------------
def papers_of(day: date) -> tuple[ParsedEntry, ...]:
    """What came on that day: nothing on weekends, few on Mondays; each with an abstract of its own."""
    if day.isoweekday() > 5:
        return ()
    found = parse_page(RawPage(url="", body=invented.day(day), fetched_at=moment(day, 6))).entries
    random = Random(day.toordinal() + 7)
    own = [
        replace(
            one,
            title=f"{one.title}, {day:%d %b} {random.randrange(900)}",
            abstract=f"{one.abstract} {_remark(random)}",
            categories=(random.choice(("cs.CL", "cs.CV", "q-bio.BM", "eess.AS")),),
        )
        for one in found
    ]
    return tuple(own[: 14 if day.isoweekday() == 1 else 28])


def _remark(random: Random) -> str:
    """Thirty words that no other abstract has in this order."""
    every = [
        word for _, *some in invented.SUBJECTS.values() for text in some[2] for word in text.split()
    ]
    return " ".join(random.sample(every, 30))


def page_of(day: date) -> ParsedPage | None:
    """The day's list: its papers, some again of the days before with more votes, and some as twins."""
    new = papers_of(day)
    if not new:
        return None
    again = [
        replace(one, upvotes=(one.upvotes or 0) * back + 3 * back)
        for back in (1, 3, 7)
        for one in papers_of(day - back * DAY)[::3]
    ]
    twins = [
        replace(
            one, arxiv_id=f"2611.{80_000 + int((one.arxiv_id or '0').partition('.')[2]) % 10_000}"
        )
        for one in papers_of(day - 2 * DAY)[1::9]
    ]
    entries = (*new, *twins, *again)
    ranked = tuple(replace(one, rank=n) for n, one in enumerate(entries, start=1))
    return ParsedPage(shape="hf-api", entries=ranked, day=day)


def arrive(context: Context, day: date, at: datetime) -> None:
    """The day's list is read; its source is not due again."""
    found = page_of(day)
    if found is None:
        return
    with context.database.write() as session:
        bring(session, found, at, body=f"page of {at}".encode())
        session.execute(update(models.Source).values(state="paused"))


# --- readers -------------------------------------------------------------------------------------
WISHES: Sequence[tuple[dict[str, Any], Sequence[dict[str, Any]]]] = (
    ({"about": 3, "most": 4}, [{"terms": ["sparse attention", "long context"]}]),
    (
        {"about": 6, "most": 6},
        [
            {"terms": ["video diffusion", "camera"], "negatives": ["faces"]},
            {"terms": ["agents"], "less": ["benchmark"], "share": 2},
        ],
    ),
    (
        {"about": 5, "most": 3, "explore": False},
        [
            {"phrases": ["protein folding"], "description": "How enzymes fold and bind."},
            {"authors": ["Lin Xuefang"], "categories": ["eess.AS"]},
            {"terms": ["speech", "gradient descent"], "weights": {"speech": 2}},
        ],
    ),
    (
        {"about": 8, "most": 10, "timezone": "Asia/Tokyo", "hour": 7},
        [{"terms": ["quantization", "pruning"], "negatives": ["cs.CV"]}],
    ),
    (
        {"about": 2, "most": 8, "days": (1, 3, 5), "hour": 9},
        [{"description": "Theory of deep networks: rates of convergence, kernels."}],
    ),
    ({"about": 4, "most": 5, "threshold": 0.35}, [{"terms": ["attention"]}, {"terms": ["audio"]}]),
    ({"about": 7, "most": 7}, [{"categories": ["cs.CL"], "terms": ["language models"]}]),
)


def add_readers(lived: Lived, at: datetime) -> None:
    """Everybody with their profiles."""
    with lived.context.database.write() as session:
        for number, (wants, bodies) in enumerate(WISHES):
            reader = replace(Reader(id=0, email=f"r{number}@readers.example"), **wants)
            key = readers.add(session, reader, next_digest_at=at, now=at)
            for name, body in enumerate(bodies):
                profiles.save(session, key, f"profile {name}", body, at)
            lived.readers.append(key)


@lru_cache(maxsize=1)
def month(tables: Path) -> Lived:
    """The month, lived once for all tests of a process, in a copy of that file, which has all tables."""
    home = tables.parent / "month"
    home.mkdir()
    return live(home, Path(shutil.copy(tables, home / "lived.db")))


# --- days ----------------------------------------------------------------------------------------
def fit_once(context: Context, now: datetime) -> None:
    """One scorer for all the days: in force whatever comes."""
    _, ground = fitted(context)
    with context.database.write() as session:
        data, version = ground.model.to_bytes(), ground.model.version
        shards.save_model(session, version=version, papers=10**9, data=data, now=now)


def live(home: Path, file: Path, days: int = DAYS) -> Lived:
    """The month, in the database of that file, which has all tables."""
    clock = Clock()
    home.mkdir(parents=True, exist_ok=True)
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    database = Database(f"sqlite:///{file}")
    lived = Lived(Context(settings=settings, database=database, clock=clock), clock)
    for back in range(BEFORE, 0, -1):
        clock.moment = moment(FIRST - back * DAY, 6)
        arrive(lived.context, FIRST - back * DAY, clock.moment)
    begin = moment(FIRST, 3)
    clock.moment = begin
    fit_once(lived.context, begin)
    add_readers(lived, begin)
    lived.round(begin)
    for number in range(days):
        day = FIRST + number * DAY
        lived.files[moment(day, 5)] = keep(file, home / f"{day}.db")
        _morning(lived, day)
        _noon(lived, number, day)
        _hour(lived, day, HOURS[2])
    return lived


def _morning(lived: Lived, day: date) -> None:
    arrive(lived.context, day, moment(day, 6))
    lived.round(moment(day, 6))
    for hour in HOURS[:2]:
        _hour(lived, day, hour)
    _answer(lived, day)


def _hour(lived: Lived, day: date, hour: int) -> None:
    """Digests are due."""
    lived.kept[moment(day, hour, 5)] = _kept(lived.context)
    lived.round(moment(day, hour, 5))


def again(lived: Lived, day: date, change: Callable[[Lived], object]) -> Lived:
    """That day lived once more, with a change in its early morning."""
    home = Path(lived.files[moment(day, 5)]).parent
    file = Path(shutil.copy(lived.files[moment(day, 5)], home / "again.db"))
    clock = Clock()
    context = Context(
        settings=lived.context.settings, database=Database(f"sqlite:///{file}"), clock=clock
    )
    other = Lived(context, clock, readers=lived.readers)
    clock.moment = moment(day, 5, 30)
    change(other)
    other.round(clock.moment)
    _morning(other, day)
    _noon(other, (day - FIRST).days, day)
    _hour(other, day, HOURS[2])
    return other


def _kept(context: Context) -> tuple[Scored, Mapping[int, float]]:
    """Every score that is kept, and every line."""
    with context.database.read() as session:
        scores = session.exec(select(models.Score)).all()
        lines = session.exec(select(models.Profile)).all()
        return (
            {(one.profile_id, one.entry_id): one.raw for one in scores},
            {one.id or 0: one.line for one in lines},
        )


def _answer(lived: Lived, day: date) -> None:
    """Some readers say something of what they got that day."""
    random = Random(day.toordinal())
    lived.clock.moment = moment(day, 11)
    with lived.context.database.read() as session:
        rows = session.exec(
            select(models.Pick.reader_id, models.Pick.entry_id)
            .join(models.Digest)
            .where(models.Digest.day == day)
            .order_by(models.Pick.id)  # type: ignore[arg-type]
        ).all()
    for reader_id, entry_id in rows:
        if reader_id % 3 == day.toordinal() % 3 and random.random() < 0.3:
            want = random.choice((Want.MORE, Want.LESS, Want.SAVE, Want.HIDE))
            teaching.give(lived.context, reader_id, entry_id, want)
    lived.round(moment(day, 11))


def _edit(
    name: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> Callable[[Lived, int], None]:
    def done(lived: Lived, reader_id: int) -> None:
        saved = interests.find(lived.context, reader_id, name)
        body = change(json.loads(json.dumps(saved.body)))
        interests.save(lived.context, reader_id, name, body, expected=saved.version)

    return done


def _removed(lived: Lived, reader_id: int) -> None:
    interests.remove(lived.context, reader_id, "profile 1")


def _paused(lived: Lived, reader_id: int) -> None:
    leaving.pause(lived.context, reader_id, None)


def _resumed(lived: Lived, reader_id: int) -> None:
    leaving.resume(lived.context, reader_id)


# By the number of the day, the place of the reader, and what they do at noon.
EVENTS: Mapping[int, Sequence[tuple[int, Callable[[Lived, int], None]]]] = {
    4: [(0, _edit("profile 0", lambda b: {**b, "weights": {"long context": 3}}))],
    6: [(1, _edit("profile 0", lambda b: {**b, "negatives": ["faces", "cs.CL"]}))],
    8: [(3, _paused)],
    11: [(2, _edit("profile 2", lambda b: {**b, "terms": ["overparametrised", *b["terms"]]}))],
    13: [(3, _resumed), (5, _removed)],
    17: [(1, _edit("profile 1", lambda b: {**b, "less": ["calendars"], "share": 1}))],
    20: [(6, _edit("profile 0", lambda b: {**b, "phrases": ["self correction"]}))],
}


def _noon(lived: Lived, number: int, day: date) -> None:
    """Edits and pauses, which are scored at once."""
    lived.clock.moment = moment(day, 12)
    for place, act in EVENTS.get(number, ()):
        act(lived, lived.readers[place])
    lived.round(moment(day, 12))


def keep(file: Path, copy: Path) -> Path:
    """The database as it stands."""
    with sqlite3.connect(file) as here, sqlite3.connect(copy) as there:
        here.backup(there)
    here.close()
    there.close()
    return copy
