"""The versions of profiles, and profiles that were removed and may still come back.

Every save is a version, and no version is ever changed but by its label. A removal is a version too: its
label keeps the name, which is free for another profile meanwhile, and its moment begins the time in which
the profile may come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlmodel import Session, col, select

from tasks.models import Profile, ProfileVersion, Score
from tasks.store import claims, profiles, shards

REMOVED = "removed"
REMOVED_FOR = timedelta(days=30)
REMOVED_MOST = 20  # of each reader: before more are kept, the one that went first goes for good


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A version as it is kept."""

    number: int
    label: str
    created_at: datetime
    body: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A profile that may come back `until` then: its number, and the name under which it went."""

    id: int
    name: str
    until: datetime


def backwards(session: Session, profile_id: int, before: int | None = None) -> Iterator[Kept]:
    """The versions of a profile from the newest to the oldest; those `before` a number, if one is given.

    They are read one by one, since each may be some megabytes.
    """
    mine = select(ProfileVersion).where(ProfileVersion.profile_id == profile_id)
    newest_first = mine.order_by(col(ProfileVersion.version).desc()).limit(1)
    while True:
        older = newest_first if before is None else newest_first.where(_is_before(before))
        row = session.exec(older).first()
        if row is None:
            return
        session.expunge(row)
        before = row.version
        yield Kept(
            number=row.version, label=row.label, created_at=row.created_at, body=dict(row.body)
        )


def name(session: Session, profile_id: int, number: int, label: str) -> bool:
    """Call a version so; whether there is one."""
    where = (col(ProfileVersion.profile_id) == profile_id, col(ProfileVersion.version) == number)
    return claims.changed(session, update(ProfileVersion).where(*where).values(label=label)) == 1


# --- removing ------------------------------------------------------------------------------------
def put_away(session: Session, profile_id: int, now: datetime) -> None:
    """Remove a profile so that it can come back; its shadow and its scores go for good.

    What it learned, the reader's first profile goes on with until then.
    """
    row = session.get_one(Profile, profile_id)
    closing = ProfileVersion(
        profile_id=profile_id,
        version=row.version + 1,
        body=profiles.body_of(session, profile_id, row.version) or {},
        label=row.name,
        created_at=now,
    )
    # With a tab in it the name is one that nobody can type.
    row.version, row.state, row.name = closing.version, REMOVED, f"{REMOVED}\t{profile_id}"
    session.add(closing)
    session.flush()
    session.execute(delete(Score).where(col(Score.profile_id) == profile_id))
    session.execute(delete(Profile).where(col(Profile.shadows) == profile_id))
    for one in removed(session, row.reader_id)[REMOVED_MOST:]:
        session.execute(delete(Profile).where(col(Profile.id) == one.id))
    shards.score_anew(session, row.reader_id)


def removed(session: Session, reader_id: int) -> list[Removed]:
    """The profiles of a reader that were removed and are still kept, the last removed first."""
    found = session.exec(
        select(Profile.id, ProfileVersion.label, ProfileVersion.created_at)
        .join(ProfileVersion, _is_last())
        .where(Profile.reader_id == reader_id, Profile.state == REMOVED)
        .order_by(col(ProfileVersion.created_at).desc(), col(Profile.id).desc())
    )
    return [
        Removed(id=key or 0, name=label, until=moment + REMOVED_FOR) for key, label, moment in found
    ]


def bring_back(session: Session, profile_id: int, called: str) -> None:
    """A removed profile is in use again, under a name that no other has."""
    row = session.get_one(Profile, profile_id)
    row.name, row.state = called, "active"
    name(session, profile_id, row.version, "")
    session.flush()
    shards.score_anew(session, row.reader_id)


def purge(session: Session, now: datetime) -> int:
    """Delete the profiles that were removed so long ago that they do not come back; how many."""
    over = (
        select(ProfileVersion.id)
        .where(_is_last(), col(ProfileVersion.created_at) <= now - REMOVED_FOR)
        .correlate(Profile)
        .exists()
    )
    return claims.changed(session, delete(Profile).where(col(Profile.state) == REMOVED, over))


def _is_before(number: int) -> ColumnElement[bool]:
    return col(ProfileVersion.version) < number


def _is_last() -> ColumnElement[bool]:
    """The version that is in force, or was when the profile was removed."""
    same = col(ProfileVersion.profile_id) == Profile.id
    return same & (col(ProfileVersion.version) == Profile.version)
