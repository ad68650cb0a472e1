"""Backlog runs by admins' programs: ask for a plan, start it, look on, and steer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from tasks.office import asking
from tasks.office import runs as office
from tasks.records import Ring
from tasks.round.context import Context
from workers.web.api import shapes
from workers.web.api.admin_door import AdminRoute, KeyOperator, KeyViewer
from workers.web.api.paging import NUMBER_MOST, Limit, paged
from workers.web.api.run_shapes import Act, Planned, Run, RunRow
from workers.web.api.schema import by_pages, says
from workers.web.page import Means

DOES: dict[Act, Callable[[Context, str, str], list[Ring]]] = {
    Act.PAUSE: office.pause,
    Act.RESUME: office.resume,
    Act.AGAIN: office.again,
    Act.UNDO: office.undo,
    Act.DROP: office.drop,
}

WHERE: Any = {"description": "Where the run can be seen.", "required": True}
PLANNED: Any = {202: {"headers": {"Location": WHERE | {"schema": {"type": "string"}}}}}

router = APIRouter(route_class=AdminRoute, tags=["admin"])
Code = Annotated[
    str,
    Path(
        pattern=r"^[a-z0-9-]{1,40}$", description="What the run is called.", examples=["run-k7wq2m"]
    ),
]


@router.get("/admin/runs", responses=by_pages())
def list_runs(
    request: Request,
    response: Response,
    face: Means,
    _: KeyViewer,
    limit: Limit = 30,
    cursor: Annotated[
        int | None, Query(ge=1, le=NUMBER_MOST, description="`next` of the page before.")
    ] = None,
) -> shapes.Page[RunRow]:
    """All backlog runs and plans, the newest first."""
    found = office.newest(face.context, limit=limit + 1, before=cursor)
    items = [RunRow.of(one) for one in found[:limit]]
    return paged(request, response, items, items[-1].id if len(found) > limit else None)


@router.post("/admin/runs", status_code=202, responses=says(404) | PLANNED)
def plan_run(
    request: Request, response: Response, face: Means, who: KeyOperator, said: Planned
) -> Run:
    """Ask for a plan. Nothing but the plan is made; `Location` tells where it can be seen.

    Asked again in the same words while the plan is being made, it is the same plan.
    """
    question = asking.question(face.context, said.asked())
    code, rings = office.plan(face.context, question, who.name)
    face.ring(rings)
    response.headers["Location"] = f"{request.url.path}/{code}"
    return Run.of(office.look(face.context, code))


@router.get("/admin/runs/{code}")
def get_run(face: Means, _: KeyViewer, code: Code) -> Run:
    """How a run stands: its plan, how far it has come, and what came of it."""
    return Run.of(office.look(face.context, code))


@router.post("/admin/runs/{code}/{act}", responses=says(409))
def steer_run(
    face: Means,
    who: KeyOperator,
    code: Code,
    act: Act,
    *,
    queue: Annotated[
        bool,
        Query(description="With start: wait for another run over the same days, do not refuse."),
    ] = False,
    stop: Annotated[
        bool, Query(description="With cancel: give up what is under way, too.")
    ] = False,
) -> Run:
    """Start exactly what was planned, pause, resume, cancel, run again what failed, undo, or drop a plan.

    A start looks once more: where the world has changed since, the run ends as `stale`, and `changed` says
    by what.
    """
    if act is Act.START:
        rings = office.start(face.context, code, who.name, queue=queue)
    elif act is Act.CANCEL:
        rings = office.cancel(face.context, code, who.name, stop=stop)
    else:
        rings = DOES[act](face.context, code, who.name)
    face.ring(rings)
    return Run.of(office.look(face.context, code))
