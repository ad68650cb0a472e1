"""What a database must forget that comes back from a backup: the service went on after it was made.

What waited to be mailed then may have been mailed since, and nobody who is left remembers it. So mails
that waited are *unsure*, digests that were being made are dead letters, and the hours that passed in
between are not made up for: each is told with its reason, and decided by a person. Where an admin knows
that nothing was mailed since, all of that stays as it was and goes on.

Papers that the old service mailed after the backup are news to a restored one, and may come again: rather
twice than never.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, func, select

from tasks.hours import is_zone, next_due
from tasks.models import (
    AdminVisit,
    Attempt,
    Delivery,
    Digest,
    Pulse,
    Reader,
    Run,
    RunItem,
    Ticket,
    Visit,
)
from tasks.store import claims, deliveries, digests, readers

AT_ONCE = 500  # rows of one statement
LETTER = "it waited when the backup was taken: what it told is past, and its link holds no longer"


def come_back(
    session: Session, now: datetime, made_at: datetime, *, sent: bool, asks: bool
) -> dict[str, int]:
    """Make the rows of a backup from `made_at` fit to go on at `now`; how many of each kind changed.

    `sent` says that digests may have gone out since; `asks`, that the transport can be asked which did.
    """
    found = _signed_out(session)
    found["letters"] = _letters(session, sent=sent)
    found["runs"] = _pause_runs(session)
    _let_go(session)
    if sent:
        found["digests"] = _digests(session, made_at)
        found["asked"] = _ask(session) if asks else 0
        found["unsure"] = 0 if asks else _unsure(session, now, made_at)
        found["hours"] = _hours(session, now)
        _warn_of_runs(session, made_at)
    return found


def _signed_out(session: Session) -> dict[str, int]:
    """Browsers and mailed secrets: one that was used or ended since would hold again."""
    session.execute(delete(Pulse))  # of processes that are no more
    tickets = claims.changed(session, delete(Ticket))
    visits = claims.changed(session, delete(Visit)) + claims.changed(session, delete(AdminVisit))
    return {"visits": visits, "tickets": tickets}


def _letters(session: Session, *, sent: bool) -> int:
    """Letters that waited: the links in them are void. One about an alarm has none, and is told once."""
    kept = ("",) if sent else ("", deliveries.ALARM)
    waiting = (col(Delivery.letter).not_in(kept), col(Delivery.state).in_(deliveries.OPEN))
    return claims.changed(
        session, update(Delivery).where(*waiting).values(state="expired", error=LETTER)
    )


def _pause_runs(session: Session) -> int:
    """Backlog runs that were under way are paused, and those that stood before it are plans again."""
    before = select(Run.id).where(col(Run.state).in_(("checking", "queued")))
    looks = (
        col(RunItem.kind) == "check",
        col(RunItem.state) == "waiting",
        col(RunItem.run_id).in_(before),
    )
    session.execute(delete(RunItem).where(*looks))
    waits = update(Run).where(col(Run.state).in_(("checking", "queued")))
    going = update(Run).where(col(Run.state) == "running")
    paused = claims.changed(session, going.values(state="paused"))
    return paused + claims.changed(session, waits.values(state="planned"))


def _warn_of_runs(session: Session, made_at: datetime) -> None:
    """A run that is paused here may have gone on there, and mailed what is left of it."""
    words = (
        f"it was under way when the backup of {made_at:%Y-%m-%d %H:%M} UTC was taken, and may have ended "
        "since: resume it only if its readers got no mail of it, else cancel it"
    )
    session.execute(update(Run).where(col(Run.state) == "paused").values(error=words))


def _let_go(session: Session) -> None:
    """No lease: whoever had one is gone."""
    for model in claims.WORK:
        held = (col(model.owner) != "") | col(model.lease_until).is_not(None)
        session.execute(update(model).where(held).values(owner="", lease_until=None))


def _digests(session: Session, made_at: datetime) -> int:
    """Digests that were being made: as dead letters they can be made after all."""
    words = (
        f"it was being made when the backup of {made_at:%Y-%m-%d %H:%M} UTC was taken, and may have "
        "been mailed since: retry it only if its reader got nothing that day"
    )
    making = col(Digest.state).in_(("planned", "composed"))
    dead = update(Digest).where(making).values(state="dead", error=words, next_attempt_at=None)
    gone = list(session.execute(dead.returning(col(Digest.id))).scalars())
    for start in range(0, len(gone), AT_ONCE):
        digests.free_papers(session, gone[start : start + AT_ONCE])
    return len(gone)


def _ask(session: Session) -> int:
    """The transport is asked of each mail that waited, as it is after a worker's death."""
    waiting = col(Delivery.state).in_(deliveries.OPEN)
    again = {"state": "armed", "next_attempt_at": None}
    return claims.changed(session, update(Delivery).where(waiting).values(again))


def _unsure(session: Session, now: datetime, made_at: datetime) -> int:
    """Nobody knows of the mails that waited; a person decides."""
    words = (
        f"it waited when the backup of {made_at:%Y-%m-%d %H:%M} UTC was taken, and may have been mailed "
        "since: look for its Message-ID in the mail server's log, then decide"
    )
    tried = select(func.count()).where(Attempt.delivery_id == Delivery.id)
    waiting = select(Delivery.id, tried.correlate(Delivery).scalar_subquery())
    found = session.exec(waiting.where(col(Delivery.state).in_(deliveries.OPEN))).all()
    unsure = {"state": "unsure", "error": words, "next_attempt_at": None}
    session.execute(update(Delivery).where(col(Delivery.state).in_(deliveries.OPEN)).values(unsure))
    what = {"at": now, "owner": "", "phase": "restore", "outcome": "unsure", "reply": words}
    for start in range(0, len(found), AT_ONCE):
        some = found[start : start + AT_ONCE]
        rows = [{"delivery_id": key, "number": number + 1, **what} for key, number in some]
        session.execute(Attempt.__table__.insert(), rows)  # type: ignore[attr-defined]
    return len(found)


def _hours(session: Session, now: datetime) -> int:
    """Readers whose hour passed since are looked at in their next one. How many."""
    readers.wake(session, now)  # whose pause ended meanwhile had an hour that passed, too
    passed = select(Reader).where(Reader.state == "active", col(Reader.next_digest_at) <= now)
    plans: list[tuple[int, Any]] = []
    for row in session.exec(passed):
        reader = readers.record(row)
        # A zone that this machine does not know is told of when the digest is due.
        if is_zone(reader.timezone):
            plans.append((reader.id, next_due(reader, now)))
    for start in range(0, len(plans), AT_ONCE):
        readers.planned(session, plans[start : start + AT_ONCE])
    return len(plans)
