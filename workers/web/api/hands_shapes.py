"""What the API tells admins' programs of sources, pages, readers, dead letters, deliveries and settings."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from tasks.records import SourceKind
from workers.web.api.shapes import Shape


class SourcePlan(Shape):
    """What of a source may be changed. Without `days` it has an edition as sources of its kind do."""

    address: str
    every_minutes: int
    days: str
    holidays: list[str]


class SourceLine(Shape):
    """A source: what is set, and how it fares. `failures` are turns in a row that failed."""

    id: int
    name: str
    kind: SourceKind
    state: str
    plan: SourcePlan
    fetched_at: datetime | None
    next_at: datetime | None
    busy_until: datetime | None
    failures: int
    error: str
    pages: int
    quarantined: int
    last_day: date | None


class AnswerHeard(Shape):
    """An answer of a source's server."""

    url: str
    status: int
    size: int
    seconds: float


class PageTried(Shape):
    """A page that a trial brought, and what the parser makes of it."""

    name: str
    size: int
    shape: str
    day: date | None
    entries: int
    titles: list[str]
    rejected: int
    reasons: list[str]
    warnings: list[str]
    error: str


class SourceTrial(Shape):
    """What one turn would bring; nothing of it was kept."""

    source: str
    kind: SourceKind
    address: str
    seconds: float
    answers: list[AnswerHeard]
    pages: list[PageTried]
    left_out: int
    notes: list[str]
    error: str


class PageLine(Shape):
    """A kept page in a line; `packed` is the size of its bytes, compressed."""

    id: int
    source: str
    name: str
    url: str
    state: str
    day: date | None
    fetched_at: datetime
    packed: int
    entries: int
    rejected: int
    error: str


class PageFound(Shape):
    """An entry that stood on a page."""

    rank: int
    id: int
    title: str
    votes: int | None
    warnings: list[str]


class PageRefused(Shape):
    """An item of a page that became no entry, and how it begins."""

    position: int
    reason: str
    raw: str


class PageWhole(Shape):
    """All that is known of a kept page but its bytes."""

    row: PageLine
    kind: str
    content_type: str
    headers: dict[str, str]
    sha256: str
    asked_day: date | None
    shape: str
    new: int
    merged: int
    attempts: int
    warnings: list[str]
    found: list[PageFound]
    refused: list[PageRefused]


class ReaderLine(Shape):
    """A reader. Viewers see no whole address and no name."""

    id: int
    email: str
    name: str
    state: str
    timezone: str
    days: list[int]
    hour: int
    language: str
    created_at: datetime
    confirmed_at: datetime | None
    next_at: datetime | None


class DigestMade(Shape):
    """A reader's digest in numbers, and what became of its mail."""

    id: int
    day: date
    state: str
    error: str
    picks: int
    considered: int
    composed_at: datetime | None
    delivery_id: int | None
    delivery: str
    sent_at: datetime | None


class ReaderWhole(Shape):
    """A reader with their last digests; nothing of their interests and papers."""

    reader: ReaderLine
    suppressed: bool
    made: list[DigestMade]


class DeadLetter(Shape):
    """Work that was given up. `recipient` is told to operators alone."""

    kind: str
    id: int
    state: str
    error: str
    since: datetime
    payload: dict[str, Any]
    recipient: str


class DeadCounts(Shape):
    """How many dead letters there are by kind; `mark` names those of now, for acting on all of them."""

    counts: dict[str, int]
    number: int
    mark: str


class Many(Shape):
    """How many rows there are, and the mark of which they are."""

    number: int
    mark: str


class Outcome(Shape):
    """What came of acting on many: how many were done, and why others were not."""

    done: int
    refused: dict[str, int]


class DeliveryLine(Shape):
    """A delivery in a line. Viewers see no whole address."""

    id: int
    kind: str
    state: str
    reader_id: int | None
    digest_id: int | None
    day: date | None
    recipient: str
    attempts: int
    created_at: datetime
    expires_at: datetime
    next_at: datetime | None
    sent_at: datetime | None
    said: str
    size: int


class WayMoment(Shape):
    """One step of a mail's way."""

    at: datetime
    what: str
    said: str


class DeliveryWay(Shape):
    """The way of one mail; its headers tell nothing of its papers."""

    delivery: DeliveryLine
    message_id: str
    moments: list[WayMoment]
    headers: list[tuple[str, str]]


class SettingLine(Shape):
    """A setting in force; a secret is stars."""

    name: str
    variable: str
    value: str
    whence: str
    is_secret: bool
