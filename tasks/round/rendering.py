"""Picks → a mail, its bytes fixed, its delivery standing ready."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import datetime

from tasks.failpoints import failpoint
from tasks.hours import next_due, zone
from tasks.records import Digest, Marks, Message, Ring, Step
from tasks.render.digest import render as render_digest
from tasks.render.mime import build
from tasks.round.apart import apart
from tasks.round.context import Context
from tasks.round.ranges import SIZE, in_turns, rings_for
from tasks.sealing import Seal
from tasks.store import deliveries, digests
from tasks.store.owners import fence

log = logging.getLogger(__name__)


def render(context: Context, first: int, last: int, at: datetime) -> list[Ring]:
    """Write the mails of the composed digests of a range; rings for their deliveries."""
    owner = fence()

    def claim(limit: int) -> list[int]:
        now = context.clock()
        with context.database.write() as session:
            taken = digests.claim(
                session, "composed", first, last, owner=owner, now=now, limit=limit
            )
        failpoint("render.claimed")
        return taken

    done = [_render_one(context, key, owner=owner, at=at) for key in in_turns(claim)]
    more = [Ring(Step.RENDER, first, last)] if len(done) == SIZE else []
    return more + rings_for(Step.DELIVER, [key for key in done if key is not None])


def _render_one(context: Context, digest_id: int, *, owner: str, at: datetime) -> int | None:
    """Write one mail, then keep it with its delivery in one transaction; the delivery's id."""
    delivery_id = None
    with apart(context, digest_id, owner=owner):
        with context.database.read() as session:
            digest = digests.load(session, digest_id)
        subject, message = write(context, digest, at)
        failpoint("render.written")
        now = context.clock()
        with context.database.write() as session:
            digests.rendered(session, digest_id, subject, owner=owner, at=now)
            delivery_id = deliveries.add(session, digest_id, digest.reader.id, message, now)
        log.info("digest %d: written as delivery %d", digest_id, delivery_id)
        failpoint("render.saved")
    return delivery_id


def mail_key(digest: Digest) -> str:
    """The name of a digest's mail for ever. The mark of its reader is in it: SQLite gives the number of
    a deleted row to the next one, and a mailbox takes a known name for a mail that it has.
    """
    mark = hashlib.sha256(digest.reader.token.encode()).hexdigest()[:8]
    return f"{digest.day.isoformat()}.{digest.id}.{mark}"


def marks(seal: Seal, digest: Digest) -> Marks:
    """What the links of a digest are signed with: for its reader, and no longer than their epoch."""
    reader, today = digest.reader, digest.day.toordinal()

    def mark(purpose: str, *facts: int) -> str:
        return seal.mark(purpose, reader.id, *facts, epoch=reader.epoch)

    ids = [int(pick.paper.id) for pick in digest.picks]
    return Marks(
        tune=mark("tune", today),
        view=mark("view", digest.id),
        give={key: mark("give", key, today) for key in ids},
    )


def write(context: Context, digest: Digest, at: datetime) -> tuple[str, Message]:
    """A digest's subject and its mail."""
    coming = next_due(digest.reader, at)
    local = None if coming is None else coming.astimezone(zone(digest.reader.timezone)).date()
    digest = replace(digest, next_day=local, marks=marks(context.seal, digest))
    rendered = render_digest(digest, context.letterhead)
    message = build(
        rendered,
        digest.reader,
        context.letterhead,
        key=mail_key(digest),
        sent_at=context.clock(),
        listed=True,
    )
    return rendered.subject, message
