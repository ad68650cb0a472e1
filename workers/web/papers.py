"""One paper: what is known of it, and where it was seen."""

from __future__ import annotations

import re

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from tasks.records import Paper
from tasks.render.links import safe_url
from tasks.render.text import clean, cut
from tasks.store import editions
from workers.web.page import Means
from workers.web.shown import kept, public, row

NAMES = 200  # authors: a page for each, not a telephone book
NAME = 80  # characters of an author, a category, or an address that is shown
_ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)  # what cannot be one never reaches the database

router = APIRouter()


@router.api_route("/papers/{name}", methods=["GET", "HEAD"])
def paper(request: Request, face: Means, name: str) -> Response:
    """The paper's page; an entry that turned out to be another leads there for good."""
    if not _ID.fullmatch(name):
        raise HTTPException(404)
    with face.database.read() as session:
        known = editions.known(session, int(name))
    if known is None:
        raise HTTPException(404)
    if known.became is not None:
        return kept(request, RedirectResponse(f"/papers/{known.became}", status_code=301))
    authors = _named(known.paper.authors)
    return public(
        request,
        "paper",
        known=known,
        row=row(request, known.paper),
        authors=authors[:NAMES],
        others=max(0, len(authors) - NAMES),
        categories=_named(known.paper.categories),
        addresses=addresses(known.paper),
    )


def addresses(paper: Paper) -> list[tuple[str, str]]:
    """Its own page and its code, as (what is shown, url); each once, and none that is unsafe."""
    urls = dict.fromkeys(safe_url(url) for url in (paper.url, *paper.code_urls))
    return [(cut(url.partition("://")[2], NAME), url) for url in urls if url]


def _named(names: tuple[str, ...]) -> list[str]:
    return [cut(name, NAME) for name in map(clean, names) if name]
