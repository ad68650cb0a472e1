"""Scores → each reader's picks, at the reader's hour."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from tasks.compose import Contest, Known, popular
from tasks.compose import compose as choose
from tasks.compose.late import AFTER
from tasks.failpoints import failpoint
from tasks.records import Composition, Paper, Reader, Ring, Step
from tasks.round.apart import apart
from tasks.round.context import Context
from tasks.round.ranges import SIZE, in_turns, rings_for
from tasks.store import digests, entries, pages, profiles, readers, shards, sources, trials
from tasks.store.owners import fence

log = logging.getLogger(__name__)

HOLD_FOR = timedelta(minutes=15)  # how long a due digest waits for papers that are on their way
FIRST_LOOK = timedelta(days=1)  # how far back the first list by votes looks
SPARE = 50  # more papers than there are places: some are twins of others
LOOK_AT = 5000  # digests that one look rings for; the next look finds the rest


def compose(context: Context, first: int, last: int, at: datetime) -> list[Ring]:
    """Compose the planned digests of a range; rings for those that have picks."""
    owner = fence()

    def claim(limit: int) -> list[int]:
        now = context.clock()
        with context.database.write() as session:
            hold = _hold(session, at, now)
            taken = digests.claim(
                session, "planned", first, last, owner=owner, now=now, limit=limit, hold=hold
            )
        failpoint("compose.claimed")
        return taken

    done = {key: _compose_one(context, key, owner=owner, at=at) for key in in_turns(claim)}
    more = [Ring(Step.COMPOSE, first, last)] if len(done) == SIZE else []
    return more + rings_for(Step.RENDER, [key for key, picked in done.items() if picked])


def _compose_one(context: Context, digest_id: int, *, owner: str, at: datetime) -> bool:
    """Compose one digest in one transaction; whether it has picks."""
    outcome: Composition | None = None
    with apart(context, digest_id, owner=owner):
        with context.database.write() as session:
            outcome = _choose(session, digest_id, at)
            failpoint("compose.chosen")
            digests.composed(session, digest_id, outcome, owner=owner, at=at)
        log.info("digest %d: %d picks", digest_id, len(outcome.picks))
        failpoint("compose.saved")
    return outcome is not None and bool(outcome.picks)


def _choose(session: Session, digest_id: int, at: datetime) -> Composition:
    reader = readers.get(session, digests.reader_of(session, digest_id))
    since = digests.previous(session, digest_id)
    considered = entries.news_count(session, at, since=since)
    lately = digests.sent_lately(session, reader.id, at)
    if not profiles.any_of(session, reader.id):
        return voted(session, reader, at, since=since, lately=lately)
    pair = trials.scored(session, reader.id)
    known = Known(papers=lately, now=at, since=since, contest=contest(pair, since))
    candidates, sent = digests.candidates(
        session, reader.id, at, pair and pair[1], before=known.before, again=AFTER
    )
    return choose(reader, candidates, sent=sent, considered=considered, known=known)


def contest(pair: tuple[int, int] | None, since: datetime | None) -> Contest | None:
    """The trial of a profile and its shadow, by their ids, in the digest after the one of `since`."""
    if pair is None:
        return None
    saved, shadow = pair
    return Contest(
        saved=saved, shadow=shadow, seed=(shadow, int(since.timestamp()) if since else 0)
    )


def voted(
    session: Session,
    reader: Reader,
    at: datetime,
    *,
    since: datetime | None,
    lately: Sequence[Paper] = (),
    known: Collection[int] = (),
) -> Composition:
    """What a reader gets who has no profile: the most voted of what came since, of a day at first."""
    first = max(since or at - FIRST_LOOK, at - entries.NEWS_FOR)
    sent = digests.known_to(session, reader.id) | {*known}
    papers = entries.voted(session, at, since=first, limit=reader.most + len(sent) + SPARE)
    considered = entries.news_count(session, at, since=first)
    return popular(reader, papers, sent=sent, considered=considered, known=lately)


def compose_rings(context: Context, at: datetime) -> list[Ring]:
    """Rings for the planned digests that nothing holds."""
    now = context.clock()
    with context.database.read() as session:
        keys = digests.due(session, "planned", now, LOOK_AT, _hold(session, at, now))
    return rings_for(Step.COMPOSE, keys)


def _hold(session: Session, at: datetime, now: datetime) -> digests.Hold:
    """Everybody waits while pages come in; then only the shards that are still being scored."""
    coming = sources.due(session, at, now) or sources.busy(session, now) or pages.unparsed(session)
    waiting = shards.every(session) if coming else shards.lagging(session, now)
    return digests.Hold(tuple(waiting), at - HOLD_FOR)
