"""The edit that is proposed turns the fate, when it is really made; and no smaller one that is offered does."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import rounds
from rounds import Lived

from tasks.desk import interests, preferring
from tasks.desk.tuning.inquiry import edits, flipping, remaking, standing, why_words
from tasks.desk.tuning.inquiry.edits import Edit, Kind
from tasks.desk.tuning.inquiry.flipping import Flip, Search
from tasks.desk.tuning.inquiry.remaking import Remade
from tasks.desk.tuning.inquiry.standing import Cause
from tasks.desk.tuning.inquiry.why import Fate, Story
from tasks.profile_json import from_json, to_json
from tasks.records import PickKind, Profile, Reader
from tasks.store import readers, tracing
from tasks.store.tracing import Made
from templates import words_for

LONG = "PAPERROUND_LONG" in os.environ  # minutes instead of seconds
CASES, APPLIED = (200, 60) if LONG else (40, 8)
Case = tuple[Reader, Made, Story, Search]


# --- a month -------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def lived(migrated_file: Path) -> Lived:
    return rounds.month(migrated_file)


@pytest.fixture(scope="module")
def cases(lived: Lived) -> list[Case]:
    """Papers of many days and readers, most of them near to being picked or picked, and their flips."""
    first, last = rounds.moment(rounds.FIRST, 5), lived.clock()
    ground, papers = remaking.laid(lived.context, first, last)
    found: list[Case] = []
    random = Random(5)
    with lived.context.database.read() as session:
        for key in lived.readers:
            reader = readers.get(session, key)
            days = tracing.made_between(session, key, first, last)
            for made in days if LONG else random.sample(days, len(days) // 4):
                again = remaking.remade(
                    ground, papers, remaking.facts(session, reader, made.day, made.at)
                )
                for entry in some(again, random):
                    traced = tracing.traced(session, entry)
                    assert traced is not None
                    story = told(again, traced, reader)
                    found.append((reader, made, story, flipping.flip(story)))
    random.shuffle(found)
    return found


def some(again: Remade, random: Random) -> Sequence[int]:
    """One that was picked, one that was not seated, one that was near, any one."""
    choice = again.choice
    picks = [int(p.paper.id) for p in choice.composition.picks]
    over = [int(c.paper.id) for c in choice.matches if c.paper.id not in picks]
    near = [int(c.paper.id) for c in choice.missed if c.paper.id not in picks]
    news = [
        int(again.papers.papers[n].id) for one in again.made.values() for n in one.news.tolist()
    ]
    return sorted({random.choice(group) for group in (picks, over, near, news) if group})


def told(again: Remade, traced: tracing.Traced, reader: Reader) -> Story:
    seen = standing.look(again, int(traced.paper.id))
    fate = Fate.SENT if seen.pick else Fate.MISSED
    return Story(reader=reader, traced=traced, fate=fate, answers=(), decided=seen, again=again)


def of_the_story(story: Story) -> Remade:
    assert story.again is not None
    return story.again


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_flips_are_found_for_most_of_what_was_missed_or_picked(cases: list[Case]) -> None:
    looked = [search for *_, search in cases if search.looked]
    kinds = Counter(search.flip.edit.kind for search in looked if search.flip)
    assert len(looked) >= CASES
    assert kinds.total() > 0.8 * len(looked)
    assert kinds.keys() >= {Kind.WEIGHT, Kind.TERM, Kind.LESS}
    assert max(search.tried for search in looked) <= flipping.TRIES_MOST


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_no_smaller_edit_of_those_that_are_offered_flips_any_case(
    cases: list[Case],
) -> None:
    """Every smaller edit is made to the facts of the day, and the whole day is made again from them."""
    searched = [(story, search) for _, _, story, search in cases if search.looked][:CASES]
    tried = 0
    for story, search in searched:
        offered = flipping.offered(story)
        sizes = [edit.size for edit in offered]
        assert sizes == sorted(sizes)
        limit = search.flip.edit.size if search.flip else 99
        for edit in [one for one in offered if one.size < limit][: flipping.TRIES_MOST]:
            assert not turned(story, edit), (edit, story.paper.id)
            tried += 1
        if search.flip:
            assert search.flip.edit in offered
            assert turned(story, search.flip.edit)
    assert len(searched) == CASES
    assert tried > 2 * CASES


def turned(story: Story, edit: Edit) -> bool:
    """Whether the fate is another with that edit, by the whole day made again."""
    again = of_the_story(story)
    facts, choice = again.facts, again.choice
    if edit.kind in (Kind.ABOUT, Kind.MOST):
        facts = replace(facts, reader=edits.asked(facts.reader, edit))
        if edit.kind is Kind.ABOUT:
            scale = facts.reader.about / again.facts.reader.about
            asked = tuple(replace(one, about=one.about * scale) for one in facts.asked)
            facts = replace(facts, asked=asked)
    else:
        key = flipping.edited_profile(story)
        assert key is not None
        asked = tuple(changed(one, edit) if one.profile.id == key else one for one in facts.asked)
        facts = replace(facts, asked=asked, fresh={**facts.fresh, key: facts.at})
    choice = remaking.remade(again.ground, again.papers, facts).choice
    kinds = [p.kind for p in choice.composition.picks if p.paper.id == story.paper.id]
    return not kinds if story.fate is Fate.SENT else PickKind.MATCH in kinds


def changed(asked: remaking.Asked, edit: Edit) -> remaking.Asked:
    assert asked.typed is not None
    typed = edits.applied(asked.typed, edit)
    own = len(asked.typed.examples), len(asked.typed.dislikes)
    profile = replace(
        typed,
        examples=typed.examples + asked.profile.examples[own[0] :],
        dislikes=typed.dislikes + asked.profile.dislikes[own[1] :],
    )
    return replace(asked, typed=typed, profile=profile)


@pytest.mark.slow
@pytest.mark.timeout(500)
def test_every_proposal_flips_when_the_reader_really_saves_it_before_that_day(
    lived: Lived, cases: list[Case]
) -> None:
    """The day is lived once more, by real rounds, from the database of its early morning."""
    proposed = [
        (made, story, search.flip)
        for _, made, story, search in cases
        if search.flip and made.at > rounds.moment(rounds.FIRST, 5)
    ]
    for made, story, flip in proposed[:APPLIED]:
        other = rounds.again(lived, made.at.date(), saving(story.reader, flip))
        with other.context.database.read() as session:
            moment = timedelta(seconds=1)
            (now,) = tracing.made_between(session, story.reader.id, made.at - moment, made.at)
        other.context.close()
        kinds = [kind for key, kind in now.picks if key == story.paper.id]
        flipped = not kinds if story.fate is Fate.SENT else PickKind.MATCH in kinds
        assert flipped, (story.reader.id, made.day, story.paper.id, flip.edit)


def saving(reader: Reader, flip: Flip) -> Callable[[Lived], object]:
    def done(other: Lived) -> None:
        if not flip.edit.is_of_profile:
            wanted = edits.asked(reader, flip.edit)
            preferring.prefer(other.context, reader.id, about=wanted.about, most=wanted.most)
            return
        saved = interests.find(other.context, reader.id, flip.profile_id)
        body = to_json(edits.applied(from_json(saved.body), flip.edit))
        interests.save(other.context, reader.id, saved.name, body, expected=saved.version)

    return done


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_what_no_edit_helps_is_not_searched(cases: list[Case]) -> None:
    for _, _, story, search in cases:
        assert story.decided is not None
        pick, cause = story.decided.pick, story.decided.cause
        if pick and pick.kind is not PickKind.MATCH:
            assert not search.looked
        if cause in (Cause.TWIN, Cause.KNOWN, Cause.EXAMPLE, Cause.OLD):
            assert not search.looked


# --- edits ---------------------------------------------------------------------------------------
def test_an_edit_does_one_thing_to_a_profile() -> None:
    profile = Profile(id=1, terms=("a b",), negatives=(" c ", "d"), weights={"A B": 2.0})
    weight = Edit(size=1, kind=Kind.WEIGHT, position=0, text="a b", before=2, after=3)
    assert edits.applied(profile, weight).weights == {"a b": 3}
    assert edits.applied(profile, replace(weight, after=1.0)).weights == {}
    soften = Edit(size=1, kind=Kind.SOFTEN, position=0, text="c")
    assert edits.applied(profile, soften).negatives == ("d",)
    assert edits.applied(profile, soften).less == ("c",)
    assert edits.applied(profile, replace(soften, kind=Kind.UNBAR)).less == ()
    for kind, part in edits.ADDS.items():
        made = edits.applied(profile, Edit(size=2, kind=kind, position=0, text="new"))
        assert getattr(made, part) == (*getattr(profile, part), "new")


def test_what_a_reader_asks_for_is_edited_beside_the_profiles() -> None:
    reader = Reader(id=1, email="", about=5, most=10)
    about = Edit(size=2, kind=Kind.ABOUT, position=0, before=5, after=7)
    assert edits.asked(reader, about).about == 7
    assert edits.asked(reader, replace(about, kind=Kind.MOST, after=11)).most == 11
    assert not about.is_of_profile


def test_every_edit_has_words() -> None:
    for kind in Kind:
        edit = Edit(size=1, kind=kind, position=0, text="sparse attention", before=1, after=2)
        said = why_words.named(edit)
        assert said.endswith(".")
        assert "sparse attention" in said or kind in (Kind.ABOUT, Kind.MOST)
    lower = Edit(size=1, kind=Kind.WEIGHT, position=0, text="x", before=1, after=0.75)
    assert why_words.named(lower) == "Lower the weight of “x” from 1 to 0.75."
    assert why_words.named(replace(lower, after=1.5)) == "Raise the weight of “x” from 1 to 1.5."


def test_a_search_is_told_with_its_company_or_that_nothing_was_found() -> None:
    none = Search(looked=True, tried=31)
    assert why_words.searched(none) == "No single small edit would have turned that: 31 were tried."
    assert why_words.neighbours(none) == ""
    assert why_words.searched(Search(looked=False)) == ""
    edit = Edit(size=1, kind=Kind.UNBAR, position=0, text="x")
    flip = Flip(edit=edit, profile_id=1, profile_name="main", version=1, entering=(), leaving=())
    alone = Search(looked=True, tried=1, flip=flip)
    assert why_words.neighbours(alone) == "No other paper would have come or gone that day."
    assert why_words.searched(alone) == ""
    assert words_for("de").language == "de"
