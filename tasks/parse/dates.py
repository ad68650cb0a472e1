"""Dates as feeds write them → aware times. A part that is not written is never made up."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_WEEKDAY = r"(?:[A-Za-z]+,?\s+)?"
_DAYS = tuple(
    re.compile(r"\s*" + pattern + r"(?!\d)", re.ASCII)
    for pattern in (
        r"(?P<year>\d{4})(?P<dash>-?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)",
        _WEEKDAY + r"(?P<day>\d{1,2})[\s-]+(?P<name>[A-Za-z]{3,9})\.?[\s-]+(?P<year>\d{4}|\d\d)",
        _WEEKDAY + r"(?P<name>[A-Za-z]{3,9})\.?\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})",
    )
)
_CLOCK = re.compile(
    r"(?:T|,?\s+)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?"
    r"\s*(?P<zone>[+-]\d\d:?\d\d|[A-Za-z]{1,5})?",
    re.ASCII,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# RFC 822 knows ten zones; these others are what feeds really send. Unknown ones are read as UTC.
_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "BST": 1, "CET": 1, "MET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "HKT": 8, "SGT": 8,
    "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11,
}  # fmt: skip


def moment(text: str) -> datetime | None:
    """Returns the time that `text` names, in the zone it is written in, or None.

    Reads RFC 3339, RFC 822 and `August 4, 2026`. Without a clock it is midnight; without a day
    (`2026`, `Aug 2026`) or with a day that does not exist it is None.
    """
    for pattern in _DAYS:
        if found := pattern.match(text):
            try:
                return _build(found, _CLOCK.match(text, found.end()))
            except ValueError:  # the 32nd, the 13th month, a zone a day away
                return None
    return None


def published(text: str, now: datetime) -> datetime | None:
    """Returns `moment` in UTC as a date of publication seen at `now`.

    Nothing is from 1970 (that is a zero in a clock) or before; what claims to be more than a day
    ahead is from `now`.
    """
    found = moment(text)
    if found is None or found.year <= 1970:
        return None
    return now if found > now + timedelta(days=1) else found.astimezone(UTC)


def _build(day: re.Match[str], clock: re.Match[str] | None) -> datetime:
    parts = day.groupdict()
    month = parts.get("month") or _MONTHS.index(parts["name"][:3].lower()) + 1
    year = int(parts["year"])
    if len(parts["year"]) == 2:  # the century as RFC 2822 §4.3 says
        year += 2000 if year < 50 else 1900
    if clock is None:
        return datetime(year, int(month), int(parts["day"]), tzinfo=UTC)
    second = min(int(clock["second"] or 0), 59)  # a leap second
    hour, minute = int(clock["hour"]), int(clock["minute"])
    zone = _zone(clock["zone"] or "")
    return datetime(year, int(month), int(parts["day"]), hour, minute, second, tzinfo=zone)


def _zone(name: str) -> tzinfo:
    if name[:1] in ("+", "-") and name:
        ahead = timedelta(hours=int(name[1:3]), minutes=int(name[-2:]))
        return timezone(-ahead if name[0] == "-" else ahead)
    return timezone(timedelta(hours=_ZONES.get(name.upper(), 0)))
