"""The tables. Their unique keys are the rules of idempotency; their states are the queue.

Work that a worker can own carries the columns of `Work`: a state, a lease with its owner (the fencing
token), attempts counted at the claim, and the time of the next try. Only `tasks.store` reads or writes
rows; everything else speaks records.

    source ──< page ──< sighting >── entry ──< identifier
                 └──< rejection         └──< score >── profile >── reader
                                        └──< pick  >── digest  >── reader
                                                         └── delivery ──< attempt
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    TypeDecorator,
    true,
)
from sqlmodel import Field, SQLModel, UniqueConstraint

BIG = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only in INTEGER columns


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC times on both databases. SQLite keeps no zone, so naive UTC is what is stored."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def _key() -> Any:
    return Field(default=None, primary_key=True, sa_type=BIG)


def _to(column: str, *, index: bool = True) -> Any:
    return Field(foreign_key=column, index=index, sa_type=BIG, ondelete="CASCADE")


def _time(*, index: bool = False) -> Any:
    return Field(default=None, sa_type=UtcTime, index=index)


def _list() -> Any:
    return Field(default_factory=list, sa_type=JSON)


class Work(SQLModel):
    """The columns of rows that are work. `owner` is the fence: every later write names it."""

    state: str
    owner: str = ""
    lease_until: datetime | None = _time(index=True)
    attempts: int = 0
    next_attempt_at: datetime | None = _time()
    error: str = ""


class Source(Work, table=True):
    """Where pages come from. States: active, paused, removed. `attempts` are failures in a row.

    `asks_from` is the first day that the next turn of a dated source asks for. It is expected to have
    an edition on the weekdays `days` (empty: as sources of its kind do), but for its `holidays`.
    """

    id: int | None = _key()
    kind: str
    name: str = Field(unique=True)
    address: str
    every_minutes: int = 60
    etag: str = ""
    last_modified: str = ""
    fetched_at: datetime | None = _time()
    asks_from: date | None = None
    days: str = Field(default="", sa_column_kwargs={"server_default": ""})
    holidays: list[str] = Field(
        default_factory=list, sa_type=JSON, sa_column_kwargs={"server_default": "[]"}
    )
    created_at: datetime = Field(sa_type=UtcTime)


class Body(SQLModel, table=True):
    """The bytes of pages, compressed, once per content."""

    sha256: str = Field(primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)


class Page(Work, table=True):
    """One fetched document. States: fetched → parsed | quarantined. `day` is the edition's day."""

    __table_args__ = (
        UniqueConstraint("source_id", "url", "sha256", "day_key"),
        Index("page_due", "state", "next_attempt_at"),
        # The whole of what the health page and its trends ask of pages.
        Index(
            "page_fetched",
            "fetched_at",
            "source_id",
            "state",
            "day",
            "entries",
            "new_entries",
            "rejected_items",
        ),
    )

    id: int | None = _key()
    source_id: int = _to("source.id")
    url: str
    name: str = ""
    kind: str
    content_type: str = ""
    headers: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    sha256: str = Field(foreign_key="body.sha256")
    asked_day: date | None = None
    day_key: str = ""  # the asked day as text: NULLs are never equal in a unique key
    day: date | None = Field(default=None, index=True)
    fetched_at: datetime = Field(sa_type=UtcTime)
    shape: str = ""
    entries: int = 0
    new_entries: int = 0
    merged_entries: int = 0
    rejected_items: int = 0
    warnings: list[str] = _list()


class Edition(SQLModel, table=True):
    """One source's list for one day; grows while the day lasts."""

    __table_args__ = (UniqueConstraint("source_id", "day"),)

    id: int | None = _key()
    source_id: int = _to("source.id")
    day: date
    first_seen_at: datetime = Field(sa_type=UtcTime)
    last_seen_at: datetime = Field(sa_type=UtcTime)


class Entry(SQLModel, table=True):
    """One paper. `arrival` is its place in the order of news (NULL: known only from old pages).

    `revision` counts the changes of whatever is known of it.
    """

    # The whole of what says whether a day changed: no row need be opened for it.
    __table_args__ = (Index("entry_arrived", "arrived_at", "withdrawn", "revision"),)

    id: int | None = _key()
    title: str
    abstract: str = ""
    authors: list[str] = _list()
    categories: list[str] = _list()
    arxiv_id: str | None = Field(default=None, unique=True)
    arxiv_version: int | None = None
    doi: str | None = None
    url: str | None = None
    code_urls: list[str] = _list()
    upvotes: int | None = None
    published: datetime | None = _time()
    withdrawn: bool = False
    created_at: datetime = Field(sa_type=UtcTime)
    updated_at: datetime = Field(sa_type=UtcTime)
    revision: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    arrival: int | None = Field(default=None, index=True, sa_type=BIG)
    arrived_at: datetime | None = _time()
    merged_into: int | None = Field(default=None, sa_type=BIG, index=True)


class Identifier(SQLModel, table=True):
    """What an entry is known by: kinds `arxiv`, `doi`, `title`. One entry may have several."""

    kind: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    entry_id: int = _to("entry.id")


class Sighting(SQLModel, table=True):
    """Entry E stood on page P at rank R with votes V."""

    __table_args__ = (UniqueConstraint("page_id", "entry_id"),)

    id: int | None = _key()
    page_id: int = _to("page.id", index=False)
    entry_id: int = _to("entry.id")
    rank: int
    upvotes: int | None = None
    arxiv_version: int | None = None
    source_key: str = ""
    warnings: list[str] = _list()


class Rejection(SQLModel, table=True):
    """An item of a page that could not become an entry, kept with its beginning."""

    __table_args__ = (UniqueConstraint("page_id", "position"),)

    id: int | None = _key()
    page_id: int = _to("page.id", index=False)
    position: int
    reason: str
    raw: str = ""


class Counter(SQLModel, table=True):
    """A number that grows in commit order: taking it locks its row until the commit.

    A database sequence would not do: numbers from it can become visible out of order, and a shard
    that had scored up to 11 would never see a late 10.
    """

    name: str = Field(primary_key=True)
    value: int = Field(default=0, sa_type=BIG)


class Reader(SQLModel, table=True):
    """A person. States: pending, active, paused, unsubscribed. `next_digest_at` is when the tick looks.

    A pending reader has not confirmed their address: they get no digest, and are forgotten after some
    days. A pause ends by itself on the day `back_on`, where there is one. The links signed for a reader
    hold while `epoch` is the one they were signed with; the address of their feed, while `feed` is.
    """

    id: int | None = _key()
    email: str = Field(unique=True)
    name: str = ""
    state: str = "active"
    timezone: str = "UTC"
    days: str = "1234567"
    hour: int = 7
    language: str = "en"
    about: float = 5.0
    most: int = 10
    threshold: float = 0.02
    explore: bool = True
    text_only: bool = False
    length: str = Field(default="normal", sa_column_kwargs={"server_default": "normal"})
    back_on: date | None = None
    epoch: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    feed: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    token: str = Field(unique=True)
    created_at: datetime = Field(sa_type=UtcTime)
    confirmed_at: datetime | None = _time()
    next_digest_at: datetime | None = _time(index=True)
    shard_id: int = _to("shard.id")


class Profile(SQLModel, table=True):
    """One interest of a reader; `version` is the one in force.

    `line` is the least score of its picks, as its last weeks set it when it was last scored; `share` is
    its part of the reader's digests, beside those of their other profiles. While it is `fresh` (new,
    changed, its reader back from a pause) it has no scores yet of the days that may still become picks.
    States: active, or shadow: one on trial beside the profile that it `shadows`.
    """

    __table_args__ = (UniqueConstraint("reader_id", "name"),)

    id: int | None = _key()
    reader_id: int = _to("reader.id")
    name: str
    version: int = 1
    state: str = "active"
    line: float = 0.0
    share: float = Field(default=1.0, sa_column_kwargs={"server_default": "1"})
    fresh: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    shadows: int | None = Field(
        default=None,
        foreign_key="profile.id",
        unique=True,
        sa_type=BIG,
        ondelete="CASCADE",
    )


class ProfileVersion(SQLModel, table=True):
    """Every save of a profile, as its JSON; `label` is what its reader calls it."""

    __table_args__ = (UniqueConstraint("profile_id", "version"),)

    id: int | None = _key()
    profile_id: int = _to("profile.id", index=False)
    version: int
    body: dict[str, Any] = Field(sa_type=JSON)
    label: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created_at: datetime = Field(sa_type=UtcTime)


class Shard(Work, table=True):
    """A range of readers that is scored at one go. Due while `scored` lags behind the arrivals.

    `generation` grows when a profile of the shard is saved: a scoring that was under way then counts
    for nothing, since it has not seen the new profile.
    """

    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    scored: int = Field(default=0, sa_type=BIG)
    generation: int = 0


class ScorerModel(SQLModel, table=True):
    """A fitted scorer, so that every worker scores with the same one. `version` hashes its content.

    `papers` is how many were known when it was fitted.
    """

    # Which is in force is asked all the time, and a row is some megabytes long.
    __table_args__ = (Index("scorermodel_newest", "created_at", "id", "papers", "version"),)

    id: int | None = _key()
    version: str = Field(unique=True)
    papers: int
    data: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UtcTime)


class Score(SQLModel, table=True):
    """Entry × profile, where it reached the line or came near; its reasons add up to `raw`.

    `votes`, `coded` (some code was linked) and `arxiv_version` are as they stood then.
    """

    __table_args__ = (UniqueConstraint("profile_id", "entry_id"),)

    id: int | None = _key()
    profile_id: int = _to("profile.id", index=False)
    entry_id: int = _to("entry.id")
    reader_id: int = _to("reader.id")
    value: float
    raw: float
    reasons: list[list[Any]] = _list()
    votes: int | None = None
    coded: bool = False
    arxiv_version: int | None = None
    profile_version: int
    model_id: int = _to("scorermodel.id", index=False)
    scored_at: datetime = Field(sa_type=UtcTime)


class Digest(Work, table=True):
    """The mail for one reader and one day. States: planned → composed → rendered | empty | dead.

    One that went out elsewhere and was brought back is `imported`: no round looks at it. A backlog run
    may add one of its own to a day: then `addendum_of` is the run; the daily digest has 0 there, so that
    the key over (reader, day, run) holds for both.
    """

    __table_args__ = (
        UniqueConstraint("reader_id", "day", "addendum_of"),
        Index("digest_due", "state", "next_attempt_at"),
        Index("digest_day", "day", "state"),
    )

    id: int | None = _key()
    reader_id: int = _to("reader.id", index=False)
    day: date
    due_at: datetime = Field(sa_type=UtcTime)
    planned_at: datetime = Field(sa_type=UtcTime)
    considered: int = 0
    reason: str = ""
    subject: str = ""
    composed_at: datetime | None = _time()
    rendered_at: datetime | None = _time()
    addendum_of: int = Field(default=0, sa_type=BIG, sa_column_kwargs={"server_default": "0"})


class Pick(SQLModel, table=True):
    """An entry chosen for a reader. The key over (reader, entry) is the promise: never twice.

    While a profile has a shadow, `team` says who of the two drafted it: saved, shadow, or nobody.
    """

    __table_args__ = (
        UniqueConstraint("reader_id", "entry_id"),
        UniqueConstraint("digest_id", "place"),
    )

    id: int | None = _key()
    digest_id: int = _to("digest.id", index=False)
    reader_id: int = _to("reader.id", index=False)
    entry_id: int = _to("entry.id")
    profile_id: int | None = Field(default=None, sa_type=BIG)
    profile_name: str = ""
    place: int
    value: float
    raw: float
    reasons: list[list[Any]] = _list()
    kind: str = "match"
    note: str = ""
    team: str = Field(default="", sa_column_kwargs={"server_default": ""})


class Feedback(SQLModel, table=True):
    """What a reader said of an entry: more, less, save or hide. More and less exclude each other.

    More and save teach the profile as examples do, less as a dislike does, while `teaches`: what is
    forgotten stays saved. Without a profile (its own was removed, or there was none) the reader's first
    one learns from it.
    """

    __table_args__ = (UniqueConstraint("reader_id", "entry_id", "kind"),)

    id: int | None = _key()
    reader_id: int = _to("reader.id", index=False)
    entry_id: int = _to("entry.id")
    profile_id: int | None = Field(
        default=None, foreign_key="profile.id", index=True, sa_type=BIG, ondelete="SET NULL"
    )
    kind: str
    teaches: bool = True
    at: datetime = Field(sa_type=UtcTime)


class Ticket(SQLModel, table=True):
    """A secret that was mailed to a reader, for one purpose and one use: confirm, sign-in.

    Only its hash is kept.
    """

    id: int | None = _key()
    hash: str = Field(unique=True)
    purpose: str
    reader_id: int = _to("reader.id")
    created_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)
    used_at: datetime | None = _time()


class Visit(SQLModel, table=True):
    """A signed-in browser, known by the hash of its cookie. Scopes: full, or tune (by a mail's link).

    Who came by a link in a digest may tune, and not export, erase or make keys: mails get forwarded.
    """

    id: int | None = _key()
    hash: str = Field(unique=True)
    reader_id: int = _to("reader.id")
    scope: str
    created_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)


class ApiKey(SQLModel, table=True):
    """A program's key to one reader's account, known by its hash. `start` is what a person knows it by."""

    id: int | None = _key()
    hash: str = Field(unique=True)
    reader_id: int = _to("reader.id")
    name: str
    start: str
    created_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = _time()


class Knock(SQLModel, table=True):
    """Somebody asked for something that is limited. `who` is a keyed hash of an address, net or domain."""

    __table_args__ = (Index("knock_who", "who", "at"),)

    id: int | None = _key()
    who: str
    at: datetime = Field(sa_type=UtcTime, index=True)


class Suppression(SQLModel, table=True):
    """An address that wants no mail ever again, kept as its keyed hash alone."""

    hash: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcTime)


class Delivery(Work, table=True):
    """The handing over of one mail: a digest's, or a letter (the kind of it in `letter`).

    ready → claimed → armed → sent; else deferred (again later), unsure (the final dot was written and
    no answer came), or for good: failed, suppressed, expired, dead, dropped (by an admin). A letter to
    an admin has no reader.
    """

    __table_args__ = (Index("delivery_due", "state", "next_attempt_at"),)

    id: int | None = _key()
    digest_id: int | None = Field(
        default=None, foreign_key="digest.id", unique=True, sa_type=BIG, ondelete="CASCADE"
    )
    letter: str = Field(default="", sa_column_kwargs={"server_default": ""})
    reader_id: int | None = Field(
        default=None, foreign_key="reader.id", index=True, sa_type=BIG, ondelete="CASCADE"
    )
    key: str = Field(unique=True)
    message_id: str = Field(unique=True)
    sender: str
    recipient: str
    body: bytes = Field(sa_type=LargeBinary)
    expires_at: datetime = Field(sa_type=UtcTime)
    created_at: datetime = Field(sa_type=UtcTime)
    sent_at: datetime | None = _time()
    reply: str = ""


class Attempt(SQLModel, table=True):
    """Evidence, append only: what one attempt at a delivery came to."""

    __table_args__ = (Index("attempt_at", "at", "outcome"),)

    id: int | None = _key()
    delivery_id: int = _to("delivery.id")
    number: int
    at: datetime = Field(sa_type=UtcTime)
    owner: str
    phase: str
    outcome: str
    reply: str = ""


class Pulse(SQLModel, table=True):
    """When something last showed life: `tick`, `progress`, `transport` (a closed door and until when),
    `worker:…` (each worker process).
    """

    name: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcTime)
    note: str = ""


class EntryVersion(SQLModel, table=True):
    """What was known of an entry before a backlog run changed it, so that the change can be undone."""

    __table_args__ = (UniqueConstraint("run_id", "entry_id"),)

    id: int | None = _key()
    run_id: int = _to("run.id", index=False)
    entry_id: int = _to("entry.id")
    body: dict[str, Any] = Field(sa_type=JSON)
    at: datetime = Field(sa_type=UtcTime)


class Run(SQLModel, table=True):
    """A backlog run: a plan, and what came of it. `code` is what people call it.

    States: planning → planned → queued → running ⇄ paused → done | cancelled; or failed (the planning
    itself), stale (the world had changed), dropped (never started), undoing → undone. `question` is what
    was asked, `plan` what would be done in numbers, `world` what the plan rests on, `report` what came
    of it.
    """

    id: int | None = _key()
    code: str = Field(unique=True)
    state: str = Field(index=True)
    asked_by: str
    asked_at: datetime = Field(sa_type=UtcTime)
    first_day: date
    last_day: date
    question: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    plan: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    world: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    report: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    started_at: datetime | None = _time()
    moved_at: datetime | None = _time()
    finished_at: datetime | None = _time()
    error: str = ""


class RunItem(Work, table=True):
    """One piece of a run: a transaction of its own. States: waiting → done | failed | cancelled, undone.

    Kinds, in this order: `plan` (make the plan), `fetch` (a source's day), `pages` and `papers` (what
    today's parser makes of old pages), `scores` (a shard's scores made anew), `mails` (readers who gain).
    `payload` is what is to be done, `outcome` what was.
    """

    __table_args__ = (Index("runitem_due", "run_id", "state", "position"),)

    id: int | None = _key()
    run_id: int = _to("run.id", index=False)
    position: int
    kind: str
    size: int = 1
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    outcome: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Carry(SQLModel, table=True):
    """An entry that a backlog run puts before a reader: a candidate of their next digest, however old."""

    reader_id: int = Field(
        foreign_key="reader.id", primary_key=True, sa_type=BIG, ondelete="CASCADE"
    )
    entry_id: int = Field(foreign_key="entry.id", primary_key=True, sa_type=BIG, ondelete="CASCADE")
    run_id: int = _to("run.id")
    at: datetime = Field(sa_type=UtcTime)


class Admin(SQLModel, table=True):
    """Who runs the service. Roles: viewer (looks), operator (acts), owner (and manages admins).

    `epoch` grows with every change of the credentials: visits and keys of an older one are void.
    """

    id: int | None = _key()
    name: str = Field(unique=True)
    email: str = ""
    role: str
    password: str
    epoch: int = 0
    created_at: datetime = Field(sa_type=UtcTime)
    changed_at: datetime = Field(sa_type=UtcTime)


class AdminVisit(SQLModel, table=True):
    """An admin's signed-in browser, known by the hash of its cookie."""

    id: int | None = _key()
    hash: str = Field(unique=True)
    admin_id: int = _to("admin.id")
    epoch: int
    created_at: datetime = Field(sa_type=UtcTime)
    seen_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime, index=True)


class AdminKey(SQLModel, table=True):
    """A program's key to the admin's side, known by its hash; it may do what `role` may, at most."""

    id: int | None = _key()
    hash: str = Field(unique=True)
    admin_id: int = _to("admin.id")
    epoch: int
    role: str
    name: str
    start: str
    created_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = _time()


class Audit(SQLModel, table=True):
    """Who changed what, append only. `subject` names the thing without anybody's address."""

    __table_args__ = (Index("audit_at", "at", "id"),)

    id: int | None = _key()
    at: datetime = Field(sa_type=UtcTime)
    who: str
    action: str
    subject: str = ""
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Alarm(SQLModel, table=True):
    """Something that wants an admin. Open while `cleared_at` is empty; one open row for each `key`."""

    __table_args__ = (Index("alarm_key", "key", "cleared_at"),)

    id: int | None = _key()
    key: str
    kind: str
    words: str
    remedy: str
    raised_at: datetime = Field(sa_type=UtcTime, index=True)
    cleared_at: datetime | None = _time()
    told_at: datetime | None = _time()
