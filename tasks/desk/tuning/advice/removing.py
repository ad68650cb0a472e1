"""What the last days would have been without one of a reader's profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tasks.desk.outlook import asked_for
from tasks.desk.tuning.machine import Comparison, Side, turn
from tasks.desk.tuning.measuring import measured
from tasks.desk.tuning.past import Past, look_back
from tasks.errors import UnknownName, UsageError
from tasks.records import Example, Feedback, Reader
from tasks.round.context import Context
from tasks.round.replaying import Replayed
from tasks.store import feedback, profiles
from tasks.store.feedback import LIKED, TEACHES
from tasks.store.profiles import Asked


def without(context: Context, reader: Reader, which: int, *, span: int = 30) -> Comparison:
    """The last `span` days without the profile of that number, beside those with all of them.

    Its part of the digest goes to the others, and what it learned to the first of these, as it would
    be. The picks come without their reasons. Raises `UnknownName`, and `UsageError` for the only one.
    """
    with context.database.read() as session:
        saved = profiles.of_reader(session, reader.id)
        said = feedback.said(session, reader.id)
    gone = next((one for one in saved if one.profile.id == which), None)
    if gone is None:
        raise UnknownName(f"there is no profile {which!r}")
    left = [one for one in saved if one is not gone]
    if not left:
        raise UsageError("without your only profile there would be nothing to compare with")
    past = look_back(context, reader, span)
    heir = _heir(left[0], gone, said[::-1])
    asked = asked_for(reader, [heir.profile, *(one.profile for one in left[1:])])
    taught = replace(past, tails={**past.tails, heir.profile.id: _tail(heir)})
    made, then = taught.replayed(reader, asked), past.replayed(reader, saved)
    return Comparison(
        span=span,
        first=past.moments[0][0],
        last=past.moments[-1][0],
        coming=past.coming,
        before=_side(past, which, then),
        after=_side(past, which, made),
        near=(),
    )


def _heir(first: Asked, gone: Asked, said: Sequence[Feedback]) -> Asked:
    """The first profile, taught what the other one was taught beside what it was taught itself: what no
    profile has for its own comes before what is its own, both as they were said.
    """
    typed = first.typed or first.profile
    teaching = [one for one in said if one.teaches and one.want in TEACHES]
    shared = [one for one in teaching if one.profile_name in ("", gone.profile.name)]
    own = [one for one in teaching if one.profile_name == first.profile.name]

    def given(*, liked: bool) -> tuple[Example, ...]:
        return tuple(
            example
            for some in (shared, own)
            for example in _once(one for one in some if (one.want in LIKED) is liked).values()
        )

    profile = replace(
        typed,
        examples=typed.examples + given(liked=True),
        dislikes=typed.dislikes + given(liked=False),
    )
    return replace(first, profile=profile, typed=typed)


def _once(said: Iterable[Feedback]) -> Mapping[int | str, Example]:
    """The papers as a profile learns from them, each once."""
    return {
        one.paper.id: Example(
            title=one.paper.title,
            abstract=one.paper.abstract,
            id=f"entry:{one.paper.id}",
            given=one.at.date(),
        )
        for one in said
    }


def _tail(one: Asked) -> tuple[int, int]:
    typed = one.typed or one.profile
    return (
        len(one.profile.examples) - len(typed.examples),
        len(one.profile.dislikes) - len(typed.dislikes),
    )


def _side(past: Past, key: int, made: Sequence[Replayed]) -> Side:
    return Side(turns=tuple(turn(one, key) for one in made), **measured(past, made))
