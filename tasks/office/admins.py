"""Admins' accounts. They are made by the command line alone, and no account is there by itself.

Whoever's password or role changes is signed out everywhere, and their programs' keys are void. The last
owner stays one: else nobody could manage the others but at the machine itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from tasks.desk.addresses import read_address
from tasks.errors import Conflict, UsageError
from tasks.office import entering, passwords
from tasks.office.entering import AdminVisitor
from tasks.round.context import Context
from tasks.store import admin_keys, admin_visits, admins, audit, knocks
from tasks.store.admin_visits import Visit
from tasks.store.admins import Admin, Role

LAST_OWNER = "{name} is the only owner: make another admin an owner first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An admin, their visits that last, the newest first, and how many keys they have."""

    admin: Admin
    visits: tuple[Visit, ...]
    keys: int

    @property
    def seen_at(self) -> datetime | None:
        """When one of the visits was last seen."""
        return max((visit.seen_at for visit in self.visits), default=None)


def must_be_free(context: Context, name: str) -> None:
    """Raises `UsageError` where a new admin cannot have that name."""
    if not entering.NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no admin's name: use a small letter, then small letters, digits, "
            "dots, dashes and underscores, 40 in all at most"
        )
    with context.database.read() as session:
        if admins.password_of(session, name):
            raise UsageError(f"there is an admin {name} already")


def create(
    context: Context, by: str, name: str, password: str, *, role: Role, email: str = ""
) -> Admin:
    """A new admin. Raises `UsageError` where the name, the address or the password will not do."""
    must_be_free(context, name)
    address = read_address(email) if email else ""
    kept = passwords.hashed(passwords.check(password, name, address))
    with context.database.write() as session:
        now = context.clock()
        made = admins.add(session, name=name, email=address, role=role, password=kept, now=now)
        audit.note(session, by, "admin created", f"admin {name}", now=now, role=role)
    return made


def listed(context: Context) -> list[Seen]:
    """All admins, by their names."""
    with context.database.read() as session:
        visits = admin_visits.listed(session, now=context.clock())
        return [_seen(session, admin, visits) for admin in admins.listed(session)]


def find(context: Context, name: str) -> Seen:
    """One admin. Raises `UnknownName`."""
    with context.database.read() as session:
        visits = admin_visits.listed(session, now=context.clock())
        return _seen(session, admins.find(session, name), visits)


def _seen(session: Session, admin: Admin, visits: Sequence[Visit]) -> Seen:
    own = tuple(visit for visit in visits if visit.admin_id == admin.id)
    return Seen(admin=admin, visits=own, keys=admin_keys.count(session, admin.id))


# --- credentials ---------------------------------------------------------------------------------
def set_password(context: Context, by: str, name: str, password: str) -> None:
    """Another password: visits and keys are over, and who was told to wait need not. Raises `UsageError`."""
    admin = find(context, name).admin
    kept = passwords.hashed(passwords.check(password, admin.name, admin.email))
    with context.database.write() as session:
        knocks.forget(session, [entering.hidden_name(context, name)])
        _keep(context, session, by, admin, kept)


def change_password(context: Context, who: AdminVisitor, old: str, new: str, *, net: str) -> None:
    """One's own password, known by the old one: visits and keys are over. Raises `UsageError`, `TooMany`."""
    admin = find(context, who.name).admin
    passwords.check(new, admin.name, admin.email)
    entering.prove(context, who, old, net=net)
    if new == old:
        raise UsageError("that is the password you have: think of another one")
    kept = passwords.hashed(new)
    with context.database.write() as session:
        _keep(context, session, who.name, admin, kept)


def _keep(context: Context, session: Session, by: str, admin: Admin, kept: str) -> None:
    """Keep this hash, unless the admin's credentials were changed since they were looked at."""
    admins.lock(session)
    now = context.clock()
    found = admins.seek(session, admin.id)
    if found is None or found.epoch != admin.epoch:
        raise Conflict(f"admin {admin.name} was changed meanwhile: try again")
    admins.renew(session, admin.id, {"password": kept}, now=now)
    audit.note(session, by, "password changed", f"admin {admin.name}", now=now)


def set_role(context: Context, by: str, name: str, role: Role) -> Admin:
    """Another role: visits and keys are over. Raises `UsageError` for the last owner."""
    with context.database.write() as session:
        admin, now = _found(session, name), context.clock()
        if admin.role is not role:
            _not_the_last(session, admin)
            admins.renew(session, admin.id, {"role": role.value}, now=now)
            words = {"role": role, "before": admin.role}
            audit.note(session, by, "role changed", f"admin {name}", now=now, **words)
        return admins.find(session, name)


def set_email(context: Context, by: str, name: str, email: str) -> None:
    """Where alarms go; nowhere where it is empty. Raises `UsageError`."""
    address = read_address(email) if email else ""
    with context.database.write() as session:
        admin, now = _found(session, name), context.clock()
        admins.change(session, admin.id, {"email": address})
        word = "address set" if address else "address removed"
        audit.note(session, by, word, f"admin {name}", now=now)


def end_visits(context: Context, by: str, name: str) -> int:
    """Signed out everywhere; how many visits there were. Raises `UnknownName`."""
    with context.database.write() as session:
        admin, now = _found(session, name), context.clock()
        ended = admin_visits.end_all(session, admin.id)
        audit.note(session, by, "visits ended", f"admin {name}", now=now, visits=ended)
    return ended


def end_visit(context: Context, who: AdminVisitor, visit_id: int) -> None:
    """One of one's own visits is over. Raises `UnknownName`."""
    with context.database.write() as session:
        if not admin_visits.end_one(session, who.admin_id, visit_id):
            raise UsageError("that visit is over already")
        now = context.clock()
        audit.note(session, who.name, "visits ended", f"admin {who.name}", now=now, visits=1)


def remove(context: Context, by: str, name: str) -> None:
    """They are no admin any more; what they did stays in the audit. Raises `UsageError`."""
    with context.database.write() as session:
        admin, now = _found(session, name), context.clock()
        _not_the_last(session, admin)
        admins.remove(session, admin.id)
        audit.note(session, by, "admin removed", f"admin {name}", now=now, role=admin.role)


def _found(session: Session, name: str) -> Admin:
    admins.lock(session)
    return admins.find(session, name)


def _not_the_last(session: Session, admin: Admin) -> None:
    if admin.role is Role.OWNER and admins.owners(session) == 1:
        raise UsageError(LAST_OWNER.format(name=admin.name))
