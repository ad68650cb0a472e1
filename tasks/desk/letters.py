"""Letters: mails of one link. The ticket of the link and the mail are kept together."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlmodel import Session

from tasks.records import Letter, LetterKind, Message, Reader, Ring, Step
from tasks.render.letter import write
from tasks.render.mime import build
from tasks.round.context import Context
from tasks.sealing import new_secret
from tasks.settings import Settings
from tasks.store import deliveries, tickets

HOLDS = {
    LetterKind.CONFIRM: timedelta(days=7),
    LetterKind.SIGN_IN: timedelta(minutes=30),
    LetterKind.KNOWN: timedelta(minutes=30),
}
PURPOSE = {
    LetterKind.CONFIRM: tickets.CONFIRM,
    LetterKind.SIGN_IN: tickets.SIGN_IN,
    LetterKind.KNOWN: tickets.SIGN_IN,
}
PATH = {tickets.CONFIRM: "confirm", tickets.SIGN_IN: "in"}
NOBODY = Ring(Step.DELIVER, 0, 0)  # no delivery has this number: ringing for it does nothing
ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - names, not a listener


def base(settings: Settings) -> str:
    """The address that links in letters begin with: the public one, else this machine's own."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    host = ANY_HOST.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def post(context: Context, session: Session, reader: Reader, kind: LetterKind) -> Ring:
    """Keep a letter to a reader with the ticket of its link; the ring that sends it."""
    now = context.clock()
    secret, letter, message = _written(context, reader, kind, now)
    purpose = PURPOSE[kind]
    tickets.keep(session, secret, reader.id, purpose, now=now, until=letter.until)
    key = deliveries.add_letter(session, letter, message, now)
    return Ring(Step.DELIVER, key, key)


def _written(
    context: Context, reader: Reader, kind: LetterKind, now: datetime
) -> tuple[str, Letter, Message]:
    secret = new_secret()
    link = f"{base(context.settings)}/{PATH[PURPOSE[kind]]}/{secret}"
    letter = Letter(kind=kind, reader=reader, link=link, until=now + HOLDS[kind])
    message = build(
        write(letter, context.letterhead),
        reader,
        context.letterhead,
        key=f"{now.date().isoformat()}.letter.{secrets.token_hex(16)}",
        sent_at=now,
        listed=False,
    )
    return secret, letter, message
