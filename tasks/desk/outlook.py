"""What a reader's digest would be, by the very functions that the round uses. Nothing is kept.

`coming` foretells the next digest from what has come so far; `trial` is what the newest day would have
brought somebody who was sent nothing yet. Both take the profiles as they are to be, so that an edit
or an answer can be looked at before it is made.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy.exc import SQLAlchemyError

from tasks.compose import Choice, Known, choose, diverse
from tasks.records import Candidate, Composition, Paper, Pick, Profile, Reader, Score
from tasks.round.composing import contest, voted
from tasks.round.context import Context
from tasks.round.days import as_one, days
from tasks.round.reaching import Glimpse, News, floors_of, glimpsed
from tasks.round.replaying import LONGEST, laid_out
from tasks.round.scoring import in_force, lately
from tasks.round.shelf import unshelved
from tasks.score import Background, read_papers
from tasks.store import digests, entries, profiles, shards
from tasks.store.feedback import Lessons
from tasks.store.profiles import Asked

log = logging.getLogger(__name__)

Explained = dict[tuple[int | str, int | str], Callable[[], Score]]  # by profile and paper

DAY = timedelta(days=1)
STARTERS_FROM = timedelta(days=14)
STARTERS_OF = 600  # papers among which the first few are looked for: the most voted


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A digest that nobody sends, and the moment that it is of."""

    at: datetime
    composition: Composition

    @property
    def picks(self) -> tuple[Pick, ...]:
        """What it would bring, in order."""
        return self.composition.picks

    @property
    def tells(self) -> bool:
        """Whether there is anything to tell by: new papers, or some that are left from before."""
        return self.composition.considered > 0 or bool(self.composition.picks)


def coming(
    context: Context, reader: Reader, asked: Sequence[Asked], known: Collection[int] = ()
) -> Outlook:
    """The reader's next digest, as it stands now with these profiles, and drafted by the one on trial too.

    Entries that are `known` do not come, beside those that the reader knows.
    """
    at = context.clock()
    with context.database.read() as session:
        since = digests.newest_composed(session, reader.id)
        sent = digests.sent_lately(session, reader.id, at)
        met = digests.known_to(session, reader.id) | {*known}
        if not asked:
            votes = voted(session, reader, at, since=since, lately=sent, known=known)
            return Outlook(at=at, composition=votes)
        considered = entries.news_count(session, at, since=since)
        scored = profiles.scored_for(session, reader.id)
    shadow = _on_trial(reader, asked, scored)
    pair = (shadow.shadows or 0, int(shadow.profile.id)) if shadow else None
    every = [*asked, shadow] if shadow else asked
    candidates, explained = _standing(context, every, scored, met, at)
    before = Known(papers=sent, now=at, since=since, contest=contest(pair, since))
    found = choose(reader, candidates, sent=met, considered=considered, known=before)
    return Outlook(at=at, composition=_told(found, explained))


def _on_trial(reader: Reader, asked: Sequence[Asked], scored: Sequence[Asked]) -> Asked | None:
    """The shadow of one of these profiles, as it would be beside them: taught what that one was taught."""
    shadow = next((one for one in scored if one.shadows), None)
    saved = next((one for one in asked if shadow and one.profile.id == shadow.shadows), None)
    if shadow is None or saved is None:
        return None
    if saved.typed and shadow.typed:
        lessons = Lessons(
            saved.profile.examples[len(saved.typed.examples) :],
            saved.profile.dislikes[len(saved.typed.dislikes) :],
        )
        shadow = replace(shadow, profile=profiles.taught(shadow.typed, lessons))
    whole = [replace(one, about=reader.about) for one in (*asked, shadow)]
    return profiles.shared(whole)[-1]


def trial(
    context: Context,
    reader: Reader,
    asked: Sequence[Asked],
    known: Collection[int] = (),
    *,
    by: datetime | None = None,
) -> Outlook | None:
    """What the newest day with papers would have brought a reader to whom nothing was sent yet; the newest
    `by` a moment of the past, if one is given.

    None where no paper had come at all.
    """
    with context.database.read() as session:
        newest = entries.newest_arrival(session, min(by or context.clock(), context.clock()))
        if newest is None:
            return None
        at, since = newest, newest - DAY
        considered = entries.news_count(session, at, since=since)
        if not asked:
            votes = voted(session, reader, at, since=since, known=known)
            return Outlook(at=at, composition=votes)
    glimpses = _glimpses(context, asked, at, first=since)
    candidates, explained = _candidates(glimpses, glimpses.asked.keys(), {*known}, at)
    before = Known(now=at, since=since)
    found = choose(reader, candidates, sent={*known}, considered=considered, known=before)
    return Outlook(at=at, composition=_told(found, explained))


def warm_up(context: Context) -> None:
    """Read the papers of the last weeks, and of as many as anybody looks back, so that the first one who
    asks need not wait for it.
    """
    try:
        at = context.clock()
        _glimpses(context, [], at, first=at - entries.SCORED_FOR)
        laid_out(context, at - LONGEST, at)
    except SQLAlchemyError as error:  # the database may start later than we do
        log.info("the papers are read when they are first asked for: %s", type(error).__name__)


def asked_for(reader: Reader, made: Sequence[Profile]) -> list[Asked]:
    """Profiles that are not saved, as if they were this reader's. Their ids must be numbers."""
    return profiles.shared(
        [Asked(reader.id, 0, reader.about, reader.threshold, one) for one in made]
    )


def starters(context: Context, number: int) -> list[Paper]:
    """A few recent papers to begin with: known to others, and far from each other."""
    at = context.clock()
    with context.database.read() as session:
        newest = entries.newest_arrival(session, at) or at
        since = newest - STARTERS_FROM
        papers = entries.voted(session, newest, since=since, limit=STARTERS_OF)
    return list(_spread(in_force(context), tuple(papers), number))


@lru_cache(maxsize=4)
def _spread(ground: Background, papers: tuple[Paper, ...], number: int) -> tuple[Paper, ...]:
    texts = read_papers(ground, papers)
    votes = [paper.upvotes for paper in papers]
    return tuple(papers[n] for n in diverse(texts.places, votes, number))


@dataclass(frozen=True)
class _Glimpses:
    """What profiles would reach from a moment on: glimpses with their moments, and the lines."""

    first: datetime
    asked: Mapping[int, Asked]
    floors: Mapping[int, float]
    pairs: Sequence[tuple[datetime, Glimpse]]


def _glimpses(
    context: Context, asked: Sequence[Asked], at: datetime, *, first: datetime
) -> _Glimpses:
    """What these profiles reach of the papers that arrived from `first` to `at`, as the round has it."""
    ground = in_force(context)
    with context.database.read() as session:
        upto = entries.arrivals(session)
    today = at.astimezone(UTC).date()
    read = days(context.database, ground, first.astimezone(UTC).date(), today)
    past = lately(context.database, ground, today, upto)
    kept = unshelved(ground, [one.profile for one in asked])
    news = News(as_one(ground, read), [len(day.arrived) for day in read])
    moments = (moment for day in read for moment in day.arrived)
    arrived = dict(zip((paper.id for paper in news.texts.papers), moments, strict=True))
    floors = floors_of(kept, asked, past)
    return _Glimpses(
        first=first,
        asked={int(one.profile.id): one for one in asked},
        floors=floors,
        pairs=[(arrived[one.paper.id], one) for one in glimpsed(ground, news, asked, floors, kept)],
    )


def _standing(
    context: Context,
    asked: Sequence[Asked],
    scored: Sequence[Asked],
    met: Collection[int | str],
    at: datetime,
) -> tuple[list[Candidate], Explained]:
    """What the round would choose among: the scores that are kept of the profiles `scored`, and those that
    it would make first, of profiles that are edited here and of papers that nobody scored yet.
    """
    reader_id = asked[0].reader_id
    shadow = next((int(one.profile.id) for one in scored if one.shadows), None)
    now = {one.profile.id: one for one in scored}
    with context.database.read() as session:
        stored, _ = digests.candidates(session, reader_id, at, shadow)
        behind = shards.is_behind(session, reader_id)
    edited = [one for one in asked if behind or one.fresh or now.get(one.profile.id) != one]
    if not edited and len(now) == len(asked):
        return stored, {}
    glimpses = _glimpses(context, asked, at, first=at - entries.SCORED_FOR)
    fresh = {int(one.profile.id) for one in edited}
    made, explained = _candidates(glimpses, fresh, met, at)
    # Scoring one of a reader's profiles sets the lines of all anew.
    floors, others = glimpses.floors, glimpses.floors.keys() - fresh
    kept = (one for one in stored if one.score.profile_id in others)
    made += [replace(one, line=floors[int(one.score.profile_id)]) for one in kept]
    return made, explained


def _candidates(
    glimpses: _Glimpses, fresh: Collection[int], met: Collection[int | str], at: datetime
) -> tuple[list[Candidate], Explained]:
    """What the profiles that are `fresh` may get; the reasons are told later, of the picks alone."""
    made: list[Candidate] = []
    explained: Explained = {}
    for moment, pair in glimpses.pairs:
        value, line = 1 / (1 + math.exp(-pair.raw)), glimpses.floors[pair.profile_id]
        # What is no news any more comes as a late bloomer or not at all.
        timely = moment >= at - entries.NEWS_FOR or value < line
        if pair.profile_id not in fresh or pair.paper.id in met:
            continue
        if not timely or not glimpses.first <= moment <= at:
            continue
        made.append(_candidate(glimpses.asked[pair.profile_id].profile, pair, line, moment))
        explained[pair.profile_id, pair.paper.id] = pair.told
    return made, explained


def _candidate(profile: Profile, pair: Glimpse, line: float, moment: datetime) -> Candidate:
    value = 1 / (1 + math.exp(-pair.raw))
    return Candidate(
        paper=pair.paper,
        score=Score(
            entry_id=pair.paper.id, profile_id=profile.id, value=value, raw=pair.raw, reasons=()
        ),
        profile_name=profile.name,
        line=line,
        share=profile.share,
        arrived=moment,
        votes=pair.paper.upvotes,
        coded=bool(pair.paper.code_urls),
        version=pair.paper.version,
    )


def _told(found: Choice, explained: Explained) -> Composition:
    """The picks with their reasons."""
    pairs = zip(found.picked, found.composition.picks, strict=True)
    picks = []
    for candidate, pick in pairs:
        tell = explained.get((candidate.score.profile_id, candidate.paper.id))
        score = replace(tell(), profile_id=pick.score.profile_id) if tell else pick.score
        picks.append(replace(pick, score=score))
    return replace(found.composition, picks=tuple(picks))
