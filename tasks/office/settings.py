"""The settings that are in force, and where each comes from; of secrets only whether they are set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic_settings import DotEnvSettingsSource

from tasks.round.context import Context
from tasks.settings import PREFIX, Settings

STARS = "••••••"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a setting is, its unit where it has one, and what holds without it."""

    words: str
    unit: str = ""
    otherwise: str = ""


MEANINGS: Mapping[str, Meaning] = {
    "home": Meaning("Where state lives", "folder"),
    "database_url": Meaning("The database", "url", "SQLite in the home"),
    "broker_url": Meaning(
        "The broker, a Redis or Valkey server", "url", "an embedded one, started and kept"
    ),
    "smtp_url": Meaning("The mail server", "url", "a mailbox folder in the home"),
    "secret": Meaning(
        "What signs the links of mails", "32 characters or more", "made once, kept in the home"
    ),
    "trusted_proxies": Meaning(
        "Proxies whose word about who asks is taken", "addresses or networks", "nobody’s word"
    ),
    "base_url": Meaning(
        "The public address of the web page, for links in mails", "url", "no links to us"
    ),
    "sender": Meaning("Who the mails are from", "address"),
    "sender_name": Meaning("What the sender is called"),
    "reply_to": Meaning("Where answers to mails go", "address", "to the sender"),
    "bounce": Meaning("Where mails that cannot be delivered go", "address", "to the sender"),
    "postal_address": Meaning("The postal address at the foot of mails", "", "none"),
    "contact": Meaning("How a source’s owner reaches you", "url or address", "by the base url"),
    "host": Meaning("Where the web page listens", "address of this machine"),
    "port": Meaning("Where the web page listens", "port"),
    "concurrency": Meaning("How much a worker does at once", "threads"),
    "allow_private": Meaning("Whether sources may lie on private addresses", "yes or no"),
    "encoder": Meaning("The sentence encoder", "folder", "scores go by words alone"),
    "alarm_mail": Meaning(
        "Who is mailed alarms, beside admins who gave an address", "addresses", "nobody else"
    ),
    "alarm_webhook": Meaning("What is told of alarms", "url", "nothing"),
    "metrics_token": Meaning(
        "What opens /metrics, beside an admin’s key", "16 characters or more", "nothing else"
    ),
    "log_format": Meaning("How logs are written", "text or json", "text on a terminal, else json"),
    "develop": Meaning("Whether templates are read anew when they change", "yes or no"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting in force. `whence` is ``default``, ``environment``, ``file PATH`` or ``.env``."""

    name: str
    variable: str
    value: str
    whence: str
    is_secret: bool
    meaning: Meaning


def in_force(context: Context, environ: Mapping[str, str] | None = None) -> list[Setting]:
    """Every setting of this process, in the order of the code. No secret stands in it."""
    seen = os.environ if environ is None else environ
    written = _dotenv()
    return [_told(context.settings, name, seen, written) for name in Settings.model_fields]


def _told(
    settings: Settings, name: str, environ: Mapping[str, str], written: Mapping[str, str]
) -> Setting:
    value = getattr(settings, name)
    return Setting(
        name=name,
        variable=f"{PREFIX}{name.upper()}",
        value=_shown(value),
        whence=_whence(name, environ, written),
        is_secret=isinstance(value, SecretStr),
        meaning=MEANINGS[name],
    )


def _shown(value: object) -> str:
    """A value as people read it; a secret as stars, of an address with one the place alone."""
    match value:
        case SecretStr():
            secret = value.get_secret_value()
            return _starred(secret) if secret else ""
        case bool():
            return "yes" if value else "no"
        case None:
            return ""
        case _:
            return str(value)


def _starred(secret: str) -> str:
    """Stars; before them what kind of address it is, which is no secret."""
    try:
        scheme = urlsplit(secret).scheme if "://" in secret else ""
    except ValueError:
        scheme = ""
    return f"{scheme}://{STARS}" if scheme else STARS


def _whence(name: str, environ: Mapping[str, str], written: Mapping[str, str]) -> str:
    """Where a value comes from, by the order in which settings are read: file, environment, `.env`."""
    variable = f"{PREFIX}{name.upper()}"
    path = environ.get(f"{variable}_FILE")
    if path:
        return f"file {path}"
    if any(key.upper() == variable and value for key, value in environ.items()):
        return "environment"
    return ".env" if written.get(variable) else DEFAULT


def _dotenv() -> dict[str, str]:
    """What stands in the `.env` file of the folder that this process runs in, by upper-case names."""
    found = DotEnvSettingsSource(Settings).env_vars
    return {key.upper(): value for key, value in found.items() if value}
