"""Profiles and their versions. Every save is a version, and makes the shard score anew."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from tasks.errors import UnknownName, UsageError
from tasks.models import Profile, ProfileVersion, Reader, Score
from tasks.profile_json import from_json
from tasks.records import Profile as ProfileRecord
from tasks.store import shards

log = logging.getLogger(__name__)


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
    session.flush()
    assert row.id is not None
    version = ProfileVersion(
        profile_id=row.id, version=row.version, body=dict(body), created_at=now
    )
    session.add(version)
    session.execute(delete(Score).where(col(Score.profile_id) == row.id))
    shards.rewind(session, session.get_one(Reader, reader_id).shard_id)
    return row.version


def get(session: Session, reader_id: int, name: str) -> tuple[int, dict[str, Any]]:
    """A profile's version number and JSON. Raises `UnknownName`."""
    found = session.exec(
        _in_force().where(Profile.reader_id == reader_id, Profile.name == name)
    ).first()
    if found is None:
        raise UnknownName(f"this reader has no profile {name!r}: see `paperround profiles list`")
    return found[0].version, dict(found[1].body)


def remove(session: Session, reader_id: int, name: str) -> None:
    """Delete a profile, its versions and its scores; picks that were sent stay known."""
    get(session, reader_id, name)
    shards.rewind(session, session.get_one(Reader, reader_id).shard_id)
    session.execute(
        delete(Profile).where(col(Profile.reader_id) == reader_id, col(Profile.name) == name)
    )


def rows(session: Session, reader_id: int) -> list[dict[str, Any]]:
    """A reader's profiles as JSON, each with its name and version."""
    found = session.exec(
        _in_force().where(Profile.reader_id == reader_id).order_by(col(Profile.id))
    )
    return [{"name": p.name, "version": p.version} | dict(v.body) for p, v in found]


@dataclass(frozen=True, slots=True)
class Asked:
    """A profile of a shard's reader: whose it is, its version, how much they ask for."""

    reader_id: int
    version: int
    about: float
    threshold: float
    profile: ProfileRecord


def of_shard(session: Session, shard_id: int) -> list[Asked]:
    """The profiles of all active readers of a shard, by their ids. Those of a reader share `about`."""
    found = session.exec(
        select(Reader, Profile, ProfileVersion)
        .join(Profile, col(Profile.reader_id) == Reader.id)
        .join(
            ProfileVersion,
            (col(ProfileVersion.profile_id) == Profile.id)
            & (col(ProfileVersion.version) == Profile.version),
        )
        .where(Reader.shard_id == shard_id, Reader.state == "active", Profile.state == "active")
        .order_by(col(Profile.id))
    )
    asked = []
    for reader, profile, version in found:
        try:
            record = from_json(version.body, key=profile.id or 0, name=profile.name)
        except UsageError as error:  # one that cannot be read is not the others' trouble
            log.error("profile %s of reader %s is passed over: %s", profile.name, reader.id, error)
            continue
        asked.append(Asked(reader.id or 0, profile.version, reader.about, reader.threshold, record))
    shares: dict[int, float] = defaultdict(float)
    for one in asked:
        shares[one.reader_id] += one.profile.share
    return [replace(a, about=a.about * a.profile.share / shares[a.reader_id]) for a in asked]


def _in_force() -> Any:
    same = (col(ProfileVersion.profile_id) == Profile.id) & (
        col(ProfileVersion.version) == Profile.version
    )
    return select(Profile, ProfileVersion).join(ProfileVersion, same)
