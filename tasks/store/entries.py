"""Entries: one row for one paper, whatever page, source or version brings it.

Papers are the same when they share the arXiv id (without version), else the DOI, else the exact
normalised title; never by likeness. Two papers that both have an arXiv id (or, without one, both a DOI)
and differ in it are two papers, whatever their titles say. A higher version updates, a lower one never
overwrites. Merging is serialised by the arrivals' counter, so two workers never make the same entry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, update
from sqlmodel import Session, col, func, select

from tasks.errors import UnknownName
from tasks.models import Entry, Feedback, Identifier, Page, Pick, Rejection, Score, Sighting
from tasks.records import Paper, ParsedEntry, ParsedPage
from tasks.store import counters
from tasks.store.upsert import insert_new, replace

ARRIVALS = "arrivals"
NEWS_FOR = timedelta(days=7)  # how long an arrival may still become a pick
SCORED_FOR = timedelta(days=16)  # how long its scores are kept up: late bloomers come until then
PAST_FOR = timedelta(weeks=4)  # what the line of a profile is learned from
PAST_MOST = 4000  # papers, of the newest days: enough to tell one in a thousand


@dataclass(slots=True)
class Merged:
    """What a page changed in the store."""

    new: int = 0
    merged: int = 0
    arrived: int = 0
    entry_ids: list[int] = field(default_factory=list)


def merge_page(
    session: Session,
    page_id: int,
    page: ParsedPage,
    *,
    keys: Sequence[str],
    at: datetime,
    news: bool = False,
) -> Merged:
    """Bring a page's entries into the store and note where they stood.

    `keys` are the title keys of the entries, in order. Entries of a page older than the news window
    are kept but are no news, unless they shall be: they get no arrival and reach no digest.
    """
    counters.lock(session, ARRIVALS)
    is_news = news or not page.certain_day or page.day is None or page.day >= (at - NEWS_FOR).date()
    names = [names_of(entry, key) for entry, key in zip(page.entries, keys, strict=True)]
    known = _Known(session, names)
    outcome = Merged()
    for parsed, identifiers in zip(page.entries, names, strict=True):
        row = known.find(session, parsed, identifiers)
        if row is None:
            row = _new(session, parsed, at)
            outcome.new += 1
        else:
            outcome.merged += 1
            _update(session, row, parsed, at, is_news=is_news)
        if is_news and row.arrived_at is None:
            row.arrived_at, row.arrival = at, counters.take(session, ARRIVALS)
            outcome.arrived += 1
        known.add(row, identifiers)
        assert row.id is not None
        outcome.entry_ids.append(row.id)
    known.save(session)
    _sight(session, page_id, page, outcome.entry_ids)
    return outcome


def names_of(entry: ParsedEntry, title_key: str) -> list[tuple[str, str]]:
    """What the entry is known by, the strongest first."""
    names = [("arxiv", entry.arxiv_id), ("doi", entry.doi), ("title", title_key[:500])]
    return [(kind, value) for kind, value in names if value]


class _Known:
    """The entries that a page's identifiers name, loaded at once and kept up to date."""

    def __init__(self, session: Session, names: Iterable[list[tuple[str, str]]]) -> None:
        self.owners: dict[tuple[str, str], int] = {}
        self.fresh: dict[tuple[str, str], int] = {}
        values = sorted({value for identifiers in names for _, value in identifiers})
        for start in range(0, len(values), 500):
            some = col(Identifier.value).in_(values[start : start + 500])
            for row in session.exec(select(Identifier).where(some)):
                self.owners[row.kind, row.value] = row.entry_id
        entries = session.exec(select(Entry).where(col(Entry.id).in_(set(self.owners.values()))))
        self.rows: dict[int, Entry] = {row.id: row for row in entries if row.id is not None}

    def find(
        self, session: Session, parsed: ParsedEntry, identifiers: list[tuple[str, str]]
    ) -> Entry | None:
        """The one entry that is this paper; entries that turn out to be the same are joined."""
        found: list[Entry] = []
        for kind, value in identifiers:
            owner = self.owners.get((kind, value))
            row = None if owner is None else self.rows[owner]
            if row is None or row in found or not may_be(row, parsed):
                continue
            if all(may_join(row, other) for other in found):
                found.append(row)
        if len(found) > 1:
            self._join(session, sorted(found, key=lambda row: row.id or 0))
        return min(found, key=lambda row: row.id or 0) if found else None

    def _join(self, session: Session, rows: list[Entry]) -> None:
        keep = rows[0]
        for lost in rows[1:]:
            join(session, keep, lost)
            for name, owner in self.owners.items():
                if owner == lost.id and keep.id is not None:
                    self.owners[name] = keep.id
                    if name in self.fresh:
                        self.fresh[name] = keep.id

    def add(self, row: Entry, identifiers: list[tuple[str, str]]) -> None:
        """The entry is known by these names too, where nobody else is."""
        assert row.id is not None
        self.rows[row.id] = row
        for name in identifiers:
            if name not in self.owners:
                self.owners[name] = self.fresh[name] = row.id

    def save(self, session: Session) -> None:
        session.flush()
        rows = [{"kind": k, "value": v, "entry_id": i} for (k, v), i in self.fresh.items()]
        insert_new(session, Identifier, rows)


def may_be(row: Entry, parsed: ParsedEntry) -> bool:
    """Whether nothing says that these are two papers."""
    if row.arxiv_id and parsed.arxiv_id:
        return row.arxiv_id == parsed.arxiv_id
    return not (row.doi and parsed.doi) or row.doi == parsed.doi


def may_join(row: Entry, other: Entry) -> bool:
    if row.arxiv_id and other.arxiv_id:
        return row.arxiv_id == other.arxiv_id
    return not (row.doi and other.doi) or row.doi == other.doi


def join(session: Session, keep: Entry, lost: Entry) -> None:
    """Two entries were one paper all along: everything of `lost` becomes that of `keep`.

    Where both stand on one page, or in one reader's picks, the younger row stays with the emptied
    entry: deleting it would forget what was sent.
    """
    assert keep.id is not None
    for model, other in (
        (Sighting, Sighting.page_id),
        (Pick, Pick.reader_id),
        (Score, Score.profile_id),
        (Feedback, Feedback.reader_id),
    ):
        table: Any = model
        taken = select(other).where(table.entry_id == keep.id)
        mine = (table.entry_id == lost.id, col(other).not_in(taken))
        session.execute(update(table).where(*mine).values(entry_id=keep.id))
    session.execute(
        update(Identifier).where(col(Identifier.entry_id) == lost.id).values(entry_id=keep.id)
    )
    session.execute(
        update(Entry).where(col(Entry.merged_into) == lost.id).values(merged_into=keep.id)
    )
    arxiv_id, version = lost.arxiv_id, lost.arxiv_version
    if keep.arrived_at is None and lost.arrived_at is not None:
        # A new number: a scoring under way may have passed the old one.
        keep.arrived_at, keep.arrival = lost.arrived_at, counters.take(session, ARRIVALS)
    keep.withdrawn = keep.withdrawn or lost.withdrawn
    lost.merged_into, lost.arxiv_id, lost.arrival, lost.arrived_at = keep.id, None, None, None
    session.flush()  # the unique arXiv id is free before it moves
    if keep.arxiv_id is None and arxiv_id:
        keep.arxiv_id, keep.arxiv_version = arxiv_id, version
    _fill(keep, {name: getattr(lost, name) for name in FILLED})
    keep.revision += 1
    session.flush()


FILLED = ("abstract", "authors", "categories", "doi", "url", "published", "upvotes")
TOLD = (
    "title",
    "abstract",
    "authors",
    "categories",
    "arxiv_id",
    "arxiv_version",
    "doi",
    "url",
    "code_urls",
    "upvotes",
    "published",
    "withdrawn",
)
CONTENT = ("title", "abstract", "authors", "categories", "published", "url", "withdrawn")


def _new(session: Session, parsed: ParsedEntry, at: datetime) -> Entry:
    row = Entry(created_at=at, updated_at=at, **told_by(parsed))
    session.add(row)
    session.flush()
    return row


def told_by(parsed: ParsedEntry) -> dict[str, Any]:
    """The columns of an entry of which this is all that is known."""
    return {name: _plain(getattr(parsed, name)) for name in TOLD}


def _update(
    session: Session, row: Entry, parsed: ParsedEntry, at: datetime, *, is_news: bool
) -> None:
    """What a page says is laid over what is known, and the change is noted."""
    if overlay(row, parsed):
        row.updated_at = at
        if is_news and row.arrival is not None:
            row.arrival = counters.take(session, ARRIVALS)  # scored anew; its day of arrival stays
    if session.is_modified(row):
        row.updated_at, row.revision = at, row.revision + 1


def overlay(row: Entry, parsed: ParsedEntry) -> bool:
    """Lay what a page says over `row`: a higher version replaces what was known, anything else fills what
    was missing. Whether it was a higher version.
    """
    told = {name: _plain(getattr(parsed, name)) for name in CONTENT}
    version, known = parsed.arxiv_version, row.arxiv_version
    newer = version is not None and version > (known or 0)
    if newer:
        row.arxiv_version = version
        for name, value in told.items():
            if value not in (None, "", []):
                setattr(row, name, value)
    _fill(row, told | {"doi": parsed.doi})
    if row.arxiv_id is None:
        row.arxiv_id = parsed.arxiv_id
    row.withdrawn = row.withdrawn or parsed.withdrawn
    row.code_urls = list(dict.fromkeys([*row.code_urls, *parsed.code_urls]))
    if parsed.upvotes is not None:
        row.upvotes = parsed.upvotes
    return newer


def _fill(row: Entry, told: Mapping[str, Any]) -> None:
    for name in FILLED:
        if getattr(row, name) in (None, "", []) and told.get(name) not in (None, "", []):
            setattr(row, name, told[name])
    more = [name for name in told.get("categories") or [] if name not in row.categories]
    if more:
        row.categories = [*row.categories, *more]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _sight(session: Session, page_id: int, page: ParsedPage, entry_ids: list[int]) -> None:
    sightings = [
        {
            "page_id": page_id,
            "entry_id": entry_id,
            "rank": parsed.rank,
            "upvotes": parsed.upvotes,
            "arxiv_version": parsed.arxiv_version,
            "source_key": parsed.source_id,
            "warnings": list(parsed.warnings),
        }
        for parsed, entry_id in zip(page.entries, entry_ids, strict=True)
    ]
    insert_new(session, Sighting, sightings)
    rejections = [
        {"page_id": page_id, "position": item.position, "reason": item.reason, "raw": item.raw}
        for item in page.rejected
    ]
    replace(session, Rejection, rejections, key=("page_id", "position"))


# --- reading -------------------------------------------------------------------------------------
# What arrived was not merged into another entry: joining takes the arrival along.
def arrivals(session: Session) -> int:
    """The number of the newest arrival."""
    return counters.value(session, ARRIVALS)


def news(session: Session, *, after: int, upto: int, at: datetime) -> list[tuple[datetime, Paper]]:
    """Papers that arrived in (after, upto], not too long ago, not withdrawn; each with its moment."""
    where = (
        col(Entry.arrival) > after,
        col(Entry.arrival) <= upto,
        col(Entry.arrived_at) >= at - SCORED_FOR,
        col(Entry.withdrawn).is_(False),
    )
    found = session.exec(select(Entry).where(*where).order_by(col(Entry.id)))
    return [(row.arrived_at, paper(row)) for row in found if row.arrived_at]


def still_news(
    session: Session, at: datetime, some: Collection[int] | None = None
) -> list[tuple[datetime, Paper]]:
    """Papers that may still become picks, all or of `some` ids; each with its moment."""
    where = [
        col(Entry.arrived_at) >= at - NEWS_FOR,
        col(Entry.arrived_at) <= at,
        col(Entry.withdrawn).is_(False),
    ]
    found = session.exec(select(Entry).where(*where).order_by(col(Entry.id)))
    return [
        (row.arrived_at, paper(row))
        for row in found
        if row.arrived_at and (some is None or row.id in some)
    ]


def find(session: Session, entry_id: int) -> Paper:
    """The paper of that number, or the one that it turned out to be. Raises `UnknownName`."""
    row = session.get(Entry, entry_id)
    if row is not None and row.merged_into is not None:
        row = session.get(Entry, row.merged_into)
    if row is None:
        raise UnknownName(f"there is no paper {entry_id}")
    return paper(row)


def find_all(session: Session, entry_ids: Iterable[int]) -> list[Paper]:
    """The papers of these numbers in order, each once; a number that is none is passed over."""
    asked = list(entry_ids)
    some = select(Entry.id, func.coalesce(Entry.merged_into, Entry.id))
    became = dict(session.exec(some.where(col(Entry.id).in_(asked))).all())
    rows = session.exec(select(Entry).where(col(Entry.id).in_(set(became.values()))))
    papers = {row.id: paper(row) for row in rows}
    wanted = dict.fromkeys(became[key] for key in asked if key in became)
    return [papers[key] for key in wanted]


def voted(session: Session, at: datetime, *, since: datetime, limit: int) -> list[Paper]:
    """What arrived since then, the most voted first."""
    where = (
        col(Entry.arrived_at) > since,
        col(Entry.arrived_at) <= at,
        col(Entry.withdrawn).is_(False),
    )
    order = (col(Entry.upvotes).desc().nulls_last(), col(Entry.id).desc())
    return [
        paper(row)
        for row in session.exec(select(Entry).where(*where).order_by(*order).limit(limit))
    ]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A day's arrivals (in UTC) in brief: another stamp means that something about them is new."""

    date: date
    papers: int
    numbers: int
    revisions: int


def stamps(session: Session, first: date, last: date) -> list[Stamp]:
    """The stamps of the days from `first` to `last` that had arrivals, in order."""
    own = func.date(Entry.arrived_at)
    found = session.exec(
        select(
            own,
            func.count(),
            func.sum(Entry.id),
            func.sum(Entry.revision),
        )
        .where(*between(first, last))
        .group_by(own)
        .order_by(own)
    )
    return [
        Stamp(date.fromisoformat(str(day)), count, int(numbers or 0), int(revisions or 0))
        for day, count, numbers, revisions in found
    ]


def arrived_on(session: Session, day: date) -> list[tuple[datetime, Paper]]:
    """A day's arrivals (in UTC), each with its moment; of a flood, the newest."""
    found = session.exec(
        select(Entry).where(*between(day, day)).order_by(col(Entry.id).desc()).limit(PAST_MOST)
    )
    return [(row.arrived_at, paper(row)) for row in found if row.arrived_at][::-1]


def votes_of(session: Session, day: date) -> list[tuple[datetime, int, int]]:
    """What is known of the votes for a day's arrivals (in UTC): (when, entry id, votes), in order."""
    found = session.exec(
        select(func.min(Page.fetched_at), Sighting.entry_id, Sighting.upvotes)
        .join(Page, col(Page.id) == Sighting.page_id)
        .join(Entry, col(Entry.id) == Sighting.entry_id)
        .where(*between(day, day), col(Sighting.upvotes).is_not(None))
        .group_by(col(Sighting.entry_id), col(Sighting.upvotes))
    )
    return sorted((when, entry_id, votes or 0) for when, entry_id, votes in found if when)


def between(first: date, last: date) -> tuple[ColumnElement[bool], ...]:
    """The condition of what arrived on the days from `first` to `last` (in UTC) and stands."""
    return (
        col(Entry.arrived_at) >= datetime.combine(first, time(), UTC),
        col(Entry.arrived_at) < datetime.combine(last + timedelta(days=1), time(), UTC),
        col(Entry.withdrawn).is_(False),
    )


def newest_arrival(session: Session, at: datetime) -> datetime | None:
    """When the newest paper up to then arrived."""
    arrived = col(Entry.arrived_at)
    return session.exec(select(func.max(arrived)).where(arrived <= at)).one()


def oldest_arrival(session: Session) -> datetime | None:
    """When the first paper of all arrived."""
    return session.exec(select(func.min(Entry.arrived_at))).one()


def came_on(session: Session, today: date, *, upto: int) -> int:
    """How many of the arrivals up to `upto` came on that day (in UTC)."""
    midnight = datetime.combine(today, time(), UTC)
    arrived = col(Entry.arrived_at)
    where = (
        arrived >= midnight,
        arrived < midnight + timedelta(days=1),
        col(Entry.arrival) <= upto,
        col(Entry.withdrawn).is_(False),
    )
    return session.exec(select(func.count()).select_from(Entry).where(*where)).one()


def news_count(session: Session, at: datetime, *, since: datetime | None = None) -> int:
    """How many papers arrived since then (within the news window)."""
    first = at - NEWS_FOR if since is None else max(since, at - NEWS_FOR)
    where = (
        col(Entry.arrived_at) > first,
        col(Entry.arrived_at) <= at,
        col(Entry.withdrawn).is_(False),
    )
    return session.exec(select(func.count()).select_from(Entry).where(*where)).one()


def newest(session: Session, limit: int) -> list[Paper]:
    """The newest stored papers, as background for the scorer."""
    found = (
        select(Entry)
        .where(col(Entry.merged_into).is_(None))
        .order_by(col(Entry.id).desc())
        .limit(limit)
    )
    return [paper(row) for row in session.exec(found)]


def count(session: Session) -> int:
    """How many papers are known."""
    return session.exec(
        select(func.count()).select_from(Entry).where(col(Entry.merged_into).is_(None))
    ).one()


def paper(row: Entry) -> Paper:
    """The part of an entry that scoring and rendering look at."""
    assert row.id is not None
    return Paper(
        id=row.id,
        title=row.title,
        abstract=row.abstract,
        authors=tuple(row.authors),
        categories=tuple(row.categories),
        arxiv_id=row.arxiv_id,
        doi=row.doi,
        url=row.url,
        code_urls=tuple(row.code_urls),
        upvotes=row.upvotes,
        published=row.published,
        version=row.arxiv_version,
    )


SHORT: tuple[Any, ...] = (
    Entry.id,
    Entry.title,
    Entry.abstract,
    Entry.authors,
    Entry.arxiv_id,
    Entry.doi,
)


def short(
    key: int, title: str, abstract: str, authors: list[str], arxiv_id: str | None, doi: str | None
) -> Paper:
    """The paper of the columns `SHORT`: what tells a paper from another, and no more."""
    return Paper(
        id=key,
        title=title,
        abstract=abstract,
        authors=tuple(authors),
        arxiv_id=arxiv_id,
        doi=doi,
    )
