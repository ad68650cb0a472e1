"""A shard's scoring: lines by about so many a day, what reaches them, and what comes near."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from tasks.records import Example, Paper, Profile
from tasks.round.reaching import NEAR, News, Past, Ranked, floors_of, glimpsed, reaching
from tasks.round.shelf import shelved
from tasks.score import background, fit, read_papers, score
from tasks.store.profiles import Asked

SUBJECTS = ("sparse attention", "tidal turbines", "bird song", "glass transition", "old maps")
TODAY = date(2026, 11, 20)


def papers(day: int) -> list[Paper]:
    """Forty papers; how much each is about its subject differs."""
    rng = np.random.default_rng(day)
    return [
        Paper(
            id=day * 100 + n,
            title=f"{SUBJECTS[n % 5]} by way {n}" if n % 3 else f"Way {n} of day {day}",
            abstract=" ".join(rng.choice([*SUBJECTS, "method", "result", "sea", "wood"], 12)),
        )
        for n in range(40)
    ]


HISTORY = [(TODAY - timedelta(days=28 - day), p) for day in range(20) for p in papers(day)]
NEWS = papers(77)
GROUND = background(fit(paper for _, paper in HISTORY))
ASKED = Asked(5, 2, 4.0, 0.0, Profile(id=9, terms=("sparse attention",), description="Attention."))


@pytest.fixture(scope="module")
def past() -> Past:
    texts = read_papers(GROUND, [paper for _, paper in HISTORY])
    return Past(texts, [40] * 20, len(NEWS))


@dataclass(frozen=True)
class Scored:
    """What a shard's scoring found."""

    scores: Sequence[Ranked]
    lines: Sequence[tuple[int, float]]


def found(past: Past, shelf: Path, *asked: Asked) -> Scored:
    kept = shelved(shelf, "shard-1", GROUND, [one.profile for one in asked])
    floors = floors_of(kept, asked, past)
    news = News(read_papers(GROUND, NEWS), [len(NEWS)])
    return Scored(reaching(GROUND, news, asked, floors, kept), sorted(floors.items()))


def test_a_glimpse_is_what_scoring_finds_day_by_day(past: Past, tmp_path: Path) -> None:
    asked = [
        replace(ASKED, profile=Profile(id=n, terms=(subject,)))
        for n, subject in enumerate(SUBJECTS, start=1)
    ]
    kept = shelved(tmp_path, "shard-1", GROUND, [one.profile for one in asked])
    floors = floors_of(kept, asked, past)
    week = News(read_papers(GROUND, [p for day in range(80, 84) for p in papers(day)]), [40] * 4)
    scored = {(s.profile_id, p.id): s for *_, p, s in reaching(GROUND, week, asked, floors, kept)}
    seen = {(g.profile_id, g.paper.id): g for g in glimpsed(GROUND, week, asked, floors, kept)}
    assert seen.keys() == scored.keys()
    assert {key[1] // 100 for key in seen if isinstance(key[1], int)} == {80, 81, 82, 83}
    for key, glimpse in seen.items():
        assert math.isclose(glimpse.raw, scored[key].raw, rel_tol=1e-5, abs_tol=1e-5)
        assert glimpse.told() == scored[key]


def picks(scored: Scored, profile: int) -> int:
    line = dict(scored.lines)[profile]
    return sum(s.value >= line for *_, s in scored.scores if s.profile_id == profile)


def test_the_line_brings_about_as_many_as_were_asked_for(past: Past, tmp_path: Path) -> None:
    asked = [
        replace(ASKED, about=about, profile=replace(ASKED.profile, id=n))
        for n, about in enumerate((1.0, 4.0, 12.0), start=1)
    ]
    scored = found(past, tmp_path, *asked)
    lines = [line for _, line in scored.lines]
    assert lines == sorted(lines, reverse=True)
    assert picks(scored, 1) <= 4
    assert 1 <= picks(scored, 2) <= 10
    assert picks(scored, 2) < picks(scored, 3) <= 24


def test_near_misses_are_kept_and_nothing_farther_off(past: Past, tmp_path: Path) -> None:
    scored = found(past, tmp_path, ASKED)
    ((_, line),) = scored.lines
    near = math.log(line / (1 - line)) - NEAR
    raws = [s.raw for *_, s in scored.scores]
    assert min(raws) >= near - 1e-5
    assert any(s.value < line for *_, s in scored.scores)
    every = score(GROUND.model, NEWS, [ASKED.profile]).raw[:, 0]
    assert len(raws) == min((every >= near).sum(), 30)
    assert sorted(raws, reverse=True) == pytest.approx(sorted(every, reverse=True)[: len(raws)])
    assert {reader for reader, *_ in scored.scores} == {5}
    assert {version for _, version, *_ in scored.scores} == {2}


def test_who_asks_for_none_gets_none(past: Past, tmp_path: Path) -> None:
    scored = found(past, tmp_path, replace(ASKED, about=0.0))
    assert picks(scored, 9) == 0


def test_without_a_past_the_threshold_alone_decides(tmp_path: Path) -> None:
    nothing = Past(read_papers(GROUND, []), [], 3)
    scored = found(nothing, tmp_path, replace(ASKED, threshold=0.1))
    assert scored.lines == [(9, 0.0)]
    assert any(s.value >= 0.1 for *_, s in scored.scores)


def test_what_a_profile_was_taught_from_does_not_lift_its_line(past: Past, tmp_path: Path) -> None:
    taught = tuple(
        Example(title=p.title, abstract=p.abstract) for _, p in HISTORY if "attention" in p.title
    )
    own = replace(ASKED, profile=replace(ASKED.profile, examples=taught[:60]))
    copied = replace(past, texts=replace(past.texts, papers=[
        replace(p, title=f"{p.title}!") for p in past.texts.papers
    ]))  # fmt: skip
    ((_, line),) = found(past, tmp_path / "a", own).lines
    ((_, lifted),) = found(copied, tmp_path / "b", own).lines
    assert line < lifted
