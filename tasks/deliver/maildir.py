"""Mails into a Maildir: each of them exactly once, whatever dies and however many processes write.

A mail is written whole to ``tmp`` and then linked to ``new`` under the name of its digest. A link
fails where the name exists, so the file system itself refuses the second copy; a mail that was read
and moved to ``cur`` is found there by the same name. A mail that somebody deleted is forgotten. The
bytes are those of the message, CRLF and all.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Self

from tasks.errors import MailDeferred, MailRefused, MailUnsure, TransportDown
from tasks.records import Message, Reply

STALE = 36 * 3600
"""Seconds after which a file in ``tmp`` belongs to nobody (the Maildir convention)."""

SUFFIX = ".paperround"
"""Ends the name of our files in ``tmp``: those of other programs are theirs to clean."""

# No slash, and no colon: a Maildir writes flags behind it. No dot first: such files are hidden.
_KEY = re.compile(r"[A-Za-z0-9_=+-][A-Za-z0-9._=+-]{0,199}")


class MaildirTransport:
    """Hands mails to a folder. Any number of them may share one, in any number of processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened = False
        self._open: set[MaildirHandover] = set()

    def __repr__(self) -> str:
        return f"MaildirTransport({self._folder})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def offer(self, message: Message) -> MaildirHandover:
        """Write the mail to ``tmp``. Raises `TransportDown` or `MailRefused`; nothing is left."""
        if not _KEY.fullmatch(message.key):
            raise MailRefused(
                f"{message.message_id} has a key that cannot be a file's name: use letters, "
                "digits and . _ = + - only",
                phase="rcpt",
            )
        self._prepare()
        handover = MaildirHandover(self, message, self._write(message.key, message.body))
        self._open.add(handover)
        return handover

    def delivered(self, message_id: str, key: str) -> bool:  # noqa: ARG002 - other ways look by it
        """Whether a mail of this key lies in ``new`` or ``cur``. Raises `TransportDown`."""
        # A mail moves from `new` to `cur` only, so looking in this order cannot miss it.
        if os.path.lexists(self._folder / "new" / key):
            return True
        try:
            return any(name.partition(":")[0] == key for name in os.listdir(self._folder / "cur"))
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._down("connect", error) from error

    def check(self) -> str:
        """Write, link and remove a hidden file. Raises `TransportDown` with the way out."""
        self._prepare()
        tmp = self._write("check", b"")
        probe = self._folder / "new" / f".{tmp.name}"
        try:
            os.link(tmp, probe)
            probe.unlink()
        except OSError as error:
            raise self._down("dot", error) from error
        finally:
            tmp.unlink()
        return f"the mailbox folder {self._folder} can be written"

    def close(self) -> None:
        """Abandon what is not finished."""
        for handover in tuple(self._open):
            handover.abandon()

    def place(self, tmp: Path, message: Message) -> Reply:
        """Link `tmp` into ``new``, unless the mail is there already. For `MaildirHandover`."""
        new = self._folder / "new"
        try:
            if self.delivered(message.message_id, message.key):
                return Reply(code=250, text="already delivered")
            os.link(tmp, new / message.key)
        except FileExistsError:
            return Reply(code=250, text="already delivered")
        except (OSError, TransportDown) as error:
            raise MailDeferred(f"{message.message_id}: {error}", phase="dot") from error
        try:
            _sync(new)
        except OSError as error:
            raise MailUnsure(
                f"{message.message_id} is in {new}, but the disk did not confirm it: {error}. "
                "Check the disk",
                phase="dot",
            ) from error
        return Reply(code=250, text=f"delivered as {message.key}")

    def forget(self, handover: MaildirHandover, tmp: Path) -> None:
        """Remove what a handover left in ``tmp``. For `MaildirHandover`."""
        self._open.discard(handover)
        # A file that cannot be removed now is swept when it is stale.
        with suppress(OSError):
            tmp.unlink()

    def _prepare(self) -> None:
        if self._opened:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("tmp", "new", "cur"):
                (self._folder / name).mkdir(mode=0o700, exist_ok=True)
            _sweep(self._folder / "tmp")
        except OSError as error:
            raise self._down("connect", error) from error
        self._opened = True

    def _write(self, name: str, body: bytes) -> Path:
        tmp = self._folder / "tmp" / f"{name}.{token_hex(8)}{SUFFIX}"
        try:
            _write_through(tmp, body)
        except OSError as error:
            with suppress(OSError):
                tmp.unlink()
            raise self._down("body", error) from error
        return tmp

    def _down(self, phase: str, error: OSError) -> TransportDown:
        return TransportDown(
            f"the mailbox folder {self._folder} cannot be used ({error.strerror}). "
            "Make room, make it writable, or set PAPERROUND_SMTP_URL to another maildir:///folder",
            phase=phase,
        )


class MaildirHandover:
    """A mail that lies in ``tmp``. Ends once, by `finish` or `abandon`."""

    def __init__(self, transport: MaildirTransport, message: Message, tmp: Path) -> None:
        self._transport = transport
        self._message = message
        self._tmp: Path | None = tmp

    def finish(self) -> Reply:
        """Make the mail visible, once. Raises `MailDeferred`, or `MailUnsure` on a failing disk."""
        tmp, self._tmp = self._tmp, None
        if tmp is None:
            raise RuntimeError(f"the handover of {self._message.message_id} has already ended")
        try:
            return self._transport.place(tmp, self._message)
        finally:
            self._transport.forget(self, tmp)

    def abandon(self) -> None:
        """Take the mail back: certainly nothing was delivered."""
        tmp, self._tmp = self._tmp, None
        if tmp is not None:
            self._transport.forget(self, tmp)


def _write_through(path: Path, body: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the folder's names durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Remove our stale files. What cannot be removed, or is by another process, hinders nobody."""
    limit = time.time() - STALE
    for path in folder.glob(f"*{SUFFIX}"):
        with suppress(OSError):
            if path.lstat().st_mtime < limit:
                path.unlink()
