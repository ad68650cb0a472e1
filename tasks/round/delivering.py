"""Mails → the mail server, each handed over once.

The protocol is that of `tasks.store.deliveries`: offer everything but the final dot, commit *armed*,
write the dot, commit what the server said. Whatever dies in between leaves a state that tells what is
known.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any

from tasks.deliver.transport import Transport
from tasks.errors import (
    LostLease,
    MailDeferred,
    MailUnsure,
    TransportDown,
    TransportError,
)
from tasks.failpoints import failpoint
from tasks.logs import about
from tasks.records import Message, Reply, Ring, Step
from tasks.round.context import Context
from tasks.store import deliveries, watch
from tasks.store.owners import fence

log = logging.getLogger(__name__)

BATCH = 50
CLOSED_FOR = timedelta(minutes=2)  # how long nobody knocks at a mail server that was down
DOOR = "transport"


def deliver(context: Context, first: int, last: int, _at: datetime) -> list[Ring]:
    """Hand over the due mails of a range, `BATCH` at most; a ring for what is left."""
    if closed_until(context):
        return []
    transport = context.transport()
    try:
        resolve(context, transport, first, last)
        for _ in range(BATCH):
            if not _deliver_one(context, transport, first, last):
                return []
    except TransportDown as error:
        _close_door(context, error)
        return []
    finally:
        transport.close()
    return [Ring(Step.DELIVER, first, last)]


def _deliver_one(context: Context, transport: Transport, first: int, last: int) -> bool:
    """Hand over the next mail; False when none is due."""
    owner, now = fence(), context.clock()
    with context.database.write() as session:
        taken = deliveries.claim(session, first, last, owner=owner, now=now)
        if taken is None:
            return False
        key = taken.id
        if taken.unwanted:
            why = {"phase": "claim", "reply": taken.unwanted}
            deliveries.end(session, key, "suppressed", owner=owner, now=now, **why)
            return True
    failpoint("deliver.claimed")
    with _about(key, taken.digest_id), _unless_lost(key):
        try:
            _hand_over(context, transport, key, taken.message, owner=owner)
        except TransportDown as error:
            with context.database.write() as session:
                until = context.clock() + CLOSED_FOR
                deliveries.give_back(session, key, str(error), owner=owner, until=until)
            raise
        except TransportError as error:
            _record(context, key, error, owner=owner)
    return True


def _about(key: int, digest_id: int | None) -> AbstractContextManager[None]:
    """What is logged of a delivery, and of its digest where it is no letter."""
    return about(delivery=key) if digest_id is None else about(digest=digest_id, delivery=key)


@contextmanager
def _unless_lost(key: int) -> Iterator[None]:
    """What comes of a mail is nobody's concern once its delivery is another's, or gone with its reader."""
    try:
        yield
    except LostLease as error:
        log.warning("delivery %d: %s", key, error)


def _hand_over(
    context: Context, transport: Transport, key: int, message: Message, *, owner: str
) -> None:
    handover = transport.offer(message)
    failpoint("deliver.offered")
    try:
        with context.database.write() as session:
            deliveries.arm(session, key, owner=owner, now=context.clock())
    except BaseException:
        handover.abandon()
        raise
    failpoint("deliver.armed")
    reply = handover.finish()
    failpoint("deliver.finished")
    _sent(context, key, reply, owner=owner)


def _sent(context: Context, key: int, reply: Reply, *, owner: str) -> None:
    words = f"{reply.code} {reply.text}"
    with context.database.write() as session:
        deliveries.sent(session, key, words, owner=owner, now=context.clock())
    log.info("delivery %d was accepted", key)
    failpoint("deliver.saved")


def _record(context: Context, key: int, error: TransportError, *, owner: str) -> None:
    """Write down what came of a mail that was not accepted, or may have been."""
    words = error.reply or str(error)
    log.warning("delivery %d, %s: %s", key, error.phase, error)
    with context.database.write() as session:
        what: dict[str, Any] = {"phase": error.phase, "reply": words}
        what |= {"owner": owner, "now": context.clock()}
        if isinstance(error, MailDeferred):
            deliveries.defer(session, key, **what)
        else:
            state = "unsure" if isinstance(error, MailUnsure) else "failed"
            deliveries.end(session, key, state, **what)


def resolve(context: Context, transport: Transport, first: int, last: int) -> None:
    """Decide about armed mails whose worker is gone: the transport may know; else they are unsure."""
    owner, now = fence(), context.clock()
    with context.database.write() as session:
        orphans = deliveries.orphans(session, first, last, owner=owner, now=now)
    for key, message_id, name in orphans:
        verdict = transport.delivered(message_id, name)
        with _unless_lost(key), context.database.write() as session:
            if verdict is True:
                deliveries.sent(session, key, "found in the mailbox", owner=owner, now=now)
            elif verdict is False:
                deliveries.again(session, key, owner=owner, now=now)
            else:
                words = "the worker ended after the final dot, before the server's answer was kept"
                deliveries.end(
                    session, key, "unsure", owner=owner, now=now, phase="dot", reply=words
                )


def closed_until(context: Context) -> datetime | None:
    """Until when nobody knocks at the mail server, if it was down a moment ago."""
    with context.database.read() as session:
        door = watch.pulse(session, DOOR)
    return door[0] if door and door[0] > context.clock() else None


def _close_door(context: Context, error: TransportDown) -> None:
    log.error("the mail server cannot be used: %s", error)
    with context.database.write() as session:
        watch.beat(session, DOOR, context.clock() + CLOSED_FOR, str(error))
