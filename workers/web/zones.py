"""The time zones that a form offers, by the part of the world."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from zoneinfo import available_timezones

AREAS = (  # other names are old ones, or no places
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)


@lru_cache(maxsize=1)
def zones() -> dict[str, list[str]]:
    """The names of all zones that are places, by area."""
    names = sorted(name for name in available_timezones() if name.partition("/")[0] in AREAS)
    return {area: list(same) for area, same in groupby(names, lambda name: name.partition("/")[0])}
