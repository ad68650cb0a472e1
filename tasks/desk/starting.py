"""The first minutes: what a reader says of their interests, what it would bring, and keeping it.

All of it goes into one profile: the reader's first, or a new one. Papers from elsewhere are kept as its
examples as soon as they are found, and can be taken out again: a form cannot carry a library to and
fro. The rest is looked at as often as one likes before it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlmodel import Session

from tasks.desk.outlook import Outlook, asked_for, trial
from tasks.errors import UnknownName, UsageError
from tasks.parse.clean import title_key
from tasks.profile_json import ITEMS_MOST, from_json, none_later, to_json
from tasks.records import Example, Paper, Profile, Reader
from tasks.round.context import Context
from tasks.store import entries, profiles, readers

NEW = -1  # the id of a profile that is not kept yet
TOO_MANY = (
    f"that makes more than {ITEMS_MOST:,} example papers, the most that a profile can hold: take out "
    "those that are in it, or bring those that stand for your interests"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a reader says at the start, beside the papers that were brought: `liked` are entries."""

    liked: tuple[int, ...] = ()
    terms: tuple[str, ...] = ()
    description: str = ""


def first(context: Context, reader_id: int) -> Profile | None:
    """The profile that the start is about, as it was typed; None before there is one."""
    with context.database.read() as session:
        return _first(session, reader_id)


def look(context: Context, reader: Reader, said: Said) -> Outlook | None:
    """What the newest day would have brought this reader, had they said this before.

    Without a word said it is the list by votes, and None where no paper has come yet. The papers that
    they like are left out: they know them.
    """
    with context.database.read() as session:
        known = [one.profile for one in profiles.of_reader(session, reader.id)]
        liked = entries.find_all(session, said.liked)
    own, *others = known or [Profile(id=NEW)]
    own = _with(own, said, [_example(context, paper) for paper in liked])
    asked = asked_for(reader, [own, *others]) if known or to_json(own) else []
    return trial(context, reader, asked, said.liked)


def keep(context: Context, reader_id: int, said: Said, name: str) -> None:
    """Keep what was said; a new profile gets that name, and there is none of nothing."""
    with context.database.write() as session:
        before = _locked(session, reader_id)
        liked = [_example(context, paper) for paper in entries.find_all(session, said.liked)]
        own = _with(before or Profile(id=NEW, name=name), said, liked)
        if own != before and (before or to_json(own)):
            _save(context, session, reader_id, own)


def bring(context: Context, reader_id: int, found: Iterable[Example], name: str) -> int:
    """Keep papers as examples of the profile; how many it did not have. Raises `UsageError`."""
    with context.database.write() as session:
        before = _locked(session, reader_id) or Profile(id=NEW, name=name)
        own = replace(before, examples=joined(before.examples, found))
        if len(own.examples) > ITEMS_MOST:
            raise UsageError(TOO_MANY)
        if own != before:
            _save(context, session, reader_id, own)
        return len(own.examples) - len(before.examples)


def take_out(context: Context, reader_id: int) -> None:
    """The profile has no examples any more; a profile of nothing else goes with them."""
    with context.database.write() as session:
        before = _locked(session, reader_id)
        if before and before.examples:
            own = replace(before, examples=())
            if to_json(own):
                _save(context, session, reader_id, own)
            else:
                profiles.remove(session, reader_id, own.name)


def _first(session: Session, reader_id: int) -> Profile | None:
    asked = profiles.of_reader(session, reader_id)
    return asked[0].typed if asked else None


def _locked(session: Session, reader_id: int) -> Profile | None:
    """The first profile, which nobody else changes until this transaction ends."""
    if not readers.lock(session, reader_id):
        raise UnknownName("this reader is gone: subscribe to begin anew")
    return _first(session, reader_id)


def _example(context: Context, paper: Paper) -> Example:
    return Example(
        title=paper.title,
        abstract=paper.abstract,
        id=f"entry:{paper.id}",
        given=context.clock().date(),
    )


def _with(own: Profile, said: Said, liked: Sequence[Example]) -> Profile:
    examples = joined(own.examples, liked)
    return replace(own, terms=said.terms, description=said.description, examples=examples)


def joined(known: Sequence[Example], found: Iterable[Example]) -> tuple[Example, ...]:
    """All of them once, those of the oldest day first, and first of all those of no known day."""
    kept = {_key(one): one for one in known}
    for one in found:
        kept.setdefault(_key(one), one)
    return tuple(sorted(kept.values(), key=lambda one: one.given.toordinal() if one.given else 0))


def _key(one: Example) -> str:
    return title_key(one.title) or one.id


def _save(context: Context, session: Session, reader_id: int, own: Profile) -> None:
    now = context.clock()
    sound = none_later(from_json(to_json(own), key=own.id, name=own.name), now.date())
    profiles.save(session, reader_id, own.name, to_json(sound), now)
