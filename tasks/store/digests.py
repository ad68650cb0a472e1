"""Digests: planned at the reader's hour, composed from scores, rendered once. Unique per reader and day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from tasks.errors import PaperroundError
from tasks.hours import is_zone, zone
from tasks.models import Carry, Delivery, Digest, Entry, Feedback, Pick, Profile, Reader, Score
from tasks.records import Candidate, Composition, Paper, PickKind
from tasks.records import Digest as DigestRecord
from tasks.records import Pick as PickRecord
from tasks.records import Score as ScoreRecord
from tasks.store import claims, entries, readers, runs
from tasks.store.shards import reasons_from_json, reasons_to_json
from tasks.store.upsert import insert_new

LEASE = timedelta(minutes=3)
RETRY_FIRST = timedelta(minutes=1)
RETRY_MOST = timedelta(minutes=30)
LATELY, MOST_SENT = timedelta(days=120), 300  # what a twin of a sent paper is looked for among
MOST_CANDIDATES = 500  # a digest has 50 picks at most
GIVEN_UP = ("dead", "dropped")  # digests that were never made
NEVER_WENT = ("expired", "suppressed", "dropped")  # deliveries whose papers may come again
BEGINNING = datetime.min.replace(tzinfo=UTC)


def plan(session: Session, plans: Iterable[tuple[int, date, datetime]], at: datetime) -> int:
    """Plan digests as (reader id, local day, due at); those planned already stay. How many are new."""
    rows = [
        {
            "reader_id": reader_id,
            "day": day,
            "due_at": due_at,
            "planned_at": at,
            "state": "planned",
        }
        for reader_id, day, due_at in plans
    ]
    return insert_new(session, Digest, rows)


@dataclass(frozen=True, slots=True)
class Hold:
    """Digests that wait for papers on their way: those of readers in `shard_ids`.

    A digest that was planned before `since` has waited long enough and goes without them.
    """

    shard_ids: tuple[int, ...] = ()
    since: datetime = BEGINNING

    def frees(self) -> list[ColumnElement[bool]]:
        """The condition that a digest is not held."""
        if not self.shard_ids:
            return []
        waiting = select(Reader.id).where(col(Reader.shard_id).in_(self.shard_ids))
        return [(col(Digest.planned_at) < self.since) | col(Digest.reader_id).not_in(waiting)]


def due(session: Session, state: str, now: datetime, limit: int, hold: Hold = Hold()) -> list[int]:
    """Digests in that state which nobody works on and nothing holds."""
    where = (col(Digest.state) == state, claims.free(Digest, now), *hold.frees())
    found = session.exec(select(Digest.id).where(*where).order_by(col(Digest.id)).limit(limit))
    return [key for key in found if key is not None]


def claim(
    session: Session,
    state: str,
    first: int,
    last: int,
    *,
    owner: str,
    now: datetime,
    limit: int,
    hold: Hold = Hold(),
) -> list[int]:
    """Take digests in that state from a range of ids."""
    where = (col(Digest.state) == state, col(Digest.id).between(first, last), *hold.frees())
    return claims.claim(session, Digest, where, owner=owner, now=now, lease=LEASE, limit=limit)


def reader_of(session: Session, digest_id: int) -> int:
    """Whose digest it is."""
    return session.get_one(Digest, digest_id).reader_id


def previous(session: Session, digest_id: int) -> datetime | None:
    """When the reader's digest before this one was composed; those that never went out do not count."""
    row = session.get_one(Digest, digest_id)
    where = (*_counts(row.reader_id), col(Digest.day) < row.day)
    return session.exec(select(func.max(Digest.composed_at)).where(*where)).one()


def newest_composed(
    session: Session, reader_id: int, *, by: datetime | None = None
) -> datetime | None:
    """When the reader's last digest was composed, of those that went out or may yet; `by` then, if it is
    given.
    """
    newest = select(func.max(Digest.composed_at)).where(*_counts(reader_id))
    if by is not None:
        newest = newest.where(col(Digest.composed_at) <= by)
    return session.exec(newest).one()


def _counts(reader_id: int) -> tuple[ColumnElement[bool], ...]:
    late = select(Delivery.digest_id).where(
        col(Delivery.state).in_(NEVER_WENT), col(Delivery.digest_id).is_not(None)
    )
    return (
        col(Digest.reader_id) == reader_id,
        col(Digest.addendum_of) == 0,
        col(Digest.state).not_in(GIVEN_UP),
        col(Digest.id).not_in(late),
    )


def candidates(
    session: Session,
    reader_id: int,
    at: datetime,
    shadow: int | None = None,
    *,
    before: datetime | None = None,
    again: Sequence[timedelta] = (),
) -> tuple[list[Candidate], set[int | str]]:
    """What the reader may get: news scored for their profiles; and the ids of what they know already.

    Those of the `shadow` with that id are added, under the name of the profile beside which it runs.
    Near misses that came up to `before` are left out, but for those that came one of the spans `again`
    before some moment since then.
    """
    may = _may_come(at, before, again) if before else col(Score.raw).is_not(None)
    found = _candidates(session, reader_id, at, may & (col(Profile.state) == "active"))
    if shadow is not None:
        found += _candidates(session, reader_id, at, may & (col(Profile.id) == shadow))
    return found, known_to(session, reader_id)


def _may_come(at: datetime, before: datetime, again: Sequence[timedelta]) -> ColumnElement[bool]:
    came = col(Entry.arrived_at)
    due = ((came > before - span) & (came <= at - span) for span in again)
    return or_(col(Score.value) >= Profile.line, came > before, *due)


def _candidates(
    session: Session, reader_id: int, at: datetime, which: ColumnElement[bool]
) -> list[Candidate]:
    saved = aliased(Profile)
    put = (col(Carry.entry_id) == Score.entry_id) & (col(Carry.reader_id) == Score.reader_id)
    since, upto = at - entries.SCORED_FOR, at - entries.NEWS_FOR
    more: tuple[Any, ...] = (func.coalesce(saved.name, Profile.name), Carry.at)
    found = session.execute(
        select(Score, Entry, Profile, *more)
        .join(Entry, col(Entry.id) == Score.entry_id)
        .join(Profile, col(Profile.id) == Score.profile_id)
        .outerjoin(saved, col(saved.id) == Profile.shadows)
        .outerjoin(Carry, put)
        .where(
            Score.reader_id == reader_id,
            which,
            col(Entry.arrived_at).between(since, at) | col(Carry.at).between(upto, at),
            # What is no news any more comes as a late bloomer, by a backlog run, or not at all.
            (col(Entry.arrived_at) >= upto)
            | (col(Score.value) < Profile.line)
            | col(Carry.at).is_not(None),
            col(Entry.withdrawn).is_(False),
            col(Score.entry_id).not_in(_known(reader_id)),
        )
        .order_by(col(Score.raw).desc(), col(Score.entry_id))
        .limit(MOST_CANDIDATES)
    )
    return [
        Candidate(
            paper=entries.paper(entry),
            score=_score(row),
            profile_name=name,
            line=profile.line,
            share=profile.share,
            arrived=carried or entry.arrived_at,
            votes=row.votes,
            coded=row.coded,
            version=row.arxiv_version,
        )
        for row, entry, profile, name, carried in found
    ]


def known_to(session: Session, reader_id: int, *, by: datetime | None = None) -> set[int | str]:
    """The ids of the entries that the reader was sent, or has said something of; `by` then, if it is given."""
    return {*session.scalars(_known(reader_id, by))}


def _known(reader_id: int, by: datetime | None = None) -> Any:
    was = select(func.coalesce(Entry.merged_into, Entry.id))
    sent = was.join(Pick, col(Pick.entry_id) == Entry.id).where(Pick.reader_id == reader_id)
    said = was.join(Feedback, col(Feedback.entry_id) == Entry.id)
    said = said.where(Feedback.reader_id == reader_id)
    if by is not None:
        sent = sent.join(Digest, col(Digest.id) == Pick.digest_id)
        sent = sent.where(col(Digest.composed_at) <= by)
        said = said.where(col(Feedback.at) <= by)
    return sent.union(said)


def sent_lately(session: Session, reader_id: int, at: datetime) -> list[Paper]:
    """What the reader was sent in the last months, in short, the newest first."""
    return [entries.short(*row) for _, *row in session.exec(_sent(reader_id, at))]


def sent_by(session: Session, reader_id: int, at: datetime) -> list[tuple[datetime, Paper]]:
    """The same, as it stood then, and each with its moment."""
    found = session.exec(_sent(reader_id, at).where(col(Digest.composed_at) <= at))
    return [(when, entries.short(*row)) for when, *row in found if when]


def _sent(reader_id: int, at: datetime) -> Any:
    return (
        select(Digest.composed_at, *entries.SHORT)
        .join(Pick, col(Pick.digest_id) == Digest.id)
        .join(Entry, col(Entry.id) == Pick.entry_id)
        .where(Pick.reader_id == reader_id, col(Digest.composed_at) >= at - LATELY)
        .order_by(col(Pick.id).desc())
        .limit(MOST_SENT)
    )


def told_unsent(session: Session, reader_id: int) -> list[tuple[datetime, int | str]]:
    """When the reader said something of an entry that no digest had brought by then, and its id, in order."""
    brought = (
        select(Pick.id)
        .join(Digest, col(Digest.id) == Pick.digest_id)
        .where(Pick.reader_id == reader_id, Pick.entry_id == Feedback.entry_id)
        .where(col(Digest.composed_at) <= Feedback.at)
    )
    found = session.exec(
        select(Feedback.at, func.coalesce(Entry.merged_into, Entry.id))
        .join(Entry, col(Entry.id) == Feedback.entry_id)
        .where(Feedback.reader_id == reader_id, ~brought.correlate(Feedback).exists())
        .order_by(col(Feedback.at))
    )
    return [(when, key) for when, key in found]


def composed(
    session: Session, digest_id: int, outcome: Composition, *, owner: str, at: datetime
) -> None:
    """Write a digest's picks, or why it has none. Raises `LostLease`."""
    state = "composed" if outcome.picks else "empty"
    values = {"considered": outcome.considered, "reason": outcome.reason, "composed_at": at}
    claims.finish(session, Digest, digest_id, owner=owner, state=state, attempts=0, **values)
    reader_id = reader_of(session, digest_id)
    profiles = {p.score.profile_id: p.profile_name for p in outcome.picks}
    rows = [
        {
            "digest_id": digest_id,
            "reader_id": reader_id,
            "entry_id": pick.paper.id,
            "profile_id": pick.score.profile_id,
            "profile_name": profiles[pick.score.profile_id],
            "place": pick.place,
            "value": pick.score.value,
            "raw": pick.score.raw,
            "reasons": reasons_to_json(pick.score.reasons),
            "kind": pick.kind.value,
            "note": pick.note,
            "team": pick.team,
        }
        for pick in outcome.picks
    ]
    if rows:
        session.execute(Pick.__table__.insert(), rows)  # type: ignore[attr-defined]


def load(session: Session, digest_id: int) -> DigestRecord:
    """Everything the digest's text is made of."""
    row = session.get_one(Digest, digest_id)
    found = session.exec(
        select(Pick, Entry)
        .join(Entry, col(Entry.id) == Pick.entry_id)
        .where(Pick.digest_id == digest_id)
        .order_by(col(Pick.place))
    )
    picks = tuple(pick_record(pick, entry) for pick, entry in found)
    return DigestRecord(
        id=digest_id,
        day=row.day,
        reader=readers.get(session, row.reader_id),
        picks=picks,
        considered=row.considered,
        mends=runs.days(session, row.addendum_of),
    )


def pick_record(pick: Pick, entry: Entry) -> PickRecord:
    """A pick's row with its paper's, as the steps see them."""
    return PickRecord(
        place=pick.place,
        paper=entries.paper(entry),
        score=_score(pick),
        profile_name=pick.profile_name,
        kind=PickKind(pick.kind),
        note=pick.note,
        team=pick.team,
    )


def rendered(session: Session, digest_id: int, subject: str, *, owner: str, at: datetime) -> None:
    """The mail is written and its delivery stands ready, in the same transaction."""
    claims.finish(
        session, Digest, digest_id, owner=owner, state="rendered", subject=subject, rendered_at=at
    )


def put_back(
    session: Session, digest_id: int, error: Exception, *, owner: str, now: datetime
) -> None:
    """Composing or rendering failed: try again later, or set it aside for good.

    For good after the last try, and at once where the error says that no try will do.
    """
    row = session.get(Digest, digest_id)
    if row is None:  # the reader is gone, and all that was theirs
        return
    tries = row.attempts
    hopeless = isinstance(error, PaperroundError) and not error.retry
    words = str(error) if hopeless else repr(error)
    values: dict[str, Any] = {"owner": "", "lease_until": None, "error": words[:2000]}
    if hopeless or tries >= claims.ATTEMPTS_MOST:
        values |= {"state": "dead", "next_attempt_at": None}
        free_papers(session, [digest_id])
    else:
        values["next_attempt_at"] = now + claims.backoff(tries, first=RETRY_FIRST, most=RETRY_MOST)
    claims.change(session, Digest, digest_id, values, owner=owner)


def bury(session: Session, now: datetime) -> int:
    """Set aside digests that ended their worker every time."""
    where = (
        col(Digest.state).in_(("planned", "composed")),
        col(Digest.attempts) >= claims.ATTEMPTS_MOST,
        claims.free(Digest, now),
    )
    words = f"making it ended the worker {claims.ATTEMPTS_MOST} times"
    dead = update(Digest).where(*where).values(state="dead", error=words).returning(col(Digest.id))
    gone = list(session.execute(dead).scalars())
    free_papers(session, gone)
    return len(gone)


def free_papers(session: Session, digest_ids: Sequence[int]) -> None:
    """These digests will never go out: their papers may come in a later one."""
    if digest_ids:
        session.execute(delete(Pick).where(col(Pick.digest_id).in_(digest_ids)))


def rows(
    session: Session, *, reader_id: int | None = None, day: date | None = None
) -> list[dict[str, Any]]:
    """Digests as a round reports them: reader, state, subject, picks, top pick, delivery."""
    where = [col(Digest.reader_id) == reader_id] if reader_id is not None else []
    where += [col(Digest.day) == day] if day is not None else []
    found = session.exec(
        select(Digest, Reader.email, Delivery)
        .join(Reader, col(Reader.id) == Digest.reader_id)
        .outerjoin(Delivery, col(Delivery.digest_id) == Digest.id)
        .where(*where)
        .order_by(col(Digest.id))
    ).all()
    return [_row(session, digest, email, delivery) for digest, email, delivery in found]


def days_at(session: Session, at: datetime) -> set[date]:
    """The days that are today for some active reader: at most three, around the date line."""
    zones = set(session.exec(select(Reader.timezone).where(Reader.state == "active")))
    return {at.astimezone(zone(name)).date() for name in zones if is_zone(name)}


def _row(session: Session, digest: Digest, email: str, delivery: Delivery | None) -> dict[str, Any]:
    assert digest.id is not None
    picks = load(session, digest.id).picks
    return {
        "digest": digest.id,
        "reader": email,
        "day": digest.day,
        "state": digest.state,
        "reason": digest.reason or digest.error,
        "subject": digest.subject,
        "considered": digest.considered,
        "picks": picks,
        "delivery": delivery.state if delivery else None,
        "key": delivery.key if delivery else None,
        "sent_at": delivery.sent_at if delivery else None,
        "reply": delivery.reply if delivery else "",
    }


def _score(row: Score | Pick) -> ScoreRecord:
    return ScoreRecord(
        entry_id=row.entry_id,
        profile_id=row.profile_id or 0,
        value=row.value,
        raw=row.raw,
        reasons=reasons_from_json(row.reasons),
    )
