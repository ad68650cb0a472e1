"""What readers said of papers: more, less, save, hide; and what their profiles learn from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from tasks.models import Entry, Feedback, Pick, Profile
from tasks.records import Example, Want
from tasks.records import Feedback as FeedbackRecord
from tasks.store import claims, entries, shards
from tasks.store.upsert import insert_new

LIKED = (Want.MORE, Want.SAVE)  # teach as examples do
TEACHES = (*LIKED, Want.LESS)
OPPOSITE = {Want.MORE: Want.LESS, Want.LESS: Want.MORE}


@dataclass(frozen=True, slots=True)
class Lessons:
    """What one profile learned, from the oldest to the newest."""

    examples: tuple[Example, ...] = ()
    dislikes: tuple[Example, ...] = ()


def give(session: Session, reader_id: int, entry_id: int, want: Want, now: datetime) -> bool:
    """Keep what a reader said of an entry; whether it was new. The profile that picked it learns.

    More takes back less, and less takes back more.
    """
    if want in OPPOSITE:
        take_back(session, reader_id, entry_id, OPPOSITE[want])
    row: dict[str, Any] = {"reader_id": reader_id, "entry_id": entry_id, "kind": want.value}
    row["at"] = now
    row |= {"profile_id": learner(session, reader_id, entry_id), "teaches": True}
    new = insert_new(session, Feedback, [row]) == 1
    if new and want in TEACHES:
        _teach(session, reader_id)
    return new


def take_back(session: Session, reader_id: int, entry_id: int, want: Want) -> bool:
    """The reader no longer says this; whether they had."""
    where = (_same_as(entry_id), col(Feedback.kind) == want.value)
    gone = claims.changed(session, delete(Feedback).where(_of(reader_id), *where)) > 0
    if gone and want in TEACHES:
        _teach(session, reader_id)
    return gone


def forget(
    session: Session, reader_id: int, entry_id: int | None = None, *, profile_id: int | None = None
) -> int:
    """Nothing is learned any more from what was said of this entry, or of any; by this profile, or by
    any. How much it was.

    What was saved stays saved, and teaches no more.
    """
    where = [_of(reader_id), col(Feedback.teaches)]
    where += [] if entry_id is None else [_same_as(entry_id)]
    where += [] if profile_id is None else [_taught(session, reader_id, profile_id)]
    saved = col(Feedback.kind) == Want.SAVE.value
    gone = claims.changed(session, update(Feedback).where(*where, saved).values(teaches=False))
    gone += claims.changed(session, delete(Feedback).where(*where, ~saved))
    if gone:
        _teach(session, reader_id)
    return gone


def said(session: Session, reader_id: int) -> list[FeedbackRecord]:
    """Everything that a reader said, the newest first, with the profile that learned from it."""
    found = session.exec(
        select(Feedback, Entry, Profile.name)
        .join(Entry, col(Entry.id) == Feedback.entry_id)
        .outerjoin(Profile, own())
        .where(Feedback.reader_id == reader_id)
        .order_by(col(Feedback.at).desc(), col(Feedback.id).desc())
    )
    return [
        FeedbackRecord(
            paper=entries.paper(entry),
            want=Want(row.kind),
            at=row.at,
            profile_name=name or "",
            teaches=row.teaches,
        )
        for row, entry, name in found
    ]


def of_entries(
    session: Session, reader_id: int, entry_ids: Collection[int]
) -> dict[int, frozenset[Want]]:
    """What a reader said of each of these entries."""
    where = (Feedback.reader_id == reader_id, col(Feedback.entry_id).in_(entry_ids))
    known: dict[int, set[Want]] = defaultdict(set)
    for entry_id, kind in session.exec(select(Feedback.entry_id, Feedback.kind).where(*where)):
        known[entry_id].add(Want(kind))
    return {key: frozenset(wants) for key, wants in known.items()}


def lessons(session: Session, reader_ids: Iterable[int]) -> dict[tuple[int, int | None], Lessons]:
    """What was learned, by reader and profile; None stands for the reader's first profile."""
    found = session.exec(
        select(Feedback, Entry, Profile.id)
        .join(Entry, col(Entry.id) == Feedback.entry_id)
        .outerjoin(Profile, own())
        .where(
            col(Feedback.reader_id).in_(list(reader_ids)),
            col(Feedback.kind).in_([want.value for want in TEACHES]),
            col(Feedback.teaches),
        )
        .order_by(col(Feedback.at), col(Feedback.id))
    )
    liked: dict[tuple[int, int | None], dict[int, Example]] = defaultdict(dict)
    disliked: dict[tuple[int, int | None], dict[int, Example]] = defaultdict(dict)
    for row, entry, profile_id in found:
        kept = liked if Want(row.kind) in LIKED else disliked
        kept[row.reader_id, profile_id][row.entry_id] = example(entry, row.at)
    return {
        key: Lessons(tuple(liked[key].values()), tuple(disliked[key].values()))
        for key in liked.keys() | disliked.keys()
    }


def learner(session: Session, reader_id: int, entry_id: int) -> int | None:
    """The profile that learns what the reader says of this entry: it brought it, and is in use."""
    found = (
        select(Profile.id)
        .join(Pick, col(Pick.profile_id) == Profile.id)
        .where(Pick.reader_id == reader_id, Pick.entry_id == entry_id, Profile.state == "active")
    )
    return session.exec(found).first()


def example(entry: Entry, at: datetime) -> Example:
    """The entry as a profile learns from it."""
    return Example(
        title=entry.title, abstract=entry.abstract, id=f"entry:{entry.id}", given=at.date()
    )


def _of(reader_id: int) -> ColumnElement[bool]:
    return col(Feedback.reader_id) == reader_id


def own() -> ColumnElement[bool]:
    """The profile that learned from an answer, while it is in use: else the first one goes on with it."""
    return (col(Profile.id) == Feedback.profile_id) & (col(Profile.state) == "active")


def _taught(session: Session, reader_id: int, profile_id: int) -> ColumnElement[bool]:
    """What that profile learned from; the first one, from what no other did too."""
    used = select(Profile.id).where(Profile.reader_id == reader_id, Profile.state == "active")
    keys = session.exec(used.order_by(col(Profile.id))).all()
    mine = col(Feedback.profile_id) == profile_id
    if profile_id not in keys[:1]:
        return mine
    return mine | col(Feedback.profile_id).is_(None) | col(Feedback.profile_id).not_in(keys)


def _same_as(entry_id: int) -> ColumnElement[bool]:
    """That entry, or one that turned out to be it."""
    joined = select(Entry.id).where(Entry.merged_into == entry_id)
    return (col(Feedback.entry_id) == entry_id) | col(Feedback.entry_id).in_(joined)


def _teach(session: Session, reader_id: int) -> None:
    shards.score_anew(session, reader_id)
