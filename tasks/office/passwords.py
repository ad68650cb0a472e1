"""Passwords of admins: which will do, and how they are kept.

Kept is argon2id (RFC 9106) with the second set of parameters that OWASP names: 19 MiB, two passes, one
lane. Where these were others when a password was kept, its hash is made anew at the next signing in.

What will do is decided by what is left of a password once everything is taken out of it that guessers try
first: common words, also with digits for letters, the admin's own names, rows of keys, years, repetitions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from threading import Semaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tasks.errors import TooMany, UsageError

LEAST, MOST = 15, 128  # characters
CORE_LEAST, KINDS_LEAST = 8, 5  # characters that are left, and different ones among them
PIECE_LEAST = 4  # characters of a name, or of a row of keys, that are taken out
LINE_MOST = 8  # who make a hash or wait for it: threads of the web face that others lack meanwhile
ADVICE = "four or five words that nobody else would put together will do"
COMMON = (
    *("passphrase", "password", "passwort", "kennwort", "passw", "secret", "geheim", "letmein"),
    *("welcome", "willkommen", "hello", "hallo", "administrator", "admin", "root", "user", "login"),
    *("paperround", "paper", "round", "changeme", "default", "master", "super", "test", "temp"),
    *("iloveyou", "trustno", "dragon", "monkey", "football", "baseball", "sunshine", "princess"),
    *("correct", "horse", "battery", "staple", "whatever", "please", "server", "access", "qwert"),
    *("spring", "summer", "autumn", "winter", "monday", "friday", "company", "office", "letters"),
)
ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "012345678901234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "!@#$%^&*()_+",
)
_RUNS = (*ROWS, *(row[::-1] for row in ROWS))
_YEAR = re.compile(r"(?:19|20)\d\d")
_SAME = re.compile(r"(.)\1{2,}")
_LETTERS = str.maketrans("@4031!$57", "aaoeiisst")  # what digits and signs are typed for
# A hash takes 19 MiB and the better part of a tenth of a second: two at a time, and a short line of those
# who wait, so that a flood of tries leaves the machine to everybody else.
_gate, _line = Semaphore(2), Semaphore(LINE_MOST)
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def check(password: str, *names: str) -> str:
    """The password, if it will do for somebody with these names. Raises `UsageError` saying why not."""
    made = _normal(password)
    if not LEAST <= len(made) <= MOST:
        raise UsageError(
            f"a password has {LEAST} to {MOST} characters, and this one has {len(made)}: {ADVICE}"
        )
    if not made.isprintable():
        raise UsageError("a password is made of what a keyboard types, without tabs and line ends")
    core = _core(made.casefold(), names)
    if len(core) < CORE_LEAST or len(set(core)) < KINDS_LEAST:
        raise UsageError(
            "this password is little more than common words, your name, rows of keys, years or "
            f"repetitions, which are guessed first: {ADVICE}"
        )
    return password


def hashed(password: str) -> str:
    """What is kept of a password. Raises `TooMany`."""
    with _turn():
        return _hasher.hash(_normal(password))


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the password of which this is kept. Raises `TooMany`.

    Where nothing is kept, since nobody has that name, it takes as long, and is not.
    """
    tried = _normal(password[: 2 * MOST])
    with _turn():
        try:
            _hasher.verify(kept or _nobodys(), tried.encode(errors="replace"))
        except (VerificationError, InvalidHashError):
            return False
    return kept is not None


def is_old(kept: str) -> bool:
    """Whether it was kept by other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


@contextmanager
def _turn() -> Iterator[None]:
    """One of the few who may make a hash at this moment."""
    if not _line.acquire(blocking=False):
        wait = timedelta(seconds=1)
        raise TooMany("too many people sign in at this moment: try again", wait=wait)
    try:
        with _gate:
            yield
    finally:
        _line.release()


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher.hash("what a wrong name is held against")


def _normal(password: str) -> str:
    """The same, whichever keyboard typed it."""
    return unicodedata.normalize("NFKC", password)


# --- what is left ----------------------------------------------------------------------------------
def _core(text: str, names: tuple[str, ...]) -> str:
    """The letters and digits that are left of a password in small letters."""
    text = _SAME.sub("", _YEAR.sub("", _without_rows(_once(text)))).translate(_LETTERS)
    for word in sorted({*COMMON, *_pieces(names)}, key=len, reverse=True):
        text = text.replace(word, "")
    return "".join(one for one in _once(text) if one.isalnum())


def _pieces(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        for piece in re.split(r"[\W_\d]+", name.casefold()):
            if len(piece) >= PIECE_LEAST:
                yield piece


def _once(text: str) -> str:
    """What repeats itself, once: ``abcabcab`` is ``abc``."""
    every = range(1, len(text) // 2 + 1)
    return next((text[:size] for size in every if text[size:] == text[:-size]), text)


def _without_rows(text: str) -> str:
    kept, at = "", 0
    while at < len(text):
        end = at + PIECE_LEAST
        while end <= len(text) and any(text[at:end] in run for run in _RUNS):
            end += 1
        row = end - 1 - at
        if row < PIECE_LEAST:
            kept, row = kept + text[at], 1
        at += row
    return kept
