"""What an edit does, in server time: the tuner's page after a term was added, over 7 and over 90 days, and
the time machine alone.

The baseline is an answer that does nothing (`/livez`), asked through the same door. 100,000 entries stand
in the store, 60 of them for each of the last 150 days; everything is asked once alone, and once more with
100,000 readers beside. Each question is a new edit: nothing of its side has been replayed before.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from browsing import client
from invented import texts
from papers import add_reader
from sqlalchemy import insert

from tasks import models
from tasks.desk import visiting
from tasks.desk.tuning.machine import compare
from tasks.records import Paper
from tasks.round.context import Context
from tasks.round.scoring import fitted
from tasks.settings import Settings
from tasks.store import counters, entries, migrate, profiles, readers
from tasks.store.database import Database
from workers.web.page import COOKIE

DAYS, PAPERS, ENTRIES, READERS, ASKED = 150, 60, 100_000, 100_000, 15
SYLLABLES = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "lmnrst"]


def subjects() -> list[list[str]]:
    """The words of each subject: papers have one."""
    return [[f"{a}{b}" for b in SYLLABLES[n % 60 :: 60]] for n, a in enumerate(SYLLABLES[::9])]


def written(count: int) -> list[Paper]:
    """Papers that say a good part of what they say in the words of a subject."""
    random, made = Random(5), []
    every = subjects()
    for paper in texts(count):
        words = every[random.randrange(len(every))]
        title = " ".join([*random.sample(words, 2), *paper.title.split()[2:]])
        abstract = " ".join([*paper.abstract.split()[:100], *random.choices(words, k=40)])
        made.append(replace(paper, title=title, abstract=abstract))
    return made


def prepared(folder: Path, now: datetime) -> Context:
    """A store of many entries, the newest in days; its scorer fitted as the workers do."""
    database = Database(f"sqlite:///{folder / 'bench.db'}")
    migrate.upgrade(database)
    context = Context(settings=Settings(home=folder / "home"), database=database, clock=lambda: now)
    found = written(DAYS * PAPERS)
    first = now - timedelta(days=DAYS - 1, hours=2)
    rows = [
        {
            "title": paper.title,
            "abstract": paper.abstract,
            "authors": [f"Author {number % 997}"],
            "upvotes": number % 90,
            "created_at": now,
            "updated_at": now,
            "arrival": number + 1,
            "arrived_at": first + timedelta(days=number // PAPERS),
        }
        for number, paper in enumerate(found)
    ]
    old = [
        row | {"title": f"{row['title']} {number}", "arrival": None, "arrived_at": None}
        for number in range(ENTRIES - len(rows))
        for row in [rows[number % len(rows)]]
    ]
    with database.write() as session:
        for some in (*_chunks(old), *_chunks(rows)):
            session.execute(insert(models.Entry), some)
        counters.lock(session, entries.ARRIVALS)
        for _ in rows:
            counters.take(session, entries.ARRIVALS)
    fitted(context)
    return context


def crowd(context: Context, now: datetime) -> None:
    """Many readers with a profile each."""
    with context.database.write() as session:
        shard = readers.get(session, 1) and session.get_one(models.Reader, 1).shard_id
        people = [
            {
                "id": 1000 + n,
                "email": f"r{n}@crowd.example",
                "token": f"t{n}",
                "created_at": now,
                "shard_id": shard,
            }
            for n in range(READERS)
        ]
        for some in _chunks(people):
            session.execute(insert(models.Reader), some)
        kept = [{"id": 1000 + n, "reader_id": 1000 + n, "name": "main"} for n in range(READERS)]
        for some in _chunks(kept):
            session.execute(insert(models.Profile), some)
        bodies = [
            {"profile_id": 1000 + n, "version": 1, "body": {"terms": ["lan"]}, "created_at": now}
            for n in range(READERS)
        ]
        for some in _chunks(bodies):
            session.execute(insert(models.ProfileVersion), some)


def _chunks(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    return (rows[start : start + 5000] for start in range(0, len(rows), 5000))


def timed(ask: Callable[[str], Any], terms: Iterator[str]) -> tuple[float, float]:
    """The first time, and the median of the others, in milliseconds."""
    took = []
    for _ in range(ASKED):
        term = next(terms)
        began = time.perf_counter()
        answer = ask(term)
        took.append((time.perf_counter() - began) * 1000)
        assert getattr(answer, "status_code", 200) == 200, answer
    return took[0], statistics.median(took[1:])


def measured(
    context: Context, browser: Any, terms: Iterator[str]
) -> dict[str, tuple[float, float]]:
    """Every question."""
    with context.database.read() as session:
        reader = readers.get(session, 1)
        [saved] = profiles.saved(session, 1)
    typed = list(saved.body["terms"])
    cookie = {
        "Cookie": f"{COOKIE}={visiting.begin(context, 1, visiting.FULL)}",
        "HX-Request": "true",
    }
    form = {"name": saved.name, "version": "1", "about": f"{reader.about:g}", "share": "1"}

    def page(term: str, span: int) -> Any:
        filled = form | {"do": "look", "span": f"{span}", "terms": [*typed, term]}
        return browser.post(f"/my/profiles/{saved.id}", data=filled, headers=cookie)

    def machine(term: str, span: int) -> Any:
        return compare(context, reader, saved.id, {"terms": [*typed, term]}, span=span)

    return {
        "nothing (/livez)": timed(lambda _: browser.get("/livez"), terms),
        "preview, 7 days": timed(lambda term: machine(term, 7), terms),
        "its whole page": timed(lambda term: page(term, 7), terms),
        "time machine, 30 days": timed(lambda term: machine(term, 30), terms),
        "time machine, 90 days": timed(lambda term: machine(term, 90), terms),
        "its page": timed(lambda term: page(term, 90), terms),
    }


def main() -> None:
    """Print a table."""
    now = datetime.now(UTC).replace(hour=8)
    terms = (word for words in zip(*subjects(), strict=True) for word in words)
    with tempfile.TemporaryDirectory() as name:
        context = prepared(Path(name), now)
        wishes = [word for words in subjects()[:5] for word in words[:2]]
        with context.database.write() as session:
            add_reader(session, now, terms=wishes, about=5.0)
        with client(context) as browser:
            alone = measured(context, browser, terms)
            crowd(context, now)
            beside = measured(context, browser, terms)
        context.close()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; ms")
    print(f"{ENTRIES:,} entries, {PAPERS} a day; first and median of the next {ASKED - 1}")
    print(f"{'question':24} {'first':>8} {'then':>8} {'x nothing':>10} {'of many':>9}")
    base = alone["nothing (/livez)"][1]
    for name, (first, then) in alone.items():
        crowded = beside[name][1]
        print(f"{name:24} {first:8.1f} {then:8.1f} {then / base:10.1f} {crowded:9.1f}")


if __name__ == "__main__":
    main()
