"""The reader's front room: the next digest as it stands, and the digests that were sent."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from tasks.desk import outlook
from tasks.desk.visiting import FULL
from tasks.hours import is_zone, next_due
from tasks.records import Feedback, PickKind, Reader
from tasks.render.plan import sheet
from tasks.store import feedback, history, profiles
from templates import Words
from workers.web.doors import LOOKING
from workers.web.page import Face, Me, Means, page, words_of
from workers.web.picks import shown
from workers.web.rooms import here

DAYS_FIRST = 7  # digests on the front page
DAYS_MOST = 30  # and on each page of all
SAID_LATELY = 5
COMING_MOST = 15  # papers of the next digest that are shown
PICKS_MOST = 20  # papers of a digest on one page
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

router = APIRouter()
Number = Annotated[int, Query(alias="page", ge=1, le=100)]


@router.api_route("/my", methods=LOOKING)
def home(request: Request, face: Means, me: Me, said: str = "") -> HTMLResponse:
    """The next digest as it stands, what was said lately, and the last digests.

    `said` is what was done just before: one of a few words that the page knows.
    """
    reader, words = me.reader, words_of(request)
    with face.database.read() as session:
        asked = profiles.of_reader(session, reader.id)
        days = history.days(session, reader.id, limit=DAYS_FIRST + 1)
        answers = feedback.said(session, reader.id)
    coming = outlook.coming(face.context, reader, asked)
    lately = list(dict.fromkeys(int(answer.paper.id) for answer in answers))[:SAID_LATELY]
    return page(
        request,
        "my",
        said=said,
        next=_next(face, reader),
        begun=bool(asked),
        coming=coming.composition,
        picks=shown(coming.picks[:COMING_MOST], words),
        others=max(0, len(coming.picks) - COMING_MOST),
        popular=any(pick.kind is PickKind.POPULAR for pick in coming.picks),
        lately=[_answered(answers, key, words) for key in lately],
        days=days[:DAYS_FIRST],
        more=len(days) > DAYS_FIRST,
    )


@router.api_route("/my/digests", methods=LOOKING)
def digests(request: Request, face: Means, me: Me, before: str = "") -> HTMLResponse:
    """All digests that were made, the newest first; those of days `before` one."""
    day = _day(before) if before else None
    with face.database.read() as session:
        days = history.days(session, me.reader.id, limit=DAYS_MOST + 1, before=day)
    more = len(days) > DAYS_MOST
    return page(request, "my_digests", days=days[:DAYS_MOST], more=more, first=day is None)


@router.api_route("/my/digests/{name}", methods=LOOKING)
def digest(request: Request, face: Means, me: Me, name: str, number: Number = 1) -> HTMLResponse:
    """The digest of that day: its papers with their reasons, and the mail as it was sent.

    The mail holds fresh links of its own: who came by such a link does not see it, else their way in
    would never end.
    """
    reader = me.reader
    with face.database.read() as session:
        found = history.of_day(session, reader.id, _day(name))
        if found is None:
            raise HTTPException(404)
        made, every = found
        picks = every[(number - 1) * PICKS_MOST : number * PICKS_MOST]
        keys = [int(pick.paper.id) for pick in picks]
        known = feedback.of_entries(session, reader.id, keys)
    mark = face.context.seal.mark("view", reader.id, made.id, epoch=reader.epoch)
    is_mailed = made.state == "rendered" and me.scope == FULL
    return page(
        request,
        "my_digest",
        made=made,
        picks=shown(picks, words_of(request), known),
        number=number,
        more=len(every) > number * PICKS_MOST,
        view=f"/view/{mark}" if is_mailed else "",
    )


def _next(face: Face, reader: Reader) -> object:
    """When the reader's next digest comes, on their own clock; nothing where none is sent."""
    if reader.state != "active" or not is_zone(reader.timezone):
        return None
    coming = next_due(reader, face.clock())
    return coming and here(reader, coming)


def _answered(answers: list[Feedback], key: int, words: Words) -> dict[str, object]:
    """A paper, and all that was said of it."""
    same = [answer for answer in answers if answer.paper.id == key]
    made = sheet(same[0].paper, words)
    return {"entry": key, "sheet": made, "said": {one.want for one in same}}


def _day(name: str) -> date:
    try:
        day = date.fromisoformat(name) if _DAY.fullmatch(name) else None
    except ValueError:
        day = None
    if day is None:
        raise HTTPException(404)
    return day
