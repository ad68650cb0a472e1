"""Shards of readers × papers that arrived → scores that reach a profile's line or come near it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from sqlmodel import Session

from tasks.compose import expected
from tasks.errors import LostLease
from tasks.failpoints import failpoint
from tasks.records import Paper, Ring
from tasks.round.composing import compose_rings
from tasks.round.context import Context
from tasks.round.days import as_one, days, news_of
from tasks.round.reaching import News, Past, Ranked, floors_of, reaching
from tasks.round.shelf import shelved
from tasks.round.shelves import forget, shelf_of
from tasks.score import Background, Model, background, fit
from tasks.score.encoder import Encoder
from tasks.score.meaning import Encodes, Remembering
from tasks.settings import Settings
from tasks.store import entries, profiles, shards
from tasks.store.database import Database
from tasks.store.owners import fence
from tasks.store.profiles import Asked

log = logging.getLogger(__name__)

BACKGROUND_MOST = 20_000  # papers that the document frequencies are learned from: the newest
RETRY_AFTER = timedelta(minutes=1)
GROWTH = 1.25  # the scorer is fitted anew when the store has grown by a quarter


def score(context: Context, first: int, last: int, at: datetime) -> list[Ring]:
    """Score the lagging shards of a range; rings for the digests that waited for them."""
    owner = fence()
    fitted(context)
    while (taken := _claim(context, first, last, owner=owner)) is not None:
        shard_id, scored, generation = taken
        try:
            _score_one(context, shard_id, scored, generation, owner=owner, at=at)
        except LostLease as error:
            log.info("shard %d is scored again: %s", shard_id, error)
            # What is on it may be of a reader who left for good.
            forget(*shelf_of(context, shard_id))
        except Exception as error:  # one shard's trouble is not the others'
            log.exception("shard %d could not be scored", shard_id)
            _let_go(context, shard_id, error, owner=owner)
        failpoint("score.saved")
    return compose_rings(context, at)


def _claim(context: Context, first: int, last: int, *, owner: str) -> tuple[int, int, int] | None:
    with context.database.write() as session:
        taken = shards.claim(session, first, last, owner=owner, now=context.clock())
    failpoint("score.claimed")
    return taken


def _score_one(
    context: Context, shard_id: int, scored: int, generation: int, *, owner: str, at: datetime
) -> None:
    """Score one shard; its scores, lines and how far it has come are one transaction.

    A profile that is new, changed, or whose reader was away is scored for all the days that may still
    become picks, the others for what has come since.
    """
    model_id, ground = fitted(context)
    with context.database.read() as session:
        upto = entries.arrivals(session)
        came = entries.news(session, after=scored, upto=upto, at=at)
        asked = profiles.of_shard(session, shard_id)
    fresh = [one for one in asked if one.fresh]
    settled = [one for one in asked if not one.fresh]
    parts: list[tuple[list[Asked], News]] = []
    if settled and came:
        parts.append((settled, news_of(ground, came)))
    if fresh:
        read = days(context.database, ground, (at - entries.SCORED_FOR).date(), at.date())
        parts.append((fresh, News(as_one(ground, read), [len(day.arrived) for day in read])))
    found: list[Ranked] = []
    floors: dict[int, float] = {}
    if parts:
        past = lately(context.database, ground, at.astimezone(UTC).date(), upto)
        kept = shelved(*shelf_of(context, shard_id), ground, [one.profile for one in asked])
        floors = floors_of(kept, asked, past)
        for some, news in parts:
            found += reaching(ground, news, some, floors, kept)
    failpoint("score.counted")
    with context.database.write() as session:
        # First, since nothing may be written for a reader who is gone.
        shards.scored(session, shard_id, owner=owner, generation=generation, upto=upto)
        for some, news in parts:
            keys = [int(one.profile.id) for one in some]
            shards.forget(session, keys, [int(paper.id) for paper in news.texts.papers])
        shards.keep(session, found, model_id=model_id, at=at)
        shards.keep_lines(session, floors.items())
        profiles.settle(session, [int(one.profile.id) for one in fresh])


def score_again(
    context: Context,
    shard_id: int,
    came: Sequence[tuple[datetime, Paper]],
    at: datetime,
    *,
    part: int,
    of: int,
) -> Callable[[Session], int]:
    """Score papers anew that a shard's profiles were scored for before, as they are told now; for the
    readers of one `part` of so many.

    What is returned writes the scores, in the caller's transaction, and says how many; it raises
    `Conflict` where a profile was saved meanwhile: then nothing is written, and it is to be done again.
    """
    model_id, ground = fitted(context)
    with context.database.read() as session:
        upto, generation = entries.arrivals(session), shards.generation(session, shard_id)
        every = profiles.of_shard(session, shard_id)
    asked = [one for one in every if one.reader_id % of == part]
    found: list[Ranked] = []
    if asked and came:
        past = lately(context.database, ground, at.astimezone(UTC).date(), upto)
        kept = shelved(*shelf_of(context, shard_id), ground, [one.profile for one in every])
        found = reaching(ground, news_of(ground, came), asked, floors_of(kept, asked, past), kept)

    def write(session: Session) -> int:
        shards.expect(session, shard_id, generation)
        keys = [int(one.profile.id) for one in asked]
        shards.forget(session, keys, [int(paper.id) for _, paper in came])
        return shards.keep(session, found, model_id=model_id, at=at)

    return write


def _let_go(context: Context, shard_id: int, error: Exception, *, owner: str) -> None:
    again = context.clock() + RETRY_AFTER
    try:
        with context.database.write() as session:
            shards.let_go(session, shard_id, owner=owner, error=repr(error), at=again)
    except LostLease as lost:
        log.warning("shard %d: %s", shard_id, lost)


def fitted(context: Context) -> tuple[int, Background]:
    """The scorer in force, fitted anew when the store has grown much since, or the encoder changed.

    A new one makes every shard score the whole news window again: scores of two scorers cannot be
    compared.
    """
    with context.database.read() as session:
        newest, known = shards.newest_model(session), entries.count(session)
    if newest is not None and known <= newest[1] * GROWTH:
        ground = _opened(context, newest[0])
        if ground is not None:
            return newest[0], ground
    encoder = _encoder(context.settings)
    model = _fit(context.database, encoder)
    with context.database.write() as session:
        model_id = shards.save_model(
            session, version=model.version, papers=known, data=model.to_bytes(), now=context.clock()
        )
    return model_id, background(model, encoder)


def in_force(context: Context) -> Background:
    """The scorer in force, for who only looks; where there is none yet, one that nobody keeps."""
    with context.database.read() as session:
        newest = shards.newest_model(session)
    ground = None if newest is None else _opened(context, newest[0])
    if ground is not None:
        return ground
    with context.database.read() as session:
        known = entries.count(session)
    encoder = _encoder(context.settings)
    return background(_unkept(context.database, encoder, known), encoder)


def _opened(context: Context, model_id: int) -> Background | None:
    try:
        return background(_loaded(context.database, model_id), _encoder(context.settings))
    except ValueError as error:  # of another version of Paperround, or another encoder's
        log.info("the scorer is fitted anew: %s", error)
        return None


def _encoder(settings: Settings) -> Encodes | None:
    return _remembering(settings.encoder) if settings.encoder else None


@lru_cache(maxsize=1)
def _remembering(folder: Path) -> Remembering:
    return Remembering(Encoder.open(folder))


def _fit(database: Database, encoder: Encodes | None) -> Model:
    with database.read() as session:
        papers = entries.newest(session, BACKGROUND_MOST)
    return fit(papers, encoder)


@lru_cache(maxsize=1)
def _unkept(database: Database, encoder: Encodes | None, _known: int) -> Model:
    return _fit(database, encoder)


@lru_cache(maxsize=2)
def _loaded(database: Database, model_id: int) -> Model:
    with database.read() as session:
        return Model.from_bytes(shards.model_data(session, model_id))


def lately(database: Database, ground: Background, today: date, upto: int) -> Past:
    """The last weeks before `today`, by which lines are set once the arrivals `upto` are in."""
    first, last = today - entries.PAST_FOR, today - timedelta(days=1)
    read = days(database, ground, first, last, most=entries.PAST_MOST)
    with database.read() as session:
        came = entries.came_on(session, today, upto=upto)
    counts = [(day.date, len(day.arrived)) for day in read]
    expect = max(came, round(expected(counts, today)))
    return Past(as_one(ground, read), [count for _, count in counts], expect)
