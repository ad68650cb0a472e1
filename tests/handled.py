"""A house in which an admin has something to do: what a round left, and what went wrong with it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from papers import add_folder, add_page, add_reader, add_source, api_json, bring, entry, page
from sqlmodel import Session, func, select

from tasks import models
from tasks.office import sources
from tasks.records import SourceKind
from tasks.round.context import Context
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import pages
from tasks.store.database import Database

HOSTILE = "<img src=x onerror=alert(1)>"
FEED = "https://1.1.1.1/feed"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)  # what the fixture `now` says


def troubled(empty: Path, home: Path) -> Path:
    """A SQLite file after a round: mail 1 was sent, mail 2 is unsure, mail 3 is dead, page 4 is in
    quarantine, and the feed was never fetched. Strangers' words in it are hostile.
    """
    file = Path(shutil.copy(empty, home / "house.db"))
    (home / "pages").mkdir()
    (home / "pages" / "2026-11-20.json").write_bytes(
        api_json(entry(0, title=f"Attention {HOSTILE}"), *(entry(n) for n in range(1, 8)))
    )
    database = Database(f"sqlite:///{file}")
    made = Context(settings=Settings(home=home), database=database, clock=lambda: NOW)
    with database.write() as session:
        add_folder(session, home / "pages", NOW)
        add_reader(session, NOW, "ada@readers.example", terms=["attention", "a private matter"])
    run_once(made, NOW)
    sources.add(made, "setup", SourceKind.FEED, FEED, name="feed")
    with database.write() as session:
        for number, state in ((2, "unsure"), (3, "dead")):
            _another(session, NOW, number, state)
        source = add_source(session, NOW, "hand/made")
        key = add_page(session, source, NOW, f"[{{ {HOSTILE}".encode())
        pages.claim(session, key, key, owner="me", now=NOW)
        pages.quarantined(session, key, owner="me", reason="bad_json", error=f"ends {HOSTILE}")
    made.close()
    return file


def _another(session: Session, now: datetime, number: int, state: str) -> None:
    first = session.exec(select(models.Delivery)).first()
    assert first is not None
    reader = add_reader(session, now, f"r{number}@readers.example", name=HOSTILE)
    digest = models.Digest(
        reader_id=reader, day=now.date(), due_at=now, planned_at=now, state="rendered"
    )
    digest.subject = "Study 1 of sparse attention"
    session.add(digest)
    session.flush()
    bring(session, page(entry(100 + number)), now, body=b"%d" % number)
    paper = session.exec(select(func.max(models.Entry.id))).one()
    told = {"place": 1, "value": 0.5, "raw": 0.0, "entry_id": paper}
    session.add(models.Pick(digest_id=digest.id or 0, reader_id=reader, **told))
    made = first.model_dump(exclude={"id"}) | {
        "digest_id": digest.id,
        "reader_id": reader,
        "key": f"k{number}",
        "message_id": f"<k{number}@x>",
        "state": state,
        "sent_at": None,
        "recipient": f"r{number}@readers.example",
        "error": f"550 r{number}@readers.example {HOSTILE}",
    }
    row = models.Delivery(**made)
    session.add(row)
    session.flush()
    outcome = "unsure" if state == "unsure" else "deferred"
    said = {"phase": "dot", "outcome": outcome, "reply": row.error, "owner": "box"}
    session.add(models.Attempt(delivery_id=row.id or 0, number=1, at=now, **said))
