"""Numbers in commit order: whoever takes one holds the counter's row until the commit."""

from __future__ import annotations

from sqlalchemy import update
from sqlmodel import Session, col, select

from tasks.models import Counter
from tasks.store.upsert import insert_new


def lock(session: Session, name: str) -> None:
    """Wait until no other transaction holds this counter, then hold it until the commit."""
    insert_new(session, Counter, [{"name": name, "value": 0}])
    session.execute(update(Counter).where(col(Counter.name) == name).values(value=Counter.value))


def take(session: Session, name: str) -> int:
    """The next number. The caller holds the lock."""
    statement = update(Counter).where(col(Counter.name) == name).values(value=Counter.value + 1)
    return int(session.execute(statement.returning(col(Counter.value))).scalar_one())


def value(session: Session, name: str) -> int:
    """The last number taken; 0 before the first."""
    return session.exec(select(Counter.value).where(Counter.name == name)).first() or 0
