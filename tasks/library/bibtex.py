"""BibTeX and BibLaTeX → references.

A reader of our own, for files from strangers: of 2 MB that are one unclosed entry after another,
bibtexparser 2.1 makes 8 seconds' work, and a line of the reader's file in our log for each of them.
This one looks at each character a bounded number of times, and keeps of an entry only what tells
which paper it is.

An entry that begins a line ends whatever stood open before it, so that one slip costs one entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, pairwise

from tasks.library import tex
from tasks.library.reference import (
    Item,
    Library,
    Reference,
    Refused,
    gather,
    label,
    reference,
)
from templates import msgid

UNCLOSED = msgid(
    "The entry stops in the middle of a field: a brace or a quotation mark is missing."
)
NO_FIELD = msgid("Something in the entry is no field: a comma or an equals sign is missing.")
TOO_JOINED = msgid("A field of the entry is joined from too many parts.")

_TEXTS = ("title", "abstract", "author")
_NAMED = ("eprint", "doi", "url", "ee", "howpublished", "note")  # an identifier and nothing else
_SEARCHED = ("journal", "journaltitle", "howpublished", "publisher", "archiveprefix")
_KEPT = frozenset((*_TEXTS, *_NAMED, *_SEARCHED, "volume"))
_LONGEST_VALUE = 20_000
# An @string can be made of others: without bounds a few lines would grow to gigabytes.
_LONGEST_STRING = 200
_MOST_STRINGS = 5_000
_MOST_PARTS = 10

_ENTRY = re.compile(r"@[ \t]{0,9}([A-Za-z]{1,40})\s{0,9}[{(]")
_AT_LINE = re.compile(r"^(?=[ \t]{0,99}@[ \t]{0,9}[A-Za-z]{1,40}\s{0,9}[{(])", re.MULTILINE)
_KEY = re.compile(r"([^,{}=\"\n]{1,300}),")
_FIELD = re.compile(r"([^\W\d][^\s=,{}\"#()]{0,99})\s*=\s*")
_BARE = re.compile(r"[^\s,#={}\"()]{1,300}")
_JOINT = re.compile(r"\s*#\s*")
_GAP = re.compile(r"[\s,]*")
_BRACES = re.compile(r"\\[\\{}]|[{}]")
_QUOTES = re.compile(r"\\[\\{}\"]|[{}\"]")


def looks_like(text: str) -> bool:
    """Whether an entry begins on a line of the text."""
    return _AT_LINE.search(text) is not None


def parse(text: str) -> Library:
    """Reads every entry; @string is filled in, @comment, @preamble and text between are left out."""
    return gather(_entries(text))


class _BrokenError(Exception):
    """An entry that cannot be read on."""


@dataclass(slots=True)
class _Cursor:
    """A place in a stretch of the file, which ends where the next entry begins a line."""

    text: str
    at: int

    def skip(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Step over the pattern where it stands here."""
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found

    def char(self) -> str:
        """What stands here; nothing at the end."""
        return self.text[self.at : self.at + 1]

    def close(self, pattern: re.Pattern[str], closing: str) -> str:
        """Step over what stands up to its closing mark, and return its beginning."""
        start, depth = self.at, 0
        for found in pattern.finditer(self.text, start):
            mark = found[0]
            if mark == closing and depth == 0:
                self.at = found.end()
                return self.text[start : min(found.start(), start + _LONGEST_VALUE)]
            depth += (mark == "{") - (mark == "}")
        raise _BrokenError(UNCLOSED)


def _entries(text: str) -> Iterator[Reference | Refused]:
    strings: dict[str, str] = {}
    starts = (found.start() for found in _AT_LINE.finditer(text))
    for start, end in pairwise(chain([0], starts, [len(text)])):
        cursor = _Cursor(text[start:end], 0)
        while found := _ENTRY.search(cursor.text, cursor.at):
            cursor.at = found.end()
            try:
                one = _entry(cursor, found[1].lower(), strings)
            except _BrokenError as error:
                key = _KEY.match(cursor.text, found.end())
                said = key[1] if key else cursor.text[found.start() :]
                one = Refused(label=label(said), reason=str(error))
                cursor.at = len(cursor.text)
            if one:
                yield one


def _entry(cursor: _Cursor, kind: str, strings: dict[str, str]) -> Reference | Refused | None:
    """The entry whose kind was just read; None for what is no paper."""
    if kind in ("comment", "preamble"):
        if cursor.text[cursor.at - 1] == "{":
            cursor.close(_BRACES, "}")
        return None
    if kind == "string":
        for name, value in _fields(cursor, strings):
            if len(strings) < _MOST_STRINGS:
                strings[name] = value[:_LONGEST_STRING]
        return None
    cursor.skip(_GAP)
    key = cursor.skip(_KEY)
    fields: dict[str, str] = {}
    for name, value in _fields(cursor, strings):
        if name in _KEPT:
            fields.setdefault(name, value)
    return reference(_item(key[1] if key else "", fields))


def _fields(cursor: _Cursor, strings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and value of each field up to the end; a last brace that is missing is forgiven."""
    while cursor.skip(_GAP) and cursor.char() not in ("}", ")", ""):
        field = cursor.skip(_FIELD)
        if field is None:
            raise _BrokenError(NO_FIELD)
        yield field[1].lower(), _value(cursor, strings)
    cursor.at += 1


def _value(cursor: _Cursor, strings: Mapping[str, str]) -> str:
    """`{…}`, `"…"`, a number or the name of an @string, or several of them joined by `#`."""
    value = ""
    for _ in range(_MOST_PARTS):
        opening = cursor.char()
        if opening in ("{", '"'):
            cursor.at += 1
            part = cursor.close(*((_BRACES, "}") if opening == "{" else (_QUOTES, '"')))
        elif bare := cursor.skip(_BARE):
            part = strings.get(bare[0].lower(), bare[0])
        else:
            raise _BrokenError(NO_FIELD)
        value += part
        if not cursor.skip(_JOINT):
            return value
    raise _BrokenError(TOO_JOINED)


def _item(key: str, fields: Mapping[str, str]) -> Item:
    def told(name: str) -> str:
        return fields.get(name, "")

    # DBLP writes arXiv's papers as volume abs/2611.00001 of the journal CoRR.
    volume = tex.address(told("volume"))
    corr = (volume.removeprefix("abs/"),) if volume.startswith("abs/") else ()
    return Item(
        label=tex.text(key),
        title=tex.text(told("title")),
        abstract=tex.text(told("abstract")),
        authors=tex.people(told("author")) if told("author") else (),
        named=(*(tex.address(told(name)) for name in _NAMED), *corr),
        searched=tuple(tex.address(told(name)) for name in _SEARCHED),
    )
