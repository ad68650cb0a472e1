"""Sources whose turn has come → pages, kept as they came."""

from __future__ import annotations

import logging
from datetime import date, datetime

from tasks.errors import LostLease, SourceError
from tasks.failpoints import failpoint
from tasks.fetch.source import fetch as fetch_source
from tasks.logs import about
from tasks.records import Fetched, Ring, Source, Step
from tasks.round.context import Context
from tasks.store import pages, sources
from tasks.store.owners import fence

log = logging.getLogger(__name__)


def fetch(context: Context, first: int, last: int, at: datetime) -> list[Ring]:
    """Fetch the due sources of a range; rings for each new page. A failing source backs off alone."""
    owner = fence()
    with context.database.write() as session:
        taken = sources.claim(session, first, last, owner=owner, at=at, now=context.clock())
        turns = [(source, sources.since(session, source.id)) for source in taken]
    failpoint("fetch.claimed")
    rings: list[Ring] = []
    for source, since in turns:
        with about(source=source.id):
            rings += _turn(context, source, since, owner=owner, at=at)
    return rings


def _turn(
    context: Context, source: Source, since: date | None, *, owner: str, at: datetime
) -> list[Ring]:
    """One source's turn; rings for its new pages."""
    try:
        with context.http() as http:
            outcome = fetch_source(source, at=at, since=since, http=http)
        failpoint("fetch.got")
        return _save(context, source, outcome, owner=owner, at=at)
    except SourceError as error:
        _fail(context, source, error, owner=owner, at=at)
    except LostLease as error:
        log.warning("source %s: %s", source.name, error)
    except Exception as error:  # whatever a source brings, it costs its own turn alone
        log.exception("source %s failed", source.name)
        _fail(context, source, SourceError(repr(error)), owner=owner, at=at)
    return []


def _save(
    context: Context, source: Source, outcome: Fetched, *, owner: str, at: datetime
) -> list[Ring]:
    with context.database.write() as session:
        saved = pages.save(session, source.id, outcome.pages)
        sources.fetched(session, source.id, outcome, owner=owner, at=at)
    failpoint("fetch.saved")
    log.info("source %s: %d pages, %d new", source.name, len(outcome.pages), len(saved))
    for page_id in saved:
        with about(page=page_id):
            log.info("page %d was fetched", page_id)
    return [Ring(Step.PARSE, page_id, page_id) for page_id in saved]


def _fail(
    context: Context, source: Source, error: SourceError, *, owner: str, at: datetime
) -> None:
    log.warning("source %s failed: %s", source.name, error)
    with context.database.write() as session:
        sources.failed(session, source.id, str(error), owner=owner, at=at, wait=error.wait)
