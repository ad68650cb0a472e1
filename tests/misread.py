"""Small worlds of hand-made pages: read with a fault, or soundly; mended by backlog runs, and compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from sqlmodel import select

from tasks import models
from tasks.errors import PageError
from tasks.office import runs
from tasks.office.runs import Standing
from tasks.records import ParsedEntry, ParsedPage, RawPage, RejectedItem, SourceKind
from tasks.round.backlog.question import Question
from tasks.round.backlog.working import step
from tasks.round.context import Context
from tasks.round.parsing import parse
from tasks.settings import Settings
from tasks.store import old_pages, pages, sources
from tasks.store.database import Database
from tasks.store.search import search

DAY = timedelta(days=1)
FIRST = date(2026, 10, 5)
LAST = FIRST + 6 * DAY
BAD = "item 9 has no title"  # what a page's marker of a rejected item says
Read = Callable[[RawPage], ParsedPage]
Fault = Callable[[list[ParsedEntry]], list[ParsedEntry]]
Pages = Sequence[tuple[int, str, Sequence[ParsedEntry]]]  # the number of the day, source, papers


def paper(number: int, *, words: str = "", key: bool = True, **changes: Any) -> ParsedEntry:
    """An invented paper of four sentences, each with words of its own."""
    made = ParsedEntry(
        title=f"Paper {number} on lattice engines",
        abstract=(
            f"Rivers of kind {number} freeze {number * 37 + 11} times a year. "
            f"We count lanterns in {number * 91 + 5} orchards by night. "
            f"No sonata of {number * 17 + 3} bars was as slow as that. "
            f"Glaciers answer with word{number} and {words or 'nothing'} else."
        ),
        authors=(f"Ada Author{number}", "Bo Second"),
        categories=("cs.CL", "cs.LG"),
        arxiv_id=f"2610.{number:05d}",
        url=f"https://arxiv.org/abs/2610.{number:05d}",
        source_id=f"2610.{number:05d}" if key else "",
        upvotes=number * 3,
    )
    return replace(made, **changes)


def nameless(number: int, **changes: Any) -> ParsedEntry:
    """One that is known by its title alone."""
    return replace(paper(number, key=False), **({"arxiv_id": None, "url": None} | changes))


def body_of(found: Sequence[ParsedEntry], **more: Any) -> bytes:
    """A page of these papers."""
    return json.dumps({"entries": [asdict(one) for one in found]} | more).encode()


def sound(page: RawPage) -> ParsedPage:
    """What such a page says."""
    told = json.loads(page.body)
    if told.get("broken"):
        raise PageError("not_a_page", "there is no list on it")
    lists = ("authors", "code_urls", "categories", "warnings")
    found = [
        ParsedEntry(**(one | {name: tuple(one[name]) for name in lists} | {"rank": rank}))
        for rank, one in enumerate(told["entries"], start=1)
    ]
    rejected = tuple(RejectedItem(position=n, reason=BAD) for n in told.get("rejected", ()))
    return ParsedPage(shape="test", entries=tuple(found), day=page.day, rejected=rejected)


def spoiled(fault: Fault) -> Read:
    """A parser with a fault."""

    def read(page: RawPage) -> ParsedPage:
        found = sound(page)
        some = [replace(one, rank=n) for n, one in enumerate(fault([*found.entries]), start=1)]
        return replace(found, entries=tuple(some))

    return read


@dataclass
class Reads:
    """A parser without a process of its own."""

    parse: Read

    def close(self) -> None:
        """There is no child to end."""


class Clock:
    """Stands still until its `moment` is set."""

    moment = datetime(2026, 10, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


class World:
    """Pages that came, as some parser read them. There are no readers."""

    def __init__(self, database: Database, settings: Settings, read: Read) -> None:
        settings.home.mkdir(parents=True, exist_ok=True)
        self.clock = Clock()
        self.context = Context(settings=settings, database=database, clock=self.clock)
        self.read_by(read)
        self.brought = 0

    def read_by(self, read: Read) -> None:
        """Pages are read by this parser from now on."""
        self.context.__dict__["parser"] = Reads(read)

    def bring(
        self,
        day: date,
        found: Sequence[ParsedEntry],
        source: str = "daily",
        **more: Any,
    ) -> int:
        """A page of that day comes and is read; its id."""
        self.clock.moment = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
        self.brought += 1
        raw = RawPage(
            url=f"https://papers.example/{source}/{self.brought}",
            body=body_of(found, **more),
            fetched_at=self.clock.moment,
            kind="hf",
            day=day,
        )
        with self.context.database.write() as session:
            where = sources.internal(session, source, SourceKind.HF, self.clock.moment)
            key = pages.keep(session, where, raw)[0]
        parse(self.context, key, key, self.clock.moment)
        return key

    def fill(self, some: Pages) -> None:
        """All of these pages come, in order."""
        for number, source, found in some:
            self.bring(FIRST + number * DAY, found, source)

    def work(self) -> None:
        """Whatever runs have to do is done."""
        with self.context.database.read() as session:
            keys = [key or 0 for key in session.exec(select(models.Run.id))]
        for key in keys:
            while step(self.context, key, self.clock.moment):
                pass

    def plan(self, first: date = FIRST, last: date = LAST, **asked: Any) -> Standing:
        """A plan for some days, by the sound parser."""
        self.read_by(sound)
        code, _ = runs.plan(self.context, Question(first=first, last=last, **asked), "ada")
        self.work()
        return runs.look(self.context, code)

    def start(self, code: str) -> Standing:
        """That plan is done."""
        runs.start(self.context, code, "ada")
        self.work()
        return runs.look(self.context, code)

    def mend(self, first: date = FIRST, last: date = LAST, **asked: Any) -> Standing:
        """Plan, and do it."""
        return self.start(self.plan(first, last, **asked).code)

    def known(self) -> dict[str, Any]:
        """All that the pages made of papers, without the numbers of rows."""
        with self.context.database.read() as session:
            rows = session.exec(select(models.Entry)).all()
            sightings = session.exec(select(models.Sighting)).all()
            names = session.exec(select(models.Identifier)).all()
            papers = [
                (
                    json.dumps(old_pages.columns(row), sort_keys=True),
                    sorted(_place(one) for one in sightings if one.entry_id == row.id),
                    sorted((one.kind, one.value) for one in names if one.entry_id == row.id),
                )
                for row in rows
                if row.merged_into is None
            ]
            words = [f"word{number}" for number in range(1, 12)]
            return {
                "papers": sorted(told for told in papers if told[1]),  # what is gone stands nowhere
                "pages": {row.id: _page(row) for row in session.exec(select(models.Page))},
                "editions": {(e.source_id, e.day) for e in session.exec(select(models.Edition))},
                "rejections": {
                    (r.page_id, r.position, r.reason, r.raw)
                    for r in session.exec(select(models.Rejection))
                },
                "found": {
                    word: sorted((p.title, p.abstract) for p in search(session, word, limit=9)[0])
                    for word in words
                },
            }

    def rows(self) -> dict[str, Any]:
        """The rows themselves, but for what a change leaves behind: moments, numbers of arrival."""
        with self.context.database.read() as session:
            return {
                "entries": {
                    row.id: (
                        old_pages.columns(row),
                        row.merged_into,
                        row.arrived_at,
                        bool(row.arrival),
                    )
                    for row in session.exec(select(models.Entry))
                },
                "sightings": {
                    (one.entry_id, *_place(one)) for one in session.exec(select(models.Sighting))
                },
                "names": {
                    (one.kind, one.value, one.entry_id)
                    for one in session.exec(select(models.Identifier))
                },
                "picks": {
                    (p.reader_id, p.entry_id, p.digest_id)
                    for p in session.exec(select(models.Pick))
                },
            } | {name: self.known()[name] for name in ("pages", "rejections")}


def _place(one: models.Sighting) -> tuple[Any, ...]:
    votes, version = str(one.upvotes), str(one.arxiv_version)
    return (one.page_id, one.rank, votes, version, one.source_key, *one.warnings)


def _page(row: models.Page) -> tuple[Any, ...]:
    return (row.state, row.entries, row.rejected_items, row.warnings, row.error, row.day)


# --- faults, each of one paper of a page ---------------------------------------------------------
def cut(one: ParsedEntry) -> ParsedEntry:
    """Without its last sentence."""
    return replace(one, abstract=one.abstract.rpartition(". ")[0] + ".")


def halves(one: ParsedEntry, *, key: bool = False) -> tuple[ParsedEntry, ParsedEntry]:
    """In two; the second half under a title of its own, with the page's key for it or without."""
    middle = len(one.abstract) // 2
    bare: dict[str, Any] = {"arxiv_id": None, "arxiv_version": None, "doi": None, "url": None}
    rest = {"title": f"More of {one.title[:9]}", "abstract": one.abstract[middle:]} | bare
    other = replace(one, source_id=one.source_id if key else "", **rest)
    return replace(one, abstract=one.abstract[:middle]), other


def advert(number: int) -> ParsedEntry:
    """A paper that never was one."""
    words = "Buy it now, there is plenty of it for everyone while the offer lasts."
    return ParsedEntry(title=f"Advertisement {number}", abstract=words)


FAULTS = ("cut", "title", "authors", "bare", "drop", "split", "advert", "glue", "votes", "version")


def at_random(seed: int, kinds: Sequence[str] = FAULTS) -> Fault:
    """A parser that misreads two papers of five in some way, and each wherever it stands, or not so."""
    alike = seed % 2 == 0

    def fault(found: list[ParsedEntry]) -> list[ParsedEntry]:
        kept: list[ParsedEntry] = []
        tail: list[ParsedEntry] = []
        for number, one in enumerate(found):
            dice = Random(f"{seed} {one.title}" if alike else f"{seed} {number} {len(found)} {one}")
            kind = dice.choice(kinds) if dice.random() < 0.4 else ""
            _misread(kind, one, dice, kept, tail)
        return [*kept, *tail]

    return fault


def _misread(
    kind: str, one: ParsedEntry, dice: Random, kept: list[ParsedEntry], tail: list[ParsedEntry]
) -> None:
    if kind == "drop":
        return
    if kind == "glue" and kept:
        kept[-1] = replace(kept[-1], abstract=f"{kept[-1].abstract} {one.abstract}")
        return
    if kind == "split":
        one, half = halves(one, key=dice.random() < 0.5)
        tail.append(half)
    if kind == "advert":
        tail.append(advert(dice.randrange(1000)))
    changes: dict[str, dict[str, Any]] = {
        "cut": {"abstract": cut(one).abstract},
        "title": {"title": f"{one.title.upper()} [PDF] x"},
        "authors": {"authors": ("Wrong",)},
        "bare": {"arxiv_id": None, "arxiv_version": None, "url": None},
        "votes": {"upvotes": dice.choice([None, 7])},
        "version": {"arxiv_version": None},
    }
    kept.append(replace(one, **changes.get(kind, {})))


def weeks_at_random(seed: int) -> Pages:
    """Some days of pages of two sources that tell of the same papers: with votes that grow, versions, and
    names that some pages lack.
    """
    dice = Random(seed)
    papers = [
        nameless(n) if dice.random() < 0.3 else paper(n, key=seed % 3 != 0)
        for n in range(1, dice.randrange(5, 12))
    ]
    found: list[tuple[int, str, list[ParsedEntry]]] = []
    for day in range(dice.randrange(1, 4)):
        for source in dice.sample(["daily", "other"], dice.choice([1, 2])):
            for _ in range(dice.choice([1, 2])):
                some = dice.sample(papers, min(len(papers), dice.randrange(2, 7)))
                found.append((day, source, [_told(one, source, dice) for one in some]))
    return found


def _told(one: ParsedEntry, source: str, dice: Random) -> ParsedEntry:
    one = replace(one, upvotes=dice.randrange(50) if source == "daily" else None)
    if one.arxiv_id and dice.random() < 0.2:
        return replace(one, arxiv_version=2, abstract=f"{one.abstract} Now revised.")
    if source == "other" and dice.random() < 0.3:
        return replace(one, abstract="", authors=())
    if dice.random() < 0.2:
        return replace(one, arxiv_id=None, url=None)
    return one
