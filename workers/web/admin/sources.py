"""Sources: the list, adding one, and everything that can be done to one of them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from tasks.errors import TooMany, UsageError
from tasks.office import pages, sources, trying
from tasks.office.entering import AdminVisitor
from tasks.office.sources import ADDRESS_MOST, FOLDERS, NAME_MOST, OFTEN, SELDOM
from tasks.office.trying import Trial
from tasks.records import SourceKind
from tasks.store.source_rows import Plan
from workers.web.admin.door import Operator, Viewer, admin_page, back, viewer
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Means

SHOWN = 20  # pages of one source
TEXT_MOST = 12_000  # characters of a list of holidays
KINDS = tuple(kind for kind in SourceKind if kind is not SourceKind.FOLDER)
SAYS = {
    "added": "The source was added: the workers fetch it now.",
    "paused": "Paused: it is not fetched until you resume it.",
    "active": "It is active: the workers fetch it now.",
    "removed": "Removed. What it brought stays, and the button beside it brings it back.",
    "planned": "The change is kept.",
    "hurried": "{n} sources have their turn now.",
}
STATES = {"pause": "paused", "resume": "active", "remove": "removed"}


class NewSource(BaseModel):
    """The form of a new one."""

    do: Literal["add", "try"]
    kind: SourceKind
    address: str = Field(default="", max_length=ADDRESS_MOST)
    name: str = Field(default="", max_length=NAME_MOST)


class Change(BaseModel):
    """What is to be done to one: `was` is the state, and `seen` the plan, that stood on the page."""

    do: Literal["pause", "resume", "remove", "fetch", "try", "plan"]
    was: str = Field(default="", max_length=20)
    address: str = Field(default="", max_length=ADDRESS_MOST)
    every_minutes: int = 0
    days: list[str] = Field(default=[], max_length=7)
    holidays: str = Field(default="", max_length=TEXT_MOST)
    seen: str = Field(default="{}", max_length=ADDRESS_MOST + TEXT_MOST)


router = APIRouter(dependencies=[Depends(viewer)])


@router.api_route("/admin/sources", methods=LOOKING)
def look(request: Request, face: Means, who: Viewer) -> HTMLResponse:
    """All of them, those that were removed at the end."""
    return admin_page(request, who, "sources", says=SAYS, sources=sources.listed(face.context))


@router.post("/admin/sources", dependencies=OURS)
def fetch_all(face: Means, who: Operator) -> Response:
    """Each has its turn now."""
    rings = sources.fetch_now(face.context, who.name)
    face.ring(rings)
    return back("/admin/sources", "hurried", len(rings))


@router.api_route("/admin/sources/new", methods=LOOKING)
def new(request: Request, who: Viewer) -> HTMLResponse:
    """The form of a new one."""
    return _new(request, who)


@router.post("/admin/sources/new", dependencies=OURS)
def add(
    request: Request, face: Means, who: Operator, said: Annotated[NewSource, Form()]
) -> Response:
    """Add it, or try it first."""
    try:
        if said.do == "try":
            tried = trying.try_address(face.context, who.name, said.kind, said.address)
            return _new(request, who, said=said, tried=tried)
        made = sources.add(face.context, who.name, said.kind, said.address, name=said.name)
    except (UsageError, TooMany) as error:
        return _new(request, who, said=said, wrong=str(error))
    face.ring(sources.fetch_rings(made))
    return back(_path(made.name), "added")


@router.api_route("/admin/sources/{name:path}", methods=LOOKING)
def one(request: Request, face: Means, who: Viewer, name: str) -> HTMLResponse:
    """One of them, with its last pages."""
    return _one(request, face, who, name)


@router.post("/admin/sources/{name:path}", dependencies=OURS)
def change(
    request: Request, face: Means, who: Operator, name: str, said: Annotated[Change, Form()]
) -> Response:
    """Whatever is to be done to it."""
    try:
        if said.do == "try":
            tried = trying.try_source(face.context, who.name, name)
            return _one(request, face, who, name, tried=tried)
        done = _done(face, who, name, said)
    except (UsageError, TooMany) as error:
        return _one(request, face, who, name, said=said, wrong=str(error))
    return back("/admin/sources" if done == "removed" else _path(name), done)


def _done(face: Face, who: AdminVisitor, name: str, said: Change) -> str:
    """Do it; the code of the sentence that says so."""
    if said.do == "plan":
        changed = sources.replan(face.context, who.name, name, _typed(said), seen=_seen(said))
        face.ring(sources.fetch_rings(changed))
        return "planned"
    if said.do == "fetch":
        face.ring(sources.fetch_now(face.context, who.name, name))
        return "active"
    state = STATES[said.do]
    row = sources.set_state(face.context, who.name, name, state, was=said.was)
    face.ring(sources.fetch_rings(row))
    return state


def _typed(said: Change) -> Plan:
    return Plan(
        address=said.address,
        every_minutes=said.every_minutes,
        days="".join(said.days),
        holidays=tuple(said.holidays.replace(",", " ").split()),
    )


def _seen(said: Change) -> Plan:
    """The plan that stood on the page. Raises `UsageError` where somebody made it up."""
    try:
        found = json.loads(said.seen)
        return Plan(
            address=str(found["address"]),
            every_minutes=int(found["every_minutes"]),
            days=str(found["days"]),
            holidays=tuple(map(str, found["holidays"])),
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise UsageError("this form does not say what it changes: load the page again") from None


def _new(
    request: Request,
    who: AdminVisitor,
    *,
    said: NewSource | None = None,
    tried: Trial | None = None,
    wrong: str = "",
) -> HTMLResponse:
    return admin_page(
        request,
        who,
        "source_new",
        status=422 if wrong else 200,
        kinds=KINDS,
        typed=said,
        tried=tried,
        wrong=wrong,
        folders=FOLDERS,
    )


def _one(
    request: Request,
    face: Face,
    who: AdminVisitor,
    name: str,
    *,
    said: Change | None = None,
    tried: Trial | None = None,
    wrong: str = "",
) -> HTMLResponse:
    row = sources.get(face.context, name)
    typed = _typed(said) if said and said.do == "plan" else row.plan
    return admin_page(
        request,
        who,
        "source",
        status=422 if wrong else 200,
        says=SAYS,
        source=row,
        to=_path(name),
        plan=typed,
        seen=json.dumps(asdict(row.plan)),
        shown=pages.last(face.context, SHOWN, source=name),
        tried=tried,
        wrong=wrong,
        often=OFTEN,
        seldom=SELDOM,
    )


def _path(name: str) -> str:
    return f"/admin/sources/{quote(name, safe='')}"
