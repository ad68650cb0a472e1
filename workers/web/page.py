"""What the pages share: the app's means, who asks, how a page is made, and how moments are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

import templates
from tasks.desk import visiting
from tasks.desk.visiting import Visitor
from tasks.records import Ring
from tasks.round.context import Context
from tasks.settings import Settings
from tasks.store.database import Database
from workers.web import static
from workers.web.guard import COOKIE, client_of, comes_from_here, comes_from_our_page, is_private

FRESH = "a fresh link is needed"  # what a visit by a digest's link may not do
NEAR = timedelta(seconds=5)
DAY, HOUR, MINUTE, SECOND = (timedelta(seconds=n) for n in (86400, 3600, 60, 1))
UNITS = (
    (2 * DAY, DAY, "days"),
    (2 * HOUR, HOUR, "h"),
    (2 * MINUTE, MINUTE, "min"),
    (SECOND, SECOND, "s"),
)


@dataclass(frozen=True, slots=True)
class Face:
    """The means of the web face, one for all requests. `ring` wakes the workers."""

    context: Context
    ring: Callable[[Iterable[Ring]], object]

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.context.settings

    @property
    def database(self) -> Database:
        """The database."""
        return self.context.database

    def clock(self) -> datetime:
        """The time now."""
        return self.context.clock()

    def opens_to(self, request: Request) -> bool:
        """Whether this request may see what belongs to readers: addresses, mails, errors."""
        return is_private(self.settings) and comes_from_here(request)


def _face(request: Request) -> Face:
    face: Face = request.app.state.face
    return face


Means = Annotated[Face, Depends(_face)]


def visitor_of(request: Request) -> Visitor | None:
    """Who has signed in with the browser that asks."""
    if not hasattr(request.state, "visitor"):
        secret = request.cookies.get(COOKIE, "")
        found = visiting.visitor(_face(request).context, secret) if secret else None
        request.state.visitor = found
    visitor: Visitor | None = request.state.visitor
    return visitor


def _signed_in(request: Request) -> Visitor:
    visitor = visitor_of(request)
    if visitor is None:
        raise HTTPException(401)
    return visitor


def _in_full(visitor: Me) -> Visitor:
    if visitor.scope != "full":
        raise HTTPException(403, FRESH)
    return visitor


def from_our_page(request: Request, face: Means) -> None:
    """Every form's POST depends on this: no other site's page can make a browser send it."""
    if not comes_from_our_page(request, face.settings):
        raise HTTPException(403)


def from_net(request: Request, face: Means) -> str:
    """The address that asks, past the proxies that are trusted."""
    return client_of(request, face.settings.proxies)


Me = Annotated[Visitor, Depends(_signed_in)]
MeInFull = Annotated[Visitor, Depends(_in_full)]
Net = Annotated[str, Depends(from_net)]


def page(request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page of that template, in the language of who asks; it knows the time and the visitor."""
    face = _face(request)
    now = face.clock()
    visitor = visitor_of(request)
    words = words_of(request)
    html = templates.render(
        f"web/{name}.html",
        words,
        assets=static.ADDRESSES,
        here=name,
        opens=face.opens_to(request),
        visitor=visitor,
        now=now,
        told=lambda moment: told(words, now, moment),
        **values,
    )
    return HTMLResponse(html, status_code=status)


def words_of(request: Request) -> templates.Words:
    """The language of the visitor, else the one that the browser asks for."""
    visitor = visitor_of(request)
    wanted = request.headers.get("accept-language", "")
    language = visitor.reader.language if visitor else templates.choose(wanted)
    return templates.words_for(language)


def see(path: str) -> RedirectResponse:
    """On to another page of ours, after a form was taken."""
    return RedirectResponse(path, status_code=303)


def told(words: templates.Words, now: datetime, moment: datetime | None) -> str:
    """A moment as people say it, with the exact time for machines and on hovering."""
    if moment is None:
        return words.gettext("never")
    return timed(moment, words.distance(moment - now))


def timed(moment: datetime, said: str) -> str:
    """A moment as it is said, with the exact time for machines and on hovering."""
    at = moment.astimezone(UTC)
    mark = Markup('<time datetime="{}" title="{} UTC">{}</time>')
    return mark.format(f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M:%S}", said)


def distance(now: datetime, moment: datetime) -> str:
    """How far away a moment is: "12 min ago", "in 3 h"."""
    gap = abs(now - moment)
    if gap < NEAR:
        return "now"
    size, unit = next((size, unit) for least, size, unit in UNITS if gap >= least)
    words = f"{gap // size} {unit}"
    return f"{words} ago" if moment < now else f"in {words}"
