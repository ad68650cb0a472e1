"""Knocks: who asked for something that is limited, and when. Who it was, only a keyed hash tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from tasks.models import Knock
from tasks.store import claims, counters
from tasks.store.upsert import insert_new

DOOR = "knocks"
LONGEST = timedelta(days=1)  # no limit looks back further


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` knocks `within` any span of that length."""

    most: int
    within: timedelta


def lock(session: Session) -> None:
    """Nobody else's knock is looked at until the commit: what was counted stays true."""
    counters.lock(session, DOOR)


def wait(session: Session, who: str, limit: Limit, now: datetime) -> timedelta | None:
    """How long until one more is within the limit; None when it is now."""
    since = (Knock.who == who, col(Knock.at) > now - limit.within)
    newest = select(Knock.at).where(*since).order_by(col(Knock.at).desc())
    deciding = session.exec(newest.offset(limit.most - 1).limit(1)).first()
    return None if deciding is None else deciding + limit.within - now


def note(session: Session, whos: Iterable[str], now: datetime) -> None:
    """They knocked."""
    insert_new(session, Knock, [{"who": who, "at": now} for who in whos])


def forget(session: Session, whos: Iterable[str]) -> None:
    """Nothing tells any more that they knocked."""
    session.execute(delete(Knock).where(col(Knock.who).in_(list(whos))))


def purge(session: Session, now: datetime) -> int:
    """Forget what no limit looks back to; how many."""
    return claims.changed(session, delete(Knock).where(col(Knock.at) <= now - LONGEST))
