"""A reader's profiles: listing, saving over the version that was seen, renaming, removing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from tasks.errors import Conflict, UnknownName, UsageError
from tasks.profile_json import from_typed, none_later, to_json
from tasks.records import Profile
from tasks.render.text import clean
from tasks.round.context import Context
from tasks.store import profiles, readers, versions
from tasks.store.profiles import Asked, Saved
from templates import msgid

NAME_MOST = 80  # characters
PROFILES_MOST = 20
NEW = -1  # the number of a profile that is tried out and was never saved

# What a reader is told on pages too, and so in the catalogs.
BAD_NAME = msgid("A profile needs a name of 1 to 80 characters.")
TAKEN = msgid("You have another profile of that name: choose a different one.")
FULL = msgid("You have 20 profiles, which is the most there can be: remove one first.")
EMPTY = msgid("Say at least one thing that interests you: a term, an author, a sentence.")
TOLD = (BAD_NAME, TAKEN, FULL, EMPTY)


def list_profiles(context: Context, reader_id: int) -> list[Saved]:
    """A reader's profiles, the oldest first."""
    with context.database.read() as session:
        return profiles.saved(session, reader_id)


def find(context: Context, reader_id: int, which: int | str) -> Saved:
    """A reader's profile by its number or its name. Raises `UnknownName`."""
    known = list_profiles(context, reader_id)
    found = next((one for one in known if which in (one.id, one.name)), None)
    if found is None:
        raise UnknownName(f"there is no profile {which!r}")
    return found


def body_of(context: Context, profile: Saved, version: int) -> Mapping[str, Any]:
    """What a version of a profile held; what the profile holds now, where there is no such version."""
    with context.database.read() as session:
        return profiles.body_of(session, profile.id, version) or profile.body


def save(context: Context, reader_id: int, name: str, body: object, *, expected: int | None) -> int:
    """Keep a profile's next version; its number. `expected` is the version in force, as the caller saw
    it, and None for a new profile.

    A name in the body that differs from `name` renames the profile. Raises `Conflict` when another
    version is in force by now, and `UsageError` for what no profile may be.
    """
    now = context.clock()
    read = none_later(from_typed(body), now.date())
    called, kept = read_name(read.name or name), to_json(read)
    with context.database.write() as session:
        known = _locked(session, reader_id)
        if expected is None:
            name = called
            _check_new(known, kept)
        version = profiles.save_over(session, reader_id, name, kept, now, expected=expected)
        if version is None and expected is None:
            raise Conflict(TAKEN)
        if version is None:
            raise Conflict(
                f"profile {name!r} is not at version {expected} any more: look at it again"
            )
        _rename(session, reader_id, name, called, known)
        return version


def rename(context: Context, reader_id: int, name: str, new: str) -> None:
    """Call a profile otherwise; what it holds stays, and so does its version.

    Raises `UnknownName`, and `UsageError` for a name that is taken or cannot be.
    """
    called = read_name(new)
    with context.database.write() as session:
        known = _locked(session, reader_id)
        _one_of(known, name)
        _rename(session, reader_id, name, called, known)


def remove(context: Context, reader_id: int, name: str, *, expected: int | None = None) -> None:
    """Remove a profile: for 30 days it may be brought back (`versions.bring_back`), then it is deleted
    with all its versions. What it learned teaches the reader's first one meanwhile.

    Raises `UnknownName`, and `Conflict` where a version is expected and another is in force.
    """
    with context.database.write() as session:
        found = _one_of(_locked(session, reader_id), name)
        if expected is not None and found.version != expected:
            raise Conflict(
                f"profile {name!r} is not at version {expected} any more: look at it again"
            )
        versions.put_away(session, found.id, context.clock())


def read_name(text: str) -> str:
    """A profile's name as it is kept. Raises `UsageError`."""
    name = clean(text)
    if not 0 < len(name) <= NAME_MOST:
        raise UsageError(BAD_NAME)
    return name


def _locked(session: Session, reader_id: int) -> list[Saved]:
    """The reader's profiles, which nobody else changes until this transaction ends."""
    if not readers.lock(session, reader_id):
        raise UnknownName("this reader is gone: subscribe to begin anew")
    return profiles.saved(session, reader_id)


def _check_new(known: Sequence[Saved], body: Mapping[str, Any]) -> None:
    if len(known) >= PROFILES_MOST:
        raise UsageError(FULL)
    if not set(body) - {"share", "weights"}:
        raise UsageError(EMPTY)


def _rename(session: Session, reader_id: int, name: str, new: str, known: Sequence[Saved]) -> None:
    if new == name:
        return
    if any(one.name == new for one in known):
        raise UsageError(TAKEN)
    profiles.rename(session, reader_id, name, new)


def _one_of(known: Sequence[Saved], name: str) -> Saved:
    found = next((one for one in known if one.name == name), None)
    if found is None:
        raise UnknownName(f"there is no profile {name!r}")
    return found


def with_edit(asked: Sequence[Asked], edited: Profile) -> list[Profile]:
    """The profiles with the edited one in its place, taught as it is now; at the end, if it is new."""
    made = [_taught(edited, one) if one.profile.id == edited.id else one.profile for one in asked]
    return made if edited.id != NEW else [*made, edited]


def _taught(edited: Profile, before: Asked) -> Profile:
    typed = before.typed or before.profile
    return replace(
        edited,
        name=edited.name or typed.name,
        examples=edited.examples + before.profile.examples[len(typed.examples) :],
        dislikes=edited.dislikes + before.profile.dislikes[len(typed.dislikes) :],
    )
