"""How alike papers are, where nobody knows better: by their words."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.records import Paper

Floats = NDArray[np.float64]
Alike = Callable[[Sequence[Paper], Sequence[Paper]], Floats]
"""`alike(papers, others)`: papers × others, 0 for nothing in common, 1 for the same."""

WORD = re.compile(r"\w{3,}")
Bag = NDArray[np.int64]  # the numbers of a paper's words, each once

_numbers: dict[str, int] = {}
_numbering = threading.Lock()


def wording(papers: Sequence[Paper], others: Sequence[Paper]) -> Floats:
    """The cosine of the words that two papers use, those that are rare among the others counting more."""
    if not others:
        return np.zeros((len(papers), 0))
    table = _table(tuple((paper.title, paper.abstract) for paper in others))
    return np.array([table.likeness(_bag(p.title, p.abstract)) for p in papers]).reshape(
        len(papers), len(others)
    )


@dataclass(frozen=True, eq=False)
class _Table:
    """The words of some papers, one paper after another from `starts` on, and what each word counts."""

    columns: Bag
    starts: Bag
    rare: Floats
    lengths: Floats

    def likeness(self, bag: Bag) -> Floats:
        """How alike each of the papers is to one of these words."""
        known = bag[bag < len(self.rare)]
        new = len(bag) - len(
            known
        )  # words that came after this table, and so in none of its papers
        own = self.rare[known] ** 2
        worth = np.zeros(len(self.rare))
        worth[known] = own
        length = np.sqrt(own.sum() + new * self.rare.max(initial=0) ** 2)
        both: Floats = np.add.reduceat(np.append(worth[self.columns], 0), self.starts)
        both /= np.maximum(self.lengths * length, 1e-9)
        return both


@lru_cache(maxsize=16)
def _table(texts: tuple[tuple[str, str], ...]) -> _Table:
    bags = [_bag(title, abstract) for title, abstract in texts]
    columns = np.concatenate(bags)
    counts = np.bincount(columns, minlength=len(_numbers))
    rare = np.log1p(len(bags) / np.maximum(counts, 1))
    starts = np.cumsum([0, *map(len, bags[:-1])])
    squares = np.append(rare[columns] ** 2, 0)
    lengths = np.sqrt(np.add.reduceat(squares, starts))
    return _Table(columns, starts, rare, lengths)


@lru_cache(maxsize=8192)  # a paper that is news to many is read once, not once a reader
def _bag(title: str, abstract: str) -> Bag:
    words = sorted(set(WORD.findall(f"{title} {abstract}".casefold())))
    with _numbering:
        return np.array([_numbers.setdefault(word, len(_numbers)) for word in words], np.int64)
