"""Deliveries, by an admin's hand: listed, followed step by step, and decided where nobody knows.

The promise stays: what a mail server may have accepted is not sent again, unless a person says that it did
not arrive. A mail's words are its reader's; who may not see addresses sees them masked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

from sqlmodel import Session

from tasks import redact
from tasks.desk.addresses import masked
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.office.many import MANY_MOST, Done, Many, batches, must_be
from tasks.records import Ring, Step
from tasks.round.context import Context
from tasks.store import audit, delivery_rows, digests, readers
from tasks.store.dead import GIVEN_UP
from tasks.store.deliveries import REFUSED
from tasks.store.delivery_rows import DeliveryRow, Trace, Wanted

WHY_MOST = 200  # characters
OPEN_HEADERS = frozenset(
    {
        "from",
        "date",
        "message-id",
        "reply-to",
        "list-id",
        "list-unsubscribe-post",
        "feedback-id",
        "precedence",
        "auto-submitted",
        "x-auto-response-suppress",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    }
)
HIDDEN = "is there, and is the reader’s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One step of a mail's way: when, what happened, and what was said."""

    at: datetime
    what: str
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One mail's whole way. `headers` tell nothing of its papers, and no secret."""

    trace: Trace
    moments: tuple[Moment, ...]
    headers: tuple[tuple[str, str], ...]


def listed(
    context: Context,
    wanted: Wanted,
    limit: int,
    *,
    before: int | None = None,
    whole: bool = True,
) -> list[DeliveryRow]:
    """Deliveries, the newest first; older than delivery `before`."""
    with context.database.read() as session:
        found = delivery_rows.rows(session, wanted, limit, before=before)
    return found if whole else [_masked(row) for row in found]


def way(context: Context, key: int, *, whole: bool = True) -> Way:
    """One mail's way. Raises `UnknownName`."""
    with context.database.read() as session:
        found = delivery_rows.trace(session, key)
    if found is None:
        raise UnknownName(f"there is no delivery {key}")
    if not whole:
        tries = tuple(replace(one, reply=redact.masked(one.reply)) for one in found.tries)
        found = replace(found, row=_masked(found.row), tries=tries)
    told = sorted(_moments(found), key=lambda moment: moment.at)
    headers = tuple(_headers(found, whole=whole))
    return Way(trace=replace(found, body=b""), moments=tuple(told), headers=headers)


def decide(context: Context, who: str, key: int, *, arrived: bool, why: str) -> list[Ring]:
    """Say of an unsure mail that it arrived, or that it did not and is to be sent again, and `why`.

    Raises `UnknownName`, `UsageError` without a reason, and `Conflict` for a mail that is not unsure.
    """
    why = _reason(why)
    with context.database.write() as session:
        row = delivery_rows.locked(session, key)
        if row is None:
            raise UnknownName(f"there is no delivery {key}")
        if row.state != "unsure":
            raise Conflict(f"delivery {key} is {row.state}: only an unsure one is to be decided")
        now = context.clock()
        state = _decided(session, row, who, arrived=arrived, why=why, now=now)
        audit.note(session, who, _act(arrived), f"delivery {key}", now=now, reason=why, state=state)
    return [Ring(Step.DELIVER, key, key)] if state == "ready" else []


def unsure(context: Context, wanted: Wanted) -> Many:
    """The unsure mails that are wanted: what `decide_all` would be about."""
    with context.database.read() as session:
        return Many.of(delivery_rows.keys(session, _unsure(wanted), MANY_MOST))


def decide_all(
    context: Context, who: str, wanted: Wanted, *, arrived: bool, why: str, mark: str
) -> Done:
    """The same of all unsure mails that are wanted; `mark` is of those that were seen.

    Raises `UsageError` without a reason, and `Conflict` where they are not those that were seen.
    """
    why = _reason(why)
    with context.database.read() as session:
        keys = delivery_rows.keys(session, _unsure(wanted), MANY_MOST)
    must_be(keys, mark)
    done = Done()
    for some in batches(keys):
        with context.database.write() as session:
            now, decided = context.clock(), []
            for key in some:
                row = delivery_rows.locked(session, key)
                if row is None or row.state != "unsure":
                    done.refuse("it was decided meanwhile")
                    continue
                state = _decided(session, row, who, arrived=arrived, why=why, now=now)
                decided.append(key)
                done.count(Ring(Step.DELIVER, key, key) if state == "ready" else None)
            if decided:
                told = {"reason": why, "deliveries": decided}
                subject = f"{len(decided)} deliveries"
                audit.note(session, who, _act(arrived), subject, now=now, **told)
    return done


def _unsure(wanted: Wanted) -> Wanted:
    return replace(wanted, state="unsure")


# --- what dead letters may become ------------------------------------------------------------------
def send_again(session: Session, key: int, now: datetime) -> None:
    """A mail that was given up is due again. Raises `UsageError` where that would break a promise."""
    row = _given_up(session, key)
    if row.kind == "digest":
        if row.reader_id is None or not readers.is_active(session, row.reader_id):
            raise UsageError("its reader gets no mail now: nothing is sent to them")
        if row.digest_id is None or not delivery_rows.has_picks(session, row.digest_id):
            raise UsageError(
                "its papers were set free when it was given up, and may have come in a later digest: a "
                "backlog run over its day brings those that did not"
            )
    elif not row.size or row.expires_at <= now:
        raise UsageError(
            "the link of this letter has had its day: let its reader ask for a new one, or resend the "
            "confirmation from the reader’s page"
        )
    if not delivery_rows.again(session, key, was=GIVEN_UP, now=now, fresh=row.kind == "digest"):
        raise Conflict("it was changed meanwhile: look again")


def drop(session: Session, key: int) -> None:
    """A mail that was given up is closed, and its papers are free. Raises `UsageError`."""
    row = _given_up(session, key)
    words = row.said or "dropped by an admin"
    if not delivery_rows.close(session, key, "dropped", was=GIVEN_UP, words=words, at=None):
        raise Conflict("it was changed meanwhile: look again")
    if row.digest_id is not None:
        digests.free_papers(session, [row.digest_id])


def _given_up(session: Session, key: int) -> DeliveryRow:
    row = delivery_rows.locked(session, key)
    if row is None or row.state not in GIVEN_UP:
        raise Conflict("it is no dead letter any more: look again")
    if delivery_rows.may_have_arrived(session, key):
        raise UsageError("the mail server may have accepted it: it is not touched any more")
    return row


# --- deciding ------------------------------------------------------------------------------------
def _decided(
    session: Session, row: DeliveryRow, who: str, *, arrived: bool, why: str, now: datetime
) -> str:
    """The state of a mail that was unsure. The caller holds its row."""
    unsure = ("unsure",)
    if arrived:
        at = delivery_rows.dotted_at(session, row.id) or now
        words = "decided by an admin: it arrived"
        delivery_rows.close(session, row.id, "sent", was=unsure, words=words, at=at)
        delivery_rows.note(session, row.id, "sent", who=who, why=why, now=now)
        return "sent"
    delivery_rows.note(session, row.id, REFUSED, who=who, why=why, now=now)
    is_digest = row.kind == "digest"
    if is_digest and delivery_rows.again(session, row.id, was=unsure, now=now, fresh=True):
        return "ready"
    words = "decided by an admin: it did not arrive; a letter’s link is mailed anew, never again"
    delivery_rows.close(session, row.id, "failed", was=unsure, words=words, at=None)
    return "failed"


def _act(arrived: bool) -> str:
    return "delivery decided: it arrived" if arrived else "delivery decided: it did not arrive"


def _reason(why: str) -> str:
    why = " ".join(why.split())
    if not why or not why.isprintable() or len(why) > WHY_MOST:
        raise UsageError(
            f"say how you know, in {WHY_MOST} characters at most: it is kept in the audit"
        )
    return redact.masked(why)


# --- telling -------------------------------------------------------------------------------------
def _moments(trace: Trace) -> Iterator[Moment]:
    origin, row = trace.digest, trace.row
    if origin is not None:
        yield Moment(at=origin.due_at, what="due", said=f"digest {origin.id} of {origin.day}")
        yield Moment(at=origin.planned_at, what="planned")
        if origin.composed_at:
            said = f"{origin.considered} papers considered"
            yield Moment(at=origin.composed_at, what="composed", said=said)
        if origin.rendered_at:
            yield Moment(at=origin.rendered_at, what="rendered")
    until = f"may be handed over until {row.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    yield Moment(at=row.created_at, what="ready", said=until)
    for one in trace.tries:
        what = f"attempt {one.number}, {one.phase}: {one.outcome}"
        if one.phase == "decision":
            what = f"decided by {one.owner}: {one.outcome}"
        yield Moment(at=one.at, what=what, said=one.reply)


def _headers(trace: Trace, *, whole: bool) -> Iterator[tuple[str, str]]:
    """The headers of a mail: whole where they are everybody's, by their name alone where they are not."""
    head = message_from_bytes(trace.body.partition(b"\r\n\r\n")[0], policy=policy.default)
    for name, value in head.items():
        lower = name.lower()
        if lower == "to":
            yield name, trace.row.recipient if whole else masked(trace.row.recipient)
        elif lower in OPEN_HEADERS or (lower == "subject" and trace.row.kind != "digest"):
            yield name, str(value)
        else:
            yield name, HIDDEN


def _masked(row: DeliveryRow) -> DeliveryRow:
    return replace(row, recipient=masked(row.recipient), said=redact.masked(row.said))
