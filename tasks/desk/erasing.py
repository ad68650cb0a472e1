"""Leaving for good: nothing of the reader stays, in the database or in the files beside it.

Mails are found by whom they are to, whatever names them. A mail is looked for where it moves from before
where it moves to, so that none slips through: from ``tmp`` to ``new`` to ``cur``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from pathlib import Path

from tasks.desk.limits import hidden_names
from tasks.desk.subscribing import hidden_for_ever
from tasks.round.context import Context
from tasks.round.shelves import forget, shelf_of
from tasks.store import erasing, readers, suppressions

log = logging.getLogger(__name__)

HEAD_MOST = 16 * 2**10  # bytes: the To header of our mails stands well before
MAILDIR = "maildir://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What is kept of somebody who left for good: nothing, but where one of these says so.

    `suppressed`: a keyed hash of the address, so that it never gets mail again. `on_its_way`: a mail was
    just being handed over, and may still arrive. `left`: files that could not be removed or cleaned.
    """

    suppressed: bool
    on_its_way: bool
    left: tuple[str, ...]

    @property
    def kept(self) -> str:
        """The same, in a sentence."""
        parts = []
        if self.suppressed:
            parts.append("a keyed hash of the address, so that it never gets mail again")
        if self.on_its_way:
            parts.append("a mail that was just being handed over, and may still arrive")
        if self.left:
            parts.append(f"what could not be removed now: {', '.join(self.left)}")
        return f"Kept: {'; '.join(parts)}." if parts else "Nothing is kept."


def erase(context: Context, reader_id: int, *, suppress: bool) -> Erased:
    """Delete a reader with everything that is theirs. Raises `UnknownName` when they are gone already.

    With `suppress`, the hash of their address stays, and no mail goes there again. Files go first, so
    that who is interrupted can ask again; and once more after, since mails may have come meanwhile.
    """
    with context.database.read() as session:
        reader = readers.present(session, reader_id)
        shard_id = erasing.shard_of(session, reader_id)
    _clear(context, reader.email, shard_id)
    whos = hidden_names(context.seal, reader)
    with context.database.write() as session:
        on_its_way = erasing.erase(session, reader_id, whos)
        if suppress:
            suppressions.add(session, hidden_for_ever(context, reader.email), context.clock())
    left = _clear(context, reader.email, shard_id)
    if not erasing.scrub(context.database):
        left += ("traces in the database's file",)
    if left:
        log.error("not all of an erased reader could be removed: %s", ", ".join(left))
    return Erased(suppressed=suppress, on_its_way=on_its_way, left=left)


def _clear(context: Context, address: str, shard_id: int) -> tuple[str, ...]:
    """Remove the mails to that address and the shelf of that shard; the names of what would not go."""
    left = []
    for path in _mails(context):
        try:
            if _is_to(path, address):
                path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue  # moved on, and is met again where it went
        except OSError:
            left.append(path.name)
    try:
        forget(*shelf_of(context, shard_id))
    except OSError:
        left.append("the rows of profiles")
    return tuple(left)


def _mails(context: Context) -> Iterator[Path]:
    """The files of the folders that stand in for a mail server."""
    url = context.settings.transport
    folders = {context.settings.mailbox}
    if url.startswith(MAILDIR):
        folders.add(Path(url.removeprefix(MAILDIR)))
    for folder in folders:
        for part in ("tmp", "new", "cur"):
            for path in sorted((folder / part).glob("*")):
                if path.is_file():
                    yield path


def _is_to(path: Path, address: str) -> bool:
    with path.open("rb") as file:
        head = re.split(rb"\r?\n\r?\n", file.read(HEAD_MOST), maxsplit=1)[0]
    found = BytesHeaderParser().parsebytes(head).get_all("To", [])
    return address in {to.lower() for _, to in getaddresses(map(str, found))}
