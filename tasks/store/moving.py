"""A reader's history as a whole, to take along and to bring back.

Papers are told by what they are known by everywhere: numbers of rows mean nothing elsewhere. A digest
that was brought back is `imported`: no round looks at it, and its papers never come again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, insert
from sqlmodel import Session, col, func, select

from tasks.models import Digest, Entry, Feedback, Pick, Profile, ProfileVersion, Reader, Score
from tasks.records import Want
from tasks.store import shards
from tasks.store.feedback import OPPOSITE, own
from tasks.store.upsert import insert_new

IMPORTED = "imported"
WENT_OUT = ("rendered", IMPORTED)
UNSENT = ("planned", "composed")

Version = tuple[
    dict[str, Any], datetime, str
]  # of a profile: its JSON, when it was saved, its label


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a reader said of an entry that is known here."""

    entry_id: int
    want: Want
    at: datetime
    profile: str
    teaches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A digest that went out elsewhere, and its picks as (entry id, the columns of `Pick`)."""

    day: date
    made_at: datetime
    subject: str
    considered: int
    picks: Sequence[tuple[int, Mapping[str, Any]]]


# --- to take along -------------------------------------------------------------------------------
def account(session: Session, reader_id: int) -> dict[str, Any]:
    """The address, and since when it is a reader's."""
    row = session.get_one(Reader, reader_id)
    return {
        "email": row.email,
        "since": row.created_at.isoformat(),
        "confirmed_at": row.confirmed_at.isoformat() if row.confirmed_at else None,
    }


def versions(session: Session, reader_id: int) -> list[dict[str, Any]]:
    """Every profile that is in use, with everything that was ever saved of it."""
    found = session.exec(
        select(Profile, ProfileVersion)
        .join(ProfileVersion, col(ProfileVersion.profile_id) == Profile.id)
        .where(Profile.reader_id == reader_id, Profile.state == "active")
        .order_by(col(Profile.id), col(ProfileVersion.version))
    )
    kept: dict[str, list[dict[str, Any]]] = {}
    for profile, version in found:
        kept.setdefault(profile.name, []).append(
            {
                "number": version.version,
                "saved_at": version.created_at.isoformat(),
                "label": version.label,
                "body": dict(version.body),
            }
        )
    return [{"name": name, "versions": saved} for name, saved in kept.items()]


def said(session: Session, reader_id: int) -> list[dict[str, Any]]:
    """All feedback, the oldest first."""
    found = session.exec(
        select(Feedback, Entry, Profile.name)
        .join(Entry, col(Entry.id) == _now_known_as(Feedback.entry_id))
        .outerjoin(Profile, own())
        .where(Feedback.reader_id == reader_id)
        .order_by(col(Feedback.at), col(Feedback.id))
    )
    return [
        {
            "paper": _paper(entry),
            "want": row.kind,
            "at": row.at.isoformat(),
            "profile": name or "",
            "teaches": row.teaches,
        }
        for row, entry, name in found
    ]


def sent(session: Session, reader_id: int) -> list[dict[str, Any]]:
    """The digests that went out and their picks, the oldest first."""
    found = session.exec(
        select(Digest, Pick, Entry)
        .join(Pick, col(Pick.digest_id) == Digest.id)
        .join(Entry, col(Entry.id) == _now_known_as(Pick.entry_id))
        .where(Digest.reader_id == reader_id, col(Digest.state).in_(WENT_OUT))
        .order_by(col(Digest.day), col(Digest.addendum_of), col(Pick.place))
    )
    days: dict[date, dict[str, Any]] = {}
    for digest, pick, entry in found:
        made_at = digest.composed_at or digest.planned_at
        day: dict[str, Any] = {"day": digest.day.isoformat(), "made_at": made_at.isoformat()}
        day |= {"subject": digest.subject, "considered": digest.considered, "picks": []}
        picks = days.setdefault(digest.day, day)["picks"]
        picks.append(
            {
                "place": len(picks) + 1,
                "paper": _paper(entry),
                "profile": pick.profile_name,
                "kind": pick.kind,
                "note": pick.note,
                "value": pick.value,
                "raw": pick.raw,
                "reasons": [list(reason) for reason in pick.reasons],
            }
        )
    return list(days.values())


def _now_known_as(entry_id: Any) -> Any:
    """The entry that this one was merged into, or itself."""
    merged = select(func.coalesce(Entry.merged_into, Entry.id)).where(col(Entry.id) == entry_id)
    return merged.correlate_except(Entry).scalar_subquery()


def _paper(entry: Entry) -> dict[str, Any]:
    return {"arxiv": entry.arxiv_id, "doi": entry.doi, "title": entry.title}


# --- to bring back -------------------------------------------------------------------------------
def restore_profiles(
    session: Session, reader_id: int, brought: Mapping[str, Sequence[Version]]
) -> list[int]:
    """Save the versions of each profile in order, behind those that are there; how many of each.

    None where they are the last that are there already: a document may be brought back twice.
    """
    counts = [_restore(session, reader_id, name, saved) for name, saved in brought.items()]
    if any(counts):
        shards.score_anew(session, reader_id)
    return counts


def _restore(session: Session, reader_id: int, name: str, saved: Sequence[Version]) -> int:
    mine = (Profile.reader_id == reader_id, Profile.name == name)
    row = session.exec(select(Profile).where(*mine)).first()
    row = row or Profile(reader_id=reader_id, name=name, version=0)
    if row.id and _last(session, row.id, len(saved)) == [body for body, *_ in saved]:
        return 0
    next_one = row.version + 1
    row.version, row.state = row.version + len(saved), "active"
    row.share = float(saved[-1][0].get("share") or 1.0)
    session.add(row)
    session.flush()
    rows = [
        {
            "profile_id": row.id,
            "version": number,
            "body": body,
            "created_at": moment,
            "label": label,
        }
        for number, (body, moment, label) in enumerate(saved, start=next_one)
    ]
    session.execute(insert(ProfileVersion), rows)
    session.execute(delete(Score).where(col(Score.profile_id) == row.id))
    # What was on trial beside it was compared with another version.
    session.execute(delete(Profile).where(col(Profile.shadows) == row.id))
    return len(saved)


def _last(session: Session, profile_id: int, number: int) -> list[dict[str, Any]]:
    """What the last so many versions hold, the newest at the end."""
    found = (
        select(ProfileVersion.body)
        .where(ProfileVersion.profile_id == profile_id)
        .order_by(col(ProfileVersion.version).desc())
        .limit(number)
    )
    return [*session.exec(found)][::-1]


def restore_said(session: Session, reader_id: int, given: Iterable[Said]) -> int:
    """Keep feedback that does not contradict what the reader has said here; how much was new."""
    own = select(Feedback.entry_id, Feedback.kind).where(Feedback.reader_id == reader_id)
    known = {(entry_id, Want(kind)) for entry_id, kind in session.exec(own)}
    named = select(Profile.name, Profile.id).where(Profile.reader_id == reader_id)
    profile_ids = dict(session.exec(named).all())
    rows = []
    for one in given:
        if (one.entry_id, OPPOSITE.get(one.want)) in known:
            continue
        known.add((one.entry_id, one.want))
        row: dict[str, Any] = {"reader_id": reader_id, "entry_id": one.entry_id}
        row |= {"kind": one.want.value}
        row |= {"profile_id": profile_ids.get(one.profile), "at": one.at, "teaches": one.teaches}
        rows.append(row)
    new = insert_new(session, Feedback, rows)
    if new:
        shards.score_anew(session, reader_id)
    return new


def restore_sent(session: Session, reader_id: int, digests: Sequence[Sent]) -> tuple[int, int]:
    """Keep digests as sent: how many, and how many papers of theirs were not known as sent before.

    A digest of such a day that has not gone out gives way: the reader had their papers for that day.
    Behind one that went out the papers are added, where nobody reads them but the next choice.
    """
    days = (col(Digest.reader_id) == reader_id, col(Digest.day).in_([one.day for one in digests]))
    session.execute(delete(Digest).where(*days, col(Digest.state).in_(UNSENT)))
    taken = set(session.exec(select(Pick.entry_id).where(Pick.reader_id == reader_id)))
    restored: list[Sent] = []
    picks: list[tuple[date, int, Mapping[str, Any]]] = []
    for one in digests:
        new = {key: columns for key, columns in one.picks if key not in taken}
        if new:
            restored.append(one)
            picks += [(one.day, key, columns) for key, columns in new.items()]
            taken.update(new)
    insert_new(session, Digest, [_digest(reader_id, one) for one in restored])
    return len(restored), insert_new(session, Pick, _picks(session, reader_id, picks))


def _digest(reader_id: int, one: Sent) -> dict[str, Any]:
    row = {"reader_id": reader_id, "day": one.day, "state": IMPORTED, "due_at": one.made_at}
    row |= {"planned_at": one.made_at, "composed_at": one.made_at}
    return row | {"subject": one.subject, "considered": one.considered}


def _picks(
    session: Session, reader_id: int, picks: Iterable[tuple[date, int, Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Rows of (day, entry id, columns), behind the places that are taken in the digest of that day."""
    mine = select(col(Digest.day), col(Digest.id)).where(Digest.reader_id == reader_id)
    mine = mine.order_by(
        col(Digest.addendum_of).desc()
    )  # the day's own digest before what was added
    by_day = {day: key for day, key in session.exec(mine) if key is not None}
    last = select(Pick.digest_id, func.max(Pick.place)).where(Pick.reader_id == reader_id)
    behind = dict(session.exec(last.group_by(col(Pick.digest_id))).all())
    return [
        {"digest_id": by_day[day], "reader_id": reader_id, "entry_id": key, **columns}
        | {"place": columns["place"] + behind.get(by_day[day], 0)}
        for day, key, columns in picks
    ]
