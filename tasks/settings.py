"""One frozen object with everything that can be set, from the environment or a `.env` file.

With nothing set, one machine runs by itself: state under the user's data folder, SQLite, an embedded
broker, and a mailbox folder in place of a mail server. Each `PAPERROUND_*` variable switches one part
to the real cluster's; each may also be read from a file by `PAPERROUND_*_FILE`.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.errors import SettingsError

PREFIX = "PAPERROUND_"
ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"
SECRET_LEAST = 32  # characters: `python -c "import secrets; print(secrets.token_urlsafe(32))"`
TOKEN_LEAST = 16
SOCKET_PATH_MOST = 100  # the kernel's limit is 107 bytes on Linux, 103 on macOS


Network = IPv4Network | IPv6Network


def default_home() -> Path:
    """Where state lives when nobody says otherwise: the platform's folder for a user's data."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "paperround"
    data = os.environ.get("XDG_DATA_HOME", "")
    return Path(data or Path.home() / ".local" / "share") / "paperround"


class Settings(BaseSettings):
    """What is in force. Secrets print as stars; urls with passwords are secrets."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    home: Path = Field(default_factory=default_home)
    database_url: SecretStr = SecretStr("")
    broker_url: SecretStr = SecretStr("")
    smtp_url: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    trusted_proxies: str = ""
    base_url: str = ""
    sender: str = "digest@paperround.invalid"
    sender_name: str = "Paperround"
    reply_to: str = ""
    bounce: str = ""
    postal_address: str = ""
    contact: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8780, ge=0, le=65535)
    concurrency: int = Field(default=4, ge=1, le=64)
    allow_private: bool = False
    encoder: Path | None = None
    alarm_mail: str = ""
    alarm_webhook: SecretStr = SecretStr("")
    metrics_token: SecretStr = SecretStr("")
    log_format: Literal["", "text", "json"] = ""
    develop: bool = False

    @field_validator("home", "encoder")
    @classmethod
    def _absolute(cls, folder: Path | None) -> Path | None:
        return folder.expanduser().absolute() if folder else None

    @model_validator(mode="after")
    def _refuse_unsafe(self) -> Self:
        if self.base_url and urlsplit(self.base_url).scheme not in ("http", "https"):
            raise ValueError(f"{PREFIX}BASE_URL must begin with https:// (or http://)")
        for name in ("sender", "reply_to", "bounce"):
            address = getattr(self, name)
            if (address or name == "sender") and not re.fullmatch(ADDRESS, address):
                raise ValueError(
                    f"{PREFIX}{name.upper()} must be a bare address like a@example.org"
                )
        if 0 < len(self.secret.get_secret_value()) < SECRET_LEAST:
            raise ValueError(f"{PREFIX}SECRET must have at least {SECRET_LEAST} characters")
        try:
            _networks(self.trusted_proxies)
        except ValueError as error:
            raise ValueError(f"{PREFIX}TRUSTED_PROXIES: {error}") from None
        url = self.database_url.get_secret_value()
        if url and not url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError(f"{PREFIX}DATABASE_URL must be sqlite:///FILE or postgresql://…")
        broker = self.broker_url.get_secret_value()
        if broker and urlsplit(broker).scheme not in ("redis", "rediss", "redis+socket"):
            raise ValueError(
                f"{PREFIX}BROKER_URL must be redis://… (or rediss://, redis+socket://)"
            )
        self._refuse_deaf()
        return self

    def _refuse_deaf(self) -> None:
        """Who watches must be able to be told, and to be known."""
        for address in self.alarm_addresses:
            if not re.fullmatch(ADDRESS, address):
                raise ValueError(
                    f"{PREFIX}ALARM_MAIL must be bare addresses like a@example.org, with commas between"
                )
        hook = urlsplit(self.alarm_webhook.get_secret_value())
        if (hook.scheme or hook.path) and not (hook.scheme in ("http", "https") and hook.hostname):
            raise ValueError(f"{PREFIX}ALARM_WEBHOOK must be a url that begins with https://")
        token = self.metrics_token.get_secret_value()
        if token and not (len(token) >= TOKEN_LEAST and token.isascii() and token.isprintable()):
            raise ValueError(
                f"{PREFIX}METRICS_TOKEN must have at least {TOKEN_LEAST} characters, all of them ASCII"
            )

    @property
    def alarm_addresses(self) -> tuple[str, ...]:
        """Who is told of alarms by mail."""
        return tuple(one.strip() for one in self.alarm_mail.split(",") if one.strip())

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks whose word about a request's sender is taken."""
        return _networks(self.trusted_proxies)

    @property
    def database(self) -> str:
        """The database's url, by the driver that is used."""
        url = self.database_url.get_secret_value() or f"sqlite:///{self.home / 'paperround.db'}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def broker_socket(self) -> Path:
        """Where the embedded broker listens: a socket that only this user can open."""
        path = self.home / "broker" / "socket"
        if len(os.fsencode(path)) <= SOCKET_PATH_MOST:
            return path
        mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"paperround-{os.getuid()}-{mark}" / "socket"

    @property
    def broker(self) -> str:
        """The broker's url; the embedded one's when none is set."""
        embedded = f"redis+socket://{quote(str(self.broker_socket))}"
        return self.broker_url.get_secret_value() or embedded

    @property
    def mailbox(self) -> Path:
        """The Maildir that stands in for a mail server."""
        return self.home / "mailbox"

    @property
    def transport(self) -> str:
        """Where mails go: the SMTP server, or the mailbox folder."""
        return self.smtp_url.get_secret_value() or f"maildir://{self.mailbox}"

    @property
    def sender_domain(self) -> str:
        """The right half of the sender's address; Message-IDs and list headers live under it."""
        return self.sender.rpartition("@")[2] or "localhost"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings anew. Raises `SettingsError` with the names of what is wrong."""
    try:
        return Settings.model_validate(_from_files(os.environ if environ is None else environ))
    except ValidationError as error:
        lines = (_line(item) for item in error.errors(include_input=False, include_url=False))
        raise SettingsError("; ".join(lines)) from None


@lru_cache(maxsize=1)
def current() -> Settings:
    """The settings of this process, read once."""
    return load()


def _from_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Values from `PAPERROUND_X_FILE`, as containers hand over secrets."""
    found = {}
    for name in Settings.model_fields:
        path = environ.get(f"{PREFIX}{name.upper()}_FILE")
        if path:
            try:
                found[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                reason = error.strerror or str(error)
                raise SettingsError(f"{PREFIX}{name.upper()}_FILE: {reason}: {path}") from None
    return found


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(name.strip()) for name in text.split(",") if name.strip())


def _line(item: Mapping[str, object]) -> str:
    where = item["loc"]
    assert isinstance(where, tuple)
    name = f"{PREFIX}{str(where[0]).upper()}: " if where else ""
    return name + str(item["msg"]).removeprefix("Value error, ")
