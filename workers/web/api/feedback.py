"""What you say of papers, what that would change, what was learned from it, and what you saved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from tasks.desk import interests, teaching
from tasks.library import citing
from tasks.records import Feedback, Want
from tasks.store import feedback
from workers.web.api import shapes
from workers.web.api.careful import KeyedRoute, Me
from workers.web.api.paging import NUMBER_MOST, Limit, PaperId, paged
from workers.web.api.schema import by_pages, says
from workers.web.api.shapes import Format
from workers.web.page import Face, Means

MEDIA = {
    Format.BIBTEX: "application/x-bibtex",
    Format.RIS: "application/x-research-info-systems",
}
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

router = APIRouter(route_class=KeyedRoute, tags=["feedback"])
Cursor = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{1,17}-[0-9]{1,19}-(more|less|save|hide)$",
        description="`next` of the page before; none for the first page.",
    ),
]
FILES: Any = {media: {"schema": {"type": "string"}} for media in MEDIA.values()}


@router.get("/me/feedback", responses=by_pages())
def list_feedback(
    request: Request,
    response: Response,
    face: Means,
    me: Me,
    want: Annotated[Want | None, Query(description="Only these answers.")] = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> shapes.Page[shapes.Answer]:
    """What you said of papers, the newest first."""
    return _page(request, response, _said(face, me.id, want), limit, cursor)


@router.put("/me/feedback/{paper}/{want}")
def give_feedback(face: Means, me: Me, paper: PaperId, want: Want) -> shapes.Given:
    """Say this of a paper. Saying it again changes nothing; more and less take each other back."""
    new = teaching.give(face.context, me.id, paper, want)
    return shapes.Given(paper=paper, want=want, new=new)


@router.delete("/me/feedback/{paper}/{want}", status_code=204)
def take_feedback_back(face: Means, me: Me, paper: PaperId, want: Want) -> None:
    """Say this of a paper no more; nothing happens where you did not."""
    teaching.take_back(face.context, me.id, paper, want)


@router.get("/me/effect", responses=says(404))
def get_effect(
    face: Means,
    me: Me,
    paper: Annotated[int, Query(ge=1, le=NUMBER_MOST, description="The paper's number.")],
    want: Want,
) -> shapes.Effect:
    """What an answer would change, before you give it."""
    return shapes.Effect.model_validate(teaching.effect(face.context, me, paper, want))


@router.get("/me/learned")
def get_learned(face: Means, me: Me) -> shapes.Lessons:
    """What your profiles learned from your answers, in words and by the papers that taught them."""
    found = teaching.lessons(face.context, me.id)
    return shapes.Lessons(items=[shapes.Lesson.model_validate(one) for one in found])


@router.delete("/me/learned", responses=says(404))
def forget_all(
    face: Means,
    me: Me,
    profile: Annotated[
        str | None, Query(max_length=1000, description="Only what this profile learned.")
    ] = None,
) -> shapes.Forgotten:
    """Learn nothing any more from any answer. What you saved stays saved."""
    one = None if profile is None else interests.find(face.context, me.id, profile).id
    return shapes.Forgotten(forgotten=teaching.forget(face.context, me.id, profile_id=one))


@router.delete("/me/learned/{paper}")
def forget_one(face: Means, me: Me, paper: PaperId) -> shapes.Forgotten:
    """Learn nothing any more from what you said of this paper."""
    return shapes.Forgotten(forgotten=teaching.forget(face.context, me.id, paper))


@router.get(
    "/me/saved",
    response_model=shapes.Page[shapes.Answer],
    responses={
        200: {"description": "A page as JSON, or all of it as BibTeX or RIS.", "content": FILES}
    },
)
def get_saved(
    request: Request,
    response: Response,
    face: Means,
    me: Me,
    form: Annotated[Format, Query(alias="format")] = Format.JSON,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> shapes.Page[shapes.Answer] | Response:
    """The papers that you saved, the newest first: by pages as JSON, whole as BibTeX or RIS."""
    said = _said(face, me.id, Want.SAVE)
    if form is Format.JSON:
        return _page(request, response, said, limit, cursor)
    write = citing.bibtex if form is Format.BIBTEX else citing.ris
    return Response(write(one.paper for one in said), media_type=MEDIA[form])


def _said(face: Face, reader_id: int, want: Want | None) -> list[Feedback]:
    with face.database.read() as session:
        said = feedback.said(session, reader_id)
    return [one for one in said if want in (None, one.want)]


def _page(
    request: Request, response: Response, said: Sequence[Feedback], limit: int, cursor: str | None
) -> shapes.Page[shapes.Answer]:
    """Those that follow the cursor, by moment, paper and answer: what goes meanwhile shifts nothing."""
    ordered = sorted(said, key=_place, reverse=True)
    if cursor is not None:
        at, paper, want = cursor.split("-")
        ordered = [one for one in ordered if _place(one) < (int(at), int(paper), want)]
    items = [shapes.Answer.model_validate(one) for one in ordered[:limit]]
    last = "-".join(map(str, _place(ordered[limit - 1]))) if len(ordered) > limit else None
    return paged(request, response, items, last)


def _place(one: Feedback) -> tuple[int, int, str]:
    return (one.at - BEGINNING) // timedelta(microseconds=1), int(one.paper.id), one.want.value
