"""What the checks share: what they look at, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tasks.errors import PaperroundError
from tasks.settings import Settings

PATIENCE_S = (
    3.0  # for one conversation: less than all checks have, so that its own words reach the finding
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome in a sentence, and the way out where it is not `ok`."""

    name: str
    ok: bool
    says: str
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """What the checks look at."""

    settings: Settings
    clock: Callable[[], datetime]


class Wrong(PaperroundError):
    """What a check found, and the way out."""

    def __init__(self, says: str, way_out: str) -> None:
        super().__init__(says)
        self.way_out = way_out


def nearest(path: Path) -> Path:
    """The path itself, or the nearest thing above it that exists."""
    return next(near for near in (path, *path.parents) if near.exists())
