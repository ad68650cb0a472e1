"""When digests come and what they are like; and pausing them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from tasks.desk import leaving, preferring
from tasks.errors import UsageError
from tasks.records import Reader
from templates import LANGUAGES
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Me, Means, page, see
from workers.web.rooms import Filled, here, text_of, texts_of
from workers.web.zones import zones

EVERY_DAY, WORKDAYS = (1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5)
PAUSES = {"7": 7, "14": 14, "28": 28}  # days, by what the form calls them
_NUMBER = re.compile(r"\d{1,4}(?:[.,]\d{1,3})?", re.ASCII)

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The form as it was filled in, all of it text. `days` are those of the rhythm ``own``."""

    name: str
    rhythm: str
    weekday: str
    days: tuple[str, ...]
    hour: str
    timezone: str
    about: str
    most: str
    length: str
    language: str
    text_only: bool
    explore: bool

    @property
    def changes(self) -> dict[str, object]:
        """The preferences that it asks for; what is no number stays text."""
        rhythms: Mapping[str, object] = {
            "every": EVERY_DAY,
            "workdays": WORKDAYS,
            "weekly": (_number(self.weekday),),
            "own": tuple(map(_number, self.days)),
        }
        return {
            "name": self.name,
            "days": rhythms.get(self.rhythm, ()),
            "hour": _number(self.hour),
            "timezone": self.timezone,
            "about": _number(self.about),
            "most": _number(self.most),
            "length": self.length,
            "language": self.language,
            "text_only": self.text_only,
            "explore": self.explore,
        }


# --- preferences ---------------------------------------------------------------------------------
@router.api_route("/my/preferences", methods=LOOKING)
def look(request: Request, face: Means, me: Me, said: str = "") -> HTMLResponse:
    """The form as the reader's preferences stand."""
    return _page(request, face, me.reader, _as_known(me.reader), said=said)


@router.post("/my/preferences", dependencies=OURS)
def save(request: Request, face: Means, me: Me, form: Filled) -> Response:
    """Keep the whole form; where something is wrong, nothing of it."""
    typed = _typed(form)
    wrong = preferring.faults(typed.changes)
    if wrong:
        return _page(request, face, me.reader, typed, faults=wrong, status=422)
    preferring.prefer(face.context, me.reader.id, **typed.changes)
    return see("/my/preferences?said=saved")


def _typed(form: FormData) -> Typed:
    names = ("name", "rhythm", "weekday", "hour", "timezone", "about", "most", "length", "language")
    return Typed(
        **{name: text_of(form, name).strip()[:200] for name in names},
        days=texts_of(form, "days"),
        text_only=bool(text_of(form, "text_only")),
        explore=bool(text_of(form, "explore")),
    )


def _as_known(reader: Reader) -> Typed:
    rhythm = "weekly" if len(reader.days) == 1 else "own"
    rhythm = {EVERY_DAY: "every", WORKDAYS: "workdays"}.get(reader.days, rhythm)
    return Typed(
        name=reader.name,
        rhythm=rhythm,
        weekday=str(min(reader.days, default=1)),
        days=tuple(map(str, reader.days)),
        hour=str(reader.hour),
        timezone=reader.timezone,
        about=f"{reader.about:g}",
        most=str(reader.most),
        length=reader.length,
        language=reader.language,
        text_only=reader.text_only,
        explore=reader.explore,
    )


def _number(text: str) -> object:
    if not _NUMBER.fullmatch(text):
        return text
    return int(text) if text.isdecimal() else float(text.replace(",", "."))


# --- pausing -------------------------------------------------------------------------------------
@router.post("/my/pause", dependencies=OURS)
def pause(
    request: Request,
    face: Means,
    me: Me,
    length: Annotated[str, Form(alias="for")] = "",
    until: Annotated[str, Form()] = "",
) -> Response:
    """No digests for some days, until a day, or until the reader wants them again."""
    try:
        leaving.pause(face.context, me.reader.id, _return(face, me.reader, length, until))
    except (UsageError, ValueError):
        typed = _as_known(me.reader)
        return _page(request, face, me.reader, typed, pause=length, until=until, status=422)
    return see("/my?said=paused")


@router.post("/my/resume", dependencies=OURS)
def resume(face: Means, me: Me) -> Response:
    """Digests again."""
    leaving.resume(face.context, me.reader.id)
    return see("/my?said=resumed")


def _return(face: Face, reader: Reader, length: str, until: str) -> date | None:
    """The day of return. Raises `ValueError` for what is none."""
    if length == "open":
        return None
    if length == "day":
        return date.fromisoformat(until)
    if length not in PAUSES:
        raise ValueError("no such pause")
    return here(reader, face.clock()).date() + timedelta(days=PAUSES[length])


# --- the page ------------------------------------------------------------------------------------
def _page(
    request: Request,
    face: Face,
    reader: Reader,
    typed: Typed,
    *,
    faults: Mapping[str, str] | None = None,
    said: str = "",
    pause: str = "",
    until: str = "",
    status: int = 200,
) -> HTMLResponse:
    today = here(reader, face.clock()).date()
    return page(
        request,
        "my_preferences",
        status=status,
        typed=typed,
        faults=faults or {},
        said=said,
        pause=pause,
        until=until[:10],
        bad_pause=status == 422 and not faults,
        first_day=today + timedelta(days=1),
        last_day=today + leaving.PAUSE_MOST,
        returns={name: today + timedelta(days=days) for name, days in PAUSES.items()},
        zones=zones(),
        languages=LANGUAGES,
        rules=preferring,
    )
