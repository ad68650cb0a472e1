"""Mends: a profile with one thing changed, and what that does before it is taken."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from tasks.desk.tuning.advice.removing import without
from tasks.desk.tuning.machine import Comparison, compare
from tasks.profile_json import LISTS, to_json
from tasks.records import Profile, Reader
from tasks.round.context import Context

QUARTER = 0.25  # the weight of what is to count little


class MendKind(StrEnum):
    """What a mend does."""

    REMOVE = "remove"  # take the thing out
    SPELL = "spell"  # write it as papers do
    TERM = "term"  # make a term of it
    SHORTEN = "shorten"  # keep its strongest pair of words
    WEIGH = "weigh"  # count it little
    LESS = "less"  # send less of it, and no longer none
    NAME = "name"  # follow one person of that name
    ADD = "add"  # add words
    COUNT = "count"  # weigh everything as usual
    DROP = "drop"  # remove a whole profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """A mend: the whole profile after it as JSON; None where `profile`, by its number, is to be removed.

    `text` is what it touches, in the list `part`, and `to` what it becomes.
    """

    kind: MendKind
    part: str = ""
    text: str = ""
    to: tuple[str, ...] = ()
    body: Mapping[str, Any] | None = None
    profile: int | None = None

    @property
    def key(self) -> str:
        """What it is known by: by what it leads to."""
        outcome = json.dumps([self.body, self.profile], sort_keys=True)
        return blake2b(outcome.encode(), digest_size=8).hexdigest()


def effect(
    context: Context, reader: Reader, which: int | None, body: object, mend: Mend, *, span: int = 30
) -> Comparison:
    """The last days with the mend taken, beside the same days with this body."""
    if mend.body is None:
        return without(context, reader, mend.profile or 0, span=span)
    return compare(context, reader, which, mend.body, span=span, base=body)


def removed(profile: Profile, part: str, text: str) -> Mend | None:
    """Without it. None where nothing to go by would be left."""
    left = _settled(replace(profile, **{part: _other(profile, part, text)}))  # type: ignore[arg-type]
    if not goes_by_anything(left):
        return None
    return Mend(kind=MendKind.REMOVE, part=part, text=text, body=to_json(left))


def replaced(
    profile: Profile, part: str, text: str, to: Sequence[str], kind: MendKind = MendKind.SPELL
) -> Mend:
    """With something else in its place, which weighs as much."""
    texts = [new for old in getattr(profile, part) for new in (to if old == text else (old,))]
    weights = dict(profile.weights)
    weights |= {new: one for old, one in weights.items() if _same(old, text) for new in to}
    changed = replace(profile, weights=weights, **{part: tuple(dict.fromkeys(texts))})  # type: ignore[arg-type]
    return Mend(
        kind=kind, part=part, text=text, to=tuple(to), body=to_json(_settled(changed, weights))
    )


def moved(
    profile: Profile, part: str, text: str, to: str, kind: MendKind, weight: float | None = None
) -> Mend:
    """In another list; with that weight, where one is given."""
    listed = (*_other(profile, to, text), text)
    changed = replace(profile, **{part: _other(profile, part, text), to: listed})  # type: ignore[arg-type]
    if weight is not None:
        changed = _weighing(changed, text, weight)
    return Mend(kind=kind, part=part, text=text, to=(to,), body=to_json(changed))


def weighed(profile: Profile, part: str, text: str, weight: float = QUARTER) -> Mend:
    """With another weight."""
    changed = _weighing(profile, text, weight)
    return Mend(kind=MendKind.WEIGH, part=part, text=text, body=to_json(changed))


def goes_by_anything(profile: Profile) -> bool:
    """Whether a paper could match anything: words, names, categories, examples that weigh something."""
    own = {typed.strip().casefold(): weight for typed, weight in profile.weights.items()}
    wanted = (*profile.terms, *profile.phrases, *profile.authors, *profile.categories)
    weighs = any(own.get(text.strip().casefold(), 1.0) > 0 for text in wanted)
    return weighs or bool(profile.description.strip()) or bool(profile.examples)


def _weighing(profile: Profile, text: str, weight: float) -> Profile:
    own = {typed: one for typed, one in profile.weights.items() if not _same(typed, text)}
    return replace(profile, weights=own | {text: weight})


def _other(profile: Profile, part: str, text: str) -> tuple[str, ...]:
    return tuple(one for one in getattr(profile, part) if one != text)


def _settled(profile: Profile, weights: Mapping[str, float] | None = None) -> Profile:
    """Without the weights of what no list holds any more."""
    kept = {text.strip().casefold() for part in LISTS for text in getattr(profile, part)}
    own = (weights or profile.weights).items()
    return replace(profile, weights={t: w for t, w in own if t.strip().casefold() in kept})


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
