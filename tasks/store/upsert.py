"""Insert what is not there yet, in one statement, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def insert_new(session: Session, model: type[SQLModel], rows: Sequence[dict[str, Any]]) -> int:
    """Insert rows; those that meet a unique key are left as they stand. How many were inserted."""
    if not rows:
        return 0
    table: Any = model
    statement = _insert(session, table.__table__).on_conflict_do_nothing().returning(*_keys(table))
    return len(session.execute(statement, list(rows)).all())


def replace(
    session: Session, model: type[SQLModel], rows: Sequence[dict[str, Any]], *, key: Sequence[str]
) -> None:
    """Insert rows; those that meet the unique `key` take the new values."""
    if not rows:
        return
    table: Any = model
    statement = _insert(session, table.__table__)
    taken = {name: statement.excluded[name] for name in rows[0] if name not in key}
    session.execute(
        statement.on_conflict_do_update(index_elements=list(key), set_=taken), list(rows)
    )


def _insert(session: Session, table: Any) -> Any:
    name = session.get_bind().dialect.name
    return sqlite.insert(table) if name == "sqlite" else postgresql.insert(table)


def _keys(model: Any) -> list[Any]:
    return list(model.__table__.primary_key.columns)
