"""What the stored papers teach: how rare words are, which keep company, and what is ordinary.

`fit` reads papers once into a `Model`: document frequencies of words and of pairs of neighbouring
words, the latent space, and a sample of the papers themselves, the reservoir: the background that
every profile is learned against, and by which its evidence is put on one scale. A model is a value:
no clock, no order of papers and no global goes into it, `to_bytes` keeps it, and `version` names
its contents. Where an encoder is given, its vectors of some of these papers belong to the model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import lt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tasks.records import Paper
from tasks.score.latent import Latent, Places, fit_latent
from tasks.score.meaning import Encodes, encoded
from tasks.score.packing import Contents
from tasks.score.vectors import (
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
RESERVOIR = 4000  # papers: one in a hundred of them is still forty
ENCODED = 1000  # papers of the reservoir that an encoder reads: 4,000 rank no better
FEW = 1000  # papers, from which a pair of words must be seen twice to count
KEPT_AS = {"word_df": "<i4", "pairs": "<i8", "pair_df": "<i4", "sample": "<i4", "fields": "<i4"}
LATENT_AS = {"columns": "<i4", "basis": "<f2", "mean": "<f4"}
ENCODED_AS = {"encoded": "<f2"}


@dataclass(frozen=True, eq=False)
class Model:
    """What was learned from `papers` papers. Build one with `fit` or `Model.from_bytes`.

    `words` are sorted stems with document frequencies `word_df`; `pairs` are sorted codes of two
    word numbers with `pair_df`; `sample` is the reservoir's words, `fields` its fields' lengths.
    `encoder` is the version of an encoder or empty, `encoded` its vectors of the first papers there.
    """

    papers: int
    words: tuple[str, ...]
    word_df: Ints
    pairs: Ints
    pair_df: Ints
    sample: Ints
    fields: Ints
    latent: Latent
    encoder: str = ""
    encoded: Places = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))

    @cached_property
    def version(self) -> str:
        """A name for the contents: equal models have equal versions."""
        return hashlib.sha256(self._contents().payload()).hexdigest()[:16]

    @cached_property
    def space(self) -> Space:
        """The columns of vectors, and their weights."""
        return space_of(self.words, self.word_df, self.pairs, self.pair_df, self.papers)

    @cached_property
    def ordinary_texts(self) -> Batch:
        """The words of the reservoir's papers."""
        return from_fields(self.sample, self.fields)

    @cached_property
    def reservoir(self) -> sparse.csr_array:
        """Vectors of the reservoir's papers in `space`, one row a paper."""
        return self.space.vectors(self.ordinary_texts)

    def to_bytes(self) -> bytes:
        """The model, packed. The same model gives the same bytes."""
        return self._contents().pack()

    @classmethod
    def from_bytes(cls, packed: bytes) -> Model:
        """The model that `to_bytes` packed. Anything else raises ValueError."""
        try:
            contents = Contents.unpack(packed, KEPT_AS | LATENT_AS | ENCODED_AS)
            model = cls._from(contents)
            model._check()
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{error}: fit one again") from error
        return model

    @classmethod
    def _from(cls, contents: Contents) -> Model:
        arrays: dict[str, Any] = {
            name: array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
            for name, array in contents.arrays.items()
        }
        latent = Latent(**{name: arrays.pop(name) for name in LATENT_AS})
        facts = {"encoder": "", **contents.facts}
        return cls(words=tuple(contents.words), latent=latent, **facts, **arrays)

    def _contents(self) -> Contents:
        arrays: dict[str, NDArray[Any]] = {
            name: getattr(self, name).astype(kind) for name, kind in KEPT_AS.items()
        } | {name: getattr(self.latent, name).astype(kind) for name, kind in LATENT_AS.items()}
        facts: dict[str, Any] = {"papers": self.papers}
        if self.encoder:
            arrays |= {name: getattr(self, name).astype(kind) for name, kind in ENCODED_AS.items()}
            facts["encoder"] = self.encoder
        return Contents(facts, self.words, arrays)

    def _check(self) -> None:
        """Raise ValueError unless all parts fit one another, whoever packed them."""
        words, width = len(self.words), len(self.words) + len(self.pairs)
        kept = [getattr(self, name) for name in KEPT_AS]
        basis, mean = self.latent.basis, self.latent.mean
        flat = all(array.ndim == 1 for array in (*kept, self.latent.columns, mean))
        if not flat or type(self.papers) is not int or type(self.encoder) is not str:
            raise ValueError("the model has a part of another shape or kind")
        sizes = {
            "words": len(self.word_df) == words and all(map(lt, self.words, self.words[1:])),
            "pairs": len(self.pair_df) == len(self.pairs) and _ascend(self.pairs, words << 32),
            "pairs of words": _within(self.pairs & (2**32 - 1), 0, words),
            "frequencies": _within(np.append(self.word_df, self.pair_df), 0, self.papers + 1),
            "sample": _within(self.sample, BREAK, words) and self.fields.sum() == len(self.sample),
            "fields": _within(self.fields, 1, len(self.sample) + 1) and len(self.fields) % 2 == 0,
            "columns": _ascend(self.latent.columns, width),
            "basis": basis.shape == (len(self.latent.columns), len(mean)),
            "numbers": all(np.isfinite(array).all() for array in (basis, mean, self.encoded)),
            "vectors": self.encoded.ndim == 2,
        }
        if wrong := [name for name, right in sizes.items() if not right]:
            raise ValueError(f"the model's {', '.join(wrong)} do not fit the rest")


def space_of(words: Sequence[str], word_df: Ints, pairs: Ints, pair_df: Ints, papers: int) -> Space:
    """The space of `words` and `pairs` that were seen so often in so many papers."""
    idf = np.concatenate((word_idf(words, word_df, papers), pair_idf(pair_df, papers)))
    return Space(words, heard_of(words), pairs, idf)


def fit(papers: Iterable[Paper], encoder: Encodes | None = None) -> Model:
    """Learn from `papers`; none is fine. Neither their order nor their ids matter.

    All texts are held at once (some 3 MB per 1,000 papers): give it the last ten or twenty
    thousand papers, not everything ever stored. An `encoder` reads at most `ENCODED` of them, and is
    needed ever after to score with the model.
    """
    texts = sorted(((paper.title, paper.abstract) for paper in papers), key=_mark)
    lexicon = Lexicon()
    batch = read(lexicon, texts)
    words, new = _vocabulary(lexicon.words, batch)
    batch = Batch(new[batch.words], batch.rows, batch.title, batch.size)
    word_df = document_frequencies(batch.words, batch.rows, len(words))
    pairs, pair_df = _pairs(batch, words)
    space = space_of(words, word_df, pairs, pair_df, len(texts))
    latent = fit_latent(space.vectors(batch))
    sample, fields = _beginning(batch)
    model = Model(len(texts), words, word_df, pairs, pair_df, sample, fields, latent)
    if encoder is None:
        return model
    return replace(model, encoder=encoder.version, encoded=encoded(encoder, texts[:ENCODED]))


def _mark(text: tuple[str, str]) -> bytes:
    """A place in an order that has nothing to do with time or source: the reservoir comes first."""
    return hashlib.blake2b("\n".join(text).encode(errors="replace"), digest_size=8).digest()


def _beginning(batch: Batch) -> tuple[Ints, Ints]:
    """The words of the first RESERVOIR texts, and the lengths of their fields."""
    words = batch.words[: np.searchsorted(batch.rows, RESERVOIR)]
    field = 2 * batch.rows[: len(words)] + ~batch.title[: len(words)]
    return words, np.bincount(field)


def _vocabulary(words: Sequence[str], batch: Batch) -> tuple[tuple[str, ...], Ints]:
    """The words worth keeping, sorted, and the new number of each old one.

    The last place of the new numbers is that of `BREAK`; words that are dropped become breaks.
    """
    order = np.array(sorted(range(len(words)), key=words.__getitem__), dtype=np.int64)
    df = document_frequencies(batch.words, batch.rows, len(words))
    kept = order[_commonest(df[order], 1, MOST_WORDS)]
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


def _within(numbers: Ints, least: int, end: int) -> bool:
    return bool(((numbers >= least) & (numbers < end)).all())


def _ascend(numbers: Ints, end: int) -> bool:
    return _within(numbers, 0, end) and bool((numbers[1:] > numbers[:-1]).all())
