"""The scorer on real papers and real reading lists: better than a keyword match, and few picks."""

from __future__ import annotations

import os
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.score import Model, fit, score

CORPUS = Path(os.environ.get("PAPERROUND_CORPUS", "."))
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.slow,
    pytest.mark.skipif(not (CORPUS / "judged").is_dir(), reason="PAPERROUND_CORPUS has no judged/"),
]


@pytest.fixture(scope="module")
def bench() -> Any:
    path = Path(__file__).parent / "bench" / "bench_quality.py"
    return SimpleNamespace(**runpy.run_path(str(path)))


@pytest.fixture(scope="module")
def judged(bench: Any) -> Any:
    return bench.load(CORPUS)


@pytest.fixture(scope="module")
def model(judged: Any) -> Model:
    return fit(judged.before_tests())


@pytest.mark.parametrize(
    ("row", "least"),
    [("terms + description", 0.72), ("terms + description + 10 likes", 0.74)],
)
def test_ranking_is_far_above_a_keyword_match_and_picks_are_a_handful(
    bench: Any, judged: Any, model: Model, row: str, least: float
) -> None:
    matched, _ = bench.measure(judged, bench.boolean)
    quality, volume = bench.measure(judged, bench.rankers(model)[row])
    assert quality.mean() >= least
    assert bench.interval(quality - matched)[0] > 0.1
    assert 2 <= np.median(volume) <= 10


def test_a_typed_term_in_a_title_is_a_pick_and_most_papers_are_far_from_one(
    bench: Any, judged: Any, model: Model
) -> None:
    papers = [paper for day in list(judged.days)[-10:] for paper in judged.days[day]]
    profiles = [profile for profile, _ in judged.profiles]
    bare = [replace(profile, examples=()) for profile in profiles]
    values = score(model, papers, bare).values
    titles = [bench._plain(paper.title) for paper in papers]
    for column, profile in enumerate(bare):
        terms = [bench._plain(term) for term in profile.terms]
        titled = np.array([any(term in title for term in terms) for title in titles])
        assert (values[titled, column] > 0.5).mean() > 0.95
        assert np.quantile(values[~titled, column], 0.75) < 0.2


def test_a_model_of_the_whole_stream_packs_small_and_comes_back(judged: Any, model: Model) -> None:
    packed = model.to_bytes()
    assert len(packed) < 4_000_000
    papers = judged.days[max(judged.days)]
    profile = judged.profiles[0][0]
    again = score(Model.from_bytes(packed), papers, [profile])
    assert (again.raw == score(model, papers, [profile]).raw).all()
