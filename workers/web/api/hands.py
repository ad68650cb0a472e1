"""For admins' programs: sources and the pages they brought, readers, and the settings in force."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from tasks.office import pages, readers, settings, sources, trying
from tasks.records import SourceKind
from tasks.store.reader_rows import ReaderRow
from workers.web.api import hands_shapes as told
from workers.web.api import shapes
from workers.web.api.admin_door import AdminRoute, KeyOperator, KeyViewer
from workers.web.api.hands_bodies import AddedSource, PlanChange, ReaderAct, SourceState
from workers.web.api.paging import NUMBER_MOST, Limit, RowId, paged
from workers.web.api.schema import by_pages, says
from workers.web.page import Means

Name = Annotated[str, Path(min_length=1, max_length=200, description="The source's name.")]
Cursor = Annotated[
    int | None, Query(ge=1, le=NUMBER_MOST, description="`next` of the page before.")
]
Text = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]

router = APIRouter(route_class=AdminRoute, tags=["admin"])


# --- sources -------------------------------------------------------------------------------------
@router.get("/admin/sources")
def list_sources(face: Means, _: KeyViewer) -> list[told.SourceLine]:
    """All sources, removed ones last."""
    return [told.SourceLine.model_validate(row) for row in sources.listed(face.context)]


@router.post("/admin/sources", status_code=201, responses=says(422))
def add_source(face: Means, who: KeyOperator, said: AddedSource) -> told.SourceLine:
    """Add a source; it is fetched at once."""
    kind = SourceKind(said.kind)
    made = sources.add(face.context, who.name, kind, said.address, name=said.name)
    face.ring(sources.fetch_rings(made))
    return told.SourceLine.model_validate(made)


@router.get("/admin/sources/{name}")
def get_source(face: Means, _: KeyViewer, name: Name) -> told.SourceLine:
    """One source."""
    return told.SourceLine.model_validate(sources.get(face.context, name))


@router.post("/admin/sources/{name}/state", responses=says(409))
def set_source_state(
    face: Means, who: KeyOperator, name: Name, said: SourceState
) -> told.SourceLine:
    """Pause, resume, remove or bring back a source."""
    row = sources.set_state(face.context, who.name, name, said.state, was=said.was)
    face.ring(sources.fetch_rings(row))
    return told.SourceLine.model_validate(row)


@router.patch("/admin/sources/{name}", responses=says(409))
def change_source(face: Means, who: KeyOperator, name: Name, said: PlanChange) -> told.SourceLine:
    """Change a source's address and schedule."""
    seen = sources.get(face.context, name).plan
    changes = said.model_dump(exclude_none=True)
    if "holidays" in changes:
        changes["holidays"] = tuple(changes["holidays"])
    made = sources.replan(face.context, who.name, name, replace(seen, **changes), seen=seen)
    face.ring(sources.fetch_rings(made))
    return told.SourceLine.model_validate(made)


@router.post("/admin/sources/{name}/fetch", status_code=202)
def fetch_source(face: Means, who: KeyOperator, name: Name) -> told.SourceLine:
    """Give a source its turn now, even a failing one."""
    face.ring(sources.fetch_now(face.context, who.name, name))
    return told.SourceLine.model_validate(sources.get(face.context, name))


@router.post("/admin/sources/{name}/test", responses=says(429))
def try_source(face: Means, who: KeyOperator, name: Name) -> told.SourceTrial:
    """Fetch and read one turn of a source, and keep nothing."""
    return told.SourceTrial.model_validate(trying.try_source(face.context, who.name, name))


# --- pages ---------------------------------------------------------------------------------------
@router.get("/admin/pages", responses=by_pages())
def list_pages(
    request: Request,
    response: Response,
    face: Means,
    _: KeyViewer,
    limit: Limit = 30,
    cursor: Cursor = None,
    source: Text = "",
    state: Text = "",
) -> shapes.Page[told.PageLine]:
    """Kept pages, the newest first."""
    found = pages.last(face.context, limit + 1, source=source, state=state, before=cursor)
    items = [told.PageLine.model_validate(one) for one in found[:limit]]
    return paged(request, response, items, items[-1].id if len(found) > limit else None)


@router.get("/admin/pages/{number}")
def get_page(face: Means, _: KeyViewer, number: RowId) -> told.PageWhole:
    """All that is known of one page but its bytes."""
    return told.PageWhole.model_validate(pages.whole(face.context, number))


@router.post("/admin/pages/{number}/parse", status_code=202, responses=says(409))
def parse_page_again(face: Means, who: KeyOperator, number: RowId) -> told.PageWhole:
    """Read a page again that was set aside."""
    face.ring(pages.parse_again(face.context, who.name, number))
    return told.PageWhole.model_validate(pages.whole(face.context, number))


# --- readers -------------------------------------------------------------------------------------
@router.get("/admin/readers", responses=by_pages())
def list_readers(
    request: Request,
    response: Response,
    face: Means,
    who: KeyViewer,
    limit: Limit = 30,
    cursor: Cursor = None,
    q: Text = "",
    state: Text = "",
) -> shapes.Page[told.ReaderLine]:
    """Readers by a part of their address or name, in the order they came. Viewers name a number."""
    found = readers.search(
        face.context, q, limit + 1, state=state, after=cursor or 0, whole=who.may("operator")
    )
    items = [_line(one) for one in found[:limit]]
    return paged(request, response, items, items[-1].id if len(found) > limit else None)


@router.get("/admin/readers/{number}")
def get_reader(face: Means, who: KeyViewer, number: RowId) -> told.ReaderWhole:
    """One reader with their last digests; nothing of their interests and papers."""
    return _whole(face, number, whole=who.may("operator"))


@router.post("/admin/readers/{number}", responses=says(429))
def help_reader(face: Means, who: KeyOperator, number: RowId, said: ReaderAct) -> told.ReaderWhole:
    """Resend a confirmation, pause, resume, suppress, or lift that."""
    match said.do:
        case "resend":
            face.ring(readers.resend(face.context, who.name, number))
        case "suppress":
            readers.suppress(face.context, who.name, number)
        case "lift":
            readers.lift(face.context, who.name, number)
        case "pause":
            readers.pause(face.context, who.name, number, said.until)
        case "resume":
            readers.resume(face.context, who.name, number)
    return _whole(face, number, whole=True)


def _whole(face: Means, number: int, *, whole: bool) -> told.ReaderWhole:
    one = readers.one(face.context, number, whole=whole)
    made = [told.DigestMade.model_validate(digest) for digest in one.made]
    return told.ReaderWhole(reader=_line(one.row), suppressed=one.suppressed, made=made)


def _line(row: ReaderRow) -> told.ReaderLine:
    reader = row.reader
    return told.ReaderLine(
        id=reader.id,
        email=reader.email,
        name=reader.name,
        state=reader.state,
        timezone=reader.timezone,
        days=list(reader.days),
        hour=reader.hour,
        language=reader.language,
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
        next_at=row.next_at,
    )


@router.get("/admin/settings")
def list_settings(face: Means, _: KeyViewer) -> list[told.SettingLine]:
    """Every setting in force, and where it comes from."""
    return [
        told.SettingLine(
            name=one.name,
            variable=one.variable,
            value=one.value,
            whence=one.whence,
            is_secret=one.is_secret,
        )
        for one in settings.in_force(face.context)
    ]
