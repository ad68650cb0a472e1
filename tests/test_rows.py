"""Packed profiles: the same bytes whatever their history, and files that are whole or refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.score import rows as module
from tasks.score.rows import Row, Rows


def row(key: int, *terms: tuple[int, float], dense: Any = (0.0, 0.0), **changed: float) -> Row:
    columns, weights = [column for column, _ in terms], [weight for _, weight in terms]
    return Row(key, columns, weights, dense, **{"offset": 0.5, "threshold": 1.0} | changed)


def same(left: Rows, right: Rows) -> bool:
    pairs = [(getattr(left, field.name), getattr(right, field.name)) for field in fields(Rows)]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def some(keys: list[int], mark: float) -> list[Row]:
    """Rows whose length and numbers tell them apart."""
    return [
        row(key, *((column, mark) for column in range(key % 4)), dense=(mark, place))
        for place, key in enumerate(keys)
    ]


def test_rows_stand_in_the_order_of_keys_with_their_columns_sorted() -> None:
    packed = Rows.pack([row(7, (5, 0.5), (2, 0.25)), row(3, dense=(1, 2)), row(7, (1, 4))], 2)
    assert packed.keys.tolist() == [3, 7, 7]
    assert packed.indptr.tolist() == [0, 0, 2, 3]
    assert packed.columns.tolist() == [2, 5, 1]
    assert packed.weights.tolist() == [0.25, 0.5, 4]
    assert packed.dense.tolist() == [[1, 2], [0, 0], [0, 0]]
    assert (len(packed), packed.width) == (3, 2)


@pytest.mark.parametrize(
    ("unfit", "words"),
    [
        (row(9, (1, float("nan"))), "Profile 9 has a weight"),
        (row(9, (1, 1e39)), "Profile 9 has a weight"),
        (row(9, offset=float("inf")), "Profile 9 has a weight, offset"),
        (row(9, threshold=float("nan")), "Profile 9 has a weight, offset or threshold"),
        (row(9, dense=(0.0, float("inf"))), "Profile 9 has a dense number"),
        (row(9, dense=(0.0,)), "Profile 9 has 1 dense numbers instead of 2"),
        (row(9, (-1, 1.0)), "Profile 9 has a column outside"),
        (row(9, (2**31, 1.0)), "Profile 9 has a column outside"),
        (Row(9, [1, 2], [1.0], (0, 0), 0, 0), "Profile 9 has 2 columns for 1 weights"),
    ],
)
def test_an_unfit_row_is_refused_by_its_key(unfit: Row, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Rows.pack([row(1), unfit], 2)


def test_a_threshold_may_let_all_or_none_pass() -> None:
    edges = [row(1, threshold=-np.inf), row(2, threshold=np.inf)]
    assert Rows.pack(edges, 2).threshold.tolist() == [-np.inf, np.inf]


@given(
    old=st.lists(st.integers(0, 9), max_size=9),
    new=st.lists(st.integers(0, 9), max_size=5),
    gone=st.sets(st.integers(0, 9), max_size=3),
)
def test_replacing_profiles_makes_what_building_all_anew_would(
    old: list[int], new: list[int], gone: set[int]
) -> None:
    before, changed = some(old, 1.0), some(new, 2.0)
    kept = [row for row in before if row.key not in gone.union(new)]
    replaced = Rows.pack(before, 2).replace(gone, Rows.pack(changed, 2))
    assert same(replaced, Rows.pack(kept + changed, 2))


def test_parts_put_together_are_the_whole() -> None:
    whole = Rows.pack(some([1, 2, 3, 3, 6, 7], 1.0), 2)
    assert same(Rows.concatenate([whole.part(0, 2), whole.part(2, 2), whole.part(2, 6)]), whole)
    assert len(Rows.concatenate([])) == 0


def test_parts_out_of_order_or_of_another_width_are_refused() -> None:
    first, second = Rows.pack([row(1)], 2), Rows.pack([row(2)], 2)
    with pytest.raises(ValueError, match="in the order of their keys"):
        Rows.concatenate([second, first])
    with pytest.raises(ValueError, match="different dense widths"):
        Rows.concatenate([first, Rows.pack([], 3)])


@pytest.mark.parametrize("keys", [[], [4], list(range(40))])
@pytest.mark.parametrize("width", [0, 2])
def test_what_was_saved_is_opened_as_it_was(tmp_path: Path, keys: list[int], width: int) -> None:
    made = [row(key, (key, 0.1), dense=np.full(width, key)) for key in keys]
    packed = Rows.pack(made, width)
    packed.save(tmp_path / "shard")
    opened = Rows.open(tmp_path / "shard")
    assert same(opened, packed)
    opened.threshold[:] = 7
    assert same(Rows.open(tmp_path / "shard"), packed)
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]


def test_a_file_in_use_may_be_replaced(tmp_path: Path) -> None:
    old, new = Rows.pack(some([1, 2, 3], 1.0), 2), Rows.pack(some([1, 2, 3, 4], 2.0), 2)
    old.save(tmp_path / "shard")
    opened = Rows.open(tmp_path / "shard")
    new.save(tmp_path / "shard")
    assert same(opened, old)
    assert same(Rows.open(tmp_path / "shard"), new)


def test_a_save_that_fails_leaves_the_old_file_and_no_rubbish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Rows.pack(some([1, 2], 1.0), 2)
    old.save(tmp_path / "shard")

    def full(number: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(OSError, match="no space left"):
        Rows.pack(some([3], 2.0), 2).save(tmp_path / "shard")
    assert [path.name for path in tmp_path.iterdir()] == ["shard"]
    assert same(Rows.open(tmp_path / "shard"), old)


def saved(folder: Path) -> tuple[Path, bytearray]:
    path = folder / "shard"
    Rows.pack(some([1, 2, 3], 1.0), 2).save(path)
    return path, bytearray(path.read_bytes())


def refused(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(ValueError, match="delete it and build it anew") as caught:
        Rows.open(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path, data = saved(tmp_path)
    for length in [*range(0, len(data), 13), len(data) - 1]:
        refused(path, data[:length])
    assert "bytes instead of" in refused(path, data + b"\0")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"paperround", b"papersound", "begins otherwise"),
        (b'"version": 1', b'"version": 2', "another version"),
        (b'"version": 1', b'"version" 12', "delimiter"),
        (b'"version": 1', b'"verse": 120', "version"),
        (b'"width": 2', b'"depth": 2', "depth"),
        (b'"width": 2', b'"width":-2', "counts wrongly"),
        (b'"rows": 3', b'"rows":99', "bytes instead of"),
        (b'{"version": 1, ', b"[[[[[[[[[[[[[[[", ""),
    ],
)
def test_a_header_that_is_not_ours_is_refused(
    tmp_path: Path, old: bytes, new: bytes, words: str
) -> None:
    path, data = saved(tmp_path)
    assert old in data
    assert words in refused(path, data.replace(old, new))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("indptr", 5, "follow one another"),
        ("keys", 9, "do not ascend"),
        ("columns", -1, "column below 0"),
        ("weights", np.nan, "number that is none"),
        ("dense", -np.inf, "number that is none"),
        ("offset", np.inf, "number that is none"),
        ("threshold", np.nan, "number that is none"),
    ],
)
def test_arrays_that_would_lead_astray_are_refused(
    tmp_path: Path, name: str, value: float, words: str
) -> None:
    rows = Rows.pack(some([1, 2, 3], 1.0), 2)
    getattr(rows, name).flat[1] = value
    rows.save(tmp_path / "shard")
    assert words in refused(tmp_path / "shard", (tmp_path / "shard").read_bytes())


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Rows.open(tmp_path / "shard")
