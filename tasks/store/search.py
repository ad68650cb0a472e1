"""Full-text search over the papers, the same on SQLite (FTS5) and PostgreSQL (tsvector).

Every word must be there, in any of its forms; ``"words in quotes"`` stand together, and what ``-word``
names must not be there. A word of the title weighs more than one of an author, and that more than one of
the abstract. Any text whatever can be asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from tasks.models import Entry, Identifier
from tasks.records import Paper
from tasks.store.editions import SHOWN
from tasks.store.entries import paper

LONGEST = 300  # characters of a question that are looked at
MOST_PARTS = 16  # words and quotations
RANKED = 1000  # papers: of more that match, only the newest are put in order
_PART = re.compile(r"(-*)(?:\"([^\"]*)\"?|([^\s\"]+))")
_QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"') | {"\0": " "})

_SQLITE = """
SELECT entry.id FROM entry_search JOIN entry ON entry.id = entry_search.rowid
WHERE entry_search MATCH :words AND entry_search.rowid >= (SELECT coalesce(min(rowid), 0) FROM (
    SELECT rowid FROM entry_search WHERE entry_search MATCH :words ORDER BY rowid DESC LIMIT :ranked))
    AND NOT entry.withdrawn AND entry.merged_into IS NULL
ORDER BY bm25(entry_search, 10, 1, 4), entry.id DESC LIMIT :limit OFFSET :after
"""
_POSTGRES = """
WITH found AS MATERIALIZED (
    SELECT id, search FROM entry
    WHERE search @@ ({words}) AND NOT withdrawn AND merged_into IS NULL
    ORDER BY id DESC LIMIT :ranked)
SELECT id FROM found ORDER BY ts_rank(search, {words}) DESC, id DESC LIMIT :limit OFFSET :after
"""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for: words or phrases that must be there, and those that must not."""

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]


def search(
    session: Session, words: str, *, limit: int, after: int = 0
) -> tuple[list[Paper], int | None]:
    """The papers that match, the best first, and what to give as `after` for those that follow.

    `after` counts papers from the start. Of more than a thousand papers that match, the newest thousand
    are put in order and the others left out. Nothing matches a question without a word that is wanted.
    """
    question = understood(words)
    if not question.wanted:
        return [], None
    statement, values = _STATEMENTS[session.get_bind().dialect.name](question)
    values |= {"ranked": RANKED, "limit": limit + 1, "after": after}
    ids = session.execute(text(statement), values).scalars().all()
    rows = session.exec(select(Entry).where(col(Entry.id).in_(ids)))
    papers = {row.id: paper(row) for row in rows}
    following = after + limit if len(ids) > limit else None
    return [papers[key] for key in ids[:limit]], following


def by_identifier(session: Session, kind: str, value: str) -> int | None:
    """The entry that is known by that identifier (kinds ``arxiv``, ``doi``)."""
    found = select(Identifier.entry_id).where(Identifier.kind == kind, Identifier.value == value)
    return session.exec(found).first()


def by_url(session: Session, url: str) -> int | None:
    """The newest entry whose page has exactly that address."""
    where = (Entry.url == url, *SHOWN)
    return session.exec(select(Entry.id).where(*where).order_by(col(Entry.id).desc())).first()


def understood(words: str) -> Question:
    """The question that any text is; marks without a letter or digit say nothing."""
    wanted: list[str] = []
    unwanted: list[str] = []
    plain = words[:LONGEST].translate(_QUOTES).encode(errors="ignore").decode()
    for minus, quoted, word in _PART.findall(plain)[:MOST_PARTS]:
        part = quoted or word
        if any(map(str.isalnum, part)):
            (unwanted if minus else wanted).append(part)
    return Question(tuple(wanted), tuple(unwanted))


def _sqlite(question: Question) -> tuple[str, dict[str, Any]]:
    """FTS5's own language. A part becomes a string of it, where nothing is special but the quote."""
    words = " ".join(f'"{part}"' for part in question.wanted)
    others = " OR ".join(f'"{part}"' for part in question.unwanted)
    return _SQLITE, {"words": f"({words}) NOT ({others})" if others else words}


def _postgres(question: Question) -> tuple[str, dict[str, Any]]:
    parts = [("", part) for part in question.wanted] + [("!!", part) for part in question.unwanted]
    query = " && ".join(
        f"{sign}phraseto_tsquery('paperround', paperround_plain(:part{n}))"
        for n, (sign, _) in enumerate(parts)
    )
    return _POSTGRES.format(words=query), {f"part{n}": part for n, (_, part) in enumerate(parts)}


_STATEMENTS = {"sqlite": _sqlite, "postgresql": _postgres}
