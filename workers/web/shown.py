"""What the public pages share: how a paper stands in a list, and how long an answer may be kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from tasks.records import Paper
from tasks.render.plan import Sheet, sheet
from tasks.render.text import cut_at_sentence
from workers.web.page import page, words_of

PER_PAGE = 30
ABSTRACT = 360  # characters of each abstract in a list
LINK = 300  # characters: longer addresses stand on the paper's own page only
KEPT = "public, max-age=60"
R = TypeVar("R", bound=Response)


@dataclass(frozen=True, slots=True)
class Row:
    """One paper in a list."""

    id: int | str
    sheet: Sheet
    abstract: str
    links: tuple[tuple[str, str], ...]
    votes: int | None
    sources: tuple[str, ...]


def row(request: Request, paper: Paper, sources: Iterable[str] = ()) -> Row:
    """The paper as a list shows it, in the language of who asks."""
    made = sheet(paper, words_of(request))
    return Row(
        id=paper.id,
        sheet=made,
        abstract=cut_at_sentence(made.abstract, ABSTRACT),
        links=tuple((name, url) for name, url, _ in made.links if len(url) <= LINK),
        votes=paper.upvotes,
        sources=tuple(sources),
    )


def public(request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page of that template, which anybody may see."""
    answer = page(request, name, status=status, **values)
    return answer if status != 200 else kept(request, answer)


def kept(request: Request, answer: R) -> R:
    """The answer, which caches may keep for a minute; never that to a browser with a visit's cookie."""
    answer.headers["Vary"] = "Cookie, Accept-Language"
    if not request.cookies:
        answer.headers["Cache-Control"] = KEPT
    return answer
