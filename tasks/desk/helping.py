"""A hand from the admin to a reader who cannot get in: a link that nobody mailed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tasks.desk import letters
from tasks.records import LetterKind, Reader
from tasks.round.context import Context
from tasks.sealing import new_secret
from tasks.store import tickets


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link of one use, and until when it holds."""

    url: str
    until: datetime


def way_in(context: Context, reader: Reader) -> Link:
    """What the reader may open to sign in, or to confirm an address that is not confirmed yet.

    It holds as long as a mailed one, and makes the mailed ones void.
    """
    kind = LetterKind.CONFIRM if reader.state == "pending" else LetterKind.SIGN_IN
    purpose, secret, now = letters.PURPOSE[kind], new_secret(), context.clock()
    until = now + letters.HOLDS[kind]
    with context.database.write() as session:
        tickets.keep(session, secret, reader.id, purpose, now=now, until=until)
    base = letters.base(context.settings)
    return Link(url=f"{base}/{letters.PATH[purpose]}/{secret}", until=until)
