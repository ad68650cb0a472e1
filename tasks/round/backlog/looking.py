"""Reading the old pages of a question again, and what is kept of them: what a plan is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.errors import PageError
from tasks.round.backlog.finding import Reading, World, tellings
from tasks.round.backlog.question import Question
from tasks.round.context import Context
from tasks.store import old_pages, pages
from tasks.store.old_pages import Kept

Told = Callable[[int, int], None]  # how many are done, of how many


@dataclass(frozen=True, slots=True)
class Looked:
    """The pages that were asked for and those that tell of the same papers, read; and what is kept."""

    readings: Sequence[Reading]
    world: World

    @property
    def asked(self) -> list[Reading]:
        """The pages of the days in question."""
        return [reading for reading in self.readings if reading.asked]


def look(context: Context, question: Question, told: Told) -> Looked:
    """Read the pages of the days in question by today's parser."""
    with context.database.read() as session:
        asked = old_pages.pages_of(session, question.first, question.last, question.sources)
        own = {page.id for page in asked}
        seen = old_pages.sightings_on(session, own)
    readings = [_read(context, page, told, n, len(asked)) for n, page in enumerate(asked)]
    with context.database.read() as session:
        names = {name for telling in tellings(readings) for name in telling.names}
        owners = old_pages.owners(session, names)
        entry_ids = {one.entry_id for one in seen} | set(owners.values())
        others = [p for p in old_pages.pages_seeing(session, entry_ids) if p.id not in own]
        seen += old_pages.sightings_on(session, {page.id for page in others})
    readings += [
        _read(context, page, told, len(asked) + n, len(asked) + len(others), asked=False)
        for n, page in enumerate(others)
    ]
    readings.sort(key=lambda reading: reading.page.id)
    with context.database.read() as session:
        names = {name for telling in tellings(readings) for name in telling.names}
        owners = old_pages.owners(session, names)
        entry_ids |= {one.entry_id for one in seen} | set(owners.values())
        world = World(
            seen=seen,
            owners=owners,
            names=old_pages.names_of(session, entry_ids),
            held=old_pages.held(session, entry_ids),
        )
    return Looked(readings, world)


def _read(
    context: Context, page: Kept, told: Told, number: int, of: int, *, asked: bool = True
) -> Reading:
    told(number, of)
    with context.database.read() as session:
        raw = pages.raw(session, page.id)
    try:
        return Reading(page, context.parser.parse(raw), asked=asked)
    except PageError as error:
        return Reading(page, None, f"{error.reason}: {error}", asked=asked)
