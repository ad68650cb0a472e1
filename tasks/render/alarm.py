"""Alarms as a mail to the admins: plain text, in English, as the admin's pages are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.records import Rendered
from tasks.render.text import clean, cut, fill

SUBJECT, LINE = 120, 1000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told of an alarm: raised, or cleared at `cleared_at`. `link` leads to where it is mended."""

    title: str
    words: str
    remedy: str
    link: str
    raised_at: datetime
    cleared_at: datetime | None = None


def write(told: Sequence[Told]) -> Rendered:
    """One mail of all that changed, what wants somebody first. `told` is not empty."""
    ordered = [
        *(one for one in told if not one.cleared_at),
        *(one for one in told if one.cleared_at),
    ]
    first = ordered[0]
    begin = "Cleared" if first.cleared_at else "Alarm"
    more = f" (and {len(ordered) - 1} more)" if len(ordered) > 1 else ""
    text = "\n\n".join(_one(one) for one in ordered) + "\n"
    return Rendered(
        subject=f"{begin}: {cut(clean(first.title), SUBJECT)}{more}", text=text, html=""
    )


def _one(one: Told) -> str:
    if one.cleared_at:
        head = f"CLEARED at {_moment(one.cleared_at)}, raised at {_moment(one.raised_at)}"
        return "\n".join((head, _lines(one.words)))
    remedy = _lines(f"What to do: {one.remedy}")
    return "\n".join((f"ALARM at {_moment(one.raised_at)}", _lines(one.words), remedy, one.link))


def _lines(words: str) -> str:
    return fill(cut(clean(words), LINE))


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
