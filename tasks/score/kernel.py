"""Every profile against every entry: raw scores, and of each profile the best that reach its mark.

    raw = offset + Σ weights · x[columns] + dense · y                    in log-odds, in float32

A profile costs its own columns that some entry has, and one line of a matrix product. Profiles go
by in blocks, so that nothing of the size profiles × entries is ever there at once, let alone
profiles × vocabulary; memory beyond the rows themselves is that of the hits and some tens of MB.

Two engines do the same sums in the same order of columns: scipy, and where numba is installed and
there is enough to do, machine code made for it (`tasks.score.fused`). They may round differently,
in the seventh digit.

A broken number costs its owner alone: rows with one are refused when they are packed, and an entry
with a NaN or an infinite number scores NaN, which reaches no threshold.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from tasks.score.rows import Rows

Found = tuple[NDArray[np.intp], NDArray[np.int32], NDArray[np.float32]]  # hits a row; the hits

FUSED = "tasks.score.fused"
SPAN = 64  # lines are filled up to a multiple of this: four of the widest vectors there are
PAIRS = 1 << 18  # a chunk's: 1 MB of sums for scipy
WORTH = 200_000  # pairs from which on it pays to load numba, which takes half a second
# How many bytes of lines a table may have, and how many entries a column needs to get one.
NEAR = (1 << 20, 3)  # for numba: what stays in a core's own cache; postings are nearly as quick
WHOLE = (1 << 25, 1)  # for scipy: two products cost more than a large one


class Table(NamedTuple):
    """An edition turned round for the engines: what each column adds to each of `size` entries.

    `place[c]` is 0 for a column without entries, 1 … h for the h lines of `wide`, and above that
    the postings `starts[place - h - 1]` … `starts[place - h]` of `entries` and `values`. The last
    place stands for all columns beyond. `across` is the dense part by dimension. `base` is NaN for
    an entry with a broken number, and for what is no entry: lines are longer than `size`.
    """

    place: NDArray[np.int32]
    wide: NDArray[np.float32]
    starts: NDArray[np.int64]
    entries: NDArray[np.int32]
    values: NDArray[np.float32]
    across: NDArray[np.float32]
    base: NDArray[np.float32]
    size: int


@dataclass(frozen=True, slots=True)
class Edition:
    """The entries of a day: `sparse` (CSR, entries × columns) and `dense` (entries × width)."""

    sparse: csr_array
    dense: NDArray[np.float32]
    _tables: dict[tuple[int, int], Table] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.dense.ndim != 2 or self.sparse.shape[0] != len(self.dense):
            raise ValueError(
                f"An edition has one sparse and one dense row an entry, not {self.sparse.shape[0]}"
                f" and {self.dense.shape}."
            )

    def __len__(self) -> int:
        return len(self.dense)

    def table(self, kind: tuple[int, int]) -> Table:
        """This edition turned round, `NEAR` or `WHOLE`; made once."""
        if kind not in self._tables:
            self._tables[kind] = _table(self, *kind)
        return self._tables[kind]


@dataclass(frozen=True, slots=True)
class Hits:
    """Pairs in the order of rows, then of raw scores from the highest, then of entries."""

    row: NDArray[np.int64]
    entry: NDArray[np.int32]
    raw: NDArray[np.float32]


def matrix(rows: Rows, edition: Edition) -> NDArray[np.float64]:
    """All raw scores, entries × rows, in float64: for a preview, not for everybody."""
    _fit(rows, edition)
    theirs, dense, base = _sound(edition)
    wider = max(theirs.shape[1], int(rows.columns.max(initial=-1)) + 1)
    theirs.resize(len(edition), wider)
    own = (rows.weights.astype(np.float64), rows.columns, rows.indptr)
    raw = (theirs @ csr_array(own, shape=(len(rows), wider)).T).toarray()
    raw += dense.astype(np.float64) @ rows.dense.T.astype(np.float64)
    raw += rows.offset
    raw += base[:, None]
    return np.asarray(raw, np.float64)


def best(
    rows: Rows, edition: Edition, most: int, *, threads: int = 1, engine: str | None = None
) -> Hits:
    """For every row its at most `most` highest entries with raw ≥ the row's threshold.

    `threads` share the rows; the result is the same for any number of them. `engine` is "numba" or
    "scipy"; left out, the one that is there and pays. Raises ValueError if the dense parts of rows
    and edition differ in width, ImportError if numba is asked for and is not installed.
    """
    _fit(rows, edition)
    most = min(most, len(edition))
    if most < 1 or not len(rows):
        return Hits(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32))
    if engine is None:
        pays = len(rows) * len(edition) >= WORTH
        engine = "numba" if pays and _has_numba() else "scipy"
    if engine == "numba":
        search = partial(import_module(FUSED).best_of, rows, edition.table(NEAR), most)
    else:
        search = partial(_best_of, rows, edition.table(WHOLE), most)
    if threads == 1:
        parts = list(map(search, *_chunks(len(rows), len(edition))))
    else:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(search, *_chunks(len(rows), len(edition))))
    counts, entries, raws = map(np.concatenate, zip(*parts, strict=True))
    del parts  # half of what the hits of a million profiles take
    return Hits(np.repeat(np.arange(len(rows)), counts), entries, raws)


def _fit(rows: Rows, edition: Edition) -> None:
    if rows.width != edition.dense.shape[1]:
        raise ValueError(
            f"Profiles have {rows.width} dense numbers and entries {edition.dense.shape[1]}:"
            " one of them was made by another model and has to be made anew."
        )


def _chunks(rows: int, entries: int) -> tuple[list[int], list[int]]:
    """Where chunks of rows start and stop; a chunk has about `PAIRS` pairs."""
    step = max(1, PAIRS // entries)
    return [*range(0, rows, step)], [*range(step, rows, step), rows]


def _sound(edition: Edition) -> tuple[csr_array, NDArray[np.float32], NDArray[np.float32]]:
    """Both parts with 0 for what is not finite, and NaN for entries that had such, 0 for others."""
    sparse, dense = edition.sparse.astype(np.float32), edition.dense.astype(np.float32)
    base = np.zeros(len(edition), np.float32)
    base[~np.isfinite(dense).all(axis=1)] = np.nan
    owners = np.repeat(np.arange(len(edition)), np.diff(sparse.indptr))
    base[owners[~np.isfinite(sparse.data)]] = np.nan
    for numbers in (sparse.data, dense):
        numbers[~np.isfinite(numbers)] = 0
    return sparse, dense, base


def _table(edition: Edition, room: int, least: int) -> Table:
    size = len(edition)
    length = -(-size // SPAN) * SPAN
    sparse, dense, base = _sound(edition)
    columns = csc_array(sparse)
    owners = np.diff(columns.indptr)
    order = np.argsort(-owners, kind="stable")[: np.count_nonzero(owners)]
    lines = min(room // (4 * length), int(np.count_nonzero(owners >= least)))
    rare = columns[:, order[lines:]]
    place = np.zeros(len(owners) + 1, np.int32)
    place[order] = np.arange(1, len(order) + 1)
    return Table(
        place=place,
        wide=_lines(columns[:, order[:lines]].toarray(), length),
        starts=rare.indptr.astype(np.int64),
        entries=rare.indices.astype(np.int32),
        values=rare.data,
        across=_lines(dense, length),
        base=np.append(base, np.full(length - size, np.nan, np.float32)),
        size=size,
    )


def _lines(columns: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """The columns of a matrix as lines of `length` numbers, zeros at the end."""
    lines = np.zeros((columns.shape[1], length), np.float32)
    lines[:, : len(columns)] = columns.T
    return lines


@cache
def _has_numba() -> bool:
    try:
        import_module(FUSED)
    except ImportError:  # not installed, or not for this numpy
        return False
    return True


def _best_of(rows: Rows, table: Table, most: int, start: int, stop: int) -> Found:
    """What the compiled engine does, by scipy."""
    part = rows.part(start, stop)
    sums = _sums(part, table)
    bar = part.threshold.copy()
    crowded = np.count_nonzero(sums >= bar[:, None], axis=1) > most
    bar[crowded] = -np.partition(-sums[crowded], most - 1, axis=1)[:, most - 1]
    row, entry = (sums >= bar[:, None]).nonzero()
    raw = sums[row, entry]
    order = np.lexsort((-raw, row))  # stable, so that of equals the first entry is first
    row, entry, raw = row[order], entry[order], raw[order]
    counts = np.bincount(row, minlength=len(part))
    kept = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) < most
    return np.minimum(counts, most), entry[kept].astype(np.int32), raw[kept]


def _sums(part: Rows, table: Table) -> NDArray[np.float32]:
    sums = part.dense @ table.across
    place = table.place[np.minimum(part.columns, len(table.place) - 1)]
    lines = len(table.wide)
    sums += _those(part, place, 1, lines) @ table.wide
    if len(table.values):
        shape = (len(table.starts) - 1, table.size)
        rare = csr_array((table.values, table.entries, table.starts), shape=shape)
        sums[:, : table.size] += (_those(part, place, lines + 1, lines + shape[0]) @ rare).toarray()
    sums += part.offset[:, None]
    sums += table.base
    return sums


def _those(part: Rows, place: NDArray[np.int32], first: int, last: int) -> csr_array:
    """The rows of `part` over places `first` … `last` alone, numbered from 0."""
    there = (place >= first) & (place <= last)
    ends = np.concatenate(([0], np.cumsum(there, dtype=np.int32)))[part.indptr]
    numbers = (part.weights[there], place[there] - first, ends)
    return csr_array(numbers, shape=(len(part), last - first + 1))
