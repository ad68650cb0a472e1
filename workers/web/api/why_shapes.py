"""Why you got a paper, or did not, as it is told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import WithJsonSchema

from tasks.desk.tuning.inquiry import flipping, standing, why_words
from tasks.desk.tuning.inquiry import why as stories
from tasks.desk.tuning.inquiry.edits import Kind
from tasks.desk.tuning.inquiry.standing import Cause
from tasks.desk.tuning.inquiry.why import Fate
from tasks.records import PickKind
from templates import Words
from workers.web.api.shapes import Paper, Score, Shape
from workers.web.api.tuning_shapes import Title

EditKind = Annotated[str, WithJsonSchema({"type": "string", "enum": [*Kind]})]


class Seen(Shape):
    """A source brought it: when, at which rank, with how many votes."""

    source: str
    at: datetime
    day: date | None
    rank: int
    votes: int | None


class Looked(Shape):
    """A digest that could have brought it: what decided there; null where it was not made, or not delivered.
    `agrees` says whether the digest that was made again is the one that was.
    """

    day: date
    at: datetime
    cause: Cause | None
    says: str
    agrees: bool


class Stand(Shape):
    """What one of your profiles thought of it: a pick needed `least`, and the score lies `margin` of log-odds
    over that; `rank` is its place among the `of` new papers, `bars` the negatives that it matched.
    """

    profile: str
    cause: Cause
    score: Score
    line: float
    least: float
    margin: float
    rank: int
    of: int
    bars: list[str]


class Sent(Shape):
    """The digest that brought it: its day, the place there, and what kind of pick it was."""

    day: date
    place: int
    kind: PickKind
    state: str


class Flip(Shape):
    """The smallest edit that would have turned it, tried out; of the profile of that name, or, where `kind`
    is about or most, of your settings. `before` and `after` are weights, or those settings.
    """

    says: str
    kind: EditKind
    profile: str
    part: str
    text: str
    before: float
    after: float
    entering: list[Title]
    leaving: list[Title]


class Why(Shape):
    """What became of a paper: in a sentence and its grounds, and all that is known of its way to you.

    `profiles` tell how it stood in the digest that decided, the one that wanted it most first. `tried` is
    how many edits were tried for the flip.
    """

    paper: Paper
    fate: Fate
    verdict: str
    grounds: list[str]
    known_since: datetime
    arrived: datetime | None
    withdrawn: bool
    sights: list[Seen]
    digests: list[Looked]
    profiles: list[Stand]
    sent: Sent | None
    due: datetime | None
    agrees: bool
    flip: Flip | None
    tried: int

    @classmethod
    def of(cls, story: stories.Story, found: flipping.Search, words: Words) -> Self:
        """A story, told in that language."""
        traced = story.traced
        return cls(
            paper=Paper.model_validate(story.paper),
            fate=story.fate,
            verdict=why_words.verdict(story, words),
            grounds=why_words.grounds(story, words),
            known_since=traced.known_since,
            arrived=traced.arrived,
            withdrawn=traced.withdrawn,
            sights=[Seen.model_validate(one) for one in traced.sights],
            digests=[_looked(one, words) for one in story.considered],
            profiles=[_stand(one) for one in (story.decided.stands if story.decided else ())],
            sent=_sent(story),
            due=story.due,
            agrees=story.agrees,
            flip=None if found.flip is None else _flip(found.flip, words),
            tried=found.tried,
        )


class Answered(Shape):
    """The story of the paper that was named; where several papers may be meant, these to choose from."""

    asked: str
    story: Why | None
    papers: list[Title]


def _looked(one: stories.Considered, words: Words) -> Looked:
    return Looked(
        day=one.made.day,
        at=one.made.at,
        cause=one.look.cause if one.look else None,
        says=why_words.outcome(one, words),
        agrees=one.agrees,
    )


def _stand(one: standing.Stand) -> Stand:
    return Stand(
        profile=one.name,
        cause=one.cause,
        score=Score.model_validate(one.score),
        line=one.line,
        least=one.least,
        margin=one.margin,
        rank=one.rank,
        of=one.of,
        bars=list(one.bars),
    )


def _sent(story: stories.Story) -> Sent | None:
    if story.sent is None:
        return None
    made, pick = story.sent
    return Sent(day=made.day, place=pick.place, kind=pick.kind, state=made.state)


def _flip(one: flipping.Flip, words: Words) -> Flip:
    edit = one.edit
    return Flip(
        says=why_words.named(edit, words),
        kind=edit.kind,
        profile=one.profile_name,
        part=edit.part,
        text=edit.text,
        before=edit.before,
        after=edit.after,
        entering=[Title.of(paper) for paper in one.entering],
        leaving=[Title.of(paper) for paper in one.leaving],
    )
