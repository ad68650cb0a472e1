"""How good the ranking is: the judged part of the corpus, beside a boolean match of the same terms.

    PAPERROUND_CORPUS=… python tests/bench/bench_quality.py

For each profile's test days all papers of the day are ranked. The table gives nDCG@10 (mean over
days, then over profiles; ties share what they stand on), its bootstrap interval over profiles, and
the picks a day at 0.5. The model is fitted on papers from before the first test day only.
"""

from __future__ import annotations

import json
import lzma
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.records import Example, Paper, Profile
from tasks.score import Model, fit, score
from tasks.score.words import stem, surfaces

Floats = NDArray[np.float64]
Ranker = Callable[[Sequence[Paper], Sequence[Profile]], Floats]  # papers x profiles
GAIN = 1 / np.log2(np.arange(2, 12))


@dataclass(frozen=True, slots=True)
class Judged:
    """The stream by day, and each profile with its days' relevant papers."""

    days: dict[str, list[Paper]]
    profiles: list[tuple[Profile, dict[str, set[str]]]]

    def before_tests(self) -> list[Paper]:
        """Every paper from before anybody's first test day."""
        first = min(day for _, days in self.profiles for day in days)
        return [paper for day, papers in self.days.items() if day < first for paper in papers]


def load(corpus: Path) -> Judged:
    """Read the judged papers and profiles; likes become examples."""
    days: dict[str, list[Paper]] = defaultdict(list)
    papers: dict[str, Paper] = {}
    with lzma.open(corpus / "judged" / "papers.jsonl.xz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            fields = {name: tuple(row[name]) for name in ("authors", "categories")}
            paper = Paper(id=row["id"], title=row["title"], abstract=row["abstract"], **fields)
            papers[paper.id] = paper
            days[row["date"]].append(paper)
    raw = json.loads((corpus / "judged" / "profiles.json").read_text(encoding="utf-8"))
    return Judged(days, [_profile(row, papers, days) for row in raw])


def _profile(
    row: dict[str, Any], papers: dict[str, Paper], days: dict[str, list[Paper]]
) -> tuple[Profile, dict[str, set[str]]]:
    likes = (papers[name] for name in row["likes"] if name in papers)
    examples = tuple(Example(title=p.title, abstract=p.abstract) for p in likes)
    profile = Profile(
        id=row["id"], terms=tuple(row["terms"]), description=row["description"], examples=examples
    )
    relevant = set(row["relevant"])
    return profile, {day: relevant & {p.id for p in days[day]} for day in row["days"]}


def boolean(papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats:
    """1 for a paper that holds any term, else 0: what most alert services do."""
    texts = [_plain(f"{paper.title} . {paper.abstract}") for paper in papers]
    terms = [[_plain(term) for term in profile.terms] for profile in profiles]
    return np.array([[float(any(t in text for t in own)) for own in terms] for text in texts])


def _plain(text: str) -> str:
    return f" {' '.join(map(stem, surfaces(text)))} "


def ndcg(scores: Floats, relevant: NDArray[np.bool_]) -> float:
    """nDCG@10; papers of equal score share the gain of their places."""
    order = np.argsort(-scores, kind="stable")
    _, group = np.unique(-scores[order], return_inverse=True)
    hits = np.bincount(group, weights=relevant[order]) / np.bincount(group)
    expected = hits[group][:10]
    return float(expected @ GAIN[: len(expected)] / GAIN[: relevant.sum()].sum())


def measure(judged: Judged, rank: Ranker) -> tuple[Floats, Floats]:
    """nDCG@10 and picks a day at 0.5, one number a profile each."""
    tests = sorted({day for _, days in judged.profiles for day in days})
    papers = [paper for day in tests for paper in judged.days[day]]
    scores = rank(papers, [profile for profile, _ in judged.profiles])
    ends = np.cumsum([len(judged.days[day]) for day in tests])[:-1]
    by_day = dict(zip(tests, np.split(scores, ends), strict=True))
    quality, volume = [], []
    for column, (_, days) in enumerate(judged.profiles):
        own = [by_day[day][:, column] for day in days]
        hits = [np.array([p.id in found for p in judged.days[d]]) for d, found in days.items()]
        quality.append(np.mean([ndcg(s, h) for s, h in zip(own, hits, strict=True) if h.any()]))
        volume.append(np.mean([np.sum(s >= 0.5) for s in own]))
    return np.array(quality), np.array(volume)


def interval(values: Floats) -> tuple[float, float]:
    """95 % bootstrap interval of the mean."""
    draws = np.random.default_rng(0).integers(0, len(values), (4000, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


def rankers(model: Model) -> dict[str, Ranker]:
    """The rows of the table."""

    def ours(cut: Callable[[Profile], Profile]) -> Ranker:
        return lambda papers, profiles: score(model, papers, list(map(cut, profiles))).values

    def first(count: int | None) -> Ranker:
        return ours(lambda p: replace(p, examples=p.examples[:count]))

    return {
        "boolean OR of the terms": boolean,
        "terms + description": first(0),
        "description alone": ours(lambda p: replace(p, terms=(), examples=())),
        "terms + description + 3 likes": first(3),
        "terms + description + 10 likes": first(10),
        "terms + description + all likes": first(None),
        "all likes alone": ours(lambda p: replace(p, terms=(), description="")),
    }


def main() -> None:
    """Print the table."""
    judged = load(Path(os.environ["PAPERROUND_CORPUS"]))
    model = fit(judged.before_tests())
    baseline = None
    print(f"fitted on {model.papers} papers; {len(judged.profiles)} profiles")
    print(f"{'':34}nDCG@10  95 %           against boolean     picks a day: median (quartiles)")
    for name, rank in rankers(model).items():
        quality, volume = measure(judged, rank)
        baseline = quality if baseline is None else baseline
        low, high = interval(quality)
        less, more = interval(quality - baseline)
        quarter, median, three = np.percentile(volume, (25, 50, 75))
        print(
            f"{name:34}{quality.mean():.3f}    [{low:.3f}, {high:.3f}]  "
            f"{(quality - baseline).mean():+.3f} [{less:+.3f}, {more:+.3f}]  "
            f"{median:.1f} ({quarter:.1f}–{three:.1f})"
        )


if __name__ == "__main__":
    main()
