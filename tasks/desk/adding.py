"""Papers that were found elsewhere become examples of a profile by its name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tasks.desk import interests
from tasks.desk.collecting import Collected
from tasks.desk.starting import TOO_MANY, joined
from tasks.errors import UnknownName, UsageError
from tasks.profile_json import ITEMS_MOST, from_json, to_json
from tasks.round.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """How many examples were new to the profile, and its version now: 0 where there is none."""

    examples: int
    version: int


def add_examples(context: Context, reader_id: int, name: str, found: Collected) -> Added:
    """Teach the profile of that name what was found; it is made where there is none.

    What is an example already stays as it is, and with nothing new nothing is saved. Raises `UsageError`,
    and `Conflict` where somebody else saves the profile meanwhile.
    """
    name = interests.read_name(name)
    try:
        before = interests.find(context, reader_id, name)
    except UnknownName:
        typed, expected = from_json({}), None
    else:
        typed, expected = from_json(before.body), before.version
    examples = joined(typed.examples, (*found.matched, *found.titled))
    new = len(examples) - len(typed.examples)
    if len(examples) > ITEMS_MOST:
        raise UsageError(TOO_MANY)
    if not new:
        return Added(examples=0, version=expected or 0)
    taught = to_json(replace(typed, examples=examples))
    version = interests.save(context, reader_id, name, taught, expected=expected)
    return Added(examples=new, version=version)
