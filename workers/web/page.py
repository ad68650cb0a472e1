"""What the pages share: the app's means, how a page is made, and how moments are told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

import templates
from tasks.settings import Settings
from tasks.store.database import Database
from workers.web.guard import comes_from_here, is_private

CSS = (Path(templates.__file__).parent / "static" / "app.css").read_bytes()
CSS_MARK = hashlib.sha256(CSS).hexdigest()[:12]  # a new one makes browsers fetch it anew
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
    """The means of the web face, one for all requests."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime]

    def opens_to(self, request: Request) -> bool:
        """Whether this request may see what belongs to readers: addresses, mails, errors."""
        return is_private(self.settings) and comes_from_here(request)


def _face(request: Request) -> Face:
    face: Face = request.app.state.face
    return face


Means = Annotated[Face, Depends(_face)]


def page(request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page of that template; it knows the time and who asks."""
    face = _face(request)
    now = face.clock()
    html = templates.environment.get_template(f"web/{name}.html").render(
        css=f"/static/app.css?v={CSS_MARK}",
        here=name,
        opens=face.opens_to(request),
        now=now,
        dateline=f"{now:%A} {now.day} {now:%B %Y, %H:%M} UTC",
        told=lambda moment: told(now, moment),
        **values,
    )
    return HTMLResponse(html, status_code=status)


def told(now: datetime, moment: datetime | None) -> str:
    """A moment as people say it, with the exact time for machines and on hovering."""
    if moment is None:
        return "never"
    at = moment.astimezone(UTC)
    mark = Markup('<time datetime="{}" title="{} UTC">{}</time>')
    return mark.format(f"{at:%Y-%m-%dT%H:%M:%SZ}", f"{at:%Y-%m-%d %H:%M:%S}", distance(now, moment))


def distance(now: datetime, moment: datetime) -> str:
    """How far away a moment is: "12 min ago", "in 3 h"."""
    gap = abs(now - moment)
    if gap < NEAR:
        return "now"
    size, unit = next((size, unit) for least, size, unit in UNITS if gap >= least)
    words = f"{gap // size} {unit}"
    return f"{words} ago" if moment < now else f"in {words}"
