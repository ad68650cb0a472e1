"""Days made again are the days that were: the time machine beside a real round, digest by digest."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from papers import SUBJECTS, add_reader, bring, entry, page
from sqlmodel import select, update

from tasks import models
from tasks.desk import teaching
from tasks.desk.tuning import past
from tasks.parse.page import parse_page
from tasks.records import ParsedPage, RawPage, Reason, Want
from tasks.round.composing import compose
from tasks.round.context import Context
from tasks.round.scoring import fitted, score
from tasks.round.tick import plan_day
from tasks.score.reading import Reading
from tasks.score.reasons import Explainer
from tasks.score.vectors import row
from tasks.store import digests, profiles, readers, shards

DAY = timedelta(days=1)
Picks = dict[
    date, list[tuple[int, str]]
]  # of each day, the entries and what kind they are, in order


def fit_once(context: Context, now: datetime) -> None:
    """One scorer for all the days: in force whatever comes."""
    _, ground = fitted(context)
    with context.database.write() as session:
        data = ground.model.to_bytes()
        shards.save_model(
            session, version=ground.model.version, papers=10**9, data=data, now=now + DAY
        )


def arrive(context: Context, found: ParsedPage, at: datetime) -> None:
    """A page is parsed; its source is not due again, and no digest waits for it."""
    with context.database.write() as session:
        bring(session, found, at, body=f"page of {at}".encode())
        session.execute(update(models.Source).values(state="paused"))


def a_day(context: Context, at: datetime) -> None:
    """The round of one day: papers have come; they are scored, and every digest is composed."""
    scored(context, at)
    with context.database.write() as session:
        plan_day(session, at.date(), at)
    with context.database.read() as session:
        digests = [key or 0 for key in session.exec(select(models.Digest.id))]
    for first in range(min(digests), max(digests) + 1, 50):
        compose(context, first, first + 49, at)


def scored(context: Context, at: datetime) -> None:
    """Whatever came is scored for everybody."""
    context.clock.moment = at  # type: ignore[attr-defined]
    with context.database.read() as session:
        keys = [key or 0 for key in session.exec(select(models.Shard.id))]
    score(context, min(keys), max(keys), at)


def really_sent(context: Context, reader_id: int) -> Picks:
    """What the round chose for a reader, by day."""
    made: Picks = {}
    with context.database.read() as session:
        rows = session.exec(
            select(models.Digest.day, models.Pick)
            .join(models.Pick)
            .where(models.Pick.reader_id == reader_id)
            .order_by(models.Digest.day, models.Pick.place)  # type: ignore[arg-type]
        )
        for day, pick in rows:
            made.setdefault(day, []).append((pick.entry_id, pick.kind))
    return made


def made_again(context: Context, reader_id: int, span: int) -> Picks:
    """What the time machine says, by day."""
    with context.database.read() as session:
        reader, asked = readers.get(session, reader_id), profiles.of_reader(session, reader_id)
    looked = past.look_back(context, reader, span)
    found = looked.replayed(reader, asked)
    picks = {
        one.day: [(int(p.paper.id), p.kind.value) for p in one.choice.composition.picks]
        for one in found
    }
    return {day: chosen for day, chosen in picks.items() if chosen}


def left_over(context: Context, reader_id: int) -> list[int]:
    """The best scored paper that no digest brought, which the reader may find by themselves."""
    with context.database.read() as session:
        found, _ = digests.candidates(session, reader_id, context.clock())
    return [int(one.paper.id) for one in found[:1]]


@pytest.fixture
def unexplained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores without their reasons in words, which no pick depends on and which take most of a round."""

    def evidence(self: Explainer, reading: Reading, paper: int) -> list[Reason]:
        form = self._form
        told = sum(part for _, part in form.of_paper(*row(reading.edition.sparse, paper)))
        told += float(reading.edition.dense[paper].astype(float) @ form.dense)
        return [Reason(kind="words", label="all", value=form.offset + told)]

    monkeypatch.setattr(Explainer, "evidence", evidence)


WORDS = [
    f"{a}{b}{c}" for a in ("lan", "mor", "tir", "vel") for b in "aeiou" for c in ("dor", "n", "st")
]


def invented_page(at: date, first: int, last: int, votes: int) -> ParsedPage:
    """The papers from `first` to `last` of an invented day, with so many more votes than at first."""
    made = []
    for number in range(first, last):
        key = at.toordinal() * 40 % 100_000 + number
        random = Random(key)
        subject = SUBJECTS[random.randrange(len(SUBJECTS))]
        words = [random.choice(WORDS) for _ in range(40)]
        words[random.randrange(40)] = subject
        title = f"{words[0]} {subject if random.random() < 0.4 else words[1]} {words[2]} {words[3]}"
        made.append(
            entry(key, title=title, abstract=" ".join(words), upvotes=random.randrange(9) + votes)
        )
    return page(*made, day=at)


@pytest.mark.usefixtures("unexplained")
def test_a_fortnight_of_growing_pages_and_answers_comes_out_the_same(context: Context) -> None:
    begin = datetime(2026, 10, 20, tzinfo=UTC)
    wishes = [
        [{"terms": ["sparse attention"]}],
        [
            {"terms": ["graph kernels"], "negatives": ["lanan"]},
            {"terms": ["tidal energy"], "share": 2},
        ],
        [{"terms": ["protein folding", "speech codecs"], "description": "How proteins fold."}],
    ]
    for back in range(20, 0, -1):
        day = begin - back * DAY
        arrive(context, invented_page(day.date(), 0, 30, 0), day + timedelta(hours=6))
    fit_once(context, begin)
    with context.database.write() as session:
        keys = [
            add_reader(session, begin, f"r{n}@readers.example", about=3, most=6 - n, threshold=0)
            for n in range(len(wishes))
        ]
        for key, some in zip(keys, wishes, strict=True):
            for number, wish in enumerate(some):
                profiles.save(session, key, f"{number or 'main'}", wish, begin)
    scored(context, begin)
    for number in range(14):
        day = begin + number * DAY
        arrive(context, invented_page(day.date(), 0, 8, 0), day + timedelta(hours=2))
        scored(context, day + timedelta(hours=2))
        arrive(context, invented_page(day.date(), 0, 16, number), day + timedelta(hours=5))
        scored(context, day + timedelta(hours=5))
        a_day(context, day + timedelta(hours=7))
        arrive(context, invented_page(day.date(), 0, 30, 12), day + timedelta(hours=20))
        scored(context, day + timedelta(hours=20))
        if number % 4 == 1:
            sent = really_sent(context, keys[0])[day.date()]
            context.clock.moment += DAY / 24  # type: ignore[attr-defined]
            teaching.give(context, keys[0], sent[0][0], Want.MORE)
            teaching.give(context, keys[0], sent[-1][0], Want.LESS)
            scored(context, context.clock.moment)  # type: ignore[attr-defined]
    context.clock.moment = begin + 13 * DAY + timedelta(hours=8)  # type: ignore[attr-defined]
    for key in keys:
        real = really_sent(context, key)
        assert len(real) > 10
        assert made_again(context, key, 14) == real
    kinds = {kind for key in keys for day in really_sent(context, key).values() for _, kind in day}
    assert kinds == {"match", "explore", "late"}


@pytest.mark.usefixtures("unexplained")
def test_days_in_the_middle_know_what_came_before_them(context: Context) -> None:
    begin = datetime(2026, 10, 20, tzinfo=UTC)
    for back in range(20, 0, -1):
        day = begin - back * DAY
        arrive(context, invented_page(day.date(), 0, 30, 0), day + timedelta(hours=6))
    fit_once(context, begin)
    with context.database.write() as session:
        key = add_reader(session, begin, about=6, most=3, threshold=0)
    scored(context, begin)
    for number in range(8):
        day = begin + number * DAY
        arrive(context, invented_page(day.date(), 0, 15, 0), day + timedelta(hours=5))
        scored(context, day + timedelta(hours=5))
        # A mail is on its way some seconds after its hour; then votes rise, and count for none of these.
        a_day(context, day + timedelta(hours=7, seconds=20))
        for entry_id in left_over(context, key):
            teaching.give(context, key, entry_id, Want.HIDE)
        arrive(context, invented_page(day.date(), 0, 30, 12), day + timedelta(hours=20))
        scored(context, day + timedelta(hours=20))
    context.clock.moment = begin + 7 * DAY + timedelta(hours=8)  # type: ignore[attr-defined]
    real = really_sent(context, key)
    for span in (7, 4, 2):
        newest = list(real.items())[-span:]
        assert list(made_again(context, key, span).items()) == newest


LONG = "PAPERROUND_LONG" in os.environ  # minutes instead of seconds
CORPUS = Path(os.environ.get("PAPERROUND_CORPUS", ""))


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("unexplained")
@pytest.mark.skipif("PAPERROUND_CORPUS" not in os.environ, reason="needs PAPERROUND_CORPUS")
def test_real_days_come_out_the_same_for_profiles_of_all_kinds(context: Context) -> None:
    kept = json.loads((CORPUS / "judged" / "profiles.json").read_text())
    wishes: list[dict[str, Any]] = [
        {"terms": one["terms"], "description": one["description"]} for one in kept
    ]
    wishes += [{"terms": [term]} for term in ("reinforcement", "benchmark", "speech", "3D", "RAG")]
    wishes += [{"terms": one["terms"][:1], "negatives": ["survey"]} for one in kept[:15]]
    days, wishes = (60, wishes) if LONG else (12, wishes[::4])
    pages = real_pages(days + 40)
    begin = datetime.combine(pages[40][0], datetime.min.time(), UTC)
    for day, found in pages[:40]:
        arrive(context, found, datetime(day.year, day.month, day.day, 6, tzinfo=UTC))
    fit_once(context, begin)
    with context.database.write() as session:
        keys = [
            add_reader(session, begin, f"r{n}@readers.example", about=2 + n % 6, most=4 + n % 9)
            for n in range(len(wishes))
        ]
        for key, wish in zip(keys, wishes, strict=True):
            profiles.save(session, key, "main", wish, begin)
    scored(context, begin)
    span, by_day = (pages[-1][0] - pages[40][0]).days + 1, dict(pages[40:])
    for number in range(span):
        morning = begin + number * DAY + timedelta(hours=6)
        if found := by_day.get(morning.date()):
            arrive(context, found, morning)
            scored(context, morning)
        a_day(context, morning + timedelta(hours=1))
    picks = 0
    for key in keys:
        real = really_sent(context, key)
        assert made_again(context, key, span) == real
        picks += sum(map(len, real.values()))
    assert len(pages[40:]) == days
    assert picks > len(keys) * days


def real_pages(days: int) -> Sequence[tuple[date, ParsedPage]]:
    """The last so many saved days that had papers."""
    with tarfile.open(CORPUS / "hf" / "daily_2024-05_2025-12.tar.xz") as archive:
        named = sorted((m.name, m) for m in archive.getmembers() if m.isfile())
        found = []
        for name, member in named[-days - 40 :]:
            file = archive.extractfile(member)
            assert file is not None
            raw = RawPage(url="", body=file.read(), fetched_at=datetime.now(UTC), name=name)
            parsed = parse_page(raw)
            day = date.fromisoformat(Path(name).stem[-10:])
            if parsed.entries:
                found.append((day, replace(parsed, day=day)))
    return found[-days:]
