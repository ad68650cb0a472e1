"""For admins' programs: dead letters and deliveries, seen and decided, one by one or many at once.

Who acts on many says by its mark which they saw, so that nothing is touched that nobody looked at.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from tasks.office import dead, deliveries
from tasks.store.dead import KINDS
from tasks.store.delivery_rows import Wanted
from workers.web.api import hands_shapes as told
from workers.web.api import shapes
from workers.web.api.admin_door import AdminRoute, KeyOperator, KeyViewer
from workers.web.api.bodies import Day
from workers.web.api.hands import Cursor, Text
from workers.web.api.hands_bodies import DeadAct, DeadActs, Decision, Decisions
from workers.web.api.paging import NUMBER_MOST, Limit, RowId, paged
from workers.web.api.schema import by_pages, says
from workers.web.page import Means

Kind = Annotated[str, Path(max_length=20, description=f"One of {', '.join(KINDS)}.")]
Days = Annotated[int, Query(ge=0, le=dead.OLDER_MOST.days, description="Older than so many days.")]
After = Annotated[
    str,
    Query(
        max_length=40,
        pattern=rf"^(?:(?:{'|'.join(KINDS)})\.[0-9]{{1,18}})?$",
        description="`next` of the page before.",
    ),
]
ToReader = Annotated[int | None, Query(ge=1, le=NUMBER_MOST, description="To that reader.")]
OfDay = Annotated[Day | None, Query(description="Of that digest's day.")]

router = APIRouter(route_class=AdminRoute, tags=["admin"])


# --- dead letters --------------------------------------------------------------------------------
@router.get("/admin/dead", responses=by_pages())
def list_dead_letters(
    request: Request,
    response: Response,
    face: Means,
    who: KeyViewer,
    limit: Limit = 30,
    cursor: After = "",
    kind: Text = "",
    error: Text = "",
    days: Days = 0,
) -> shapes.Page[told.DeadLetter]:
    """Work that was given up, kind by kind. Operators may look for words in the errors."""
    wanted = dead.sound(kind, error, timedelta(days=days))
    name, _, number = cursor.partition(".")
    after = (name, int(number)) if cursor else None
    whole = who.may("operator")
    found = dead.listed(face.context, wanted, limit + 1, after=after, whole=whole)
    items = [told.DeadLetter.model_validate(one) for one in found[:limit]]
    more = f"{items[-1].kind}.{items[-1].id}" if len(found) > limit else None
    return paged(request, response, items, more)


@router.get("/admin/dead/counts")
def count_dead_letters(
    face: Means, _: KeyOperator, kind: Text = "", error: Text = "", days: Days = 0
) -> told.DeadCounts:
    """How many there are, and the mark for acting on all of them."""
    wanted = dead.sound(kind, error, timedelta(days=days))
    many = dead.many(face.context, wanted)
    counts = dead.counts(face.context, wanted)
    return told.DeadCounts(counts=counts, number=many.number, mark=many.mark)


@router.post("/admin/dead", responses=says(409))
def act_on_dead_letters(face: Means, who: KeyOperator, said: DeadActs) -> told.Outcome:
    """Try all that are chosen again, or drop them, if they are those that were seen."""
    wanted = dead.sound(said.kind, said.error, timedelta(days=said.days))
    act = dead.retry_all if said.do == "retry" else dead.drop_all
    done = act(face.context, who.name, wanted, said.mark)
    face.ring(done.rings)
    return told.Outcome(done=done.done, refused=dict(done.refused))


@router.post("/admin/dead/{kind}/{number}", status_code=204, responses=says(409))
def act_on_dead_letter(
    face: Means, who: KeyOperator, kind: Kind, number: RowId, said: DeadAct
) -> None:
    """Try one again, or drop it."""
    if said.do == "drop":
        dead.drop(face.context, who.name, kind, number)
    else:
        face.ring(dead.retry(face.context, who.name, kind, number))


# --- deliveries ----------------------------------------------------------------------------------
@router.get("/admin/deliveries", responses=by_pages())
def list_deliveries(
    request: Request,
    response: Response,
    face: Means,
    who: KeyViewer,
    limit: Limit = 30,
    cursor: Cursor = None,
    state: Text = "",
    day: OfDay = None,
    reader: ToReader = None,
) -> shapes.Page[told.DeliveryLine]:
    """Deliveries, the newest first."""
    wanted = Wanted(state=state, day=day, reader_id=reader)
    whole = who.may("operator")
    found = deliveries.listed(face.context, wanted, limit + 1, before=cursor, whole=whole)
    items = [told.DeliveryLine.model_validate(one) for one in found[:limit]]
    return paged(request, response, items, items[-1].id if len(found) > limit else None)


@router.get("/admin/deliveries/unsure")
def count_unsure(
    face: Means, _: KeyOperator, day: OfDay = None, reader: ToReader = None
) -> told.Many:
    """How many mails are unsure, and the mark for deciding all of them."""
    found = deliveries.unsure(face.context, Wanted(day=day, reader_id=reader))
    return told.Many.model_validate(found)


@router.post("/admin/deliveries/unsure", responses=says(409))
def decide_unsure(face: Means, who: KeyOperator, said: Decisions) -> told.Outcome:
    """Decide all unsure mails that are chosen, if they are those that were seen."""
    done = deliveries.decide_all(
        face.context,
        who.name,
        Wanted(day=said.day, reader_id=said.reader),
        arrived=said.arrived,
        why=said.why,
        mark=said.mark,
    )
    face.ring(done.rings)
    return told.Outcome(done=done.done, refused=dict(done.refused))


@router.get("/admin/deliveries/{number}")
def get_delivery(face: Means, who: KeyViewer, number: RowId) -> told.DeliveryWay:
    """The way of one mail."""
    way = deliveries.way(face.context, number, whole=who.may("operator"))
    return told.DeliveryWay(
        delivery=told.DeliveryLine.model_validate(way.trace.row),
        message_id=way.trace.message_id,
        moments=[told.WayMoment.model_validate(moment) for moment in way.moments],
        headers=list(way.headers),
    )


@router.post("/admin/deliveries/{number}", responses=says(409))
def decide_delivery(
    face: Means, who: KeyOperator, number: RowId, said: Decision
) -> told.DeliveryLine:
    """Say of an unsure mail whether it arrived; one that did not is sent again."""
    face.ring(deliveries.decide(face.context, who.name, number, arrived=said.arrived, why=said.why))
    return told.DeliveryLine.model_validate(deliveries.way(face.context, number).trace.row)
