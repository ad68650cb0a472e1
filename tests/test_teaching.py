"""Answers to papers: foretold as they come true, learned, told in words, and forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from papers import SUBJECTS, add_reader, bring, entry, page
from sqlmodel import select

from tasks import models
from tasks.desk import leaving, outlook, teaching
from tasks.errors import UnknownName
from tasks.records import Profile, Want
from tasks.round import days
from tasks.round.composing import HOLD_FOR, compose
from tasks.round.context import Context
from tasks.round.delivering import deliver
from tasks.round.rendering import render
from tasks.round.scoring import in_force, score
from tasks.round.tick import plan_day
from tasks.store import digests, entries, feedback, profiles, readers, shards

DAY = timedelta(days=1)
WORDS = (
    "kernel",
    "cache",
    "window",
    "token",
    "routing",
    "memory",
    "prefix",
    "pruning",
    "hash",
    "sink",
)


def papers(first: int, count: int = 40) -> list[object]:
    """Papers about five subjects; those about sparse attention differ by a word."""
    return [
        entry(
            n,
            title=f"{SUBJECTS[n % 5].capitalize()} by {WORDS[(n // 5) % 10]} {n}",
            abstract=f"We study {SUBJECTS[n % 5]} with a {WORDS[(n // 5) % 10]}, again and again "
            f"{WORDS[(n // 5) % 10]}: it is the {n}th of its kind.",
            upvotes=n % 7,
        )
        for n in range(first, first + count)
    ]


def arrive(context: Context, first: int, at: datetime, count: int = 40) -> None:
    context.clock.moment = at  # type: ignore[attr-defined]
    with context.database.write() as session:
        bring(session, page(*papers(first, count)), at, body=f"page {first}".encode())  # type: ignore[arg-type]


def scored(context: Context) -> None:
    with context.database.read() as session:
        keys = list(session.exec(select(models.Shard.id)))
    for key in keys:
        score(context, key or 0, key or 0, context.clock())


def digest(context: Context, reader_id: int, at: datetime) -> list[int]:
    """The entries of the digest of that day, by place."""
    context.clock.moment = at  # type: ignore[attr-defined]
    scored(context)
    with context.database.write() as session:
        plan_day(session, at.date(), at)
    with context.database.read() as session:
        keys = list(session.exec(select(models.Digest.id)))
    # The source of these pages is due for ever, and a digest waits for it no longer than this.
    compose(context, min(map(int, keys)), max(map(int, keys)), at + HOLD_FOR * 2)  # type: ignore[arg-type]
    with context.database.read() as session:
        found = session.exec(
            select(models.Pick.entry_id)
            .join(models.Digest)
            .where(models.Pick.reader_id == reader_id, models.Digest.day == at.date())
            .order_by(models.Pick.place)  # type: ignore[arg-type]
        )
        return list(found)


def ids(picks: object) -> list[int]:
    return [pick.paper.id for pick in picks]  # type: ignore[attr-defined]


def get(context: Context, reader_id: int):
    with context.database.read() as session:
        return readers.get(session, reader_id), profiles.of_reader(session, reader_id)


@pytest.fixture
def ada(context: Context, now: datetime) -> int:
    """A reader of sparse attention, three days of papers and two digests old."""
    with context.database.write() as session:
        key = add_reader(session, now, terms=["sparse attention"], about=4.0, most=6)
    for back, first in ((3, 0), (2, 40)):
        arrive(context, first, now - back * DAY)
        assert digest(context, key, now - back * DAY + timedelta(hours=1))
    return key


@pytest.mark.parametrize("want", [Want.LESS, Want.MORE, Want.HIDE])
def test_the_next_digest_is_the_one_that_was_foretold(
    context: Context, ada: int, now: datetime, want: Want
) -> None:
    with context.database.read() as session:
        answered = digests.sent_lately(session, ada, now)[0].id
    arrive(context, 80, now - DAY)
    scored(context)
    reader, asked = get(context, ada)
    before = ids(outlook.coming(context, reader, asked).picks)
    effect = teaching.effect(context, reader, int(answered), want)
    assert effect.foretold
    assert ids(effect.before) == before
    assert teaching.give(context, ada, int(answered), want)
    assert digest(context, ada, now - DAY + timedelta(hours=1)) == ids(effect.after)
    if want is Want.LESS:
        assert effect.leaving


def test_looking_at_an_effect_changes_nothing(context: Context, ada: int, now: datetime) -> None:
    arrive(context, 80, now - DAY)
    scored(context)
    reader, asked = get(context, ada)
    before = ids(outlook.coming(context, reader, asked).picks)
    with context.database.read() as session:
        paper = int(digests.sent_lately(session, ada, now)[0].id)
    teaching.effect(context, reader, paper, Want.LESS)
    with context.database.read() as session:
        assert feedback.said(session, ada) == []
        assert not shards.lagging(session, now)
    assert digest(context, ada, now - DAY + timedelta(hours=1)) == before


def test_with_nothing_new_the_newest_day_is_made_again(
    context: Context, ada: int, now: datetime
) -> None:
    reader, _ = get(context, ada)
    with context.database.read() as session:
        paper = int(digests.sent_lately(session, ada, now)[0].id)
    effect = teaching.effect(context, reader, paper, Want.LESS)
    assert not effect.foretold
    assert effect.before
    assert paper not in ids(effect.before)
    assert set(ids(effect.entering)) == set(ids(effect.after)) - set(ids(effect.before))


def test_an_answer_to_no_paper_is_refused(context: Context, ada: int) -> None:
    reader, _ = get(context, ada)
    with pytest.raises(UnknownName):
        teaching.effect(context, reader, 10_000, Want.LESS)
    with pytest.raises(UnknownName):
        teaching.give(context, ada, 10_000, Want.LESS)


def test_more_takes_back_less_and_saying_it_twice_changes_nothing(
    context: Context, ada: int
) -> None:
    assert teaching.give(context, ada, 1, Want.LESS)
    assert not teaching.give(context, ada, 1, Want.LESS)
    assert teaching.give(context, ada, 1, Want.MORE)
    assert teaching.give(context, ada, 1, Want.SAVE)
    with context.database.read() as session:
        assert feedback.of_entries(session, ada, [1]) == {1: {Want.MORE, Want.SAVE}}
    assert teaching.take_back(context, ada, 1, Want.MORE)
    assert not teaching.take_back(context, ada, 1, Want.MORE)


def test_what_was_learned_is_told_in_words_and_can_be_forgotten(context: Context, ada: int) -> None:
    for key in (3, 8, 53):  # of tidal energy
        teaching.give(context, ada, key, Want.MORE)
    teaching.give(context, ada, 13, Want.SAVE)
    teaching.give(context, ada, 16, Want.LESS)
    [lesson] = teaching.lessons(context, ada)
    assert lesson.profile_name == "main"
    assert any("tidal" in word for word in lesson.words.more)
    assert any("sparse" in word or "attention" in word for word in lesson.words.less)
    assert {paper.want for paper in lesson.papers} == {Want.MORE, Want.SAVE, Want.LESS}
    assert teaching.forget(context, ada, 16) == 1
    assert teaching.forget(context, ada) == 4
    assert teaching.lessons(context, ada) == []
    with context.database.read() as session:
        [kept] = feedback.said(session, ada)
        assert (kept.want, kept.teaches) == (Want.SAVE, False)
        [one] = profiles.of_reader(session, ada)
        assert one.profile == one.typed


def test_a_liked_paper_makes_the_first_profile(context: Context, now: datetime) -> None:
    arrive(context, 0, now)
    with context.database.write() as session:
        key = add_reader(session, now)
        profiles.remove(session, key, "main")
    reader, asked = get(context, key)
    assert asked == []
    assert not teaching.effect(context, reader, 1, Want.LESS).leaving
    assert teaching.give(context, key, 2, Want.LESS), "noted, and learned from by the first profile"
    liked = teaching.effect(context, reader, 1, Want.MORE)
    assert {pick.kind.value for pick in liked.before} == {"popular"}
    assert teaching.give(context, key, 1, Want.MORE)
    _, [made] = get(context, key)
    assert made.profile.name == teaching.FIRST_PROFILE
    assert [example.id for example in made.profile.examples] == ["entry:1"]
    assert [example.id for example in made.profile.dislikes] == ["entry:2"]


def test_the_profile_that_brought_a_paper_learns_from_it(context: Context, now: datetime) -> None:
    arrive(context, 0, now)
    with context.database.write() as session:
        key = add_reader(session, now, terms=["sparse attention"])
        profiles.save(session, key, "sea", {"terms": ["tidal energy"]}, now)
    assert digest(context, key, now)
    with context.database.read() as session:
        sea = select(models.Pick.entry_id).where(models.Pick.profile_name == "sea")
        picked = list(session.exec(sea))
    teaching.give(context, key, picked[0], Want.MORE)
    _, [main, other] = get(context, key)
    assert (len(main.profile.examples), len(other.profile.examples)) == (0, 1)
    with context.database.write() as session:
        profiles.remove(session, key, "sea")
    _, [main] = get(context, key)
    assert len(main.profile.examples) == 1, "the first one goes on with it"


def test_a_paper_with_an_answer_does_not_come_any_more(context: Context, now: datetime) -> None:
    arrive(context, 0, now)
    with context.database.write() as session:
        key = add_reader(session, now, terms=["sparse attention"])
    reader, asked = get(context, key)
    first = ids(outlook.coming(context, reader, asked).picks)[0]
    teaching.give(context, key, first, Want.HIDE)
    assert first not in digest(context, key, now)


def test_a_reader_without_a_profile_gets_the_list_by_votes(context: Context, now: datetime) -> None:
    arrive(context, 0, now - timedelta(hours=2))
    with context.database.write() as session:
        key = add_reader(session, now, most=5)
        profiles.remove(session, key, "main")
    context.clock.moment = now  # type: ignore[attr-defined]
    reader, asked = get(context, key)
    foretold = ids(outlook.coming(context, reader, asked).picks)
    assert digest(context, key, now) == foretold
    with context.database.read() as session:
        picks = session.exec(select(models.Pick).order_by(models.Pick.place)).all()  # type: ignore[arg-type]
        votes = [session.get_one(models.Entry, pick.entry_id).upvotes for pick in picks]
    assert len(picks) == 5
    assert votes == sorted(votes, reverse=True)  # type: ignore[type-var]
    assert votes[0] == 6
    assert digest(context, key, now + DAY) == [], "nothing new came"


def test_a_trial_shows_the_newest_day_to_who_is_not_saved_yet(
    context: Context, ada: int, now: datetime
) -> None:
    reader, _ = get(context, ada)
    wish = Profile(id=-1, name="sea", terms=("tidal energy",))
    found = outlook.trial(context, reader, outlook.asked_for(reader, [wish]))
    assert found is not None
    assert found.picks
    assert all("Tidal" in pick.paper.title for pick in found.picks[:2])
    assert found.picks[0].profile_name == "sea"
    again = outlook.trial(context, reader, outlook.asked_for(reader, [wish]), [1, 41, 46, 51])
    assert again is not None
    assert not {1, 41, 46, 51} & set(ids(again.picks))


def test_with_no_papers_there_is_nothing_to_try(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add_reader(session, now)
    reader, asked = get(context, key)
    assert outlook.trial(context, reader, asked) is None
    assert outlook.starters(context, 12) == []
    assert outlook.coming(context, reader, asked).picks == ()


def test_the_first_papers_shown_are_of_every_subject(context: Context, now: datetime) -> None:
    arrive(context, 0, now)
    shown = outlook.starters(context, 10)
    assert len({paper.id for paper in shown}) == 10
    subjects = {subject for subject in SUBJECTS for paper in shown if subject in paper.abstract}
    assert subjects == set(SUBJECTS)
    assert shown[0].upvotes == 6


def test_a_profile_s_share_reaches_its_candidates(context: Context, now: datetime) -> None:
    arrive(context, 0, now)
    with context.database.write() as session:
        key = add_reader(session, now, terms=["sparse attention"])
        profiles.save(session, key, "sea", {"terms": ["tidal energy"], "share": 3}, now)
    scored(context)
    with context.database.read() as session:
        found, _ = digests.candidates(session, key, now)
    assert {(one.profile_name, one.share) for one in found} == {("main", 1.0), ("sea", 3.0)}


def test_every_digest_of_a_week_is_foretold(context: Context, now: datetime) -> None:
    start = now - 7 * DAY
    with context.database.write() as session:
        key = add_reader(session, start, terms=["sparse attention"], about=9.0, most=8)
        profiles.save(session, key, "sea", {"terms": ["tidal energy"]}, start)
    sizes = []
    for day in range(7):
        at = start + day * DAY
        arrive(context, day * 60, at, count=60)
        scored(context)
        reader, asked = get(context, key)
        told = outlook.coming(context, reader, asked)
        made = digest(context, key, at)
        assert made == ids(told.picks), f"day {day}"
        sizes.append(len(made))
    assert min(sizes) >= 4, "and none is short of what came that day"


def test_after_an_edit_old_digests_take_no_room_from_new_papers(
    context: Context, now: datetime
) -> None:
    start = now - 6 * DAY
    with context.database.write() as session:
        key = add_reader(session, start, terms=["sparse attention"], about=9.0, most=8)
        twin = add_reader(
            session, start, "bo@readers.example", terms=["sparse attention"], about=9.0, most=8
        )
    for day in range(6):
        arrive(context, day * 60, start + day * DAY, count=60)
        digest(context, key, start + day * DAY)
    arrive(context, 400, now, count=60)
    with context.database.write() as session:
        profiles.save(session, key, "main", {"terms": ["sparse attention", "folding"]}, now)
    reader, asked = get(context, key)
    told = ids(outlook.coming(context, reader, asked).picks)
    made = digest(context, key, now)
    assert made == told
    with context.database.read() as session:
        of_twin = session.exec(
            select(models.Pick.id)
            .join(models.Digest)
            .where(models.Pick.reader_id == twin, models.Digest.day == now.date())
        ).all()
    assert len(made) >= len(of_twin) > 0


@pytest.mark.parametrize("back", ["resume", "undo", "wake", "edited"])
def test_who_comes_back_gets_what_came_meanwhile(
    context: Context, now: datetime, back: str
) -> None:
    with context.database.write() as session:
        ada = add_reader(session, now - 3 * DAY, terms=["sparse attention"], about=9.0)
        bo = add_reader(
            session, now - 3 * DAY, "bo@readers.example", terms=["sparse attention"], about=9.0
        )
        token = readers.get(session, ada).token
    context.clock.moment = now - 3 * DAY  # type: ignore[attr-defined]
    if back == "undo":
        leaving.leave(context, token)
    else:
        leaving.pause(context, ada, (now - DAY).date() if back == "wake" else None)
    arrive(context, 0, now - 2 * DAY)
    scored(context)
    if back == "edited":
        with context.database.write() as session:
            profiles.save(session, ada, "main", {"terms": ["sparse attention"]}, now)
    scored(context)
    context.clock.moment = now  # type: ignore[attr-defined]
    if back == "wake":
        with context.database.write() as session:
            assert readers.wake(session, now) == 1
    elif back == "undo":
        leaving.undo(context, token)
    else:
        leaving.resume(context, ada)
    reader, asked = get(context, ada)
    told = ids(outlook.coming(context, reader, asked).picks)
    made = digest(context, ada, now)
    assert made == told
    with context.database.read() as session:
        of_bo = session.exec(select(models.Pick.entry_id).where(models.Pick.reader_id == bo)).all()
    assert set(made) == set(of_bo)
    assert made


def test_a_pause_ends_on_the_day_of_return(context: Context, now: datetime) -> None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    with context.database.write() as session:
        ada = add_reader(session, now, hour=0)
        readers.change(session, ada, state="paused", back_on=midnight.date() + DAY)
        assert readers.wake(session, midnight + timedelta(hours=23)) == 0
        assert readers.wake(session, midnight + DAY + timedelta(seconds=30)) == 1
        assert readers.looked_at(session, ada) == midnight + DAY


def test_an_answer_to_a_paper_that_was_two_can_be_taken_back(context: Context, ada: int) -> None:
    teaching.give(context, ada, 2, Want.LESS)
    teaching.give(context, ada, 7, Want.LESS)
    with context.database.write() as session:
        entries.join(session, session.get_one(models.Entry, 2), session.get_one(models.Entry, 7))
    reader, _ = get(context, ada)
    assert teaching.effect(context, reader, 7, Want.MORE).paper.id == 2
    assert teaching.take_back(context, ada, 7, Want.LESS)
    with context.database.read() as session:
        assert feedback.said(session, ada) == []
    assert teaching.give(context, ada, 7, Want.SAVE)
    assert teaching.forget(context, ada, 7) == 1
    with context.database.read() as session:
        assert [one.paper.id for one in feedback.said(session, ada)] == [2]


def test_a_changed_paper_is_read_again_whatever_its_page_s_clock_says(
    context: Context, now: datetime
) -> None:
    def abstracts() -> set[str]:
        read = days.days(context.database, in_force(context), now.date(), now.date())
        return {paper.abstract for paper in days.as_one(in_force(context), read).papers}

    arrive(context, 0, now, count=3)
    assert len(abstracts()) == 3
    for version, words in ((2, "changed"), (3, "changed again")):
        with context.database.write() as session:
            changed = entry(1, arxiv_version=version, abstract=f"It was {words}.")
            bring(session, page(changed), now, body=words.encode())
        assert f"It was {words}." in abstracts()


def test_papers_of_a_digest_that_was_not_wanted_come_in_a_later_one(
    context: Context, now: datetime
) -> None:
    arrive(context, 0, now)
    with context.database.write() as session:
        key = add_reader(session, now, terms=["sparse attention"])
        token = readers.get(session, key).token
    first = digest(context, key, now)
    assert first
    with context.database.read() as session:
        [number] = session.exec(select(models.Digest.id))
    render(context, number or 0, number or 0, now)
    leaving.leave(context, token)
    deliver(context, 1, 9, now)
    with context.database.read() as session:
        assert [row.state for row in session.exec(select(models.Delivery))] == ["suppressed"]
    leaving.undo(context, token)
    later = digest(context, key, now + DAY)
    assert later
    assert set(later) <= set(first)
