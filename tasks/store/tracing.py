"""One paper's way, as far as the tables know it: where it was seen, which digests came after, what became
of them; and what a reader's profiles were, and had learned, at a moment of the past.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from tasks.models import (
    Attempt,
    Delivery,
    Digest,
    Entry,
    Feedback,
    Page,
    Pick,
    Profile,
    ProfileVersion,
    Reader,
    Score,
    ScorerModel,
    Sighting,
    Source,
)
from tasks.records import Example, Paper, PickKind, Want
from tasks.records import Pick as PickRecord
from tasks.store import digests, entries, feedback
from tasks.store.digests import GIVEN_UP, NEVER_WENT
from tasks.store.versions import REMOVED

SIGHTS_MOST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A source brought it: when, of which day its page is, at which rank, with how many votes."""

    source: str
    at: datetime
    day: date | None
    rank: int
    votes: int | None
    version: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """An entry that turned out to be the same paper, and since when it was known."""

    id: int
    title: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A paper as it is known: since when, when it arrived as news (if it did), where it was seen."""

    paper: Paper
    known_since: datetime
    arrived: datetime | None
    withdrawn: bool
    sights: tuple[Sight, ...]
    joined: tuple[Joined, ...]

    @property
    def ids(self) -> frozenset[int]:
        """Every number that this paper was known by."""
        return frozenset((int(self.paper.id), *(one.id for one in self.joined)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A mail's delivery: its state, when it was sent, the server's last word, and every attempt."""

    state: str
    sent_at: datetime | None
    said: str
    attempts: tuple[tuple[datetime, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A digest as it was made: its picks as (entry, kind) in order, and what became of its mail."""

    id: int
    day: date
    at: datetime
    state: str
    considered: int
    picks: tuple[tuple[int, PickKind], ...]
    drafted: bool
    handed: Handed | None

    @property
    def is_lost(self) -> bool:
        """Whether it was never made, or never went out: then its papers were free again."""
        return self.state in GIVEN_UP or (
            self.handed is not None and self.handed.state in NEVER_WENT
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """A profile as it was at a moment: its version, what that held, since when it was so."""

    id: int
    name: str
    version: int
    body: dict[str, Any]
    since: datetime
    shadows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """The profiles that were in use at a moment, the oldest first, and when one was last removed."""

    used: tuple[Then, ...]
    removed: datetime | None


@dataclass(slots=True)
class Taught:
    """What answers taught one profile by a moment, from the oldest to the newest."""

    liked: dict[int, Example] = field(default_factory=dict)
    disliked: dict[int, Example] = field(default_factory=dict)


def traced(session: Session, entry_id: int) -> Traced | None:
    """The paper of that number, or the one that it turned out to be; nothing where there is none."""
    row = session.get(Entry, entry_id)
    if row is not None and row.merged_into is not None:
        row = session.get(Entry, row.merged_into)
    if row is None or row.id is None:
        return None
    lost = session.exec(select(Entry).where(Entry.merged_into == row.id).order_by(col(Entry.id)))
    return Traced(
        paper=entries.paper(row),
        known_since=row.created_at,
        arrived=row.arrived_at,
        withdrawn=row.withdrawn,
        sights=_sights(session, row.id),
        joined=tuple(Joined(id=one.id or 0, title=one.title, since=one.created_at) for one in lost),
    )


def _sights(session: Session, entry_id: int) -> tuple[Sight, ...]:
    found = session.exec(
        select(Source.name, Page, Sighting)
        .join(Page, col(Page.id) == Sighting.page_id)
        .join(Source, col(Source.id) == Page.source_id)
        .where(Sighting.entry_id == entry_id)
        .order_by(col(Page.fetched_at), col(Page.id))
        .limit(SIGHTS_MOST)
    )
    return tuple(
        Sight(
            source=name,
            at=page.fetched_at,
            day=page.day,
            rank=row.rank,
            votes=row.upvotes,
            version=row.arxiv_version,
        )
        for name, page, row in found
    )


# --- digests -------------------------------------------------------------------------------------
def made_between(session: Session, reader_id: int, first: datetime, last: datetime) -> list[Made]:
    """A reader's digests that were made (or due, where they never were) from `first` to `last`, in
    order. What was brought from elsewhere is none of them.
    """
    when = func.coalesce(Digest.composed_at, Digest.due_at)
    found = session.exec(
        select(Digest, Delivery)
        .outerjoin(Delivery, col(Delivery.digest_id) == Digest.id)
        .where(Digest.reader_id == reader_id, when >= first, when <= last)
        .where(col(Digest.state) != "imported", col(Digest.addendum_of) == 0)
        .order_by(col(Digest.day))
    ).all()
    return [_made(session, digest, delivery) for digest, delivery in found]


def bringer(
    session: Session, reader_id: int, entry_ids: Collection[int]
) -> tuple[Made, PickRecord] | None:
    """The digest that brought one of these entries to the reader, and the pick."""
    found = session.exec(
        select(Digest, Delivery, Pick, Entry)
        .join(Pick, col(Pick.digest_id) == Digest.id)
        .join(Entry, col(Entry.id) == Pick.entry_id)
        .outerjoin(Delivery, col(Delivery.digest_id) == Digest.id)
        .where(Pick.reader_id == reader_id, col(Pick.entry_id).in_(entry_ids))
        .order_by(col(Pick.id))
    ).first()
    if found is None:
        return None
    digest, delivery, pick, entry = found
    return _made(session, digest, delivery), digests.pick_record(pick, entry)


def _made(session: Session, row: Digest, delivery: Delivery | None) -> Made:
    picks = session.exec(
        select(func.coalesce(Entry.merged_into, Entry.id), Pick.kind, Pick.team)
        .join(Entry, col(Entry.id) == Pick.entry_id)
        .where(Pick.digest_id == row.id)
        .order_by(col(Pick.place))
    ).all()
    return Made(
        id=row.id or 0,
        day=row.day,
        at=row.composed_at or row.due_at,
        state=row.state,
        considered=row.considered,
        picks=tuple((key, PickKind(kind)) for key, kind, _ in picks),
        drafted=any(team for *_, team in picks),
        handed=None if delivery is None else _handed(session, delivery),
    )


def _handed(session: Session, row: Delivery) -> Handed:
    tries = session.exec(
        select(Attempt.at, Attempt.outcome)
        .where(Attempt.delivery_id == row.id)
        .order_by(col(Attempt.number))
    )
    return Handed(
        state=row.state,
        sent_at=row.sent_at,
        said=row.reply or row.error,
        attempts=tuple((at, outcome) for at, outcome in tries),
    )


def began(session: Session, reader_id: int) -> datetime:
    """When the reader confirmed their address, or else was added."""
    row = session.get_one(Reader, reader_id)
    return row.confirmed_at or row.created_at


def fitted_since(session: Session, at: datetime) -> bool:
    """Whether the scorer in force is younger than that."""
    newest = select(func.max(ScorerModel.created_at))
    made = session.exec(newest).one()
    return made is not None and made > at


def days_made(session: Session, reader_id: int, first: date, last: date) -> set[date]:
    """The days from `first` to `last` that have a digest of the reader, whatever became of it."""
    days = col(Digest.day)
    where = (Digest.reader_id == reader_id, days.between(first, last))
    return set(session.exec(select(col(Digest.day)).where(*where)))


def first_day(session: Session, reader_id: int) -> date | None:
    """The day of the reader's first digest."""
    return session.exec(select(func.min(Digest.day)).where(Digest.reader_id == reader_id)).one()


def first_scored(
    session: Session, reader_id: int, after: datetime, upto: datetime
) -> datetime | None:
    """The first moment in (after, upto] whose scores for the reader are still kept."""
    moment = col(Score.scored_at)
    first = select(func.min(moment)).where(Score.reader_id == reader_id, moment > after)
    return session.exec(first.where(moment <= upto)).one()


# --- what was so at a moment ---------------------------------------------------------------------
def profiles_by(session: Session, reader_id: int, at: datetime) -> Profiles:
    """The reader's profiles as they were then, as far as they are still kept; with the one on trial."""
    newest = (
        select(ProfileVersion.profile_id, func.max(ProfileVersion.version).label("version"))
        .join(Profile, col(Profile.id) == ProfileVersion.profile_id)
        .where(Profile.reader_id == reader_id, col(ProfileVersion.created_at) <= at)
        .group_by(col(ProfileVersion.profile_id))
        .subquery()
    )
    last = aliased(ProfileVersion)
    found = session.exec(
        select(Profile, ProfileVersion, last.label)
        .join(newest, newest.c.profile_id == Profile.id)
        .join(
            ProfileVersion,
            (col(ProfileVersion.profile_id) == newest.c.profile_id)
            & (col(ProfileVersion.version) == newest.c.version),
        )
        .join(last, (col(last.profile_id) == Profile.id) & (col(last.version) == Profile.version))
        .order_by(col(Profile.id))
    ).all()
    used, gone = [], []
    for row, version, label in found:
        if row.state == REMOVED and version.version == row.version:
            gone.append(version.created_at)
            continue
        used.append(
            Then(
                id=row.id or 0,
                name=label if row.state == REMOVED else row.name,
                version=version.version,
                body=dict(version.body),
                since=version.created_at,
                shadows=row.shadows,
            )
        )
    return Profiles(used=tuple(used), removed=max(gone, default=None))


def taught_by(
    session: Session, reader_id: int, used: Collection[int], at: datetime
) -> tuple[dict[int | None, Taught], datetime | None]:
    """What the profiles `used` at a moment had learned by then, by their ids, None for whatever the first
    one goes on with; and when an answer taught last.
    """
    found = session.exec(
        select(Feedback, Entry)
        .join(Entry, col(Entry.id) == Feedback.entry_id)
        .where(
            Feedback.reader_id == reader_id,
            col(Feedback.at) <= at,
            col(Feedback.kind).in_([want.value for want in feedback.TEACHES]),
            col(Feedback.teaches),
        )
        .order_by(col(Feedback.at), col(Feedback.id))
    )
    taught: dict[int | None, Taught] = {}
    last = None
    for row, entry in found:
        own = taught.setdefault(row.profile_id if row.profile_id in used else None, Taught())
        kept = own.liked if Want(row.kind) in feedback.LIKED else own.disliked
        kept[row.entry_id] = feedback.example(entry, row.at)
        last = row.at
    return taught, last


def said_of(
    session: Session, reader_id: int, entry_ids: Collection[int]
) -> list[tuple[datetime, Want]]:
    """What the reader said of these entries, and when, in order."""
    found = session.exec(
        select(Feedback.at, Feedback.kind)
        .where(Feedback.reader_id == reader_id, col(Feedback.entry_id).in_(entry_ids))
        .order_by(col(Feedback.at), col(Feedback.id))
    )
    return [(at, Want(kind)) for at, kind in found]
