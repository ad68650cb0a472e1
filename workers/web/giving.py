"""What a mail's links "more", "less" and "save" open: the paper, what the answer would change, a button.

The mark in the link says for whom and of which paper, so that no cookie is needed, and it opens
nothing else. Opening the link changes nothing; the button does, and may be pressed again.
"""

from __future__ import annotations

from threading import Semaphore
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from tasks.desk import teaching, visiting
from tasks.desk.addresses import masked
from tasks.desk.teaching import Effect
from tasks.records import Reader, Want
from tasks.render.plan import sheet
from tasks.render.text import cut_at_sentence
from tasks.store import entries
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Means, page, words_of
from workers.web.picks import shown

GIVE_DAYS = 90  # how long a digest's links take an answer
ABSTRACT = 600  # characters
# To foretell takes a good tenth of a second, and scanners open all of a mail's thirty links at once: one
# at a time, so that they cost everybody else little. Who had to wait too long has a button for it.
GATE, PATIENCE_S = Semaphore(1), 2.0

router = APIRouter()


@router.api_route("/give/{mark}", methods=LOOKING)
def ask(request: Request, face: Means, mark: str, want: Want = Want.MORE) -> HTMLResponse:
    """The paper, the four answers, and what the one that is chosen would change."""
    reader, entry = _of(face, mark)
    if request.method == "HEAD":
        return HTMLResponse()  # what scanners ask for; to foretell takes a third of a second
    return _page(request, face, mark, want, view="ask", effect=_effect(face, reader, entry, want))


@router.post("/give/{mark}", dependencies=OURS)
def give(
    request: Request,
    face: Means,
    mark: str,
    want: Annotated[Want, Form()],
    undo: Annotated[bool, Form()] = False,
) -> HTMLResponse:
    """Keep the answer, or take it back. A second time says the same."""
    reader, entry = _of(face, mark)
    act = teaching.take_back if undo else teaching.give
    act(face.context, reader.id, entry, want)
    return _page(request, face, mark, want, view="undone" if undo else "given")


def _effect(face: Face, reader: Reader, entry: int, want: Want) -> Effect | None:
    """What the answer would change; None while too many others ask, who may all be scanners."""
    if not GATE.acquire(timeout=PATIENCE_S):
        return None
    try:
        return teaching.effect(face.context, reader, entry, want)
    finally:
        GATE.release()


def _of(face: Face, mark: str) -> tuple[Reader, int]:
    marked = visiting.by_mark(face.context, "give", mark, days=GIVE_DAYS)
    return marked.reader, marked.facts[0]


def _page(
    request: Request,
    face: Face,
    mark: str,
    want: Want,
    *,
    view: str,
    effect: Effect | None = None,
) -> HTMLResponse:
    reader, entry = _of(face, mark)
    words = words_of(request)
    with face.database.read() as session:
        paper = sheet(entries.find(session, entry), words)
    return page(
        request,
        "give",
        view=view,
        mark=mark,
        want=want,
        address=masked(reader.email),
        paper=paper,
        abstract=cut_at_sentence(paper.abstract, ABSTRACT),
        effect=effect,
        entering=shown(effect.entering, words) if effect else [],
        leaving=shown(effect.leaving, words) if effect else [],
    )
