"""Mail addresses as people type them, and what of them is counted. Pure."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from tasks.errors import UsageError

LONGEST = 320  # characters: 64 before the @ and 255 after it (RFC 5321, 4.5.3.1)
DOTLESS = frozenset({"gmail.com", "googlemail.com"})  # a dot more or less is the same mailbox there
BIG = frozenset(
    {
        "126.com", "163.com", "aol.com", "fastmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch",
        "gmx.de", "gmx.net", "googlemail.com", "hotmail.com", "hotmail.fr", "icloud.com", "live.com",
        "mac.com", "mail.ru", "me.com", "msn.com", "naver.com", "orange.fr", "outlook.com",
        "outlook.de", "pm.me", "posteo.de", "proton.me", "protonmail.com", "qq.com", "t-online.de",
        "web.de", "yahoo.co.jp", "yahoo.co.uk", "yahoo.com", "yahoo.de", "yandex.ru", "zoho.com",
    }
)  # fmt: skip  # where a great many people have their mailbox


def read_address(text: str) -> str:
    """An address in its one canonical form. Raises `UsageError`; asks no name server."""
    text = text.strip()
    if len(text) > LONGEST:
        raise UsageError(f"{text[:LONGEST]!r}… is no mail address: it is too long")
    try:
        found = validate_email(
            text, check_deliverability=False, test_environment=True, allow_smtputf8=False
        )
    except EmailNotValidError as error:
        raise UsageError(f"{text!r} is no mail address: {error}") from None
    return f"{found.local_part}@{found.ascii_domain}".lower()


def domain_of(address: str) -> str:
    """What stands after the @ of a canonical address."""
    return address.rpartition("@")[2]


def mailbox_of(address: str) -> str:
    """The mailbox behind a canonical address: many spellings of one are still one person's."""
    name, _, domain = address.rpartition("@")
    name = name.partition("+")[0] or name
    return f"{name.replace('.', '') if domain in DOTLESS else name}@{domain}"


def masked(address: str) -> str:
    """An address that who knows it knows again and nobody else learns: ``a…@readers.example``."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"
