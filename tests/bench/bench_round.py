"""A whole round without a broker, and how much of it is the round's own: against its bare steps.

The baseline does the same work with nothing kept: it scores all readers at once, renders each digest and
builds its bytes in memory. The ratio is what claims, transactions and the mailbox cost.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from papers import add_folder, add_reader, api_json, entry

from tasks.compose import compose
from tasks.records import Candidate, Digest
from tasks.render.digest import render
from tasks.render.mime import build
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.score import fit, score
from tasks.settings import Settings
from tasks.store import deliveries, entries, migrate, profiles, readers
from tasks.store.database import Database

READERS, PAPERS = 1000, 60


def prepared(folder: Path, now: datetime) -> Context:
    """A fresh home with one page and its readers."""
    (folder / "pages").mkdir()
    (folder / "pages" / "day.json").write_bytes(api_json(*(entry(n) for n in range(PAPERS))))
    database = Database(f"sqlite:///{folder / 'bench.db'}")
    migrate.upgrade(database)
    with database.write() as session:
        add_folder(session, folder / "pages", now)
        for number in range(READERS):
            terms = ["sparse attention", "tidal energy", "graph kernels"][: 1 + number % 3]
            add_reader(session, now, f"reader{number}@readers.example", terms=terms, hour=0)
    return Context(settings=Settings(home=folder / "home"), database=database)


def bare(context: Context, now: datetime) -> int:
    """The steps alone, for the papers and readers of a finished round."""
    with context.database.read() as session:
        papers = entries.newest(session, PAPERS)
        people = {reader.id: reader for reader in readers.active(session)}
        asked = [row for shard in range(1, 6) for row in profiles.of_shard(session, shard)]
    scores = score(fit(papers), papers, [one.profile for one in asked])
    made = 0
    for column, one in enumerate(asked):
        reader_id = one.reader_id
        wanted = [n for n in range(len(papers)) if scores.values[n, column] >= one.threshold]
        found = [Candidate(paper=papers[n], score=scores.score(n, column)) for n in wanted]
        outcome = compose(people[reader_id], found, sent=(), considered=PAPERS)
        digest = Digest(
            id=reader_id,
            day=now.date(),
            reader=people[reader_id],
            picks=outcome.picks,
            considered=PAPERS,
        )
        build(
            render(digest, context.letterhead),
            digest.reader,
            context.letterhead,
            key=str(reader_id),
            sent_at=now,
            listed=True,
        )
        made += 1
    return made


def main() -> None:
    """Print seconds, digests a second and the ratio."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        context = prepared(Path(name), now)
        started = time.perf_counter()
        run_once(context, now)
        whole = time.perf_counter() - started
        with context.database.read() as session:
            sent = deliveries.counts(session).get("sent", 0)
        started = time.perf_counter()
        made = bare(context, now)
        steps = time.perf_counter() - started
        context.close()
    print(f"round: {sent} digests in {whole:.1f} s ({sent / whole:.0f} a second)")
    print(f"bare steps: {made} digests in {steps:.1f} s ({made / steps:.0f} a second)")
    print(f"the round takes {whole / steps:.1f} times its bare steps")


if __name__ == "__main__":
    main()
