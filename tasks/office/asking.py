"""What an admin types → the question of a backlog run: the same rules for the page, the API and commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.errors import UsageError
from tasks.office.runs import days
from tasks.round.backlog.question import Mail, Question, Stage
from tasks.round.context import Context
from tasks.store import readers, sources

NAMED_MOST = 1000  # readers, or sources, that one run may be limited to


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Days like 2026-10-31, names of sources, and readers by their number or address (empty: all)."""

    first: str
    last: str
    sources: Sequence[str] = ()
    stage: Stage = Stage.PARSE
    readers: Sequence[str] = ()
    mail: Mail = Mail.NONE
    again: bool = False


def question(context: Context, asked: Asked) -> Question:
    """The question that this is. Raises `UsageError` for what makes no sense, `UnknownName` for nobody's."""
    first, last = days(asked.first.strip(), asked.last.strip())
    if max(len(asked.readers), len(asked.sources)) > NAMED_MOST:
        raise UsageError(
            f"a run is limited to {NAMED_MOST} readers or sources at most: name none for all"
        )
    with context.database.read() as session:
        named = {sources.find(session, name).name for name in asked.sources}
        some = {readers.find(session, who).id for who in asked.readers}
    return Question(
        first=first,
        last=last,
        sources=tuple(sorted(named)),
        stage=asked.stage,
        readers=tuple(sorted(some)),
        mail=asked.mail,
        again=asked.again,
    )
