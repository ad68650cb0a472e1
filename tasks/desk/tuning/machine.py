"""The time machine: what past days would have brought with an edited profile, beside the saved one.

Every day is made again by the round's own functions (`tasks.round.replaying`), from what was known then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from tasks.desk.interests import NEW, with_edit
from tasks.desk.outlook import asked_for
from tasks.desk.tuning.measuring import Estimate, measured
from tasks.desk.tuning.past import DAY, Past, look_back
from tasks.profile_json import from_json, from_typed
from tasks.records import Paper, Pick, Reader, Score
from tasks.round.context import Context
from tasks.round.replaying import LONGEST, Replayed, odds, told
from tasks.store import profiles, readers
from tasks.store.profiles import Asked

SPANS = (7, 30, LONGEST.days)  # days that one may look back
SHOWN = 10  # picks that come and go, the newest, which are told with their reasons
NEAR_DAYS, NEAR_SHOWN = 7, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One digest made again. `line` is the least score of the tuned profile's picks that day (above 1:
    nothing reaches it), `own` how many picks are the tuned profile's, `considered` how many papers were new.
    """

    day: date
    at: datetime
    considered: int
    line: float
    own: int
    picks: tuple[Pick, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One version of the profile over the days, measured by the reader's own answers.

    `precision` is the liked part of the judged picks, `recall` the picked part of the liked papers that
    came in these days, `ndcg` how high a day's liked papers stand among its papers; each None where
    the reader has said too little. `liked` are the picks that the reader liked or saved.
    """

    turns: tuple[Turn, ...]
    liked: tuple[Paper, ...]
    precision: Estimate | None
    recall: Estimate | None
    ndcg: Estimate | None

    @property
    def picks(self) -> Iterator[tuple[date, Pick]]:
        """All picks with their days, in order."""
        return ((turn.day, pick) for turn in self.turns for pick in turn.picks)

    @property
    def a_day(self) -> float:
        """Picks a digest, on average."""
        return sum(len(turn.picks) for turn in self.turns) / max(len(self.turns), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A paper just below the line of its day."""

    day: date
    paper: Paper
    score: Score
    line: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What an edit does. `before` is None where the reader has no profile yet; `coming` says that the last
    digest is the one still to come.
    """

    span: int
    first: date
    last: date
    coming: bool = False
    before: Side | None
    after: Side
    near: tuple[Near, ...]

    @property
    def entering(self) -> tuple[tuple[date, Pick], ...]:
        """What the edit brings, with its day."""
        known = {pick.paper.id for _, pick in self.before.picks} if self.before else set()
        return tuple(one for one in self.after.picks if one[1].paper.id not in known)

    @property
    def leaving(self) -> tuple[tuple[date, Pick], ...]:
        """What the edit sends away, with its day."""
        kept = {pick.paper.id for _, pick in self.after.picks}
        before = self.before.picks if self.before else iter(())
        return tuple(one for one in before if one[1].paper.id not in kept)

    @property
    def lost(self) -> tuple[Paper, ...]:
        """What the reader liked and the edit no longer brings."""
        kept = {paper.id for paper in self.after.liked}
        before = self.before.liked if self.before else ()
        return tuple(paper for paper in before if paper.id not in kept)


def compare(
    context: Context,
    reader: Reader,
    which: int | None,
    body: object,
    *,
    span: int = 7,
    base: object = None,
) -> Comparison:
    """The last `span` days with this body for the profile of that number, or for a new one (None), beside
    the same days with the profiles as they are saved, or with `base` in the place of that one.

    Nothing is kept. `about` is the reader's as it is given, who may be nobody here. Raises `UsageError`.
    """
    key = which or NEW
    edited = from_typed(body, key=key)
    with context.database.read() as session:
        saved = profiles.of_reader(session, reader.id)
        known = readers.seek(session, reader.id) or reader
    after = asked_for(reader, with_edit(saved, edited))
    before: Sequence[Asked] = saved
    if base is not None:
        before = asked_for(known, with_edit(saved, from_json(base, key=key)))
    past = look_back(context, reader, span, saved)
    made = past.replayed(reader, after)
    then = past.replayed(known, before) if before else None
    return _compared(past, span, key, made, then)


def _turns(made: Sequence[Replayed], key: int, shown: Collection[int | str]) -> tuple[Turn, ...]:
    """Every digest; the picks of papers `shown` with their reasons, and all of the last digest's."""
    asked = [
        (one, pick)
        for one in made
        for pick in one.choice.composition.picks
        if one is made[-1] or pick.paper.id in shown
    ]
    scores = told([(one, pick.score) for one, pick in asked])
    known = {pick.paper.id: score for (_, pick), score in zip(asked, scores, strict=True)}
    return tuple(turn(one, key, known) for one in made)


def turn(one: Replayed, key: int, scores: Mapping[int | str, Score] = {}) -> Turn:
    """A digest made again, as the profile of that number sees it; the picks of some papers with other
    `scores`.
    """
    picks = one.choice.composition.picks
    return Turn(
        day=one.day,
        at=one.at,
        considered=one.choice.composition.considered,
        line=one.lines.get(key, 0.0),
        own=sum(pick.score.profile_id == key for pick in picks),
        picks=tuple(replace(pick, score=scores.get(pick.paper.id, pick.score)) for pick in picks),
    )


def _compared(
    past: Past, span: int, key: int, made: Sequence[Replayed], then: Sequence[Replayed] | None
) -> Comparison:
    brought, sent_before = _ids(made), _ids(then or ())
    entering = [one for one in brought if one not in {*sent_before}][-SHOWN:]
    leaving = [one for one in sent_before if one not in {*brought}][-SHOWN:]
    return Comparison(
        span=span,
        first=past.moments[0][0],
        last=past.moments[-1][0],
        coming=past.coming,
        before=None if then is None else _side(past, key, then, leaving),
        after=_side(past, key, made, entering),
        near=_near(key, made, {*brought}),
    )


def _ids(made: Sequence[Replayed]) -> list[int | str]:
    return [pick.paper.id for one in made for pick in one.choice.composition.picks]


def _side(past: Past, key: int, made: Sequence[Replayed], shown: Collection[int | str]) -> Side:
    return Side(turns=_turns(made, key, {*shown}), **measured(past, made))


def _near(key: int, made: Sequence[Replayed], sent: Collection[int | str]) -> tuple[Near, ...]:
    """What the tuned profile missed by least in the last days, the nearest first."""
    found = []
    for one in made[-NEAR_DAYS:]:
        for candidate in one.choice.missed:
            own = candidate.score.profile_id == key and candidate.paper.id not in sent
            if own and candidate.arrived and candidate.arrived > one.at - DAY * NEAR_DAYS:
                found.append((candidate.score.raw - odds(candidate.line), one, candidate))
    found.sort(key=lambda near: (-near[0], str(near[2].paper.id)))
    shown = {candidate.paper.id: (one, candidate) for _, one, candidate in reversed(found)}
    nearest = list(shown.values())[::-1][:NEAR_SHOWN]
    scores = told([(one, candidate.score) for one, candidate in nearest])
    return tuple(
        Near(day=one.day, paper=c.paper, score=score, line=c.line)
        for (one, c), score in zip(nearest, scores, strict=True)
    )
