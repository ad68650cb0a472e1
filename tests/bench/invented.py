"""Invented profiles and entries whose numbers fall like those of real papers and reading lists.

On a real stream (100 entries of a day, 150,000 words and pairs, profiles of the 64 heaviest columns
of a reading list's centroid) an entry has 155 columns, 63 % of a profile's columns stand in some
entry of the day, and a profile meets 410 pairs of column and entry. Zipf's law with the exponents
below comes to 157, 64 % and 461. Columns are numbered at random, as by the alphabet. Then texts, for
what is done before and after the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from tasks.records import Example, Paper, Profile
from tasks.score.kernel import Edition
from tasks.score.rows import Rows

VOCABULARY = 150_000
TERMS = 64  # of a profile
ENTRY_LAW, PROFILE_LAW = (1.0, 20.0), (1.1, 20.0)  # exponent and shift of Zipf and Mandelbrot
POOL = 5_000  # sets of columns that profiles share between them; drawing a million takes minutes


def _drawn(rng: np.random.Generator, count: int, size: int, law: tuple[float, float]) -> list[Any]:
    """`count` sets of `size` columns by how common they are: 0 is the most common."""
    odds = np.cumsum((np.arange(VOCABULARY) + law[1]) ** -law[0])
    sets = []
    while len(sets) < count:
        ranks = np.unique(np.searchsorted(odds, rng.random(3 * size) * odds[-1]))
        if len(ranks) >= size:
            sets.append(rng.permutation(ranks)[:size])
    return sets


def papers(count: int, width: int, seed: int = 0) -> Edition:
    """Entries of 155 columns of length 1, and a dense row of length 1."""
    rng = np.random.default_rng(seed)
    names = np.random.default_rng(0).permutation(VOCABULARY)
    columns = names[np.array(_drawn(rng, count, 155, ENTRY_LAW))].astype(np.int32)
    values = rng.random(columns.shape, np.float32) / np.float32(155**0.5 * 0.58)
    starts = np.arange(0, columns.size + 1, 155)
    sparse = csr_array((values.ravel(), columns.ravel(), starts), shape=(count, VOCABULARY))
    return Edition(sparse, _directions(rng, count, width))


def profiles(count: int, width: int, seed: int = 1) -> Rows:
    """Profiles of 64 columns, a sixth of them disliked, and a dense row; every threshold is 0."""
    rng = np.random.default_rng(seed)
    names = np.random.default_rng(0).permutation(VOCABULARY)
    pool = names[np.array(_drawn(rng, min(POOL, count), TERMS, PROFILE_LAW))].astype(np.int32)
    pool.sort(axis=1)
    weights = rng.random((count, TERMS), np.float32)
    weights -= np.float32(1 / 6)
    return Rows(
        keys=np.arange(count),
        indptr=np.arange(0, count * TERMS + 1, TERMS),
        columns=pool[rng.integers(0, len(pool), count)].ravel(),
        weights=weights.ravel(),
        dense=_directions(rng, count, width),
        offset=np.zeros(count, np.float32),
        threshold=np.zeros(count, np.float32),
    )


def _directions(rng: np.random.Generator, count: int, width: int) -> NDArray[np.float32]:
    numbers = rng.standard_normal((count, width), np.float32)
    numbers /= np.float32(max(width, 1) ** 0.5)
    return numbers


def texts(count: int, seed: int = 2) -> list[Paper]:
    """Papers of 10 + 140 made-up words, as often as words are."""
    rng = np.random.default_rng(seed)
    syllables = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "lmnrst"]
    words = np.array([f"{a}{b}" for a in syllables[::3] for b in syllables])
    ranks = (rng.zipf(1.15, (count, 150)) - 1) % len(words)
    return [
        Paper(id=n, title=" ".join(row[:10]), abstract=" ".join(row[10:]))
        for n, row in enumerate(words[ranks].tolist())
    ]


def readers(count: int, store: Sequence[Paper], examples: int) -> list[Profile]:
    """Profiles of three terms, a sentence and so many examples, all from `store`."""
    rng = np.random.default_rng(3)
    made = []
    for number in range(count):
        chosen = [store[n] for n in rng.integers(0, len(store), max(examples, 3))]
        given = tuple(Example(title=p.title, abstract=p.abstract) for p in chosen[:examples])
        terms = tuple(" ".join(paper.title.split()[:2]) for paper in chosen[:3])
        made.append(Profile(id=number, terms=terms, description=chosen[0].title, examples=given))
    return made
