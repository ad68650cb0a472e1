"""Taking a mend or a suggestion: the profile with it becomes the next version."""

from __future__ import annotations

import re
from dataclasses import replace

from tasks.desk import interests
from tasks.desk.tuning.advice.linting import lint
from tasks.desk.tuning.advice.suggesting import with_example
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.profile_json import LISTS, PAPERS, from_json, to_json
from tasks.records import Reader
from tasks.round.context import Context
from tasks.store import entries
from templates import msgid

# What a reader is told on pages too, and so in the catalogs.
OVER = msgid("This mend does not fit any more: look at the profile as it is now.")
TOLD = (OVER,)
_NUMBER = re.compile(r"[1-9]\d{0,17}", re.ASCII)


def take_mend(context: Context, reader: Reader, which: int, key: str, *, expected: int) -> str:
    """Do what the mend of that key says, and give the name of the profile that it removed, if any.

    `expected` is the version in force, as the caller saw it. Raises `UnknownName`, and `Conflict` where
    another version is in force, or nothing asks for that mend any more.
    """
    profile = interests.find(context, reader.id, which)
    known = (mend for one in lint(context, reader, which, profile.body) for mend in one.mends)
    mend = next((one for one in known if one.key == key), None)
    if mend is None or profile.version != expected:
        raise Conflict(OVER)
    if mend.body is not None:
        interests.save(context, reader.id, profile.name, mend.body, expected=expected)
        return ""
    gone = interests.find(context, reader.id, mend.profile or 0)
    interests.remove(context, reader.id, gone.name, expected=gone.version)
    return gone.name


def take(
    context: Context, reader: Reader, which: int, part: str, text: str, *, expected: int
) -> int:
    """Add a text to a list of the profile, or a paper of ours, by its number, to its examples or dislikes;
    the version's number.

    Raises `UnknownName`, `Conflict` as saving does, and `UsageError` for what no profile may hold.
    """
    profile = interests.find(context, reader.id, which)
    typed = from_json(profile.body)
    if part in PAPERS:
        if not _NUMBER.fullmatch(text):
            raise UnknownName(f"there is no paper {text[:40]!r}")
        with context.database.read() as session:
            paper = entries.find(session, int(text))
        changed = with_example(typed, paper, part, context.clock().date())
    elif part in LISTS:
        texts = tuple(dict.fromkeys((*getattr(typed, part), text)))
        changed = replace(typed, **{part: texts})  # type: ignore[arg-type]  # a list of texts
    else:
        raise UsageError(f"a profile has no list {part[:40]!r}")
    return interests.save(context, reader.id, profile.name, to_json(changed), expected=expected)
