"""What a reader says of papers, what was learned from it, and what they saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from tasks.desk import interests, teaching
from tasks.desk.visiting import NUMBER_MOST
from tasks.errors import UsageError
from tasks.library import citing
from tasks.records import Feedback, Paper, Reader, Want
from tasks.render.plan import sheet
from tasks.store import entries, feedback
from templates import Words
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Me, Means, page, see, words_of
from workers.web.rooms import back_to

SAVED_MOST = 20  # papers on a page
TAUGHT_MOST = 60  # papers that are named for each profile, the newest: the rest is counted

router = APIRouter()
Entry = Annotated[int, Form(ge=1, le=NUMBER_MOST)]
Wanted = Annotated[Want | None, Form()]
Number = Annotated[int, Query(alias="page", ge=1, le=1000)]


@router.post("/my/feedback", dependencies=OURS)
def answer(
    request: Request,
    face: Means,
    me: Me,
    entry: Entry,
    *,
    want: Wanted = None,
    undo: Wanted = None,
    to: Annotated[str, Form()] = "",
) -> Response:
    """Keep an answer to a paper, or take one back; htmx gets the buttons as they stand then."""
    reader_id = me.reader.id
    if want:
        teaching.give(face.context, reader_id, entry, want)
    elif undo:
        teaching.take_back(face.context, reader_id, entry, undo)
    else:
        raise UsageError("an answer is one of more, less, save, hide")
    if "hx-request" not in request.headers:
        return see(f"{back_to(to)}#give-{entry}")
    with face.database.read() as session:
        paper = entries.find(session, entry)
        entry = int(paper.id)
        said = feedback.of_entries(session, reader_id, [entry]).get(entry, frozenset())
    title = sheet(paper, words_of(request)).title
    return page(request, "my_give", entry=entry, title=title, answers=said, to=back_to(to))


# --- what was learned ----------------------------------------------------------------------------
@router.api_route("/my/learned", methods=LOOKING)
def learned(request: Request, face: Means, me: Me, said: str = "") -> HTMLResponse:
    """For each profile the words that count by now, and the papers that taught them."""
    words = words_of(request)
    lessons = [
        {
            "profile": lesson.profile_id,
            "name": lesson.profile_name,
            "words": lesson.words,
            "papers": [_taught(answer, words) for answer in lesson.papers[:TAUGHT_MOST]],
            "older": max(0, len(lesson.papers) - TAUGHT_MOST),
        }
        for lesson in teaching.lessons(face.context, me.reader.id)
    ]
    return page(request, "my_learned", lessons=lessons, said=said)


def _taught(answer: Feedback, words: Words) -> dict[str, object]:
    made = sheet(answer.paper, words)
    return {"entry": answer.paper.id, "sheet": made, "want": answer.want, "at": answer.at}


@router.api_route("/my/learned/forget", methods=LOOKING)
def ask_to_forget(
    request: Request,
    face: Means,
    me: Me,
    profile: Annotated[int | None, Query(ge=1, le=NUMBER_MOST)] = None,
) -> HTMLResponse:
    """What forgetting everything, or what one profile learned, would mean, and its button."""
    one = profile and interests.find(face.context, me.reader.id, profile)
    lessons = teaching.lessons(face.context, me.reader.id)
    papers = sum(len(one.papers) for one in lessons if profile in (None, one.profile_id))
    return page(request, "my_forget", papers=papers, profile=one)


@router.post("/my/learned/forget", dependencies=OURS)
def forget(face: Means, me: Me, entry: Annotated[int | None, Form(ge=1, le=NUMBER_MOST)] = None,
           profile: Annotated[int | None, Form(ge=1, le=NUMBER_MOST)] = None,
           everything: Annotated[bool, Form()] = False) -> Response:  # fmt: skip
    """Learn nothing any more from one paper, from any that taught one profile, or from any at all."""
    if entry is None and profile is None and not everything:
        raise UsageError("say which paper is to be forgotten, or everything")
    if everything:
        entry = profile = None
    teaching.forget(face.context, me.reader.id, entry, profile_id=profile)
    return see("/my/learned?said=forgotten")


# --- what was saved ------------------------------------------------------------------------------
@router.api_route("/my/saved", methods=LOOKING)
def saved(request: Request, face: Means, me: Me, number: Number = 1) -> HTMLResponse:
    """The saved papers, the newest first."""
    papers = _saved(face, me.reader)
    first = (number - 1) * SAVED_MOST
    some = papers[first : first + SAVED_MOST]
    with face.database.read() as session:
        known = feedback.of_entries(session, me.reader.id, [int(paper.id) for paper in some])
    words = words_of(request)
    rows = [
        {"entry": int(paper.id), "sheet": sheet(paper, words), "said": known[int(paper.id)]}
        for paper in some
    ]
    more = len(papers) > first + SAVED_MOST
    return page(request, "my_saved", rows=rows, total=len(papers), number=number, more=more)


@router.api_route("/my/saved.bib", methods=LOOKING)
def as_bibtex(face: Means, me: Me) -> Response:
    """The saved papers as BibTeX."""
    return _file(face, me.reader, citing.bibtex, "saved.bib", "application/x-bibtex")


@router.api_route("/my/saved.ris", methods=LOOKING)
def as_ris(face: Means, me: Me) -> Response:
    """The saved papers as RIS."""
    media_type = "application/x-research-info-systems"
    return _file(face, me.reader, citing.ris, "saved.ris", media_type)


def _saved(face: Face, reader: Reader) -> list[Paper]:
    with face.database.read() as session:
        said = feedback.said(session, reader.id)
    return [answer.paper for answer in said if answer.want is Want.SAVE]


def _file(
    face: Face,
    reader: Reader,
    write: Callable[[Sequence[Paper]], str],
    name: str,
    media_type: str,
) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="paperround-{name}"'}
    text = write(_saved(face, reader))
    return Response(text, media_type=f"{media_type}; charset=utf-8", headers=headers)
