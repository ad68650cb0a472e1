"""A month of real pages with a planted fault, and readers with judged profiles: mended, and few are mailed."""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from backlogs import DAY, Backlog, Clock, Faulty, Sound, fit_once, moment
from papers import add_reader
from sqlmodel import select

from tasks import models
from tasks.office import runs
from tasks.parse.page import parse_page
from tasks.records import ParsedPage, RawPage, SourceKind
from tasks.round.backlog.gaining import TOP
from tasks.round.backlog.question import Mail, Question
from tasks.round.context import Context
from tasks.round.parsing import parse
from tasks.settings import Settings
from tasks.store import migrate, pages, profiles, sources
from tasks.store.database import Database

LONG = "PAPERROUND_LONG" in os.environ  # minutes instead of seconds
CORPUS = Path(os.environ.get("PAPERROUND_CORPUS", ""))
BEFORE, MONTH = (
    (40, 22) if LONG else (15, 22)
)  # pages: by which the lines are set, and of the month
EVERY = 1 if LONG else 6  # so many judged profiles are passed over

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif("PAPERROUND_CORPUS" not in os.environ, reason="needs PAPERROUND_CORPUS"),
]


def real_pages() -> list[RawPage]:
    """The last saved days that had papers, as they came."""
    with tarfile.open(CORPUS / "hf" / "daily_2024-05_2025-12.tar.xz") as archive:
        named = sorted((m.name, m) for m in archive.getmembers() if m.isfile())
        found = []
        for name, member in named[-2 * (BEFORE + MONTH) :]:
            file = archive.extractfile(member)
            assert file is not None
            day = date.fromisoformat(Path(name).stem[-10:])
            at = moment(day, 6)
            raw = RawPage(url=name, body=file.read(), fetched_at=at, kind="hf", day=day, name=name)
            if parse_page(raw).entries:
                found.append(raw)
    return found[-BEFORE - MONTH :]


class Dated:
    """A parser whose pages are of the day that was asked for."""

    def __init__(self, parser: Faulty | Sound) -> None:
        self.parser = parser

    def parse(self, page: RawPage) -> ParsedPage:
        return replace(self.parser.parse(page), day=page.day)

    def close(self) -> None:
        """There is no child to end."""


def opened(database: Database, home: Path, parser: Faulty | Sound) -> Backlog:
    home.mkdir(exist_ok=True)
    migrate.upgrade(database)
    clock = Clock()
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    found = Backlog(Context(settings=settings, database=database, clock=clock), clock)
    found.read_by(Dated(parser))  # type: ignore[arg-type]
    with database.write() as session:
        sources.internal(session, "daily", SourceKind.HF, moment(date(2024, 1, 1), 0))
    return found


def bring(lived: Backlog, raw: RawPage) -> None:
    """A page comes and is read."""
    lived.clock.moment = raw.fetched_at
    with lived.context.database.write() as session:
        where = sources.find(session, "daily").id
        key = pages.keep(session, where, raw)[0]
    parse(lived.context, key, key, raw.fetched_at)


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[tuple[Backlog, Backlog, list[RawPage]]]:
    """A month that was misread for its readers, and the same pages read soundly, without any."""
    bases = [Database(f"sqlite:///{tmp_path / name}.db") for name in ("lived", "sound")]
    lived = opened(bases[0], tmp_path / "lived", Faulty())
    soundly = opened(bases[1], tmp_path / "sound", Sound())
    found = real_pages()
    for raw in found:
        bring(soundly, raw)
    for raw in found[:BEFORE]:
        bring(lived, raw)
    begin = found[BEFORE].fetched_at
    fit_once(lived.context, begin)
    _add_readers(lived, begin)
    by_day = {raw.day: raw for raw in found[BEFORE:]}
    for number in range((found[-1].fetched_at - begin).days + 2):
        day = (begin + number * DAY).date()
        if day in by_day:
            bring(lived, by_day[day])
        lived.round(moment(day, 7, 5))
    shutil.rmtree(tmp_path / "lived" / "mailbox")
    lived.read_by(Dated(Sound()))  # type: ignore[arg-type]
    yield lived, soundly, found
    for database in bases:
        database.close()


def _add_readers(lived: Backlog, begin: datetime) -> None:
    kept = json.loads((CORPUS / "judged" / "profiles.json").read_text())[::EVERY]
    with lived.context.database.write() as session:
        for number, one in enumerate(kept):
            about: dict[str, Any] = {"about": 2 + number % 6, "most": 4 + number % 9}
            key = add_reader(session, begin, f"r{number}@readers.example", **about)
            wish = {"terms": one["terms"], "description": one["description"]}
            profiles.save(session, key, "main", wish, begin)
            lived.readers.append(key)


def tops(lived: Backlog) -> dict[tuple[int, date], list[int]]:
    """The best papers of each reader's days, by the scores that are kept."""
    found: dict[tuple[int, date], list[tuple[float, int]]] = defaultdict(list)
    with lived.context.database.read() as session:
        kept = session.exec(
            select(models.Score, models.Entry, models.Profile)
            .join(models.Entry, models.Entry.id == models.Score.entry_id)  # type: ignore[arg-type]
            .join(models.Profile, models.Profile.id == models.Score.profile_id)  # type: ignore[arg-type]
        )
        for one, entry, profile in kept:
            if entry.arrived_at and one.value >= profile.line:
                found[one.reader_id, entry.arrived_at.date()].append((one.raw, one.entry_id))
    return {place: [key for _, key in sorted(some)[-TOP:]] for place, some in found.items()}


def mailed(lived: Backlog, run_id: int) -> dict[int, list[int]]:
    """What the addenda of a run brought whom."""
    found: dict[int, list[int]] = defaultdict(list)
    with lived.context.database.read() as session:
        some = session.exec(
            select(models.Pick)
            .join(models.Digest, models.Digest.id == models.Pick.digest_id)  # type: ignore[arg-type]
            .where(models.Digest.addendum_of == run_id)
        )
        for pick in some:
            found[pick.reader_id].append(pick.entry_id)
    return dict(found)


def test_a_real_month_is_mended_and_only_who_missed_something_is_mailed_once(
    worlds: tuple[Backlog, Backlog, list[RawPage]],
) -> None:
    lived, soundly, found = worlds
    assert lived.told() != soundly.told()
    before, had = lived.sent(), tops(lived)
    first, last = found[0].day, found[-1].day
    assert first
    assert last
    question = Question(first=first, last=last, mail=Mail.ADDENDUM)
    code, _ = runs.plan(lived.context, question, "ada")
    lived.round(lived.clock.moment)
    runs.start(lived.context, code, "ada")
    lived.round(lived.clock.moment)
    done = runs.look(lived.context, code)
    assert (done.state, done.report["conflicts"], done.report["failed"]) == ("done", [], [])
    assert lived.told() == soundly.told()
    assert done.report["papers"] == done.plan["papers"]
    assert done.report["papers"]["merged"] >= MONTH + BEFORE - 2
    added = mailed(lived, done.id)
    assert len(added) == done.report["mails"] == done.plan["mails"] == sum(done.mails.values())
    assert 0 < len(added) < len(lived.readers), "some missed something, and not all did"
    boxes = Counter(to_of(path) for path in (lived.context.settings.home / "mailbox/new").glob("*"))
    assert (len(boxes), set(boxes.values())) == (len(added), {1})
    assert not before & {(reader, key) for reader, keys in added.items() for key in keys}
    assert not any(key in top for (r, _), top in had.items() for key in added.get(r, ()))
    code, _ = runs.plan(lived.context, question, "ada")
    lived.round(lived.clock.moment)
    assert runs.look(lived.context, code).plan["work"] == {}


def to_of(path: Path) -> str:
    head = path.read_bytes().partition(b"\r\n\r\n")[0].decode()
    return next(line[4:] for line in head.split("\r\n") if line.startswith("To: "))
