"""The versions of a reader's profiles: each save is one, none is lost, and each can be gone back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice, pairwise
from typing import Any

from sqlmodel import Session

from tasks.desk import interests
from tasks.desk.differences import Difference, difference
from tasks.desk.interests import FULL, NAME_MOST, PROFILES_MOST
from tasks.errors import UnknownName, UsageError
from tasks.render.text import clean, cut
from tasks.round.context import Context
from tasks.store import profiles, readers
from tasks.store import versions as store
from tasks.store.profiles import Saved
from tasks.store.versions import Kept, Removed
from templates import msgid

LISTED_MOST = 10  # versions that are listed at once
LABEL_MOST = 80  # characters

# What a reader is told on pages too, and so in the catalogs.
LONG = msgid("A version’s name has 80 characters at most.")
IN_FORCE = msgid("This version is in force already.")
FIRST = msgid("There is nothing to undo: no earlier version differs from this one.")
TOLD = (LONG, IN_FORCE, FIRST, FULL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One save of a profile. `change` is what it changed against the one before; None for the first."""

    number: int
    label: str
    created_at: datetime
    in_force: bool
    change: Difference | None


def history(
    context: Context,
    reader_id: int,
    which: int | str,
    *,
    before: int | None = None,
    most: int = LISTED_MOST,
) -> list[Version]:
    """The versions of a profile, the newest first; of those `before` a number, so many at most.

    Raises `UnknownName`.
    """
    profile = interests.find(context, reader_id, which)
    with context.database.read() as session:
        # Two are held at a time: each may be some megabytes.
        walked = chain(store.backwards(session, profile.id, before), [None])
        pairs = islice(pairwise(walked), most)
        return [_version(profile, one, older) for one, older in pairs if one]


def body_of(context: Context, reader_id: int, which: int | str, number: int) -> Mapping[str, Any]:
    """What a version of a profile holds. Raises `UnknownName`."""
    profile = interests.find(context, reader_id, which)
    with context.database.read() as session:
        found = profiles.body_of(session, profile.id, number)
    if found is None:
        raise UnknownName(f"profile {profile.name!r} has no version {number}")
    return found


def name(context: Context, reader_id: int, which: int | str, number: int, label: str) -> None:
    """Call a version so, that it may be found again; an empty label takes its name away.

    Raises `UnknownName`, and `UsageError` for a label that is too long.
    """
    profile = interests.find(context, reader_id, which)
    label = clean(label)
    if len(label) > LABEL_MOST:
        raise UsageError(LONG)
    with context.database.write() as session:
        if not store.name(session, profile.id, number, label):
            raise UnknownName(f"profile {profile.name!r} has no version {number}")


def restore(
    context: Context, reader_id: int, which: int | str, number: int, *, expected: int
) -> int:
    """Save what a version held as the next one; its number. Nothing of what came between is lost.

    `expected` is the version in force, as the caller saw it. Raises `Conflict` when another one is by
    now, `UnknownName`, and `UsageError` where there is nothing to go back to.
    """
    profile = interests.find(context, reader_id, which)
    if number == profile.version == expected:
        raise UsageError(IN_FORCE)
    body = body_of(context, reader_id, profile.id, number)
    return interests.save(context, reader_id, profile.name, body, expected=expected)


def undo(context: Context, reader_id: int, which: int | str, *, expected: int) -> int:
    """Go back to the newest version that differs from the one in force; the new one's number.

    Undoing that goes forth again. Raises as `restore` does.
    """
    profile = interests.find(context, reader_id, which)
    with context.database.read() as session:
        older = store.backwards(session, profile.id, profile.version)
        last = next((one.number for one in older if difference(one.body, profile.body)), None)
    if last is None:
        raise UsageError(FIRST)
    return restore(context, reader_id, profile.id, last, expected=expected)


def _version(profile: Saved, one: Kept, older: Kept | None) -> Version:
    return Version(
        number=one.number,
        label=one.label,
        created_at=one.created_at,
        in_force=one.number == profile.version,
        change=difference(older.body, one.body) if older else None,
    )


# --- profiles that were removed ------------------------------------------------------------------
def removed(context: Context, reader_id: int) -> list[Removed]:
    """The profiles that were removed and may come back, the last removed first."""
    now = context.clock()
    with context.database.read() as session:
        return [one for one in store.removed(session, reader_id) if one.until > now]


def bring_back(context: Context, reader_id: int, which: int | str) -> str:
    """A removed profile is in use again, by its number or name; the name that it has now.

    Where another has its name meanwhile, a number is added. Raises `UnknownName`, and `UsageError` when
    there are as many profiles as there can be.
    """
    found = next((one for one in removed(context, reader_id) if which in (one.id, one.name)), None)
    with context.database.write() as session:
        known = _locked(session, reader_id)
        still = {one.id for one in store.removed(session, reader_id)}
        if found is None or found.id not in still:
            raise UnknownName(f"there is no removed profile {which!r}")
        if len(known) >= PROFILES_MOST:
            raise UsageError(FULL)
        called = _free(found.name, {one.name for one in known})
        store.bring_back(session, found.id, called)
        return called


def _locked(session: Session, reader_id: int) -> list[Saved]:
    readers.lock(session, reader_id)
    return profiles.saved(session, reader_id)


def _free(wanted: str, taken: set[str]) -> str:
    """The name, or the first like it that no other profile has."""
    numbered = (f"{cut(wanted, NAME_MOST - 5)} ({number})" for number in range(2, 100))
    return next(one for one in (wanted, *numbered) if one not in taken)
