"""What was sent does not come again: not as a version, not from elsewhere, not under another name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.compose.twins import Met
from tasks.records import Paper

TEXT = (
    "We measure how blades of a tidal turbine bend when the stream turns, over two winters and at "
    "three sites, and give a rule of thumb that tells from the rope's pull alone when a blade "
    "should be taken out of the water before it breaks for good."
)


def paper(**fields: Any) -> Paper:
    return Paper(
        **{"id": 1, "title": "Blades that bend with the tide", "authors": ("Ada Bo",)} | fields
    )


def twins(one: Paper, other: Paper) -> bool:
    found = Met([one]).twin(other)
    assert found == Met([other]).twin(one)
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"arxiv_id": "2611.00001v1"}, {"arxiv_id": "2611.00001v2", "title": "Renamed altogether"}),
        ({"arxiv_id": "2611.00001"}, {"doi": "10.48550/arXiv.2611.00001", "title": "In a journal"}),
        ({"doi": "10.1000/ABC"}, {"doi": "10.1000/abc", "title": "Another name"}),
        ({}, {"title": "BLADES that $bend$ – with the tide!"}),
        ({}, {"authors": ()}),
        ({"abstract": TEXT}, {"abstract": TEXT + " Now with code.", "title": "Bending blades"}),
        ({"abstract": TEXT}, {"abstract": TEXT, "title": "Bending blades", "authors": ()}),
        ({"abstract": TEXT}, {"abstract": TEXT, "authors": ("ADA BO", "Cy Doe"), "title": "Rope"}),
    ],
)
def test_the_same_work_is_known_again(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert twins(paper(**one), paper(**other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"arxiv_id": "2611.00001"}, {"arxiv_id": "2611.00002", "title": "Something else"}),
        ({}, {"authors": ("Someone Else",)}),
        ({"title": "An Introduction"}, {"title": "An Introduction"}),
        ({"abstract": TEXT}, {"abstract": TEXT, "title": "Copied", "authors": ("A Stranger",)}),
        ({"title": "Tides, Part I", "abstract": TEXT}, {"title": "Tides, Part II", "abstract": TEXT}),
        ({"title": "Report 2025", "abstract": TEXT}, {"title": "Report 2026", "abstract": TEXT}),
        ({"title": "Tiny", "abstract": "Too short."}, {"title": "Small", "abstract": "Too short."}),
        ({"title": "", "authors": ()}, {"title": "", "authors": ()}),
        (
            {"title": "Ropes", "abstract": TEXT},
            {"title": "Winters", "abstract": TEXT[:150] + " but what follows is another story of ropes "
             "and of winters that were colder than any blade has seen at these sites, told in the "
             "words of those who keep the turbines running through the night and the storm."},
        ),
    ],
)  # fmt: skip
def test_other_work_stays_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not twins(paper(**one), paper(**other))


def test_of_many_met_the_one_twin_is_found() -> None:
    met = Met(
        paper(id=n, title=f"Study {n} of something", arxiv_id=f"2611.{n:05d}", abstract="")
        for n in range(500)
    )
    assert met.twin(paper(arxiv_id="2611.00499v3", title="New"))
    assert not met.twin(paper(arxiv_id="2611.00500", title="Study 500 of something"))


@given(st.text(max_size=60), st.text(max_size=200), st.lists(st.text(max_size=9), max_size=3))
def test_hostile_text_is_only_text(title: str, abstract: str, authors: list[str]) -> None:
    odd = paper(
        title=title, abstract=abstract, authors=tuple(authors), arxiv_id="2611.1v2", doi=title
    )
    assert twins(odd, odd)
