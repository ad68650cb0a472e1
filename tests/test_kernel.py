"""The kernel: both engines do what the formula says, whatever the shapes, and break for nobody."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core import caching
from scipy.sparse import csr_array

from tasks.score import fused, kernel
from tasks.score.kernel import Edition, Hits, best, matrix
from tasks.score.rows import Row, Rows

ENGINES = ["numba", "scipy"]
every_engine = pytest.mark.parametrize("engine", ENGINES)


def eighths(rng: np.random.Generator, *shape: int) -> Any:
    """Numbers whose products and sums float32 holds exactly, in whatever order."""
    return rng.integers(-8, 9, shape).astype(np.float32) / 8


def edition(size: int, width: int, seed: int = 0, vocabulary: int = 90) -> Edition:
    """Entries with some columns that many have and many that few have."""
    rng = np.random.default_rng(seed)
    there = rng.random((size, vocabulary)) < rng.random(vocabulary) ** 4
    return Edition(csr_array(there * eighths(rng, size, vocabulary)), eighths(rng, size, width))


def rows(count: int, width: int, seed: int = 1, vocabulary: int = 90) -> Rows:
    """Rows of up to 30 columns, a tenth of them beyond the vocabulary."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 31, count)
    return Rows.pack(
        [
            Row(
                key,
                rng.integers(0, vocabulary * 10 // 9, length),
                eighths(rng, length),
                eighths(rng, width),
                *eighths(rng, 2),
            )
            for key, length in enumerate(lengths)
        ],
        width,
    )


def plain(raw: Any, threshold: Any, most: int) -> list[tuple[int, int, float]]:
    """What `best` promises, said in Python, from raw scores (entries × rows)."""
    found = []
    for row, scores in enumerate(raw.T.tolist()):
        reach = [(-s, entry) for entry, s in enumerate(scores) if s >= threshold[row]]
        found += [(row, entry, -minus) for minus, entry in sorted(reach)[:most]]
    return found


def listed(hits: Hits) -> list[tuple[int, int, float]]:
    dtypes = (hits.row.dtype, hits.entry.dtype, hits.raw.dtype)
    assert dtypes == (np.int64, np.int32, np.float32)
    return list(zip(hits.row.tolist(), hits.entry.tolist(), hits.raw.tolist(), strict=True))


def by_hand(packed: Rows, entries: Edition) -> Any:
    """The formula, one row and one entry at a time."""
    sparse = entries.sparse.toarray()
    raw = np.zeros((len(entries), len(packed)))
    for r in range(len(packed)):
        at = slice(packed.indptr[r], packed.indptr[r + 1])
        for e in range(len(entries)):
            pairs = zip(packed.columns[at], packed.weights[at], strict=True)
            sums = sum(float(w) * sparse[e, c] for c, w in pairs if c < sparse.shape[1])
            raw[e, r] = packed.offset[r] + sums + float(packed.dense[r] @ entries.dense[e])
    return raw


def test_the_matrix_is_the_formula() -> None:
    packed, entries = rows(23, 5), edition(17, 5)
    raw = matrix(packed, entries)
    assert raw.dtype == np.float64
    assert raw.tolist() == by_hand(packed, entries).tolist()


@every_engine
@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(0, 40),
    size=st.integers(0, 150),
    width=st.sampled_from([0, 1, 7, 33]),
    most=st.integers(0, 200),
    seed=st.integers(0, 2**32),
)
def test_best_are_the_highest_that_reach_the_threshold_in_order(
    engine: str, count: int, size: int, width: int, most: int, seed: int
) -> None:
    packed, entries = rows(count, width, seed), edition(size, width, seed + 1)
    expected = plain(matrix(packed, entries), packed.threshold, most)
    assert listed(best(packed, entries, most, engine=engine)) == expected


@every_engine
@pytest.mark.parametrize("most", [1, 3, 10])
def test_everybody_gets_most_where_no_threshold_is_set_and_ties_go_to_the_first(
    engine: str, most: int
) -> None:
    packed, entries = rows(40, 3), edition(130, 3)
    packed = replace(packed, threshold=np.full(40, -np.inf, np.float32))
    expected = plain(matrix(packed, entries), packed.threshold, most)
    assert len(expected) == 40 * most
    assert listed(best(packed, entries, most, engine=engine)) == expected


@every_engine
def test_entries_that_score_the_same_come_in_their_own_order(engine: str) -> None:
    alike = Edition(csr_array(np.ones((100, 1), np.float32)), np.ones((100, 1), np.float32))
    one = Rows.pack([Row(1, [0], [1.0], [1.0], 0.5, 2.5)], 1)
    assert listed(best(one, alike, 4, engine=engine)) == [(0, n, 2.5) for n in range(4)]


@every_engine
def test_threads_and_chunks_change_nothing(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    packed, entries = rows(301, 4), edition(70, 4)
    whole = listed(best(packed, entries, 5, engine=engine))
    monkeypatch.setattr(kernel, "PAIRS", 70 * 37)
    for threads in (1, 3):
        assert listed(best(packed, entries, 5, engine=engine, threads=threads)) == whole


@every_engine
def test_callers_in_several_threads_do_not_disturb_one_another(engine: str) -> None:
    days = [(rows(200, 3, seed), edition(50 + seed, 3, seed)) for seed in range(4)]
    expected = [listed(best(packed, entries, 5, engine=engine)) for packed, entries in days]
    found: list[Any] = [None] * 4
    start = Barrier(4)

    def work(day: int) -> None:
        start.wait()
        found[day] = [listed(best(*days[day], 5, engine=engine)) for _ in range(5)]

    threads = [Thread(target=work, args=(day,)) for day in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[lists] * 5 for lists in expected]


@every_engine
def test_few_common_columns_and_many_rare_ones_add_up_the_same(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = rows(50, 2)
    expected = plain(matrix(packed, edition(60, 2)), packed.threshold, 9)
    for kind in [(0, 1), (64 * 4 * 5, 1), (1 << 20, 3), (1 << 20, 1), (1 << 20, 61)]:
        monkeypatch.setattr(kernel, "NEAR", kind)
        monkeypatch.setattr(kernel, "WHOLE", kind)
        assert listed(best(packed, edition(60, 2), 9, engine=engine)) == expected


@every_engine
def test_a_row_of_ten_thousand_columns_counts_as_any_other(engine: str) -> None:
    rng = np.random.default_rng(3)
    wide = Edition(csr_array(np.ones((20, 10_000), np.float32)), np.zeros((20, 0), np.float32))
    weights = eighths(rng, 10_000)
    packed = Rows.pack([Row(1, np.arange(10_000), weights, [], 0, -np.inf), rows_of_one(2)], 0)
    hits = best(packed, wide, 20, engine=engine)
    assert set(hits.raw[:20].tolist()) == {float(weights.sum())}
    assert set(hits.raw[20:].tolist()) == {3.0}


def rows_of_one(key: int) -> Row:
    return Row(key, [5], [2.0], [], 1.0, -np.inf)


@every_engine
def test_columns_beyond_the_editions_count_for_nothing(engine: str) -> None:
    packed = Rows.pack([Row(1, [0, 3, 2**31 - 1], [1, 50, 50], [], 0, -np.inf)], 0)
    entries = Edition(csr_array(np.array([[2.0, 0], [1, 0]])), np.zeros((2, 0), np.float32))
    assert listed(best(packed, entries, 2, engine=engine)) == [(0, 0, 2.0), (0, 1, 1.0)]


def test_the_matrix_ignores_columns_beyond_the_editions_too() -> None:
    packed = Rows.pack([Row(1, [0, 300], [1, 50], [], 0, 0)], 0)
    entries = Edition(csr_array(np.array([[2.0, 0], [1, 0]])), np.zeros((2, 0), np.float32))
    assert matrix(packed, entries).tolist() == [[2.0], [1.0]]


@every_engine
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["sparse", "dense"])
def test_an_entry_with_a_broken_number_is_never_picked_and_harms_no_other(
    engine: str, value: float, where: str
) -> None:
    packed = replace(rows(30, 4), threshold=np.full(30, -np.inf, np.float32))
    whole, broken = edition(40, 4), edition(40, 4)
    (broken.sparse.data if where == "sparse" else broken.dense[7])[0] = value
    spoilt = int(np.repeat(np.arange(40), np.diff(broken.sparse.indptr))[0])
    spoilt = spoilt if where == "sparse" else 7
    raw = matrix(packed, whole)
    raw[spoilt] = np.nan
    np.testing.assert_array_equal(matrix(packed, broken), raw)
    expected = plain(raw, packed.threshold, 40)
    assert len(expected) == 30 * 39
    assert listed(best(packed, broken, 40, engine=engine)) == expected


@every_engine
def test_an_infinite_threshold_lets_nothing_pass(engine: str) -> None:
    packed = replace(rows(30, 4), threshold=np.full(30, np.inf, np.float32))
    assert listed(best(packed, edition(40, 4), 10, engine=engine)) == []


@every_engine
def test_rounded_numbers_agree_with_the_matrix(engine: str) -> None:
    rng = np.random.default_rng(5)
    packed, entries = rows(60, 50), edition(110, 50)
    packed = replace(
        packed,
        weights=rng.standard_normal(len(packed.weights), np.float32),
        dense=rng.standard_normal((60, 50), np.float32),
        threshold=np.full(60, -np.inf, np.float32),
    )
    hits = best(packed, entries, 110, engine=engine)
    raw = matrix(packed, entries)
    np.testing.assert_allclose(hits.raw, raw[hits.entry, hits.row], atol=2e-5)
    assert len(hits.raw) == raw.size


def test_parts_made_by_different_models_are_refused() -> None:
    with pytest.raises(ValueError, match="3 dense numbers and entries 2"):
        best(rows(2, 3), edition(2, 2), 1)
    with pytest.raises(ValueError, match="made by another model"):
        matrix(rows(2, 3), edition(2, 2))
    with pytest.raises(ValueError, match="one sparse and one dense row"):
        Edition(csr_array((3, 5), dtype=np.float32), np.zeros((2, 4), np.float32))


def test_little_work_does_not_load_numba_and_much_does(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(kernel, "_has_numba", lambda: asked.append(1) or False)
    small, entries = rows(40, 2), edition(30, 2)
    few = listed(best(small, entries, 3))
    assert asked == []
    monkeypatch.setattr(kernel, "WORTH", 40 * 30)
    assert listed(best(small, entries, 3)) == few
    assert asked == [1]


def test_numba_is_taken_where_it_is_there_and_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "WORTH", 1)
    monkeypatch.setattr(kernel, "_best_of", None)
    packed, entries = rows(9, 2), edition(20, 2)
    assert listed(best(packed, entries, 2)) == plain(matrix(packed, entries), packed.threshold, 2)


def test_without_numba_scipy_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "WORTH", 1)
    monkeypatch.setattr(kernel, "_has_numba", kernel._has_numba.__wrapped__)  # which remembers
    monkeypatch.setitem(sys.modules, "numba", None)  # as where it is not installed
    monkeypatch.delitem(sys.modules, kernel.FUSED)
    packed, entries = rows(9, 2), edition(20, 2)
    assert listed(best(packed, entries, 2)) == plain(matrix(packed, entries), packed.threshold, 2)
    with pytest.raises(ImportError):
        best(packed, entries, 2, engine="numba")


def doubled(number: int) -> int:
    return 2 * number


def test_code_is_compiled_even_where_no_folder_can_be_written_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    assert fused.compiled(doubled, kept=True)(21) == 42


@pytest.mark.slow
def test_the_bench_runs_and_compares(tmp_path: Path) -> None:
    bench = Path(__file__).parent / "bench" / "bench_score.py"
    words = [sys.executable, str(bench), "30", "200", "--width", "8", "--stored", "60"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "100 entries × 200 profiles" in done.stdout
    for line in ("(limit)", "numba: 10 for everybody", "scipy: about 5", "argpartition", "(floor)"):
        assert done.stdout.count(line) == 2, line
    assert "µs a profile" in done.stdout.splitlines()[-1]
