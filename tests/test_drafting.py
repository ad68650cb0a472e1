"""Two versions of a profile draft one digest: fairly, by the coin, and without a trace but the team."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.compose import Contest, Known, Team, choose, compose
from tasks.compose.drafting import Slot, coin, credit, draft, interleave
from tasks.records import Candidate, Composition, Paper, PickKind, Reader, Reason, Score

rankings = st.lists(st.integers(0, 30), max_size=15)
seeds = st.integers(0, 2**32)
SAVED, SHADOW = 1, 9
WORDS = ("alpha", "beta", "gamma", "delta", "kappa", "sigma", "omega", "theta", "lambda", "zeta")


def items(slots: list[Slot[int]]) -> list[int]:
    return [slot.item for slot in slots]


# --- the draft itself ----------------------------------------------------------------------------
@given(rankings, rankings, seeds)
def test_every_beginning_holds_as_many_picks_of_each_team_give_or_take_one(
    a: list[int], b: list[int], seed: int
) -> None:
    ahead = 0
    for slot in interleave(a, b, coin=coin(seed)):
        ahead += {Team.SAVED: 1, Team.SHADOW: -1, None: 0}[slot.team]
        assert abs(ahead) <= 1


@given(rankings, rankings, seeds)
def test_every_item_stands_there_once_and_none_is_lost(
    a: list[int], b: list[int], seed: int
) -> None:
    drafted = items(interleave(a, b, coin=coin(seed)))
    assert len(drafted) == len(set(drafted))
    assert set(drafted) == {*a, *b}


@given(rankings, rankings, seeds)
def test_each_pick_is_the_best_of_its_team_that_was_left(
    a: list[int], b: list[int], seed: int
) -> None:
    taken: set[int] = set()
    for slot in interleave(a, b, coin=coin(seed)):
        both = ((Team.SAVED, a), (Team.SHADOW, b))
        left = {t: [i for i in own if i not in taken] for t, own in both}
        if slot.team:
            assert slot.item == left[slot.team][0]
        else:
            assert not all(left.values())
            assert slot.item in [own[0] for own in left.values() if own]
        taken.add(slot.item)


@given(rankings, rankings, seeds)
def test_changing_sides_and_the_coin_changes_the_teams_alone(
    a: list[int], b: list[int], seed: int
) -> None:
    there, back = coin(seed), coin(seed)
    one = interleave(a, b, coin=there)
    two = interleave(b, a, coin=lambda: not back())
    assert [(s.item, s.team and s.team.other) for s in two if s.team] == [
        (s.item, s.team) for s in one if s.team
    ]


@given(rankings, rankings, seeds, st.integers(0, 40))
def test_a_shorter_list_is_the_beginning_of_the_longer_one(
    a: list[int], b: list[int], seed: int, most: int
) -> None:
    whole = interleave(a, b, coin=coin(seed))
    assert interleave(a, b, coin=coin(seed), most=most) == whole[:most]


def test_equal_rankings_earn_alike_over_many_coins() -> None:
    same = list(range(9))
    firsts = [interleave(same, same, coin=coin(seed)) for seed in range(2000)]
    assert all(items(slots) == same for slots in firsts)
    for place in range(9):
        share = sum(slots[place].team is Team.SAVED for slots in firsts) / len(firsts)
        assert abs(share - 0.5) < 0.05


def test_what_is_left_over_earns_nothing() -> None:
    slots = interleave([1, 2], [1, 2, 3, 4], coin=lambda: True)
    assert [(slot.item, slot.team) for slot in slots] == [
        (1, Team.SAVED), (2, Team.SHADOW), (3, None), (4, None)
    ]  # fmt: skip
    assert credit(slots, {1: 1.0, 2: 5.0, 3: 100.0, 99: 7.0}) == (1.0, 5.0)


def test_an_empty_ranking_leaves_the_other_whole() -> None:
    assert interleave([], [3, 1], coin=coin(0)) == [Slot(3, None), Slot(1, None)]
    assert interleave([], [], coin=coin(0)) == []


def test_the_same_numbers_give_the_same_list_and_others_another() -> None:
    lists = [interleave("abcdef", "fedcba", coin=coin((7, 5))) for _ in range(2)]
    assert lists[0] == lists[1]
    assert len({str(interleave("abcdef", "fedcba", coin=coin((7, n)))) for n in range(20)}) > 1


# --- a digest that is drafted --------------------------------------------------------------------
def reader(**changes: object) -> Reader:
    made = Reader(id=1, email="ada@readers.example", threshold=0.1, most=6, explore=False)
    return replace(made, **changes)  # type: ignore[arg-type]


def candidate(paper_id: int, value: float, profile: int = SAVED, **changes: object) -> Candidate:
    raw = math.log(value / (1 - value))
    name = "sea" if profile == 2 else "main"
    made = Candidate(
        paper=Paper(id=paper_id, title=f"{WORDS[paper_id % 10]} {paper_id} of {paper_id}"),
        score=Score(
            entry_id=paper_id,
            profile_id=profile,
            value=value,
            raw=raw,
            reasons=(Reason(kind="term", label=f"by {profile}", value=raw),),
        ),
        profile_name=name,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def contest(seed: int = 0) -> Contest:
    return Contest(saved=SAVED, shadow=SHADOW, seed=(SHADOW, seed))


def drafted(found: list[Candidate], seed: int = 0, who: Reader | None = None) -> Composition:
    known = Known(contest=contest(seed))
    return compose(who or reader(), found, sent=(), considered=50, known=known)


def apart(count: int = 8) -> list[Candidate]:
    """The saved version wants papers from 1, the shadow those from 11."""
    saved = [candidate(n, 0.9 - n / 100) for n in range(1, count + 1)]
    return saved + [candidate(10 + n, 0.9 - n / 100, SHADOW) for n in range(1, count + 1)]


def test_without_a_contest_nothing_changes() -> None:
    found = apart()[:8]
    plain = compose(reader(), found, sent=(), considered=50)
    assert [pick.paper.id for pick in plain.picks] == [1, 2, 3, 4, 5, 6]
    assert {pick.team for pick in plain.picks} == {""}


def test_both_versions_pick_in_turn_and_the_digest_is_as_long_as_ever() -> None:
    for seed in range(20):
        picks = drafted(apart(), seed).picks
        assert [pick.place for pick in picks] == [1, 2, 3, 4, 5, 6]
        own = {team: [p.paper.id for p in picks if p.team == team] for team in ("saved", "shadow")}
        assert own == {"saved": [1, 2, 3], "shadow": [11, 12, 13]}


def test_what_the_shadow_picked_is_its_profiles_with_the_shadows_score_and_reasons() -> None:
    found = [candidate(1, 0.5), candidate(2, 0.9), candidate(1, 0.8, SHADOW)]
    picks = {(p.paper.id, p.team): p for n in range(20) for p in drafted(found, n).picks}
    theirs = picks[1, "shadow"]
    assert (theirs.score.value, theirs.score.reasons[0].label) == (0.8, "by 9")
    assert {pick.score.profile_id for pick in picks.values()} == {SAVED}
    assert {pick.profile_name for pick in picks.values()} == {"main"}


def test_the_candidates_are_told_as_whose_they_were() -> None:
    made = choose(reader(), apart(), sent=(), considered=50, known=Known(contest=contest()))
    assert [c.paper.id for c in made.picked] == [p.paper.id for p in made.composition.picks]
    assert {c.score.profile_id for c in made.picked} == {SAVED, SHADOW}
    assert all(c.score.profile_id == SAVED for c in made.seated), "the rest is without the shadow"


@given(st.integers(0, 10_000), st.integers(0, 12), st.integers(0, 12), st.integers(0, 7))
def test_a_drafted_digest_is_never_longer_than_the_longer_of_both(
    seed: int, mine: int, theirs: int, most: int
) -> None:
    found = [candidate(n, 0.5 + n / 100) for n in range(mine)]
    found += [candidate(n + 6, 0.6 + n / 100, SHADOW) for n in range(theirs)]
    picks = drafted(found, seed, reader(most=most)).picks
    assert len(picks) == min(most, max(mine, theirs))
    assert len({pick.paper.id for pick in picks}) == len(picks)
    ahead = [pick.team for pick in picks].count("saved") - [p.team for p in picks].count("shadow")
    assert abs(ahead) <= 1


def test_with_one_side_empty_the_other_has_the_digest_and_no_credit() -> None:
    ours, theirs = drafted(apart()[:8]), drafted(apart()[8:])
    assert [pick.paper.id for pick in ours.picks] == [1, 2, 3, 4, 5, 6]
    assert [pick.paper.id for pick in theirs.picks] == [11, 12, 13, 14, 15, 16]
    assert {pick.team for pick in ours.picks + theirs.picks} == {""}
    nothing = drafted([])
    assert (nothing.picks, "none of 50" in nothing.reason) == ((), True)
    assert theirs.reason == ""


def test_other_profiles_keep_their_part_on_both_sides() -> None:
    others = [candidate(20 + n, 0.95 - n / 100, 2) for n in range(1, 9)]
    for seed in range(10):
        picks = drafted([*apart(), *others], seed).picks
        theirs = [pick for pick in picks if pick.profile_name == "sea"]
        assert 2 <= len(theirs) <= 4
        assert {pick.score.profile_id for pick in theirs} == {2}


def test_twins_are_one_paper_whichever_side_brings_it() -> None:
    mine = candidate(1, 0.9)
    ours = replace(mine, paper=replace(mine.paper, doi="10.1/x"))
    other = candidate(2, 0.8, SHADOW)
    theirs = replace(other, paper=replace(other.paper, doi="10.1/X"))
    rest = [candidate(3, 0.5), candidate(4, 0.5, SHADOW)]
    seen = set()
    for seed in range(20):
        ids = [pick.paper.id for pick in drafted([ours, theirs, *rest], seed).picks]
        assert len({1, 2} & {*ids}) == 1
        seen |= {*ids}
    assert seen == {1, 2, 3, 4}
    assert [c.paper.id for c, _ in draft(contest(), [ours], [theirs])] in ([1], [2])


def test_a_question_keeps_its_place_and_does_not_come_twice() -> None:
    who = reader(explore=True, most=6)
    near = candidate(30, 0.3, line=0.5)
    found = [*(replace(c, line=0.5) for c in apart()), near]
    made = drafted(found, 3, who).picks
    assert [(p.paper.id, p.kind, p.team) for p in made[5:]] == [(30, PickKind.EXPLORE, "")]
    assert len(made) == 6
    wanted = candidate(30, 0.95, SHADOW, line=0.5)
    again = drafted([*found, wanted], 3, who).picks
    assert [p.paper.id for p in again].count(30) == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_draft_does_not_depend_on_the_order_of_the_candidates(seed: int) -> None:
    assert drafted(apart(), seed) == drafted(apart()[::-1], seed)
