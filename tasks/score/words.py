"""Text to words: the one reading of a title, an abstract and whatever a reader typed.

A word is a run of letters and digits, without case and accents, with a light plural stem; hyphens
and punctuation separate, so that "Vision–Language Models" and "vision language model" are the same
three words. Chinese and Japanese letters are words of one letter each, since nothing separates
them. `Lexicon` numbers the words, `Batch` holds many papers as one array of such numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_LETTERS = 20_000  # of one field: ten long abstracts; what is longer is cut
LONGEST_WORD = 40
BREAK = -1  # stands between fields, so that no phrase runs from a title into its abstract

_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:\+\+|#(?!\w))?")

_STOP = """
a about above after again all also although am among an and any are as at be because been before
being below between both but by can cannot could did do does doing done during each either etc
even ever every few first for from further had has have having he hence her here his how however i
if in into is it its itself just less many may me might more moreover most much must my neither no
nor not of off often on once one only or other others our ours out over own per quite rather s
same she should since so some still such t than that the their theirs them then there therefore
these they this those though three through thus to too toward towards two under until up upon us
very via was we well were what when where whether which while who whom whose why will with within
without would yet you your
"""
STOP = frozenset(_STOP.split())

_PLURALS = {
    "analyses": "analysis",
    "avalanches": "avalanche",
    "bias": "bias",
    "biases": "bias",
    "caches": "cache",
    "cookies": "cookie",
    "crises": "crisis",
    "gases": "gas",
    "hypotheses": "hypothesis",
    "indices": "index",
    "lens": "lens",
    "lenses": "lens",
    "matrices": "matrix",
    "movies": "movie",
    "niches": "niche",
    "series": "series",
    "species": "species",
    "vertices": "vertex",
    "viruses": "virus",
}

# The share of papers, of any science, that a word of the trade stands in: rough, from no one corpus.
_TRADE = {
    0.5: "model method show result paper propose approach use",
    0.3: "data performance task based study learning experiment new demonstrate work different "
    "using large system framework problem",
    0.15: "novel existing analysis present improve achieve evaluation effective information provide "
    "process high significant challenge address introduce structure state recent better develop "
    "various including extensive compared research application technique level outperform time "
    "training set algorithm across multiple dataset human set quality design key find",
}
COMMON = {word: share for share, words in _TRADE.items() for word in words.split()}


def fold(text: str) -> str:
    """`text` without case, accents and compatibility forms, cut to `MOST_LETTERS`."""
    text = text[:MOST_LETTERS]
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text)[:MOST_LETTERS].casefold()  # so that 𝐆 is g, too
    return unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))


def surfaces(text: str) -> list[str]:
    """The words of `text` in order, folded but not stemmed."""
    return _WORD.findall(fold(text))


def stem(word: str) -> str:
    """`word` without its plural ending (the S-stemmer of Harman, 1991), cut to `LONGEST_WORD`."""
    if len(word) < 4 or word in STOP:
        return word
    if word in _PLURALS:
        return _PLURALS[word]
    word = word[:LONGEST_WORD]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "sses", "xes", "zzes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def stems(text: str) -> tuple[str, ...]:
    """The words of `text` in order."""
    return tuple(map(stem, surfaces(text)))


class Lexicon:
    """Numbers for words: known ones keep theirs, a new one gets the next number.

    One that is `closed` learns nothing: new words are `BREAK` to it. So it may serve all comers.
    """

    def __init__(self, known: Sequence[str] = (), *, closed: bool = False) -> None:
        self.words, self._closed = list(known), closed
        self._by_word = {word: number for number, word in enumerate(known)}
        self._by_surface: dict[str, int] = {}

    def numbers(self, text: str) -> list[int]:
        """The numbers of the words of `text`, in order."""
        found = self._by_surface
        return [found[s] if s in found else self._learn(s) for s in surfaces(text)]

    def number(self, word: str) -> int | None:
        """The number of a stem, if it has one."""
        return self._by_word.get(word)

    def _learn(self, surface: str) -> int:
        word = stem(surface)
        if self._closed and word not in self._by_word:
            return BREAK
        number = self._by_word.setdefault(word, len(self.words))
        if number == len(self.words):
            self.words.append(word)
        self._by_surface[surface] = number
        return number


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts as numbers: `words`, the text (`rows`) each belongs to, and whether it is in the title.

    Three arrays of one length; `BREAK` ends every field. `size` is the number of texts.
    """

    words: NDArray[np.int64]
    rows: NDArray[np.int64]
    title: NDArray[np.bool_]
    size: int


def read(lexicon: Lexicon, texts: Iterable[tuple[str, str]]) -> Batch:
    """Read (title, abstract) pairs; each text is taken apart once. New words join `lexicon`."""
    words: list[int] = []
    lengths: list[int] = []
    for fields in texts:
        for field in fields:
            numbers = lexicon.numbers(field)
            words += numbers
            words.append(BREAK)
            lengths.append(len(numbers) + 1)
    return from_fields(words, lengths)


def from_fields(words: ArrayLike, lengths: ArrayLike) -> Batch:
    """A batch from its words and the lengths of its fields: title, abstract, title, abstract …"""
    sizes = np.asarray(lengths, dtype=np.int64)
    field = np.repeat(np.arange(len(sizes)), sizes)
    return Batch(np.asarray(words, dtype=np.int64), field // 2, field % 2 == 0, len(sizes) // 2)
