"""The arrays of a safetensors file, read with every offset checked.

The format: eight bytes that hold the length of a JSON header (little-endian), the header, which
names each array's type, shape and place, then the arrays' bytes
(https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.errors import UsageError

Floats = NDArray[np.float32]

HEADER_MOST = 100_000_000  # bytes, the format's own limit
KINDS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}  # what weights are kept in


class Weights:
    """The float arrays of one file by name, whatever `bert.` stands before the names."""

    def __init__(self, path: Path, arrays: Mapping[str, Floats]) -> None:
        self._path = path
        self._arrays = arrays

    @classmethod
    def read(cls, path: Path) -> Weights:
        """All float arrays of `path` as float32. Raises `UsageError` on a file that is not sound."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from None
        try:
            return cls(path, _arrays(content))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise UsageError(f"{path} is not a sound safetensors file: {error}") from None

    def take(self, name: str, *shape: int) -> Floats:
        """The array `name`, which must have that shape and hold nothing but finite numbers."""
        array = self._arrays.get(name)
        if array is None:
            raise UsageError(f"{self._path} has no array {name}: it is not the BERT of config.json")
        if array.shape != shape:
            told = f"{name} is {array.shape}, config.json asks for {shape}"
            raise UsageError(f"{self._path}: {told}")
        if not np.isfinite(array).all():
            raise UsageError(f"{self._path}: {name} holds numbers that are not finite")
        return array


def _arrays(content: bytes) -> dict[str, Floats]:
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= min(HEADER_MOST, len(content) - 8):
        raise ValueError("its header is longer than the file")
    header = json.loads(content[8 : 8 + length])
    if not isinstance(header, dict):
        raise ValueError("its header is not a JSON object")
    data = memoryview(content)[8 + length :]
    return {
        name.removeprefix("bert."): _array(name, item, data)
        for name, item in header.items()
        if name != "__metadata__" and item["dtype"] in KINDS
    }


def _array(name: str, item: Mapping[str, Any], data: memoryview) -> Floats:
    kind, shape = np.dtype(KINDS[item["dtype"]]), tuple(item["shape"])
    start, end = item["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, start, end)):
        raise ValueError(f"{name} has a size or place that is not a whole number")
    if not start <= end <= len(data) or end - start != math.prod(shape) * kind.itemsize:
        raise ValueError(f"{name} does not lie where the header says")
    raw = np.frombuffer(data[start:end], kind)
    if item["dtype"] == "BF16":  # the upper half of a float32
        raw = (raw.astype("<u4") << 16).view("<f4")
    return raw.reshape(shape).astype(np.float32, copy=False)
