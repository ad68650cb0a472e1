"""Who asks: a browser by its cookie, a program by its key, a mail's link by its mark.

What is looked at here changes nothing: a page may be fetched by anybody's scanner. Secrets are looked
up by their hashes, which tell nothing about how near a guess came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from tasks.errors import LinkOver, UnknownName, UsageError
from tasks.records import Reader
from tasks.render.text import clean
from tasks.round.context import Context
from tasks.sealing import facts
from tasks.store import keys, readers, visits
from tasks.store.keys import Key

FULL, TUNE = "full", "tune"
LASTS = {FULL: timedelta(days=30), TUNE: timedelta(days=1)}
KEYS_MOST = 20
KEY_NAME = 60  # characters
KEY = re.compile(r"pr_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
FACTS = {"give": 3, "tune": 2, "view": 2, "feed": 1}  # how many numbers a mark of each purpose says
NUMBER_MOST = 2**63 - 1  # what a row may be numbered
OVER = "ask for a link to sign in, and go on from there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A signed-in reader. `scope` is `FULL`, or `TUNE` for who came by a digest's link."""

    reader: Reader
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """The reader whom a mark was made for, and the numbers that it says after the reader's."""

    reader: Reader
    facts: tuple[int, ...]


# --- cookies -------------------------------------------------------------------------------------
def begin(context: Context, reader_id: int, scope: str) -> str:
    """A visit begins: the secret for its cookie. Raises `UnknownName` when the reader is gone."""
    now = context.clock()
    with context.database.write() as session:
        readers.present(session, reader_id)
        return visits.begin(session, reader_id, scope, now=now, expires_at=now + LASTS[scope])


def visitor(context: Context, secret: str) -> Visitor | None:
    """Who visits, while the visit lasts. Who left is still let in, who never confirmed is not."""
    if not SECRET.fullmatch(secret):
        return None
    with context.database.read() as session:
        found = visits.find(session, secret, now=context.clock())
    return None if found is None else Visitor(reader=found[0], scope=found[1])


def end(context: Context, secret: str) -> None:
    """Sign this browser out."""
    with context.database.write() as session:
        visits.end(session, secret)


def end_all(context: Context, reader_id: int) -> int:
    """Sign the reader out everywhere; how many visits there were."""
    with context.database.write() as session:
        return visits.end_all(session, reader_id)


# --- keys ----------------------------------------------------------------------------------------
def make_key(context: Context, reader_id: int, name: str) -> tuple[Key, str]:
    """A key for a program, and its secret, which is shown once. Raises `UsageError`, `UnknownName`."""
    name = clean(name)
    if not 0 < len(name) <= KEY_NAME:
        raise UsageError(f"a key needs a name of 1 to {KEY_NAME} characters")
    with context.database.write() as session:
        readers.present(session, reader_id)
        if keys.count(session, reader_id) >= KEYS_MOST:
            raise UsageError(f"there are {KEYS_MOST} keys already: revoke one first")
        return keys.make(session, reader_id, name, now=context.clock())


def key_owner(context: Context, secret: str) -> Reader | None:
    """Whose key it is. Changes nothing."""
    if not KEY.fullmatch(secret):
        return None
    with context.database.read() as session:
        return keys.owner(session, secret)


def key_used(context: Context, secret: str) -> None:
    """Note that a key was used to change something; looking is not noted."""
    with context.database.write() as session:
        keys.used(session, secret, now=context.clock())


def list_keys(context: Context, reader_id: int) -> list[Key]:
    """A reader's keys, the oldest first."""
    with context.database.read() as session:
        return keys.of_reader(session, reader_id)


def revoke_key(context: Context, reader_id: int, key_id: int) -> None:
    """The key opens nothing any more. Raises `UnknownName` where this reader has no such key."""
    with context.database.write() as session:
        if not keys.revoke(session, reader_id, key_id):
            raise UnknownName(f"there is no key {key_id}")


# --- marks ---------------------------------------------------------------------------------------
def by_mark(context: Context, purpose: str, mark: str, *, days: int | None = None) -> Marked:
    """The reader of a mail's link (purposes: give, tune, view, feed). Changes nothing.

    With `days`, the last number is the day (its ordinal) from which on the mark holds so many days.
    Raises `LinkOver` for a mark that is forged, another purpose's, too old or void.
    """
    said = facts(mark)
    if len(said) != FACTS[purpose] or max(said) > NUMBER_MOST:
        raise LinkOver(f"this link is none of ours: {OVER}")
    with context.database.read() as session:
        reader = readers.seek(session, said[0])
    epoch = 0 if reader is None else reader.feed if purpose == "feed" else reader.epoch
    holds = context.seal.holds(purpose, mark, epoch=epoch)
    if reader is None or reader.state == "pending" or not holds:
        raise LinkOver(f"this link is none of ours, or its reader made it void: {OVER}")
    if days is not None and context.clock().date().toordinal() - said[-1] > days:
        raise LinkOver(f"this link is older than {days} days: {OVER}")
    return Marked(reader=reader, facts=said[1:])
