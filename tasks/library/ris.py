"""RIS → references: lines of a tag and its text, from `TY` to `ER`.

A reader of our own: rispy 0.10 joins a text that runs over many lines in time that grows with the
square of them (200 seconds for 5 MB).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tasks.library.reference import Item, Library, gather, reference
from tasks.library.tex import person

_TAG = re.compile(r"([A-Z][A-Z0-9]) {1,2}-(?: |$)")
_BEGINS = re.compile(r"^\ufeff?\s{0,9}TY {1,2}-", re.MULTILINE)

_TITLES = ("TI", "T1", "CT", "BT")
_ABSTRACTS = ("AB", "N2")
_AUTHORS = ("AU", "A1")
_NAMED = ("DO", "UR", "L1", "L2", "LK", "M1", "M3", "C7", "AN", "ID")
_SEARCHED = ("JO", "JF", "JA", "T2", "PB")
_KEPT = frozenset((*_TITLES, *_ABSTRACTS, *_AUTHORS, *_NAMED, *_SEARCHED))

Record = Mapping[str, list[list[str]]]


def looks_like(text: str) -> bool:
    """Whether a record begins on a line of the text."""
    return _BEGINS.search(text) is not None


def parse(text: str) -> Library:
    """Reads every record; one that lacks its end ends where the next begins."""
    return gather(reference(_item(record)) for record in _records(text))


def _records(text: str) -> Iterator[Record]:
    """Each record as tag → values → lines."""
    record: dict[str, list[list[str]]] | None = None
    lines: list[str] = []
    for line in text.splitlines():
        line = line.strip(" \t\ufeff")
        found = _TAG.match(line)
        tag = found[1] if found else ""
        if tag in ("TY", "ER"):
            if record is not None:
                yield record
            record = {} if tag == "TY" else None
        elif record is not None and found:
            lines = [line[found.end() :]]
            if tag in _KEPT:
                record.setdefault(tag, []).append(lines)
        elif record is not None:
            lines.append(line)
    if record is not None:
        yield record


def _item(record: Record) -> Item:
    def told(*tags: str) -> list[str]:
        return [" ".join(lines) for tag in tags for lines in record.get(tag, ())]

    title = next(filter(None, told(*_TITLES)), "")
    return Item(
        label=title or next(iter(told("ID")), ""),
        title=title,
        abstract=next(filter(None, told(*_ABSTRACTS)), ""),
        authors=map(person, told(*_AUTHORS)),
        named=told(*_NAMED),
        searched=told(*_SEARCHED),
    )
