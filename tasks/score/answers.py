"""How strongly each paper answers each wish: papers x columns, in units of which 1 makes a pick.

A term's strength is its rarity times (what its hits count + the cosine of its words and the paper),
so that a paper with some of the words is a little nearer. A phrase counts only where its words stand
side by side. Plurals, case, accents and hyphens make no difference to either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tasks.records import Paper
from tasks.score.names import Name, name_of, sameness, share
from tasks.score.vectors import Floats, Ints, Reading, Space
from tasks.score.wishes import Key, Words
from tasks.score.words import BREAK, STOP, Batch, from_fields

HIT = {"term": 1.5, "phrase": 2.4, "words": 1.0}  # of an ordinary one in a title
IN_ABSTRACT = 0.5  # of a hit in the title, times ln(1 + hits)
COSINE = 4.0
COMMONEST, RAREST, ORDINARY = 0.65, 1.3, 5.0  # the bounds of rarity, and the idf that counts 1

Answer = tuple[Ints, Floats]  # rows of papers, and their strengths


@dataclass(frozen=True, slots=True)
class Answers:
    """Papers x columns: whole hits, and how near the papers are to the words of each term."""

    exact: sparse.csr_array
    near: sparse.csr_array

    def flat(self) -> Answers:
        """The same with every whole hit as 1: there is no more or less about a negative."""
        return Answers(self.exact.sign(), self.near)


def answers(keys: Sequence[Key], finder: Finder, reading: Reading) -> Answers:
    """What every paper answers to every wish; 0 is nothing at all."""
    vectors = _term_vectors(keys, reading.space)
    found: list[Answer] = []
    scales = np.zeros(len(keys))
    for column, (kind, what) in enumerate(keys):
        if isinstance(what, Name):
            found.append(finder.author(what))
        elif isinstance(what, str):
            found.append(finder.category(what))
        else:
            own = vectors.indices[vectors.indptr[column] : vectors.indptr[column + 1]]
            rare = _rarity(what, own, reading.space)
            rows, hits = finder.words(what)
            found.append((rows, hits * rare * HIT[kind]))
            scales[column] = rare * COSINE * (kind == "term")
    near = (reading.vectors @ vectors.multiply(scales[:, None]).T).tocsr()
    return Answers(_matrix(found, near.shape), near)


def _matrix(found: Sequence[Answer], shape: tuple[int, int]) -> sparse.csr_array:
    rows = np.concatenate([np.zeros(0, dtype=np.int64), *(rows for rows, _ in found)])
    values = np.concatenate([np.zeros(0), *(values for _, values in found)])
    columns = np.repeat(np.arange(len(found)), [len(rows) for rows, _ in found])
    return sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()


class Finder:
    """Where words, authors and categories stand among the papers of one call."""

    def __init__(self, papers: Sequence[Paper], batch: Batch) -> None:
        self._batch = batch
        self._order = np.argsort(batch.words, kind="stable")
        self._sorted = batch.words[self._order]
        self._authors: dict[str, list[tuple[int, Name]]] = defaultdict(list)
        self._categories: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for row, paper in enumerate(papers):
            self._categories[paper.categories].append(row)
            for name in filter(None, map(name_of, paper.authors)):
                for part in {name.last, *name.given}:
                    self._authors[part].append((row, name))

    def words(self, words: Words) -> Answer:
        """Papers with `words` side by side: 1 in a title, plus less for each in the abstract."""
        first, last = np.searchsorted(self._sorted, (words[0], words[0] + 1))
        at = self._order[first:last]
        at = at[at + len(words) <= len(self._batch.words)]
        for step, word in enumerate(words):
            at = at[self._batch.words[at + step] == word]
        rows, which = np.unique(self._batch.rows[at], return_inverse=True)
        title = self._batch.title[at]
        above = np.bincount(which, weights=title, minlength=len(rows)) > 0
        below = np.bincount(which, weights=~title, minlength=len(rows))
        return rows, above + IN_ABSTRACT * np.log1p(below)

    def author(self, wanted: Name) -> Answer:
        """Papers by `wanted`, as surely as the names tell."""
        best: dict[int, float] = {}
        for row, name in self._authors.get(wanted.last, ()):
            if sure := sameness(wanted, name):
                best[row] = max(sure, best.get(row, 0.0))
        return np.array(list(best), dtype=np.int64), np.array(list(best.values()))

    def category(self, wanted: str) -> Answer:
        """Papers in the category or archive `wanted`, by its share of their own categories."""
        shares = [(rows, share(wanted, own)) for own, rows in self._categories.items()]
        rows = [row for rows, part in shares if part for row in rows]
        values = [part for rows, part in shares if part for _ in rows]
        return np.array(rows, dtype=np.int64), np.array(values)


def _term_vectors(keys: Sequence[Key], space: Space) -> sparse.csr_array:
    """The words of every column as a vector; of columns that are not words, nothing."""
    words = [what if isinstance(what, tuple) else () for _, what in keys]
    flat = [number for each in words for number in (*each, BREAK, BREAK)]
    lengths = [length for each in words for length in (len(each) + 1, 1)]
    return space.vectors(from_fields(flat, lengths))


def _rarity(words: Words, columns: Ints, space: Space) -> float:
    """How much a term counts by its rarest word or pair, which stand in `columns` of `space`."""
    pairs = np.count_nonzero((columns >= space.known) & (columns < space.known + len(space.pairs)))
    if pairs < sum(space.words[word] not in STOP for word in words) - 1:
        return RAREST  # words that never stood together
    return float(np.clip(space.idf[columns].max(initial=0) / ORDINARY, COMMONEST, RAREST))
