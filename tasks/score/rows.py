"""Profiles packed into a few arrays, in memory or mapped from a file.

A profile is one row, or several of which the best counts, all under the caller's number for it, the
key. Rows stand in the order of their keys, and rows of one key in the order they were given, so the
same profiles make the same bytes whatever their history: replacing one profile copies the others as
they are and looks at none of them.

A file is a cache that a crash may have cut short: `Rows.open` checks everything before it is used
and asks for a new one if anything is off.

Numbers are float32. With float16 a shard is half as large, but every product pays for unpacking:
1.5 times the time in all.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAGIC = b"paperround rows\n"
VERSION = 1
ALIGNED = 64  # bytes: a line of cache, and more than any number needs
HEADER = 256  # bytes: the magic and a small JSON object, filled up with spaces


@dataclass(frozen=True, slots=True)
class Row:
    """raw(x, y) = offset + Σ weights · x[columns] + dense · y, which counts from `threshold` on.

    A column may be named twice: its weights add up. A threshold of -inf lets every entry pass and
    one of inf none.
    """

    key: int
    columns: ArrayLike
    weights: ArrayLike
    dense: ArrayLike
    offset: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Rows:
    """Packed rows. Row r has `columns` and `weights` from indptr[r] up to indptr[r + 1], sorted.

    Made by `pack`, `concatenate`, `replace` and `open`, which see to it that keys ascend, columns
    are not negative and all numbers finite (thresholds: not NaN).
    """

    keys: NDArray[np.int64]  # rows
    indptr: NDArray[np.int64]  # rows + 1
    columns: NDArray[np.int32]  # numbers
    weights: NDArray[np.float32]  # numbers
    dense: NDArray[np.float32]  # rows × width
    offset: NDArray[np.float32]  # rows
    threshold: NDArray[np.float32]  # rows

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def width(self) -> int:
        """How many dense numbers a row has."""
        return int(self.dense.shape[1])

    @classmethod
    def pack(cls, rows: Iterable[Row], width: int) -> Rows:
        """Rows in the order of their keys. Raises ValueError that names the key of an unfit row."""
        ordered = sorted(rows, key=lambda row: row.key)
        sparse = [_sparse_part(row) for row in ordered]
        dense = [_dense_part(row, width) for row in ordered]
        lengths = [len(columns) for columns, _ in sparse]
        return cls(
            keys=np.array([row.key for row in ordered], np.int64),
            indptr=np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))),
            columns=_joined([columns for columns, _ in sparse], np.int32),
            weights=_joined([weights for _, weights in sparse], np.float32),
            dense=_joined(dense, np.float32).reshape(len(ordered), width),
            offset=np.array([row.offset for row in ordered], np.float32),
            threshold=np.array([row.threshold for row in ordered], np.float32),
        )

    @classmethod
    def concatenate(cls, parts: Sequence[Rows]) -> Rows:
        """All rows of `parts`, which follow one another by key and have one width."""
        if len({part.width for part in parts}) > 1:
            raise ValueError("Rows of different dense widths cannot stand in one shard.")
        if not parts:
            return cls.pack((), 0)
        keys = np.concatenate([part.keys for part in parts])
        if (keys[1:] < keys[:-1]).any():
            raise ValueError("Rows are put together in the order of their keys.")
        ends = np.cumsum([0, *(part.indptr[-1] - part.indptr[0] for part in parts)])
        starts = [
            part.indptr[:-1] - part.indptr[0] + end
            for part, end in zip(parts, ends[:-1], strict=True)
        ]
        return cls(
            keys=keys,
            indptr=np.concatenate((*starts, ends[-1:])).astype(np.int64, copy=False),
            **{
                name: np.concatenate([getattr(part, name) for part in parts])
                for name in ("columns", "weights", "dense", "offset", "threshold")
            },
        )

    def part(self, start: int, stop: int) -> Rows:
        """Rows start … stop - 1, as views of these."""
        at = slice(*self.indptr[[start, stop]])
        own = slice(start, stop)
        return Rows(
            keys=self.keys[own],
            indptr=self.indptr[start : stop + 1] - self.indptr[start],
            columns=self.columns[at],
            weights=self.weights[at],
            dense=self.dense[own],
            offset=self.offset[own],
            threshold=self.threshold[own],
        )

    def replace(self, keys: Iterable[int], new: Rows) -> Rows:
        """These rows without those of `keys`, and with `new` in place of what had its keys."""
        return Rows.concatenate(list(self._spliced({*keys, *new.keys.tolist()}, new)))

    def _spliced(self, keys: set[int], new: Rows) -> Iterator[Rows]:
        done = 0
        for key in sorted(keys):
            start, stop = np.searchsorted(self.keys, [key, key + 1])
            yield self.part(done, start)
            yield new.part(*np.searchsorted(new.keys, [key, key + 1]))
            done = stop
        yield self.part(done, len(self))

    def save(self, path: Path) -> None:
        """Write a file that is there whole or not at all. Raises OSError."""
        shape = {"rows": len(self), "numbers": len(self.columns), "width": self.width}
        header = MAGIC + json.dumps({"version": VERSION, **shape}).encode()
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(header.ljust(HEADER))
                for field in fields(self):
                    array = np.ascontiguousarray(getattr(self, field.name))
                    file.write(array.data)
                    file.write(bytes(-array.nbytes % ALIGNED))
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, path)
            except BaseException:  # also when stopped: nobody else would clear it away
                os.unlink(file.name)
                raise

    @classmethod
    def open(cls, path: Path) -> Rows:
        """Rows mapped from a file, read as they are used; changes to them do not reach the file.

        Raises ValueError, which says what to do, if `save` did not write this very file.
        """
        try:
            rows = cls(**_mapped(path))
            _check(rows)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{path} does not hold packed profiles ({error}): delete it and build it anew."
            ) from error
        return rows


def _sparse_part(row: Row) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    columns = np.asarray(row.columns, np.int64)
    with np.errstate(over="ignore"):  # said below, by key
        weights = np.asarray(row.weights, np.float32)
    if columns.ndim != 1 or columns.shape != weights.shape:
        raise ValueError(
            f"Profile {row.key} has {columns.size} columns for {weights.size} weights."
        )
    if columns.size and not 0 <= columns.min() <= columns.max() < 2**31:
        raise ValueError(f"Profile {row.key} has a column outside of 0 … 2³¹ - 1.")
    if not np.isfinite(weights).all() or not np.isfinite(row.offset) or np.isnan(row.threshold):
        raise ValueError(f"Profile {row.key} has a weight, offset or threshold that is no number.")
    order = np.argsort(columns, kind="stable")
    return columns[order].astype(np.int32), weights[order]


def _dense_part(row: Row, width: int) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        dense = np.asarray(row.dense, np.float32)
    if dense.shape != (width,):
        raise ValueError(f"Profile {row.key} has {dense.size} dense numbers instead of {width}.")
    if not np.isfinite(dense).all():
        raise ValueError(f"Profile {row.key} has a dense number that is not finite.")
    return dense


def _joined(parts: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *parts])


def _layout(rows: int, numbers: int, width: int) -> dict[str, tuple[type, tuple[int, ...]]]:
    return {
        "keys": (np.int64, (rows,)),
        "indptr": (np.int64, (rows + 1,)),
        "columns": (np.int32, (numbers,)),
        "weights": (np.float32, (numbers,)),
        "dense": (np.float32, (rows, width)),
        "offset": (np.float32, (rows,)),
        "threshold": (np.float32, (rows,)),
    }


def _mapped(path: Path) -> dict[str, NDArray[Any]]:
    if path.stat().st_size < HEADER:
        raise ValueError("its header is cut short")
    # Private pages: writable, as the compiled code knows arrays, and never written back.
    raw = np.memmap(path, np.uint8, "c").view(np.ndarray)
    arrays, end = {}, HEADER
    for name, (dtype, shape) in _layout(**_sizes(raw[:HEADER].tobytes())).items():
        start, end = end, end + math.prod(shape) * np.dtype(dtype).itemsize
        arrays[name] = raw[start:end].view(dtype).reshape(shape) if end <= len(raw) else raw
        end += -end % ALIGNED
    if end != len(raw):
        raise ValueError(f"it has {len(raw)} bytes instead of {end}")
    return arrays


def _sizes(header: bytes) -> dict[str, int]:
    if not header.startswith(MAGIC):
        raise ValueError("it begins otherwise")
    told = json.loads(header[len(MAGIC) :])
    if told.pop("version") != VERSION:
        raise ValueError("it is of another version")
    if any(type(size) is not int or size < 0 for size in told.values()):
        raise ValueError("its header counts wrongly")
    return dict(told)


def _check(rows: Rows) -> None:
    # The smallest and the largest say all, without a copy; both are NaN if anything is.
    ends, numbers = rows.indptr, (rows.weights, rows.dense, rows.offset)
    if ends[0] != 0 or ends[-1] != len(rows.columns) or (ends[1:] < ends[:-1]).any():
        raise ValueError("its rows do not follow one another")
    if (rows.keys[1:] < rows.keys[:-1]).any():
        raise ValueError("its keys do not ascend")
    if rows.columns.min(initial=0) < 0:
        raise ValueError("it has a column below 0")
    extremes = [edge(array, initial=0) for array in numbers for edge in (np.min, np.max)]
    if not np.isfinite(extremes).all() or np.isnan(rows.threshold).any():
        raise ValueError("it has a number that is none")
