"""What an edit does: two versions of a profile over the same days, measured by their reader's answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import weeks
from papers import add_reader
from sqlmodel import select

from tasks import models
from tasks.desk import teaching
from tasks.desk.tuning.machine import Comparison, compare
from tasks.desk.tuning.past import look_back
from tasks.errors import UsageError
from tasks.records import Reader, Want
from tasks.round.context import Context
from tasks.store import profiles, readers

ADA, BO, NEW = 1, 2, 3  # one profile; two profiles; none
SAVED = {"terms": ["sparse attention"]}


@pytest.fixture(scope="module")
def house(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """Six weeks of papers. Ada liked four on attention and one on video, and disliked one on speech."""
    opened = weeks.opened(migrated_file, tmp_path_factory.mktemp("machine"))
    with opened.database.write() as session:
        for name in ("ada", "bo"):
            add_reader(session, weeks.NOW, f"{name}@readers.example", about=4, most=8)
        profiles.save(session, BO, "other", {"terms": ["speech"], "share": 3}, weeks.NOW)
        readers.add(
            session,
            Reader(id=0, email="new@readers.example"),
            next_digest_at=weeks.NOW,
            now=weeks.NOW,
        )
    earlier = replace(opened, clock=lambda: weeks.NOW - timedelta(days=12))
    for key in weeks.newest(opened, "Sparse Attention", 30)[20:24]:
        teaching.give(earlier, ADA, key, Want.MORE)
    for about, want in (("Video", Want.SAVE), ("Speech", Want.LESS)):
        teaching.give(opened, ADA, weeks.newest(opened, about, 1)[0], want)
    yield opened
    opened.close()


def reader(house: Context, key: int, **changes: Any) -> Reader:
    with house.database.read() as session:
        return replace(readers.get(session, key), **changes)


def seen(house: Context, key: int, body: object, **more: Any) -> Comparison:
    with house.database.read() as session:
        own = select(models.Profile.id).where(models.Profile.reader_id == key)
        which = session.exec(own.order_by(models.Profile.id)).first()  # type: ignore[arg-type]
    return compare(house, reader(house, key), which, body, **more)


def ids(some: Any) -> list[list[object]]:
    return [[pick.paper.id for pick in turn.picks] for turn in some.turns]


def test_the_saved_profile_beside_itself_is_the_same(house: Context) -> None:
    found = seen(house, ADA, SAVED, span=30)
    assert found.before
    assert ids(found.before) == ids(found.after)
    assert (found.entering, found.leaving, found.lost) == ((), (), ())
    assert found.before.ndcg == found.after.ndcg
    assert any(turn.picks for turn in found.after.turns)


def test_what_was_learned_stays_learned_while_an_edit_is_tried(house: Context) -> None:
    named = {e.id for e in profiles_of(house, ADA)[0].profile.examples}
    assert len(named) == 5
    edited = seen(house, ADA, {"terms": ["sparse attention", "video diffusion"]})
    told = [r for _, p in edited.after.picks for r in p.score.reasons if r.kind == "example"]
    assert told, "what was liked still counts"


def profiles_of(house: Context, key: int) -> list[profiles.Asked]:
    with house.database.read() as session:
        return profiles.of_reader(session, key)


def test_an_edit_brings_papers_and_sends_some_away(house: Context) -> None:
    found = seen(house, ADA, {"terms": ["video diffusion"]}, span=7)
    brought = {pick.paper.id for _, pick in found.entering}
    kept = {pick.paper.id for _, pick in found.after.picks} - brought
    assert brought
    assert brought.isdisjoint(pick.paper.id for _, pick in found.leaving)
    assert found.before
    assert kept <= {pick.paper.id for _, pick in found.before.picks}
    assert all(found.first <= day <= found.last for day, _ in found.entering)


def test_reasons_add_up_and_a_near_miss_lies_under_its_line(house: Context) -> None:
    found = seen(house, ADA, {"terms": ["video diffusion"]}, span=7)
    told = [pick.score for _, pick in (*found.entering, *found.leaving) if pick.score.reasons]
    assert told
    for score in (*told, *(near.score for near in found.near)):
        assert sum(reason.value for reason in score.reasons) == pytest.approx(score.raw, abs=1e-4)
    sent = {pick.paper.id for _, pick in found.after.picks}
    for near in found.near:
        assert near.score.value < near.line
        assert near.paper.id not in sent


def test_the_other_profiles_stand_beside_the_edited_one(house: Context) -> None:
    found = seen(house, BO, {"terms": ["video diffusion"]})
    names = {pick.profile_name for _, pick in found.after.picks}
    assert names == {"main", "other"}
    assert all(turn.own <= len(turn.picks) for turn in found.after.turns)


def test_a_new_profile_of_who_has_none_has_nothing_beside_it(house: Context) -> None:
    found = compare(house, reader(house, NEW), None, SAVED)
    assert found.before is None
    assert found.leaving == ()
    assert found.after.a_day > 1


def test_a_volume_that_is_asked_for_counts_on_one_side_alone(house: Context) -> None:
    less = compare(house, reader(house, ADA, about=1.0), 1, SAVED, span=30)
    assert less.before
    assert 0 < less.after.a_day < less.before.a_day


def test_a_base_stands_in_the_place_of_the_saved_one(house: Context) -> None:
    video = {"terms": ["video diffusion"]}
    found = seen(house, ADA, SAVED, base=video)
    turned = seen(house, ADA, video)
    assert found.before
    assert ids(found.before) == ids(turned.after)
    assert ids(found.after) == ids(turned.before)
    assert seen(house, ADA, SAVED, base={}).leaving != found.leaving


def test_figures_are_of_the_readers_own_answers(house: Context) -> None:
    found = seen(house, ADA, {"terms": ["sparse attention", "video diffusion"]}, span=30).after
    liked = {paper.id for paper in found.liked}
    assert liked
    for estimate in (found.precision, found.recall, found.ndcg):
        assert estimate
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert found.recall
    assert found.recall.cases == 5
    assert found.recall.value == len(liked) / 5
    nobody = compare(house, reader(house, NEW), None, SAVED, span=30).after
    assert (nobody.precision, nobody.recall, nobody.ndcg) == (None, None, None)


def test_no_paper_is_measured_by_what_it_taught(house: Context) -> None:
    """A paper that was liked on the last day taught nothing to the days before."""
    late = weeks.newest(house, "Video", 1)[0]
    past = look_back(house, reader(house, ADA), 30)
    for one in past.replayed(past.reader, profiles_of(house, ADA)):
        [lens] = one.lenses.values()
        taught = {example.id for example in lens.profile.examples}
        assert f"entry:{late}" not in taught
        early = one.at < weeks.NOW - timedelta(days=12)
        assert len(taught) == (0 if early else 4)


def test_days_are_the_readers_own(house: Context) -> None:
    tuesdays = compare(house, reader(house, ADA, days=(2,)), 1, SAVED, span=30)
    assert {turn.day.isoweekday() for turn in tuesdays.after.turns if not tuesdays.coming} <= {2}
    assert len(tuesdays.after.turns) in (4, 5, 6)
    never = compare(house, reader(house, ADA, days=()), 1, SAVED, span=7)
    assert len(never.after.turns) == 7
    east = compare(house, reader(house, ADA, timezone="Pacific/Kiritimati"), 1, SAVED, span=7)
    assert east.last >= date(2026, 11, 20)


@pytest.mark.parametrize(
    "body", [[], {"terms": "x"}, {"terms": ["y" * 201]}, {"terms": ["x"] * 5000}, {"colour": 1}]
)
def test_what_no_profile_may_be_is_refused(house: Context, body: object) -> None:
    with pytest.raises(UsageError):
        seen(house, ADA, body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"negatives": ["a", "the", "we", "with", "model"]},
        {"terms": [f"word{n} other{n}" for n in range(2000)]},
        {"terms": ["<script>alert(1)</script>", "' OR 1=1 --", "\x00\ud800", "%s{{7*7}}"]},
        {"weights": {"sparse attention": 0}, "terms": ["sparse attention"]},
        {"description": "word " * 4000, "authors": ["<b>"], "categories": ["../../x"]},
    ],
)
def test_odd_profiles_have_an_effect_too(house: Context, body: object) -> None:
    assert len(seen(house, ADA, body).after.turns) == 7
