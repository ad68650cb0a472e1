"""Readers, by an admin's hand: found, helped to their confirmation, paused, and kept from mail for good.

Their interests, their papers and what they said of them are nobody's but theirs: nothing of it is told here.
An address that is suppressed gets no mail, whoever asks, until that is lifted, or its reader says by a link
of their own that they want mail again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlmodel import Session

from tasks import redact
from tasks.desk import leaving, letters, limits
from tasks.desk.addresses import masked, read_address
from tasks.desk.subscribing import hidden_for_ever
from tasks.errors import TooMany, UnknownName, UsageError
from tasks.records import LetterKind, Reader, Ring
from tasks.round.context import Context
from tasks.store import (
    audit,
    knocks,
    reader_rows,
    readers,
    suppressions,
    tickets,
    visits,
)
from tasks.store.reader_rows import LetterSent, Made, ReaderRow

STATES = ("pending", "active", "paused", "unsubscribed")
TEXT_MOST = 320  # characters of what is searched for
MADE_MOST, LETTERS_MOST = 30, 10
BY_NUMBER = "addresses and names are searched by operators: type a reader's number"


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """A reader with their last digests and letters, and whether their address is suppressed."""

    row: ReaderRow
    suppressed: bool
    made: tuple[Made, ...]
    letters: tuple[LetterSent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """What suppressing an address came to: whether it is new, whose it was, and mails that were stopped."""

    is_new: bool
    reader_id: int | None
    stopped: int


def search(
    context: Context,
    text: str,
    limit: int,
    *,
    state: str = "",
    after: int = 0,
    whole: bool = True,
) -> list[ReaderRow]:
    """Readers by a part of their address or name, or their number, in the order they came.

    Who may not see addresses `whole` sees them masked, and may name a number alone: else they could guess
    one letter after the other. Raises `UsageError`.
    """
    text = text.strip()
    if "\0" in text or len(text) > TEXT_MOST:
        raise UsageError(f"that is no address and no name: {TEXT_MOST} characters at most")
    if not whole and text and not text.isdecimal():
        raise UsageError(BY_NUMBER)
    with context.database.read() as session:
        if text and not whole:
            key = int(text) if len(text) <= readers.NUMBER_MOST and text.isascii() else 0
            only = reader_rows.numbered(session, key)
            found = [only] if only and not after and state in ("", only.reader.state) else []
        else:
            found = reader_rows.search(session, text, limit, state=state, after=after)
    return found if whole else [_masked(row) for row in found]


def counts(context: Context) -> dict[str, int]:
    """How many readers are in each state."""
    with context.database.read() as session:
        return reader_rows.counts(session)


def one(context: Context, reader_id: int, *, before: int | None = None, whole: bool = True) -> One:
    """One reader; their digests older than digest `before`. Raises `UnknownName`."""
    with context.database.read() as session:
        row = reader_rows.numbered(session, reader_id)
        if row is None:
            raise UnknownName(f"there is no reader {reader_id}")
        made = reader_rows.made(session, reader_id, MADE_MOST, before=before)
        if not whole:
            made = [replace(each, error=redact.masked(each.error)) for each in made]
        return One(
            row=row if whole else _masked(row),
            suppressed=_is_suppressed(context, session, row.reader),
            made=tuple(made),
            letters=tuple(reader_rows.letters(session, reader_id, LETTERS_MOST)),
        )


def resend(context: Context, who: str, reader_id: int) -> list[Ring]:
    """Mail a reader who has not confirmed their address the link for it, within the limits that hold for all.

    Raises `UnknownName`, `UsageError` for who needs none, and `TooMany`.
    """
    now = context.clock()
    with context.database.write() as session:
        knocks.lock(session)
        reader = _present(session, reader_id)
        if reader.state != "pending":
            raise UsageError(f"reader {reader_id} is {reader.state}, and needs no confirmation")
        if _is_suppressed(context, session, reader):
            raise UsageError(f"the address of reader {reader_id} is suppressed: lift that first")
        if not limits.let_in(session, context.seal, "subscribe", reader=reader, net="", now=now):
            raise _too_often(context, session, reader)
        ring = letters.post(context, session, reader, LetterKind.CONFIRM)
        audit.note(session, who, "confirmation resent", f"reader {reader_id}", now=now)
    return [ring]


def pause(context: Context, who: str, reader_id: int, until: date | None = None) -> Reader:
    """No digests until that day, or until they are resumed. Raises `UnknownName` and `UsageError`."""
    now = context.clock()
    with context.database.write() as session:
        before = _present(session, reader_id)
        after = leaving.paused(session, before, until, now)
        if after != before:
            told = until.isoformat() if until else None
            audit.note(session, who, "reader paused", f"reader {reader_id}", now=now, until=told)
        return after


def resume(context: Context, who: str, reader_id: int) -> Reader:
    """Digests again, for who paused. Raises `UnknownName`, and `UsageError` for who is suppressed, or left:
    only they can say that they want mail again.
    """
    now = context.clock()
    with context.database.write() as session:
        before = _present(session, reader_id)
        if _is_suppressed(context, session, before):
            raise UsageError(f"the address of reader {reader_id} is suppressed: lift that first")
        if before.state == "unsubscribed":
            raise UsageError(
                f"reader {reader_id} left: they come back by a link in any of their mails, or by subscribing"
            )
        after = leaving.resumed(context, session, before)
        if after != before:
            subject = f"reader {reader_id}"
            audit.note(session, who, "reader resumed", subject, now=now, was=before.state)
        return after


def suppress(context: Context, who: str, reader_id: int) -> Suppressed:
    """No mail to this reader's address any more: they are unsubscribed, and every way in is closed.

    Raises `UnknownName`.
    """
    with context.database.write() as session:
        return _suppressed(context, session, who, _present(session, reader_id))


def suppress_address(context: Context, who: str, address: str) -> Suppressed:
    """The same for an address, which may be nobody's. Raises `UsageError` for what is no address."""
    address = read_address(address)
    with context.database.write() as session:
        reader = readers.by_email(session, address) or Reader(id=0, email=address)
        return _suppressed(context, session, who, reader)


def lift(context: Context, who: str, reader_id: int) -> bool:
    """Mail may go to this reader's address again, once they subscribe; whether it might not.

    Raises `UnknownName`.
    """
    with context.database.write() as session:
        return _lifted(context, session, who, _present(session, reader_id))


def lift_address(context: Context, who: str, address: str) -> bool:
    """The same for an address, which may be nobody's. Raises `UsageError` for what is no address."""
    address = read_address(address)
    with context.database.write() as session:
        reader = readers.by_email(session, address) or Reader(id=0, email=address)
        return _lifted(context, session, who, reader)


def _suppressed(context: Context, session: Session, who: str, reader: Reader) -> Suppressed:
    now, hidden = context.clock(), hidden_for_ever(context, reader.email)
    is_new = not suppressions.holds(session, hidden)
    suppressions.add(session, hidden, now)
    stopped = 0
    if reader.id:
        stopped = reader_rows.stop_mails(session, reader.id)
        if reader.state != "unsubscribed":
            readers.change(session, reader.id, state="unsubscribed", back_on=None)
        if is_new:
            readers.change(session, reader.id, epoch=reader.epoch + 1)
            tickets.void(session, reader.id, now)
            visits.end_all(session, reader.id)
    if is_new:
        audit.note(session, who, "address suppressed", _named(reader), now=now, stopped=stopped)
    return Suppressed(is_new=is_new, reader_id=reader.id or None, stopped=stopped)


def _lifted(context: Context, session: Session, who: str, reader: Reader) -> bool:
    lifted = suppressions.lift(session, hidden_for_ever(context, reader.email))
    if lifted:
        audit.note(session, who, "suppression lifted", _named(reader), now=context.clock())
    return lifted


def _named(reader: Reader) -> str:
    return f"reader {reader.id}" if reader.id else "an address of no reader"


def _present(session: Session, reader_id: int) -> Reader:
    reader = readers.seek(session, reader_id) if readers.lock(session, reader_id) else None
    if reader is None:
        raise UnknownName(f"there is no reader {reader_id}")
    return reader


def _is_suppressed(context: Context, session: Session, reader: Reader) -> bool:
    return suppressions.holds(session, hidden_for_ever(context, reader.email))


def _too_often(context: Context, session: Session, reader: Reader) -> TooMany:
    own, now = limits.hidden_address(context.seal, "subscribe", reader.email), context.clock()
    waits = [knocks.wait(session, own, each, now) for each in limits.EACH_ADDRESS]
    return TooMany(
        f"reader {reader.id} was mailed a short while ago: nobody is mailed more often",
        wait=max((wait for wait in waits if wait), default=timedelta()),
    )


def _masked(row: ReaderRow) -> ReaderRow:
    hidden = replace(row.reader, email=masked(row.reader.email), name="", token="")
    return replace(row, reader=hidden)
