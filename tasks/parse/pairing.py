"""Lines of a saved page → papers: which line is a title, and which is its abstract.

No single line tells for certain: a title may be one word, a number or the name of a menu, and an
abstract may be shorter than another paper's title. So the whole page is read in the way that costs
least: a line taken for what it does not look like costs some, a line left over costs more, and a
label that is left out costs nothing. Where a line is missing or too much, the cheapest reading
leaves one line over and goes on in step, so that no paper gets its neighbour's abstract.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

_SENTENCE = re.compile(r"\.[)\]}\"'”]*$")
_ENDS = re.compile(r"(?:\}|https?://\S+)$")
# Of 27,000 real titles none has 200 characters and next to none ends in a full stop; of their
# abstracts none has fewer than 100, and nearly all end in one.
_LONG = 200
_MIDDLING = 150
_LEAST = 100
_SHORT = 40


class Sort(Enum):
    """What a line is by itself."""

    TEXT = auto()
    MENU = auto()
    """A word or number that the page's own menus and counters show; some papers are called so."""
    LABEL = auto()
    """A line about a paper, such as who submitted it."""
    LINK = auto()
    HEAD = auto()
    """A line of the page's head: nothing above it belongs to anything below it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that shows something; `at` is its place in the file, from 1."""

    at: int
    text: str
    sort: Sort = Sort.TEXT


@dataclass(frozen=True, slots=True)
class Pair:
    """A title, its abstract, and what stands between the two (links, labels)."""

    title: Line
    abstract: Line
    between: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """A page's papers in order, the lines of text that have no partner, and what it all costs."""

    pairs: Sequence[Pair]
    alone: Sequence[Line]
    cost: float


# What a reading costs. Only sums are compared, mostly of one line left over with two lines taken for
# what they hardly look like.
_LEFT_OVER = 1.25
_NO_TEXT = {Sort.MENU: 0.6, Sort.LABEL: 0.6}
"""What it costs to take a line for a title that is no text by itself."""
_BETWEEN = {Sort.MENU: 0.05, Sort.LABEL: 0.05, Sort.LINK: 0.0}
"""… and to leave it out between a title and its abstract: the nearest of two labels is the title."""
_LONGER = 0.5
_NEVER = 3.0
"""More than two lines left over: a title does not become the abstract of another."""

_Chain = tuple[int, int, "_Chain"] | None
"""The last title and abstract of a reading, by their places among the lines, and those before."""


def paired(lines: Sequence[Line]) -> Reading:
    """Returns the cheapest reading of a page's lines."""
    places, cost = _places(lines)
    pairs = [Pair(lines[one], lines[other], lines[one + 1 : other]) for one, other in places]
    used = {at for place in places for at in place}
    texts = (line for at, line in enumerate(lines) if at not in used)
    return Reading(pairs, [line for line in texts if line.sort is Sort.TEXT], cost)


def _places(lines: Sequence[Line]) -> tuple[list[tuple[int, int]], float]:
    """Titles and abstracts in the cheapest reading, and its cost: Viterbi over two states.

    Before each line, a reading either has a title that waits for its abstract, or has none.
    """
    chain: _Chain = None
    before: _Chain = None
    cost, waiting, title = 0.0, math.inf, 0
    for at, line in enumerate(lines):
        skipped = cost + (_LEFT_OVER if line.sort is Sort.TEXT else 0.0)
        opened = cost + _as_title(line)
        waited = waiting + _BETWEEN.get(line.sort, math.inf)
        completed = waiting + _as_abstract(line, of=lines[title])
        pair = (title, at, before)
        if opened <= waited:
            waiting, title, before = opened, at, chain
        else:
            waiting = waited
        cost, chain = (completed, pair) if completed < skipped else (skipped, chain)
    found = []
    while chain:
        found.append(chain[:2])
        chain = chain[2]
    return found[::-1], cost


def _as_title(line: Line) -> float:
    if line.sort is not Sort.TEXT:
        return _NO_TEXT.get(line.sort, math.inf)
    size, stops = len(line.text), bool(_SENTENCE.search(line.text))
    if size >= 2 * _LONG:
        return _NEVER
    if size >= _LONG:
        return 2.0 if stops else 0.6
    if size >= _MIDDLING:
        return 1.2 if stops else 0.1
    return 0.3 if stops else 0.0


def _as_abstract(line: Line, *, of: Line) -> float:
    if line.sort is not Sort.TEXT:
        return math.inf
    longer = _LONGER if len(of.text) >= len(line.text) else 0.0
    return longer + _looks(line.text)


def _looks(text: str) -> float:
    """How little a text looks like an abstract."""
    size, stops = len(text), bool(_SENTENCE.search(text))
    ends = stops or bool(_ENDS.search(text))
    if size >= _LONG:
        return 0.0
    if size >= _MIDDLING:
        return 0.0 if stops else 0.1 if ends else 0.3
    if size >= _SHORT:
        return 0.1 if stops else 0.8 if ends else 1.5 if size >= _LEAST else _NEVER
    return 0.9 if stops else _NEVER
