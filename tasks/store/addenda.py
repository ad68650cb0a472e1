"""What a backlog run puts before readers: one more digest, labelled, or candidates of the next one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from tasks.models import Carry, Delivery, Digest, Entry, Pick, Profile, Score
from tasks.records import PickKind
from tasks.store import claims, deliveries, digests, gains, readers, upsert
from tasks.store.dead import GIVEN_UP


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A paper that is due to a reader, with its score as the plan has it."""

    entry_id: int
    profile_id: int
    version: int
    value: float
    raw: float
    reasons: list[list[Any]]


def still_due(session: Session, reader_id: int, some: Iterable[Due]) -> list[Due]:
    """Those that the reader was not sent meanwhile, each once, as the entries are now."""
    wanted = {one.entry_id: one for one in some}
    keys = [*wanted]
    became = {
        row.id: row.merged_into or row.id
        for row in session.exec(select(Entry).where(col(Entry.id).in_(keys)))
        if not row.withdrawn or row.merged_into
    }
    knows = gains.known(session, [reader_id], [key for key in became.values() if key])
    found: dict[int, Due] = {}
    for key, one in wanted.items():
        now = became.get(key)
        if now is not None and (reader_id, now) not in knows:
            found.setdefault(now, replace(one, entry_id=now))
    return [*found.values()]


def mail(
    session: Session, run_id: int, reader_id: int, day: date, some: Sequence[Due], now: datetime
) -> int | None:
    """One more digest for that day, composed and ready to be written; its id.

    None where nothing is left that is due, the reader is not active, or the run mailed them before.
    """
    if not readers.is_active(session, reader_id):
        return None
    kept = still_due(session, reader_id, some)
    mailed = select(Digest.id).where(Digest.reader_id == reader_id, Digest.addendum_of == run_id)
    if not kept or session.exec(mailed).first() is not None:
        return None
    row = Digest(
        reader_id=reader_id,
        day=day,
        due_at=now,
        planned_at=now,
        composed_at=now,
        state="composed",
        considered=len(kept),
        addendum_of=run_id,
    )
    session.add(row)
    session.flush()
    names = _names(session, kept)
    picks = [
        {
            "digest_id": row.id,
            "reader_id": reader_id,
            "entry_id": one.entry_id,
            "profile_id": one.profile_id,
            "profile_name": names.get(one.profile_id, ""),
            "place": place,
            "value": one.value,
            "raw": one.raw,
            "reasons": one.reasons,
            "kind": PickKind.MATCH.value,
            "note": "",
            "team": "",
        }
        for place, one in enumerate(sorted(kept, key=lambda one: -one.raw), start=1)
    ]
    session.execute(Pick.__table__.insert(), picks)  # type: ignore[attr-defined]
    return row.id


def _names(session: Session, some: Iterable[Due]) -> dict[int, str]:
    keys = {one.profile_id for one in some}
    rows = session.exec(select(Profile).where(col(Profile.id).in_(keys)))
    return {row.id: row.name for row in rows if row.id is not None}


def carry(
    session: Session,
    run_id: int,
    reader_id: int,
    some: Sequence[Due],
    *,
    model_id: int,
    now: datetime,
) -> int:
    """These are candidates of the reader's next digest, however old they are; how many are new."""
    if not readers.is_active(session, reader_id):
        return 0
    kept = still_due(session, reader_id, some)
    there = {one.profile_id for one in kept} & set(_names(session, kept))
    kept = [one for one in kept if one.profile_id in there]
    scores = [
        {
            "profile_id": one.profile_id,
            "entry_id": one.entry_id,
            "reader_id": reader_id,
            "value": one.value,
            "raw": one.raw,
            "reasons": one.reasons,
            "profile_version": one.version,
            "model_id": model_id,
            "scored_at": now,
        }
        for one in kept
    ]
    upsert.replace(session, Score, scores, key=("profile_id", "entry_id"))
    rows = [
        {"reader_id": reader_id, "entry_id": one.entry_id, "run_id": run_id, "at": now}
        for one in kept
    ]
    return upsert.insert_new(session, Carry, rows)


def take_back(session: Session, run_id: int) -> dict[str, int]:
    """What a run put before readers and did not reach them yet is taken away; what was mailed stays."""
    gone = select(Pick.id).where(Pick.entry_id == Carry.entry_id, Pick.reader_id == Carry.reader_id)
    carried = delete(Carry).where(col(Carry.run_id) == run_id, ~gone.exists())
    mine = col(Digest.addendum_of) == run_id
    unwritten = (mine, col(Digest.state) == "composed", col(Digest.owner) == "")
    dropped = update(Digest).where(*unwritten).values(state="dropped").returning(col(Digest.id))
    keys = list(session.execute(dropped).scalars())
    digests.free_papers(session, keys)
    written = col(Delivery.digest_id).in_(select(Digest.id).where(mine))
    unsent = (*deliveries.WAITING, *GIVEN_UP)
    stopped = deliveries.stop(session, written, words="its backlog run was undone", was=unsent)
    return {"carried": claims.changed(session, carried), "mails": len(keys) + stopped}


def mails_of(session: Session, run_id: int) -> dict[str, int]:
    """How many addenda of a run are in which state: that of their delivery, else their own."""
    found: dict[str, int] = {}
    rows = session.exec(
        select(Digest.state, Delivery.state)
        .outerjoin(Delivery, col(Delivery.digest_id) == Digest.id)
        .where(Digest.addendum_of == run_id)
    )
    for own, delivered in rows:
        state = delivered or own
        found[state] = found.get(state, 0) + 1
    return found
