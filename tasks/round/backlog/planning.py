"""A question → a plan: what would be done, in numbers and piece by piece, and nothing done yet."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from tasks.records import SourceKind
from tasks.round.backlog.counting import counted
from tasks.round.backlog.finding import Reading
from tasks.round.backlog.gaining import Gain, Gains, gained
from tasks.round.backlog.looking import Looked, Told, look
from tasks.round.backlog.mending import changes
from tasks.round.backlog.question import Mail, Question, Stage
from tasks.round.context import Context
from tasks.store import entries, old_pages, runs, shards, sources
from tasks.store.mends import KINDS, Change
from tasks.store.runs import Piece

AT_ONCE = 50  # papers, pages or readers in one transaction
SCORED_AT_ONCE = 7  # readers: their week takes half a second, and today's round may begin to wait
PACE = {"fetch": 2.0, "pages": 0.004, "papers": 0.01, "scores": 0.6, "mails": 0.01}  # seconds each
CODE = "abcdefghjkmnpqrstuvwxyz23456789"  # read aloud without mistakes


@dataclass(frozen=True)
class Draft:
    """A plan before it is kept: its numbers, its pieces, and what it rests on."""

    numbers: dict[str, Any]
    pieces: list[Piece]
    world: dict[str, Any] = field(default_factory=dict)


def new_code() -> str:
    """A name for a run that nobody has to guess and everybody can say."""
    return "run-" + "".join(secrets.choice(CODE) for _ in range(6))


def draft(context: Context, question: Question, told: Told = lambda _done, _of: None) -> Draft:
    """The plan for a question as the world is now. Raises `UnknownName` for a source that is none."""
    with context.database.read() as session:
        for name in question.sources:
            sources.find(session, name)
    if question.stage is Stage.FETCH:
        return _fetching(context, question)
    looked = look(context, question, told) if question.stage is Stage.PARSE else None
    made = changes(looked.readings, looked.world) if looked else []
    gains = gained(context, question, made, told)
    return _mending(context, question, looked, made, gains)


# --- fetching ------------------------------------------------------------------------------------
def _fetching(context: Context, question: Question) -> Draft:
    """The days that did not come, source by source; sources without dated lists are asked once."""
    pieces: list[Piece] = []
    days: list[dict[str, Any]] = []
    today = context.clock().date()
    with context.database.read() as session:
        known = old_pages.days_of(session, question.first, question.last)
        for source in sources.every(session, question.sources):
            if source.kind is SourceKind.HF:
                wanted = [
                    day
                    for day in question.days
                    if day <= today and (question.again or day not in known.get(source.name, ()))
                ]
            else:
                wanted = [today]
            for day in wanted:
                payload = {"source": source.name, "day": day.isoformat()}
                pieces.append(Piece(kind="fetch", payload=payload | {"mail": question.mail.value}))
                days.append(payload | {"dated": source.kind is SourceKind.HF})
    numbers = _numbers(pieces) | {"fetch": days, "mail": question.mail.value}
    return Draft(numbers, pieces, {"fetch": days})


# --- mending -------------------------------------------------------------------------------------
def _mending(
    context: Context,
    question: Question,
    looked: Looked | None,
    made: Sequence[Change],
    gains: Gains,
) -> Draft:
    pages = list(_page_pieces(looked.asked)) if looked else []
    papers = [
        Piece(kind="papers", payload={"changes": [one.to_json() for one in some]}, size=len(some))
        for some in _by_day(made)
    ]
    scores: list[Piece] = []
    if question.stage is Stage.SCORE or _is_news(context, made):
        whole = question.stage is Stage.SCORE
        with context.database.read() as session:
            scores = [
                Piece(
                    kind="scores", payload={"shard": key, "all": whole, "part": part, "of": parts}
                )
                for key, size in shards.sizes(session).items()
                for parts in (-(-size // SCORED_AT_ONCE),)
                for part in range(parts)
            ]
    mails = list(_mail_pieces(question, gains)) if question.mail is not Mail.NONE else []
    pieces = [*pages, *papers, *scores, *mails]
    kinds = Counter(kind for change in made for kind in change.kinds)
    tops = sum(len(some) for some in gains.of.values())
    numbers = _numbers(pieces) | {
        "pages": _pages(looked),
        "papers": {kind: kinds[kind] for kind in KINDS},
        "days": counted(looked, made),
        "readers": {"changed": len(gains.changed), "gain": len(gains.of), "top": tops},
        "mail": question.mail.value,
        "mails": len(gains.of) if question.mail is Mail.ADDENDUM else 0,
    }
    return Draft(numbers, pieces, _world(looked, made, gains))


def _is_news(context: Context, made: Sequence[Change]) -> bool:
    """Whether any of what is changed may still become a pick."""
    keys = [change.key for change in made if change.key > 0]
    since = context.clock() - entries.NEWS_FOR
    with context.database.read() as session:
        held = old_pages.held(session, keys)
    return any(one.arrived is not None and one.arrived >= since for one in held.values())


def _world(looked: Looked | None, made: Sequence[Change], gains: Gains) -> dict[str, Any]:
    """What the plan rests on, so that a later look can tell what has changed since."""
    asked = looked.asked if looked else []
    return {
        "pages": {
            str(
                r.page.id
            ): f"{r.page.source} {r.page.day}, fetched {r.page.fetched_at:%Y-%m-%d %H:%M}"
            for r in asked
        },
        "papers": {_name(one): _print_of(one) for one in made},
        "readers": {
            str(reader): sorted(f"{gain.entry}" for gain in some)
            for reader, some in gains.of.items()
        },
    }


def _name(change: Change) -> str:
    return str(change.key) if change.key > 0 else f"new: {change.after['title']}"


def _print_of(change: Change) -> str:
    """Short for what a change comes to: the same for the same change, and another for another."""
    does = (change.after, change.sight, change.unsight, change.absorb, change.learn, change.unlearn)
    return hashlib.sha256(json.dumps(does, sort_keys=True).encode()).hexdigest()[:24]


def _page_pieces(asked: Sequence[Reading]) -> Iterator[Piece]:
    marks = [mark for mark in map(_mark, asked) if mark is not None]
    for start in range(0, len(marks), AT_ONCE):
        some = marks[start : start + AT_ONCE]
        yield Piece(kind="pages", payload={"pages": some}, size=len(some))


def _mark(reading: Reading) -> dict[str, Any] | None:
    """What today's parser makes of a page, where that is news. One that it cannot read stays as it is."""
    page, parsed = reading.page, reading.parsed
    if parsed is None:
        return None
    before = {"state": page.state} | dict(page.facts)
    after = {
        "state": "parsed",
        "shape": parsed.shape,
        "entries": len(parsed.entries),
        "rejected_items": len(parsed.rejected),
        "warnings": list(parsed.warnings),
        "error": "",
    }
    if before == after:
        return None
    return {
        "page": page.id,
        "day": parsed.day.isoformat() if parsed.day else None,
        "before": before,
        "after": after,
        "rejections": [asdict(item) for item in parsed.rejected],
    }


def _by_day(made: Sequence[Change]) -> Iterator[list[Change]]:
    """Changes of one day together, not too many at once."""
    days: dict[date, list[Change]] = defaultdict(list)
    for change in made:
        days[change.day].append(change)
    for some in days.values():
        for start in range(0, len(some), AT_ONCE):
            yield some[start : start + AT_ONCE]


def _mail_pieces(question: Question, gains: Gains) -> Iterator[Piece]:
    every = [
        {"reader": reader, "gains": [_gain_json(gain) for gain in some]}
        for reader, some in sorted(gains.of.items())
    ]
    for start in range(0, len(every), AT_ONCE):
        some = every[start : start + AT_ONCE]
        payload = {"readers": some, "mail": question.mail.value}
        yield Piece(kind="mails", payload=payload, size=len(some))


def _gain_json(gain: Gain) -> dict[str, Any]:
    return asdict(gain) | {"day": gain.day.isoformat()}


def _numbers(pieces: Iterable[Piece]) -> dict[str, Any]:
    sizes: Counter[str] = Counter()
    for piece in pieces:
        sizes[piece.kind] += piece.size
    seconds = sum(PACE[kind] * size for kind, size in sizes.items())
    return {"work": dict(sizes), "seconds": round(seconds, 1)}


def _pages(looked: Looked | None) -> dict[str, Any]:
    asked = looked.asked if looked else []
    failed = [r for r in asked if r.parsed is None]
    return {
        "read": len(asked),
        "beside": len(looked.readings) - len(asked) if looked else 0,
        "mended": sum(r.parsed is not None and r.page.state == "quarantined" for r in asked),
        "unreadable": [
            {"page": r.page.id, "source": r.page.source, "day": str(r.page.day), "why": r.error}
            for r in failed
            if r.page.state == "parsed"
        ],
    }


# --- is it still so? -----------------------------------------------------------------------------
def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What has changed since a plan was made, a sentence each; nothing where all is as it was."""
    found: list[str] = []
    old, new = then.get("pages", {}), now.get("pages", {})
    found += [f"a page has come: {new[key]} (page {key})" for key in new if key not in old]
    found += [f"a page is not there any more: {old[key]}" for key in old if key not in new]
    for what, thing in (("papers", "paper"), ("readers", "reader")):
        old, new = then.get(what, {}), now.get(what, {})
        found += [f"{thing} {key} would be changed now too" for key in new if key not in old]
        found += [f"{thing} {key} would not be changed any more" for key in old if key not in new]
        both = [key for key in new if key in old and new[key] != old[key]]
        found += [f"{thing} {key} would be changed in another way" for key in both]
    if then.get("fetch", []) != now.get("fetch", []):
        was = {(one["source"], one["day"]) for one in then.get("fetch", [])}
        found += [
            f"{source} has {day} by now" if (source, day) in was else f"{source} lacks {day} by now"
            for source, day in sorted(
                was ^ {(one["source"], one["day"]) for one in now.get("fetch", [])}
            )
        ]
    return found


def keep(
    context: Context, run_id: int, made: Draft, item: runs.Taken, *, owner: str, now: datetime
) -> None:
    """Keep a plan as what the run is to do."""
    with context.database.write() as session:
        runs.done(session, item, {}, owner=owner)
        runs.put(session, run_id, made.pieces)
        runs.move(
            session, run_id, "planned", was=("planning",), now=now,
            plan=made.numbers, world=made.world, report={}, error="",
        )  # fmt: skip
