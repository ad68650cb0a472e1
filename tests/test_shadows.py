"""Trials: the shadow is scored and drafted, nobody else ever sees it, and its reader's answers decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from papers import SUBJECTS, add_reader, bring, entry, page
from sqlmodel import Session, col, select

from tasks import models
from tasks.desk import interests, leaving, moving, outlook, teaching
from tasks.desk.tuning import shadow_words, shadows
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.evaluate.interleave import Verdict
from tasks.evaluate.verdict import weigh
from tasks.profile_json import from_json
from tasks.records import Reader, Want
from tasks.round.composing import HOLD_FOR, compose
from tasks.round.context import Context
from tasks.round.scoring import score
from tasks.round.tick import plan_day
from tasks.store import feedback, profiles, readers, trials
from templates import words_for

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SEA = {"terms": ["tidal energy"]}
ENGLISH = words_for("en")


def arrive(context: Context, first: int, at: datetime, count: int = 60) -> None:
    """Papers about five subjects, every one in other words."""
    context.clock.moment = at  # type: ignore[attr-defined]
    found = [
        entry(
            n,
            title=f"{SUBJECTS[n % 5].capitalize()} number{n} by thing{n * 7}",
            abstract=f"We study {SUBJECTS[n % 5]} with a part{n} and a tool{n * 3}, case{n * 11}.",
        )
        for n in range(first, first + count)
    ]
    with context.database.write() as session:
        bring(session, page(*found), at, body=f"page {first}".encode())


def scored(context: Context) -> None:
    """Score what came. The scorer is fitted anew when that is much: nobody foretells what it finds then."""
    with context.database.read() as session:
        keys = list(session.exec(select(models.Shard.id)))
    for key in keys:
        score(context, key or 0, key or 0, context.clock())


def digest(context: Context, reader_id: int, at: datetime) -> list[models.Pick]:
    """The picks of that day's digest, by place."""
    context.clock.moment = at  # type: ignore[attr-defined]
    scored(context)
    with context.database.write() as session:
        plan_day(session, at.date(), at)
    # The source of these pages is due for ever, and a digest waits for it no longer than this.
    compose(context, 1, 9999, at + HOLD_FOR * 2)
    with context.database.read() as session:
        found = session.exec(
            select(models.Pick)
            .join(models.Digest)
            .where(models.Pick.reader_id == reader_id, models.Digest.day == at.date())
            .order_by(col(models.Pick.place))
        ).all()
        session.expunge_all()
        return list(found)


def told(picks: Any) -> list[tuple[int, str, float, list[str]]]:
    """Of rows and of records alike: the paper, who drafted it, its score and the reasons' names."""
    return [
        (pick.entry_id, pick.team, round(pick.value, 6), labels(pick))
        if isinstance(pick, models.Pick)
        else (
            int(pick.paper.id),
            pick.team,
            round(pick.score.value, 6),
            [reason.label for reason in pick.score.reasons],
        )
        for pick in picks
    ]


def labels(pick: models.Pick) -> list[str]:
    return [label for _, label, _ in pick.reasons]


def shadow_of(context: Context) -> models.Profile | None:
    with context.database.read() as session:
        found = session.exec(select(models.Profile).where(models.Profile.state == "shadow")).first()
        session.expunge_all()
        return found


def get(context: Context, reader_id: int) -> tuple[Reader, list[profiles.Asked]]:
    with context.database.read() as session:
        return readers.get(session, reader_id), profiles.of_reader(session, reader_id)


def foretold(context: Context, reader_id: int) -> list[tuple[int, str, float, list[str]]]:
    return told(outlook.coming(context, *get(context, reader_id)).picks)


@pytest.fixture
def ada(context: Context, now: datetime) -> int:
    """A reader of sparse attention."""
    context.clock.moment = now - 2 * DAY  # type: ignore[attr-defined]
    with context.database.write() as session:
        return add_reader(session, now - 4 * DAY, about=4.0, most=6, explore=False)


@pytest.fixture
def papers(context: Context, ada: int, now: datetime) -> None:
    """They are two days of papers and one digest old."""
    arrive(context, 0, now - 3 * DAY)
    assert digest(context, ada, now - 3 * DAY + HOUR)
    arrive(context, 100, now - 2 * DAY)


# --- starting ------------------------------------------------------------------------------------
def test_a_trial_is_started_and_stands_at_nothing(context: Context, ada: int) -> None:
    assert shadows.standing(context, ada) is None
    shadows.start(context, ada, "main", SEA | {"name": "another name"})
    standing = shadows.standing(context, ada)
    assert standing is not None
    assert (standing.profile.name, standing.body) == ("main", SEA)
    assert (standing.digests, standing.open, standing.answers, standing.more) == (0, 0, 0, None)
    assert standing.started == standing.since == context.clock()
    assert standing.weighed.verdict is Verdict.NOT_YET


def test_what_cannot_be_tried_is_refused(context: Context, ada: int) -> None:
    with pytest.raises(UsageError, match="change something"):
        shadows.start(context, ada, "main", {"terms": ["sparse attention "], "name": "x"})
    with pytest.raises(UsageError, match="a profile has no colour"):
        shadows.start(context, ada, "main", {"colour": "red"})
    with pytest.raises(UnknownName, match="there is no profile"):
        shadows.start(context, ada, "other", SEA)
    with pytest.raises(UnknownName, match="there is no profile"):
        shadows.start(context, 99, 1, SEA)
    for end in (shadows.promote, shadows.drop):
        with pytest.raises(UnknownName, match="No trial is running"):
            end(context, ada)
    assert shadow_of(context) is None


def test_there_is_one_trial_at_a_time_for_each_reader(
    context: Context, ada: int, now: datetime
) -> None:
    interests.save(context, ada, "other", {"terms": ["folding"]}, expected=None)
    with context.database.write() as session:
        bo = add_reader(session, now, "bo@readers.example")
    shadows.start(context, ada, "main", SEA)
    for which in ("main", "other"):
        with pytest.raises(Conflict, match="A trial is running already"):
            shadows.start(context, ada, which, {"terms": ["codecs"]})
    shadows.start(context, bo, "main", SEA)
    shadows.drop(context, bo)
    assert shadows.standing(context, ada) is not None


def test_no_day_to_come_is_kept_and_the_share_is_the_bodys(context: Context, ada: int) -> None:
    body = SEA | {"share": 2, "examples": [{"title": "Tides", "given": "9999-12-31"}]}
    shadows.start(context, ada, "main", body)
    standing = shadows.standing(context, ada)
    assert standing is not None
    assert standing.body["examples"][0]["given"] == context.clock().date().isoformat()
    row = shadow_of(context)
    assert row is not None
    assert row.share == 2


# --- scoring and composing -----------------------------------------------------------------------
@pytest.mark.usefixtures("papers")
def test_the_digest_is_drafted_by_both_and_is_the_one_that_was_foretold(
    context: Context, ada: int, now: datetime
) -> None:
    shadows.start(context, ada, "main", SEA)
    arrive(context, 200, now - DAY)
    scored(context)
    arrive(context, 300, now - DAY, 10)
    behind = foretold(context, ada)
    scored(context)
    assert foretold(context, ada) == behind
    picks = digest(context, ada, now - DAY + HOUR)
    assert told(picks) == behind
    assert {pick.team for pick in picks} == {"saved", "shadow"}
    wished = {"saved": "sparse attention", "shadow": "tidal energy"}
    for pick in picks:
        assert any(wished[pick.team] in label for label in labels(pick))
    assert {(pick.profile_id, pick.profile_name) for pick in picks} == {(1, "main")}


@pytest.mark.usefixtures("papers")
def test_foretelling_holds_day_after_day_with_answers_and_saves_between(
    context: Context, ada: int, now: datetime
) -> None:
    shadows.start(context, ada, "main", SEA | {"share": 2})
    interests.save(context, ada, "codecs", {"terms": ["speech codecs"]}, expected=None)
    teams: set[str] = set()
    for day, first in enumerate((200, 300, 400)):
        at = now + day * DAY
        arrive(context, first, at)
        scored(context)
        if day == 1:
            interests.save(
                context, ada, "main", {"terms": ["sparse attention", "kernels"]}, expected=1
            )
        before = foretold(context, ada)
        picks = digest(context, ada, at + HOUR)
        assert told(picks) == before
        teams |= {pick.team for pick in picks}
        theirs = next(pick for pick in picks if pick.team == "shadow")
        teaching.give(context, ada, theirs.entry_id, Want.MORE if day else Want.LESS)
    assert teams == {"saved", "shadow"}


@pytest.mark.usefixtures("papers")
@pytest.mark.parametrize("want", [Want.MORE, Want.LESS])
def test_an_answers_effect_during_a_trial_is_the_real_one(
    context: Context, ada: int, now: datetime, want: Want
) -> None:
    shadows.start(context, ada, "main", SEA)
    first = digest(context, ada, now - 2 * DAY + HOUR)
    arrive(context, 200, now - DAY)
    scored(context)
    reader, _ = get(context, ada)
    effect = teaching.effect(context, reader, first[0].entry_id, want)
    assert effect.foretold
    teaching.give(context, ada, first[0].entry_id, want)
    assert told(digest(context, ada, now - DAY + HOUR)) == told(effect.after)


@pytest.mark.usefixtures("papers")
def test_an_edits_effect_during_a_trial_is_the_real_one(
    context: Context, ada: int, now: datetime
) -> None:
    shadows.start(context, ada, "main", SEA)
    arrive(context, 200, now - DAY)
    scored(context)
    reader, _ = get(context, ada)
    body = {"terms": ["sparse attention", "folding"]}
    with context.database.read() as session:
        saved = profiles.of_reader(session, ada)
    edited = interests.with_edit(saved, from_json(body, key=1))
    seen = outlook.coming(context, reader, outlook.asked_for(reader, edited))
    assert {pick.team for pick in seen.picks} == {"saved", "shadow"}
    interests.save(context, ada, "main", body, expected=1)
    assert told(digest(context, ada, now - DAY + HOUR)) == told(seen.picks)


def test_the_shadow_asks_for_what_it_would_in_its_profiles_place(
    context: Context, ada: int
) -> None:
    interests.save(context, ada, "codecs", {"terms": ["codecs"], "share": 3}, expected=None)
    shadows.start(context, ada, "main", SEA | {"share": 2})
    with context.database.read() as session:
        asked = profiles.scored_for(session, ada)
        of_shard = profiles.of_shard(session, 1)
    assert asked == of_shard
    assert [(one.profile.name, one.shadows, one.about) for one in asked] == [
        ("main", None, pytest.approx(4 * 1 / 4)),
        ("codecs", None, pytest.approx(4 * 3 / 4)),
        ("main", 1, pytest.approx(4 * 2 / 5)),
    ]


@pytest.mark.usefixtures("papers")
def test_the_shadow_learns_what_its_profile_learns(context: Context, ada: int) -> None:
    with context.database.read() as session:
        [first, second, third, *_] = session.exec(select(models.Pick.entry_id)).all()
    shadows.start(context, ada, "main", SEA)
    teaching.give(context, ada, first, Want.MORE)
    teaching.give(context, ada, second, Want.LESS)
    with context.database.write() as session:  # said of what no profile brought
        feedback.give(session, ada, third, Want.SAVE, context.clock())
        row = session.exec(select(models.Feedback).where(models.Feedback.entry_id == third)).one()
        row.profile_id = None
    with context.database.read() as session:
        main, shadow = profiles.scored_for(session, ada)
    assert shadow.profile.examples == main.profile.examples
    assert shadow.profile.dislikes == main.profile.dislikes
    assert (len(main.profile.examples), len(main.profile.dislikes)) == (2, 1)


@pytest.mark.usefixtures("papers")
def test_a_digest_is_not_drafted_before_both_are_scored(
    context: Context, ada: int, now: datetime
) -> None:
    with context.database.read() as session:
        assert trials.scored(session, ada) is None
    shadows.start(context, ada, "main", SEA)
    with context.database.write() as session:
        assert trials.scored(session, ada) is None
        plan_day(session, (now - DAY).date(), now - DAY)
    compose(context, 1, 9999, now - DAY + HOLD_FOR * 2)
    with context.database.read() as session:
        assert {*session.exec(select(models.Pick.team))} == {""}
    scored(context)
    with context.database.read() as session:
        shadow = shadow_of(context)
        assert shadow is not None
        assert trials.scored(session, ada) == (1, shadow.id)


# --- nobody else sees it -------------------------------------------------------------------------
@pytest.mark.usefixtures("papers")
def test_nothing_but_the_trial_knows_of_the_shadow(
    context: Context, ada: int, now: datetime
) -> None:
    shadows.start(context, ada, "main", SEA)
    arrive(context, 200, now - DAY)
    assert digest(context, ada, now - DAY + HOUR)
    shadow = shadow_of(context)
    assert shadow is not None
    assert [one.name for one in interests.list_profiles(context, ada)] == ["main"]
    for name in (shadow.name, shadow.id):
        with pytest.raises(UnknownName):
            interests.find(context, ada, name or 0)
    with context.database.read() as session:
        assert [row["name"] for row in profiles.rows(session, ada)] == ["main"]
        assert [one.profile.id for one in profiles.of_reader(session, ada)] == [1]
        assert [row["profiles"] for row in readers.rows(session)] == [["main"]]
        with pytest.raises(UnknownName):
            profiles.get(session, ada, shadow.name)
        learners = {
            feedback.learner(session, ada, key)
            for key in session.exec(select(models.Pick.entry_id))
        }
    assert learners == {1}
    taken = moving.export(context, ada)
    assert [one["name"] for one in taken["profiles"]] == ["main"]
    assert "shadow" not in str(taken)
    assert [one.profile_name for one in teaching.lessons(context, ada)] == []
    with pytest.raises(UsageError):
        interests.rename(context, ada, "main", " \t ")
    interests.save(context, ada, "shadow 1", {"terms": ["x"]}, expected=None)


def test_a_reader_may_have_all_their_profiles_and_a_trial(context: Context, ada: int) -> None:
    shadows.start(context, ada, "main", SEA)
    for number in range(1, interests.PROFILES_MOST):
        interests.save(context, ada, f"number {number}", {"terms": ["x"]}, expected=None)
    with pytest.raises(UsageError, match="which is the most there can be"):
        interests.save(context, ada, "one more", {"terms": ["x"]}, expected=None)


# --- its ends ------------------------------------------------------------------------------------
@pytest.mark.usefixtures("papers")
def test_what_is_taken_over_is_the_profiles_next_version(context: Context, ada: int) -> None:
    shadows.start(context, ada, "main", SEA)
    scored(context)
    assert shadows.promote(context, ada) == 2
    found = interests.find(context, ada, "main")
    assert (found.id, found.version, found.body) == (1, 2, SEA)
    assert shadow_of(context) is None
    assert shadows.standing(context, ada) is None
    with context.database.read() as session:
        assert session.exec(select(models.Score)).all() == []
        assert len(session.exec(select(models.ProfileVersion)).all()) == 2
        assert profiles.of_reader(session, ada)[0].fresh


def test_what_is_brought_back_onto_a_profile_ends_its_trial(context: Context, ada: int) -> None:
    taken = moving.export(context, ada)
    shadows.start(context, ada, "main", SEA)
    moving.bring_back(context, ada, taken)
    assert shadow_of(context) is not None, "it holds nothing new"
    interests.save(context, ada, "main", {"terms": ["codecs"]}, expected=1)
    moving.bring_back(context, ada, taken)
    assert shadow_of(context) is None
    assert shadows.standing(context, ada) is None


@pytest.mark.usefixtures("papers")
def test_what_is_dropped_leaves_nothing_behind(context: Context, ada: int, now: datetime) -> None:
    shadows.start(context, ada, "main", SEA)
    scored(context)
    shadows.drop(context, ada)
    assert interests.find(context, ada, "main").version == 1
    with context.database.read() as session:
        assert {*session.exec(select(models.Score.profile_id))} == {1}
        assert len(session.exec(select(models.ProfileVersion)).all()) == 1
    arrive(context, 200, now - DAY)
    assert {pick.team for pick in digest(context, ada, now - DAY + HOUR)} == {""}
    shadows.start(context, ada, "main", SEA)


def test_who_ends_a_trial_that_another_has_replaced_is_told(context: Context, ada: int) -> None:
    shadows.start(context, ada, "main", SEA)
    seen = shadows.standing(context, ada)
    assert seen is not None
    shadows.drop(context, ada, expected=seen.started)
    after(context, HOUR)
    shadows.start(context, ada, "main", {"terms": ["codecs"]})
    for end in (shadows.promote, shadows.drop):
        with pytest.raises(Conflict, match="Another trial"):
            end(context, ada, expected=seen.started)
    assert shadows.promote(context, ada, expected=context.clock()) == 2


def test_the_trial_goes_with_its_profile_and_its_reader(context: Context, ada: int) -> None:
    shadows.start(context, ada, "main", SEA)
    scored(context)
    interests.remove(context, ada, "main")
    assert shadow_of(context) is None
    assert shadows.standing(context, ada) is None
    interests.save(context, ada, "main", {"terms": ["x"]}, expected=None)
    shadows.start(context, ada, "main", SEA)
    with context.database.write() as session:
        readers.remove(session, str(ada))
    assert shadow_of(context) is None
    with context.database.read() as session:
        assert session.exec(select(models.ProfileVersion)).all() == []


def test_a_profiles_rows_take_the_shadows_with_them(context: Context, ada: int) -> None:
    shadows.start(context, ada, "main", SEA)
    with context.database.write() as session:
        profiles.remove(session, ada, "main")
    assert shadow_of(context) is None


@pytest.mark.usefixtures("papers")
def test_who_pauses_or_leaves_gets_no_trial_meanwhile_and_keeps_it(
    context: Context, ada: int, now: datetime
) -> None:
    shadows.start(context, ada, "main", SEA)
    with context.database.read() as session:
        token = readers.get(session, ada).token
    leaving.leave(context, token)
    with context.database.read() as session:
        assert profiles.of_shard(session, 1) == []
    leaving.undo(context, token)
    arrive(context, 200, now - DAY)
    assert {pick.team for pick in digest(context, ada, now - DAY + HOUR)} == {"saved", "shadow"}


# --- the standing --------------------------------------------------------------------------------
def lived(
    context: Context, ada: int, now: datetime, days: int, liked: str, first: int = 1000
) -> None:
    """So many days of digests; of each, the papers of that team are liked and those of the other not."""
    for day in range(days):
        at = now + day * DAY
        arrive(context, first + 100 * day, at)
        for pick in digest(context, ada, at + HOUR):
            context.clock.moment = at + 3 * HOUR  # type: ignore[attr-defined]
            if pick.team:
                want = Want.MORE if pick.team == liked else Want.HIDE
                teaching.give(context, ada, pick.entry_id, want)


def drafted(
    session: Session, ada: int, at: datetime, *, first: int, answers: dict[str, Want]
) -> None:
    """A digest of one paper of either side and one of neither, and what was said of them."""
    times = {"due_at": at, "planned_at": at, "composed_at": at}
    row = models.Digest(reader_id=ada, day=at.date(), state="rendered", **times)
    session.add(row)
    session.flush()
    for place, team in enumerate(("saved", "shadow", ""), start=1):
        key = first + place - 1
        pick = {"digest_id": row.id, "reader_id": ada, "entry_id": key, "place": place}
        session.add(models.Pick(**pick, value=0.5, raw=0.0, team=team))
        if team in answers:
            feedback.give(session, ada, key, answers[team], at + HOUR)


def after(context: Context, span: timedelta) -> None:
    context.clock.moment += span  # type: ignore[attr-defined]


@pytest.mark.usefixtures("papers")
def test_a_digest_counts_when_its_days_for_answers_are_over(
    context: Context, ada: int, now: datetime
) -> None:
    shadows.start(context, ada, "main", SEA)
    lived(context, ada, now, 2, "shadow")
    standing = shadows.standing(context, ada)
    assert standing is not None
    assert (standing.digests, standing.open, standing.answers) == (2, 2, 0)
    after(context, shadows.ANSWERS_FOR)
    standing = shadows.standing(context, ada)
    assert standing is not None
    assert (standing.digests, standing.open) == (2, 0)
    assert standing.answers > 4
    assert (standing.weighed.won_saved, standing.weighed.won_shadow) == (0, 2)
    assert standing.weighed.verdict is Verdict.NOT_YET
    assert standing.more == standing.weighed.more
    with context.database.write() as session:
        for row in session.exec(select(models.Feedback)):  # said too late
            row.at = context.clock()
    standing = shadows.standing(context, ada)
    assert standing is not None
    assert (standing.weighed.decided, standing.weighed.alike, standing.answers) == (0, 2, 0)


@pytest.mark.parametrize("liked", ["saved", "shadow"])
def test_the_readers_answers_decide(context: Context, ada: int, now: datetime, liked: str) -> None:
    shadows.start(context, ada, "main", SEA)
    arrive(context, 0, now)
    with context.database.write() as session:
        for day in range(12):
            at = now + day * DAY
            answers = {} if day % 4 == 3 else {liked: Want.MORE, "": Want.SAVE}
            drafted(session, ada, at, first=day * 3 + 1, answers=answers)
    context.clock.moment = now + 20 * DAY  # type: ignore[attr-defined]
    standing = shadows.standing(context, ada)
    assert standing is not None
    assert standing.weighed.verdict == liked
    assert (standing.weighed.decided, standing.weighed.alike, standing.more) == (9, 3, 0)


def test_what_a_verdict_still_takes_is_counted_in_digests(
    context: Context, ada: int, now: datetime
) -> None:
    shadows.start(context, ada, "main", SEA)
    arrive(context, 0, now)
    with context.database.write() as session:
        for day in range(4):
            answers = {"saved": Want.LESS} if day % 2 else {}
            drafted(session, ada, now + day * DAY, first=day * 3 + 1, answers=answers)
    context.clock.moment = now + 20 * DAY  # type: ignore[attr-defined]
    standing = shadows.standing(context, ada)
    assert standing is not None
    assert (standing.weighed.won_shadow, standing.weighed.won_saved) == (2, 0)
    assert standing.weighed.more
    assert standing.more == 2 * standing.weighed.more


@pytest.mark.usefixtures("papers")
def test_saving_the_profile_begins_the_count_anew(
    context: Context, ada: int, now: datetime
) -> None:
    shadows.start(context, ada, "main", SEA)
    lived(context, ada, now, 1, "shadow")
    after(context, HOUR)
    interests.save(context, ada, "main", {"terms": ["sparse attention", "x"]}, expected=1)
    standing = shadows.standing(context, ada)
    assert standing is not None
    assert (standing.digests, standing.since) == (0, context.clock())
    assert standing.since > standing.started
    lived(context, ada, now + DAY, 1, "shadow", first=2000)
    standing = shadows.standing(context, ada)
    assert standing is not None
    assert standing.digests == 1


@pytest.mark.usefixtures("papers")
def test_a_paper_that_is_liked_and_hidden_tells_nothing_and_a_merged_one_still_counts(
    context: Context, ada: int, now: datetime
) -> None:
    shadows.start(context, ada, "main", SEA)
    arrive(context, 200, now)
    picks = digest(context, ada, now + HOUR)
    ours = next(pick.entry_id for pick in picks if pick.team == "saved")
    theirs = next(pick.entry_id for pick in picks if pick.team == "shadow")
    context.clock.moment = now + 2 * HOUR  # type: ignore[attr-defined]
    teaching.give(context, ada, ours, Want.SAVE)
    teaching.give(context, ada, ours, Want.HIDE)
    teaching.give(context, ada, theirs, Want.SAVE)
    with context.database.write() as session:  # they turned out to be one with others
        session.get_one(models.Entry, theirs).merged_into = 1
    after(context, shadows.ANSWERS_FOR)
    standing = shadows.standing(context, ada)
    assert standing is not None
    assert (standing.weighed.won_saved, standing.weighed.won_shadow) == (0, 1)
    assert standing.answers == 2


# --- in words ------------------------------------------------------------------------------------
def standing_of(context: Context, ada: int, *days: tuple[int, int], **changes: Any) -> str:
    shown = shadows.standing(context, ada)
    assert shown is not None
    weighed = weigh(days)
    more = {"more": weighed.more, "digests": len(days) + changes.get("open", 0)}
    shown = replace(shown, weighed=weighed, **(more | changes))
    return " ".join(shadow_words.told(shown, ENGLISH))


def test_how_a_trial_stands_is_said_in_words(context: Context, ada: int) -> None:
    shadows.start(context, ada, "main", SEA)
    begun = standing_of(context, ada)
    assert begun.startswith("Nothing was decided yet. The next digest will be the first")
    assert "A trial lives by your answers" in begun
    one = standing_of(context, ada, (0, 1), open=1)
    assert "1 digest counts so far: the version on trial won 1, the saved one 0, and 0" in one
    assert "1 more digest counts when 4 days have passed" in one
    assert "takes about 79 more digests" in one
    even = standing_of(context, ada, *[(0, 1), (1, 0), (0, 0)] * 9)
    assert even.startswith("There is no verdict yet")
    assert "won 50 % of the digests that decided" in even
    assert "no verdict is in sight" in even
    ours = standing_of(context, ada, *[(1, 0)] * 12)
    assert ours.startswith("The saved version serves you better. If there were no difference")
    assert "between 0 % and 42 %" in ours
    assert "lives by" not in ours
    assert "more digest" not in ours
    theirs = standing_of(context, ada, *[(0, 1)] * 12)
    assert theirs.startswith("The version on trial serves you better.")


def test_a_count_that_began_anew_is_told(context: Context, ada: int) -> None:
    shadows.start(context, ada, "main", SEA)
    after(context, DAY)
    interests.save(context, ada, "main", {"terms": ["x"]}, expected=1)
    assert "You saved the profile on 19 Nov 2026" in standing_of(context, ada)
