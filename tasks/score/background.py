"""The ordinary papers of a model, laid out for everything that is measured against them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse

from tasks.score.answers import Finder
from tasks.score.corpus import Model
from tasks.score.latent import Places
from tasks.score.meaning import Encodes, Meaning
from tasks.score.vectors import Floats
from tasks.score.words import Lexicon

FEW = 400  # columns that are looked up one by one
BELIEF = 300  # papers that what is believed of a spread is worth


@dataclass(frozen=True, eq=False)
class Background:
    """A model's reservoir: `vectors` by row and by column, latent `places`, and where words stand.

    `meaning` has the places by the model's encoder, of the reservoir's first papers.
    """

    model: Model
    lexicon: Lexicon
    vectors: sparse.csr_array
    by_column: sparse.csc_array
    places: Places
    finder: Finder
    meaning: Meaning | None

    @property
    def size(self) -> int:
        """How many papers there are."""
        return int(self.vectors.shape[0])

    @property
    def width(self) -> int:
        """How many dense numbers a row and a paper have: of the latent space, then the encoder's."""
        return self.model.latent.width + (self.meaning.encoder.width if self.meaning else 0)

    def along(self, vector: sparse.csr_array) -> Floats:
        """The product of every paper with one row. What few columns hold is looked up by column."""
        if vector.nnz > FEW:
            return np.asarray(self.vectors @ vector.toarray()[0])
        by = self.by_column
        spans = [slice(by.indptr[c], by.indptr[c + 1]) for c in vector.indices.tolist()]
        rows = np.concatenate([np.zeros(0, np.int64), *(by.indices[span] for span in spans)])
        parts = (by.data[span] * w for span, w in zip(spans, vector.data.tolist(), strict=True))
        values = np.concatenate([np.zeros(0), *parts])
        return np.bincount(rows, weights=values, minlength=self.size).astype(np.float64)

    def scale(self, values: Floats, believed: float) -> tuple[float, float]:
        """Mean and spread of `values`, one a paper. With few papers the spread is mostly believed."""
        size = len(values)
        spread = np.sqrt((float(values.var()) if size else 0.0) * size + BELIEF * believed**2)
        mean = float(values.sum()) / (size + BELIEF)
        return mean, float(spread / np.sqrt(size + BELIEF))


def background(model: Model, encoder: Encodes | None = None) -> Background:
    """The background of `model`, laid out once a process: some 60 MB.

    Raises ValueError when the model was fitted with another encoder, or with none.
    """
    return _laid_out(model, encoder)  # by one name of its arguments, so that it is kept once


@lru_cache(maxsize=2)
def _laid_out(model: Model, encoder: Encodes | None) -> Background:
    if model.encoder != (encoder.version if encoder else ""):
        named = encoder.version if encoder else "none"
        raise ValueError(
            f"the model was fitted with {model.encoder or 'none'} for an encoder, and cannot be used"
            f" with {named}: fit it again, or give the one that it was fitted with"
        )
    lexicon = Lexicon(model.words, closed=True)
    vectors = model.reservoir
    return Background(
        model=model,
        lexicon=lexicon,
        vectors=vectors,
        by_column=vectors.tocsc(),
        places=model.latent.places(vectors),
        finder=Finder(lexicon, model.ordinary_texts),
        meaning=Meaning.of(encoder, model.encoded) if encoder else None,
    )
