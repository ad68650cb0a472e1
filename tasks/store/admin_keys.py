"""Admins' keys: what programs show to look, act or manage. Only their hashes are kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, func, select

from tasks.models import Admin, AdminKey
from tasks.sealing import hash_of, new_secret
from tasks.store import admins, claims
from tasks.store.admins import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as its admin sees it: what they called it, and how its secret begins."""

    id: int
    role: Role
    name: str
    start: str
    created_at: datetime
    used_at: datetime | None


def make(
    session: Session, admin: admins.Admin, *, name: str, role: Role, now: datetime
) -> tuple[Key, str]:
    """A new key and its secret, ``pra_<8>_<43>``, which nothing keeps."""
    start = f"pra_{secrets.token_hex(4)}"
    secret = f"{start}_{new_secret()}"
    row = AdminKey(
        hash=hash_of(secret),
        admin_id=admin.id,
        epoch=admin.epoch,
        role=role.value,
        name=name,
        start=start,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return _key(row), secret


def owner(session: Session, secret: str) -> tuple[admins.Admin, Key] | None:
    """Whose key it is. Changes nothing."""
    joined = select(Admin, AdminKey).join(AdminKey, col(AdminKey.admin_id) == Admin.id)
    mine = (AdminKey.hash == hash_of(secret), AdminKey.epoch == Admin.epoch)
    found = session.exec(joined.where(*mine)).first()
    return None if found is None else (admins.record(found[0]), _key(found[1]))


def used(session: Session, key_id: int, *, now: datetime) -> None:
    """Note that the key was used for a change."""
    session.execute(update(AdminKey).where(col(AdminKey.id) == key_id).values(used_at=now))


def of_admin(session: Session, admin_id: int) -> list[Key]:
    """An admin's keys, the oldest first."""
    found = select(AdminKey).where(AdminKey.admin_id == admin_id).order_by(col(AdminKey.id))
    return [_key(row) for row in session.exec(found)]


def count(session: Session, admin_id: int) -> int:
    """How many keys an admin has."""
    counted = select(func.count()).select_from(AdminKey).where(AdminKey.admin_id == admin_id)
    return session.exec(counted).one()


def revoke(session: Session, admin_id: int, key_id: int) -> Key | None:
    """The key opens nothing any more; what it was, if this admin had it."""
    mine = (col(AdminKey.id) == key_id, col(AdminKey.admin_id) == admin_id)
    row = session.exec(select(AdminKey).where(*mine)).first()
    gone = claims.changed(session, delete(AdminKey).where(*mine)) == 1
    return _key(row) if row is not None and gone else None


def _key(row: AdminKey) -> Key:
    assert row.id is not None
    return Key(
        id=row.id,
        role=Role(row.role),
        name=row.name,
        start=row.start,
        created_at=row.created_at,
        used_at=row.used_at,
    )
