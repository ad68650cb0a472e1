"""Dead letters: work that was given up or rests, of every kind in one list, each with what is known of it.

Kinds, in the order of the list: ``page`` (set aside unread), ``digest`` (failed at every try), ``delivery``
(dead, failed or expired), ``shard`` (rests after its last try), ``source`` (failing), ``item`` (a piece of a
backlog run that failed). What an item of the list says holds nobody's address but in `recipient` and,
where a mail server quoted it, in `error`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlmodel import Session, col, func

from tasks.models import Delivery, Digest, Page, Reader, Run, RunItem, Shard, Source
from tasks.store import claims, digests
from tasks.store.shards import LAST_RESORT

GIVEN_UP = ("dead", "failed", "expired")  # deliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which dead letters: of that kind, whose error contains these words, older than that."""

    kind: str = ""
    error: str = ""
    older: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dead:
    """One dead letter. `since` is when its work was begun, `payload` its ids and what tells it apart."""

    kind: str
    id: int
    state: str
    error: str
    since: datetime
    payload: dict[str, Any]
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class _Heap:
    """The dead letters of one kind: a query for their rows, and how one is told."""

    rows: Any
    key: Any
    error: Any
    since: Any
    told: Callable[[Any], Dead]
    later: timedelta = timedelta()  # how much `since` lies after the moment that counts


def rows(
    session: Session,
    wanted: Wanted,
    limit: int,
    *,
    now: datetime,
    after: tuple[str, int] | None = None,
) -> list[Dead]:
    """Those that are wanted: kind by kind, the newest first; those that follow the one named `after`."""
    found: list[Dead] = []
    for kind in _kinds(wanted, after):
        heap = _heap(kind, now)
        asked = _chosen(heap, wanted, now).order_by(heap.key.desc())
        if after is not None and kind == after[0]:
            asked = asked.where(heap.key < after[1])
        found += [heap.told(row) for row in session.execute(asked.limit(limit - len(found)))]
        if len(found) == limit:
            break
    return found


def keys(session: Session, wanted: Wanted, limit: int, *, now: datetime) -> list[tuple[str, int]]:
    """The kinds and numbers of those that are wanted, in the same order."""
    found: list[tuple[str, int]] = []
    for kind in _kinds(wanted):
        heap = _heap(kind, now)
        asked = _chosen(heap, wanted, now).with_only_columns(heap.key).order_by(heap.key.desc())
        numbers = session.execute(asked.limit(limit - len(found))).scalars()
        found += [(kind, number) for number in numbers]
        if len(found) == limit:
            break
    return found


def counts(session: Session, wanted: Wanted, *, now: datetime) -> dict[str, int]:
    """How many are wanted, by kind; kinds without any are left out."""
    found = {}
    for kind in _kinds(wanted):
        asked = _chosen(_heap(kind, now), wanted, now).order_by(None).subquery()
        found[kind] = session.execute(select(func.count()).select_from(asked)).scalar_one()
    return {kind: number for kind, number in found.items() if number}


def one(session: Session, kind: str, key: int, *, now: datetime, lock: bool = False) -> Dead | None:
    """That dead letter, while it is one; with `lock` nobody else changes its row until the commit."""
    if kind not in KINDS:
        return None
    model = KINDS[kind].model
    if lock:
        session.execute(select(model.id).where(model.id == key).with_for_update())
    heap = _heap(kind, now)
    row = session.execute(heap.rows.where(heap.key == key)).first()
    return None if row is None else heap.told(row)


def plan_again(session: Session, digest_id: int, now: datetime) -> bool:
    """A dead digest is to be composed once more from now on, with all its tries; whether it was dead."""
    fresh = {"owner": "", "lease_until": None, "attempts": 0, "next_attempt_at": now, "error": ""}
    dead = (col(Digest.id) == digest_id, col(Digest.state) == "dead")
    values = fresh | {"state": "planned", "composed_at": None, "considered": 0, "reason": ""}
    return claims.changed(session, update(Digest).where(*dead).values(values)) == 1


def drop_digest(session: Session, digest_id: int) -> bool:
    """A dead digest is given up, its papers free for later ones; whether it was dead."""
    dead = (col(Digest.id) == digest_id, col(Digest.state) == "dead")
    if claims.changed(session, update(Digest).where(*dead).values(state="dropped")) != 1:
        return False
    digests.free_papers(session, [digest_id])
    return True


def wake_shard(session: Session, shard_id: int) -> bool:
    """A resting shard is to be scored now, with all its tries; whether there is such a shard."""
    values = {"attempts": 0, "next_attempt_at": None}
    return (
        claims.changed(session, update(Shard).where(col(Shard.id) == shard_id).values(values)) == 1
    )


def _kinds(wanted: Wanted, after: tuple[str, int] | None = None) -> Sequence[str]:
    names = list(KINDS)
    first = names.index(after[0]) if after else 0
    return [name for name in names[first:] if wanted.kind in ("", name)]


def _heap(kind: str, now: datetime) -> _Heap:
    return KINDS[kind].made(now)


def _chosen(heap: _Heap, wanted: Wanted, now: datetime) -> Any:
    asked = heap.rows
    if wanted.error:
        asked = asked.where(heap.error.icontains(wanted.error, autoescape=True))
    if wanted.older:
        asked = asked.where(heap.since <= now - wanted.older + heap.later)
    return asked


# --- the kinds -----------------------------------------------------------------------------------
def _pages(_: datetime) -> _Heap:
    asked = select(Page, col(Source.name)).join(Source, col(Source.id) == Page.source_id)
    return _Heap(
        rows=asked.where(col(Page.state) == "quarantined"),
        key=col(Page.id),
        error=col(Page.error),
        since=col(Page.fetched_at),
        told=_page,
    )


def _page(found: Any) -> Dead:
    page, source = found
    said = {"page": page.id, "source": source, "url": page.url, "name": page.name, "day": page.day}
    return Dead(
        kind="page",
        id=page.id,
        state=page.state,
        error=page.error,
        since=page.fetched_at,
        payload=said,
    )


def _digests(_: datetime) -> _Heap:
    asked = select(Digest, col(Run.code)).outerjoin(Run, col(Run.id) == Digest.addendum_of)
    return _Heap(
        rows=asked.where(col(Digest.state) == "dead"),
        key=col(Digest.id),
        error=col(Digest.error),
        since=col(Digest.due_at),
        told=_digest,
    )


def _digest(found: Any) -> Dead:
    digest, run = found
    said = {"digest": digest.id, "reader": digest.reader_id, "day": digest.day, "run": run}
    return Dead(
        kind="digest",
        id=digest.id,
        state=digest.state,
        error=digest.error,
        since=digest.due_at,
        payload=said,
    )


def _deliveries(_: datetime) -> _Heap:
    asked: Any = select(
        col(Delivery.id),
        col(Delivery.state),
        col(Delivery.error),
        col(Delivery.created_at),
        col(Delivery.expires_at),
        col(Delivery.digest_id),
        col(Delivery.letter),
        col(Delivery.reader_id),
        col(Delivery.recipient),
        col(Delivery.attempts),
        col(Digest.day),
    ).outerjoin(Digest, col(Digest.id) == Delivery.digest_id)
    return _Heap(
        rows=asked.where(col(Delivery.state).in_(GIVEN_UP)),
        key=col(Delivery.id),
        error=col(Delivery.error),
        since=col(Delivery.created_at),
        told=_delivery,
    )


def _delivery(found: Any) -> Dead:
    said = {
        "delivery": found.id,
        "of": found.letter or "digest",
        "digest": found.digest_id,
        "reader": found.reader_id,
        "day": found.day,
        "attempts": found.attempts,
        "expires_at": found.expires_at,
    }
    return Dead(
        kind="delivery",
        id=found.id,
        state=found.state,
        error=found.error,
        since=found.created_at,
        payload=said,
        recipient=found.recipient,
    )


def _shards(now: datetime) -> _Heap:
    """Those that rest: `shards.revive` gives them their tries back and an hour of sleep."""
    mine = select(func.count()).where(col(Reader.shard_id) == col(Shard.id)).scalar_subquery()
    lease, wakes, tries = col(Shard.lease_until), col(Shard.next_attempt_at), col(Shard.attempts)
    rests = or_(tries >= claims.ATTEMPTS_MOST, and_(tries == 0, wakes > now))
    idle = or_(lease.is_(None), lease < now)
    return _Heap(
        rows=select(Shard, mine).where(rests, idle),
        key=col(Shard.id),
        error=col(Shard.error),
        since=func.coalesce(wakes, now),
        told=lambda found: _shard(found, now),
        later=LAST_RESORT,
    )


def _shard(found: Any, now: datetime) -> Dead:
    shard, readers = found
    said = {"shard": shard.id, "readers": readers, "scored": shard.scored}
    wakes = shard.next_attempt_at or now
    return Dead(
        kind="shard",
        id=shard.id,
        state="resting",
        error=shard.error or "scoring it ended its worker every time",
        since=wakes - LAST_RESORT,
        payload=said | {"wakes_at": wakes},
    )


def _sources(now: datetime) -> _Heap:
    lease = col(Source.lease_until)
    failing = (
        col(Source.state) == "active",
        col(Source.attempts) > 0,
        or_(lease.is_(None), lease < now),
    )
    return _Heap(
        rows=select(Source).where(*failing),
        key=col(Source.id),
        error=col(Source.error),
        since=func.coalesce(Source.fetched_at, Source.created_at),
        told=_source,
    )


def _source(found: Any) -> Dead:
    (source,) = found
    said = {"source": source.name, "kind": source.kind, "failures": source.attempts}
    return Dead(
        kind="source",
        id=source.id,
        state="failing",
        error=source.error or "its worker ended while it was fetched",
        since=source.fetched_at or source.created_at,
        payload=said | {"next_at": source.next_attempt_at},
    )


def _items(_: datetime) -> _Heap:
    asked = select(RunItem, Run).join(Run, col(Run.id) == RunItem.run_id)
    return _Heap(
        rows=asked.where(col(RunItem.state) == "failed"),
        key=col(RunItem.id),
        error=col(RunItem.error),
        since=func.coalesce(Run.moved_at, Run.asked_at),
        told=_item,
    )


def _item(found: Any) -> Dead:
    item, run = found
    said = {"run": run.code, "kind": item.kind, "position": item.position, "size": item.size}
    return Dead(
        kind="item",
        id=item.id,
        state=item.state,
        error=item.error,
        since=run.moved_at or run.asked_at,
        payload=said,
    )


@dataclass(frozen=True, slots=True)
class _Kind:
    model: Any
    made: Callable[[datetime], _Heap]


KINDS: dict[str, _Kind] = {
    "page": _Kind(Page, _pages),
    "digest": _Kind(Digest, _digests),
    "delivery": _Kind(Delivery, _deliveries),
    "shard": _Kind(Shard, _shards),
    "source": _Kind(Source, _sources),
    "item": _Kind(RunItem, _items),
}
