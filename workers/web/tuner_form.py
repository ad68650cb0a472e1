"""The form of a profile: a profile as fields, and the fields read back. An edit lives in it alone.

Each list has the fields ``terms`` and ``terms-weight`` (one of each for a chip, in their order), ``terms-more``
(the older ones, one a line), ``terms-add`` (what is being added). ``do`` is the button that was pressed:
``look``, ``save``, ``span:30`` or ``drop:terms:3``. What has been typed into ``terms-add`` counts, whatever
was pressed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import FormData

from tasks.desk.tuning.machine import SPANS
from tasks.profile_json import LISTS, PAPERS
from tasks.records import Reader
from tasks.render.text import clean, cut
from tasks.store.profiles import Saved
from workers.web.page import Me
from workers.web.rooms import text_of, texts_of

CHIPS_MOST = 60  # of each list, the newest: the others stand in a box, one a line
LISTED_MOST = 40  # papers of a profile that are listed, the newest: the rest is counted
LABEL = 100  # characters of a chip
TITLE = 140  # characters of a paper's title
FIELDS_MOST = 2000
PARTS = ("terms", "phrases", "authors", "categories", "less", "negatives")  # as the page has them
WEIGHED = PARTS[:-1]
_LINE = re.compile(r"\r\n|\r|\n")
_DROP = re.compile(rf"drop:({'|'.join((*LISTS, *PAPERS))}):(\d{{1,5}})", re.ASCII)
_SPAN = re.compile(r"(?:span:)?(\d{1,3})", re.ASCII)
_PAPER = re.compile(rf"(?:{'|'.join(PAPERS)})-\d{{1,5}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Slider:
    """One as html has it. Where its value lies off the usual scale, the scale is made to hold it."""

    value: str
    least: str
    most: str
    step: str


@dataclass(frozen=True, slots=True)
class Scale:
    """The usual reach of a slider, its step, and how far a value may go at all."""

    least: float
    most: float
    step: float
    lowest: float
    highest: float
    normal: float

    def slider(self, value: object) -> Slider:
        """The slider at that value; at the normal one where there is no such value."""
        known = isinstance(value, float) and self.lowest <= value <= self.highest
        number = value if known and isinstance(value, float) else self.normal
        usual = self.least <= number <= self.most
        least, most = (self.least, self.most) if usual else (self.lowest, self.highest)
        fits = ((number - least) / self.step).is_integer()
        return Slider(
            _plain(number), _plain(least), _plain(most), _plain(self.step) if fits else "any"
        )


WEIGHT = Scale(0, 5, 0.25, 0, 10, 1)
SHARE = Scale(0.25, 4, 0.25, 0.1, 10, 1)
ABOUT = Scale(0, 20, 0.5, 0, 50, 5)


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing of a list. `slider` is None where it has no weight, or shows it at another place."""

    at: int
    text: str
    label: str
    slider: Slider | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A paper of the profile: ``examples-3`` and its title."""

    part: str
    at: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """An edit as it was typed. What is no number stays text. `version` is the one that it began from.

    `weights` are by what was typed, as in a profile; `dropped` are papers that are taken out, by their
    list and place in that version: ``examples-3``. `about` is the reader's own, and `about_was` what it
    was when the edit began.
    """

    name: str = ""
    description: str = ""
    share: object = 1.0
    about: object = ABOUT.normal
    about_was: object = ABOUT.normal
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(PARTS, ()))
    weights: Mapping[str, object] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    version: int = 0
    span: int = SPANS[0]

    def body(self, base: Mapping[str, Any]) -> dict[str, Any]:
        """The profile that it asks for; its papers are those of the version that it began from."""
        body: dict[str, Any] = {part: list(items) for part, items in self.lists.items()}
        body |= {"name": self.name, "description": self.description, "share": self.share}
        body |= {"weights": dict(self.weights)}
        for part in PAPERS:
            papers = enumerate(base.get(part) or ())
            body[part] = [one for at, one in papers if f"{part}-{at}" not in self.dropped]
        return body

    @property
    def wishes(self) -> dict[str, object]:
        """The preferences that it changes."""
        return {} if self.about == self.about_was else {"about": self.about}

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed that a paper could match."""
        return not (any(self.lists.values()) or self.description.strip())

    # --- as the page shows it ----------------------------------------------------------------------
    def chips(self, part: str) -> list[Chip]:
        """The newest of a list. What stands in several lists is weighed at the first of them."""
        first = _first_places(self.lists)
        return [
            Chip(
                at=at,
                text=text,
                label=cut(clean(text), LABEL),
                slider=WEIGHT.slider(self.weights.get(text, 1.0))
                if first.get(text) == part
                else None,
            )
            for at, text in enumerate(_newest(self.lists[part]))
        ]

    def more(self, part: str) -> str:
        """The others, one a line."""
        return "\n".join(self.lists[part][:-CHIPS_MOST])

    @property
    def other_weights(self) -> str:
        """JSON of the weights that no slider tells: those of the others, and what was set to 1 by hand."""
        sliders = _first_places(self.lists)
        kept = {text: one for text, one in self.weights.items() if text not in sliders or one == 1}
        return json.dumps(kept, ensure_ascii=False) if kept else ""

    def papers(self, base: Mapping[str, Any], part: str) -> list[Listed]:
        """The papers of that version that stay, the newest first."""
        known = list(enumerate(base.get(part) or ()))[::-1]
        return [
            Listed(part, at, _title(one)) for at, one in known if f"{part}-{at}" not in self.dropped
        ]


def as_known(profile: Saved | None, reader: Reader) -> Typed:
    """The form before anything is typed: as the profile stands, or empty for a new one."""
    wish = {"about": float(reader.about), "about_was": float(reader.about)}
    if profile is None:
        return Typed(**wish)  # type: ignore[arg-type]  # both are `about`
    body = profile.body
    return Typed(
        name=profile.name,
        description=str(body.get("description") or ""),
        share=float(body.get("share") or 1),
        lists={part: tuple(map(_one_line, body.get(part) or ())) for part in PARTS},
        weights={_one_line(text): float(one) for text, one in (body.get("weights") or {}).items()},
        version=profile.version,
        **wish,  # type: ignore[arg-type]
    )


def read(form: FormData) -> Typed:
    """The edit that a form asks for, after what its button does to it."""
    do = text_of(form, "do")
    drop = _DROP.fullmatch(do)
    gone = (drop[1], int(drop[2])) if drop else ("", 0)
    lists = {part: tuple(_items(form, part, gone)) for part in PARTS}
    version = text_of(form, "version")
    return Typed(
        name=text_of(form, "name").strip(),
        description=_LINE.sub("\n", text_of(form, "description")),
        share=_number(text_of(form, "share") or "1"),
        about=_number(text_of(form, "about")),
        about_was=_number(text_of(form, "about-was")),
        lists=lists,
        weights=_weights(form, lists),
        dropped=_dropped(form, gone),
        version=int(version) if re.fullmatch(r"\d{1,9}", version, re.ASCII) else 0,
        span=_span(do, text_of(form, "span")),
    )


def _items(form: FormData, part: str, gone: tuple[str, int]) -> Iterator[str]:
    """Everything of a list once, as it is kept: the others, the chips, what is added."""
    chips = [text for at, text in enumerate(texts_of(form, part)) if (part, at) != gone]
    lines = _LINE.split(text_of(form, f"{part}-more"))
    for text in dict.fromkeys(map(_one_line, (*lines, *chips, text_of(form, f"{part}-add")))):
        if text:
            yield text


def _weights(form: FormData, lists: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Those that no slider tells, and those of the sliders; what was dropped weighs nothing any more."""
    told = _told_beside(text_of(form, "weights"))
    weights, seen = dict(told), {text for items in lists.values() for text in items}
    for part in WEIGHED:
        texts, sliders = texts_of(form, part), texts_of(form, f"{part}-weight")
        for text, slider in zip_longest(map(_one_line, texts), sliders[: len(texts)], fillvalue=""):
            if text not in seen:
                weights.pop(text, None)
            elif slider and (text in told or _number(slider) != 1):
                weights[text] = _number(slider)
    return weights


def _told_beside(text: str) -> dict[str, object]:
    try:
        told = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _dropped(form: FormData, gone: tuple[str, int]) -> frozenset[str]:
    keys = {key for key in text_of(form, "dropped").split() if _PAPER.fullmatch(key)}
    return frozenset(keys | {f"{gone[0]}-{gone[1]}"} if gone[0] in PAPERS else keys)


def _span(do: str, before: str) -> int:
    """How many days to look back: by the button, else as it was."""
    found = _SPAN.fullmatch(do) or _SPAN.fullmatch(before)
    return int(found[1]) if found and int(found[1]) in SPANS else SPANS[0]


def _first_places(lists: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Where the slider of each chip's text stands."""
    places: dict[str, str] = {}
    for part in WEIGHED:
        for text in _newest(lists[part]):
            places.setdefault(text, part)
    return places


def _newest(items: Sequence[str]) -> Sequence[str]:
    return items[-CHIPS_MOST:]


def _one_line(text: object) -> str:
    """Without breaks, which no field of one line can hold."""
    return _LINE.sub(" ", str(text)).strip()


def _number(text: str) -> object:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return text


def _plain(number: float) -> str:
    return repr(float(number)).removesuffix(".0")


def _title(paper: object) -> str:
    told = paper if isinstance(paper, dict) else {"title": paper}
    return cut(clean(str(told.get("title") or told.get("abstract") or "")), TITLE)


async def _sent(request: Request, _: Me) -> FormData:
    """The form of a visitor; nobody else's is read."""
    return await request.form(max_files=1, max_fields=FIELDS_MOST)


Sent = Annotated[FormData, Depends(_sent)]
