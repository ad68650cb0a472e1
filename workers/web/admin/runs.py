"""Backlog runs: all of them, a form for a plan, and one run with its plan, its progress and its report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from tasks.errors import Conflict, UsageError
from tasks.office import asking, run_words, sources
from tasks.office import runs as office
from tasks.office.asking import NAMED_MOST, Asked
from tasks.office.entering import AdminVisitor
from tasks.office.runs import Standing
from tasks.records import Ring
from tasks.round.backlog.question import Mail, Question, Stage
from tasks.round.context import Context
from workers.web.admin import run_days
from workers.web.admin.door import Operator, Viewer, admin_page, back, viewer
from workers.web.admin.paths import Before
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Means, see

PER_PAGE = 30
LINES_MOST = 50  # sentences of one kind
TEXT_MOST = 20_000  # characters of a list of readers
MOVES = ("planning", "checking", "queued", "running", "paused", "undoing")
WEEK = timedelta(days=7)
SAYS = {
    "planned": "The plan is being made. Nothing is changed by that.",
    "started": "It begins once a last look has found all as it was planned, and no other run is in its way.",
    "paused": "Paused: what is under way is finished, and nothing more is begun.",
    "resumed": "It goes on.",
    "cancelled": "Cancelled: nothing more of it is begun.",
    "stopped": "Stopped: what was under way was given up, and nothing of that is kept.",
    "again": "What failed or was cancelled is run again.",
    "undoing": "What it did is being put back.",
    "dropped": "The plan was dropped: nothing was done.",
}


class Do(StrEnum):
    """What a button of a run's page does."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    STOP = "stop"
    AGAIN = "again"
    UNDO = "undo"
    DROP = "drop"


Doing = Callable[[Context, str, str], list[Ring]]
DOES: dict[Do, tuple[Doing, str]] = {
    Do.PAUSE: (office.pause, "paused"),
    Do.RESUME: (office.resume, "resumed"),
    Do.CANCEL: (office.cancel, "cancelled"),
    Do.STOP: (lambda *who: office.cancel(*who, stop=True), "stopped"),
    Do.AGAIN: (office.again, "again"),
    Do.UNDO: (office.undo, "undoing"),
    Do.DROP: (office.drop, "dropped"),
}


Name = Annotated[str, Field(max_length=320, pattern=r"^[^\x00]*$")]
Names = Annotated[list[Name], Field(max_length=NAMED_MOST)]
Text = Annotated[str, Field(max_length=TEXT_MOST, pattern=r"^[^\x00]*$")]


class Wish(BaseModel):
    """The form of a plan, and what it is filled with by an address."""

    first: Name = ""
    last: Name = ""
    source: Names = []
    stage: Stage = Stage.PARSE
    readers: Text = ""
    mail: Mail = Mail.NONE
    again: bool = False

    def asked(self) -> Asked:
        """The same, as everybody asks."""
        return Asked(
            first=self.first,
            last=self.last,
            sources=self.source,
            stage=self.stage,
            readers=self.readers.replace(",", " ").split(),
            mail=self.mail,
            again=self.again,
        )


router = APIRouter(dependencies=[Depends(viewer)])
Code = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$")]
From = Annotated[int, Query(ge=0, le=1_000_000, alias="from")]


@router.api_route("/admin/runs", methods=LOOKING)
def look(request: Request, face: Means, who: Viewer, before: Before = None) -> HTMLResponse:
    """All of them, the newest first."""
    found = office.newest(face.context, limit=PER_PAGE + 1, before=before)
    shown = found[:PER_PAGE]
    return admin_page(
        request,
        who,
        "runs",
        runs=shown,
        say=run_words,
        under_way=office.under_way(face.context),
        first=before is None,
        older=shown[-1].id if len(found) > PER_PAGE else None,
    )


@router.api_route("/admin/runs/new", methods=LOOKING)
def new(request: Request, face: Means, who: Viewer, wish: Annotated[Wish, Query()]) -> HTMLResponse:
    """The form of a plan; of the last week, where nothing is said."""
    yesterday = face.clock().date() - timedelta(days=1)
    if not (wish.first or wish.last):
        days = {"first": str(yesterday - WEEK + timedelta(days=1)), "last": str(yesterday)}
        wish = wish.model_copy(update=days)
    return _form(request, face, who, wish)


@router.post("/admin/runs/new", dependencies=OURS)
def plan(request: Request, face: Means, who: Operator, wish: Annotated[Wish, Form()]) -> Response:
    """Ask for the plan."""
    try:
        question = asking.question(face.context, wish.asked())
        code, rings = office.plan(face.context, question, who.name)
    except UsageError as error:
        return _form(request, face, who, wish, wrong=str(error))
    face.ring(rings)
    return back(f"/admin/runs/{code}", "planned")


@router.api_route("/admin/runs/{code}", methods=LOOKING)
def one(request: Request, face: Means, who: Viewer, code: Code, begin: From = 0) -> HTMLResponse:
    """One of them."""
    return _one(request, who, office.look(face.context, code), begin=begin)


@router.api_route("/admin/runs/{code}/progress", methods=LOOKING)
def progress(
    request: Request,
    face: Means,
    who: Viewer,
    code: Code,
    state: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """How far it has come, for the page to put in the place of what it shows.

    Once its state is another than the page's, the page is to be loaded again: its buttons are others.
    """
    if request.headers.get("hx-request") != "true":
        return see(f"/admin/runs/{code}")
    found = office.look(face.context, code)
    made = admin_page(request, who, "_run_progress", run=found, moves=MOVES, say=run_words)
    if found.state != state:
        made.headers["HX-Redirect"] = f"/admin/runs/{code}"
    return made


@router.post("/admin/runs/{code}", dependencies=OURS)
def act(
    request: Request,
    face: Means,
    who: Operator,
    code: Code,
    do: Annotated[Do, Form()],
    *,
    queue: Annotated[bool, Form()] = False,
) -> Response:
    """Whatever is to be done with it."""
    try:
        if do is Do.START:
            rings, said = office.start(face.context, code, who.name, queue=queue), "started"
        else:
            doing, said = DOES[do]
            rings = doing(face.context, code, who.name)
    except Conflict as error:
        return _one(request, who, office.look(face.context, code), wrong=str(error))
    face.ring(rings)
    return back(f"/admin/runs/{code}", said)


def _form(
    request: Request, face: Face, who: AdminVisitor, wish: Wish, wrong: str = ""
) -> HTMLResponse:
    known = [row.name for row in sources.listed(face.context) if row.state != "removed"]
    return admin_page(
        request,
        who,
        "run_new",
        status=422 if wrong else 200,
        wish=wish,
        known=known,
        stages=run_words.STAGES,
        mails=run_words.MAILS,
        wrong=wrong,
    )


def _one(
    request: Request,
    who: AdminVisitor,
    found: Standing,
    *,
    begin: int = 0,
    wrong: str = "",
) -> HTMLResponse:
    report = run_words.reported(found)
    rows = report.get("days", found.plan.get("days", ()))
    return admin_page(
        request,
        who,
        "run",
        status=409 if wrong else 200,
        says=SAYS,
        run=found,
        say=run_words,
        report=report,
        chart=run_days.plotted(rows),
        part=run_days.part(rows, begin),
        kinds=run_days.KINDS,
        moves=MOVES,
        same=_query(found.question),
        most=LINES_MOST,
        wrong=wrong,
    )


def _query(question: Question) -> str:
    """What fills the form with the same once more."""
    asked = {
        "first": question.first,
        "last": question.last,
        "source": question.sources,
        "stage": question.stage.value,
        "readers": " ".join(map(str, question.readers)),
        "mail": question.mail.value,
        "again": int(question.again),
    }
    return urlencode({name: value for name, value in asked.items() if value}, doseq=True)
