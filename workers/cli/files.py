"""Papers and profiles in files, as commands read them: JSON Lines and JSON, plain, .xz or .gz."""

from __future__ import annotations

import gzip
import json
import lzma
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from tasks.errors import UsageError
from tasks.evaluate.rows import day_of
from tasks.records import Paper

OPENERS: Mapping[str, Any] = {".xz": lzma.open, ".gz": gzip.open}
LINE_MOST = 1 << 22  # characters of one entry
ROWS_MOST = 1 << 28  # characters of a file of profiles


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The profiles of a JSON file as objects: one, a list of them, or a list under `profiles`."""
    with _opened(path) as file:
        text = file.read(ROWS_MOST + 1)
    if len(text) > ROWS_MOST:
        raise UsageError(f"{path} is longer than {ROWS_MOST >> 20} MB: split it")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    items = body.get("profiles", [body]) if isinstance(body, dict) else body
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UsageError(f"{path}: a profile is a JSON object; a file holds one or a list of them")
    return items


def read_papers(path: Path) -> Iterator[Paper]:
    """The papers of a JSON Lines file, one by one. Raises `UsageError` naming a bad line."""
    for number, line in _lines(path):
        yield _paper(path, number, _item(path, number, line))


def read_dated_papers(path: Path) -> Iterator[tuple[date, Paper]]:
    """The same, each with its `date`: the day on which it stood in the stream."""
    for number, line in _lines(path):
        item = _item(path, number, line)
        try:
            day = day_of(item.get("date"))
        except ValueError:
            words = 'an entry needs its day in the stream, like "date": "2026-11-20"'
            raise UsageError(f"{path}, line {number}: {words}") from None
        yield day, _paper(path, number, item)


def _item(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        item = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}, line {number} is not JSON: {error}") from None
    if not isinstance(item, dict):
        raise UsageError(f"{path}, line {number}: an entry is a JSON object with a title")
    return item


def _paper(path: Path, number: int, item: Mapping[str, Any]) -> Paper:
    try:
        return Paper(
            id=item.get("id") or item.get("arxiv_id") or item.get("source_id") or number,
            title=str(item["title"]),
            abstract=str(item.get("abstract") or ""),
            authors=tuple(map(str, item.get("authors") or ())),
            categories=tuple(map(str, item.get("categories") or ())),
            arxiv_id=item.get("arxiv_id"),
            upvotes=item.get("upvotes"),
        )
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"{path}, line {number}: an entry is a JSON object with a title ({error!r})"
        ) from None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold something, with their numbers."""
    with _opened(path) as file:
        number = 0
        while line := file.readline(LINE_MOST + 1):
            number += 1
            if len(line) > LINE_MOST:
                raise UsageError(f"{path}, line {number} is longer than {LINE_MOST >> 20} MB")
            if line.strip():
                yield number, line


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    opener = OPENERS.get(path.suffix, open)
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            yield file
    except (OSError, EOFError, UnicodeDecodeError, lzma.LZMAError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
