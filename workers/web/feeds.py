"""Feeds: the newest edition as Atom, and how any feed is answered to who has it already."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import APIRouter, Request, Response

from tasks.records import Letterhead
from tasks.render import syndication
from tasks.render.links import home
from tasks.render.plan import sheet
from tasks.render.syndication import Feed, Item
from tasks.store import editions
from tasks.store.editions import Listed
from templates import Words
from workers.web.page import Means, words_of
from workers.web.shown import kept

MOST = 50  # papers, those with the most votes
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # when a feed without papers last changed

router = APIRouter()


@router.api_route("/feed.atom", methods=["GET", "HEAD"])
def edition(request: Request, face: Means) -> Response:
    """The newest day's papers as Atom."""
    with face.database.read() as session:
        day = editions.newest(session, before=face.clock().date() + timedelta(days=1))
        papers = editions.listed(session, day, limit=MOST) if day else []
    feed = edition_feed(papers, face.context.letterhead, words_of(request))
    return kept(request, answer(request, syndication.atom(feed), syndication.ATOM, feed.updated))


def edition_feed(papers: Sequence[Listed], letterhead: Letterhead, words: Words) -> Feed:
    """These papers as a feed. Without a public address it has no links to us, and titles lead away."""
    base = letterhead.base_url
    return Feed(
        id=f"tag:{letterhead.domain},2026:edition",
        title=words.gettext("Papers of the day"),
        updated=max((listed.updated for listed in papers), default=NEVER),
        items=tuple(_item(listed, letterhead, words) for listed in papers),
        author=letterhead.sender_name,
        language=words.language,
        url=base and f"{base}/",
        own_url=base and f"{base}/feed.atom",
    )


def _item(listed: Listed, letterhead: Letterhead, words: Words) -> Item:
    paper, base = listed.paper, letterhead.base_url
    made = sheet(paper, words)
    return Item(
        id=f"tag:{letterhead.domain},2026:paper:{paper.id}",
        title=made.title,
        updated=listed.updated,
        url=f"{base}/papers/{paper.id}" if base else home(paper),
        paragraphs=(made.abstract,),
        links=tuple((name, url) for name, url, _ in made.links),
        authors=paper.authors,
        categories=paper.categories,
        published=paper.published,
    )


def answer(request: Request, body: bytes, media_type: str, updated: datetime) -> Response:
    """The feed; 304 to who holds this very one, by its ETag or else by when it last changed."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Last-Modified": format_datetime(updated, usegmt=True)}
    if _is_held(request, tag, updated):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _is_held(request: Request, tag: str, updated: datetime) -> bool:
    """RFC 9110, 13.2.2: a date counts only where no tag is named."""
    named = request.headers.get("if-none-match")
    if named is not None:
        held = {part.strip().removeprefix("W/") for part in named.split(",")}
        return tag in held or "*" in held
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
        return updated.replace(microsecond=0) <= since
    except (ValueError, TypeError):  # no date; or one without a zone, which compares with none
        return False
