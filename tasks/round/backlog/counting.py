"""Before and after by source and day: what stands on each day's pages, and what would change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from tasks.round.backlog.looking import Looked
from tasks.store.mends import KINDS, Change
from tasks.store.old_pages import Kept

Place = tuple[str, date]  # a source's day
Standing = dict[Place, set[int]]  # the papers that stand there, by their keys


def counted(looked: Looked | None, made: Sequence[Change]) -> list[dict[str, Any]]:
    """A row for each source and day: pages, papers before and after, and changes of each kind."""
    pages = {reading.page.id: reading.page for reading in looked.asked} if looked else {}
    read = Counter(map(_place, pages.values()))
    before = _stood(looked, pages) if looked else {}
    after = _stands(looked, pages, before, made) if looked else {}
    kinds = Counter((change.source, change.day, kind) for change in made for kind in change.kinds)
    places = set(read) | {(source, day) for source, day, _ in kinds}
    return [
        {
            "source": source,
            "day": day.isoformat(),
            "pages": read[source, day],
            "before": len(before.get((source, day), ())),
            "after": len(after.get((source, day), ())),
        }
        | {kind: kinds[source, day, kind] for kind in KINDS}
        for source, day in sorted(places, key=lambda place: (place[1], place[0]))
    ]


def _place(page: Kept) -> Place:
    return page.source, page.day


def _stood(looked: Looked, pages: Mapping[int, Kept]) -> Standing:
    found: Standing = defaultdict(set)
    for seen in looked.world.seen:
        if seen.page_id in pages:
            found[_place(pages[seen.page_id])].add(seen.entry_id)
    return found


def _stands(
    looked: Looked, pages: Mapping[int, Kept], before: Standing, made: Iterable[Change]
) -> Standing:
    found: Standing = defaultdict(set) | {place: set(some) for place, some in before.items()}
    page_of = {seen.id: seen.page_id for seen in looked.world.seen}
    for change in made:
        kept = {sighting["page_id"] for sighting in change.sight}
        gone = {page_of[key] for key in change.unsight} - kept
        for page_id in kept:
            found[_place(pages[page_id])].add(change.key)
        for page_id in gone & set(pages):
            found[_place(pages[page_id])].discard(change.key)
        lost = set(change.absorb)
        for some in found.values():
            if not lost.isdisjoint(some):
                some -= lost
                some.add(change.key)
    return found
