"""One reader's trouble is not the others': the boundary around the making of each digest."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.errors import LostLease
from tasks.logs import about
from tasks.round.context import Context
from tasks.store import digests

log = logging.getLogger(__name__)


@contextmanager
def apart(context: Context, digest_id: int, *, owner: str) -> Iterator[None]:
    """Whatever goes wrong inside is written to this digest, and goes no further."""
    with about(digest=digest_id):
        try:
            yield
        except LostLease as error:
            log.warning("digest %d: %s", digest_id, error)
        except Exception as error:  # of any kind: it may come from any paper and any profile
            log.exception("digest %d could not be made", digest_id)
            with context.database.write() as session:
                digests.put_back(session, digest_id, error, owner=owner, now=context.clock())
