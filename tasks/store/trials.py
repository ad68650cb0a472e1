"""Trials: a shadow of a profile runs beside it, and the reader's answers tell which of the two is better.

A shadow is a profile of its own, scored like every other, in a state that only scoring and composing ask
for. One reader has one at most, since a digest is drafted by two and not by more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from tasks.models import Digest, Entry, Feedback, Pick, Profile, ProfileVersion, Reader
from tasks.profile_json import from_json
from tasks.records import Want
from tasks.store import claims, shards
from tasks.store.profiles import SHADOW

LIKED = (Want.MORE, Want.SAVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A shadow's id and that of the profile beside which it runs, what it holds and since when it runs;
    and when the profile was saved last.
    """

    id: int
    profile_id: int
    body: Mapping[str, Any]
    started: datetime
    saved: datetime


@dataclass(slots=True)
class Drafted:
    """A digest that was drafted, and when: who picked each entry, and what the reader liked and did not."""

    at: datetime
    teams: dict[int, str] = field(default_factory=dict)
    liked: set[int] = field(default_factory=set)
    disliked: set[int] = field(default_factory=set)


def begin(
    session: Session, reader_id: int, profile_id: int, body: Mapping[str, Any], now: datetime
) -> None:
    """Put a body on trial beside a profile. It has been read by `from_json` before."""
    row = Profile(
        reader_id=reader_id,
        name=f"{SHADOW}\t{profile_id}",  # with a tab in it nobody can type it
        state=SHADOW,
        share=from_json(body).share,
        shadows=profile_id,
    )
    session.add(row)
    session.flush()
    session.add(
        ProfileVersion(profile_id=row.id or 0, version=row.version, body=dict(body), created_at=now)
    )
    _score(session, reader_id)


def end(session: Session, reader_id: int) -> bool:
    """The shadow goes, with its scores; whether there was one."""
    mine = (col(Profile.reader_id) == reader_id, col(Profile.state) == SHADOW)
    gone = claims.changed(session, delete(Profile).where(*mine)) == 1
    if gone:
        _score(session, reader_id)
    return gone


def find(session: Session, reader_id: int) -> Trial | None:
    """The trial that runs, if there is one."""
    own, saved, beside = aliased(ProfileVersion), aliased(ProfileVersion), aliased(Profile)
    found = session.exec(
        select(Profile, own, saved.created_at)
        .join(own, (col(own.profile_id) == Profile.id) & (col(own.version) == Profile.version))
        .join(beside, col(beside.id) == Profile.shadows)
        .join(saved, (col(saved.profile_id) == beside.id) & (col(saved.version) == beside.version))
        .where(Profile.reader_id == reader_id, Profile.state == SHADOW)
    ).first()
    if found is None:
        return None
    row, version, moment = found
    return Trial(
        id=row.id or 0,
        profile_id=row.shadows or 0,
        body=dict(version.body),
        started=version.created_at,
        saved=moment,
    )


def scored(session: Session, reader_id: int) -> tuple[int, int] | None:
    """The ids of a profile and of its shadow, where both have the scores that a digest is drafted by."""
    beside = aliased(Profile)
    found = session.exec(
        select(beside.id, Profile.id)
        .join(beside, col(beside.id) == Profile.shadows)
        .where(Profile.reader_id == reader_id, Profile.state == SHADOW)
        .where(col(Profile.fresh).is_(False), col(beside.fresh).is_(False))
    ).first()
    return None if found is None else (found[0] or 0, found[1] or 0)


def drafted(
    session: Session, reader_id: int, *, since: datetime, within: timedelta
) -> list[Drafted]:
    """The digests that were drafted after a moment, the oldest first, with the answers that were given
    within some time of each.
    """
    found = session.exec(
        select(Digest.id, Digest.composed_at, Pick.team, _now_known_as())
        .join(Pick, col(Pick.digest_id) == Digest.id)
        .join(Entry, col(Entry.id) == Pick.entry_id)
        .where(Digest.reader_id == reader_id, col(Digest.composed_at) > since, Pick.team != "")
        .order_by(col(Digest.composed_at), col(Digest.id))
    )
    digests: dict[int, Drafted] = {}
    brought: defaultdict[int, list[Drafted]] = defaultdict(list)
    for key, at, team, entry_id in found:
        digest = digests.setdefault(key or 0, Drafted(at=at or since))
        digest.teams[entry_id] = team
        brought[entry_id].append(digest)
    for entry_id, want, at in _said(session, reader_id, since):
        for digest in brought.get(entry_id, ()):
            if at <= digest.at + within:
                (digest.liked if want in LIKED else digest.disliked).add(entry_id)
    return list(digests.values())


def _said(session: Session, reader_id: int, since: datetime) -> list[tuple[int, Want, datetime]]:
    found = session.exec(
        select(_now_known_as(), Feedback.kind, Feedback.at)
        .join(Feedback, col(Feedback.entry_id) == Entry.id)
        .where(Feedback.reader_id == reader_id, col(Feedback.at) > since)
    )
    return [(entry_id, Want(kind), at) for entry_id, kind, at in found]


def _now_known_as() -> Any:
    """The entry's id, or that of the one which it was merged into."""
    return func.coalesce(Entry.merged_into, Entry.id)


def _score(session: Session, reader_id: int) -> None:
    """A scoring that is under way counts for nothing."""
    shards.rewind(session, session.get_one(Reader, reader_id).shard_id)
