"""A letter's words: one link, asked for a moment ago, what it does and how long it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from tasks.errors import UsageError
from tasks.hours import is_zone, zone
from tasks.records import Letter, Letterhead, LetterKind, Reader, Rendered
from tasks.render.text import clean, cut, fill
from templates import Words, msgid, render, words_for

NAME, LINE = 80, 300  # characters
_LINK = re.compile(r"https?://[!-~]+")


@dataclass(frozen=True, slots=True)
class Wording:
    """What one kind of letter says; the messages may name the `sender` and the reader's `address`."""

    subject: str
    said: str
    button: str
    otherwise: str


WORDINGS = {
    LetterKind.CONFIRM: Wording(
        subject=msgid("Confirm your subscription"),
        said=msgid(
            "Somebody, we hope it was you, asked %(sender)s to send the papers of the day to "
            "%(address)s. Nothing is sent before you confirm it."
        ),
        button=msgid("Confirm my subscription"),
        otherwise=msgid("If it was not you, do nothing: you get no more mail."),
    ),
    LetterKind.SIGN_IN: Wording(
        subject=msgid("Your link to sign in"),
        said=msgid("Here is the link to sign in to %(sender)s as %(address)s."),
        button=msgid("Sign in"),
        otherwise=msgid("If it was not you who asked, do nothing: nobody gets in without it."),
    ),
    LetterKind.KNOWN: Wording(
        subject=msgid("You are a reader already"),
        said=msgid(
            "You asked to subscribe %(address)s, and are a reader of %(sender)s already. Here is a "
            "link to your preferences."
        ),
        button=msgid("Open my preferences"),
        otherwise=msgid("If it was not you who asked, do nothing: nothing changes."),
    ),
}


def write(letter: Letter, letterhead: Letterhead) -> Rendered:
    """The letter as subject, plain text and html, in the reader's language.

    Raises `UsageError` for a link that nobody could follow.
    """
    if not _LINK.fullmatch(letter.link):
        raise UsageError(
            f"the {letter.kind} letter to reader {letter.reader.id} has no link that can be followed: "
            "set the public address"
        )
    words = words_for(letter.reader.language)
    wording = WORDINGS[letter.kind]
    names = {
        "sender": cut(clean(letterhead.sender_name), NAME),
        "address": cut(clean(letter.reader.email), LINE),
    }
    values = names | {
        "subject": words.gettext(wording.subject),
        "said": words.gettext(wording.said, **names),
        "button": words.gettext(wording.button),
        "otherwise": words.gettext(wording.otherwise),
        "until": _until(letter, words),
        "link": letter.link,
        "postal": cut(clean(letterhead.postal_address), LINE),
        "fill": fill,
    }
    text, html = (render(f"email/letter/body.{kind}", words, **values) for kind in ("txt", "html"))
    return Rendered(subject=str(values["subject"]), text=text.rstrip("\n") + "\n", html=html)


def _until(letter: Letter, words: Words) -> str:
    """How long the link holds, in the reader's own zone."""
    here = _zone(letter.reader)
    return words.gettext(
        "The link works once, until %(time)s on %(day)s (%(zone)s).",
        time=words.time(letter.until, here),
        day=words.day(letter.until.astimezone(here).date(), year=False),
        zone=here.key,
    )


def _zone(reader: Reader) -> ZoneInfo:
    """The reader's zone: UTC where it is not one."""
    return zone(reader.timezone if is_zone(reader.timezone) else "UTC")
