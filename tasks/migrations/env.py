"""Runs migrations on the connection that `tasks.store.migrate` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlmodel import AutoString, SQLModel

from tasks import models
from tasks.store.migrate import is_of_models


def plain_types(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Write our column types as what the database sees."""
    if kind == "type" and isinstance(item, models.UtcTime):
        return "sa.DateTime()"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_item=plain_types,
    render_as_batch=True,
    compare_type=True,
    include_name=is_of_models,
)
with context.begin_transaction():
    context.run_migrations()
