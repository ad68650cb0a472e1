"""Deliveries: handed over once. The states are the protocol.

ready|deferred ─claim─▶ claimed ─arm─▶ armed ─250─▶ sent. A crash before `armed` was committed means that
nothing was accepted, and the mail is due again when the lease ends. A crash after it means *unsure*,
unless the transport can tell. Writing `sent` is allowed from `unsure` too, and from what somebody
made of that: knowing beats guessing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, update
from sqlmodel import Session, col, func, select

from tasks.errors import LostLease
from tasks.models import Attempt, Delivery
from tasks.records import Letter, Message
from tasks.store import claims, digests, readers
from tasks.store.upsert import insert_new

LEASE = timedelta(minutes=5)  # longer than all of an SMTP conversation's time limits together
DEADLINE = timedelta(hours=20)  # a daily digest is stale when the next one is due
RETRY_FIRST = timedelta(minutes=1)
RETRY_MOST = timedelta(hours=1)
ALARM = "alarm"  # the kind of a letter to an admin
UNWANTED = "the reader paused or unsubscribed"
WAITING = ("ready", "deferred")
OPEN = ("ready", "deferred", "claimed", "armed")
REFUSED = "not accepted"  # the outcome of an attempt that was unsure, once that is known


def add(session: Session, digest_id: int, reader_id: int, message: Message, now: datetime) -> int:
    """Keep a mail, ready to go; a digest has one delivery for ever. Its id."""
    row = {
        "digest_id": digest_id,
        "reader_id": reader_id,
        "key": message.key,
        "message_id": message.message_id,
        "sender": message.sender,
        "recipient": message.recipient,
        "body": message.body,
        "state": "ready",
        "expires_at": now + DEADLINE,
        "created_at": now,
    }
    insert_new(session, Delivery, [row])
    found = session.exec(select(Delivery.id).where(Delivery.digest_id == digest_id)).one()
    assert found is not None
    return found


def add_letter(session: Session, letter: Letter, message: Message, now: datetime) -> int:
    """Keep a letter, ready to go for as long as its link holds. Its id."""
    row = _letter(letter.kind.value, message, until=letter.until, now=now)
    row.reader_id = letter.reader.id
    return _added(session, row)


def add_notice(session: Session, message: Message, now: datetime) -> int:
    """Keep a letter to an admin about an alarm: it has no reader. Its id."""
    return _added(session, _letter(ALARM, message, until=now + DEADLINE, now=now))


def _letter(kind: str, message: Message, *, until: datetime, now: datetime) -> Delivery:
    return Delivery(
        letter=kind,
        key=message.key,
        message_id=message.message_id,
        sender=message.sender,
        recipient=message.recipient,
        body=message.body,
        state="ready",
        expires_at=until,
        created_at=now,
    )


def _added(session: Session, row: Delivery) -> int:
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def forget_letters(session: Session, now: datetime) -> int:
    """Empty the letters that need no more handing over: links in them are secrets. How many."""
    over = (col(Delivery.state).not_in(OPEN)) | (col(Delivery.expires_at) <= now)
    # A letter has no digest: by that few rows are looked at, and not the mails of years, at each tick.
    letters = (col(Delivery.digest_id).is_(None), col(Delivery.letter) != "")
    where = (*letters, func.length(Delivery.body) > 0, over)
    return claims.changed(session, update(Delivery).where(*where).values(body=b""))


def due(session: Session, now: datetime, limit: int) -> list[int]:
    """Deliveries to hand over, and those that a dead worker left claimed or armed."""
    where = (col(Delivery.state).in_(OPEN), claims.free(Delivery, now))
    found = session.exec(select(Delivery.id).where(*where).order_by(col(Delivery.id)).limit(limit))
    return [key for key in found if key is not None]


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that is ours to hand over. `unwanted` says why it must not go out any more."""

    id: int
    message: Message
    digest_id: int | None = None
    unwanted: str = ""


def claim(session: Session, first: int, last: int, *, owner: str, now: datetime) -> Taken | None:
    """Take the next mail of a range of ids.

    A digest goes to active readers alone; a letter was asked for a moment ago, by whomever, or is an
    admin's.
    """
    where = (
        col(Delivery.id).between(first, last),
        col(Delivery.state).in_((*WAITING, "claimed")),
        col(Delivery.expires_at) > now,
    )
    taken = claims.claim(
        session, Delivery, where, owner=owner, now=now, lease=LEASE, state="claimed"
    )
    if not taken:
        return None
    row = session.get_one(Delivery, taken[0], populate_existing=True)
    reader = row.reader_id
    wanted = row.letter or (reader is not None and readers.is_active(session, reader))
    return Taken(taken[0], message(row), row.digest_id, "" if wanted else UNWANTED)


def arm(session: Session, key: int, *, owner: str, now: datetime) -> None:
    """The last word before the point of no return. Raises `LostLease` when the lease is over."""
    alive = (col(Delivery.state) == "claimed", col(Delivery.lease_until) > now)
    claims.change(session, Delivery, key, {"state": "armed"}, owner=owner, where=alive)


def sent(session: Session, key: int, reply: str, *, owner: str, now: datetime) -> None:
    """The server said 250. Lands whatever the lease says, also where a person, or the transport, said
    meanwhile that the mail did not arrive: whoever took it up again loses it before the dot.
    """
    values = {"state": "sent", "sent_at": now, "reply": reply[:1000], "owner": "", "error": ""}
    where = (col(Delivery.id) == key, col(Delivery.state).in_((*OPEN, "unsure")))
    done = update(Delivery).where(*where).values(lease_until=None, next_attempt_at=None, **values)
    if claims.changed(session, done) != 1:
        raise LostLease(f"delivery {key} was decided by somebody else")
    _note(session, key, owner=owner, now=now, phase="dot", outcome="sent", reply=reply)


def end(
    session: Session, key: int, state: str, *, owner: str, now: datetime, phase: str, reply: str
) -> None:
    """The delivery is over, or waits for a person: failed, suppressed, unsure.

    The papers of a digest that nobody wanted at the last moment may come in a later one.
    """
    claims.finish(session, Delivery, key, owner=owner, state=state, error=reply[:2000])
    if state == "suppressed":
        of = select(Delivery.digest_id).where(Delivery.id == key)
        digests.free_papers(session, [one for one in session.exec(of) if one is not None])
    _note(session, key, owner=owner, now=now, phase=phase, outcome=state, reply=reply)


def defer(session: Session, key: int, *, owner: str, now: datetime, phase: str, reply: str) -> None:
    """Not accepted this time: again later, or dead after the last try."""
    tries = session.exec(select(Delivery.attempts).where(Delivery.id == key)).first()
    if tries is None:
        raise LostLease(f"delivery {key} is gone with its reader")
    dead = tries >= claims.ATTEMPTS_MOST
    state = "dead" if dead else "deferred"
    pause = claims.backoff(tries, first=RETRY_FIRST, most=RETRY_MOST)
    free = {"owner": "", "lease_until": None}
    values = {
        "state": state,
        "error": reply[:2000],
        "next_attempt_at": None if dead else now + pause,
    }
    claims.change(session, Delivery, key, values | free, owner=owner)
    _note(session, key, owner=owner, now=now, phase=phase, outcome=state, reply=reply)


def give_back(session: Session, key: int, error: str, *, owner: str, until: datetime) -> None:
    """The transport is down: no try of this mail is used up."""
    values = {
        "state": "deferred",
        "owner": "",
        "lease_until": None,
        "attempts": col(Delivery.attempts) - 1,
        "next_attempt_at": until,
        "error": error[:2000],
    }
    claims.change(session, Delivery, key, values, owner=owner)


def orphans(
    session: Session, first: int, last: int, *, owner: str, now: datetime
) -> list[tuple[int, str, str]]:
    """Take armed deliveries whose worker is gone: id, Message-ID and key of each."""
    where = (
        col(Delivery.id).between(first, last),
        col(Delivery.state) == "armed",
        claims.free(Delivery, now),
    )
    chosen = select(Delivery.id).where(*where).with_for_update(skip_locked=True)
    taken = (
        update(Delivery)
        .where(col(Delivery.id).in_(chosen))
        .values(owner=owner, lease_until=now + LEASE)
        .returning(col(Delivery.id), col(Delivery.message_id), col(Delivery.key))
    )
    return [(key, message_id, name) for key, message_id, name in session.execute(taken)]


def again(session: Session, key: int, *, owner: str, now: datetime) -> None:
    """The transport knows that the mail never arrived: it is due again."""
    claims.finish(session, Delivery, key, owner=owner, state="ready")
    _note(session, key, owner=owner, now=now, phase="dot", outcome=REFUSED, reply="")


def sweep(session: Session, now: datetime) -> int:
    """Close what is too late or was tried too often by workers that died of it."""
    waiting = (col(Delivery.state).in_((*WAITING, "claimed")), claims.free(Delivery, now))
    late = update(Delivery).where(
        col(Delivery.state).in_((*WAITING, "claimed")),
        (col(Delivery.lease_until).is_(None)) | (col(Delivery.lease_until) < now),
        col(Delivery.expires_at) <= now,
    )
    words = "its time was over before it could be handed over"
    expired = late.values(state="expired", owner="", error=words).returning(col(Delivery.digest_id))
    closed = list(session.execute(expired).scalars())
    digests.free_papers(session, [key for key in closed if key is not None])
    worn = update(Delivery).where(*waiting, col(Delivery.attempts) >= claims.ATTEMPTS_MOST)
    words = f"handing it over ended the worker {claims.ATTEMPTS_MOST} times"
    return len(closed) + claims.changed(session, worn.values(state="dead", owner="", error=words))


def stop(
    session: Session, which: ColumnElement[bool], *, words: str, was: Collection[str] = WAITING
) -> int:
    """Mails of these that were not handed over do not go any more, and free their papers; how many.

    Those that wait; or that are in one of other states in which nothing was accepted.
    """
    waiting = update(Delivery).where(which, col(Delivery.state).in_(was))
    values = {"state": "dropped", "next_attempt_at": None, "error": words}
    stopped = waiting.values(values).returning(col(Delivery.digest_id))
    found = list(session.execute(stopped).scalars())
    digests.free_papers(session, [key for key in found if key is not None])
    return len(found)


def counts(session: Session) -> dict[str, int]:
    """How many deliveries are in each state."""
    found = session.execute(select(Delivery.state, func.count()).group_by(col(Delivery.state)))
    return {str(state): int(number) for state, number in found}


def message(row: Delivery) -> Message:
    """The mail as it goes over the wire."""
    return Message(
        key=row.key,
        message_id=row.message_id,
        sender=row.sender,
        recipient=row.recipient,
        body=row.body,
    )


def by_key(session: Session, key: str) -> Message | None:
    """The mail of that key."""
    row = session.exec(select(Delivery).where(Delivery.key == key)).first()
    return None if row is None else message(row)


def of_digest(session: Session, digest_id: int, reader_id: int) -> Message | None:
    """The mail of that reader's digest, if it is theirs and was written."""
    mine = (Delivery.digest_id == digest_id, Delivery.reader_id == reader_id)
    row = session.exec(select(Delivery).where(*mine)).first()
    return None if row is None else message(row)


def _note(session: Session, key: int, *, owner: str, now: datetime, **what: Any) -> None:
    number = session.exec(select(func.count()).where(Attempt.delivery_id == key)).one() + 1
    what["reply"] = what["reply"][:1000]
    session.add(Attempt(delivery_id=key, number=number, at=now, owner=owner, **what))
