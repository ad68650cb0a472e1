"""The mails as an invented reader would get them: made by the round's own functions, kept and sent by nobody.

The reader is in no database, and the links in these mails are signed with a secret of nobody's: they lead to
the pages that say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from tasks.desk.outlook import asked_for, trial
from tasks.errors import UsageError
from tasks.hours import next_due
from tasks.profile_json import TERM_MOST
from tasks.records import Digest, Letter, Letterhead, LetterKind, Profile, Reader, Rendered
from tasks.render.digest import render
from tasks.render.letter import write
from tasks.round.context import Context
from tasks.round.rendering import marks
from tasks.sealing import Seal
from templates import LANGUAGES

LENGTHS = ("short", "normal", "long")
TERMS_MOST = 30
DIGEST, ADDENDUM = "digest", "addendum"
MAILS = (DIGEST, ADDENDUM, *(kind.value for kind in LetterKind))
NOBODY = "nobody@readers.example"
SEAL = Seal(b"whatever this signs holds nowhere")
PROFILE = -1  # no number of a profile that is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Invented:
    """Who the mail is for, and which: ``digest``, ``addendum`` or a letter's kind. `day` None: the newest."""

    mail: str = DIGEST
    day: date | None = None
    language: str = "en"
    length: str = "normal"
    text_only: bool = False
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A mail that nobody gets. `rendered` is None where there is none: then `reason` says why."""

    rendered: Rendered | None
    day: date | None = None
    picks: int = 0
    considered: int = 0
    reason: str = ""


def invented(
    mail: str = DIGEST,
    *,
    day: str = "",
    language: str = "en",
    length: str = "normal",
    text_only: bool = False,
    terms: str = "",
) -> Invented:
    """The reader as they were typed, terms with commas or line ends between. Raises `UsageError`."""
    for said, known in ((mail, MAILS), (language, LANGUAGES), (length, LENGTHS)):
        if said not in known:
            raise UsageError(f"there is no {said[:20]!r}: choose of {', '.join(known)}")
    try:
        chosen = date.fromisoformat(day) if day else None
    except ValueError:
        raise UsageError(f"{day[:20]!r} is no day: write it like 2026-11-20") from None
    return Invented(
        mail=mail,
        day=chosen,
        language=language,
        length=length,
        text_only=text_only,
        terms=_terms(terms),
    )


def preview(context: Context, said: Invented) -> Preview:
    """The mail that this reader would get."""
    reader = _reader(said)
    if said.mail in (DIGEST, ADDENDUM):
        return _digest(context, said, reader)
    letter = Letter(
        kind=LetterKind(said.mail),
        reader=reader,
        link="https://paperround.invalid/a-link-that-leads-nowhere",
        until=context.clock() + timedelta(days=7),
    )
    return Preview(rendered=_without_html(write(letter, context.letterhead), said))


def _digest(context: Context, said: Invented, reader: Reader) -> Preview:
    profiles = [Profile(id=PROFILE, name="Preview", terms=said.terms)] if said.terms else []
    by = None if said.day is None else _end_of(said.day)
    found = trial(context, reader, asked_for(reader, profiles), by=by)
    if found is None:
        return Preview(rendered=None, reason="No paper had come by then.")
    day = found.at.astimezone(UTC).date()
    made = Preview(
        rendered=None,
        day=day,
        picks=len(found.picks),
        considered=found.composition.considered,
        reason=found.composition.reason,
    )
    if not found.picks:
        return made
    digest = Digest(
        id=0,
        day=day,
        reader=reader,
        picks=found.picks,
        considered=found.composition.considered,
        mends=(day, day) if said.mail == ADDENDUM else None,
    )
    rendered = _rendered(digest, context.letterhead, found.at)
    return replace(made, rendered=_without_html(rendered, said))


def _rendered(digest: Digest, letterhead: Letterhead, at: datetime) -> Rendered:
    coming = next_due(digest.reader, at)
    following = None if coming is None else coming.date()
    signed = replace(digest, marks=marks(SEAL, digest), next_day=following)
    return render(signed, letterhead)


def _reader(said: Invented) -> Reader:
    return Reader(
        id=0,
        email=NOBODY,
        name="Ada Nobody",
        language=said.language,
        length=said.length,
        text_only=said.text_only,
        token="nobody-nobody-nobody-x",  # noqa: S106 - opens nothing: it is no reader's
    )


def _without_html(rendered: Rendered, said: Invented) -> Rendered:
    return replace(rendered, html="") if said.text_only else rendered


def _terms(text: str) -> tuple[str, ...]:
    found = tuple(
        dict.fromkeys(part for one in re.split(r"[,\n]", text) if (part := " ".join(one.split())))
    )
    if len(found) > TERMS_MOST or any(len(one) > TERM_MOST for one in found):
        raise UsageError(f"{TERMS_MOST} terms at most, each of {TERM_MOST} characters at most")
    if not all(one.isprintable() for one in found):
        raise UsageError("a term holds characters that nobody can see")
    return found


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, UTC)
