"""How a paper stood in one digest that was made again: what each profile thought of it, and what decided.

Pure: it looks at what `remaking` made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

import numpy as np

from tasks.compose.twins import Met
from tasks.compose.wanting import SURE
from tasks.desk.tuning.inquiry.remaking import Remade
from tasks.records import Candidate, Paper, Pick, Profile, Score
from tasks.round.reaching import MOST_EACH
from tasks.round.stretch import Stretch, evidence_of, ordinal
from tasks.score import Lens, lens
from tasks.score.linear import OUT
from tasks.score.wishes import other_wishes
from tasks.store import entries
from tasks.store.profiles import Asked


class Cause(StrEnum):
    """What decided about a paper in one digest, from what ends it first to what ends it last."""

    KNOWN = "known"  # the reader had been sent it, or had said something of it
    VOTED = "voted"  # there was no profile: the most voted papers came
    EXAMPLE = "example"  # the profile that wants it most names it as an example: it is no news
    BARRED = "barred"  # by a negative of that profile
    BELOW = "below"  # its line
    THRESHOLD = "threshold"  # over its line, and below the reader's own threshold
    CUT = "cut"  # so many papers of the same day scored higher that it was not kept
    OLD = "old"  # it matched, and came too long ago to be news
    FAR = "far"  # it was nowhere near the line when it was scored, and no score was kept
    TWIN = "twin"  # of a paper that was sent, or that scored higher
    SEATS = "seats"  # it matched, and others got the places
    PICKED = "picked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What one profile thought of a paper. `least` is what a pick needed, the line or the reader's own
    threshold; `margin` by how much log-odds the score lies over it; `rank` counts from 1 among the `of`
    papers that were new. `bars` are the negatives that it matched. `votes` are those that it was scored with;
    `score` has its reasons after `reasoned`.
    """

    profile_id: int
    name: str
    cause: Cause
    score: Score
    line: float
    least: float
    margin: float
    rank: int
    of: int
    votes: int | None
    bars: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """The paper that is the same to the reader, and when it was sent; None where it is in that digest."""

    paper: Paper
    sent: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a paper stood in the digest of `day`. `best` is the profile that wanted it most, among `stands`.

    `place` is its place among the matches, in the order of scores, where it was one; `seated` are those
    that got the places, when it got none. `pick` is there when it was chosen.
    """

    day: date
    at: datetime
    cause: Cause
    stands: tuple[Stand, ...]
    place: int | None = None
    matches: int = 0
    most: int = 0
    pick: Pick | None = None
    seated: tuple[Paper, ...] = ()
    twin: Twin | None = None

    @property
    def best(self) -> Stand | None:
        """What the profile thought that wanted it most."""
        return self.stands[0] if self.stands else None


def look(again: Remade, entry_id: int) -> Look:
    """How that paper stood. It must be among the papers."""
    facts, choice = again.facts, again.choice
    picks = choice.composition.picks
    pick = next((one for one in picks if one.paper.id == entry_id), None)
    stands = _stands(again, entry_id)
    matches = [c.paper.id for c in choice.matches]
    place = matches.index(entry_id) + 1 if entry_id in matches else None
    cause = _cause(again, entry_id, stands, pick)
    return Look(
        day=facts.day,
        at=facts.at,
        cause=cause,
        stands=stands,
        place=place,
        matches=len(matches),
        most=facts.reader.most,
        pick=pick,
        seated=tuple(one.paper for one in picks) if cause is Cause.SEATS else (),
        twin=_twin(again, entry_id) if cause is Cause.TWIN else None,
    )


def _cause(again: Remade, entry_id: int, stands: Sequence[Stand], pick: Pick | None) -> Cause:
    choice = again.choice
    if pick:
        return Cause.PICKED
    if entry_id in again.facts.beginning.known:
        return Cause.KNOWN
    if not stands:
        return Cause.VOTED
    if any(c.paper.id == entry_id for c in choice.matches):
        return Cause.SEATS
    if any(c.paper.id == entry_id for c in choice.wanted):
        return Cause.TWIN
    return stands[0].cause


def reasoned(again: Remade, seen: Look) -> Look:
    """The same with the reasons of each profile's score."""
    stands = tuple(_reasoned(again, stand) for stand in seen.stands)
    scores = {stand.profile_id: stand.score for stand in stands}
    pick = seen.pick
    if pick and int(pick.score.profile_id) in scores:
        pick = replace(pick, score=scores[int(pick.score.profile_id)])
    return replace(seen, stands=stands, pick=pick)


def _reasoned(again: Remade, stand: Stand) -> Stand:
    own = again.made[stand.profile_id].lenses[stand.profile_id]
    number = again.papers.place[stand.score.entry_id]
    (score,) = again.papers.told(own, [number], [stand.votes])
    return replace(stand, score=score)


# --- each profile --------------------------------------------------------------------------------
def _stands(again: Remade, entry_id: int) -> tuple[Stand, ...]:
    """By each profile, the one that wanted it most first."""
    number = again.papers.place[entry_id]
    found = [_stand(again, one, number) for one in again.facts.asked]
    found.sort(key=lambda pair: (-pair[0], pair[1].profile_id))
    return tuple(stand for _, stand in found)


def _stand(again: Remade, asked: Asked, number: int) -> tuple[float, Stand]:
    """What a profile thought, and by how much it would want the paper with no negative."""
    key, paper = int(asked.profile.id), again.papers.papers[number]
    made = again.made[key]
    kept = _kept(again, key, paper)
    votes = kept.votes if kept else _votes(again, key, number)
    score = kept.score if kept else _score(again, made.lenses[key], number, votes)
    line = made.lines[key]
    least = max(line, asked.threshold)
    margin = score.raw - odds(least)
    bars = barring(asked.profile, again.papers, number) if score.raw <= OUT else ()
    unbarred = lens(again.ground, replace(asked.profile, negatives=())) if bars else None
    wish = _score(again, unbarred, number, votes).raw - odds(least) if unbarred else margin
    stand = Stand(
        profile_id=key,
        name=asked.profile.name,
        cause=_by(again, asked, number, score, line=line, kept=kept is not None),
        score=score,
        line=line,
        least=least,
        margin=margin,
        rank=int((again.raw(key) > score.raw).sum()) + 1,
        of=len(made.news),
        votes=votes,
        bars=bars,
    )
    return wish, stand


def _score(again: Remade, own: Lens, number: int, votes: int | None) -> Score:
    """How a paper with so many votes scores, without the reasons."""
    evidence = again.papers.evidence(own)[[number]] + evidence_of(np.array([votes or 0]))
    raw = float(own.curve.raw(evidence)[0])
    return Score(
        entry_id=again.papers.papers[number].id,
        profile_id=own.profile.id,
        value=1 / (1 + math.exp(-raw)),
        raw=raw,
        reasons=(),
    )


def _by(
    again: Remade, asked: Asked, number: int, score: Score, *, line: float, kept: bool
) -> Cause:
    """What stands between this profile and the paper, by itself."""
    paper, at = again.papers.papers[number], again.facts.at
    if any(one.id == f"entry:{paper.id}" for one in asked.profile.examples):
        return Cause.EXAMPLE
    if score.raw <= OUT:
        return Cause.BARRED
    if score.value < line:
        return Cause.BELOW
    if score.value < asked.threshold:
        return Cause.THRESHOLD
    if kept:
        return Cause.SEATS
    if again.papers.moments[number] < at - entries.NEWS_FOR:
        return Cause.OLD
    return Cause.CUT if _day_rank(again, int(asked.profile.id), number) > MOST_EACH else Cause.FAR


def _day_rank(again: Remade, key: int, number: int) -> int:
    """Its place for that profile among the papers that were scored with it, those of its own day."""
    papers, at = again.papers, _scored_at(again, key, number)
    day = papers.between(*(ordinal(papers.moments[number]),) * 2)
    rows = np.arange(day.start, day.stop)
    if at == papers.moments[number]:
        rows = rows[papers.when[day] == at.timestamp()]
    ((_, votes),) = papers.votes_by([at])
    evidence = papers.evidence(again.made[key].lenses[key]) + evidence_of(votes)
    return int((evidence[rows] > evidence[number]).sum()) + 1


def _scored_at(again: Remade, key: int, number: int) -> datetime:
    """When the profile last looked at it: as it came, or when all was scored from scratch."""
    return max(again.facts.fresh[key], again.papers.moments[number])


def _kept(again: Remade, key: int, paper: Paper) -> Candidate | None:
    """The paper as it came before compose for that profile."""
    fresh = again.made[key].choice.fresh
    own = (c for c in fresh if c.paper.id == paper.id and c.score.profile_id == key)
    return next(own, None)


def _votes(again: Remade, key: int, number: int) -> int | None:
    """How many votes it had when that profile last looked at it."""
    votes = int(again.votes_at(_scored_at(again, key, number))[number])
    return None if votes < 0 else votes


def barring(profile: Profile, papers: Stretch, number: int) -> tuple[str, ...]:
    """The negatives that bar that paper, as they were typed."""
    negatives = (wish for wish in other_wishes(profile) if wish.kind == "negative")
    found = (wish.label for wish in negatives if number in papers.answer(wish.key)[0])
    return tuple(dict.fromkeys(found))


def _twin(again: Remade, entry_id: int) -> Twin | None:
    """What it is a twin of: a paper sent before, or a better match of the same digest."""
    paper = again.papers.papers[again.papers.place[entry_id]]
    for when, other in again.facts.beginning.sent:
        if Met([other]).twin(paper):
            return Twin(paper=other, sent=when)
    for candidate in again.choice.matches:
        if Met([candidate.paper]).twin(paper):
            return Twin(paper=candidate.paper, sent=None)
    return None


def odds(value: float) -> float:
    """A value as log-odds, as compose has them."""
    value = min(max(value, SURE), 1 - SURE)
    return math.log(value / (1 - value))
