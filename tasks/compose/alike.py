"""How alike papers are, where nobody knows better: by their words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from tasks.records import Paper

Floats = NDArray[np.float64]
Alike = Callable[[Sequence[Paper], Sequence[Paper]], Floats]
"""`alike(papers, others)`: papers × others, 0 for nothing in common, 1 for the same."""

WORD = re.compile(r"\w{3,}")


def wording(papers: Sequence[Paper], others: Sequence[Paper]) -> Floats:
    """The cosine of the words that two papers use, rare ones among these papers counting more."""
    bags = [_bag(paper) for paper in (*papers, *others)]
    places = {word: place for place, word in enumerate(sorted(set().union(*bags)))}
    columns = np.array([places[word] for bag in bags for word in bag], np.intp)
    starts = np.cumsum([0, *map(len, bags)])
    rare = np.log1p(len(bags) / np.maximum(np.bincount(columns, minlength=len(places)), 1))
    shape = (len(bags), len(places))
    table = csr_array((rare[columns], columns, starts), shape=shape)
    lengths = np.maximum(np.sqrt((table * table).sum(axis=1)), 1e-9)
    mine, theirs = table[: len(papers)], table[len(papers) :]
    likeness: Floats = (mine @ theirs.T).toarray()
    return likeness / np.outer(lengths[: len(papers)], lengths[len(papers) :])


def _bag(paper: Paper) -> list[str]:
    return sorted(set(WORD.findall(f"{paper.title} {paper.abstract}".casefold())))
