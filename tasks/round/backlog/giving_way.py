"""Today's round goes first: whether it waits, and what a backlog run does about it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from tasks.round.context import Context
from tasks.round.delivering import closed_until
from tasks.store import watch


class RoundFirst(Exception):
    """Today's round has begun to wait while a plan was being made: the plan is made later, from its start."""


def round_waits(context: Context, session: Session, at: datetime) -> bool:
    """Whether today's round has something to do that somebody could be at: no mails whose server is down."""
    left = watch.unfinished(session, at, context.clock())
    if left["deliver"] and closed_until(context):
        left["deliver"] = 0
    return any(left.values())
