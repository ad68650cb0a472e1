"""A stranger's text made fit to stand in a mail: one line, nothing hidden, cut and wrapped well."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

COLUMNS = 72  # what plain text mail has been set in since terminals had 80 columns
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Bidi marks and overrides can turn a title round, tags carry text that nobody sees, surrogates cannot
# be encoded, and non-characters are an error in html. Joiners stay: Persian and emoji need them.
_HIDDEN = re.compile(
    "[\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\U000e0000-\U000e0fff"
    + "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
    + "]"
)
_SENTENCE_END = re.compile(r"[.!?][)\"”’]?(?=\s+[^\sa-z])|[。！？]")
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_LANGUAGES = (  # the first that fits wins: Japanese and Korean text holds Han characters too
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
)


@dataclass(frozen=True, slots=True)
class Script:
    """How text asks to be shown: html's `lang` and `dir`."""

    language: str
    direction: str


def clean(text: str) -> str:
    """`text` on one line, without control characters and without what hides or turns text."""
    return _BREAKS.sub(" ", _HIDDEN.sub("", text)).strip()


def cut(text: str, most: int) -> str:
    """`text` in at most `most` characters, cut between words and then ended by “…”."""
    if len(text) <= most:
        return text
    head = text[:most]  # one more than is kept, so that a word which just fits stays whole
    space = head.rfind(" ")
    kept = head[:space] if space > most // 2 else head[:-1]
    return kept.rstrip(" ,;:.–—-(") + "…"


@lru_cache(maxsize=2048)
def cut_at_sentence(text: str, most: int) -> str:
    """`text` in at most `most` characters, cut after a sentence where one ends late enough."""
    if len(text) <= most:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text) if found.end() <= most]
    return text[: ends[-1]] if ends and ends[-1] >= most // 3 else cut(text, most)


def word_count(text: str) -> int:
    """Words in `text`; two letters of a script without spaces count as one."""
    return len(text.split()) + len(_IDEOGRAPHS.findall(text)) // 2


def width(text: str) -> int:
    """Columns that `text` takes in a terminal: East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


@lru_cache(maxsize=4096)
def fill(text: str, first: str = "", indent: str = "") -> str:
    """`text` wrapped to 72 columns: the first line begins with `first`, the others with `indent`.

    Text without spaces (Chinese, Japanese) breaks anywhere, an address never.
    """
    lines, line, empty = [], first, True
    for word in text.split():
        if not empty and width(line) + 1 + width(word) > COLUMNS:
            lines.append(line)
            line, empty = indent, True
        line += word if empty else " " + word
        empty = False
        while width(line) > COLUMNS and "://" not in word:
            room = _fitting(line)
            lines.append(line[:room])
            line = indent + line[room:]
    return "\n".join([*lines, line])


def _fitting(line: str) -> int:
    """How many characters of a line that is too long fit into the columns."""
    used = accumulate(map(width, line))
    return next(place for place, columns in enumerate(used) if columns > COLUMNS)


def script(text: str) -> Script:
    """The language of `text` as far as its letters tell (English where they do not), and its way.

    The way is that of the first letter that has one (Unicode's rule P2).
    """
    least = sum(map(str.isalpha, text)) // 4
    language = next((name for name, found in _LANGUAGES if len(found.findall(text)) > least), "en")
    ways = (unicodedata.bidirectional(char) for char in text)
    first = next((way for way in ways if way in ("L", "R", "AL")), "L")
    return Script(language, "ltr" if first == "L" else "rtl")
