"""A reader's own papers from elsewhere: pasted, from a file, from Zotero or ORCID → examples.

Nothing is written here: what was found is shown first, and a profile takes it when the reader says so.
What the services say decides, and none of them is waited for: where one asks for a pause, what has
come by then is all that is taken, and the notes tell so. How often they are asked is bounded: by
`desk.limits` for each reader whose number is given, and for arXiv for everybody together.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import BoundedSemaphore
from urllib.parse import urlencode

from tasks.desk.limits import ASKING_ARXIV, EACH_IMPORT, count, hidden_import
from tasks.errors import PageError, SourceError, TooMany, UsageError
from tasks.fetch.answer import Answer, asked_wait, failure, page
from tasks.fetch.http import Http, Limits
from tasks.library import orcid as orcid_works
from tasks.library import zotero
from tasks.library.reference import Library, Reference, Refused, names
from tasks.library.sniff import read
from tasks.parse.arxiv import parse_arxiv
from tasks.records import Example, ParsedEntry
from tasks.round.context import Context
from tasks.store import lookup
from tasks.store.knocks import Limit
from templates import msgid

ARXIV = "https://export.arxiv.org/api/query"
ORCID = "https://pub.orcid.org"
ZOTERO = "https://api.zotero.org"

SECONDS = 12
"""No question is put to a service after that, and none takes longer than `LIMITS` allow: a person
waits, 20 seconds at most."""
LIMITS = Limits(total=8, read=8, body=5_000_000)
ZOTERO_MOST = 500
"""The newest items: what was kept before says little of what is wanted now."""
ARXIV_MOST = 100
_ARXIV_BYTES = 2_000_000
_PAUSE = timedelta(minutes=1)  # where a service asks for a pause and names none
AT_ONCE = 3
"""More than so many are not collecting at once, in one process: each holds a thread while it waits."""
_SOON = timedelta(seconds=10)
_places = BoundedSemaphore(AT_ONCE)

SKIPPED = msgid("Attachments and notes that were left out: %(count)s.")
NEWEST = msgid("The library has %(all)s items: the %(count)s newest were read.")
CUT_SHORT = msgid("Zotero could not give more in time: of %(all)s items, %(count)s were read.")
NO_WORKS = msgid(
    "ORCID shows no works to everybody: perhaps they are visible to trusted parties only."
)
ARXIV_LEFT = msgid("arXiv was asked for %(count)s of the %(all)s papers that we do not have.")
ARXIV_DOWN = msgid("arXiv did not answer: what it knows of the other papers is missing.")
ARXIV_BUSY = msgid(
    "arXiv was asked just before, and asks for pauses: bring the papers that are missing again soon."
)


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader should know of an import; `str()` says it in English."""

    text: str
    values: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text % self.values


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What became of a library.

    `matched` are papers of our store (their ids are ``entry:<n>``), `titled` others of which a title
    is known, `unmatched` the labels of those of which nothing is, `refused` what could not be read.
    """

    matched: tuple[Example, ...] = ()
    titled: tuple[Example, ...] = ()
    unmatched: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    notes: tuple[Note, ...] = ()


def collect(
    context: Context,
    data: bytes | str,
    name: str = "",
    *,
    reader_id: int | None = None,
    arxiv: str = ARXIV,
) -> Collected:
    """The papers of a file of that name, or of pasted text. Raises `UsageError`, `TooMany`."""
    with _place(context, reader_id):
        return _match(context, read(data, name), (), arxiv=arxiv, until=_end(context))


def from_zotero(
    context: Context,
    user: str,
    key: str,
    *,
    reader_id: int | None = None,
    base: str = ZOTERO,
    arxiv: str = ARXIV,
) -> Collected:
    """The newest items of a Zotero user's own library; a public one needs no key.

    Raises `UsageError` (no such user, a key without the right), `TooMany` with the pause that Zotero
    asks for, `SourceError` where it cannot be reached.
    """
    until = _end(context)
    secret = zotero.credentials(key)
    with _place(context, reader_id):
        items, notes = _zotero(
            context, lambda start: zotero.address(user, base=base, start=start), secret, until=until
        )
        return _match(context, zotero.parse(items), notes, arxiv=arxiv, until=until)


def from_orcid(
    context: Context,
    orcid: str,
    *,
    reader_id: int | None = None,
    base: str = ORCID,
    arxiv: str = ARXIV,
) -> Collected:
    """The works that everybody can see under an ORCID iD.

    Raises `UsageError` (no such iD), `TooMany` with the pause that ORCID asks for, `SourceError` where
    it cannot be reached.
    """
    until, who = _end(context), orcid_works.canonical(orcid)
    with _place(context, reader_id):
        with context.http(LIMITS) as http:
            answer = _ask(context, http, f"{base}/v3.0/{who}/works", "ORCID")
        if answer.status != 200:
            raise UsageError(f"ORCID shows no works of {who}: look whether the iD is right")
        library = orcid_works.parse(_json(answer, "ORCID"))
        notes = () if library.references else (Note(NO_WORKS),)
        return _match(context, library, notes, arxiv=arxiv, until=until)


# --- who may -------------------------------------------------------------------------------------
@contextmanager
def _place(context: Context, reader_id: int | None) -> Iterator[None]:
    """One of the few places, for a reader who has not brought papers too often. Raises `TooMany`."""
    if not _places.acquire(blocking=False):
        raise TooMany("others are bringing papers just now: try again in a moment", wait=_SOON)
    try:
        if reader_id is not None:
            who = hidden_import(context.seal, reader_id)
            _count(context, who, EACH_IMPORT)
        yield
    finally:
        _places.release()


def _may_ask_arxiv(context: Context) -> bool:
    try:
        _count(context, context.seal.hidden("arxiv", ""), ASKING_ARXIV)
    except TooMany:
        return False
    return True


def _count(context: Context, who: str, limit: Limit) -> None:
    with context.database.write() as session:
        count(session, who, limit, context.clock())


# --- asking --------------------------------------------------------------------------------------
def _end(context: Context) -> datetime:
    return context.clock() + timedelta(seconds=SECONDS)


def _ask(
    context: Context, http: Http, url: str, whose: str, *, secret: Mapping[str, str] | None = None
) -> Answer:
    """The service's answer. Errors do not name the url: it tells who a reader is elsewhere."""
    try:
        answer = http.get(url, accept="application/json", secret=secret)
    except SourceError:
        raise SourceError(f"{whose} cannot be reached now: try again in some minutes") from None
    wait = asked_wait(answer.headers, context.clock())
    if answer.status == 429 or (answer.status == 503 and wait):
        raise TooMany(f"{whose} asks for a pause: try again later", wait=wait or _PAUSE)
    if answer.status >= 500:
        raise SourceError(f"{whose} has trouble of its own now: try again in some minutes")
    return answer


def _json(answer: Answer, whose: str) -> object:
    try:
        document: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise SourceError(f"{whose} answered something that cannot be read: try later") from None
    return document


def _zotero(
    context: Context, address: Callable[[int], str], secret: Mapping[str, str], *, until: datetime
) -> tuple[list[object], list[Note]]:
    """The items, page by page. Once some have come, no trouble loses them."""
    items: list[object] = []
    total = 0
    with context.http(LIMITS) as http:
        while len(items) < ZOTERO_MOST:
            try:
                answer = _zotero_page(context, http, address(len(items)), secret)
                found = _json(answer, "Zotero")
            except (SourceError, TooMany):
                if not items:
                    raise
                break
            if not isinstance(found, list) or not found:
                break
            items += found[: zotero.PAGE]
            total = max(_number(answer, "total-results"), len(items))
            paused = _number(answer, "backoff") or asked_wait(answer.headers, context.clock())
            if len(found) < zotero.PAGE or paused or context.clock() >= until:
                break
    told = {"all": total, "count": len(items)}
    if len(items) >= total:
        return items, []
    return items, [Note(NEWEST if len(items) >= ZOTERO_MOST else CUT_SHORT, told)]


def _zotero_page(context: Context, http: Http, url: str, secret: Mapping[str, str]) -> Answer:
    answer = _ask(context, http, url, "Zotero", secret=secret)
    if answer.status in (401, 403):
        raise UsageError(
            "Zotero does not let this key read this library: make a key that allows library access, "
            "and look whether the user id is right"
        )
    if answer.status != 200:
        raise UsageError(
            "Zotero knows no user with this id: it is a number, and not the user's name"
        )
    return answer


def _number(answer: Answer, header: str) -> int:
    value = answer.headers.get(header, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else 0


def _ask_arxiv(
    context: Context, wanted: Sequence[str], url: str
) -> tuple[dict[str, ParsedEntry], list[Note]]:
    """What arXiv knows of these ids, by one question; a failure is only noted."""
    asked = wanted[:ARXIV_MOST]
    if not asked:
        return {}, []
    if not _may_ask_arxiv(context):
        return {}, [Note(ARXIV_BUSY)]
    query = urlencode({"id_list": ",".join(asked), "max_results": len(asked)}, safe=",/")
    now = context.clock()
    try:
        with context.http(LIMITS) as http:
            answer = http.get(f"{url}?{query}")
        if failure(answer, now) or len(answer.body) > _ARXIV_BYTES:
            return {}, [Note(ARXIV_DOWN)]
        parsed = parse_arxiv(page(answer, at=now, kind="arxiv"))
    except (SourceError, PageError):
        return {}, [Note(ARXIV_DOWN)]
    left = [Note(ARXIV_LEFT, {"count": len(asked), "all": len(wanted)})]
    found = {entry.arxiv_id: entry for entry in parsed.entries if entry.arxiv_id}
    return found, left if len(wanted) > len(asked) else []


# --- matching ------------------------------------------------------------------------------------
def _match(
    context: Context, library: Library, notes: Sequence[Note], *, arxiv: str, until: datetime
) -> Collected:
    with context.database.read() as session:
        known = lookup.find(session, [names(one) for one in library.references])
    others = [one for at, one in enumerate(library.references) if at not in known]
    wanted = _wanted(others)
    late = bool(wanted) and context.clock() >= until
    told, more = ({}, [Note(ARXIV_DOWN)]) if late else _ask_arxiv(context, wanted, arxiv)
    today = context.clock().date()
    matched = {
        paper.id: Example(
            title=paper.title,
            abstract=paper.abstract,
            id=f"entry:{paper.id}",
            given=_given(library.references[at], today),
        )
        for at, paper in known.items()
    }
    titled = [(one, _titled(one, told.get(one.arxiv_id or ""), today)) for one in others]
    skipped = [Note(SKIPPED, {"count": library.skipped})] if library.skipped else []
    return Collected(
        matched=tuple(matched.values()),
        titled=tuple(example for _, example in titled if example.title),
        unmatched=tuple(one.label for one, example in titled if not example.title),
        refused=library.refused,
        notes=(*notes, *skipped, *more),
    )


def _wanted(others: Sequence[Reference]) -> list[str]:
    """The arXiv ids of which we would know more: those without a title first."""
    lacking = [one for one in others if one.arxiv_id and not (one.title and one.abstract)]
    return [one.arxiv_id or "" for one in sorted(lacking, key=lambda one: bool(one.title))]


def _titled(one: Reference, told: ParsedEntry | None, today: date) -> Example:
    """The paper as an example, with what arXiv told where its own library says nothing."""
    named = [f"{kind}:{value}" for kind, value in names(one) if kind != "title"]
    return Example(
        title=one.title or (told.title if told else ""),
        abstract=one.abstract or (told.abstract if told else ""),
        id=next(iter(named), one.label),
        given=_given(one, today),
    )


def _given(one: Reference, today: date) -> date | None:
    """No later than today: the age of every other example is counted from the newest."""
    return min(one.given, today) if one.given else None
