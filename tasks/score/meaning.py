"""What texts mean: their places by a neural encoder, a channel that a scorer may add.

An encoder is anything that turns texts into vectors (`Encodes`; `tasks.score.encoder` opens one).
A text's place is its vector as seen from the ordinary paper, and of length 1. Vectors count in half
precision, whether they are new, remembered or stored, so that all of these give the same score.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.score.latent import SAME, Places

MOST_REMEMBERED = 20_000  # texts: 16 MB at a width of 384


class Encodes(Protocol):
    """An encoder: vectors of two texts compare if their encoders have the same `version`."""

    @property
    def version(self) -> str:
        """A name for what the vectors depend on, beside the text."""
        ...

    @property
    def width(self) -> int:
        """How many numbers a vector has."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text, [len(texts) x width]; zeros for a text that says nothing."""
        ...

    def __hash__(self) -> int: ...


class Remembering:
    """An encoder that does not read the same text twice, as long as it is among the last `most`."""

    def __init__(self, encoder: Encodes, most: int = MOST_REMEMBERED) -> None:
        self.version, self.width = encoder.version, encoder.width
        self._encoder, self._most = encoder, most
        self._known: OrderedDict[bytes, NDArray[np.float16]] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the encoder does, in half precision; only texts that are new cost their time."""
        marks = [hashlib.blake2b(text.encode(errors="replace")).digest() for text in texts]
        new = {m: text for m, text in zip(marks, texts, strict=True) if m not in self._known}
        made = self._encoder.encode(list(new.values())).astype(np.float16)
        self._known.update(zip(new, made, strict=True))
        rows = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, mark in zip(rows, marks, strict=True):
            row[:] = self._known[mark]
            self._known.move_to_end(mark)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return rows


@dataclass(frozen=True, eq=False)
class Meaning:
    """An encoder, and the ordinary place and the places of ordinary papers by it."""

    encoder: Encodes
    mean: Places
    ordinary: Places

    @classmethod
    def of(cls, encoder: Encodes, vectors: Places) -> Meaning:
        """The meaning that texts have beside ordinary papers with these `vectors`."""
        mean = vectors.sum(axis=0) / np.float32(max(len(vectors), 1))
        return cls(encoder, mean, _unit(vectors, mean))

    def places(self, texts: Sequence[tuple[str, str]]) -> Places:
        """The places of (title, abstract) pairs, one a row; 0 for a text that says nothing."""
        return _unit(encoded(self.encoder, texts), self.mean)


def encoded(encoder: Encodes, texts: Sequence[tuple[str, str]]) -> Places:
    """The vectors of (title, abstract) pairs in half precision. An unfit encoder: ValueError."""
    joined = [". ".join(filter(None, text)) for text in texts]
    vectors = np.asarray(encoder.encode(joined))
    with np.errstate(over="ignore"):  # said below
        rounded: Places = vectors.astype(np.float16).astype(np.float32)
    if vectors.shape != (len(joined), encoder.width) or not np.isfinite(rounded).all():
        raise ValueError(
            f"the encoder {encoder.version} gave {vectors.shape} for {len(joined)} texts and a width"
            f" of {encoder.width}, or a number that is none"
        )
    return rounded


def _unit(vectors: Places, mean: Places) -> Places:
    """As seen from `mean`, of length 1; 0 for vectors of 0, and for those that are the mean itself."""
    apart = vectors - mean
    length = np.linalg.norm(apart, axis=1, keepdims=True)
    told = vectors.any(axis=1, keepdims=True) & (length > SAME)
    places: Places = np.where(told, apart / np.where(told, length, 1), 0).astype(np.float32)
    return places
