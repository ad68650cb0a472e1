"""A digest's words: the same picks, numbers and reasons as html and as plain text.

Gmail clips a mail at about 102 KB of html, and what it hides first is the way to unsubscribe. So
the html is kept under `LARGEST` bytes, and whatever is shortened for that is shortened in both
bodies: abstracts from the bottom up, then papers to one line, then the last ones to a count.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from tasks.records import Digest, Letterhead, PickKind, Rendered, Want
from tasks.render import links
from tasks.render.plan import (
    NAME,
    TITLE,
    Shape,
    itemised,
    planned,
    reading_minutes,
    shapes,
    sheet,
)
from tasks.render.text import clean, cut, fill
from templates import Words, msgid, words_for
from templates import render as filled

LARGEST = 80_000  # bytes of html
WANTS = (  # what may be said of a paper, in full and in short
    (Want.MORE, msgid("More like this"), msgid("More")),
    (Want.LESS, msgid("Less like this"), msgid("Less")),
    (Want.SAVE, msgid("Save for later"), msgid("Save it")),
)


def render(digest: Digest, letterhead: Letterhead) -> Rendered:
    """The digest as subject, plain text and html, without a picture, a script or a hidden word.

    The frame is in the reader's language, the papers in their own. Everything from a paper is text
    and every link shows its true host. Where no public address is set (`letterhead.base_url`), or the
    token or mark of a link is missing, that link to us is left out. Raises `ValueError` for a digest
    without picks: such a digest is not sent.
    """
    if not digest.picks:
        raise ValueError(f"digest {digest.id} has no picks: there is nothing to send")
    words = words_for(digest.reader.language)
    html, context = _fitted(digest, letterhead, words)
    text = _body("txt", words, context).rstrip("\n") + "\n"
    return Rendered(subject=context["subject"], text=text, html=html)


def _fitted(digest: Digest, letterhead: Letterhead, words: Words) -> tuple[str, dict[str, Any]]:
    """The fullest html that is not too large, and all that it was made of.

    Sizes fall from shape to shape: a few drafts find the one, however many picks there are.
    """
    drafts: dict[Shape, tuple[str, dict[str, Any]]] = {}
    context, items = _context(digest, letterhead, words), itemised(digest, letterhead, words)

    def fits(shape: Shape) -> bool:
        plan = planned(items, shape)
        first = dateline(digest, reading_minutes(plan), words)
        section = _section(context["popular"], bool(plan.top), words)
        values = context | {"plan": plan, "dateline": first, "section": section}
        drafts[shape] = _body("html", words, values), values
        return len(drafts[shape][0].encode()) <= LARGEST

    fullest, *others = shapes(len(items), digest.reader.length)
    if fits(fullest):
        return drafts[fullest]
    return drafts[others[bisect_left(others, True, key=fits)]]


def _context(digest: Digest, letterhead: Letterhead, words: Words) -> dict[str, Any]:
    """The names that the templates use, but for the plan's."""
    reader, marks = digest.reader, digest.marks
    return {
        "subject": _subject(digest, words),
        "sender": cut(clean(letterhead.sender_name), NAME),
        "address": cut(clean(reader.email), TITLE),
        "next": next_time(digest, words),
        "mended": _mended(digest, words),
        "popular": any(pick.kind is PickKind.POPULAR for pick in digest.picks),
        "ways": links.ways(letterhead, reader),
        "tune": links.page(letterhead, "tune", marks.tune),
        "view": links.page(letterhead, "view", marks.view),
        # What stands at every paper is translated once, not with each.
        "why": words.gettext("Why:"),
        "paper": words.gettext("paper"),
        "say": words.gettext("More like this, less like this, or save it:"),
        "wants": [(want, words.gettext(said)) for want, said, _ in WANTS],
        "short_wants": [(want, words.gettext(said)) for want, _, said in WANTS],
        "postal": cut(clean(letterhead.postal_address), TITLE),
        "fill": fill,
    }


def _subject(digest: Digest, words: Words) -> str:
    """The best title, and how many more there are."""
    best, others = sheet(digest.picks[0].paper, words), len(digest.picks) - 1
    values = {"title": best.title, "others": others, "cut": cut, "addendum": bool(digest.mends)}
    return filled("email/digest/subject.txt", words, **values).rstrip("\n")


def _mended(digest: Digest, words: Words) -> str:
    """What an addendum is for; empty for a daily digest."""
    if digest.mends is None:
        return ""
    first, last = digest.mends
    return words.ngettext(
        "This is an addendum to your digests of %(first)s to %(last)s: this paper was missing from them by "
        "a mistake on our side, and would have stood among the first.",
        "This is an addendum to your digests of %(first)s to %(last)s: these papers were missing from them "
        "by a mistake on our side, and would have stood among the first.",
        len(digest.picks),
        first=words.day(first, year=False),
        last=words.day(last),
    )


def _section(popular: bool, below: bool, words: Words) -> str:
    """What stands over the papers on one line, alone or `below` those in full."""
    if popular:
        return words.gettext("More of the day") if below else words.gettext("Papers of the day")
    return words.gettext("Also chosen for you") if below else words.gettext("Chosen for you")


def _body(kind: str, words: Words, values: dict[str, Any]) -> str:
    return filled(f"email/digest/body.{kind}", words, **values)


def dateline(digest: Digest, minutes: int, words: Words) -> str:
    """The first line, which inboxes show beside the subject: the day, how much, and how long."""
    considered = words.number(max(digest.considered, len(digest.picks)))
    if digest.mends:
        papers = words.ngettext(
            "Addendum: %(num)s paper", "Addendum: %(num)s papers", len(digest.picks)
        )
    else:
        papers = words.ngettext(
            "%(num)s paper of %(considered)s new",
            "%(num)s papers of %(considered)s new",
            len(digest.picks),
            considered=considered,
        )
    time = words.ngettext("%(num)s minute to read", "%(num)s minutes to read", minutes)
    return f"{words.day(digest.day)} · {papers} · {time}"


def next_time(digest: Digest, words: Words) -> str:
    """When the next digest comes, in the reader's own zone; empty where none is planned."""
    if digest.next_day is None:
        return ""
    return words.gettext(
        "The next one comes on %(day)s, about %(hour)s:00 (%(zone)s).",
        day=words.day(digest.next_day, year=False),
        hour=f"{digest.reader.hour:02d}",
        zone=cut(clean(digest.reader.timezone), NAME),
    )
