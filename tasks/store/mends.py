"""The changes that a backlog run makes to entries and pages, and how they are undone.

A change is applied only where the entry is still what the plan saw, and what was there before is kept
(`EntryVersion`), so that the change can be undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from tasks.errors import Conflict
from tasks.models import (
    Entry,
    EntryVersion,
    Feedback,
    Identifier,
    Page,
    Pick,
    Rejection,
    Score,
    Sighting,
)
from tasks.store import counters, entries
from tasks.store.old_pages import columns, names_of, parts, row_of
from tasks.store.upsert import insert_new

MOVED: tuple[Any, ...] = (Sighting, Pick, Score, Feedback)
KINDS = ("added", "changed", "split", "merged", "gone")


@dataclass(slots=True)
class Change:
    """What is to be done to one entry. `key` is its id, below 0 for one to be added.

    `before` and `after` are its columns; `sight` rows of sightings to be had, `unsight` ids of those to
    go; `absorb` entries that are this paper too; `learn` names, each with the entry that loses it (or 0),
    and `unlearn` names. An `orphan` stands on no page any more. `news` is the day on which one to be added
    would have been news, if it would.
    """

    key: int
    day: date
    source: str
    before: dict[str, Any] | None
    after: dict[str, Any]
    sight: list[dict[str, Any]] = field(default_factory=list)
    unsight: list[int] = field(default_factory=list)
    absorb: list[int] = field(default_factory=list)
    learn: list[tuple[str, str, int]] = field(default_factory=list)
    unlearn: list[list[str]] = field(default_factory=list)
    orphan: bool = False
    split: bool = False
    news: str | None = None

    @property
    def kinds(self) -> list[str]:
        """What it is, of `KINDS`; none where only sightings or names are put right."""
        found = {
            "added": self.before is None,
            "split": self.split,
            "changed": self.before is not None and self.before != self.after and not self.orphan,
            "merged": bool(self.absorb),
            "gone": self.orphan,
        }
        return [kind for kind, is_so in found.items() if is_so]

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self) | {"day": self.day.isoformat()}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Change:
        """As it was kept."""
        learn = [tuple(name) for name in kept["learn"]]
        return cls(**(dict(kept) | {"day": date.fromisoformat(kept["day"]), "learn": learn}))


def begin(session: Session) -> None:
    """Hold off whoever would merge pages meanwhile, until the commit."""
    counters.lock(session, entries.ARRIVALS)


def apply(session: Session, run_id: int, change: Change, now: datetime) -> dict[str, Any]:
    """Make one change; what it takes to undo it. Raises `Conflict` when the entry is not as planned."""
    try:
        with session.begin_nested():
            return _apply(session, run_id, change, now)
    except IntegrityError as error:
        raise Conflict(
            f"paper {change.key}: another paper has one of its names now ({error.orig})"
        ) from None


def _apply(session: Session, run_id: int, change: Change, now: datetime) -> dict[str, Any]:
    row = _row(session, change, now)
    assert row.id is not None
    if change.before is not None:
        version = {"run_id": run_id, "entry_id": row.id, "body": change.before, "at": now}
        insert_new(session, EntryVersion, [version])
    was_news = row.arrived_at is not None
    moved = {str(lost): _absorb(session, row, lost) for lost in change.absorb}
    for name, value in row_of(change.after).items():
        setattr(row, name, value)
    row.revision, row.updated_at = row.revision + 1, now
    session.flush()
    stood = _see(session, row.id, change)
    _rename(session, row.id, change)
    return {"entry": row.id, "was_news": was_news, "moved": moved, "stood": stood}


def _row(session: Session, change: Change, now: datetime) -> Entry:
    """The entry to be changed, its former self kept; a new one where it is to be added."""
    if change.before is None:
        row = Entry(created_at=now, updated_at=now, **row_of(change.after))
        session.add(row)
        session.flush()
        if change.day >= (now - entries.NEWS_FOR).date():
            row.arrived_at, row.arrival = now, counters.take(session, entries.ARRIVALS)
        return row
    found = session.get(Entry, change.key)
    if found is None or found.merged_into is not None or not _same(columns(found), change.before):
        raise Conflict(f"paper {change.key} is not what the plan saw: it was changed meanwhile")
    return found


def _same(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Whether nothing but votes differs: these grow all the time."""
    return all(now[name] == then[name] for name in entries.TOLD if name != "upvotes")


def _absorb(session: Session, row: Entry, lost_id: int) -> dict[str, Any]:
    """Another entry was this paper all along; what of it moves, so that it can move back."""
    lost = session.get(Entry, lost_id)
    if lost is None or lost.merged_into is not None:
        raise Conflict(f"paper {lost_id} is not what the plan saw: it was merged meanwhile")
    moved: dict[str, Any] = {
        model.__name__: list(session.scalars(select(model.id).where(model.entry_id == lost_id)))
        for model in MOVED
    }
    moved["names"] = [list(name) for name in names_of(session, [lost_id]).get(lost_id, ())]
    moved["emptied"] = list(session.scalars(select(Entry.id).where(Entry.merged_into == lost_id)))
    moved["columns"] = columns(lost)
    moved["arrived_at"] = lost.arrived_at.isoformat() if lost.arrived_at else None
    entries.join(session, row, lost)
    return moved


def _see(session: Session, entry_id: int, change: Change) -> list[dict[str, Any]]:
    """Put right where the entry stands; the rows of sightings that are gone or overwritten."""
    stood: list[dict[str, Any]] = []
    for where in _stands(entry_id, change):
        rows = session.exec(select(Sighting).where(where))
        stood += [row.model_dump() for row in rows]
        session.execute(delete(Sighting).where(where))
    insert_new(session, Sighting, [one | {"entry_id": entry_id} for one in change.sight])
    return stood


def _stands(entry_id: int, change: Change) -> Iterable[ColumnElement[bool]]:
    for some in parts(change.unsight):
        yield col(Sighting.id).in_(some)
    for some in parts(one["page_id"] for one in change.sight):
        yield (col(Sighting.entry_id) == entry_id) & col(Sighting.page_id).in_(some)


def _rename(session: Session, entry_id: int, change: Change) -> None:
    """Names are learned and unlearned. Where another entry loses one, no change need come before its."""
    for kind, value in change.unlearn:
        session.execute(delete(Identifier).where(*_name(kind, value, entry_id)))
    for kind, value, loser in change.learn:
        _hand_over(session, kind, value, loser, entry_id)
    learned = [{"kind": k, "value": v, "entry_id": entry_id} for k, v, _ in change.learn]
    insert_new(session, Identifier, learned)


def _hand_over(session: Session, kind: str, value: str, owner: int, to: int) -> None:
    session.execute(update(Identifier).where(*_name(kind, value, owner)).values(entry_id=to))


def _name(kind: str, value: str, owner: int) -> tuple[ColumnElement[bool], ...]:
    name = (col(Identifier.kind) == kind, col(Identifier.value) == value)
    return (*name, col(Identifier.entry_id) == owner)


def unmake(session: Session, change: Change, done: Mapping[str, Any], now: datetime) -> None:
    """Undo a change that was made. Raises `Conflict` when the entry was changed again since."""
    entry_id = int(done["entry"])
    row = session.get(Entry, entry_id)
    if row is None or row.merged_into is not None:
        raise Conflict(f"paper {entry_id} was merged since: it stays as it is")
    if not _same(columns(row), change.after):
        raise Conflict(f"paper {entry_id} was changed again since: it stays as it is")
    try:
        with session.begin_nested():
            _unmake(session, row, change, done, now)
    except IntegrityError as error:
        raise Conflict(
            f"paper {entry_id}: another paper has one of its names now ({error.orig})"
        ) from None


def _unmake(
    session: Session, row: Entry, change: Change, done: Mapping[str, Any], now: datetime
) -> None:
    assert row.id is not None
    row.revision, row.updated_at = row.revision + 1, now
    if change.before is None:  # what readers were sent stays known, and stands in nobody's way
        row.withdrawn, row.arxiv_id = True, None
    else:
        for name, value in row_of(change.before).items():
            setattr(row, name, value)
    if not done["was_news"]:
        row.arrived_at = row.arrival = None
    session.flush()
    for where in _stands(row.id, change):
        session.execute(delete(Sighting).where(where))
    insert_new(session, Sighting, done["stood"])
    _name_back(session, row.id, change)
    for lost_id, moved in done["moved"].items():
        _give_back(session, int(lost_id), moved)
    if row.arrival is not None:
        row.arrival = counters.take(session, entries.ARRIVALS)
    session.flush()


def _name_back(session: Session, entry_id: int, change: Change) -> None:
    for kind, value, loser in change.learn:
        if loser and session.get(Entry, loser) is not None:
            _hand_over(session, kind, value, entry_id, loser)
        session.execute(delete(Identifier).where(*_name(kind, value, entry_id)))
    names = [{"kind": kind, "value": value, "entry_id": entry_id} for kind, value in change.unlearn]
    insert_new(session, Identifier, names)


def _give_back(session: Session, lost_id: int, moved: Mapping[str, Any]) -> None:
    lost = session.get_one(Entry, lost_id)
    lost.merged_into = None
    for name, value in row_of(moved["columns"]).items():
        setattr(lost, name, value)
    if moved["arrived_at"]:
        lost.arrived_at = datetime.fromisoformat(moved["arrived_at"])
        lost.arrival = counters.take(session, entries.ARRIVALS)
    session.flush()
    for some in parts(moved["emptied"]):
        emptied = update(Entry).where(col(Entry.id).in_(some))
        session.execute(emptied.values(merged_into=lost_id))
    for model in MOVED:
        for some in parts(moved[model.__name__]):
            session.execute(update(model).where(col(model.id).in_(some)).values(entry_id=lost_id))
    for kind, value in moved["names"]:
        own = (Identifier.kind == kind, Identifier.value == value)
        session.execute(update(Identifier).where(*own).values(entry_id=lost_id))


def mark_page(
    session: Session,
    page_id: int,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    rejections: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Note what today's parser made of a page; its rejections until now. Raises `Conflict` when it is not
    as planned.
    """
    row = session.get(Page, page_id)
    now = {} if row is None else {name: getattr(row, name) for name in before}
    if row is None or now != dict(before):
        raise Conflict(f"page {page_id} is not what the plan saw: it was read again meanwhile")
    for name, value in after.items():
        setattr(row, name, value)
    row.attempts, row.next_attempt_at = 0, None
    mine = col(Rejection.page_id) == page_id
    found = session.exec(select(Rejection).where(mine).order_by(col(Rejection.position)))
    were = [one.model_dump(include={"position", "reason", "raw"}) for one in found]
    session.execute(delete(Rejection).where(mine))
    session.flush()
    insert_new(session, Rejection, [dict(one) | {"page_id": page_id} for one in rejections])
    return were
