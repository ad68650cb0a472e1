"""Who asks, of the admins: a browser by its cookie, a program by its key; and signing in and out.

Whatever name is typed, the answer to a wrong one is the same and takes as long. Tries are counted for each
net, for each name from each net, and for each name from everywhere: who has used them up is told to wait,
whether the name is somebody's or nobody's. What is looked at here changes nothing: that a browser is
still there is told by a POST of its own (`stay`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from tasks.desk import limits
from tasks.errors import UsageError
from tasks.office import passwords
from tasks.round.context import Context
from tasks.store import admin_keys, admin_visits, admins, audit, knocks
from tasks.store.admins import Admin, Role
from tasks.store.knocks import Limit

KEY = re.compile(r"pra_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
NAME = re.compile(r"[a-z][a-z0-9._-]{0,39}", re.ASCII)
EACH_NET = Limit(30, timedelta(hours=1))
EACH_PAIR = Limit(5, timedelta(minutes=15))  # a name from one net
EACH_NAME = Limit(50, timedelta(hours=1))  # from everywhere, so that many nets guess no faster
STRANGER = "a stranger"  # in the audit: what they typed may be a password
STALE = timedelta(
    minutes=15
)  # a visit that was last seen before so long says that it is still there


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminVisitor:
    """An admin who asks, by a browser or by a program. `role` is what they may do by it.

    `visit_id` is 0 for a program's key, `key_id` for a browser's visit.
    """

    admin_id: int
    name: str
    role: Role
    visit_id: int = 0
    key_id: int = 0
    seen_at: datetime | None = None

    def may(self, needed: Role | str) -> bool:
        """Whether they may do what that role may."""
        return self.role.may(needed)


def visitor(context: Context, secret: str) -> AdminVisitor | None:
    """Who visits, while the visit lasts. Changes nothing."""
    if not SECRET.fullmatch(secret):
        return None
    with context.database.read() as session:
        found = admin_visits.find(session, secret, now=context.clock())
    if found is None:
        return None
    admin, visit = found
    return AdminVisitor(
        admin_id=admin.id,
        name=admin.name,
        role=admin.role,
        visit_id=visit.id,
        seen_at=visit.seen_at,
    )


def key_owner(context: Context, secret: str) -> AdminVisitor | None:
    """Whose key it is: it may do what it was made for, and never more than its admin may by now."""
    if not KEY.fullmatch(secret):
        return None
    with context.database.read() as session:
        found = admin_keys.owner(session, secret)
    if found is None:
        return None
    admin, key = found
    role = key.role if admin.role.may(key.role) else admin.role
    return AdminVisitor(admin_id=admin.id, name=admin.name, role=role, key_id=key.id)


def key_used(context: Context, who: AdminVisitor) -> None:
    """Note that a key was used to change something; looking is not noted."""
    with context.database.write() as session:
        admin_keys.used(session, who.key_id, now=context.clock())


# --- signing in and out ----------------------------------------------------------------------------
def sign_in(
    context: Context, name: str, password: str, *, net: str, former: str = ""
) -> str | None:
    """A new visit's secret; None where name and password do not fit. Raises `TooMany`.

    The visit of the `former` secret is over then.
    """
    found = _fitting(context, plain(name), password, net)
    if found is None:
        return None
    admin, kept = found
    renewed = passwords.hashed(password) if passwords.is_old(kept) else kept
    with context.database.write() as session:
        now = context.clock()
        if former:
            admin_visits.end(session, former)
        if not admins.rehash(session, admin.id, kept, renewed):
            return None  # removed, or given another password, since it was looked at
        audit.note(session, admin.name, "signed in", f"admin {admin.name}", now=now)
        return admin_visits.begin(session, admin, now=now)


def prove(context: Context, who: AdminVisitor, password: str, *, net: str) -> Admin:
    """The visitor, whose password that is. Raises `UsageError` where it is not, and `TooMany`."""
    found = _fitting(context, who.name, password, net)
    if found is None:
        raise UsageError("that is not your password")
    return found[0]


def sign_out(context: Context, secret: str) -> None:
    """This visit is over, if it was one."""
    with context.database.write() as session:
        admin_id = admin_visits.end(session, secret)
        admin = admins.seek(session, admin_id) if admin_id else None
        if admin:
            now = context.clock()
            audit.note(session, admin.name, "signed out", f"admin {admin.name}", now=now)


def stay(context: Context, who: AdminVisitor) -> None:
    """The browser is still there: its visit is not idle."""
    with context.database.write() as session:
        admin_visits.seen(session, who.visit_id, now=context.clock())


def plain(name: str) -> str:
    """A name as it is kept, whatever it was typed like; empty where it can be nobody's."""
    found = name.strip().lower()
    return found if NAME.fullmatch(found) else ""


def hidden_name(context: Context, name: str) -> str:
    """What is counted for a name from everywhere."""
    return context.seal.hidden("admin-name", name)


def _fitting(context: Context, name: str, password: str, net: str) -> tuple[Admin, str] | None:
    """The admin whose name and password these are, and its hash. Raises `TooMany`.

    Each way does the same work, whether there is such an admin or not.
    """
    pair = context.seal.hidden("admin-pair", f"{name}|{limits.net_of(net)}")
    own = {hidden_name(context, name): EACH_NAME, pair: EACH_PAIR}
    shared = {context.seal.hidden("admin-net", limits.net_of(net)): EACH_NET}
    with context.database.write() as session:
        limits.count_each(session, shared | own, context.clock())
    with context.database.read() as session:
        found = admins.password_of(session, name)
    fits = passwords.matches(password, found[1] if found else None)
    with context.database.write() as session:
        if fits:
            knocks.forget(session, own)
        else:
            audit.count(session, STRANGER, "sign-in failed", now=context.clock())
    return found if fits else None
