"""A reader's data as one JSON document: to take along, and to bring back, here or elsewhere.

    {"version": 1, "account": {"email", "since", "confirmed_at"},
     "preferences": {"name", "timezone", "days", "hour", "language", "about", "most", "threshold",
                     "explore", "text_only", "length"},
     "profiles": [{"name", "versions": [{"number", "saved_at", "label", "body"}]}],
     "feedback": [{"paper", "want", "at", "profile", "teaches"}],
     "digests": [{"day", "made_at", "subject", "considered",
                  "picks": [{"place", "paper", "profile", "kind", "note", "value", "raw", "reasons"}]}]}

A paper is {"arxiv", "doi", "title"}; a label may be left out. No secret is in it, and no profile that was
removed. The account is told and not brought back: the document may go to another address.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from tasks.desk import preferring
from tasks.desk.document import VERSION, Document, read
from tasks.desk.interests import PROFILES_MOST
from tasks.desk.preferring import RULES
from tasks.errors import UsageError
from tasks.records import Paper
from tasks.round.context import Context
from tasks.store import lookup, moving, profiles, readers
from tasks.store.moving import Said, Sent

UNPACKED_MOST = 60_000_000  # bytes
VALUES_MOST = 3_000_000  # of any JSON: nothing but empty lists would take 1 GB, and many seconds
GZIP = b"\x1f\x8b"


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


def unpack(data: bytes) -> object:
    """The JSON of a file that was exported, as it is or packed by gzip. Raises `UsageError`."""
    plain = _inflated(data) if data.startswith(GZIP) else data
    if sum(map(plain.count, (b"[", b"{", b","))) > VALUES_MOST:
        raise UsageError(f"the file holds more than {VALUES_MOST:,} values")
    try:
        return json.loads(plain)
    except (ValueError, RecursionError):
        raise UsageError("the file is no JSON document") from None


def _inflated(data: bytes) -> bytes:
    unpacking = zlib.decompressobj(31)
    try:
        whole = unpacking.decompress(data, UNPACKED_MOST)
    except zlib.error:
        raise UsageError("the file is no sound gzip file") from None
    if unpacking.eof:
        return whole
    if len(whole) < UNPACKED_MOST:
        raise UsageError("the file ends too early")
    raise UsageError(f"the file is larger than {UNPACKED_MOST // 10**6} MB when it is unpacked")


def bring_back(context: Context, reader_id: int, body: object) -> Brought:
    """Put an exported document into a reader's account: all of it, or nothing where it is wrong.

    Preferences take its place; of profiles, feedback and sent papers, those that are here stay. Doing it
    again changes nothing. Raises `UsageError` naming the path of what is wrong, or the most profiles
    that there can be.
    """
    now = context.clock()
    document = read(body, now=now)
    # Not below, where the others' writing would wait for it.
    with context.database.read() as session:
        known = lookup.find(session, [paper.names for paper in document.papers])
    with context.database.write() as session:
        readers.lock(session, reader_id)
        reader = readers.present(session, reader_id)
        _check_room(session, reader_id, document.profiles)
        preferring.change(session, reader, document.preferences, now)
        saved = moving.restore_profiles(session, reader_id, document.profiles)
        counts = {"profiles": sum(map(bool, saved)), "versions": sum(saved)}
        counts["feedback"] = moving.restore_said(session, reader_id, _said(document, known))
        digests, papers = moving.restore_sent(session, reader_id, _sent(document, known))
    unknown = [paper.label for at, paper in enumerate(document.papers) if at not in known]
    return Brought(
        counts=counts | {"digests": digests, "papers": papers},
        unknown=tuple(dict.fromkeys(unknown)),
    )


def _check_room(session: Session, reader_id: int, named: Collection[str]) -> None:
    known = {one.name for one in profiles.saved(session, reader_id)}
    every = known.union(named)
    if len(every) > max(PROFILES_MOST, len(known)):
        raise UsageError(
            f"profiles and those that are here would be {len(every)} together, and {PROFILES_MOST} is "
            "the most there can be: remove some first"
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
