"""More matches than places: shares are kept, room is used, and picks are unlike one another."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.compose.alike import Floats, wording
from tasks.compose.seats import seat
from tasks.records import Candidate, Paper, Score


def match(paper: int, value: float, profile: str = "a", share: float = 1.0) -> Candidate:
    raw = math.log(value / (1 - value))
    score = Score(entry_id=paper, profile_id=profile, value=value, raw=raw, reasons=())
    return Candidate(paper=Paper(id=paper, title=f"{paper}"), score=score, share=share)


def strangers(papers: Sequence[Paper], others: Sequence[Paper]) -> Floats:
    """No two papers have anything in common."""
    return np.array([[float(one.id == two.id) for two in others] for one in papers])


def tens(papers: Sequence[Paper], others: Sequence[Paper]) -> Floats:
    """Papers of the same ten are alike by 0.9."""
    return np.array([[0.9 * (int(o.id) // 10 == int(t.id) // 10) for t in others] for o in papers])


def by_profile(matches: list[Candidate], most: int) -> dict[object, int]:
    ordered = sorted(matches, key=lambda c: -c.score.raw)
    return dict(Counter(c.score.profile_id for c in seat(ordered, most, strangers)))


def of(profile: str, count: int, value: float, share: float) -> list[Candidate]:
    return [match(1000 * ord(profile) + n, value - n / 1000, profile, share) for n in range(count)]


def test_shares_are_kept_however_loud_a_profile_is() -> None:
    found = [*of("a", 20, 0.9, 2.0), *of("b", 20, 0.5, 1.0), *of("c", 20, 0.2, 1.0)]
    assert by_profile(found, 8) == {"a": 4, "b": 2, "c": 2}


def test_a_small_share_is_not_rounded_away() -> None:
    assert by_profile([*of("a", 9, 0.9, 8.0), *of("b", 9, 0.5, 1.0)], 5) == {"a": 4, "b": 1}


def test_room_that_a_profile_cannot_use_goes_to_the_others() -> None:
    found = [*of("a", 20, 0.9, 1.0), *of("b", 1, 0.5, 1.0), *of("c", 20, 0.2, 1.0)]
    assert by_profile(found, 9) == {"a": 4, "b": 1, "c": 4}


def test_a_profile_without_a_share_gets_what_is_left() -> None:
    found = [*of("a", 3, 0.5, 1.0), *of("b", 20, 0.9, 0.0)]
    assert by_profile(found, 5) == {"a": 3, "b": 2}


def test_the_odd_place_goes_to_the_profile_with_the_best_paper() -> None:
    found = [*of("a", 5, 0.5, 1.0), *of("b", 5, 0.9, 1.0)]
    assert by_profile(found, 3) == {"b": 2, "a": 1}


def test_of_two_alike_the_second_gives_way_to_one_nearly_as_good() -> None:
    found = [match(10, 0.9), match(11, 0.88), match(20, 0.7), match(30, 0.1)]
    assert [c.paper.id for c in seat(found, 2, tens)] == [10, 20]
    assert [c.paper.id for c in seat(found, 2, strangers)] == [10, 11]


def test_unlike_but_far_worse_is_no_better() -> None:
    found = [match(10, 0.95), match(11, 0.9), match(20, 0.1)]
    assert [c.paper.id for c in seat(found, 2, tens)] == [10, 11]


def test_with_room_for_all_nobody_is_compared() -> None:
    def never(papers: Sequence[Paper], others: Sequence[Paper]) -> Floats:
        raise AssertionError("compared")

    found = [match(1, 0.9), match(2, 0.8)]
    assert seat(found, 2, never) == found
    assert seat([], 0, never) == []


@given(
    st.lists(st.tuples(st.floats(0.01, 0.99), st.sampled_from("abc")), max_size=30),
    st.integers(0, 12),
)
def test_a_beginning_of_the_seats_is_the_seating_of_a_shorter_digest(
    wanted: list[tuple[float, str]], most: int
) -> None:
    drawn = [match(n, value, profile) for n, (value, profile) in enumerate(wanted)]
    found = sorted(drawn, key=lambda c: -c.score.raw)
    full = seat(found, most, tens)
    assert len({c.paper.id for c in full}) == len(full) == min(most, len(found))
    if len(found) > most > 0:
        assert seat(found, most - 1, tens) == full[:-1]


def test_wording_tells_like_from_unlike() -> None:
    one = Paper(id=1, title="Tidal turbines", abstract="Blades that bend with the tide.")
    two = Paper(id=2, title="Turbines of the tide", abstract="Blades bend.")
    three = Paper(id=3, title="Speech codecs", abstract="Voices in few bits.")
    likeness = wording([one, two, Paper(id=4, title="")], [one, three])
    assert likeness[0, 0] > 0.999
    assert likeness[1, 0] > 0.3 > likeness[1, 1]
    assert likeness[0, 1] == 0
    assert likeness[2].tolist() == [0, 0]
    assert wording([], []).shape == (0, 0)
