"""From numbered words to TF-IDF rows: counting, rarity, length 1.

Weights are (1 + ln tf) · idf with a title counted twice (Salton & Buckley, 1988), and
idf = ln((N + A + 1) / (df + A·p + 1)), where p is the share of all papers that a word of the trade
stands in and A the number of papers that this belief is worth. So a store without papers, or with
five, still knows that "method" says little. Stop words weigh nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tasks.score.words import BREAK, COMMON, STOP, Batch

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BELIEF = 50.0  # A above: a few days of one category


@dataclass(frozen=True, slots=True)
class Space:
    """The columns of vectors: the words of a model, then its pairs of neighbouring words.

    `heard` says which words count (its last place is `BREAK`'s), `pairs` are sorted codes of two
    word numbers, `idf` weighs the columns. What a model does not know has no column, and no pair
    reaches across it.
    """

    words: Sequence[str]
    heard: NDArray[np.bool_]
    pairs: Ints
    idf: Floats

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.idf)

    def vectors(self, batch: Batch) -> sparse.csr_array:
        """TF-IDF vectors of length 1 (or 0), one row a text of `batch`."""
        known = np.where(batch.words < len(self.words), batch.words, BREAK)
        codes, rows, title = pairs_of(Batch(known, batch.rows, batch.title, batch.size), self.heard)
        place = np.searchsorted(self.pairs, codes)
        found = place < len(self.pairs)
        found[found] = self.pairs[place[found]] == codes[found]
        single = self.heard[known]
        columns = np.concatenate((known[single], place[found] + len(self.words)))
        doubled = 1.0 + np.concatenate((batch.title[single], title[found]))
        at = (np.concatenate((batch.rows[single], rows[found])), columns)
        counts = sparse.coo_array((doubled, at), shape=(batch.size, self.width)).tocsr()
        counts.data = (1 + np.log(counts.data)) * self.idf[counts.indices]
        return unit_rows(counts)

    def words_of(self, column: int) -> tuple[str, ...]:
        """The word or the two words that a column stands for."""
        pair = column - len(self.words)
        if pair < 0:
            return (self.words[column],)
        first, second = divmod(int(self.pairs[pair]), 1 << 32)
        return self.words[first], self.words[second]


def heard_of(words: Sequence[str]) -> NDArray[np.bool_]:
    """Which of `words` count at all; one place more, for `BREAK`, which does not."""
    return np.array([word not in STOP for word in words] + [False], dtype=bool)


def word_idf(words: Sequence[str], df: Ints, papers: int) -> Floats:
    """The rarity of each of `words`, which stand in `df` of `papers` papers. 0 for stop words."""
    believed = np.array([BELIEF * COMMON.get(word, 0.0) for word in words])
    rarity = np.log((papers + BELIEF + 1) / (df + believed + 1)).clip(0)
    return np.where(heard_of(words)[:-1], rarity, 0.0)


def pair_idf(df: Ints, papers: int) -> Floats:
    """The rarity of pairs of words that stand in `df` of `papers` papers."""
    return np.log((papers + BELIEF + 1) / (df + 1))


def pairs_of(batch: Batch, heard: NDArray[np.bool_]) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Codes, rows and title flags of neighbouring words; words not `heard` are stepped over.

    A code is first · 2³² + second; a pair never crosses the end of a field.
    """
    kept = (batch.words < 0) | heard[batch.words]
    words, rows, title = batch.words[kept], batch.rows[kept], batch.title[kept]
    both = (words[:-1] >= 0) & (words[1:] >= 0)
    return (words[:-1][both] << 32) | words[1:][both], rows[:-1][both], title[:-1][both]


def document_frequencies(numbers: Ints, rows: Ints, size: int) -> Ints:
    """In how many rows each of the numbers 0 … size - 1 occurs; negative ones are ignored."""
    real = numbers >= 0
    once = np.unique(rows[real] * max(size, 1) + numbers[real])
    return np.bincount(once % max(size, 1), minlength=size)


def unit_rows(matrix: sparse.csr_array) -> sparse.csr_array:
    """`matrix` with every row scaled to length 1; a row of zeros stays so."""
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    lengths[lengths == 0] = 1
    matrix.data = matrix.data / np.repeat(lengths, np.diff(matrix.indptr))
    return matrix


def row(matrix: sparse.csr_array, number: int) -> tuple[Ints, Floats]:
    """The columns and the values of one row. Slicing a sparse matrix costs a hundred times as much."""
    own = slice(matrix.indptr[number], matrix.indptr[number + 1])
    return matrix.indices[own], matrix.data[own]
