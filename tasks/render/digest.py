"""A digest's words: the same picks, numbers and reasons as html and as plain text.

Gmail clips a mail at about 102 KB of html, and what it hides first is the way to unsubscribe. So
the html is kept under `LARGEST` bytes, and whatever is shortened for that is shortened in both
bodies: abstracts from the bottom up, then papers to one line, then the last ones to a count.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from typing import Any

from jinja2 import Template

from tasks.records import Digest, Letterhead, Rendered
from tasks.render import links
from tasks.render.plan import NAME, TITLE, Shape, planned, reading_minutes, shapes, sheet
from tasks.render.text import clean, cut, fill
from templates import environment

LARGEST = 80_000  # bytes of html


def render(digest: Digest, letterhead: Letterhead) -> Rendered:
    """The digest as subject, plain text and html, without a picture, a script or a hidden word.

    Everything from a paper is text and every link shows its true host. Where no public address is
    set (`letterhead.base_url`) or the reader has no token, links to us are left out. Raises
    `ValueError` for a digest without picks: such a digest is not sent.
    """
    if not digest.picks:
        raise ValueError(f"digest {digest.id} has no picks: there is nothing to send")
    html, context = _fitted(digest, _context(digest, letterhead))
    text = _template("body.txt").render(context).rstrip("\n") + "\n"
    return Rendered(subject=context["subject"], text=text, html=html)


def _fitted(digest: Digest, context: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The fullest html that is not too large, and all that it was made of.

    Sizes fall from shape to shape: a few drafts find the one, however many picks there are.
    """
    drafts: dict[Shape, tuple[str, dict[str, Any]]] = {}

    def fits(shape: Shape) -> bool:
        plan = planned(digest.picks, shape)
        filled = context | {"plan": plan, "dateline": dateline(digest, reading_minutes(plan))}
        drafts[shape] = _template("body.html").render(filled), filled
        return len(drafts[shape][0].encode()) <= LARGEST

    fullest, *others = shapes(len(digest.picks))
    if fits(fullest):
        return drafts[fullest]
    return drafts[others[bisect_left(others, True, key=fits)]]


def _context(digest: Digest, letterhead: Letterhead) -> dict[str, Any]:
    """The names that the templates use, but for the plan's. Day names are English, as the mail."""
    reader = digest.reader
    best = sheet(digest.picks[0].paper)
    return {
        "subject": _template("subject.txt").render(
            title=best.title, count=len(digest.picks), cut=cut
        ),
        "sender": cut(clean(letterhead.sender_name), NAME),
        "address": cut(clean(reader.email), TITLE),
        "next": next_time(digest),
        "ways": links.ways(letterhead, reader),
        "postal": cut(clean(letterhead.postal_address), TITLE),
        "fill": fill,
    }


def dateline(digest: Digest, minutes: int) -> str:
    """The first line, which inboxes show beside the subject: the day, how much, and how long."""
    papers = _counted(len(digest.picks), "paper")
    considered = max(digest.considered, len(digest.picks))
    day = f"{_day(digest.day)} {digest.day.year}"
    return f"{day} · {papers} of {considered} new · {_counted(minutes, 'minute')} to read"


def next_time(digest: Digest) -> str:
    """When the next digest comes, in the reader's own zone; empty where none is planned."""
    if digest.next_day is None:
        return ""
    zone = cut(clean(digest.reader.timezone), NAME)
    return f"{_day(digest.next_day)}, about {digest.reader.hour:02d}:00 ({zone})"


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _template(name: str) -> Template:
    return environment.get_template(f"email/digest/{name}")
