"""Mail: the server or the mailbox, who writes, where links lead, and who may ask how often."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import urlsplit

from tasks.deliver.transport import transport_for
from tasks.errors import SettingsError, TransportDown
from tasks.settings import PREFIX
from workers.doctor.finding import PATIENCE_S, Patient, Wrong
from workers.web.guard import host_of, is_loopback, is_private


def mail(patient: Patient) -> str:
    """Whether the mail server lets us in, or the mailbox can be written."""
    settings = patient.settings
    if not (settings.smtp_url.get_secret_value() or settings.home.exists()):
        return f"mails will go to the folder {settings.mailbox}"  # which a check would make
    try:
        with closing(transport_for(settings.transport, timeout=PATIENCE_S)) as transport:
            return transport.check()
    except SettingsError as error:
        raise Wrong(str(error), f"set {PREFIX}SMTP_URL right") from None
    except TransportDown as error:
        words = "then ask again; until it works, mails wait and none is lost"
        raise Wrong(str(error), f"set the server or {PREFIX}SMTP_URL right, {words}") from None


def sender(patient: Patient) -> str:
    """Whether mails that leave the machine come from somebody."""
    writer = patient.settings.sender
    if patient.settings.smtp_url.get_secret_value() and writer.lower().endswith(".invalid"):
        words = f"mails would go out as {writer}, which is nobody's address"
        raise Wrong(words, f"set {PREFIX}SENDER to an address that your mail server may send for")
    return writer


def address(patient: Patient) -> str:
    """Whether the links in mails are safe to follow."""
    base = urlsplit(patient.settings.base_url)
    if not base.netloc:
        return "none set: mails carry no links to pages of ours"
    if base.scheme == "http" and not is_loopback(host_of(base.netloc)):
        words = f"{base.scheme}://{base.netloc} sends readers' links unencrypted"
        raise Wrong(words, f"set {PREFIX}BASE_URL to an https:// address")
    return f"{base.scheme}://{base.netloc}"


def secret(patient: Patient) -> str:
    """Whether what signs links is the same on every machine that makes or reads them."""
    settings = patient.settings
    if settings.secret.get_secret_value():
        return f"set by {PREFIX}SECRET"
    if settings.database_url.get_secret_value().startswith("postgresql"):
        words = "each machine of a cluster would sign links with a secret of its own"
        raise Wrong(words, f"set {PREFIX}SECRET to the same long random text on all of them")
    return f"kept in {settings.home / 'secret'}"


def proxies(patient: Patient) -> str:
    """Whether those who ask can be told apart behind a proxy."""
    settings = patient.settings
    if settings.trusted_proxies:
        return f"trusted: {settings.trusted_proxies}"
    if settings.base_url and is_loopback(settings.host) and not is_private(settings):
        words = "a proxy stands in front, and everybody seems to ask from its address"
        raise Wrong(words, f"set {PREFIX}TRUSTED_PROXIES to the proxy's address, like 127.0.0.1")
    return "none: addresses are taken as they come"
