"""The scorer on real papers and real reading lists: better than a keyword match, and few picks."""

from __future__ import annotations

import math
import os
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.score import Model, fit, score
from tasks.score.reasons import REST
from tasks.score.words import stems

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
    [
        ("terms + description", 0.76),
        ("terms + description + 10 likes", 0.78),
        ("terms + description + all likes", 0.80),
    ],
)
def test_ranking_is_far_above_a_keyword_match(
    bench: Any, judged: Any, model: Model, row: str, least: float
) -> None:
    matched, _ = bench.measure(judged, bench.boolean)
    quality, _ = bench.measure(judged, bench.rankers(model)[row])
    assert quality.mean() >= least
    assert bench.interval(quality - matched)[0] > 0.1


def test_a_typed_term_in_a_title_stands_far_above_most_papers(
    bench: Any, judged: Any, model: Model
) -> None:
    papers = [paper for day in list(judged.days)[-10:] for paper in judged.days[day]]
    bare = [replace(profile, examples=()) for profile, _ in judged.profiles]
    values = score(model, papers, bare).values
    titles = [bench._plain(paper.title) for paper in papers]
    for column, profile in enumerate(bare):
        terms = [bench._plain(term) for term in profile.terms]
        titled = np.array([any(term in title for term in terms) for title in titles])
        ordinary = np.quantile(values[~titled, column], 0.75)
        assert (values[titled, column] > 2 * ordinary).mean() > 0.95
        assert ordinary < 0.1


def test_reasons_add_up_and_name_only_words_of_paper_and_profile(judged: Any, model: Model) -> None:
    day = max(day for _, days in judged.profiles for day in days)
    papers, profiles = judged.days[day], [profile for profile, _ in judged.profiles]
    scores = score(model, papers, profiles)
    typed = [
        {word for text in (*p.terms, *p.phrases, p.description) for word in stems(text)}
        for p in profiles
    ]
    for i, paper in enumerate(papers):
        said = {*stems(paper.title), *stems(paper.abstract)}
        for j in range(len(profiles)):
            told = scores.score(i, j)
            assert abs(math.fsum(reason.value for reason in told.reasons) - told.raw) < 1e-6
            assert abs(told.raw - scores.raw[i, j]) < 1e-5
            for label in {r.label for r in told.reasons} - {"baseline", REST, "other reasons"}:
                label = label.removesuffix(" (in part)")
                assert label.startswith("like “") or {*stems(label)} <= said | typed[j], label


def test_a_model_of_the_whole_stream_packs_small_and_comes_back(judged: Any, model: Model) -> None:
    packed = model.to_bytes()
    assert len(packed) < 12_000_000  # 10 MB of them the latent space
    papers = judged.days[max(judged.days)]
    profile = judged.profiles[0][0]
    again = score(Model.from_bytes(packed), papers, [profile])
    assert (again.raw == score(model, papers, [profile]).raw).all()
