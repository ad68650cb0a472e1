"""Mails as their reader has them: both bodies, their links, the papers of a digest."""

from __future__ import annotations

import email
import html
import re
from email import policy
from email.message import EmailMessage


def opened(body: bytes) -> EmailMessage:
    """A mail from its bytes."""
    mail = email.message_from_bytes(body, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def parts(mail: EmailMessage) -> tuple[str, str]:
    """A mail's plain text and its html."""
    bodies = [mail.get_body((kind,)) for kind in ("plain", "html")]
    plain, rich = ("" if body is None else str(body.get_content()) for body in bodies)
    return plain, rich


def links(mail: EmailMessage) -> tuple[list[str], list[str]]:
    """The addresses of a mail's plain text and of its html, each once."""
    plain, rich = parts(mail)
    written = re.findall(r"https?://[^\s<>]+", plain)
    shown = [html.unescape(url) for url in re.findall(r'href="(http[^"]+)"', rich)]
    return list(dict.fromkeys(written)), list(dict.fromkeys(shown))


def titles(mail: EmailMessage) -> list[str]:
    """The titles of a digest's papers in their order, by its html."""
    found = re.findall(
        r'class="(?:title|line-title) ink"[^>]*>(?:<a[^>]*>)?([^<]+)<', parts(mail)[1]
    )
    return [html.unescape(title) for title in found]


def way_out(mail: EmailMessage) -> str:
    """The address of the one click of mail programs (which they offer where it is https)."""
    return re.findall(r"<(http[^>]+)>", str(mail["List-Unsubscribe"]))[0]
