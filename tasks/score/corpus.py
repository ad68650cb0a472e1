"""What the stored papers teach: how rare words and pairs of words are, and what is ordinary.

`fit` reads papers once into a `Model`: document frequencies of words and of pairs of neighbouring
words, and a small sample of the papers themselves, the reservoir, by which every profile's scores
are put on one scale. A model is a value: no clock, no order of papers and no global goes into it,
`to_bytes` keeps it, and `version` names its contents.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tasks.records import Paper
from tasks.score.vectors import (
    Floats,
    Ints,
    Space,
    document_frequencies,
    heard_of,
    pair_idf,
    pairs_of,
    word_idf,
)
from tasks.score.words import BREAK, Batch, Lexicon, from_fields, read

MOST_WORDS = 100_000  # twice the words of 20,000 papers
MOST_PAIRS = 150_000  # more of them rank no better
RESERVOIR = 600  # papers: one in fifty of them is still a dozen
FEW = 1000  # papers, from which a pair of words must be seen twice to count
MAGIC = b"paperround-model-1\n"
MOST_BYTES = 256 << 20  # of an unpacked model


@dataclass(frozen=True, eq=False)
class Model:
    """What was learned from `papers` papers. Build one with `fit` or `Model.from_bytes`.

    `words` are sorted stems with document frequencies `word_df`; `pairs` are sorted codes of two
    word numbers with `pair_df`; `sample` is the reservoir's words, `fields` its fields' lengths.
    """

    papers: int
    words: tuple[str, ...]
    word_df: Ints
    pairs: Ints
    pair_df: Ints
    sample: Ints
    fields: Ints

    @cached_property
    def version(self) -> str:
        """A name for the contents: equal models have equal versions."""
        return hashlib.sha256(self._payload()).hexdigest()[:16]

    @cached_property
    def reservoir(self) -> sparse.csr_array:
        """Vectors of the sample of ordinary papers, in `space(words)`, one row a paper."""
        return self.space(self.words).vectors(from_fields(self.sample, self.fields))

    @cached_property
    def ordinary(self) -> Floats:
        """The mean of the reservoir's vectors."""
        total: Floats = np.asarray(self.reservoir.sum(axis=0), dtype=np.float64)
        return total / max(len(self.fields) // 2, 1)

    def space(self, words: Sequence[str]) -> Space:
        """The space of vectors for texts in `words`, which begins with the model's own."""
        new = words[len(self.words) :]
        fresh = word_idf(new, np.zeros(len(new), dtype=np.int64), self.papers)
        return Space(
            words=words,
            heard=np.concatenate((self._heard, heard_of(new))),
            known=len(self.words),
            pairs=self.pairs,
            idf=np.concatenate((self._idf, fresh)),
        )

    @cached_property
    def _heard(self) -> NDArray[np.bool_]:
        return heard_of(self.words)[:-1]

    @cached_property
    def _idf(self) -> Floats:
        words = word_idf(self.words, self.word_df, self.papers)
        return np.concatenate((words, pair_idf(self.pair_df, self.papers)))

    def to_bytes(self) -> bytes:
        """The model, packed. The same model gives the same bytes."""
        payload = self._payload()
        return MAGIC + hashlib.sha256(payload).digest() + zlib.compress(payload, 6)

    @classmethod
    def from_bytes(cls, packed: bytes) -> Model:
        """The model that `to_bytes` packed. Anything else raises ValueError."""
        start = len(MAGIC) + 32
        if not packed.startswith(MAGIC):
            raise ValueError("these bytes are no Paperround model of this version: fit one again")
        unpack = zlib.decompressobj()
        try:
            payload = unpack.decompress(packed[start:], MOST_BYTES)
        except zlib.error as error:
            raise ValueError(f"the model is damaged ({error}): fit one again") from error
        if not unpack.eof or hashlib.sha256(payload).digest() != packed[len(MAGIC) : start]:
            raise ValueError("the model is damaged (its checksum is wrong): fit one again")
        head, words, numbers = payload.split(b"\n", 2)
        fields = json.loads(head)
        ends = np.cumsum(fields["lengths"])
        arrays = np.split(np.frombuffer(numbers, dtype="<i8").astype(np.int64), ends[:-1])
        return cls(fields["papers"], tuple(words.decode().split()), *arrays)

    def _payload(self) -> bytes:
        arrays = (self.word_df, self.pairs, self.pair_df, self.sample, self.fields)
        head = {"papers": self.papers, "lengths": [len(array) for array in arrays]}
        numbers = b"".join(array.astype("<i8").tobytes() for array in arrays)
        return b"\n".join((json.dumps(head).encode(), " ".join(self.words).encode(), numbers))


def fit(papers: Iterable[Paper]) -> Model:
    """Learn from `papers`; none is fine. Neither their order nor their ids matter.

    All texts are held at once (some 3 MB per 1,000 papers): give it the last ten or twenty
    thousand papers, not everything ever stored.
    """
    texts = [(paper.title, paper.abstract) for paper in papers]
    lexicon = Lexicon()
    batch = read(lexicon, texts)
    sample = _sample(batch, _chosen(texts))
    words, new = _vocabulary(lexicon.words, batch, sample)
    batch = Batch(new[batch.words], batch.rows, batch.title, batch.size)
    word_df = document_frequencies(batch.words, batch.rows, len(words))
    pairs, pair_df = _pairs(batch, words)
    return Model(
        len(texts), words, word_df, pairs, pair_df, new[sample.words], _field_lengths(sample)
    )


def _chosen(texts: Sequence[tuple[str, str]]) -> Ints:
    """Places of the reservoir's papers: those of smallest hash, so that any order gives the same."""
    keys = [
        hashlib.blake2b("\n".join(t).encode(errors="replace"), digest_size=8).digest()
        for t in texts
    ]
    return np.array(sorted(range(len(texts)), key=keys.__getitem__)[:RESERVOIR], dtype=np.int64)


def _sample(batch: Batch, chosen: Ints) -> Batch:
    """The texts `chosen` of `batch`, in that order."""
    starts = np.searchsorted(batch.rows, np.arange(batch.size + 1))
    parts = [np.arange(starts[row], starts[row + 1]) for row in chosen]
    at = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    rows = np.repeat(np.arange(len(chosen)), [len(part) for part in parts])
    return Batch(batch.words[at], rows, batch.title[at], len(chosen))


def _field_lengths(batch: Batch) -> Ints:
    ends = np.flatnonzero(batch.words < 0)
    return np.diff(ends, prepend=-1)


def _vocabulary(words: Sequence[str], batch: Batch, sample: Batch) -> tuple[tuple[str, ...], Ints]:
    """The words worth keeping, sorted, and the new number of each old one.

    The last place of the new numbers is that of `BREAK`; words that are dropped become breaks.
    """
    order = np.array(sorted(range(len(words)), key=words.__getitem__), dtype=np.int64)
    df = document_frequencies(batch.words, batch.rows, len(words))
    sampled = np.bincount(sample.words[sample.words >= 0], minlength=len(words)) > 0
    kept = order[np.union1d(_commonest(df[order], 1, MOST_WORDS), np.flatnonzero(sampled[order]))]
    new = np.full(len(words) + 1, BREAK, dtype=np.int64)
    new[kept] = np.arange(len(kept))
    return tuple(words[i] for i in kept), new


def _pairs(batch: Batch, words: Sequence[str]) -> tuple[Ints, Ints]:
    """The pairs worth keeping, sorted, and their document frequencies."""
    codes, rows, _ = pairs_of(batch, heard_of(words))
    pairs, numbers = np.unique(codes, return_inverse=True)
    df = document_frequencies(numbers, rows, len(pairs))
    kept = _commonest(df, 1 if batch.size < FEW else 2, MOST_PAIRS)
    return pairs[kept], df[kept]


def _commonest(df: Ints, least: int, most: int) -> Ints:
    """Places, ascending, of at most `most` numbers that stand in at least `least` papers."""
    places = np.flatnonzero(df >= least)
    order = np.argsort(-df[places], kind="stable")
    return np.sort(places[order[:most]])
