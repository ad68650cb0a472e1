"""What pages say, read by today's parser → of which entries they say it. Pure.

What belongs together is found from the pages alone, in the order they were fetched and by the rules of
merging (`tasks.store.entries`): what is kept may have mistaken one paper for two, or two for one. Then
each paper is known again among the entries that are kept: by its names, the strongest first, else by
where it stood, the page's own key for it or its rank.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tasks.models import Entry
from tasks.parse.clean import title_key
from tasks.records import ParsedEntry, ParsedPage
from tasks.store import entries
from tasks.store.old_pages import Held, Kept, Name, Seen

NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
OWN = {"arxiv": 5, "doi": 4, "title": 3}  # how strongly an entry is known by what it shows itself
KNOWN, KEYED, RANKED = 2, 1, 0  # by another name that it has, by the page's key for it, by its rank


@dataclass(frozen=True, slots=True)
class Reading:
    """A page as today's parser reads it, or why it cannot. One `asked` for is of the days in question."""

    page: Kept
    parsed: ParsedPage | None
    error: str = ""
    asked: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """What is kept: what stood on the pages, who is known by which name, and the entries as they are."""

    seen: Sequence[Seen]
    owners: Mapping[Name, int]
    names: Mapping[int, set[Name]]
    held: Mapping[int, Held]


@dataclass(frozen=True, slots=True)
class Telling:
    """What one page says of one paper."""

    reading: Reading
    entry: ParsedEntry
    names: tuple[Name, ...]


def tellings(readings: Iterable[Reading]) -> Iterator[Telling]:
    """All that the pages say, in order."""
    for reading in readings:
        for entry in reading.parsed.entries if reading.parsed else ():
            yield Telling(reading, entry, tuple(entries.names_of(entry, title_key(entry.title))))


@dataclass
class Found:
    """What is told of each entry, by its id or, where it is to be added, a number below 0.

    `names` are what it is known by; `same` says which entries are another one; `splits` which new ones
    were a part of another one.
    """

    told: dict[int, list[Telling]] = field(default_factory=dict)
    names: dict[int, set[Name]] = field(default_factory=dict)
    same: dict[int, int] = field(default_factory=dict)
    splits: set[int] = field(default_factory=set)

    def root(self, key: int) -> int:
        """The entry that this one is the same as."""
        return self.same.get(key, key)


@dataclass(eq=False)
class _Paper:
    """Tellings that are of one paper, and what is known of it by them. `key` is its entry, once found."""

    number: int
    row: Entry
    told: list[Telling] = field(default_factory=list)
    names: set[Name] = field(default_factory=set)
    key: int = 0


def find(readings: Sequence[Reading], world: World) -> Found:
    """Which entry each telling is of."""
    papers = _Papers.of(readings, world)
    matching = _Matching(world, papers)
    return matching.found()


@dataclass
class _Papers:
    """The papers of which pages tell, as a store that had never been wrong would know them."""

    numbered: list[_Paper] = field(default_factory=list)
    joined: set[int] = field(default_factory=set)
    by_name: dict[Name, _Paper] = field(default_factory=dict)

    @classmethod
    def of(cls, readings: Sequence[Reading], world: World) -> _Papers:
        made = cls()
        unread = {reading.page.id for reading in readings if reading.parsed is None}
        for key in sorted({seen.entry_id for seen in world.seen if seen.page_id in unread}):
            made.keep(key, world)
        for telling in tellings(readings):
            made.tell(telling)
        return made

    def keep(self, key: int, world: World) -> None:
        """An entry of a page that cannot be read any more is what it is."""
        paper = self._add(_row(world.held[key].columns))
        paper.key = key
        self._name(paper, world.names.get(key, ()))

    def tell(self, telling: Telling) -> None:
        """One telling more, of a paper that is known or a new one."""
        paper = self._known(telling)
        if paper is None:
            paper = self._add(_row(entries.told_by(telling.entry)))
        else:
            entries.overlay(paper.row, telling.entry)
        paper.told.append(telling)
        self._name(paper, telling.names)

    def _add(self, row: Entry) -> _Paper:
        paper = _Paper(len(self.numbered), row)
        self.numbered.append(paper)
        return paper

    @property
    def every(self) -> list[_Paper]:
        """Those that were not joined with another."""
        return [paper for paper in self.numbered if paper.number not in self.joined]

    def _name(self, paper: _Paper, names: Iterable[Name]) -> None:
        for name in names:
            if self.by_name.setdefault(name, paper) is paper:
                paper.names.add(name)

    def _known(self, telling: Telling) -> _Paper | None:
        found: list[_Paper] = []
        for name in telling.names:
            paper = self.by_name.get(name)
            if paper is None or paper in found or not entries.may_be(paper.row, telling.entry):
                continue
            if all(entries.may_join(paper.row, other.row) for other in found):
                found.append(paper)
        if not found:
            return None
        keep = min(found, key=lambda paper: paper.number)
        for lost in found:
            if lost is not keep and not (lost.key and keep.key):
                self._join(keep, lost)
        return keep

    def _join(self, keep: _Paper, lost: _Paper) -> None:
        self.joined.add(lost.number)
        keep.key = keep.key or lost.key
        keep.told += lost.told
        for name in lost.names:
            self.by_name[name] = keep
        keep.names |= lost.names
        keep.row.arxiv_id = keep.row.arxiv_id or lost.row.arxiv_id
        keep.row.doi = keep.row.doi or lost.row.doi


class _Matching:
    """Papers and the entries that are kept: each finds the one that it is, the strongest sign first."""

    def __init__(self, world: World, papers: _Papers) -> None:
        self.world = world
        self.stood: dict[int, list[Seen]] = defaultdict(list)
        for seen in world.seen:
            self.stood[seen.page_id].append(seen)
        self.every = papers.every
        self.signs = [self._signs(paper) for paper in self.every]

    def found(self) -> Found:
        """Every paper with its entry, the entries that were a second one of it, and new ones."""
        taken = {paper.key for paper in self.every if paper.key}
        for (strength, _), key, paper in self._ordered():
            free = not paper.key and key not in taken
            if free and (
                strength > KEYED or entries.may_join(_row(self.world.held[key].columns), paper.row)
            ):
                paper.key = key
                taken.add(key)
        made = Found()
        fresh = count(-1, -1)
        for paper, signs in zip(self.every, self.signs, strict=True):
            if not paper.key:
                paper.key = next(fresh)
                if any(strength >= KEYED for strength, _ in signs.values()):
                    made.splits.add(paper.key)
            if paper.told:
                made.told[paper.key], made.names[paper.key] = paper.told, paper.names
        for (strength, _), key, paper in self._ordered():
            if strength >= KNOWN and key not in taken:
                taken.add(key)
                made.same[key] = paper.key
        return made

    def _ordered(self) -> list[tuple[tuple[int, int], int, _Paper]]:
        every = [
            (sign, key, paper)
            for paper, signs in zip(self.every, self.signs, strict=True)
            for key, sign in signs.items()
        ]
        return sorted(every, key=lambda one: (-one[0][0], -one[0][1], one[1]))

    def _signs(self, paper: _Paper) -> dict[int, tuple[int, int]]:
        """The entries that may be this paper: how strong the strongest sign is, and how often there is one."""
        signs: dict[int, Counter[int]] = defaultdict(Counter)
        for name in {name for telling in paper.told for name in telling.names}:
            key = self.world.owners.get(name)
            if key is not None and key in self.world.held:
                signs[key][OWN[name[0]] if self._shows(key, name) else KNOWN] += 1
        for telling in paper.told:
            for seen in self.stood[telling.reading.page.id]:
                if telling.entry.source_id and seen.source_key == telling.entry.source_id:
                    signs[seen.entry_id][KEYED] += 1
                elif not seen.source_key and seen.rank == telling.entry.rank:
                    signs[seen.entry_id][RANKED] += 1
        return {key: (max(some), some[max(some)]) for key, some in signs.items()}

    def _shows(self, key: int, name: Name) -> bool:
        told = self.world.held[key].columns
        own = {"arxiv": told["arxiv_id"], "doi": told["doi"], "title": title_key(told["title"])}
        return bool(own[name[0]] == name[1])


def _row(told: Mapping[str, Any]) -> Entry:
    """An entry with these columns, for who asks what may be the same."""
    return Entry(created_at=NO_TIME, updated_at=NO_TIME, **dict(told))
