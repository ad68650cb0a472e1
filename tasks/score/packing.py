"""A few facts, words and arrays as bytes, and back: only what was packed here comes out again.

    mark · SHA-256 of the rest unpacked · zlib( JSON header \\n words \\n arrays one after the other )

The header names each array with its kind of number and its shape. Reading it, nothing is believed:
what does not fit raises ValueError, whatever it is.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MARK = b"paperround-model-2\n"
MOST_BYTES = 256 << 20  # unpacked
MOST_AXES = 2

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Contents:
    """What is packed: facts that JSON can hold, words without spaces, arrays by name."""

    facts: Mapping[str, Any]
    words: Sequence[str]
    arrays: Mapping[str, Array]

    def payload(self) -> bytes:
        """All of it in one piece. Equal contents give equal bytes."""
        shapes = {name: (array.dtype.str, *array.shape) for name, array in self.arrays.items()}
        head = json.dumps({**self.facts, "arrays": shapes}).encode()
        numbers = b"".join(array.tobytes() for array in self.arrays.values())
        return b"\n".join((head, " ".join(self.words).encode(), numbers))

    def pack(self) -> bytes:
        """The payload with its mark and its checksum, compressed."""
        payload = self.payload()
        return MARK + hashlib.sha256(payload).digest() + zlib.compress(payload, 6)

    @classmethod
    def unpack(cls, packed: bytes, kinds: Mapping[str, str]) -> Contents:
        """What `pack` packed, with arrays of `kinds` (an unknown name may be left out) alone.

        Raises ValueError with what is wrong.
        """
        start = len(MARK) + 32
        if not packed.startswith(MARK):
            raise ValueError("these bytes are no Paperround model of this version")
        unpacker = zlib.decompressobj()
        try:
            payload = unpacker.decompress(packed[start:], MOST_BYTES)
        except zlib.error as error:
            raise ValueError(f"the model is damaged ({error})") from error
        if not unpacker.eof or hashlib.sha256(payload).digest() != packed[len(MARK) : start]:
            raise ValueError("the model is damaged (its checksum is wrong)")
        try:
            return cls._read(payload, kinds)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise ValueError(f"the model is damaged ({error!r})") from error

    @classmethod
    def _read(cls, payload: bytes, kinds: Mapping[str, str]) -> Contents:
        head, words, numbers = payload.split(b"\n", 2)
        facts = json.loads(head)
        arrays, at = {}, 0
        for name, (kind, *shape) in facts.pop("arrays").items():
            if kinds[name] != kind or len(shape) > MOST_AXES:
                raise ValueError(f"{name} is of another kind")
            if any(type(size) is not int or not 0 <= size <= MOST_BYTES for size in shape):
                raise ValueError(f"{name} has no such shape")
            count = math.prod(shape)
            end = at + count * np.dtype(kind).itemsize
            arrays[name] = np.frombuffer(numbers[at:end], kind).reshape(shape)
            at = end
        if at != len(numbers):
            raise ValueError("its numbers do not end where they should")
        return cls(facts, words.decode().split(), arrays)
