"""Your data: all of it out and back in, and what other programs know of your papers."""

from __future__ import annotations

from fastapi import APIRouter

from tasks.desk import moving
from tasks.desk.adding import add_examples
from tasks.desk.collecting import collect
from workers.web.api import shapes
from workers.web.api.bodies import Papers
from workers.web.api.careful import LargeRoute, Me
from workers.web.api.schema import says
from workers.web.page import Means

router = APIRouter(route_class=LargeRoute, tags=["your data"])


@router.get("/me/export")
def export(face: Means, me: Me) -> shapes.Export:
    """All your data, as one document. It holds no secret."""
    return shapes.Export.model_validate(moving.export(face.context, me.id))


@router.post("/me/import", responses=says(404))
def bring_back(face: Means, me: Me, document: shapes.Export) -> shapes.Brought:
    """Bring exported data back: all of it, or nothing where something is wrong."""
    brought = moving.bring_back(face.context, me.id, document.model_dump())
    return shapes.Brought.model_validate(brought)


@router.post("/me/papers", responses=says(404, 409, 429))
def add_papers(face: Means, me: Me, papers: Papers) -> shapes.Imported:
    """Papers of your library as a profile's examples; what was not found is named."""
    found = collect(face.context, papers.text, reader_id=me.id)
    added = add_examples(face.context, me.id, papers.profile, found)
    return shapes.Imported(
        profile=papers.profile,
        version=added.version,
        added=added.examples,
        matched=len(found.matched),
        titled=len(found.titled),
        unmatched=list(found.unmatched),
        refused=[shapes.Refused.model_validate(one) for one in found.refused],
        notes=[str(note) for note in found.notes],
    )
