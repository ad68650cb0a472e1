"""The admin's side of a house: admins of each role, a day that was misread and mended, and trouble.

`furnish` makes it so; what it returns names the rows that the admin's pages are about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from journey import House, moment
from papers import add_page
from sqlmodel import Session, select

from tasks import models
from tasks.office import admins, asking, programs, runs, sources, watching
from tasks.office.asking import Asked
from tasks.records import SourceKind
from tasks.round.backlog.question import Mail
from tasks.round.walk import run_once
from tasks.store import alarms, pages
from tasks.store.admins import Role
from tasks.store.alarms import Found

VIEWER, OPERATOR, OWNER = ROLES = tuple(role.value for role in Role)
PASSWORD = "nine tidal kilns orbit a mango"
FEED = "a feed"  # a source that is never asked
HOSTILE = "<img src=x onerror=alert(1)>"
MISREAD = 9  # papers
LOST = "the rest of it is lost"  # how the misread papers ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Numbers of rows: a page in quarantine, a dead digest, an unsure mail and a dead one; runs by their
    code: one that has only been planned, and one that mended a day. `key` is an owner's, for the API.
    """

    page: int
    digest: int
    unsure: int
    dead: int
    planned: str
    done: str
    key: str


def furnish(house: House, reader_id: int) -> Office:
    """Admins, a plan and a mended day; then a page, digests and mails of that reader go wrong."""
    context, now = house.context, house.clock()
    for role in Role:
        admins.create(context, "command line", role.value, PASSWORD, role=role)
    done, planned = _mended(house), _planned(house, "2026-11-17", Mail.ADDENDUM)
    sources.add(context, OWNER, SourceKind.FEED, "https://1.1.1.1/feed", name=FEED)
    sources.set_state(context, OWNER, FEED, "paused")
    with context.database.write() as session:
        page = _unreadable(session)
        dead_digest = _digest(session, reader_id, moment(16).date(), "dead")
        unsure = _mail(session, reader_id, moment(17).date(), "unsure")
        dead = _mail(session, reader_id, moment(18).date(), "dead")
        over = Found("disk", "disk", "The disk was nearly full.", "Make room.")
        alarms.sync(session, [over], now - timedelta(days=2))
        alarms.sync(session, [], now - timedelta(days=1))
    watching.watch(context)
    key = programs.make(context, OWNER, OWNER, "a notebook", role=Role.OWNER)[1]
    return Office(
        page=page, digest=dead_digest, unsure=unsure, dead=dead, planned=planned, done=done, key=key
    )


def _mended(house: House) -> str:
    """A run has mended what was misread of the 19th and 20th."""
    code = _planned(house, "2026-11-19", Mail.NONE)
    runs.start(house.context, code, OPERATOR)
    run_once(house.context, house.clock())
    assert runs.look(house.context, code).state == "done"
    return code


def _planned(house: House, first: str, mail: Mail) -> str:
    """A plan to mend papers of the days from that one to the 20th, some of which were misread."""
    with house.context.database.write() as session:
        newest = models.Entry.id.desc()  # type: ignore[union-attr]
        for row in session.exec(select(models.Entry).order_by(newest).limit(MISREAD)):
            row.abstract = f"{row.abstract[:80]} {LOST}"
    asked = Asked(first=first, last="2026-11-20", mail=mail)
    code = runs.plan(house.context, asking.question(house.context, asked), OPERATOR)[0]
    run_once(house.context, house.clock())
    assert runs.look(house.context, code).state == "planned"
    return code


def _unreadable(session: Session) -> int:
    source = session.exec(select(models.Source.id).order_by(models.Source.id)).first()  # type: ignore[arg-type]
    assert source is not None
    now = moment(20, 18)
    key = add_page(session, source, now, f"[{{ {HOSTILE}".encode())
    pages.claim(session, key, key, owner="me", now=now)
    pages.quarantined(session, key, owner="me", reason="bad_json", error=f"ends {HOSTILE}")
    return key


def _digest(session: Session, reader_id: int, day: date, state: str) -> int:
    at = moment(day.day, 7)
    row = models.Digest(reader_id=reader_id, day=day, due_at=at, planned_at=at, state=state)
    row.subject, row.error = "Sparse attention, and 2 more", f"no template: {HOSTILE}"
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def _mail(session: Session, reader_id: int, day: date, state: str) -> int:
    """A mail like the reader's first, of which nobody knows whether it arrived, or that was given up."""
    theirs = models.Delivery.reader_id == reader_id
    first = session.exec(select(models.Delivery).where(theirs)).first()
    assert first is not None
    digest, at = _digest(session, reader_id, day, "rendered"), moment(day.day, 7)
    paper = session.exec(select(models.Entry.id).order_by(models.Entry.id).offset(day.day)).first()  # type: ignore[arg-type]
    told = {"place": 1, "value": 0.5, "raw": 0.0, "entry_id": paper}
    session.add(models.Pick(digest_id=digest, reader_id=reader_id, **told))
    row = models.Delivery(
        **first.model_dump(exclude={"id", "sent_at"})
        | {
            "digest_id": digest,
            "created_at": at,
            "expires_at": moment(23),
            "key": f"{state}-{day}",
            "message_id": f"<{state}-{day}@papers.example>",
            "state": state,
            "error": f"451 try later {HOSTILE}",
        }
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    outcome = "unsure" if state == "unsure" else "deferred"
    said = {"phase": "dot", "outcome": outcome, "reply": row.error, "owner": "box"}
    session.add(models.Attempt(delivery_id=row.id, number=1, at=at, **said))
    return row.id
