"""Deliveries as their admin sees and decides them: lists, the way of one mail, and the last word on it.

What a mail says is its reader's: subjects and bodies stay where they are, and of its headers only those
that name neither papers nor secrets are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, union_all, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, func, select

from tasks.models import Attempt, Delivery, Digest, Pick, Run
from tasks.store import claims
from tasks.store.deliveries import DEADLINE, REFUSED

STATES = (
    "ready",
    "deferred",
    "claimed",
    "armed",
    "unsure",
    "sent",
    "failed",
    "suppressed",
    "expired",
    "dead",
    "dropped",
)
ACCEPTED = ("sent", "unsure")  # outcomes after which a mail may lie in its reader's mailbox
FREE: dict[str, Any] = {
    "owner": "",
    "lease_until": None,
    "attempts": 0,
    "next_attempt_at": None,
    "error": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deliveries: in that state, of that day, to that reader. What is empty does not choose."""

    state: str = ""
    day: date | None = None
    reader_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """A delivery in a line. `kind` is ``digest`` or a letter's; `said` the last word on it."""

    id: int
    kind: str
    state: str
    reader_id: int | None
    digest_id: int | None
    day: date | None
    recipient: str
    attempts: int
    created_at: datetime
    expires_at: datetime
    next_at: datetime | None
    sent_at: datetime | None
    said: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt at a delivery, as it was written down."""

    number: int
    at: datetime
    owner: str
    phase: str
    outcome: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The digest of a mail. `run` is the code of the backlog run that added it, if one did."""

    id: int
    day: date
    state: str
    due_at: datetime
    planned_at: datetime
    composed_at: datetime | None
    rendered_at: datetime | None
    considered: int
    picks: int
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """All that is known of one delivery. `body` is empty for a letter that needs no more handing over."""

    row: DeliveryRow
    message_id: str
    body: bytes
    lease_until: datetime | None
    tries: tuple[Tried, ...]
    digest: Origin | None


def rows(
    session: Session, wanted: Wanted, limit: int, *, before: int | None = None
) -> list[DeliveryRow]:
    """Those that are wanted, the newest first; older than delivery `before`."""
    asked = _lines().where(*_where(wanted)).order_by(col(Delivery.id).desc()).limit(limit)
    if before is not None:
        asked = asked.where(col(Delivery.id) < before)
    return [_row(found) for found in session.execute(asked)]


def keys(session: Session, wanted: Wanted, limit: int) -> list[int]:
    """The numbers of those that are wanted, the newest first."""
    asked = select(Delivery.id).outerjoin(Digest, col(Digest.id) == Delivery.digest_id)
    asked = asked.where(*_where(wanted)).order_by(col(Delivery.id).desc()).limit(limit)
    return [key for key in session.exec(asked) if key is not None]


def trace(session: Session, key: int) -> Trace | None:
    """One delivery with its attempts and its digest, if there is such a one."""
    found = session.execute(_lines().where(col(Delivery.id) == key)).first()
    if found is None:
        return None
    mail = session.get_one(Delivery, key)
    tries = select(Attempt).where(Attempt.delivery_id == key).order_by(col(Attempt.id))
    return Trace(
        row=_row(found),
        message_id=mail.message_id,
        body=mail.body,
        lease_until=mail.lease_until,
        tries=tuple(_tried(one) for one in session.exec(tries)),
        digest=None if mail.digest_id is None else _origin(session, mail.digest_id),
    )


def locked(session: Session, key: int) -> DeliveryRow | None:
    """The delivery in a line; nobody else changes it until the commit."""
    held = select(Delivery.id).where(Delivery.id == key).with_for_update()
    if session.exec(held).first() is None:
        return None
    found = session.execute(_lines().where(col(Delivery.id) == key)).first()
    return None if found is None else _row(found)


def may_have_arrived(session: Session, key: int) -> bool:
    """Whether the evidence leaves it open that the mail was accepted: its last word decides."""
    said = select(Attempt.outcome).where(Attempt.delivery_id == key)
    said = said.where(col(Attempt.outcome).in_((*ACCEPTED, REFUSED)))
    return session.exec(said.order_by(col(Attempt.id).desc()).limit(1)).first() in ACCEPTED


def dotted_at(session: Session, key: int) -> datetime | None:
    """When the last attempt of a mail that left it unsure was written down."""
    unsure = (Attempt.delivery_id == key, Attempt.outcome == "unsure")
    return session.exec(select(func.max(Attempt.at)).where(*unsure)).one()


def has_picks(session: Session, digest_id: int) -> bool:
    """Whether a digest's papers still belong to it."""
    own = select(Pick.id).where(Pick.digest_id == digest_id).limit(1)
    return session.exec(own).first() is not None


def again(session: Session, key: int, *, was: Sequence[str], now: datetime, fresh: bool) -> bool:
    """A mail that `was` in one of these states is due again with all its tries; whether it was.

    One that is `fresh` has a whole deadline before it; another keeps its own. It must still have words.
    """
    values = FREE | {"state": "ready", "next_attempt_at": now}
    values |= {"expires_at": now + DEADLINE} if fresh else {}
    same = (*_is(key, was), func.length(Delivery.body) > 0)
    return claims.changed(session, update(Delivery).where(*same).values(values)) == 1


def close(
    session: Session, key: int, state: str, *, was: Sequence[str], words: str, at: datetime | None
) -> bool:
    """A mail that `was` in one of these states is over; whether it was. It was sent `at`, if it was."""
    values = {"state": state, "owner": "", "lease_until": None, "next_attempt_at": None}
    told = {"sent_at": at, "reply": words, "error": ""} if at else {"error": words}
    closed = update(Delivery).where(*_is(key, was)).values(values | told)
    return claims.changed(session, closed) == 1


def note(session: Session, key: int, outcome: str, *, who: str, why: str, now: datetime) -> None:
    """Write a person's decision down among the attempts."""
    number = session.exec(select(func.count()).where(Attempt.delivery_id == key)).one() + 1
    row = Attempt(
        delivery_id=key, number=number, at=now, owner=who, phase="decision", outcome=outcome
    )
    row.reply = why[:1000]
    session.add(row)


def _is(key: int, states: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return col(Delivery.id) == key, col(Delivery.state).in_(states)


def _where(wanted: Wanted) -> list[ColumnElement[bool]]:
    where = []
    if wanted.state:
        where.append(col(Delivery.state) == wanted.state)
    if wanted.reader_id is not None:
        where.append(col(Delivery.reader_id) == wanted.reader_id)
    if wanted.day is not None:
        where.append(_of_day(wanted.day))
    return where


def _of_day(day: date) -> ColumnElement[bool]:
    """Of that digest's day; a letter is of the day (UTC) on which it was made.

    By their numbers, since rows hold whole mails: none is looked at that is not wanted.
    """
    begins = datetime.combine(day, time(), UTC)
    made = col(Delivery.created_at)
    ends = begins + timedelta(days=1) if day < date.max else datetime.max.replace(tzinfo=UTC)
    mails = columns(col(Delivery.id)).join(Digest, col(Digest.id) == Delivery.digest_id)
    letters = columns(col(Delivery.id)).where(col(Delivery.digest_id).is_(None))
    of_day = mails.where(col(Digest.day) == day), letters.where(made >= begins, made < ends)
    return col(Delivery.id).in_(union_all(*of_day))


def _lines() -> Any:
    """Without the bodies, which are most of a row."""
    asked: Any = columns(
        col(Delivery.id),
        col(Delivery.letter),
        col(Delivery.state),
        col(Delivery.reader_id),
        col(Delivery.digest_id),
        col(Digest.day),
        col(Delivery.recipient),
        col(Delivery.attempts),
        col(Delivery.created_at),
        col(Delivery.expires_at),
        col(Delivery.next_attempt_at),
        col(Delivery.sent_at),
        col(Delivery.reply),
        col(Delivery.error),
        func.length(Delivery.body).label("size"),
    )
    return asked.outerjoin(Digest, col(Digest.id) == Delivery.digest_id)


def _row(found: Any) -> DeliveryRow:
    return DeliveryRow(
        id=found.id,
        kind=found.letter or "digest",
        state=found.state,
        reader_id=found.reader_id,
        digest_id=found.digest_id,
        day=found.day,
        recipient=found.recipient,
        attempts=found.attempts,
        created_at=found.created_at,
        expires_at=found.expires_at,
        next_at=found.next_attempt_at,
        sent_at=found.sent_at,
        said=found.error or found.reply,
        size=found.size,
    )


def _tried(row: Attempt) -> Tried:
    return Tried(
        number=row.number,
        at=row.at,
        owner=row.owner,
        phase=row.phase,
        outcome=row.outcome,
        reply=row.reply,
    )


def _origin(session: Session, digest_id: int) -> Origin:
    digest = session.get_one(Digest, digest_id)
    picks = session.exec(select(func.count()).where(Pick.digest_id == digest_id)).one()
    run = session.exec(select(Run.code).where(Run.id == digest.addendum_of)).first()
    return Origin(
        id=digest_id,
        day=digest.day,
        state=digest.state,
        due_at=digest.due_at,
        planned_at=digest.planned_at,
        composed_at=digest.composed_at,
        rendered_at=digest.rendered_at,
        considered=digest.considered,
        picks=picks,
        run=run or "",
    )
