"""What readers were sent and what was scored for them on old days: against which a backlog run compares."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from tasks.models import Digest, Entry, Feedback, Pick, Profile, Reader, Score
from tasks.store import entries
from tasks.store.old_pages import parts

SERVED_WITHIN = timedelta(days=7)  # a paper's day and the digest that would have brought it


@dataclass(frozen=True, slots=True)
class Stored:
    """A score as it is kept: of whom, for which profile, of what, on which day it was news."""

    reader_id: int
    profile_id: int
    version: int
    entry_id: int
    day: date
    value: float
    raw: float
    reasons: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Served:
    """Since when there is a reader, and the days of their digests."""

    since: date
    days: frozenset[date]

    def on(self, day: date) -> bool:
        """Whether a paper of that day could have been in a digest of theirs."""
        return self.since <= day or any(day <= own <= day + SERVED_WITHIN for own in self.days)


def served(
    session: Session, reader_ids: Collection[int], first: date, last: date
) -> dict[int, Served]:
    """Which of these readers got digests in these days."""
    days: dict[int, set[date]] = defaultdict(set)
    since: dict[int, datetime] = {}
    for some in parts(reader_ids):
        mine = col(Digest.reader_id).in_(some)
        between = col(Digest.day).between(first, last + SERVED_WITHIN)
        for reader_id, day in session.exec(
            select(col(Digest.reader_id), col(Digest.day)).where(mine, between)
        ):
            days[reader_id].add(day)
        found = select(Reader.id, Reader.created_at).where(col(Reader.id).in_(some))
        since |= {key: at for key, at in session.exec(found) if key is not None}
    return {key: Served(at.date(), frozenset(days[key])) for key, at in since.items()}


def known(
    session: Session, reader_ids: Collection[int], entry_ids: Collection[int]
) -> set[tuple[int, int]]:
    """Pairs of these readers and entries: what was sent, and what something was said of."""
    pairs: set[tuple[int, int]] = set()
    became = func.coalesce(Entry.merged_into, Entry.id)
    for table in (Pick, Feedback):
        model: Any = table
        for readers in parts(reader_ids):
            for some in parts(entry_ids):
                found = (
                    select(model.reader_id, became)
                    .join(Entry, col(Entry.id) == model.entry_id)
                    .where(model.reader_id.in_(readers), became.in_(some))
                )
                pairs |= {(reader, entry) for reader, entry in session.exec(found)}
    return pairs


def stored(session: Session, profile_ids: Collection[int], days: Sequence[date]) -> list[Stored]:
    """The kept scores of these profiles that reach their lines, of papers that were news in these days."""
    if not days:
        return []
    found: list[Stored] = []
    for some in parts(profile_ids):
        rows = session.exec(
            select(Score, Entry.arrived_at)
            .join(Entry, col(Entry.id) == Score.entry_id)
            .join(Profile, col(Profile.id) == Score.profile_id)
            .where(
                col(Score.profile_id).in_(some),
                *entries.between(min(days), max(days)),
                col(Score.value) >= Profile.line,
            )
        )
        found += [
            Stored(
                row.reader_id,
                row.profile_id,
                row.profile_version,
                row.entry_id,
                at.date(),
                row.value,
                row.raw,
                row.reasons,
            )
            for row, at in rows
            if at
        ]
    return found
