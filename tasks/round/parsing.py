"""Pages → entries in the store. A page that cannot be read is set aside with its reason."""

from __future__ import annotations

import logging
from datetime import datetime

from tasks.errors import LostLease, PageError
from tasks.failpoints import failpoint
from tasks.logs import about
from tasks.parse.clean import title_key
from tasks.records import ParsedPage, RawPage, Ring, Step
from tasks.round.context import Context
from tasks.store import entries, pages, shards
from tasks.store.owners import fence

log = logging.getLogger(__name__)


def parse(context: Context, first: int, last: int, _at: datetime) -> list[Ring]:
    """Read the waiting pages of a range; rings for the shards that have news to score."""
    owner = fence()
    while True:
        with context.database.write() as session:
            taken = pages.claim(session, first, last, owner=owner, now=context.clock())
        if taken is None:
            break
        failpoint("parse.claimed")
        with about(page=taken[0]):
            _read(context, *taken, owner=owner)
    return score_rings(context)


def _read(context: Context, page_id: int, raw: RawPage, *, owner: str) -> None:
    """Read one page, or set it aside."""
    try:
        parsed = context.parser.parse(raw)
        failpoint("parse.read")
        save(context, page_id, parsed, owner=owner, at=raw.fetched_at)
        log.info("page %d: %d entries", page_id, len(parsed.entries))
    except PageError as error:
        log.warning("page %d is set aside: %s: %s", page_id, error.reason, error)
        with context.database.write() as session:
            pages.quarantined(session, page_id, owner=owner, reason=error.reason, error=str(error))
    except LostLease as error:
        log.warning("page %d: %s", page_id, error)


def save(context: Context, page_id: int, parsed: ParsedPage, *, owner: str, at: datetime) -> None:
    """Bring a read page's entries into the store, in one transaction with the page's state."""
    keys = [title_key(entry.title) for entry in parsed.entries]
    with context.database.write() as session:
        outcome = entries.merge_page(session, page_id, parsed, keys=keys, at=at)
        pages.parsed(session, page_id, parsed, owner=owner, new=outcome.new, merged=outcome.merged)
        if parsed.day is not None:
            pages.see_edition(session, page_id, parsed.day, at)
    failpoint("parse.saved")


def score_rings(context: Context) -> list[Ring]:
    """A ring for each shard that lags behind, once the pages at hand are parsed.

    One pass over all of them then does, by a scorer that has seen them all. A page that has ended a
    worker before may do so again: scoring does not wait for it, though digests do for a while.
    """
    with context.database.read() as session:
        if pages.unparsed(session, tries=1):
            return []
        return [Ring(Step.SCORE, key, key) for key in shards.due(session, context.clock())]
