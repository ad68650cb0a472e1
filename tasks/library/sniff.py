"""A file or a text of unknown kind → the library that it is."""

from __future__ import annotations

import codecs
import json

from tasks.errors import UsageError
from tasks.library import bibtex, csl, ids, orcid, ris, zotero
from tasks.library.loose import rows
from tasks.library.reference import MOST_BYTES, MOST_PAPERS, TOO_MANY, Library

WANTED = "a list of arXiv ids or DOIs, BibTeX, RIS or CSL-JSON"
_BEGINNING = 1_000
_MOST_ITEMS = 10 * MOST_PAPERS  # attachments and notes among them


def read(data: bytes | str, name: str = "") -> Library:
    """Reads what was pasted, or the file of that name. What the data says wins over the name.

    Raises `UsageError`, and nothing else, for what is too large, empty or of no kind that we know.
    """
    if len(data) > MOST_BYTES:
        raise UsageError(
            f"that has {len(data):,} bytes, and {MOST_BYTES:,} are the most that can be imported at "
            "once: leave out attachments and notes, or choose fewer papers"
        )
    text = (data if isinstance(data, str) else _decoded(data)).lstrip("\ufeff \t\r\n")
    if not text.rstrip():
        raise UsageError(f"there is nothing in it: what can be imported is {WANTED}")
    if "\0" in text[:_BEGINNING] or text.startswith(("%PDF", "{\\rtf")):
        raise UsageError(f"that is no plain text: what can be imported is {WANTED}")
    found = _dispatch(text, name.lower())
    if found == Library():
        raise UsageError(f"there is no paper in it: what can be imported is {WANTED}")
    return found


def _dispatch(text: str, name: str) -> Library:
    if text[0] == "<":
        raise UsageError(f"that is a web page or XML: what can be imported is {WANTED}")
    if text[0] in "[{" and (found := _json(text, name)):
        return found
    if ris.looks_like(text):
        return ris.parse(text)
    if bibtex.looks_like(text) or name.endswith((".bib", ".bibtex")):
        return bibtex.parse(text)
    return ids.parse(text)


def _json(text: str, name: str) -> Library | None:
    """None for what only begins as JSON does: a list of references with numbers in brackets."""
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        if not name.endswith(".json"):
            return None
        raise UsageError(f"that is broken JSON: {str(error)[:200]}") from None
    if rows(document, "group"):
        return orcid.parse(document)
    items = document if isinstance(document, list) else rows(document, "items")
    if len(items) > _MOST_ITEMS:
        raise UsageError(TOO_MANY)
    if any(map(zotero.is_item, items)):
        return zotero.parse(items)
    if items and all(isinstance(item, str) for item in items):
        return ids.parse("\n".join(map(str, items)))
    return csl.parse(items)


def _decoded(data: bytes) -> str:
    """UTF-8, or what says that it is UTF-16; line by line Windows-1252 where it is neither.

    By lines, since BibTeX files get copied together from several encodings.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "\n".join(map(_line, data.split(b"\n")))


def _line(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
