"""Planning a backlog run over 90 days for 1,000 readers, and carrying it out, beside the daily round.

Every day has a page of 60 papers, read by a parser that dropped each abstract's last sentence. The plan
reads all pages again, changes every paper, and asks for each reader what they would gain. The baseline is
what the round needed for the same pages (read and merged) and for as many readers (scored and composed, one
day). Rates are papers and readers a second; ratios are against the baseline.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from backlogs import Backlog, Clock, Faulty, Sound, fit_once
from bench_tune import subjects, written
from sqlmodel import select, update

from tasks import models
from tasks.office import runs as office
from tasks.records import Paper, RawPage, Reader, SourceKind
from tasks.round.backlog.question import Mail, Question
from tasks.round.backlog.working import step
from tasks.round.context import Context
from tasks.round.parsing import parse
from tasks.round.scoring import score
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import entries, migrate, pages, profiles, readers, sources
from tasks.store.database import Database

DAYS, PAPERS, READERS, SERVED = 90, 60, 1000, 200
FIRST = date(2026, 7, 1)
TOOK: dict[str, float] = {}


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Note how long it takes."""
    began = time.perf_counter()
    yield
    TOOK[name] = TOOK.get(name, 0.0) + time.perf_counter() - began


def body(papers: list[Paper], first: int) -> bytes:
    """A day's page, as the daily-papers API gives it."""
    rows = [
        {
            "title": paper.title,
            "paper": {
                "id": f"26{10 + (first + n) // 90_000:02d}.{(first + n) % 90_000:05d}",
                "title": f"{paper.title} {first + n}",
                "summary": f"{paper.abstract[:700]}. And {' '.join(paper.title.split()[:2])} at last.",
                "authors": [{"name": f"Author {(first + n) % 997}"}],
                "upvotes": n % 40,
            },
        }
        for n, paper in enumerate(papers)
    ]
    return json.dumps(rows).encode()


def lived(folder: Path) -> Backlog:
    """The days as they were read by the faulty parser, and their readers."""
    database = Database(f"sqlite:///{folder / 'bench.db'}")
    migrate.upgrade(database)
    clock = Clock()
    context = Context(settings=Settings(home=folder / "home"), database=database, clock=clock)
    found = Backlog(context, clock)
    found.read_by(Faulty())
    every = written(DAYS * PAPERS)
    clock.moment = datetime(2026, 6, 30, tzinfo=UTC)
    with database.write() as session:
        source = sources.internal(session, "daily", SourceKind.HF, clock.moment)
        words = [word for words in subjects() for word in words]
        for number in range(READERS):
            reader = Reader(id=0, email=f"r{number}@bench.example", about=4, hour=7)
            key = readers.add(session, reader, next_digest_at=None, now=clock.moment)
            terms = words[number * 3 % len(words) :][:5]
            profiles.save(session, key, "papers", {"terms": terms}, clock.moment)
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        clock.moment = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
        some = every[number * PAPERS : (number + 1) * PAPERS]
        raw = RawPage(
            url=f"https://papers.example/{day}",
            body=body(some, number * PAPERS),
            fetched_at=clock.moment,
            kind="hf",
            day=day,
        )
        with database.write() as session:
            key, _ = pages.keep(session, source, raw)
        with timed("round: read and merge"):
            parse(context, key, key, clock.moment)
    fit_once(context, clock.moment)
    return found


def day_of_round(found: Backlog) -> None:
    """The last day's papers are scored for everybody, and some get their digests."""
    at = found.clock.moment + timedelta(hours=2)
    found.clock.moment = at
    context = found.context
    with context.database.write() as session:
        session.execute(update(models.Profile).values(fresh=False))
        session.execute(update(models.Shard).values(scored=entries.arrivals(session) - PAPERS))
    with timed("round: score a day"):
        score(context, 1, 100, at)
    with context.database.write() as session:
        for reader in readers.active(session)[:SERVED]:
            readers.planned(session, [(reader.id, at)])
    with timed("round: compose, write, hand over"):
        run_once(context, at)


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as name:
        found = lived(Path(name))
        day_of_round(found)
        found.read_by(Sound())
        context, at = found.context, found.clock.moment
        last = FIRST + timedelta(days=DAYS - 1)
        question = Question(first=FIRST, last=last, mail=Mail.ADDENDUM)
        code, [bell] = office.plan(context, question, "bench")
        with timed("backlog: plan"):
            step(context, bell.first, at)
        plan = office.look(context, code).plan
        office.start(context, code, "bench")
        with timed("backlog: check and run"):
            while office.look(context, code).state in ("checking", "running"):
                run_once(context, at)  # papers of the last weeks are scored anew between the pieces
        ended = office.look(context, code)
        assert ended.state == "done", ended
        with context.database.read() as session:
            digests = len(session.exec(select(models.Digest.id)).all())
        context.close()
    papers, mails = sum(plan["papers"].values()), plan["mails"]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        f"{DAYS} days of {PAPERS} papers, {READERS} readers, {digests - mails} digests of one day"
    )
    print(
        f"the plan: {papers} changes, {plan['readers']['changed']} readers' picks, {mails} mails\n"
    )
    print(f"{'':34} {'seconds':>8} {'papers/s':>9} {'readers/s':>10}")
    for what, took in TOOK.items():
        has_papers = what in ("round: read and merge", "backlog: plan", "backlog: check and run")
        of_papers = f"{DAYS * PAPERS / took:9.0f}" if has_papers else " " * 9
        served = SERVED if what.startswith("round: compose") else READERS
        of_readers = f"{served / took:10.0f}" if what != "round: read and merge" else ""
        print(f"{what:34} {took:8.2f} {of_papers} {of_readers}")
    merged = TOOK["round: read and merge"]
    print(f"\nplan / reading and merging the same pages: {TOOK['backlog: plan'] / merged:.2f}")
    print(f"check and run / the same: {TOOK['backlog: check and run'] / merged:.2f}")


if __name__ == "__main__":
    main()
