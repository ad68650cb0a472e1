"""Admins: who runs the service, and in which role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, func, select

from tasks.errors import UnknownName, UsageError
from tasks.models import Admin as AdminRow
from tasks.models import AdminKey, AdminVisit
from tasks.store import claims, counters
from tasks.store.upsert import insert_new


class Role(StrEnum):
    """What an admin may do. Each role may do what those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    OWNER = "owner"

    def may(self, needed: Role | str) -> bool:
        """Whether this role reaches as far as the one that is needed."""
        order = list(Role)
        return order.index(self) >= order.index(Role(needed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """An admin as others see them; `epoch` is that of their credentials."""

    id: int
    name: str
    email: str
    role: Role
    epoch: int
    created_at: datetime
    changed_at: datetime


def lock(session: Session) -> None:
    """Nobody else makes, changes or removes an admin until the commit."""
    counters.lock(session, "admins")


def add(
    session: Session, *, name: str, email: str, role: Role, password: str, now: datetime
) -> Admin:
    """A new admin; `password` is its hash. Raises `UsageError` where the name is taken."""
    values = {"name": name, "email": email, "role": role.value, "password": password}
    times = {"epoch": 0, "created_at": now, "changed_at": now}
    if not insert_new(session, AdminRow, [values | times]):
        raise UsageError(f"there is an admin {name} already")
    return find(session, name)


def find(session: Session, name: str) -> Admin:
    """The admin of that name. Raises `UnknownName`."""
    return record(_row(session, name))


def seek(session: Session, admin_id: int) -> Admin | None:
    """The admin of that number, if they are still one."""
    row = session.get(AdminRow, admin_id)
    return None if row is None else record(row)


def password_of(session: Session, name: str) -> tuple[Admin, str] | None:
    """The admin of that name, and the hash of their password."""
    row = session.exec(select(AdminRow).where(AdminRow.name == name)).first()
    return None if row is None else (record(row), row.password)


def listed(session: Session) -> list[Admin]:
    """All of them, by their names."""
    return [record(row) for row in session.exec(select(AdminRow).order_by(AdminRow.name))]


def owners(session: Session) -> int:
    """How many owners there are."""
    counted = select(func.count()).select_from(AdminRow).where(AdminRow.role == Role.OWNER)
    return session.exec(counted).one()


def change(session: Session, admin_id: int, values: Mapping[str, Any]) -> None:
    """Write these values; visits and keys stay."""
    mine = col(AdminRow.id) == admin_id
    session.execute(update(AdminRow).where(mine).values(dict(values)))


def renew(session: Session, admin_id: int, values: Mapping[str, Any], *, now: datetime) -> None:
    """Write what decides who may come in: every visit and key from before is over."""
    moved = {"epoch": AdminRow.epoch + 1, "changed_at": now}
    change(session, admin_id, dict(values) | moved)
    for model in (AdminVisit, AdminKey):
        session.execute(delete(model).where(col(model.admin_id) == admin_id))


def rehash(session: Session, admin_id: int, kept: str, renewed: str) -> bool:
    """Keep that hash of the same password; whether the one before was the one in force.

    Until the commit nobody else changes or removes this admin.
    """
    mine = (col(AdminRow.id) == admin_id, col(AdminRow.password) == kept)
    renewing = update(AdminRow).where(*mine).values(password=renewed)
    return claims.changed(session, renewing) == 1


def remove(session: Session, admin_id: int) -> bool:
    """The admin is none any more, and their visits and keys go too; whether they were one."""
    return claims.changed(session, delete(AdminRow).where(col(AdminRow.id) == admin_id)) == 1


def record(row: AdminRow) -> Admin:
    """A row as others see it."""
    assert row.id is not None
    return Admin(
        id=row.id,
        name=row.name,
        email=row.email,
        role=Role(row.role),
        epoch=row.epoch,
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _row(session: Session, name: str) -> AdminRow:
    row = session.exec(select(AdminRow).where(AdminRow.name == name)).first()
    if row is None:
        raise UnknownName(f"there is no admin {name!r}: `paperround admins list` names them")
    return row
