"""A house for one question: dated papers alone, in a folder that goes away again. No account, nothing kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlmodel import Session

from tasks.errors import UsageError
from tasks.parse import clean, ids
from tasks.records import Paper, ParsedEntry, ParsedPage, RawPage, Reader, SourceKind
from tasks.round.context import Context
from tasks.round.replaying import OLDEST
from tasks.settings import Settings
from tasks.store import entries, migrate, pages, sources
from tasks.store.database import Database
from tasks.store.owners import fence

MORNING = time(4, tzinfo=UTC)  # when a day's papers come: before everybody's hour
ROOM = timedelta(
    days=2
)  # between the first day that is looked back on and what it looks back on itself


def nobody(*, about: float = 5.0, most: int = 10) -> Reader:
    """Who asks without an account: a digest every day, of so many picks."""
    return Reader(id=0, email="", about=about, most=most)


@contextmanager
def aside(
    settings: Settings, papers: Mapping[date, Sequence[Paper]], *, span: int
) -> Iterator[Context]:
    """A context in which these papers came on their days, and whose clock stands at the end of the last.

    It holds what looking back on `span` days looks at. Raises `UsageError` where there are no papers.
    """
    days = sorted(day for day, some in papers.items() if some)
    if not days:
        raise UsageError("there are no papers to look back on")
    end = datetime.combine(days[-1], time.max, tzinfo=UTC)
    first = (end - timedelta(days=span) - OLDEST - ROOM).date()
    with TemporaryDirectory(prefix="paperround-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'aside.db'}")
        made = settings.model_copy(update={"home": Path(folder)})
        context = Context(settings=made, database=database, clock=lambda: end)
        try:
            migrate.upgrade(database)
            with database.write() as session:
                source = sources.internal(session, "papers", SourceKind.FOLDER, end)
                for day in days:
                    if day >= first:
                        _bring(session, source, day, papers[day])
            yield context
        finally:
            context.close()


def _bring(session: Session, source: int, day: date, papers: Iterable[Paper]) -> None:
    """A page of that day with these papers comes in, as the parse step brings one in."""
    at = datetime.combine(day, MORNING)
    page_id, _ = pages.keep(
        session, source, RawPage(url=f"papers:{day}", body=b"", fetched_at=at, day=day)
    )
    found = [_entry(paper, rank) for rank, paper in enumerate(papers, start=1)]
    page = ParsedPage(shape="papers", entries=tuple(found), day=day)
    keys = [clean.title_key(one.title) for one in found]
    owner = fence()
    pages.claim(session, page_id, page_id, owner=owner, now=at)
    merged = entries.merge_page(session, page_id, page, keys=keys, at=at)
    pages.parsed(session, page_id, page, owner=owner, new=merged.new, merged=merged.merged)


def _entry(paper: Paper, rank: int) -> ParsedEntry:
    arxiv = ids.arxiv(paper.arxiv_id or "")
    return ParsedEntry(
        title=clean.title(paper.title),
        abstract=clean.abstract(paper.abstract),
        authors=tuple(map(clean.line, paper.authors)),
        categories=tuple(map(clean.line, paper.categories)),
        arxiv_id=arxiv[0] if arxiv else None,
        arxiv_version=paper.version,
        doi=paper.doi,
        url=paper.url,
        code_urls=paper.code_urls,
        upvotes=paper.upvotes,
        published=paper.published,
        source_id=str(paper.id),
        rank=rank,
    )
