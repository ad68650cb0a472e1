"""What every step needs: the settings, the database, a clock, and doors to the outside.

The clock tells when leases end and mails go. The round's own moment `at` (which day, whose hour) comes
as an argument, so that a round can be run for any moment.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile

from tasks.deliver.transport import Transport, transport_for
from tasks.fetch.http import LIMITS, Http, Limits
from tasks.parse.killable import Parser
from tasks.records import Letterhead
from tasks.sealing import Seal, new_secret
from tasks.settings import Settings, current
from tasks.store.database import Database


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Context:
    """One per process; threads share it."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime] = field(default=utc_now)

    @cached_property
    def parser(self) -> Parser:
        """A child process that reads pages, and may be killed for it."""
        return Parser()

    @cached_property
    def seal(self) -> Seal:
        """What signs links: by the secret that is set, else by one that is made once and kept here."""
        said = self.settings.secret.get_secret_value()
        return Seal(said.encode() if said else _own_secret(self.settings.home / "secret"))

    def http(self, limits: Limits = LIMITS) -> AbstractContextManager[Http]:
        """A client for one source's turn."""
        return Http(
            contact=self.settings.contact or self.settings.base_url,
            allow_private=self.settings.allow_private,
            limits=limits,
        )

    def transport(self) -> Transport:
        """A new line to the mail server or the mailbox; not for several threads."""
        return transport_for(self.settings.transport)

    @cached_property
    def letterhead(self) -> Letterhead:
        """Who sends."""
        s = self.settings
        return Letterhead(
            sender=s.sender,
            sender_name=s.sender_name,
            reply_to=s.reply_to,
            bounce=s.bounce,
            domain=s.sender_domain,
            base_url=s.base_url.rstrip("/"),
            postal_address=s.postal_address,
        )

    def close(self) -> None:
        """End the child process and the database's connections."""
        if "parser" in self.__dict__:
            self.parser.close()
        self.database.close()


def _own_secret(path: Path) -> bytes:
    """The secret in that file, written first if there is none; of two that write, one wins whole."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, prefix=".secret.") as file:  # readable by us alone
            file.write(new_secret().encode())
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_bytes()


def open_context(settings: Settings, clock: Callable[[], datetime] = utc_now) -> Context:
    """A context on these settings."""
    return Context(settings=settings, database=Database(settings.database), clock=clock)


@lru_cache(maxsize=1)
def process_context() -> Context:
    """This process's context, on the settings of its environment."""
    return open_context(current())
