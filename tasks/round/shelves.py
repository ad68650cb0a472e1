"""Where the shelves of rows stand (`tasks.round.shelf`), and taking one away."""

from __future__ import annotations

from pathlib import Path

from tasks.round.context import Context


def shelf_of(context: Context, shard_id: int) -> tuple[Path, str]:
    """The folder and the name of a shard's shelf."""
    return context.settings.home / "shelves", f"shard-{shard_id}"


def forget(folder: Path, name: str) -> None:
    """Take a shelf away: it names what its readers are interested in. Raises `OSError`."""
    for pattern in (f"{name}.json", f"{name}.*.rows", f".{name}.*"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
