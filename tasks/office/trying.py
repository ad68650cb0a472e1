"""Trying a source out: one turn of it, fetched and parsed by the round's own functions, and nothing kept.

What a turn may cost is bounded: a few answers, a few pages, a minute, and two trials at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from threading import BoundedSemaphore
from time import monotonic
from typing import Any

from tasks.errors import PageError, SourceError, TooMany, UnknownName, UsageError
from tasks.fetch.answer import Answer, shown
from tasks.fetch.arxiv import CATEGORIES
from tasks.fetch.http import Http, Limits
from tasks.fetch.source import fetch
from tasks.office.sources import get, sound_address
from tasks.records import RawPage, Source, SourceKind
from tasks.round.context import Context
from tasks.store import audit, sources

LIMITS = Limits(total=15.0, redirects=5)  # of one answer
ANSWERS_MOST, PAGES_MOST = 12, 10
SECONDS_MOST = 60.0
TITLES, REASONS = 5, 20  # of one page that are told
AGAIN = timedelta(seconds=30)
_places = BoundedSemaphore(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An answer of the source's server."""

    url: str
    status: int
    size: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTried:
    """A page that came, and what today's parser makes of it: entries, or the error."""

    name: str
    size: int
    shape: str = ""
    day: date | None = None
    entries: int = 0
    titles: tuple[str, ...] = ()
    rejected: int = 0
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one turn came to. `error` says why nothing came; `left_out` pages were not looked at."""

    source: str
    kind: SourceKind
    address: str
    seconds: float
    answers: tuple[Heard, ...] = ()
    pages: tuple[PageTried, ...] = ()
    left_out: int = 0
    notes: tuple[str, ...] = ()
    error: str = ""

    @property
    def went_well(self) -> bool:
        """Whether something came, and all of it could be read."""
        return bool(self.pages) and not any(page.error for page in self.pages)


def try_source(context: Context, who: str, name: str) -> Trial:
    """Try a source that is there. Raises `UnknownName`, and `TooMany` while others are tried."""
    get(context, name)
    with context.database.read() as session:
        source = sources.find(session, name)
    return _tried(context, who, source, name)


def try_address(
    context: Context, who: str, kind: SourceKind, address: str, *, here: bool = False
) -> Trial:
    """Try an address that is no source yet. Raises `UsageError` for what could be none, and `TooMany`."""
    sound = sound_address(context, kind, address, here=here)
    return _tried(context, who, Source(id=0, kind=kind, name="", address=sound), "")


def try_either(context: Context, who: str, said: str, kind: SourceKind | None = None) -> Trial:
    """Try the source of that name or, if there is none, that address; its kind is guessed if not told."""
    if kind is None:
        try:
            return try_source(context, who, said)
        except UnknownName:
            kind = guessed(said)
    return try_address(context, who, kind, said, here=True)


def guessed(address: str) -> SourceKind:
    """What kind of source an address may be. Raises `UsageError`."""
    if "://" in address:
        host = address.partition("://")[2].partition("/")[0].partition(":")[0].lower()
        if host.endswith("arxiv.org"):
            return SourceKind.ARXIV
        return SourceKind.HF if host.endswith("huggingface.co") else SourceKind.FEED
    if "/" in address or address.startswith((".", "~")):
        return SourceKind.FOLDER
    if CATEGORIES.fullmatch(address) and "." in address:
        return SourceKind.ARXIV
    raise UsageError(
        f"{address[:80]!r} is no source's name and looks like no address: say its --kind"
    )


def _tried(context: Context, who: str, source: Source, name: str) -> Trial:
    if not _places.acquire(blocking=False):
        raise TooMany("two sources are being tried at this moment: try again", wait=AGAIN)
    try:
        with context.database.write() as session:
            subject = f"source {name}" if name else f"{source.kind} {shown(source.address)}"
            audit.note(session, who, "source tried", subject[:200], now=context.clock())
        return _turn(context, replace(source, etag="", last_modified=""))
    finally:
        _places.release()


def _turn(context: Context, source: Source) -> Trial:
    begun = monotonic()
    trial = Trial(source=source.name, kind=source.kind, address=source.address, seconds=0)
    with context.http(LIMITS) as http:
        listening = _Listening(http, until=begun + SECONDS_MOST)
        try:
            found = fetch(source, at=context.clock(), since=None, http=listening)
        except SourceError as error:
            trial = replace(trial, error=str(error))
        else:
            pages, left_out = _read(context, found.pages, until=begun + SECONDS_MOST)
            trial = replace(trial, pages=pages, left_out=left_out, notes=found.notes)
    return replace(trial, answers=tuple(listening.heard), seconds=monotonic() - begun)


def _read(
    context: Context, pages: Sequence[RawPage], *, until: float
) -> tuple[tuple[PageTried, ...], int]:
    """The first pages as they are parsed, and how many are left."""
    read = []
    for page in pages[:PAGES_MOST]:
        if monotonic() > until:
            break
        read.append(_page(context, page))
    return tuple(read), len(pages) - len(read)


def _page(context: Context, page: RawPage) -> PageTried:
    tried = PageTried(name=page.name or shown(page.url), size=len(page.body))
    try:
        parsed = context.parser.parse(page)
    except PageError as error:
        return replace(tried, error=f"{error.reason}: {error}")
    return replace(
        tried,
        shape=parsed.shape,
        day=parsed.day,
        entries=len(parsed.entries),
        titles=tuple(entry.title for entry in parsed.entries[:TITLES]),
        rejected=len(parsed.rejected),
        reasons=tuple(f"{one.position}: {one.reason}" for one in parsed.rejected[:REASONS]),
        warnings=parsed.warnings[:REASONS],
    )


class _Listening(Http):
    """A client that remembers what was answered, and asks neither too long nor too often."""

    def __init__(self, http: Http, *, until: float) -> None:
        self._http = http
        self._until = until
        self.heard: list[Heard] = []

    def get(self, url: str, **how: Any) -> Answer:
        """As the client does. Raises `SourceError` past the trial's bounds."""
        if len(self.heard) >= ANSWERS_MOST or monotonic() > self._until:
            raise SourceError(f"{shown(url)} was not asked any more: a trial ends there")
        begun = monotonic()
        answer = self._http.get(url, **how)
        size, seconds = len(answer.body), monotonic() - begun
        said = Heard(url=shown(answer.url), status=answer.status, size=size, seconds=seconds)
        self.heard.append(said)
        return answer
