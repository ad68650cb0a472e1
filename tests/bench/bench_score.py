"""How fast scoring is, beside plain loops over the same profiles in the same run.

    python tests/bench/bench_score.py [papers] [profiles]

Papers are drawn from made-up words with the frequencies of language (Zipf); a profile has three
terms, a description and ten examples. Baselines: a Python loop that looks for each profile's terms
in each text (`any(term in text)`), and our own scorer called for one profile at a time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tasks.records import Example, Paper, Profile
from tasks.score import Model, fit, score
from tasks.score.evidence import gather

VOCABULARY = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in range(500)]


def papers(count: int, seed: int) -> list[Paper]:
    """Papers of 10 + 180 words."""
    rng = np.random.default_rng(seed)
    ranks = (rng.zipf(1.15, (count, 190)) - 1) % len(VOCABULARY)
    words = np.array(VOCABULARY)[ranks]
    return [
        Paper(id=n, title=" ".join(row[:10]), abstract=" ".join(row[10:]))
        for n, row in enumerate(words.tolist())
    ]


def profiles(count: int, store: Sequence[Paper]) -> list[Profile]:
    """Profiles made of words of `store`."""
    rng = np.random.default_rng(1)
    made = []
    for number in range(count):
        chosen = [store[n] for n in rng.integers(0, len(store), 10)]
        made.append(
            Profile(
                id=number,
                terms=tuple(" ".join(paper.title.split()[:2]) for paper in chosen[:3]),
                description=chosen[0].title,
                examples=tuple(Example(title=p.title, abstract=p.abstract) for p in chosen),
            )
        )
    return made


def seconds(work: Callable[[], object], repeat: int = 3) -> float:
    """The best of a few runs."""
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def boolean_loop(batch: Sequence[Paper], readers: Sequence[Profile]) -> int:
    """Baseline: how many pairs hold a term."""
    texts = [f"{paper.title} {paper.abstract}".lower() for paper in batch]
    return sum(any(t.lower() in text for t in r.terms) for r in readers for text in texts)


def one_by_one(model: Model, batch: Sequence[Paper], readers: Sequence[Profile]) -> None:
    """Baseline: the same scores, a call for each profile."""
    for reader in readers:
        score(model, batch, [reader])


def main(count: int = 100, readers: int = 1000) -> None:
    """Print times, microseconds a pair, and ratios."""
    store = papers(2000, seed=0)
    for size in (20, 500, 2000):
        print(f"fit {size:5} papers          {seconds(lambda n=size: fit(store[:n]), 1):8.3f} s")
    model, batch, many = fit(store), papers(count, seed=2), profiles(readers, store)
    few = many[: max(1, readers // 50)]
    ours = seconds(lambda: score(model, batch, many))
    looped = seconds(lambda: boolean_loop(batch, many))
    single = seconds(lambda: one_by_one(model, batch, few), 1) * len(many) / len(few)
    bare = [replace(reader, examples=()) for reader in many]
    plain = seconds(lambda: score(model, batch, bare))
    evidence = gather(model, batch, many)
    summed = seconds(lambda: (evidence.positive(), evidence.against()))
    scores = score(model, batch, many)
    picks = list(scores.above(0.5))[:200]
    why = seconds(lambda: [scores.score(i, j) for i, j in picks], 1) / max(len(picks), 1)
    pairs = count * readers
    print(f"{count} papers x {readers} profiles, reading and examples included:")
    print(f"all at once              {ours:8.3f} s   {ours / pairs * 1e6:6.2f} µs a pair")
    print(f"  of it, after reading   {summed:8.3f} s   {summed / pairs * 1e6:6.2f} µs a pair")
    print(f"without the examples     {plain:8.3f} s   {plain / pairs * 1e6:6.2f} µs a pair")
    print(
        f"one profile at a time    {single:8.3f} s   {single / ours:6.1f} x as long (extrapolated)"
    )
    print(f"loop of any(term in …)   {looped:8.3f} s   {looped / ours:6.2f} x as long")
    print(f"reasons of one pick      {why * 1e3:8.3f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
