"""Your keys. A new one is made on the page of your keys, or by the command line: not by another key."""

from __future__ import annotations

from fastapi import APIRouter

from tasks.desk import visiting
from workers.web.api import shapes
from workers.web.api.careful import KeyedRoute, Me
from workers.web.api.paging import RowId
from workers.web.page import Means

router = APIRouter(route_class=KeyedRoute, tags=["keys"])


@router.get("/me/keys")
def list_keys(face: Means, me: Me) -> shapes.Keys:
    """Your keys, the oldest first; their secrets nobody knows but you."""
    found = visiting.list_keys(face.context, me.id)
    return shapes.Keys(items=[shapes.Key.model_validate(one) for one in found])


@router.delete("/me/keys/{key}", status_code=204)
def revoke_key(face: Means, me: Me, key: RowId) -> None:
    """The key opens nothing any more; it may be the one that you show."""
    visiting.revoke_key(face.context, me.id, key)
