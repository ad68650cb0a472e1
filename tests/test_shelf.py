"""The shelf: rows are made once, only a changed profile anew, and a damaged file costs only time."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.records import Example, Paper, Profile
from tasks.round import shelf as module
from tasks.round.shelf import Shelf, shelved
from tasks.score import Model, background, fit, matrix, read_papers

SUBJECTS = ("tidal turbines", "bird song", "glass transition", "old maps")
PAPERS = [
    Paper(id=n, title=f"A study of {SUBJECTS[n % 4]} {n}", abstract=f"About {SUBJECTS[n % 4]}.")
    for n in range(60)
]
MODEL = fit(PAPERS)
FIRST = Profile(id=3, terms=("tidal turbines",), examples=(Example(title="Tidal turbines"),))
SECOND = Profile(id=11, phrases=("bird song",), negatives=("old maps",))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The keys of the rows that were really made."""
    keys: list[int] = []
    real = module.compiled

    def counted(*arguments: Any) -> Any:
        keys.append(arguments[2])
        return real(*arguments)

    monkeypatch.setattr(module, "compiled", counted)
    return keys


def take(folder: Path, *profiles: Profile, model: Model = MODEL) -> Shelf:
    return shelved(folder, "shard-1", background(model), profiles)


def evidence(shelf: Shelf, model: Model = MODEL) -> np.ndarray:
    texts = read_papers(background(model), PAPERS[:8])
    return matrix(shelf.rows, texts.answering(shelf.columns.keys()).edition)


def test_rows_are_made_once_and_serve_the_next_time(tmp_path: Path, made: list[int]) -> None:
    before = take(tmp_path, FIRST, SECOND)
    after = take(tmp_path, FIRST, SECOND)
    assert made == [3, 11]
    assert np.array_equal(evidence(before), evidence(after))


def test_only_a_changed_profile_is_made_anew(tmp_path: Path, made: list[int]) -> None:
    take(tmp_path, FIRST, SECOND)
    changed = replace(SECOND, phrases=("glass transition",))
    after = take(tmp_path, FIRST, changed)
    assert made == [3, 11, 11]
    fresh = take(tmp_path / "fresh", changed, FIRST)
    assert np.allclose(evidence(after), evidence(fresh), atol=1e-9)


def test_a_number_that_comes_again_gets_the_row_of_its_new_profile(
    tmp_path: Path, made: list[int]
) -> None:
    take(tmp_path, FIRST)
    another = replace(SECOND, id=FIRST.id)
    after = take(tmp_path, another)
    assert made == [3, 3]
    assert np.array_equal(evidence(after), evidence(take(tmp_path / "fresh", another)))


def test_a_profile_that_is_gone_leaves_and_a_new_one_joins(tmp_path: Path, made: list[int]) -> None:
    take(tmp_path, FIRST, SECOND)
    third = Profile(id=7, terms=("old maps",))
    after = take(tmp_path, third, SECOND)
    assert after.rows.keys.tolist() == [7, 11]
    assert made == [3, 11, 7]
    assert take(tmp_path).rows.keys.tolist() == []


@pytest.mark.parametrize("damage", ["cut", "gone", "no json", "no object"])
def test_a_damaged_file_costs_only_the_time_to_make_it_again(
    tmp_path: Path, made: list[int], damage: str
) -> None:
    before = evidence(take(tmp_path, FIRST))
    (rows,) = tmp_path.glob("*.rows")
    index = tmp_path / "shard-1.json"
    if damage == "cut":
        rows.write_bytes(rows.read_bytes()[:-9])
    elif damage == "gone":
        rows.unlink()
    else:
        index.write_text("{" if damage == "no json" else "[1]")
    assert np.array_equal(evidence(take(tmp_path, FIRST)), before)
    assert made == [3, 3]


def test_another_scorer_makes_all_rows_anew(tmp_path: Path, made: list[int]) -> None:
    take(tmp_path, FIRST)
    take(tmp_path, FIRST, model=fit(PAPERS[:50]))
    assert made == [3, 3]


def test_old_rows_do_not_pile_up_and_shards_do_not_meet(tmp_path: Path) -> None:
    ground = background(MODEL)
    for name in ("tides", "birds", "glass", "maps"):
        last = replace(SECOND, terms=(name,))
        shelved(tmp_path, "shard-1", ground, [replace(FIRST, terms=(name,))])
        shelved(tmp_path, "shard-10", ground, [last])
    assert len(list(tmp_path.glob("*.rows"))) == 2
    assert shelved(tmp_path, "shard-10", ground, [last]).rows.keys.tolist() == [11]


def test_wishes_that_nobody_has_any_more_do_not_pile_up(tmp_path: Path) -> None:
    for version in range(8):
        terms = tuple(f"word{version}x{n}" for n in range(1500))
        shelf = take(tmp_path, replace(FIRST, terms=terms))
    assert len(shelf.columns) <= 64 * 101 + 1500


def test_a_full_disk_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with caplog.at_level(logging.WARNING):
        assert take(blocked, FIRST).rows.keys.tolist() == [3]
    assert "cannot be kept" in caplog.text
