"""What is said of a paper's fate is what happened: for every reader and paper of a month of real rounds."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rounds
from papers import add_reader, bring, entry, page
from rounds import Lived
from sqlmodel import select, update

from tasks import models
from tasks.desk import interests, leaving, preferring, teaching
from tasks.desk.tuning import shadows
from tasks.desk.tuning.inquiry import remaking, standing, why, why_words
from tasks.desk.tuning.inquiry.remaking import Remade
from tasks.desk.tuning.inquiry.standing import Cause, Look
from tasks.desk.tuning.inquiry.why import Absence, Fate, Story
from tasks.errors import UnknownName
from tasks.records import ParsedEntry, PickKind, Reader, Want
from tasks.round.context import Context
from tasks.round.scoring import fitted
from tasks.round.walk import run_once
from tasks.settings import Settings
from tasks.store import readers, shards, tracing
from tasks.store.database import Database
from tasks.store.tracing import Made

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
Day = tuple[Reader, Made, Remade]


# --- a month -------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def lived(migrated_file: Path) -> Lived:
    return rounds.month(migrated_file)


@pytest.fixture(scope="module")
def days(lived: Lived) -> list[Day]:
    """Every digest of the month, made again."""
    first, last = rounds.moment(rounds.FIRST, 0), lived.clock()
    ground, papers = remaking.laid(lived.context, first, last)
    found = []
    with lived.context.database.read() as session:
        for key in lived.readers:
            reader = readers.get(session, key)
            for made in tracing.made_between(session, key, first, last):
                known = remaking.facts(session, reader, made.day, made.at)
                found.append((reader, made, remaking.remade(ground, papers, known)))
    return found


def came(again: Remade) -> Iterator[int]:
    """What a digest could look at."""
    for paper, at in zip(again.papers.papers, again.papers.moments, strict=True):
        if again.facts.at - 16 * DAY <= at <= again.facts.at:
            yield int(paper.id)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_digest_of_a_month_is_made_again_as_it_was(days: list[Day]) -> None:
    kinds: Counter[str] = Counter()
    for reader, made, again in days:
        real = [(key, kind.value) for key, kind in made.picks]
        assert again.picks == real, (reader.id, made.day)
        kinds.update(kind for _, kind in real)
    assert len(days) > 150
    assert kinds["match"] > 300
    assert {*kinds} == {"match", "late", "explore"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_paper_is_told_to_be_sent_by_the_digest_that_sent_it_and_by_no_other(
    days: list[Day],
) -> None:
    pairs = 0
    for _, made, again in days:
        places = {key: (n, kind) for n, (key, kind) in enumerate(made.picks, start=1)}
        for key in came(again):
            seen = standing.look(again, key)
            told = seen.pick and (seen.pick.place, seen.pick.kind)
            assert told == places.get(key)
            assert (seen.cause is Cause.PICKED) == (key in places)
            pairs += 1
    assert pairs > 30_000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_stated_cause_is_true_by_what_was_kept_at_that_hour(
    lived: Lived, days: list[Day]
) -> None:
    causes: Counter[Cause] = Counter()
    for reader, made, again in days:
        moments = [at for at in lived.kept if at <= made.at]
        scores, lines = lived.kept[max(moments)] if moments else ({}, {})
        if not moments or made.at.isoweekday() > 5:
            continue  # before the first morning; on quiet days another's edit may draw lines anew
        for key in came(again):
            seen = standing.look(again, key)
            causes[seen.cause] += 1
            own = {s.profile_id: scores.get((s.profile_id, key)) for s in seen.stands}
            holds(seen, own, lines, reader)
    assert causes.keys() >= {
        Cause.KNOWN, Cause.BARRED, Cause.BELOW, Cause.THRESHOLD, Cause.OLD, Cause.TWIN, Cause.SEATS
    }  # fmt: skip


def holds(seen: Look, kept: dict[int, float | None], lines: Any, reader: Reader) -> None:
    """What is told is what the round had kept: raw scores by profile, and lines."""
    for stand in seen.stands:
        raw, line = kept[stand.profile_id], lines[stand.profile_id]
        assert stand.line == pytest.approx(line, abs=1e-5)
        if raw is not None and seen.cause is not Cause.KNOWN:
            assert stand.score.raw == pytest.approx(raw, abs=1e-4)
        if stand.cause is Cause.BELOW:
            assert raw is None or value(raw) < line + 1e-6
        if stand.cause is Cause.THRESHOLD:
            assert stand.line <= stand.score.value < reader.threshold
        if stand.cause is Cause.BARRED:
            assert raw is None
            assert stand.bars
    over = [
        key
        for key, raw in kept.items()
        if raw is not None and value(raw) >= max(lines[key], reader.threshold) + 1e-6
    ]
    if seen.cause in (Cause.SEATS, Cause.TWIN, Cause.OLD):
        assert over
    if seen.cause is Cause.SEATS:
        assert seen.place is not None
        assert seen.matches > len(seen.seated) - 2
        assert len(seen.seated) == reader.most
    if seen.cause is Cause.TWIN:
        assert seen.twin is not None
    if seen.cause in (Cause.BELOW, Cause.THRESHOLD, Cause.BARRED):
        assert not over


def value(raw: float) -> float:
    return 1 / (1 + math.exp(-raw))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_whole_stories_tell_what_happened(lived: Lived) -> None:
    fates: Counter[Fate] = Counter()
    with lived.context.database.read() as session:
        found = session.exec(select(models.Pick.reader_id, models.Pick.entry_id))
        sent = {*found}
        people = [readers.get(session, key) for key in lived.readers]
        entries = session.exec(select(models.Entry.id).order_by(models.Entry.id)).all()  # type: ignore[arg-type]
    for reader in people:
        for key in entries[reader.id :: 90]:
            story = why.why(lived.context, reader, key or 0)
            fates[story.fate] += 1
            assert (story.fate is Fate.SENT) == ((reader.id, key) in sent)
            assert story.agrees
            assert why_words.verdict(story)
            assert all(why_words.grounds(story))
            assert all(why_words.outcome(one) for one in story.considered)
    assert fates.keys() >= {Fate.SENT, Fate.MISSED, Fate.NO_DIGEST}


# --- one day -------------------------------------------------------------------------------------
def build(context: Context) -> None:
    """A week of papers, one scorer, and Ada, who had yesterday's digest."""
    start = NOW.replace(hour=6, minute=0)
    for back in range(9, 1, -1):
        arrive(context, start - back * DAY, *(entry(back * 10 + n) for n in range(10)))
    clock(context, start - DAY - HOUR)
    fit_once(context)
    with context.database.write() as session:
        add_reader(session, context.clock(), about=2, most=3)
    arrive(context, start - DAY, *(entry(500 + n) for n in range(10)))
    go(context, start - DAY + HOUR + timedelta(minutes=5))
    clock(context, NOW - DAY)


def opened(file: Path, home: Path) -> Context:
    settings = Settings(home=home, _env_file=None)  # type: ignore[call-arg]
    return Context(settings=settings, database=Database(f"sqlite:///{file}"), clock=rounds.Clock())


@pytest.fixture(scope="module")
def built(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("why")
    file = Path(shutil.copy(migrated_file, home / "built.db"))
    context = opened(file, home)
    build(context)
    context.close()
    return file


@pytest.fixture
def small(built: Path, tmp_path: Path) -> Iterator[Context]:
    """That day, in a database of the test's own."""
    context = opened(Path(shutil.copy(built, tmp_path / "small.db")), tmp_path)
    clock(context, NOW - DAY)
    yield context
    context.close()


def test_fates_are_told_on_each_kind_of_database(context: Context) -> None:
    build(context)
    assert told(context, numbered(context, 500)).fate is Fate.SENT
    missed = told(context, numbered(context, 501))
    assert (missed.fate, missed.agrees) == (Fate.MISSED, True)
    assert [sight.source for sight in missed.traced.sights] == ["daily"]
    teaching.give(context, 1, numbered(context, 500), Want.MORE)
    interests.remove(context, 1, "main")
    assert told(context, numbered(context, 500)).agrees


def clock(context: Context, at: datetime) -> None:
    context.clock.moment = at  # type: ignore[attr-defined]


def go(context: Context, at: datetime) -> None:
    clock(context, at)
    run_once(context, at)


def fit_once(context: Context) -> None:
    _, ground = fitted(context)
    with context.database.write() as session:
        data, version = ground.model.to_bytes(), ground.model.version
        shards.save_model(session, version=version, papers=10**9, data=data, now=context.clock())


def arrive(context: Context, at: datetime, *found: ParsedEntry, source: str = "daily") -> None:
    with context.database.write() as session:
        bring(
            session, page(*found, day=at.date()), at, body=f"{source} {at}".encode(), source=source
        )
        session.execute(update(models.Source).values(state="paused"))


def told(context: Context, entry_id: int) -> Story:
    with context.database.read() as session:
        reader = readers.get(session, 1)
    return why.why(context, reader, entry_id)


def numbered(context: Context, number: int) -> int:
    """The entry that `entry(number)` became."""
    named = why.named(context, f"arXiv:2611.{number:05d}")
    assert named.entry is not None
    return named.entry


def test_a_paper_that_was_sent_is_told_with_its_digest_its_mail_and_its_reasons(
    small: Context,
) -> None:
    story = told(small, numbered(small, 500))
    assert story.fate is Fate.SENT
    assert story.agrees
    assert story.sent is not None
    made, pick = story.sent
    assert made.handed is not None
    assert made.handed.state == "sent"
    assert [outcome for _, outcome in made.handed.attempts] == ["sent"]
    assert why_words.verdict(story) == f"You got it on 19 Nov 2026, at place {pick.place} of 3."
    assert story.decided is not None
    assert story.decided.best is not None
    assert story.decided.best.score.raw == pytest.approx(pick.score.raw, abs=1e-5)
    assert sum(r.value for r in story.decided.best.score.reasons) == pytest.approx(pick.score.raw)


def test_a_paper_below_the_line_is_told_with_its_rank_and_what_was_missing(small: Context) -> None:
    story = told(small, numbered(small, 501))
    assert story.fate is Fate.MISSED
    assert story.decided is not None
    assert story.decided.cause is Cause.BELOW
    assert why_words.verdict(story).startswith(
        "It did not reach the line of “main”: a match of 0.0"
    )
    rank, missing = why_words.grounds(story)
    assert rank.endswith("of 70 new papers.")
    assert "points were missing: its odds would have to be" in missing
    assert why_words.outcome(story.considered[0]) == "below the line"


def test_a_paper_that_an_answer_was_given_to_is_known(small: Context) -> None:
    key = numbered(small, 501)
    teaching.give(small, 1, key, Want.HIDE)
    arrive(small, small.clock() + HOUR, entry(900))
    go(small, small.clock() + 22 * HOUR)
    story = told(small, key)
    assert [want for _, want in story.answers] == [Want.HIDE]
    assert story.considered[1].look is not None
    assert story.considered[1].look.cause is Cause.KNOWN


def test_what_was_barred_names_the_negative_and_the_profile(small: Context) -> None:
    body = {"terms": ["sparse attention"], "negatives": ["way", "Second, Bo"]}
    interests.save(small, 1, "main", body, expected=1)
    arrive(small, small.clock() + HOUR, *(entry(600 + n) for n in range(10)))
    go(small, small.clock() + 22 * HOUR)
    story = told(small, numbered(small, 600))
    assert story.agrees
    assert story.decided is not None
    assert story.decided.cause is Cause.BARRED
    assert why_words.verdict(story) == (
        "Your profile “main” never wants “way” and “Second, Bo”, and it has that."
    )


def test_a_twin_names_the_paper_that_was_sent_and_its_day(small: Context) -> None:
    copy = replace(entry(500), arxiv_id="2611.40500", source_id="2611.40500", url=None)
    arrive(small, small.clock() + HOUR, copy, *(entry(600 + n) for n in range(4)))
    go(small, small.clock() + 22 * HOUR)
    story = told(small, numbered(small, 40500))
    assert story.decided is not None
    assert story.decided.twin is not None
    assert why_words.verdict(story) == (
        "It is the same as “Study 500 of sparse attention”, which you got on 19 Nov 2026."
    )


def test_a_full_digest_names_who_got_the_places(small: Context) -> None:
    preferring.prefer(small, 1, about=5, most=1)
    arrive(small, small.clock() + HOUR, *(entry(600 + 5 * n) for n in range(6)))
    go(small, small.clock() + 22 * HOUR)
    stories = [told(small, numbered(small, 600 + 5 * n)) for n in range(6)]
    missed = [s for s in stories if s.decided and s.decided.cause is Cause.SEATS]
    (sent,) = (s for s in stories if s.fate is Fate.SENT)
    assert missed
    assert all([p.id for p in s.decided.seated] == [sent.paper.id] for s in missed if s.decided)
    assert "and you take 1 at most." in why_words.verdict(missed[0])


def test_an_example_of_the_profile_is_no_news_to_it(small: Context) -> None:
    arrive(small, small.clock() + HOUR, *(entry(600 + n) for n in range(10)))
    key = numbered(small, 600)
    example = {"title": "Study 600 of sparse attention", "id": f"entry:{key}"}
    interests.save(small, 1, "main", {"examples": [example]}, expected=1)
    go(small, small.clock() + 22 * HOUR)
    assert why_words.verdict(told(small, key)) == (
        "Your profile “main” has it as an example: it is no news to you."
    )


def test_a_paper_that_came_after_the_last_digest_waits_and_is_foretold(small: Context) -> None:
    go(small, small.clock() + HOUR)
    arrive(small, small.clock() + HOUR, *(entry(600 + n) for n in range(10)))
    go(small, small.clock() + 2 * HOUR)
    near, far = told(small, numbered(small, 600)), told(small, numbered(small, 601))
    assert (near.fate, near.comes, near.agrees) == (Fate.WAITING, True, True)
    assert (far.fate, far.comes, far.agrees) == (Fate.WAITING, False, True)
    assert why_words.verdict(near) == "It is new. As things stand, your next digest brings it."
    assert why_words.verdict(far).startswith("It is new. As things stand, it does not come: It did")
    assert near.due is not None
    assert near.due > small.clock()


def test_a_reader_without_profiles_gets_what_has_votes(small: Context) -> None:
    interests.remove(small, 1, "main")
    arrive(small, small.clock() + HOUR, *(entry(600 + n) for n in range(30)))
    go(small, small.clock() + 22 * HOUR)
    story = told(small, numbered(small, 600))
    assert story.decided is not None
    assert story.decided.cause is Cause.VOTED
    most = told(small, numbered(small, 629))
    assert most.sent is not None
    assert most.sent[1].kind is PickKind.POPULAR
    assert "for its votes" in why_words.verdict(most)


def test_without_a_digest_the_reason_is_told(small: Context) -> None:
    leaving.pause(small, 1, None)
    arrive(small, NOW - 30 * DAY, replace(entry(960), published=None))
    arrive(small, NOW, *(entry(600 + n) for n in range(10)))
    clock(small, NOW + 10 * DAY)
    story = told(small, numbered(small, 600))
    assert (story.fate, story.absence) == (Fate.NO_DIGEST, Absence.AWAY)
    assert "paused or unsubscribed" in why_words.verdict(story)
    old = told(small, numbered(small, 960))
    assert (old.fate, old.absence) == (Fate.NO_DIGEST, Absence.NOT_YET)


def test_a_digest_that_never_went_out_freed_its_papers(small: Context) -> None:
    with small.database.write() as session:
        session.execute(update(models.Delivery).values(state="expired"))
        session.delete(session.exec(select(models.Pick)).first())
    gone = next(n for n in (500, 505) if told(small, numbered(small, n)).fate is not Fate.SENT)
    waits = told(small, numbered(small, gone))
    assert waits.fate is Fate.WAITING
    assert why_words.outcome(waits.considered[0]) == "was not made or not delivered"
    leaving.pause(small, 1, None)
    story = told(small, numbered(small, gone))
    assert (story.fate, story.absence) == (Fate.NO_DIGEST, Absence.LOST)
    assert "could not be delivered" in why_words.verdict(story)


def test_withdrawn_and_old_papers_never_were_for_a_digest(small: Context) -> None:
    arrive(small, NOW - 40 * DAY, entry(950))
    with small.database.write() as session:
        session.execute(
            update(models.Entry).where(models.Entry.arxiv_id == "2611.00950")  # type: ignore[arg-type]
            .values(arrived_at=None, arrival=None)
        )  # fmt: skip
        session.execute(
            update(models.Entry).where(models.Entry.arxiv_id == "2611.00501")  # type: ignore[arg-type]
            .values(withdrawn=True)
        )  # fmt: skip
    old, gone = told(small, numbered(small, 950)), told(small, numbered(small, 501))
    assert (old.fate, gone.fate) == (Fate.OLD, Fate.WITHDRAWN)
    assert "withdrawn" in why_words.verdict(gone)
    assert "old lists" in why_words.verdict(old)


def test_sightings_and_entries_that_were_joined_are_told(small: Context) -> None:
    at = small.clock() + HOUR
    title = {"title": "One and the same thing", "abstract": "Of two lists."}
    arrive(small, at, replace(entry(700), arxiv_id=None, doi="10.1/x", **title), source="a")
    arrive(small, at + HOUR, replace(entry(701, **title), title="Another name"), source="b")
    arrive(small, at + 2 * HOUR, replace(entry(701, **title), doi="10.1/x", upvotes=9), source="c")
    story = told(small, numbered(small, 701))
    assert [(s.source, s.votes) for s in story.traced.sights] == [("a", 700), ("b", 701), ("c", 9)]
    assert len(story.traced.joined) == 1
    assert told(small, story.traced.joined[0].id).paper.id == story.paper.id


def test_a_digest_that_cannot_be_made_again_is_told_to_differ(small: Context) -> None:
    preferring.prefer(small, 1, about=9, threshold=0.9)
    story = told(small, numbered(small, 500))
    assert (story.fate, story.agrees, story.refitted) == (Fate.SENT, False, False)
    assert "Made again today" in why_words.grounds(story)[-1]
    assert why_words.outcome(story.considered[-1]) == "chosen"
    clock(small, small.clock() + HOUR)
    with small.database.write() as session:
        session.execute(update(models.ScorerModel).values(created_at=small.clock()))
    story = told(small, numbered(small, 500))
    assert "fitted anew" in why_words.grounds(story)[-1]


def test_what_would_be_chosen_only_today_is_told_as_that(small: Context) -> None:
    missed = numbered(small, 501)
    with small.database.write() as session:
        pick = session.exec(select(models.Pick).order_by(models.Pick.place)).first()  # type: ignore[arg-type]
        assert pick is not None
        chosen, pick.entry_id = pick.entry_id, missed
    story = told(small, chosen)
    assert story.fate is Fate.MISSED
    assert why_words.outcome(story.considered[0]) == "not chosen that day"
    assert why_words.verdict(story).startswith("It was not chosen that day; made again")


def test_a_drafted_digest_is_made_again_with_its_trial(small: Context) -> None:
    preferring.prefer(small, 1, about=4, most=4)
    shadows.start(small, 1, "main", {"terms": ["protein folding"]})
    arrive(small, small.clock() + HOUR, *(entry(600 + n) for n in range(20)))
    go(small, small.clock() + 22 * HOUR)
    with small.database.read() as session:
        teams = session.exec(select(models.Pick.team, models.Pick.entry_id)).all()
    drafted = {team: key for team, key in teams if team}
    assert drafted.keys() == {"saved", "shadow"}
    for key in drafted.values():
        story = told(small, key)
        assert story.agrees
        assert why_words.grounds(story)[-1].startswith("Two versions of a profile drafted")


def test_a_removed_profile_is_remembered_where_it_was_in_use(small: Context) -> None:
    interests.remove(small, 1, "main")
    interests.save(small, 1, "other", {"terms": ["graph kernels"]}, expected=None)
    story = told(small, numbered(small, 500))
    assert story.agrees
    assert story.decided is not None
    assert [stand.name for stand in story.decided.stands] == ["main"]


# --- asking --------------------------------------------------------------------------------------
def test_a_question_names_a_paper_by_id_address_number_or_title(small: Context) -> None:
    key = numbered(small, 500)
    for asked in (
        "2611.00500",
        "https://arxiv.org/abs/2611.00500v2",
        f" {key} ",
        "Study 500 sparse",
    ):
        assert why.named(small, asked).entry == key, asked
    several = why.named(small, "sparse attention")
    assert several.entry is None
    assert len(several.papers) == why.CHOICES_MOST


@pytest.mark.parametrize(
    "asked", ["", "zebra crossing", "9" * 40, "²", "\x00", "a" * 10**6, "(" * 9000]
)
def test_a_question_that_names_nothing_finds_nothing(small: Context, asked: str) -> None:
    found = why.named(small, asked)
    assert (found.entry, list(found.papers)) == (None, [])


def test_a_paper_that_is_not_there_is_unknown(small: Context) -> None:
    with pytest.raises(UnknownName, match="there is no paper 987654"):
        told(small, 987654)
