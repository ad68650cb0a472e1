"""The kernel in machine code, made by numba: an extra, so only `tasks.score.kernel` asks for this.

Rows go by in blocks of `ROWS`, whose sums fit into the nearest cache: the dense parts of a block
times the edition's, then the sparse parts added, then what reaches the threshold picked out.

- The dense product keeps `ROWS` × `LANES` sums in registers (Goto and van de Geijn, 2008). It comes
  within a sixth of OpenBLAS on one core and has no threads of its own, which would wait for cores
  that ours are using.
- A column that many entries have is added as a whole line, a rare one by its postings, and one that
  no entry has costs a look at its place. Looking up goes without branches, which no processor could
  foresee, and before adding.
- Every sum has a fixed order, so the same rows and entries give the same bits on one machine.

Unsigned numbers are used as indices where numba would else ask whether they count from the end.
What is compiled, or runs only while compiling, is out of sight for coverage, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from tasks.score.kernel import SPAN, Found, Table
from tasks.score.rows import Rows

# By name, since they are an extra: who imports this module without it gets an ImportError.
numba = import_module("numba")
ir = import_module("llvmlite.ir")
binding = import_module("llvmlite.binding")
cgutils = import_module("numba.core.cgutils")
types = import_module("numba.core.types")
intrinsic = import_module("numba.core.extending").intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])
Index = np.uint32

# Sums in registers, beside one number of the left side and some of the right: AVX-512 has 32
# registers of 16 numbers, AVX2 has 16 of 8.
ROWS, LANES = (16, 16) if binding.get_host_cpu_features().get("avx512f") else (12, 8)
PARTS = 16  # of a row, for a first look at how high its sums go
VECTOR = ir.VectorType(ir.FloatType(), LANES)
BLANK = ir.Constant(VECTOR, ir.Undefined)
FIRST = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)


class Shard(NamedTuple):
    """`Rows` as compiled code takes them."""

    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]
    weights: NDArray[np.float32]
    dense: NDArray[np.float32]
    offset: NDArray[np.float32]
    threshold: NDArray[np.float32]


class Desk(NamedTuple):
    """Room for a block: its `sums` and dense rows, then of all its rows the places and weights that count.

    Row r has `lines` with `factors` from ends[0, r] up to ends[0, r + 1], and `rare` with `others`
    by ends[1]. `chosen` and `peaks` are for picking from one row.
    """

    sums: NDArray[np.float32]
    left: NDArray[np.float32]
    ends: NDArray[np.int64]
    lines: NDArray[np.int32]
    factors: NDArray[np.float32]
    rare: NDArray[np.int32]
    others: NDArray[np.float32]
    chosen: NDArray[np.int32]
    peaks: NDArray[np.float32]


def compiled(function: Function, *, kept: bool = False) -> Function:
    """`function` in machine code that lets other threads run; `kept` on disk where that is allowed.

    A product and a sum may become one instruction; no other liberty is taken with the numbers.
    """
    words = {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}
    try:
        made = numba.njit(cache=kept, **words)(function)
    except RuntimeError:  # neither this folder nor the user's cache can be written to
        made = numba.njit(**words)(function)
    return cast(Function, made)


def _spot(builder: Any, array: Any, place: Any) -> Any:  # pragma: no cover
    """Where `LANES` numbers of an array stand."""
    return builder.bitcast(builder.gep(array.data, [place]), VECTOR.as_pointer())


def _add_product(builder: Any, one: Any, many: Any, total: Any) -> None:  # pragma: no cover
    """`total += one · many`: of a number, lanes, and lanes in a register."""
    one = builder.insert_element(BLANK, one, ir.Constant(ir.IntType(32), 0))
    more = builder.fmul(builder.shuffle_vector(one, BLANK, FIRST), many, flags=("contract",))
    builder.store(builder.fadd(builder.load(total), more, flags=("contract",)), total)


@intrinsic  # type: ignore[untyped-decorator]
def add_tile(  # pragma: no cover
    _typing: Any, left: Any, right: Any, lane: Any, sums: Any
) -> Any:
    """`sums[r, lane + l] += left[r] · right[:, lane + l]` for r < ROWS and l < LANES.

    All three are C-ordered float32. Written in LLVM's language, since in numba's own the sums would
    be in memory, at a third of the speed.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        arrays = zip(signature.args, args, strict=True)
        left, right, sums = (
            context.make_array(kind)(context, builder, value)
            for kind, value in arrays
            if isinstance(kind, types.Array)
        )
        lane = context.cast(builder, args[2], signature.args[2], types.intp)
        depth, length = cgutils.unpack_tuple(builder, right.shape)
        rows = [context.get_constant(types.intp, r) for r in range(ROWS)]
        homes = [_spot(builder, sums, builder.add(builder.mul(r, length), lane)) for r in rows]
        heads = [builder.mul(r, depth) for r in rows]
        totals = [cgutils.alloca_once(builder, VECTOR) for _ in rows]
        for home, total in zip(homes, totals, strict=True):
            builder.store(builder.load(home, align=4), total)
        with cgutils.for_range(builder, depth) as loop:
            place = builder.add(builder.mul(loop.index, length), lane)
            many = builder.load(_spot(builder, right, place), align=4)
            for head, total in zip(heads, totals, strict=True):
                one = builder.load(builder.gep(left.data, [builder.add(head, loop.index)]))
                _add_product(builder, one, many, total)
        for home, total in zip(homes, totals, strict=True):
            builder.store(builder.load(total), home, align=4)
        return context.get_dummy_value()

    return types.void(left, right, lane, sums), generate


@intrinsic  # type: ignore[untyped-decorator]
def add_lines(  # pragma: no cover
    _typing: Any, wide: Any, terms: Any, span: Any, sums: Any, row: Any
) -> Any:
    """`sums[row] += Σ factors[n] · wide[lines[n]]` for n in span, where terms = (lines, factors).

    Lines are C-ordered float32 and a multiple of `SPAN` long, of which the sums are in registers.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def array(kind: Any, value: Any) -> Any:
            return context.make_array(kind)(context, builder, value)

        def constant(number: int) -> Any:
            return context.get_constant(types.intp, number)

        wide, sums = (array(signature.args[n], args[n]) for n in (0, 3))
        pair = zip(signature.args[1], cgutils.unpack_tuple(builder, args[1]), strict=True)
        lines, factors = (array(kind, value) for kind, value in pair)
        start, stop = cgutils.unpack_tuple(builder, args[2])
        _, length = cgutils.unpack_tuple(builder, sums.shape)
        head = builder.mul(context.cast(builder, args[4], signature.args[4], types.intp), length)
        steps = [constant(n) for n in range(0, SPAN, LANES)]
        totals = [cgutils.alloca_once(builder, VECTOR) for _ in steps]
        zero, span = constant(0), constant(SPAN)
        with cgutils.for_range_slice(builder, zero, length, span, inc=True) as (lane, _):
            home = builder.add(head, lane)
            homes = [_spot(builder, sums, builder.add(home, step)) for step in steps]
            for spot, total in zip(homes, totals, strict=True):
                builder.store(builder.load(spot, align=4), total)
            with cgutils.for_range(builder, stop, start) as loop:
                line = builder.load(builder.gep(lines.data, [loop.index]))
                line = builder.mul(builder.sext(line, length.type), length)
                at = builder.add(line, lane)
                one = builder.load(builder.gep(factors.data, [loop.index]))
                for step, total in zip(steps, totals, strict=True):
                    many = builder.load(_spot(builder, wide, builder.add(at, step)), align=4)
                    _add_product(builder, one, many, total)
            for spot, total in zip(homes, totals, strict=True):
                builder.store(builder.load(total), spot, align=4)
        return context.get_dummy_value()

    return types.void(wide, terms, span, sums, row), generate


@compiled  # pragma: no cover
def _begin(shard: Shard, first: int, count: int, table: Table, desk: Desk) -> None:
    """The offsets and the dense parts."""
    for r in range(count):
        for lane in range(len(table.base)):
            desk.sums[r, lane] = table.base[lane] + shard.offset[first + r]
    desk.left[:count] = shard.dense[first : first + count]  # read once, in the order it lies in
    for lane in range(0, table.size, LANES):
        add_tile(desk.left, table.across, lane, desk.sums)


@compiled  # pragma: no cover
def _look_up(shard: Shard, first: int, count: int, table: Table, desk: Desk) -> None:
    """Which columns of the block are lines and which are rare, row by row."""
    last, lines = Index(len(table.place) - 1), np.int32(len(table.wide))
    n = m = Index(0)
    desk.ends[:, 0] = 0
    for r in range(count):
        for number in range(shard.indptr[first + r], shard.indptr[first + r + 1]):
            place = table.place[min(Index(shard.columns[number]), last)]
            weight = shard.weights[number]
            desk.lines[n], desk.factors[n] = place - 1, weight
            n += Index((place > 0) & (place <= lines))
            desk.rare[m], desk.others[m] = place - lines - 1, weight
            m += Index(place > lines)
        desk.ends[0, r + 1], desk.ends[1, r + 1] = n, m


@compiled  # pragma: no cover
def _add_sparse(count: int, table: Table, desk: Desk) -> None:
    for r in range(count):
        span = (desk.ends[0, r], desk.ends[0, r + 1])
        add_lines(table.wide, (desk.lines, desk.factors), span, desk.sums, r)
        for number in range(Index(desk.ends[1, r]), Index(desk.ends[1, r + 1])):
            weight, at = desk.others[number], Index(desk.rare[number])
            for posting in range(table.starts[at], table.starts[at + Index(1)]):
                entry = Index(table.entries[posting])
                desk.sums[r, entry] += weight * table.values[posting]


@compiled  # pragma: no cover
def _reach(desk: Desk, row: int, threshold: np.float32, size: int) -> int:
    """Choose the entries from the threshold on; a sum that is NaN never is."""
    n = Index(0)
    for entry in range(Index(size)):
        desk.chosen[n] = entry
        n += Index(desk.sums[Index(row), entry] >= threshold)
    return int(n)


@compiled  # pragma: no cover
def _bar(desk: Desk, row: int, most: int) -> np.float32:
    """A bar that at least `most` ≤ `PARTS` sums of a row reach, and few more.

    It is the `most`-th highest among the peaks of `PARTS` parts of the row. Comparisons are bare,
    since `max` would hand on NaN, which here is what no entry has.
    """
    bar = np.float32(np.inf)
    desk.peaks[:] = -np.inf
    for start in range(Index(0), Index(desk.sums.shape[1]), Index(PARTS)):
        for part in range(Index(PARTS)):
            raw, peak = desk.sums[Index(row), start + part], desk.peaks[part]
            desk.peaks[part] = raw if raw > peak else peak
    for part in range(PARTS):
        peak, above = desk.peaks[part], Index(0)
        for other in range(PARTS):
            above += Index(desk.peaks[other] > peak)
        bar = peak if (above < most) & (peak < bar) else bar
    return bar


@compiled  # pragma: no cover
def _sort(
    desk: Desk, row: int, chosen: int, entries: NDArray[np.int32], raws: NDArray[np.float32]
) -> int:
    """Fill entries and raws with the highest of the chosen, of equals the first."""
    found, most = 0, len(raws)
    for i in range(chosen):
        entry = Index(desk.chosen[i])
        raw = desk.sums[Index(row), entry]
        if found == most and raw <= raws[most - 1]:
            continue
        found = min(found + 1, most)
        at = found - 1
        while at > 0 and raws[at - 1] < raw:
            raws[at], entries[at] = raws[at - 1], entries[at - 1]
            at -= 1
        raws[at], entries[at] = raw, entry
    return found


def _search(  # pragma: no cover
    shard: Shard, table: Table, most: int, start: int, stop: int
) -> Found:
    counts = np.zeros(stop - start, np.intp)
    entries = np.empty((stop - start) * most, np.int32)
    raws = np.empty((stop - start) * most, np.float32)
    longest = 0
    for first in range(start, stop, ROWS):
        longest = max(longest, shard.indptr[min(stop, first + ROWS)] - shard.indptr[first])
    desk = Desk(
        np.zeros((ROWS, len(table.base)), np.float32),
        np.zeros((ROWS, shard.dense.shape[1]), np.float32),
        np.zeros((2, ROWS + 1), np.int64),
        np.empty(longest + 1, np.int32),
        np.empty(longest + 1, np.float32),
        np.empty(longest + 1, np.int32),
        np.empty(longest + 1, np.float32),
        np.empty(table.size + 1, np.int32),
        np.empty(PARTS, np.float32),
    )
    end = 0
    for first in range(start, stop, ROWS):
        count = min(ROWS, stop - first)
        _begin(shard, first, count, table, desk)
        _look_up(shard, first, count, table, desk)
        _add_sparse(count, table, desk)
        for r in range(count):
            chosen = _reach(desk, r, shard.threshold[first + r], table.size)
            if most <= PARTS and chosen > 2 * PARTS:  # sorting all would take longer
                chosen = _reach(desk, r, _bar(desk, r, most), table.size)
            room = slice(end, end + most)
            found = _sort(desk, r, chosen, entries[room], raws[room])
            counts[first + r - start] = found
            end += found
    return counts, entries[:end], raws[:end]


_compiled_search = compiled(_search, kept=True)


def best_of(rows: Rows, table: Table, most: int, start: int, stop: int) -> Found:
    """The hits of rows start … stop - 1: how many each row has, their entries and raw scores."""
    shard = Shard(*(getattr(rows, name) for name in Shard._fields))
    return _compiled_search(shard, table, most, start, stop)
