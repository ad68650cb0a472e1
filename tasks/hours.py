"""When a reader's digest is due: their hour, on their weekdays, in their own zone. Pure.

Days and hours are local, so a day without that hour (clocks go forward) delivers at the first moment
after the gap, and a day with that hour twice delivers at the first of the two.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tasks.errors import UsageError
from tasks.records import Reader


def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises `UsageError` naming it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # missing, malformed, or a folder of zones
        raise UsageError(f"there is no time zone {name!r}: use a name like Europe/Rome") from None


def is_zone(name: str) -> bool:
    """Whether this machine knows the zone."""
    try:
        zone(name)
    except UsageError:
        return False
    return True


def due_on(reader: Reader, day: date) -> datetime:
    """The moment (UTC) at which that local day's digest is due."""
    local = datetime.combine(day, time(reader.hour), tzinfo=zone(reader.timezone))
    return local.astimezone(UTC)


def day_due(reader: Reader, at: datetime) -> date | None:
    """The local day whose digest should exist at `at`, if that day is one of the reader's."""
    day = at.astimezone(zone(reader.timezone)).date()
    return day if day.isoweekday() in reader.days and due_on(reader, day) <= at else None


def next_due(reader: Reader, after: datetime) -> datetime | None:
    """The first moment later than `after` at which a digest is due; None for a reader without days."""
    day = after.astimezone(zone(reader.timezone)).date()
    coming = (day + timedelta(days=n) for n in range(9))
    moments = (due_on(reader, d) for d in coming if d.isoweekday() in reader.days)
    return next((moment for moment in moments if moment > after), None)
