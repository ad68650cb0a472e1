"""What links, cookies and hashes are made of. Pure: the key is an argument.

A mark stands in a link of a mail: some numbers and their signature for one purpose. It needs no row,
and is void once its reader's epoch has moved on. A secret is random, and only its hash is kept.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode

SIGNATURE = 16  # bytes, 22 characters: a link of a mail should fit into one line
_MARK = re.compile(r"[0-9a-f]{1,16}(?:-[0-9a-f]{1,16}){0,4}\.[A-Za-z0-9_-]{22}")


class Seal:
    """Signs and hides by one key, which the whole installation shares."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def mark(self, purpose: str, *facts: int, epoch: int) -> str:
        """`facts` (from 0 up) and their signature, fit for a link: ``1f-2b.…``."""
        body = "-".join(f"{fact:x}" for fact in facts)
        return f"{body}.{self._signature(purpose, body, epoch)}"

    def holds(self, purpose: str, mark: str, *, epoch: int) -> bool:
        """Whether this mark was made for this purpose at this epoch."""
        if not _MARK.fullmatch(mark):
            return False
        body, _, signature = mark.partition(".")
        return hmac.compare_digest(signature, self._signature(purpose, body, epoch))

    def hidden(self, kind: str, text: str) -> str:
        """A name for `text` (an address, a network) that tells nobody without the key what it is."""
        return hmac.new(self._key, f"{kind}|{text}".encode(), hashlib.sha256).hexdigest()[:32]

    def _signature(self, purpose: str, body: str, epoch: int) -> str:
        words = f"mark|{purpose}|{epoch}|{body}".encode()
        whole = hmac.new(self._key, words, hashlib.sha256).digest()[:SIGNATURE]
        return urlsafe_b64encode(whole).rstrip(b"=").decode()


def facts(mark: str) -> tuple[int, ...]:
    """What a mark says, not yet believed; nothing where it is no mark."""
    if not _MARK.fullmatch(mark):
        return ()
    return tuple(int(fact, 16) for fact in mark.partition(".")[0].split("-"))


def new_secret() -> str:
    """256 random bits, fit for a link or a cookie."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is kept of a secret. It is random and long, so that one plain hash is enough."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
