"""A reader's data as one JSON document: to take along, and to bring back, here or elsewhere.

    {"version": 1, "account": {"email", "since", "confirmed_at"},
     "preferences": {"name", "timezone", "days", "hour", "language", "about", "most", "threshold",
                     "explore", "text_only", "length"},
     "profiles": [{"name", "versions": [{"number", "saved_at", "body"}]}],
     "feedback": [{"paper", "want", "at", "profile", "teaches"}],
     "digests": [{"day", "made_at", "subject", "considered",
                  "picks": [{"place", "paper", "profile", "kind", "note", "value", "raw", "reasons"}]}]}

A paper is {"arxiv", "doi", "title"}. No secret is in it. The account is told and not brought back: the
document may go to another address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.desk.document import VERSION, Document, read
from tasks.desk.preferring import RULES
from tasks.hours import next_due
from tasks.records import Paper
from tasks.round.context import Context
from tasks.store import lookup, moving, readers
from tasks.store.moving import Said, Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What came back, counted: profiles, versions, feedback, digests, papers; and the papers that are
    not known here, by their titles.
    """

    counts: Mapping[str, int]
    unknown: tuple[str, ...]


def export(context: Context, reader_id: int) -> dict[str, Any]:
    """All that is a reader's, fit for JSON. Raises `UnknownName`."""
    with context.database.read() as session:
        reader = readers.present(session, reader_id)
        return {
            "version": VERSION,
            "account": moving.account(session, reader_id),
            "preferences": {key: getattr(reader, key) for key in RULES}
            | {"days": list(reader.days)},
            "profiles": moving.versions(session, reader_id),
            "feedback": moving.said(session, reader_id),
            "digests": moving.sent(session, reader_id),
        }


def bring_back(context: Context, reader_id: int, body: object) -> Brought:
    """Put an exported document into a reader's account: all of it, or nothing where it is wrong.

    Preferences take its place; of profiles, feedback and sent papers, those that are here stay. Doing it
    again changes nothing. Raises `UsageError` naming the path of what is wrong.
    """
    now = context.clock()
    document = read(body, now=now)
    with context.database.write() as session:
        readers.present(session, reader_id)
        readers.change(session, reader_id, **document.preferences)
        reader = readers.get(session, reader_id)
        if reader.state == "active":
            readers.change(session, reader_id, next_digest_at=next_due(reader, now))
        saved = [
            moving.restore_profile(session, reader_id, name, versions)
            for name, versions in document.profiles.items()
        ]
        known = lookup.find(session, [paper.names for paper in document.papers])
        counts = {"profiles": sum(map(bool, saved)), "versions": sum(saved)}
        counts["feedback"] = moving.restore_said(session, reader_id, _said(document, known))
        digests, papers = moving.restore_sent(session, reader_id, _sent(document, known))
    unknown = [paper.label for at, paper in enumerate(document.papers) if at not in known]
    return Brought(
        counts=counts | {"digests": digests, "papers": papers},
        unknown=tuple(dict.fromkeys(unknown)),
    )


def _said(document: Document, known: Mapping[int, Paper]) -> list[Said]:
    return [
        Said(
            entry_id=int(known[one.paper].id),
            want=one.want,
            at=one.at,
            profile=one.profile,
            teaches=one.teaches,
        )
        for one in document.answers
        if one.paper in known
    ]


def _sent(document: Document, known: Mapping[int, Paper]) -> list[Sent]:
    """The digests of which any paper is known, with those."""
    found = [
        Sent(
            day=one.day,
            made_at=one.made_at,
            subject=one.subject,
            considered=one.considered,
            picks=[(int(known[at].id), pick) for at, pick in one.picks.items() if at in known],
        )
        for one in document.digests
    ]
    return [one for one in found if one.picks]
