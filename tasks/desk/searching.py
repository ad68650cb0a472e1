"""What somebody looks for among the papers: one by its name or address, or many by their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from tasks.parse import ids
from tasks.records import Paper
from tasks.render.text import clean
from tasks.round.context import Context
from tasks.store import search
from tasks.store.search import LONGEST


@dataclass(frozen=True, slots=True)
class Found:
    """The one entry that was named, or else papers, and what to give as `after` for those that follow.

    `asked` is what was looked for, fit to be shown.
    """

    asked: str
    named: int | None
    papers: Sequence[Paper] = ()
    following: int | None = None


def find(context: Context, words: str, *, limit: int, after: int = 0) -> Found:
    """What `words` name: an arXiv id, DOI or address names one entry; anything else is searched for."""
    asked = clean(words[: 10 * LONGEST])
    with context.database.read() as session:
        named = _named(session, asked)
        if named is not None:
            return Found(asked, named)
        papers, following = search.search(session, asked, limit=limit, after=after)
        return Found(asked[:LONGEST], None, papers, following)


def _named(session: Session, asked: str) -> int | None:
    if arxiv := ids.arxiv(asked):
        return search.by_identifier(session, "arxiv", arxiv[0])
    if doi := ids.doi(asked):
        return search.by_identifier(session, "doi", doi)
    return search.by_url(session, asked) if asked.startswith(("http://", "https://")) else None
