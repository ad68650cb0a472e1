"""What the API answers with. The names are the records' own, and every part is always there."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict

from tasks.records import PickKind, Want
from tasks.render.links import safe_url

T = TypeVar("T")
Url = Annotated[str | None, BeforeValidator(lambda url: safe_url(url) or None)]
Urls = Annotated[
    list[str], BeforeValidator(lambda urls: [url for url in map(safe_url, urls) if url])
]
PAPER: Any = {
    "id": 4711,
    "title": "Sparse Attention by Sorting",
    "abstract": "We sort the keys, and find that few of them matter.",
    "authors": ["Ada Rossi", "Bo Lind"],
    "categories": ["cs.LG"],
    "arxiv_id": "2611.04321",
    "doi": None,
    "url": "https://arxiv.org/abs/2611.04321",
    "code_urls": ["https://code.example.org/sorting"],
    "upvotes": 42,
    "published": "2026-11-18T00:00:00Z",
    "version": 1,
}
REASON: Any = {"kind": "term", "label": "sparse attention", "value": 2.1}
SCORE: Any = {"value": 0.61, "raw": 0.45, "reasons": [REASON]}
PICK: Any = {
    "place": 1,
    "paper": PAPER,
    "score": SCORE,
    "profile_name": "Attention",
    "kind": "match",
    "note": "",
}


class Shape(BaseModel):
    """What is shown: read from the records by their names."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")


class Page(Shape, Generic[T]):
    """Some of a list, in its order. `next` is the `cursor` of those that follow; null at the end."""

    items: list[T]
    next: str | None = None


class Paper(Shape):
    """A paper, as the pages that listed it tell it; `upvotes` is null where no page has votes."""

    model_config = ConfigDict(json_schema_extra={"examples": [PAPER]})

    id: int
    title: str
    abstract: str
    authors: list[str]
    categories: list[str]
    arxiv_id: str | None
    doi: str | None
    url: Url
    code_urls: Urls
    upvotes: int | None
    published: datetime | None
    version: int | None


class Day(Shape):
    """A day, and how many papers it has."""

    day: date
    papers: int


class Listed(Shape):
    """A paper of a day, and the names of the sources that it stood on."""

    paper: Paper
    sources: list[str]


class Sight(Shape):
    """Where a paper stood on one day of one source: its best rank and its most votes there."""

    day: date
    source: str
    rank: int
    votes: int | None


class Known(Shape):
    """All that is known of one paper. `became` is the paper that it turned out to be."""

    paper: Paper
    first_seen: datetime
    withdrawn: bool
    became: int | None
    sights: list[Sight]


class Reason(Shape):
    """One named contribution to a score, in log-odds."""

    kind: str
    label: str
    value: float


class Score(Shape):
    """From 0 to 1: `value` = 1 / (1 + e^-raw), and the reasons add up to `raw`."""

    value: float
    raw: float
    reasons: list[Reason]


class Pick(Shape):
    """A paper chosen for you, at its place, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [PICK]})

    place: int
    paper: Paper
    score: Score
    profile_name: str
    kind: PickKind
    note: str


class ProfileRow(Shape):
    """A profile by its name; `etag` is what If-Match wants of who changes it."""

    name: str
    version: int
    etag: str


class Profiles(Shape):
    """Your profiles, the oldest first."""

    items: list[ProfileRow]


class Change(Shape):
    """A part of a profile that differs: what came, what went (of papers the titles), how many stayed."""

    name: str
    added: list[str]
    removed: list[str]
    kept: int


class Weighing(Shape):
    """A text of a profile whose weight differs; without one it is 1."""

    text: str
    before: float
    after: float


class Difference(Shape):
    """What differs between two versions; `description` and `share` are null where they are the same."""

    parts: list[Change]
    weights: list[Weighing]
    description: tuple[str, str] | None
    share: tuple[float, float] | None


class Version(Shape):
    """A save of a profile. `change` says what it changed, in sentences; none for the first version."""

    number: int
    label: str
    created_at: datetime
    in_force: bool
    change: list[str]


class Removed(Shape):
    """A profile that was removed, and until when it can be brought back."""

    id: int
    name: str
    until: datetime


class Gone(Shape):
    """Profiles that were removed, the last removed first."""

    items: list[Removed]


class Outlook(Shape):
    """A digest that nobody sends. With no picks, `reason` says why."""

    at: datetime
    considered: int
    reason: str
    picks: list[Pick]


class DigestRow(Shape):
    """A digest in a line: how far it is, and, where it is empty, why."""

    day: date
    state: str
    papers: int
    considered: int
    reason: str


class Digest(DigestRow):
    """A digest with its picks."""

    picks: list[Pick]


class State(StrEnum):
    """Whether digests come."""

    ACTIVE = "active"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"


class Account(Shape):
    """You, and how your digests come."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "email": "ada@readers.example",
                    "state": "active",
                    "back_on": None,
                    "name": "Ada",
                    "timezone": "Europe/Rome",
                    "days": [1, 2, 3, 4, 5],
                    "hour": 7,
                    "language": "en",
                    "about": 5.0,
                    "most": 10,
                    "threshold": 0.02,
                    "length": "normal",
                    "explore": True,
                    "text_only": False,
                }
            ]
        }
    )

    email: str
    state: State
    back_on: date | None
    name: str
    timezone: str
    days: list[int]
    hour: int
    language: str
    about: float
    most: int
    threshold: float
    length: str
    explore: bool
    text_only: bool


class Answer(Shape):
    """What you said of a paper, and which profile learned from it, if it still does."""

    paper: Paper
    want: Want
    at: datetime
    profile_name: str
    teaches: bool


class Given(Shape):
    """What you now say of a paper; `new` is false where you had said it before."""

    paper: int
    want: Want
    new: bool


class Effect(Shape):
    """What an answer would change. `foretold`: the next digest; else the newest day made again."""

    paper: Paper
    want: Want
    foretold: bool
    before: list[Pick]
    after: list[Pick]
    entering: list[Pick]
    leaving: list[Pick]


class Words(Shape):
    """Words that now count for a paper, and against one, the strongest first."""

    more: list[str]
    less: list[str]


class Lesson(Shape):
    """What one profile learned, and the papers that taught it."""

    profile_name: str
    words: Words
    papers: list[Answer]


class Lessons(Shape):
    """What your profiles learned from what you said."""

    items: list[Lesson]


class Forgotten(Shape):
    """How many answers teach no more."""

    forgotten: int


class Refused(Shape):
    """Something that could not be read, and why."""

    label: str
    reason: str


class Imported(Shape):
    """What became of a library: papers that we have, others by their titles, and what was not found."""

    profile: str
    version: int
    matched: int
    titled: int
    added: int
    unmatched: list[str]
    refused: list[Refused]
    notes: list[str]


class Export(Shape):
    """All your data in one document. It holds no secret; papers are named by what they are known by."""

    version: int
    account: dict[str, Any]
    preferences: dict[str, Any]
    profiles: list[dict[str, Any]]
    feedback: list[dict[str, Any]]
    digests: list[dict[str, Any]]


class Brought(Shape):
    """What came back, counted by kind, and the papers that are not known here."""

    counts: dict[str, int]
    unknown: list[str]


class Kept(Shape):
    """What is kept of you, in a sentence."""

    kept: str


class Key(Shape):
    """A key, by its name and how it begins. `used_at` is when it last changed something."""

    id: int
    name: str
    start: str
    created_at: datetime
    used_at: datetime | None


class Keys(Shape):
    """Your keys, the oldest first."""

    items: list[Key]


class Asked(Shape):
    """The same whatever the address: only the mail tells more."""

    detail: Literal["a mail is on its way, if one may go there"] = (
        "a mail is on its way, if one may go there"
    )


class Format(StrEnum):
    """How a list of papers comes."""

    JSON = "json"
    BIBTEX = "bibtex"
    RIS = "ris"
