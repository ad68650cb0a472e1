"""From an address to a reader, and back in: by mailed links alone, each of one use.

What is answered never tells whether an address is known: only the mail does, and only to who reads it.
Every case does the same work in one transaction, and undoes what is not to be.
"""

from __future__ import annotations

from sqlmodel import Session

from tasks.desk import letters
from tasks.desk.addresses import read_address
from tasks.desk.limits import EACH_FRESH, count, hidden_address, let_in
from tasks.errors import LinkOver
from tasks.hours import is_zone, next_due
from tasks.records import LetterKind, Reader, Ring
from tasks.round.context import Context
from tasks.store import knocks, readers, suppressions, tickets
from templates import LANGUAGES


def subscribe(
    context: Context, email: str, *, net: str, zone: str = "UTC", language: str = "en"
) -> list[Ring]:
    """Somebody at `net` (an IP address) asks for digests to that address. Always one ring.

    A new address gets a letter to confirm it, and so does one that is not confirmed yet or has left; a
    reader's gets a letter that says so, with a link to sign in; a suppressed one gets nothing. A zone or
    language that we do not know becomes UTC or English. Raises `UsageError` for what is no address, and
    `TooMany`.
    """
    address = read_address(email)
    zone = zone if is_zone(zone) else "UTC"
    language = language if language in LANGUAGES else "en"
    stranger = Reader(id=0, email=address, state="pending", timezone=zone, language=language)
    with context.database.write() as session:
        reader, may_mail = _let_in(context, session, "subscribe", stranger, net)
        suppressed = suppressions.holds(session, hidden_for_ever(context, address))
        asks = reader.state in ("pending", "unsubscribed")
        kind = LetterKind.CONFIRM if asks else LetterKind.KNOWN
        return [_answer(context, session, reader, kind, kept=may_mail and not suppressed)]


def confirm(context: Context, secret: str) -> Reader:
    """The address is its reader's: digests from now on. Works once; else raises `LinkOver`."""
    now = context.clock()
    with context.database.write() as session:
        reader = readers.get(session, tickets.use(session, secret, tickets.CONFIRM, now=now))
        suppressions.lift(session, hidden_for_ever(context, reader.email))
        readers.change(session, reader.id, confirmed_at=now)
        if reader.state in ("pending", "unsubscribed"):
            readers.come_in(session, reader.id, next_due(reader, now))
        return readers.get(session, reader.id)


def peek(context: Context, secret: str, purpose: str) -> Reader | None:
    """Whose valid link of that purpose it is (`tickets.CONFIRM`, `tickets.SIGN_IN`). Changes nothing."""
    with context.database.read() as session:
        reader_id = tickets.holder(session, secret, purpose, now=context.clock())
        return None if reader_id is None else readers.seek(session, reader_id)


def sign_in_link(context: Context, email: str, *, net: str) -> list[Ring]:
    """Somebody at `net` asks for a link to sign in as the reader of that address. Always one ring.

    An address that nobody confirmed yet gets the letter to confirm it, an unknown or suppressed one gets
    nothing. Raises `UsageError` for what is no address, and `TooMany`.
    """
    address = read_address(email)
    stranger = Reader(id=0, email=address, state="pending")
    with context.database.write() as session:
        reader, may_mail = _let_in(context, session, "sign-in", stranger, net)
        suppressed = suppressions.holds(session, hidden_for_ever(context, address))
        kept = may_mail and reader is not stranger and not suppressed
        return [_answer(context, session, reader, _way_in(reader), kept=kept)]


def fresh_link(context: Context, reader_id: int) -> list[Ring]:
    """A reader who has shown to be one, by a visit or a link of a mail, asks for a link to sign in.

    What strangers ask for counts for nothing here. Raises `TooMany`, and `UnknownName` where they left.
    """
    now = context.clock()
    with context.database.write() as session:
        reader = readers.get(session, reader_id)
        count(session, hidden_address(context.seal, "fresh", reader.email), EACH_FRESH, now)
        return [letters.post(context, session, reader, _way_in(reader))]


def sign_in(context: Context, secret: str) -> Reader:
    """Whose link it is, who is to get a visit. Works once; else raises `LinkOver`."""
    with context.database.write() as session:
        key = tickets.use(session, secret, tickets.SIGN_IN, now=context.clock())
        reader = readers.get(session, key)
        if reader.state == "pending":
            raise LinkOver("this address is not confirmed yet: press the link to confirm it")
        return reader


def hidden_for_ever(context: Context, address: str) -> str:
    """What is kept of an address that wants no mail ever again."""
    return context.seal.hidden("suppressed", address)


def _way_in(reader: Reader) -> LetterKind:
    return LetterKind.CONFIRM if reader.state == "pending" else LetterKind.SIGN_IN


def _let_in(
    context: Context, session: Session, purpose: str, stranger: Reader, net: str
) -> tuple[Reader, bool]:
    """The reader of the stranger's address, else the stranger; and whether a mail may go there."""
    knocks.lock(session)
    reader = readers.by_email(session, stranger.email) or stranger
    now = context.clock()
    return reader, let_in(session, context.seal, purpose, reader=reader, net=net, now=now)


def _answer(
    context: Context, session: Session, reader: Reader, kind: LetterKind, *, kept: bool
) -> Ring:
    """A letter to a reader, who is new where they have no number yet; undone unless it is to be `kept`.

    Who gets none costs the same work, so that the time does not tell.
    """
    with session.begin_nested() as point:
        if not reader.id:
            key = readers.add(session, reader, next_digest_at=None, now=context.clock())
            reader = readers.get(session, key)
        ring = letters.post(context, session, reader, kind)
        if kept:
            return ring
        point.rollback()
    return letters.NOBODY
