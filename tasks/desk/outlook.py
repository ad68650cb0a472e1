"""What a reader's digest would be, by the very functions that the round uses. Nothing is kept.

`coming` foretells the next digest from what has come so far; `trial` is what the newest day would have
brought somebody who was sent nothing yet. Both take the profiles as they are to be, so that an edit
or an answer can be looked at before it is made.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from sqlalchemy.exc import SQLAlchemyError

from tasks.compose import Known, compose, diverse
from tasks.records import Candidate, Composition, Paper, Pick, Profile, Reader
from tasks.round.composing import voted
from tasks.round.context import Context
from tasks.round.days import as_one, days
from tasks.round.reaching import reaching
from tasks.round.scoring import in_force, lately
from tasks.round.shelf import unshelved
from tasks.score import Background, read_papers
from tasks.store import digests, entries, profiles
from tasks.store.profiles import Asked

log = logging.getLogger(__name__)

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
    """The reader's next digest, as it stands now with these profiles.

    Entries that are `known` do not come, beside those that the reader knows.
    """
    at = context.clock()
    with context.database.read() as session:
        since = digests.newest_composed(session, reader.id)
        sent = digests.sent_lately(session, reader.id, at)
        met = digests.known_to(session, reader.id) | {*known}
        if not asked:
            found = voted(session, reader, at, since=since, lately=sent, known=known)
            return Outlook(at=at, composition=found)
        considered = entries.news_count(session, at, since=since)
    candidates = _candidates(context, asked, at, first=at - entries.SCORED_FOR)
    before = Known(papers=sent, now=at, since=since)
    found = compose(reader, candidates, sent=met, considered=considered, known=before)
    return Outlook(at=at, composition=found)


def trial(
    context: Context, reader: Reader, asked: Sequence[Asked], known: Collection[int] = ()
) -> Outlook | None:
    """What the newest day with papers would have brought a reader to whom nothing was sent yet.

    None where no paper has come at all.
    """
    with context.database.read() as session:
        newest = entries.newest_arrival(session, context.clock())
        if newest is None:
            return None
        at, since = newest, newest - DAY
        considered = entries.news_count(session, at, since=since)
        if not asked:
            found = voted(session, reader, at, since=since, known=known)
            return Outlook(at=at, composition=found)
    candidates = _candidates(context, asked, at, first=since)
    before = Known(now=at, since=since)
    found = compose(reader, candidates, sent={*known}, considered=considered, known=before)
    return Outlook(at=at, composition=found)


def warm_up(context: Context) -> None:
    """Read the papers of the last weeks, so that the first one who asks need not wait for it."""
    try:
        at = context.clock()
        _candidates(context, [], at, first=at - entries.SCORED_FOR)
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


def _candidates(
    context: Context, asked: Sequence[Asked], at: datetime, *, first: datetime
) -> list[Candidate]:
    """What these profiles may get of the papers that arrived from `first` to `at`, as the round has it."""
    ground = in_force(context)
    with context.database.read() as session:
        upto = entries.arrivals(session)
    today = at.astimezone(UTC).date()
    read = days(context.database, ground, first.astimezone(UTC).date(), today)
    past = lately(context.database, ground, today, upto)
    kept = unshelved(ground, [one.profile for one in asked])
    texts = as_one(ground, read)
    found = reaching(ground, texts, asked, past=past, kept=kept)
    moments = (moment for day in read for moment in day.arrived)
    arrived = dict(zip((paper.id for paper in texts.papers), moments, strict=True))
    floors = dict(found.lines)
    by_key = {one.profile.id: one.profile for one in asked}
    made = (
        Candidate(
            paper=paper,
            score=score,
            profile_name=by_key[score.profile_id].name,
            line=floors[int(score.profile_id)],
            share=by_key[score.profile_id].share,
            arrived=arrived[paper.id],
            votes=paper.upvotes,
            coded=bool(paper.code_urls),
            version=paper.version,
        )
        for _, _, paper, score in found.scores
    )
    news = at - entries.NEWS_FOR
    return [
        one
        for one in made
        if one.arrived
        and first <= one.arrived <= at
        # What is no news any more comes as a late bloomer or not at all.
        and (one.arrived >= news or one.score.value < one.line)
    ]
