"""Profiles and their versions. Every save is a version, and makes the shard score anew."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from tasks.errors import UnknownName, UsageError
from tasks.models import Profile, ProfileVersion, Reader, Score
from tasks.profile_json import from_json
from tasks.records import Profile as ProfileRecord
from tasks.store import claims, feedback, shards
from tasks.store.feedback import Lessons
from tasks.store.upsert import insert_new

log = logging.getLogger(__name__)

SHADOW = "shadow"  # the state of a profile on trial


def save(
    session: Session, reader_id: int, name: str, body: Mapping[str, Any], now: datetime
) -> int:
    """Keep a profile's new version (or its first); returns the version's number.

    `body` has been read by `from_json` before. Scores by older versions are dropped: the shard makes
    new ones before anything is composed.
    """
    row = session.exec(
        select(Profile).where(Profile.reader_id == reader_id, Profile.name == name)
    ).first()
    if row is None:
        row = Profile(reader_id=reader_id, name=name, version=0)
        session.add(row)
    row.version, row.state = row.version + 1, "active"
    row.share = _share(body)
    session.flush()
    assert row.id is not None
    _keep(session, row.id, row.version, body, now)
    return row.version


def save_over(
    session: Session,
    reader_id: int,
    name: str,
    body: Mapping[str, Any],
    now: datetime,
    *,
    expected: int | None,
) -> int | None:
    """As `save`, where `expected` is the version in force (None: where there is no such profile).

    Compare and write are one conditional statement. None where it is not, and then nothing is kept.
    """
    version = (expected or 0) + 1
    values = {"version": version, "state": "active", "share": _share(body)}
    mine = {"reader_id": reader_id, "name": name}
    if expected is None:
        done = insert_new(session, Profile, [mine | values | {"line": 0.0}])
    else:
        where = _named(reader_id, name)
        change = update(Profile).where(*where, col(Profile.version) == expected).values(values)
        done = claims.changed(session, change)
    if not done:
        return None
    key = session.exec(select(Profile.id).where(*_named(reader_id, name))).one()
    assert key is not None
    _keep(session, key, version, body, now)
    return version


def _named(reader_id: int, name: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Profile.reader_id) == reader_id,
        col(Profile.name) == name,
        col(Profile.state) == "active",
    )


def _share(body: Mapping[str, Any]) -> float:
    return float(body.get("share") or 1.0)


def _keep(
    session: Session, profile_id: int, version: int, body: Mapping[str, Any], now: datetime
) -> None:
    """Keep what a version holds; what was scored by older ones is scored anew."""
    row = ProfileVersion(profile_id=profile_id, version=version, body=dict(body), created_at=now)
    session.add(row)
    session.execute(delete(Score).where(col(Score.profile_id) == profile_id))
    mine = col(Profile.id) == profile_id
    session.execute(update(Profile).where(mine).values(fresh=True))
    reader_id = session.get_one(Profile, profile_id).reader_id
    shards.rewind(session, session.get_one(Reader, reader_id).shard_id)


def rename(session: Session, reader_id: int, name: str, new: str) -> bool:
    """Call a profile by a name that no other of this reader's has; whether there was one."""
    change = update(Profile).where(*_named(reader_id, name)).values(name=new)
    return claims.changed(session, change) == 1


def get(session: Session, reader_id: int, name: str) -> tuple[int, dict[str, Any]]:
    """A profile's version number and JSON. Raises `UnknownName`."""
    found = session.exec(_in_force().where(*_named(reader_id, name))).first()
    if found is None:
        raise UnknownName(f"this reader has no profile {name!r}: see `paperround profiles list`")
    return found[0].version, dict(found[1].body)


def remove(session: Session, reader_id: int, name: str) -> None:
    """Delete a profile, its versions and its scores; picks that were sent stay known."""
    get(session, reader_id, name)
    session.execute(
        delete(Profile).where(col(Profile.reader_id) == reader_id, col(Profile.name) == name)
    )
    shards.score_anew(session, reader_id)  # what it learned, another goes on with


def settle(session: Session, profile_ids: Sequence[int]) -> None:
    """These have scores of all the days that may become picks, and need those of news alone."""
    some = col(Profile.id).in_(profile_ids)
    session.execute(update(Profile).where(some).values(fresh=False))


def rows(session: Session, reader_id: int) -> list[dict[str, Any]]:
    """A reader's profiles as JSON, each with its name and version."""
    found = session.exec(
        _in_force()
        .where(Profile.reader_id == reader_id, Profile.state == "active")
        .order_by(col(Profile.id))
    )
    return [{"name": p.name, "version": p.version} | dict(v.body) for p, v in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A profile as it is kept: its number and name, the version in force, and that version's JSON."""

    id: int
    name: str
    version: int
    body: Mapping[str, Any]


def saved(session: Session, reader_id: int) -> list[Saved]:
    """A reader's profiles, the oldest first."""
    mine = (Profile.reader_id == reader_id, Profile.state == "active")
    found = session.exec(_in_force().where(*mine).order_by(col(Profile.id)))
    return [
        Saved(id=row.id or 0, name=row.name, version=row.version, body=dict(version.body))
        for row, version in found
    ]


def body_of(session: Session, profile_id: int, version: int) -> dict[str, Any] | None:
    """What that version of a profile held, if there is one."""
    where = (ProfileVersion.profile_id == profile_id, ProfileVersion.version == version)
    row = session.exec(select(ProfileVersion).where(*where)).first()
    return None if row is None else dict(row.body)


@dataclass(frozen=True, slots=True)
class Asked:
    """A profile of a reader: whose it is, its version, how much they ask for; as it is by now with
    all that feedback taught it, and as it was typed. One on trial names the profile that it `shadows`,
    bears its name and was taught the same.
    """

    reader_id: int
    version: int
    about: float
    threshold: float
    profile: ProfileRecord
    typed: ProfileRecord | None = None
    fresh: bool = True
    shadows: int | None = None


def of_shard(session: Session, shard_id: int) -> list[Asked]:
    """The profiles of all active readers of a shard, by their ids, with what each has learned; those on
    trial too.
    """
    return _asked(session, Reader.shard_id == shard_id, Reader.state == "active")


def of_reader(session: Session, reader_id: int) -> list[Asked]:
    """The profiles of one reader in any state, with what each has learned."""
    return [one for one in scored_for(session, reader_id) if one.shadows is None]


def scored_for(session: Session, reader_id: int) -> list[Asked]:
    """The same, and the one on trial, if there is one."""
    return _asked(session, Reader.id == reader_id)


def any_of(session: Session, reader_id: int) -> bool:
    """Whether the reader has said what interests them."""
    where = (Profile.reader_id == reader_id, Profile.state == "active")
    return session.exec(select(Profile.id).where(*where).limit(1)).first() is not None


def shared(asked: Sequence[Asked]) -> list[Asked]:
    """Profiles that share out among them what their reader asks for; one on trial gets what it would
    in the place of the one that it shadows.
    """
    shares: dict[int, float] = defaultdict(float)
    own: dict[int | str | None, float] = {}
    for one in asked:
        if one.shadows is None:
            shares[one.reader_id] += one.profile.share
            own[one.profile.id] = one.profile.share

    def all_of(one: Asked) -> float:
        if one.shadows is None:
            return shares[one.reader_id]
        return shares[one.reader_id] - own.get(one.shadows, 0.0) + one.profile.share

    return [replace(one, about=one.about * one.profile.share / all_of(one)) for one in asked]


def taught(typed: ProfileRecord, *learned: Lessons | None) -> ProfileRecord:
    """The profile as typed, and as it was taught by feedback since."""
    known = [lessons for lessons in learned if lessons]
    examples = tuple(example for lessons in known for example in lessons.examples)
    dislikes = tuple(example for lessons in known for example in lessons.dislikes)
    return replace(typed, examples=typed.examples + examples, dislikes=typed.dislikes + dislikes)


def _asked(session: Session, *where: Any) -> list[Asked]:
    saved = aliased(Profile)  # of a shadow, the one beside which it is on trial
    found = session.exec(
        select(Reader, Profile, ProfileVersion, saved.name)
        .join(Profile, col(Profile.reader_id) == Reader.id)
        .join(
            ProfileVersion,
            (col(ProfileVersion.profile_id) == Profile.id)
            & (col(ProfileVersion.version) == Profile.version),
        )
        .outerjoin(saved, col(saved.id) == Profile.shadows)
        .where(*where, col(Profile.state).in_(("active", SHADOW)))
        .order_by(col(Profile.id))
    ).all()
    learned = feedback.lessons(session, {reader.id or 0 for reader, *_ in found})
    asked: list[Asked] = []
    first: dict[int, int | None] = {}
    for reader, profile, version, named in found:
        reader_id = reader.id or 0
        learns = profile.shadows or profile.id
        first.setdefault(reader_id, learns)
        try:
            typed = from_json(version.body, key=profile.id or 0, name=named or profile.name)
        except UsageError:  # one that cannot be read is not the others' trouble
            log.error("profile %s of reader %s cannot be read: passed over", profile.id, reader.id)
            continue
        own = learned.get((reader_id, learns))
        anyones = learned.get((reader_id, None)) if learns == first[reader_id] else None
        asked.append(
            Asked(
                reader_id=reader_id,
                version=profile.version,
                about=reader.about,
                threshold=reader.threshold,
                profile=taught(typed, anyones, own),
                typed=typed,
                fresh=profile.fresh,
                shadows=profile.shadows,
            )
        )
    return shared(asked)


def _in_force() -> Any:
    same = (col(ProfileVersion.profile_id) == Profile.id) & (
        col(ProfileVersion.version) == Profile.version
    )
    return select(Profile, ProfileVersion).join(ProfileVersion, same)
