"""A reader's answers to papers: what each would change, giving and taking them back, what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.desk.outlook import Outlook, asked_for, coming, trial
from tasks.records import Example, Feedback, Paper, Pick, Profile, Reader, Want
from tasks.round.context import Context
from tasks.round.scoring import in_force
from tasks.score import Learned, learned
from tasks.store import entries, feedback, profiles, readers
from tasks.store.feedback import LIKED, TEACHES
from tasks.store.profiles import Asked

FIRST_PROFILE = "Papers I liked"  # made of answers alone, for who has typed nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an answer would change: a digest before and after it.

    `foretold` is the next digest as it stands; where nothing new has come since the last one, the
    newest day made again, to show the direction.
    """

    paper: Paper
    want: Want
    foretold: bool
    before: tuple[Pick, ...]
    after: tuple[Pick, ...]

    @property
    def entering(self) -> tuple[Pick, ...]:
        """What comes in, in order."""
        known = {pick.paper.id for pick in self.before}
        return tuple(pick for pick in self.after if pick.paper.id not in known)

    @property
    def leaving(self) -> tuple[Pick, ...]:
        """What goes, in the order that it had."""
        kept = {pick.paper.id for pick in self.after}
        return tuple(pick for pick in self.before if pick.paper.id not in kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What one profile learned: the words that count now, and the papers that taught them."""

    profile_id: int
    profile_name: str
    words: Learned
    papers: tuple[Feedback, ...]


def effect(context: Context, reader: Reader, entry_id: int, want: Want) -> Effect:
    """What this answer would change, before it is given. Raises `UnknownName`."""
    with context.database.read() as session:
        paper = entries.find(session, entry_id)
        entry_id = int(paper.id)
        now = profiles.of_reader(session, reader.id)
        learner = feedback.learner(session, reader.id, entry_id)
    told = Example(
        title=paper.title,
        abstract=paper.abstract,
        id=f"entry:{entry_id}",
        given=context.clock().date(),
    )
    then = _told(reader, now, told, want, learner)
    after = coming(context, reader, then, [entry_id])
    foretold = after.tells
    if foretold:
        before: Outlook | None = coming(context, reader, now)
    else:
        before = trial(context, reader, now, [entry_id])
        after = trial(context, reader, then, [entry_id]) or after
    picks = before.picks if before else ()
    return Effect(paper=paper, want=want, foretold=foretold, before=picks, after=after.picks)


def _told(
    reader: Reader, asked: Sequence[Asked], told: Example, want: Want, learner: int | None
) -> list[Asked]:
    """The profiles as they would be if their reader had said this of a paper."""
    if want is Want.HIDE:
        return list(asked)
    if not asked:
        liked = Profile(id=-1, name=FIRST_PROFILE, examples=(told,))
        return asked_for(reader, [liked]) if want in LIKED else []
    keys = [int(one.profile.id) for one in asked]
    place = keys.index(learner) if learner in keys else 0
    own = asked[place].profile
    examples = tuple(example for example in own.examples if example.id != told.id)
    dislikes = tuple(example for example in own.dislikes if example.id != told.id)
    if want in LIKED:
        own = replace(own, examples=(*examples, told), dislikes=dislikes)
    else:
        own = replace(own, examples=examples, dislikes=(*dislikes, told))
    return [*asked[:place], replace(asked[place], profile=own), *asked[place + 1 :]]


def give(context: Context, reader_id: int, entry_id: int, want: Want) -> bool:
    """Keep an answer; whether it was new. A liked paper makes a first profile where there is none."""
    now = context.clock()
    with context.database.write() as session:
        known = int(entries.find(session, entry_id).id)
        readers.lock(session, reader_id)
        if want in LIKED and not profiles.any_of(session, reader_id):
            profiles.save(session, reader_id, FIRST_PROFILE, {}, now)
        return feedback.give(session, reader_id, known, want, now)


def take_back(context: Context, reader_id: int, entry_id: int, want: Want) -> bool:
    """Take an answer back; whether there was one."""
    with context.database.write() as session:
        known = int(entries.find(session, entry_id).id)
        return feedback.take_back(session, reader_id, known, want)


def forget(
    context: Context, reader_id: int, entry_id: int | None = None, *, profile_id: int | None = None
) -> int:
    """Learn nothing any more from one paper, or from any; how many answers that were.

    With a profile, that one alone forgets; it stays as it was typed.
    """
    with context.database.write() as session:
        known = None if entry_id is None else int(entries.find(session, entry_id).id)
        return feedback.forget(session, reader_id, known, profile_id=profile_id)


def lessons(context: Context, reader_id: int) -> list[Lesson]:
    """What each profile learned, in words and by its papers; profiles that learned nothing are left out."""
    with context.database.read() as session:
        said = feedback.said(session, reader_id)
        asked = profiles.of_reader(session, reader_id)
    said = [one for one in said if one.teaches and one.want in TEACHES]
    ground = in_force(context)
    found = []
    for place, one in enumerate(asked):
        names = {one.profile.name, ""} if place == 0 else {one.profile.name}
        papers = tuple(answer for answer in said if answer.profile_name in names)
        if papers and one.typed:
            words = learned(ground, one.typed, one.profile)
            key, name = int(one.profile.id), one.profile.name
            found.append(Lesson(profile_id=key, profile_name=name, words=words, papers=papers))
    return found
