"""Frozen values that travel between the steps. Rows stay in the store; steps see only these.

Times are aware and in UTC; days are plain dates (an edition's day as its source calls it, a digest's
day in the reader's own zone).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum


class SourceKind(StrEnum):
    """Where pages come from."""

    HF = "hf"
    ARXIV = "arxiv"
    FEED = "feed"
    FOLDER = "folder"


# --- fetch ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source as the fetcher sees it. `address` is a url, a category list or a path, by kind."""

    id: int
    kind: SourceKind
    name: str
    address: str
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPage:
    """One fetched document, byte for byte. Never changed, so that any day can be run again.

    `day` is the edition asked for, where the request named one; `name` is a file's name, where the
    page came from a file. `kind` is a hint for the parser: ``auto``, ``hf``, ``arxiv``, ``feed`` or
    ``text``.
    """

    url: str
    body: bytes
    fetched_at: datetime
    content_type: str = ""
    kind: str = "auto"
    day: date | None = None
    name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What one turn of a source brought. `notes` are for the admin; validators are kept as sent.

    Where a server gave only a part of what was wanted, `wait` is the pause that it asked for, and
    `missing_from` the first day that did not come: the next turn asks again from there.
    """

    pages: tuple[RawPage, ...] = ()
    notes: tuple[str, ...] = ()
    etag: str = ""
    last_modified: str = ""
    not_modified: bool = False
    wait: timedelta | None = None
    missing_from: date | None = None


# --- parse ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedEntry:
    """What one page says of one paper: clean text, canonical identifiers, absolute links.

    `source_id` is the name the page itself uses (an id, guid or key); `rank` counts from 1;
    `upvotes` is None where the page has no votes. `warnings` are short sentences for the tuner.
    """

    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    arxiv_id: str | None = None
    arxiv_version: int | None = None
    doi: str | None = None
    url: str | None = None
    code_urls: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    upvotes: int | None = None
    published: datetime | None = None
    source_id: str = ""
    rank: int = 0
    withdrawn: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedItem:
    """One item of a page that could not become an entry; `raw` is its beginning, for a person."""

    position: int
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPage:
    """A page read: its shape (``hf-api``, ``hf-page``, ``hf-cards``, ``text-a`` …), day and entries.

    An empty page can be legal (a weekend): then `entries` is empty and no error was raised.
    `certain_day` is False where the page names a day without its year.
    """

    shape: str
    entries: tuple[ParsedEntry, ...]
    day: date | None = None
    certain_day: bool = True
    rejected: tuple[RejectedItem, ...] = ()
    warnings: tuple[str, ...] = ()


# --- score ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """The part of an entry that scoring and rendering look at."""

    id: int | str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    arxiv_id: str | None = None
    doi: str | None = None
    url: str | None = None
    code_urls: tuple[str, ...] = ()
    upvotes: int | None = None
    published: datetime | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A paper that the reader gave as an example (or, as a dislike, as a counter-example).

    `id` is whatever the giver calls it; `given` is the day it was given (for a library, its own day).
    """

    title: str
    abstract: str = ""
    id: str = ""
    given: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One interest of a reader, as typed. Every part may be empty.

    `negatives` bar every paper that matches one; `less` only lowers it. `examples` and `dislikes`
    stand from the oldest to the newest. `weights` overrides the weight of a single term, phrase,
    author, category or `less` by its text (1 is normal, 0 switches it off). `share` is this
    profile's part of the reader's digest beside their other profiles.
    """

    id: int | str
    name: str = ""
    terms: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    description: str = ""
    negatives: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()
    dislikes: tuple[Example, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One named contribution to a raw score, in the raw score's own units (log-odds).

    `kind` is one of ``baseline``, ``term``, ``phrase``, ``author``, ``category``, ``words`` (of the
    description and the examples), ``topic``, ``example``, ``votes``, ``less``, ``dislike``,
    ``negative``; `label` is what a person would call it.
    """

    kind: str
    label: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Entry × profile → a number in 0..1, and the reasons that add up to `raw` exactly.

    `value` = 1 / (1 + e^-raw); `reasons` are sorted by size, largest first.
    """

    entry_id: int | str
    profile_id: int | str
    value: float
    raw: float
    reasons: tuple[Reason, ...]


# --- compose -------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A person with an address, a zone, delivery days and hour, a language.

    `days` are ISO weekdays (1 Monday … 7 Sunday), `hour` is 0..23 in `timezone`. `about` is how many
    picks a day of papers should bring on average, `most` the largest number in one digest,
    `threshold` the least score of a pick; `explore` allows one pick that is there to be learned
    from. `length` of the mail is ``short`` (one line a paper), ``normal`` or ``long`` (abstracts whole).
    `back_on` ends a pause. `token` is the reader's secret in mail links: 22 url-safe characters, never
    logged; `epoch` and `feed` are counted up to make signed links and the feed's address void.
    """

    id: int
    email: str
    name: str = ""
    timezone: str = "UTC"
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    hour: int = 7
    language: str = "en"
    about: float = 5.0
    most: int = 10
    threshold: float = 0.02
    explore: bool = True
    text_only: bool = False
    length: str = "normal"
    state: str = "active"
    back_on: date | None = None
    token: str = ""
    epoch: int = 0
    feed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A scored entry that may become a pick.

    `line` is the least score of its profile's picks, as its last weeks set it; `share` the profile's
    part of the digest; `arrived` when the entry came. `votes`, `coded` and `version` are as they
    stood when the entry was scored: what the paper says now may be more.
    """

    paper: Paper
    score: Score
    profile_name: str = ""
    line: float = 0.0
    share: float = 1.0
    arrived: datetime | None = None
    votes: int | None = None
    coded: bool = False
    version: int | None = None


class PickKind(StrEnum):
    """Why a pick is there: it matches, a question to the reader, late news of a near miss, or the
    votes of everybody, for a reader who has said nothing yet.
    """

    MATCH = "match"
    EXPLORE = "explore"
    LATE = "late"
    POPULAR = "popular"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """An entry chosen for a reader, at its place (from 1). `note` says what a label should.

    While one of the reader's profiles has a shadow, `team` is who drafted the entry: ``saved``,
    ``shadow``, or empty for what both left over or neither wanted.
    """

    place: int
    paper: Paper
    score: Score
    profile_name: str = ""
    kind: PickKind = PickKind.MATCH
    note: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """What was chosen for one digest. With no picks, `reason` says why in a sentence."""

    picks: tuple[Pick, ...]
    considered: int
    reason: str = ""


# --- feedback ------------------------------------------------------------------------------------
class Want(StrEnum):
    """What a reader may say of a paper."""

    MORE = "more"
    LESS = "less"
    SAVE = "save"
    HIDE = "hide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What a reader said of a paper, and which of their profiles learned from it, if it still does."""

    paper: Paper
    want: Want
    at: datetime
    profile_name: str = ""
    teaches: bool = True


# --- render --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The signed parts of one digest's links: to preferences, to itself on the web, and, by the
    entry's id, to feedback. Empty where there are no such links.
    """

    tune: str = ""
    view: str = ""
    give: Mapping[int | str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Everything a digest's text is made of. An addendum `mends` the days from the first to the last."""

    id: int
    day: date
    reader: Reader
    picks: tuple[Pick, ...]
    considered: int
    next_day: date | None = None
    marks: Marks = Marks()
    mends: tuple[date, date] | None = None


class LetterKind(StrEnum):
    """The mails beside digests: to confirm an address, to sign in, and to who asked to subscribe and
    is a reader already.
    """

    CONFIRM = "confirm"
    SIGN_IN = "sign-in"
    KNOWN = "known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail of one link, asked for a moment ago; the link holds until `until`."""

    kind: LetterKind
    reader: Reader
    link: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Who sends, and where the links of a mail lead. Addresses are bare (`digest@news.example.org`).

    `base_url` has no trailing slash; empty when no public address is configured, and then a mail
    carries no link to us (the mailto: way out stays).
    """

    sender: str
    sender_name: str = "Paperround"
    reply_to: str = ""
    bounce: str = ""
    domain: str = "localhost"
    base_url: str = ""
    postal_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One mail's words. Both bodies carry the same picks in the same order."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One mail as it goes over the wire, fixed at the first attempt.

    `key` is the name of the digest that never changes (it is the left half of the Message-ID and
    the file's name in a Maildir); `body` is RFC 5322 bytes with CRLF line ends.
    """

    key: str
    message_id: str
    sender: str
    recipient: str
    body: bytes


# --- deliver -------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A mail server's last word: the code and text of its answer to the final dot."""

    code: int
    text: str


# --- between the steps ---------------------------------------------------------------------------
class Step(StrEnum):
    """The steps of a round, in order, and the work on backlog runs, which lets a round go first."""

    FETCH = "fetch"
    PARSE = "parse"
    SCORE = "score"
    COMPOSE = "compose"
    RENDER = "render"
    DELIVER = "deliver"
    BACKLOG = "backlog"


@dataclass(frozen=True, slots=True, order=True)
class Ring:
    """A doorbell: work for `step` lies in the rows `first` … `last` of its table."""

    step: Step
    first: int
    last: int
