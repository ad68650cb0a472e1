"""A reader's own feeds: their last picks with the reasons, at an address that only they know.

The mark in the address is all it takes, since feed readers have no cookies. It is void as soon as its
reader renews it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request, Response

from tasks.desk import letters, visiting
from tasks.records import Reader
from tasks.render import syndication
from tasks.render.links import home
from tasks.render.plan import sheet
from tasks.render.syndication import Feed, Item
from tasks.render.words import label, reason
from tasks.round.context import Context
from tasks.store import history
from tasks.store.history import Sent
from templates import Words, words_for
from workers.web.doors import LOOKING
from workers.web.feeds import NEVER, answer
from workers.web.page import Face, Means

MOST = 50  # picks, the last ones
KEPT = "private, max-age=900"  # seconds: a digest a day is not worth asking for more often

router = APIRouter()


@router.api_route("/feeds/{mark}.atom", methods=LOOKING)
def as_atom(request: Request, face: Means, mark: str) -> Response:
    """The feed as Atom."""
    return _answer(request, face, mark, syndication.atom, syndication.ATOM)


@router.api_route("/feeds/{mark}.json", methods=LOOKING)
def as_json(request: Request, face: Means, mark: str) -> Response:
    """The same as JSON Feed."""
    return _answer(request, face, mark, syndication.json_feed, syndication.JSON_FEED)


def address(context: Context, reader: Reader, kind: str) -> str:
    """Where the reader's feed of that kind (``atom``, ``json``) is."""
    mark = context.seal.mark("feed", reader.id, epoch=reader.feed)
    return f"{letters.base(context.settings)}/feeds/{mark}.{kind}"


def _answer(
    request: Request, face: Face, mark: str, write: Callable[[Feed], bytes], media_type: str
) -> Response:
    reader = visiting.by_mark(face.context, "feed", mark).reader
    with face.database.read() as session:
        sent = history.picked(session, reader.id, MOST)
    kind = "atom" if media_type == syndication.ATOM else "json"
    made = feed(face.context, reader, sent, own_url=address(face.context, reader, kind))
    answered = answer(request, write(made), media_type, made.updated)
    answered.headers["Cache-Control"] = KEPT
    return answered


def feed(context: Context, reader: Reader, sent: Sequence[Sent], *, own_url: str) -> Feed:
    """What was sent, as a feed in the reader's language. It names nobody: feeds are shared by accident."""
    words = words_for(reader.language)
    base = context.letterhead.base_url
    return Feed(
        id=f"tag:{context.letterhead.domain},2026:feed:{reader.id}:{reader.feed}",
        title=words.gettext("Papers chosen for you"),
        updated=max((one.at for one in sent), default=NEVER),
        items=tuple(_item(context, one, words) for one in sent),
        author=context.letterhead.sender_name,
        language=words.language,
        url=base and f"{base}/my",
        own_url=own_url,
    )


def _item(context: Context, sent: Sent, words: Words) -> Item:
    pick, paper, base = sent.pick, sent.pick.paper, context.letterhead.base_url
    made = sheet(paper, words)
    why = reason(pick, words)
    return Item(
        id=f"tag:{context.letterhead.domain},2026:paper:{paper.id}",
        title=made.title,
        updated=sent.at,
        url=f"{base}/papers/{paper.id}" if base else home(paper),
        paragraphs=(label(pick, words), why and f"{words.gettext('Why:')} {why}", made.abstract),
        links=tuple((name, url) for name, url, *_ in made.links),
        authors=paper.authors,
        categories=paper.categories,
        published=paper.published,
    )
