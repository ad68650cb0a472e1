"""Shards of readers: the unit of scoring, and how far each has come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, update
from sqlmodel import Session, col, func, select

from tasks.errors import Conflict
from tasks.models import Profile, Reader, Score, ScorerModel, Shard
from tasks.records import Paper, Reason
from tasks.records import Score as ScoreRecord
from tasks.store import claims, entries
from tasks.store.upsert import replace

READERS_IN_SHARD = 200
LEASE = timedelta(minutes=5)
LAST_RESORT = timedelta(hours=1)


def open_shard(session: Session) -> int:
    """The shard for one more reader; a new one when the last is full."""
    last = session.exec(select(func.max(Shard.id))).one()
    if last is not None:
        size = session.exec(select(func.count()).where(Reader.shard_id == last)).one()
        if size < READERS_IN_SHARD:
            return last
    row = Shard(state="open")
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def rewind(session: Session, shard_id: int) -> None:
    """The shard is due again, and a scoring under way counts for nothing."""
    values = {
        "scored": case((col(Shard.scored) > 0, col(Shard.scored) - 1), else_=0),
        "generation": col(Shard.generation) + 1,
        "attempts": 0,
        "next_attempt_at": None,
    }
    session.execute(update(Shard).where(col(Shard.id) == shard_id).values(values))


def score_anew(session: Session, reader_id: int) -> None:
    """Score the whole news window again for the profiles of this reader: what they want changed, or
    nobody scored for them while they were away.
    """
    mine = col(Profile.reader_id) == reader_id
    session.execute(update(Profile).where(mine).values(fresh=True))
    rewind(session, session.get_one(Reader, reader_id).shard_id)


def generation(session: Session, shard_id: int) -> int:
    """What grows whenever a profile of the shard is saved."""
    return session.get_one(Shard, shard_id, populate_existing=True).generation


def expect(session: Session, shard_id: int, at: int) -> None:
    """Hold the shard's profiles as they are until the commit. Raises `Conflict` where they changed."""
    same = (col(Shard.id) == shard_id, col(Shard.generation) == at)
    if claims.changed(session, update(Shard).where(*same).values(generation=at)) != 1:
        raise Conflict(f"a profile of shard {shard_id} was saved meanwhile")


def is_behind(session: Session, reader_id: int) -> bool:
    """Whether some papers have come that this reader's profiles were not scored for yet."""
    own = select(Shard.scored).join(Reader, col(Reader.shard_id) == Shard.id)
    return session.exec(own.where(Reader.id == reader_id)).one() < entries.arrivals(session)


def due(session: Session, now: datetime) -> list[int]:
    """Shards that lag behind the arrivals and nobody works on."""
    where = (col(Shard.scored) < entries.arrivals(session), claims.free(Shard, now))
    return [key for key in session.exec(select(Shard.id).where(*where)) if key is not None]


def lagging(session: Session, now: datetime) -> list[int]:
    """Shards that lag behind and will be scored shortly, worked on or not."""
    waits = (col(Shard.next_attempt_at).is_(None)) | (col(Shard.next_attempt_at) <= now)
    where = (col(Shard.scored) < entries.arrivals(session), waits)
    return [key for key in session.exec(select(Shard.id).where(*where)) if key is not None]


def every(session: Session) -> list[int]:
    """All shards."""
    return [key for key in session.exec(select(Shard.id)) if key is not None]


def sizes(session: Session) -> dict[int, int]:
    """How many readers each shard has."""
    counted = select(Reader.shard_id, func.count()).group_by(col(Reader.shard_id))
    return dict(session.exec(counted.order_by(col(Reader.shard_id))).all())


def claim(
    session: Session, first: int, last: int, *, owner: str, now: datetime
) -> tuple[int, int, int] | None:
    """Take one lagging shard: its id, up to where it is scored, its generation."""
    where = (col(Shard.id).between(first, last), col(Shard.scored) < entries.arrivals(session))
    taken = claims.claim(session, Shard, where, owner=owner, now=now, lease=LEASE)
    if not taken:
        return None
    row = session.get_one(Shard, taken[0], populate_existing=True)
    return taken[0], row.scored, row.generation


def scored(session: Session, shard_id: int, *, owner: str, generation: int, upto: int) -> None:
    """The shard has been scored up to arrival `upto`. Raises `LostLease` when a profile changed."""
    done = {"owner": "", "lease_until": None, "next_attempt_at": None, "attempts": 0, "error": ""}
    same = (col(Shard.generation) == generation,)
    claims.change(session, Shard, shard_id, done | {"scored": upto}, owner=owner, where=same)


def let_go(session: Session, shard_id: int, *, owner: str, error: str, at: datetime) -> None:
    """Scoring failed: try again at `at`."""
    values = {"owner": "", "lease_until": None, "next_attempt_at": at, "error": error[:2000]}
    claims.change(session, Shard, shard_id, values, owner=owner)


def revive(session: Session, now: datetime) -> int:
    """A shard that failed every time rests an hour and gets its attempts back: its readers wait."""
    where = (col(Shard.attempts) >= claims.ATTEMPTS_MOST, claims.free(Shard, now))
    values = {"attempts": 0, "next_attempt_at": now + LAST_RESORT}
    return claims.changed(session, update(Shard).where(*where).values(values))


# --- scores --------------------------------------------------------------------------------------
def forget(session: Session, profile_ids: Sequence[int], entry_ids: Sequence[int]) -> None:
    """These pairs are being scored anew: what no longer comes near has no score any more."""
    for start in range(0, len(entry_ids), 500):
        some = col(Score.entry_id).in_(entry_ids[start : start + 500])
        session.execute(delete(Score).where(some, col(Score.profile_id).in_(profile_ids)))


def keep(
    session: Session,
    scores: Iterable[tuple[int, int, Paper, ScoreRecord]],
    *,
    model_id: int,
    at: datetime,
) -> int:
    """Keep scores as (reader id, profile version, paper, score), in place of older ones of the pair."""
    rows = [
        {
            "profile_id": score.profile_id,
            "entry_id": score.entry_id,
            "reader_id": reader_id,
            "value": score.value,
            "raw": score.raw,
            "reasons": reasons_to_json(score.reasons),
            "votes": paper.upvotes,
            "coded": bool(paper.code_urls),
            "arxiv_version": paper.version,
            "profile_version": version,
            "model_id": model_id,
            "scored_at": at,
        }
        for reader_id, version, paper, score in scores
    ]
    for start in range(0, len(rows), 500):
        replace(session, Score, rows[start : start + 500], key=("profile_id", "entry_id"))
    return len(rows)


def keep_lines(session: Session, lines: Iterable[tuple[int, float]]) -> None:
    """Keep the least score of the picks of each profile, by its id."""
    values = [{"id": key, "line": line} for key, line in lines]
    if values:
        session.execute(update(Profile), values)


def reasons_to_json(reasons: Iterable[Reason]) -> list[list[Any]]:
    """Reasons as they are kept."""
    return [[reason.kind, reason.label, reason.value] for reason in reasons]


def reasons_from_json(rows: Iterable[Sequence[Any]]) -> tuple[Reason, ...]:
    """Reasons as they were kept."""
    return tuple(Reason(kind=kind, label=label, value=value) for kind, label, value in rows)


# --- the fitted scorer -----------------------------------------------------------------------------
def newest_model(session: Session) -> tuple[int, int, str] | None:
    """The fitted scorer in force: its id, the papers it saw, its version."""
    found = select(ScorerModel.id, ScorerModel.papers, ScorerModel.version)
    latest = (col(ScorerModel.created_at).desc(), col(ScorerModel.id).desc())
    row = session.exec(found.order_by(*latest).limit(1)).first()
    return None if row is None or row[0] is None else (row[0], row[1], row[2])


def model_data(session: Session, model_id: int) -> bytes:
    """A fitted scorer's bytes."""
    return session.exec(select(ScorerModel.data).where(ScorerModel.id == model_id)).one()


def save_model(session: Session, *, version: str, papers: int, data: bytes, now: datetime) -> int:
    """Keep a fitted scorer and put it in force. Its id.

    A change makes every shard score its news again. Of scorers that are in force no more only the
    numbers stay, for the scores that they made.
    """
    before = newest_model(session)
    row = {"version": version, "papers": papers, "data": data, "created_at": now}
    replace(session, ScorerModel, [row], key=("version",))
    found = session.exec(select(ScorerModel.id).where(ScorerModel.version == version)).one()
    assert found is not None
    if before is None or before[0] != found:
        again = {"scored": 0, "generation": col(Shard.generation) + 1}
        session.execute(update(Shard).values(again))
        others = update(ScorerModel).where(col(ScorerModel.id) != found)
        session.execute(others.where(func.length(ScorerModel.data) > 0).values(data=b""))
    return found
