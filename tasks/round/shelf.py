"""The rows of one shard of profiles, kept in a folder: only a profile that changed is made anew.

A shelf is a cache. A file that is missing, damaged, of another fitted scorer or of other contents of
some profiles costs the time to make those rows again, and nothing else. Profiles are known by what
they hold: a number or a version may come again in another database, or after a removal. Two processes
may keep the same shelf: each puts its whole file in place at once, and what is read is checked.
`tasks.round.shelves` says where they stand and takes them away, for who does not score.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from tasks.records import Profile
from tasks.score.background import Background
from tasks.score.recipe import compiled
from tasks.score.rows import Rows
from tasks.score.wishes import Columns

log = logging.getLogger(__name__)

RECIPE = 1  # part of the name of every shelf: raise it when the same profile makes another row
MOST_COLUMNS_EACH = 64  # wishes a profile before a shelf is made anew, since old wishes stay on it


@dataclass(frozen=True, eq=False)
class Shelf:
    """Rows, in the order of their profiles' ids, and the numbers of the wishes in them."""

    rows: Rows
    columns: Columns


def shelved(folder: Path, name: str, ground: Background, profiles: Sequence[Profile]) -> Shelf:
    """The rows of `profiles`, whose ids must be numbers. Kept for next time."""
    wanted = {int(profile.id): _mark(profile) for profile in profiles}
    index, rows = _taken(folder, name, ground)
    columns = Columns(tuple(key) for key in index["columns"])
    if len(columns) > MOST_COLUMNS_EACH * (len(wanted) + 100):
        index, rows, columns = _empty(), Rows.pack([], ground.width), Columns()
    kept = {int(key): mark for key, mark in index["profiles"].items()}
    stale = {key for key in kept | wanted if kept.get(key) != wanted.get(key)}
    if not stale:
        return Shelf(rows, columns)
    made = [
        compiled(ground, profile, int(profile.id), columns)
        for profile in profiles
        if int(profile.id) in stale
    ]
    rows = rows.replace(stale, Rows.pack(made, ground.width))
    _put(folder, name, ground, rows, {"profiles": wanted, "columns": columns.keys()})
    return Shelf(rows, columns)


def unshelved(ground: Background, profiles: Sequence[Profile]) -> Shelf:
    """The rows of `profiles`, whose ids must be numbers, kept nowhere: of what may never be saved."""
    columns = Columns()
    made = [compiled(ground, profile, int(profile.id), columns) for profile in profiles]
    return Shelf(Rows.pack(made, ground.width), columns)


def _empty() -> dict[str, Any]:
    return {"profiles": {}, "columns": []}


def _taken(folder: Path, name: str, ground: Background) -> tuple[dict[str, Any], Rows]:
    try:
        index = json.loads((folder / f"{name}.json").read_bytes())
        if index["of"] == _of(ground):
            return index, Rows.open(folder / index["rows"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the rows of %s in %s are made anew: %s", name, folder, error)
    return _empty(), Rows.pack([], ground.width)


def _put(folder: Path, name: str, ground: Background, rows: Rows, index: dict[str, Any]) -> None:
    """The rows under a name of their own, then the index that names them; older rows go.

    A shelf that cannot be kept (a full disk) is made again next time.
    """
    body = json.dumps(index | {"of": _of(ground)}, sort_keys=True).encode()
    target = f"{name}.{hashlib.sha256(body).hexdigest()[:16]}.rows"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        rows.save(folder / target)
        whole = json.dumps({**json.loads(body), "rows": target}).encode()
        with NamedTemporaryFile(dir=folder, prefix=f".{name}.", delete=False) as file:
            file.write(whole)
        os.replace(file.name, folder / f"{name}.json")
        for path in folder.glob(f"{name}.*.rows"):
            if path.name != target:
                path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("the rows of %s cannot be kept in %s: %s", name, folder, error)


def _mark(profile: Profile) -> str:
    """A name for what a profile holds."""
    return hashlib.sha256(repr(profile).encode(errors="replace")).hexdigest()[:16]


def _of(ground: Background) -> str:
    return f"{RECIPE}-{ground.model.version}"
