"""Shards of readers × papers that arrived → scores that reach the reader's threshold."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from tasks.errors import LostLease
from tasks.failpoints import failpoint
from tasks.records import Paper, Profile, Ring, Score
from tasks.round.composing import compose_rings
from tasks.round.context import Context
from tasks.score import Model
from tasks.score import fit as fit_model
from tasks.score import score as score_papers
from tasks.store import entries, profiles, shards
from tasks.store.database import Database
from tasks.store.owners import fence

log = logging.getLogger(__name__)

BACKGROUND_MOST = 20_000  # papers that the document frequencies are learned from: the newest
GROWTH = 1.25  # the scorer is fitted anew when the store has grown by a quarter


def score(context: Context, first: int, last: int, at: datetime) -> list[Ring]:
    """Score the lagging shards of a range; rings for the digests that waited for them."""
    model_id, model = fitted(context)
    owner = fence()
    while _score_one(context, first, last, owner=owner, at=at, by=(model_id, model)):
        pass
    return compose_rings(context, at)


def _score_one(
    context: Context, first: int, last: int, *, owner: str, at: datetime, by: tuple[int, Model]
) -> bool:
    """Score one shard, if one lags behind; its scores and how far it has come are one transaction."""
    with context.database.write() as session:
        taken = shards.claim(session, first, last, owner=owner, now=context.clock())
    if taken is None:
        return False
    failpoint("score.claimed")
    shard_id, scored, generation = taken
    with context.database.read() as session:
        upto = entries.arrivals(session)
        papers = entries.news(session, after=scored, upto=upto, at=at)
        asked = profiles.of_shard(session, shard_id)
    model_id, model = by
    scores = list(_reaching(model, papers, asked)) if papers and asked else []
    covered = ([int(p.id) for *_, p in asked], [int(paper.id) for paper in papers])
    failpoint("score.counted")
    try:
        with context.database.write() as session:
            shards.keep(session, scores, covered=covered, model_id=model_id, at=at)
            shards.scored(session, shard_id, owner=owner, generation=generation, upto=upto)
    except LostLease as error:
        log.info("shard %d is scored again: %s", shard_id, error)
    failpoint("score.saved")
    return True


Asked = list[tuple[int, float, int, Profile]]  # reader id, threshold, version, profile


def _reaching(model: Model, papers: list[Paper], asked: Asked) -> Iterator[tuple[int, int, Score]]:
    """The scores that reach their reader's threshold, with their reasons."""
    found = score_papers(model, papers, [profile for *_, profile in asked])
    least = min(threshold for _, threshold, _, _ in asked)
    for paper, profile in found.above(least):
        reader_id, threshold, version, _ = asked[profile]
        if found.values[paper, profile] >= threshold:
            yield reader_id, version, found.score(paper, profile)


def fitted(context: Context) -> tuple[int, Model]:
    """The scorer in force, fitted anew when the store has grown much since.

    A new one makes every shard score the whole news window again: scores of two scorers cannot be
    compared.
    """
    with context.database.read() as session:
        newest, known = shards.newest_model(session), entries.count(session)
    if newest is not None and min(known, BACKGROUND_MOST) <= newest[1] * GROWTH:
        return newest[0], _loaded(context.database, newest[0])
    with context.database.read() as session:
        model = fit_model(entries.newest(session, BACKGROUND_MOST))
    data = model.to_bytes()
    with context.database.write() as session:
        model_id = shards.save_model(
            session, version=model.version, papers=model.papers, data=data, now=context.clock()
        )
    return model_id, model


@lru_cache(maxsize=2)
def _loaded(database: Database, model_id: int) -> Model:
    with database.read() as session:
        return Model.from_bytes(shards.model_data(session, model_id))
