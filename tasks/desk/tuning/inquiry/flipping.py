"""The smallest single edit that would have turned a paper's fate, found by making its digest again.

The edits of `edits` are tried from the smallest on, each by really scoring and composing with it, and the
first that turns the fate is told: so none that is offered and smaller does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tasks.compose import Choice
from tasks.desk import interests, preferring
from tasks.desk.tuning.inquiry import edits
from tasks.desk.tuning.inquiry.edits import Edit
from tasks.desk.tuning.inquiry.remaking import Remade
from tasks.desk.tuning.inquiry.standing import Cause
from tasks.desk.tuning.inquiry.why import Fate, Story
from tasks.desk.tuning.machine import Comparison, compare
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.profile_json import from_json, to_json
from tasks.records import Paper, PickKind, Profile, Reader
from tasks.round.context import Context
from tasks.store import profiles
from tasks.store.feedback import Lessons
from tasks.store.profiles import Asked
from templates import msgid

TRIES_MOST = 80
FLIPS = (Cause.BELOW, Cause.BARRED, Cause.THRESHOLD, Cause.CUT, Cause.FAR, Cause.SEATS)

# What a reader is told on pages too, and so in the catalogs.
MOVED = msgid("The profile was changed meanwhile: look at the proposal again.")
GONE = msgid("The profile of this proposal is not there any more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """An edit that turns the fate, of the profile of that number and name as it was in that version.

    `entering` and `leaving` are the other papers that would have come or gone that day.
    """

    edit: Edit
    profile_id: int
    profile_name: str
    version: int
    entering: tuple[Paper, ...]
    leaving: tuple[Paper, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What the search for the smallest edit came to. `looked` is whether an edit may help at all."""

    looked: bool
    tried: int = 0
    flip: Flip | None = None


def flip(story: Story) -> Search:
    """The smallest edit that turns the fate of the story's paper in the digest that decided."""
    again, asked = story.again, _whose(story)
    if again is None or asked is None:
        return Search(looked=False)
    some = offered(story)[:TRIES_MOST]
    for tried, edit in enumerate(some, start=1):
        choice = _tried_out(again, asked, edit)
        if _turns(story, choice):
            found = _flip(story, asked, edit, (again.choice, choice))
            return Search(looked=True, tried=tried, flip=found)
    return Search(looked=True, tried=len(some))


def offered(story: Story) -> list[Edit]:
    """The edits that are offered for that story, the smallest first; none where no edit helps."""
    again, asked = story.again, _whose(story)
    if again is None or asked is None:
        return []
    number, typed = again.papers.place[story.paper.id], asked.typed or asked.profile
    if _came(story):
        return edits.keeping_out(again.ground, again.papers, number, typed)
    found = edits.bringing(again.ground, again.papers, number, typed, again.facts.reader)
    is_full = story.decided is not None and story.decided.cause is Cause.SEATS
    return [edit for edit in found if is_full or edit.kind is not edits.Kind.MOST]


def edited_profile(story: Story) -> int | None:
    """The number of the profile that the edits are of."""
    asked = _whose(story)
    return int(asked.profile.id) if asked else None


def _tried_out(again: Remade, asked: Asked, edit: Edit) -> Choice:
    """The digest as it would have been with that edit."""
    if not edit.is_of_profile:
        return again.asking(edits.asked(again.facts.reader, edit))
    typed = edits.applied(asked.typed or asked.profile, edit)
    return again.edited(replace(asked, typed=typed, profile=_taught(asked, typed)))


def _turns(story: Story, choice: Choice) -> bool:
    """Whether the paper's fate is another one in that digest: it matches, or it does not come at all."""
    kinds = [p.kind for p in choice.composition.picks if p.paper.id == story.paper.id]
    if _came(story):
        return not kinds
    return PickKind.MATCH in kinds


def _came(story: Story) -> bool:
    return story.fate is Fate.SENT or bool(story.comes)


def _whose(story: Story) -> Asked | None:
    """The profile whose edits are offered: the one that picked it, or that wanted it most."""
    seen, again = story.decided, story.again
    if seen is None or again is None or not seen.stands or not story.agrees:
        return None
    own = {int(one.profile.id): one for one in again.facts.asked if one.shadows is None}
    if not _came(story):
        wanted = next((own[one.profile_id] for one in seen.stands if one.profile_id in own), None)
        return wanted if seen.cause in FLIPS else None
    if seen.pick is None or seen.pick.kind is not PickKind.MATCH:
        return None
    return own.get(int(seen.pick.score.profile_id))


def _taught(asked: Asked, typed: Profile) -> Profile:
    """What was typed, taught the same as before."""
    before = asked.typed or asked.profile
    lessons = Lessons(
        asked.profile.examples[len(before.examples) :],
        asked.profile.dislikes[len(before.dislikes) :],
    )
    return profiles.taught(typed, lessons)


def _flip(story: Story, asked: Asked, edit: Edit, turned: tuple[Choice, Choice]) -> Flip:
    before, after = (
        {p.paper.id: p.paper for p in choice.composition.picks if p.paper.id != story.paper.id}
        for choice in turned
    )
    return Flip(
        edit=edit,
        profile_id=int(asked.profile.id),
        profile_name=asked.profile.name,
        version=asked.version,
        entering=tuple(paper for key, paper in after.items() if key not in before),
        leaving=tuple(paper for key, paper in before.items() if key not in after),
    )


# --- taking it -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An edit of what the reader has now: the whole body for their profile, as it was at that version, or what
    they ask for as `reader`; and what it does to their last week.
    """

    version: int
    body: Mapping[str, Any]
    reader: Reader
    week: Comparison


def proposal(context: Context, reader: Reader, which: int, edit: Edit) -> Proposal:
    """That edit of the reader's profile as it is saved now, or of their wishes. Raises `UnknownName`."""
    saved = interests.find(context, reader.id, which)
    body, asks = saved.body, reader
    if edit.is_of_profile:
        body = to_json(edits.applied(from_json(saved.body), edit))
    else:
        asks = edits.asked(reader, edit)
    week = compare(context, asks, saved.id, body)
    return Proposal(version=saved.version, body=body, reader=asks, week=week)


def take(context: Context, reader: Reader, which: int, edit: Edit, *, expected: int) -> None:
    """Save that edit. Raises `Conflict` where the profile is not at the version `expected` any more, and
    `UsageError` for what no profile may be.
    """
    try:
        saved = interests.find(context, reader.id, which)
    except UnknownName:
        raise UsageError(GONE) from None
    if not edit.is_of_profile:
        changed = edits.asked(reader, edit)
        preferring.prefer(context, reader.id, about=changed.about, most=changed.most)
        return
    if saved.version != expected:
        raise Conflict(MOVED)
    body = to_json(edits.applied(from_json(saved.body), edit))
    interests.save(context, reader.id, saved.name, body, expected=expected)
