"""Admins' keys: what their programs show to the API."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from tasks.errors import Conflict, UnknownName, UsageError
from tasks.render.text import clean
from tasks.round.context import Context
from tasks.store import admin_keys, admins, audit
from tasks.store.admin_keys import Key
from tasks.store.admins import Admin, Role

KEYS_MOST = 20
NAME_MOST = 60  # characters


def make(context: Context, by: str, owner: str, name: str, *, role: Role) -> tuple[Key, str]:
    """A key of the `owner`'s, and its secret, which is shown once. Raises `UsageError`, `UnknownName`.

    No key may do more than its owner.
    """
    with context.database.write() as session:
        admins.lock(session)
        admin = admins.find(session, owner)
        return _made(session, by, admin, name, role=role, now=context.clock())


def make_own(context: Context, proved: Admin, name: str, *, role: Role) -> tuple[Key, str]:
    """A key of who has `proved` to be that admin. Raises as `make` does, and `Conflict` where their
    credentials were changed since: the key would outlast them.
    """
    with context.database.write() as session:
        admins.lock(session)
        admin = admins.seek(session, proved.id)
        if admin is None or admin.epoch != proved.epoch:
            raise Conflict("your password or role was changed meanwhile: sign in again")
        return _made(session, admin.name, admin, name, role=role, now=context.clock())


def _made(
    session: Session, by: str, admin: Admin, name: str, *, role: Role, now: datetime
) -> tuple[Key, str]:
    name = clean(name)
    if not 0 < len(name) <= NAME_MOST:
        raise UsageError(f"a key needs a name of 1 to {NAME_MOST} characters")
    if not admin.role.may(role):
        raise UsageError(
            f"the role of {admin.name} is {admin.role}: no key of theirs can be of {role}"
        )
    if admin_keys.count(session, admin.id) >= KEYS_MOST:
        raise UsageError(f"there are {KEYS_MOST} keys already: revoke one first")
    made, secret = admin_keys.make(session, admin, name=name, role=role, now=now)
    words = {"role": role, "start": made.start}
    audit.note(session, by, "key made", f"admin {admin.name}", now=now, key=name, **words)
    return made, secret


def listed(context: Context, owner: str) -> list[Key]:
    """An admin's keys, the oldest first. Raises `UnknownName`."""
    with context.database.read() as session:
        return admin_keys.of_admin(session, admins.find(session, owner).id)


def revoke(context: Context, by: str, owner: str, key_id: int) -> None:
    """The key opens nothing any more. Raises `UnknownName` where that admin has no such key."""
    with context.database.write() as session:
        admin = admins.find(session, owner)
        gone = admin_keys.revoke(session, admin.id, key_id)
        if gone is None:
            raise UnknownName(f"{owner} has no key {key_id}")
        words = {"key": gone.name, "start": gone.start}
        audit.note(session, by, "key revoked", f"admin {owner}", now=context.clock(), **words)
