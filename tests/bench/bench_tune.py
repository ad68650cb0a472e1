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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))

from browsing import client
from invented import texts
from papers import add_reader
from sqlalchemy import insert

from tasks import models
from tasks.desk import visiting
from tasks.desk.tuning.machine import compare
from tasks.round.context import Context
from tasks.round.scoring import fitted
from tasks.settings import Settings
from tasks.store import counters, entries, migrate, profiles, readers
from tasks.store.database import Database
from workers.web.page import COOKIE

DAYS, PAPERS, ENTRIES, READERS, ASKED = 150, 60, 100_000, 100_000, 15
SYLLABLES = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "lmnrst"]


def prepared(folder: Path, now: datetime) -> Context:
    """A store of many entries, the newest in days; its scorer fitted as the workers do."""
    database = Database(f"sqlite:///{folder / 'bench.db'}")
    migrate.upgrade(database)
    context = Context(settings=Settings(home=folder / "home"), database=database, clock=lambda: now)
    found = texts(DAYS * PAPERS)
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
    cookie = {"Cookie": f"{COOKIE}={visiting.begin(context, 1, visiting.FULL)}", "HX-Request": "true"}
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
    terms = (f"{a}{b} {c}" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES)
    with tempfile.TemporaryDirectory() as name:
        context = prepared(Path(name), now)
        words = [paper.title.split()[:2] for paper in texts(40)]
        with context.database.write() as session:
            add_reader(session, now, terms=[" ".join(two) for two in words[::8]], about=5.0)
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
