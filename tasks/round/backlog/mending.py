"""Old pages read by today's parser, against what is kept of them → what is to be changed. Pure.

An entry is what all of its pages say of it, in the order they were fetched, by the rules of merging
(`tasks.store.entries`). So pages outside the days asked for are read too, where they tell of the same
papers. What stands on no page any more was a part of another paper of its page, or never was one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from tasks.models import Entry
from tasks.round.backlog.finding import NO_TIME, Found, Reading, Telling, World, find
from tasks.store import entries
from tasks.store.mends import Change
from tasks.store.old_pages import STOOD, Name, Seen, columns

SAYS_ENOUGH = 40  # characters of an abstract that stand in another one word for word


def changes(readings: Sequence[Reading], world: World) -> list[Change]:
    """What is to be changed, entry by entry, in the order of their days."""
    found = find(readings, world)
    mending = _Mending(readings, world, found)
    made = [mending.change(key) for key in sorted(found.told) if key in mending.asked]
    gone = [mending.orphan(key) for key in sorted(mending.ghosts) if key not in mending.parts]
    return sorted(filter(None, [*made, *gone]), key=lambda one: (one.day, one.key))


@dataclass
class _Mending:
    """The tellings of each entry, folded, beside what is kept of it."""

    readings: Sequence[Reading]
    world: World
    found: Found

    def __post_init__(self) -> None:
        pages = {reading.page.id: reading for reading in self.readings}
        self._stood: dict[int, list[Seen]] = defaultdict(list)
        for seen in self.world.seen:
            if seen.page_id in pages:
                self._stood[self.found.root(seen.entry_id)].append(seen)
        asked = {key for key, reading in pages.items() if reading.asked}
        unread = {key for key, reading in pages.items() if reading.parsed is None}
        self._pages, self._asked_pages = pages, asked
        self._unread = {
            key for key, stood in self._stood.items() if any(s.page_id in unread for s in stood)
        }
        self.asked = {
            key
            for key, some in self.found.told.items()
            if any(t.reading.asked for t in some)
            or any(seen.page_id in asked for seen in self._stood.get(key, ()))
        }
        self.ghosts = {
            key
            for key, stood in self._stood.items()
            if key not in self.found.told
            and key not in self._unread
            and any(seen.page_id in asked for seen in stood)
        }
        self.parts = dict(self._parts())

    def _parts(self) -> Iterator[tuple[int, int]]:
        """Ghosts that are a part of another paper, the same one wherever they stood, and of which."""
        by_page: dict[int, list[tuple[int, Telling]]] = defaultdict(list)
        for key, some in self.found.told.items():
            for telling in some:
                by_page[telling.reading.page.id].append((key, telling))
        for ghost in self.ghosts:
            told = self.world.held[ghost].columns
            found = (_whole(told, seen, by_page[seen.page_id]) for seen in self._stood[ghost])
            wholes = {whole for whole in found if whole is not None}
            if len(wholes) == 1:
                yield ghost, wholes.pop()

    def change(self, key: int) -> Change | None:
        """The change of an entry that pages tell of, if there is any."""
        some = sorted(self.found.told[key], key=lambda one: (one.reading.page.id, one.entry.rank))
        joined = [lost for lost in self.found.same if lost > 0 and self.found.root(lost) == key]
        absorb = sorted({*joined, *(g for g, whole in self.parts.items() if whole == key)})
        kept = self.world.held.get(key)
        before = kept.columns if kept else None
        after = self._after(key, some, before)
        learn, unlearn = self._names(key, self.found.names[key], absorb)
        sight, unsight = self._sightings(key, some, absorb)
        moved = sight or unsight or learn or unlearn or absorb
        if before and not moved and after == before | {"upvotes": after["upvotes"]}:
            return None  # votes alone are as the last page said that was read, in whatever order
        return Change(
            key=key,
            day=self._day(key, some),
            source=self._source(key, some),
            before=before,
            after=after,
            sight=sight,
            unsight=unsight,
            absorb=absorb,
            learn=learn,
            unlearn=unlearn,
            split=key in self.found.splits,
            news=None if kept else _news(some),
        )

    def _after(
        self, key: int, some: Sequence[Telling], before: dict[str, Any] | None
    ) -> dict[str, Any]:
        if before is not None and key in self._unread:
            return before  # a page that cannot be read any more had its part in it
        return columns(_folded(some))

    def _names(
        self, key: int, names: set[Name], absorb: Sequence[int]
    ) -> tuple[list[tuple[str, str, int]], list[list[str]]]:
        had = self.world.names.get(key, set())
        gets = {name for lost in absorb for name in self.world.names.get(lost, set())}
        owners = self.world.owners
        learn = sorted(
            (*name, owners.get(name, 0))
            for name in names - had - gets
            if owners.get(name) in (None, *self._losing(name))
        )
        unlearn = [] if key in self._unread else sorted((had | gets) - names)
        return learn, [list(name) for name in unlearn]

    def _losing(self, name: Name) -> tuple[int, ...]:
        """Whoever has that name and is told of by it no more."""
        owner = self.world.owners.get(name)
        if owner is None or owner in self._unread:
            return ()
        return () if name in self.found.names.get(self.found.root(owner), ()) else (owner,)

    def _sightings(
        self, key: int, some: Sequence[Telling], absorb: Sequence[int]
    ) -> tuple[list[dict[str, Any]], list[int]]:
        """Rows to be had on the pages that were asked for, and those that say what is not so."""
        # Where it stood itself counts first, then where the first that it absorbs did.
        last = sorted(
            self._stood.get(key, []), key=lambda one: (one.entry_id == key, -one.entry_id)
        )
        stood = {seen.page_id: seen for seen in last}
        wanted: dict[int, dict[str, Any]] = {}
        for telling in some:
            wanted.setdefault(telling.reading.page.id, _sighting(telling))
        sight = [
            row
            for page_id, row in wanted.items()
            if page_id in self._asked_pages and not _stands(stood.get(page_id), row)
        ]
        parts = [seen for lost in absorb if lost in self.ghosts for seen in self._stood[lost]]
        unsight = [
            seen.id
            for seen in (*self._stood.get(key, []), *parts)
            if (seen.page_id in self._asked_pages or seen in parts)
            and self._pages[seen.page_id].parsed is not None
            and seen.page_id not in wanted
        ]
        return sight, unsight

    def orphan(self, key: int) -> Change:
        """The change of an entry that stands on no page any more."""
        stood, kept = self._stood[key], self.world.held[key]
        page = self._pages[stood[0].page_id].page
        return Change(
            key=key,
            day=page.day,
            source=page.source,
            before=kept.columns,
            after=kept.columns | {"withdrawn": True, "arxiv_id": None},  # in nobody's way
            unsight=[seen.id for seen in stood],
            unlearn=[list(name) for name in sorted(self.world.names.get(key, ()))],
            orphan=True,
        )

    def _day(self, key: int, some: Sequence[Telling]) -> date:
        asked = [t.reading.page.day for t in some if t.reading.asked]
        stood = [self._pages[s.page_id].page.day for s in self._stood.get(key, ())]
        return min(asked or stood)

    def _source(self, key: int, some: Sequence[Telling]) -> str:
        asked = [t.reading.page.source for t in some if t.reading.asked]
        stood = [self._pages[s.page_id].page.source for s in self._stood.get(key, ())]
        return (asked or stood)[0]


def _whole(
    part: Mapping[str, Any], seen: Seen, others: Sequence[tuple[int, Telling]]
) -> int | None:
    """The paper of the same page that this is a part of: by the page's key, else by what it says."""
    words = " ".join(part["abstract"].split())
    for key, telling in others:
        if seen.source_key and telling.entry.source_id == seen.source_key:
            return key
    for key, telling in others:
        text = " ".join(telling.entry.abstract.split())
        if len(words) >= SAYS_ENOUGH and words in text:
            return key
    return None


def _folded(some: Sequence[Telling]) -> Entry:
    """All that is told of one paper, by the rules of merging."""
    first, *others = some
    row = Entry(created_at=NO_TIME, updated_at=NO_TIME, **entries.told_by(first.entry))
    for telling in others:
        entries.overlay(row, telling.entry)
    return row


def _news(some: Sequence[Telling]) -> str | None:
    """The day on which a paper of these pages would have been news: it came no later than a week after."""
    for telling in some:
        page, parsed = telling.reading.page, telling.reading.parsed
        certain = parsed is not None and parsed.certain_day and parsed.day is not None
        came = page.fetched_at.astimezone(UTC)
        if not certain or page.day >= (came - entries.NEWS_FOR).date():
            return came.date().isoformat()
    return None


def _sighting(telling: Telling) -> dict[str, Any]:
    entry = telling.entry
    return {
        "page_id": telling.reading.page.id,
        "rank": entry.rank,
        "upvotes": entry.upvotes,
        "arxiv_version": entry.arxiv_version,
        "source_key": entry.source_id,
        "warnings": list(entry.warnings),
    }


def _stands(seen: Seen | None, row: Mapping[str, Any]) -> bool:
    return seen is not None and all(getattr(seen, name) == row[name] for name in STOOD)
