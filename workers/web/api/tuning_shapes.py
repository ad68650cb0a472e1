"""What tuning answers with: the same document from the API and, with --json, from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Self

from tasks import records
from tasks.desk.tuning import effect_words, machine, shadow_words, shadows
from tasks.desk.tuning.machine import SHOWN
from tasks.desk.tuning.measuring import Estimate as Figure
from tasks.evaluate.interleave import Verdict
from tasks.profile_json import from_json, to_json
from templates import Words
from workers.web.api.bodies import Interest
from workers.web.api.shapes import Paper, Pick, Score, Shape


class Estimate(Shape):
    """A figure from 0 to 1 with its 95 % interval, from so many cases."""

    value: float
    low: float
    high: float
    cases: int


class Turn(Shape):
    """A digest made again: how many papers were new, the least score of a pick of the profile (above 1:
    nothing reaches it), how many picks are the profile's own, and the numbers of all that were picked.
    """

    day: date
    at: datetime
    considered: int
    line: float
    own: int
    papers: list[int]


class Side(Shape):
    """The days with one version of the profile. `liked` are the picks that you liked or saved; figures are
    null where you have said too little.
    """

    a_day: float
    turns: list[Turn]
    liked: list[int]
    precision: Estimate | None
    recall: Estimate | None
    ndcg: Estimate | None


class Dated(Shape):
    """A pick and the day of its digest."""

    day: date
    pick: Pick


class Near(Shape):
    """A paper just below the line of its day."""

    day: date
    paper: Paper
    score: Score
    line: float


class Preview(Shape):
    """What an edit does, in a sentence and by days; `before` is null where there is nothing to compare with.

    `comes` papers come in and `goes` go, of which `entering` and `leaving` are the newest; `lost` are
    those that you liked. `picks` are those of the last digest, which `coming` says is yet to come.
    """

    verdict: str
    span: int
    first: date
    last: date
    coming: bool
    before: Side | None
    after: Side
    comes: int
    goes: int
    entering: list[Dated]
    leaving: list[Dated]
    lost: list[Paper]
    picks: list[Pick]
    near: list[Near]

    @classmethod
    def of(cls, found: machine.Comparison, words: Words) -> Self:
        """A comparison, told in that language."""
        turns = found.after.turns
        entering, leaving = found.entering, found.leaving
        return cls(
            verdict=effect_words.verdict(found, words),
            span=found.span,
            first=found.first,
            last=found.last,
            coming=found.coming,
            before=_side(found.before) if found.before else None,
            after=_side(found.after),
            comes=len(entering),
            goes=len(leaving),
            entering=[_dated(one) for one in entering[-SHOWN:]],
            leaving=[_dated(one) for one in leaving[-SHOWN:]],
            lost=[Paper.model_validate(paper) for paper in found.lost],
            picks=[Pick.model_validate(pick) for pick in turns[-1].picks] if turns else [],
            near=[Near.model_validate(one) for one in found.near],
        )


def _side(side: machine.Side) -> Side:
    return Side(
        a_day=side.a_day,
        turns=[_turn(turn) for turn in side.turns],
        liked=[int(paper.id) for paper in side.liked],
        precision=_figure(side.precision),
        recall=_figure(side.recall),
        ndcg=_figure(side.ndcg),
    )


def _turn(turn: machine.Turn) -> Turn:
    papers = [int(pick.paper.id) for pick in turn.picks]
    return Turn(
        day=turn.day,
        at=turn.at,
        considered=turn.considered,
        line=turn.line,
        own=turn.own,
        papers=papers,
    )


def _figure(figure: Figure | None) -> Estimate | None:
    return None if figure is None else Estimate.model_validate(figure)


def _dated(one: tuple[date, records.Pick]) -> Dated:
    day, pick = one
    return Dated(day=day, pick=Pick.model_validate(pick))


class Title(Shape):
    """A paper by its title; `id` is null where we do not have it."""

    id: int | None
    title: str

    @classmethod
    def of(cls, paper: records.Paper) -> Self:
        """Examples that came from elsewhere have names of their own."""
        name = str(paper.id).removeprefix("entry:")
        ours = name.isascii() and name.isdigit()
        return cls(id=int(name) if ours else None, title=paper.title)


def interest_of(body: Mapping[str, Any]) -> Interest:
    """A body as it is shown."""
    return Interest.model_validate(to_json(from_json(body)))


class Trial(Shape):
    """A version on trial beside your profile of that name, and how it stands. `says` tells it in sentences.

    `digests` were drafted by the two since the moment `since`, of which `open` ones do not count yet;
    `share` of those that decided something was won by the version on trial, with its interval. `more`
    is how many digests a verdict may still take, where that can be said.
    """

    profile: str
    body: Interest
    started: datetime
    since: datetime
    digests: int
    open: int
    answers: int
    won_saved: int
    won_shadow: int
    alike: int
    share: float
    low: float
    high: float
    verdict: Verdict
    more: int | None
    says: list[str]

    @classmethod
    def of(cls, found: shadows.Standing, words: Words) -> Self:
        """How a trial stands, told in that language."""
        weighed = found.weighed
        return cls(
            profile=found.profile.name,
            body=interest_of(found.body),
            started=found.started,
            since=found.since,
            digests=found.digests,
            open=found.open,
            answers=found.answers,
            won_saved=weighed.won_saved,
            won_shadow=weighed.won_shadow,
            alike=weighed.alike,
            share=weighed.share,
            low=weighed.low,
            high=weighed.high,
            verdict=weighed.verdict,
            more=found.more,
            says=shadow_words.told(found, words),
        )


class Running(Shape):
    """The trial that runs; null where none does."""

    trial: Trial | None
