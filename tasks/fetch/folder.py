"""Saved pages: a directory, one file, or an archive, streamed one page at a time.

Nothing is unpacked to disk and no link is followed. What is skipped comes as a note, so that
nothing goes missing in silence. An archive in an archive stays closed; one at the top of a
directory is opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import quote

from tasks.errors import SourceError, UsageError
from tasks.fetch import archive
from tasks.records import Fetched, RawPage, Source

# Fixed, since the system's own table differs from machine to machine.
CONTENT_TYPES = {
    ".atom": "application/atom+xml",
    ".htm": "text/html",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".rss": "application/rss+xml",
    ".txt": "text/plain",
    ".xhtml": "application/xhtml+xml",
    ".xml": "application/xml",
}
ISO_DAY = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
LONGEST_NAME = 1000
# Pages of a tar are put in order within stretches of this size, since they are held meanwhile.
STRETCH = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one path may cost: bytes of one page, bytes of all (unpacked), members."""

    page: int = 10_000_000
    total: int = 2_000_000_000
    members: int = 100_000


LIMITS = Limits()
# A turn of a source is held in memory as a whole; `pages` is the way for more.
TURN = Limits(total=200_000_000)


def fetch(source: Source, *, at: datetime) -> Fetched:
    """All pages at the source's path. Raises SourceError for a missing or unreadable path."""
    try:
        items = list(pages(Path(source.address), at=at, limits=TURN))
    except UsageError as error:
        raise SourceError(str(error)) from None
    found = tuple(item for item in items if isinstance(item, RawPage))
    notes = tuple(item for item in items if isinstance(item, str))
    if notes and not found:
        raise SourceError(f"nothing could be read: {notes[0]}")
    return Fetched(pages=found, notes=notes)


def pages(path: Path, *, at: datetime, limits: Limits = LIMITS) -> Iterator[RawPage | str]:
    """One page for each regular file, sorted by name; a str is a note on what was skipped.

    `name` is the path inside, `url` is ``folder:NAME/inside``, `day` the ISO date in the name. The
    pages of a tar beyond 64 MB are sorted in stretches. Raises UsageError for a missing path.
    """
    if not (path.is_dir() or path.is_file()):
        raise UsageError(f"{_clean(str(path))} is no directory, file or archive: check the path")
    return _Walk(path, at, limits).items()


class _LimitReached(Exception):
    """A limit of the whole walk is reached; the message is the last note."""


class _Walk:
    """One walk over a path, counting what it costs."""

    def __init__(self, path: Path, at: datetime, limits: Limits) -> None:
        self._path = path
        self._at = at
        self._limits = limits
        self._members = 0
        self._left = limits.total

    def items(self) -> Iterator[RawPage | str]:
        try:
            if self._path.is_dir():
                yield from self._directory()
            elif archive.is_archive(self._path.name):
                yield from _in_order(self._archive(self._path, ""))
            else:
                yield self._page("", _reader(self._path))
        except _LimitReached as reached:
            yield f"{_clean(str(self._path))}: {reached}: the rest was left out"

    def _directory(self) -> Iterator[RawPage | str]:
        unread: list[OSError] = []
        names = self._names(unread)
        yield from (f"{_clean(str(error))}: skipped" for error in unread)
        for name in names:
            self._count()
            path = self._path / name
            if path.is_symlink() or not path.is_file():
                yield f"{_clean(name)} is a link or a device: skipped"
            elif archive.is_archive(name) and "/" not in name:
                yield from _in_order(self._archive(path, f"{name}/"))
            else:
                yield self._member(name, _reader(path))

    def _names(self, unread: list[OSError]) -> list[str]:
        """Everything below the directory but directories, sorted; links are not followed."""
        names: list[str] = []
        for root, directories, files in os.walk(self._path, onerror=unread.append):
            links = [name for name in directories if (Path(root) / name).is_symlink()]
            below = Path(root).relative_to(self._path)
            names += ((below / name).as_posix() for name in files + links)
        return sorted(names)

    def _archive(self, path: Path, prefix: str) -> Iterator[RawPage | str]:
        try:
            for member in archive.members(path, total=self._left):
                self._count()
                if isinstance(member, str):
                    yield f"{_clean(prefix + member)}: skipped"
                elif _unsafe(member.name):
                    yield f"{_clean(prefix + member.name)} has no safe name: skipped"
                else:
                    yield self._member(prefix + member.name, member.read, member.packed)
        except archive.BROKEN as error:
            yield f"{_clean(path.name)} cannot be read to its end: {_clean(str(error))}"

    def _count(self) -> None:
        self._members += 1
        if self._members > self._limits.members:
            raise _LimitReached(f"it holds more than {self._limits.members:,} files")

    def _member(self, name: str, read: Callable[[int], bytes], packed: int = 0) -> RawPage | str:
        if archive.is_archive(name):
            return f"{_clean(name)} is an archive in an archive or a folder: skipped, not opened"
        return self._page(name, read, packed)

    def _page(self, name: str, read: Callable[[int], bytes], packed: int = 0) -> RawPage | str:
        root = _clean(self._path.name) or "."
        label = _clean(name) or root
        try:
            body = read(min(self._limits.page, self._left) + 1)
        except archive.BROKEN as error:
            return f"{label} cannot be read ({_clean(str(error))}): skipped"
        self._left -= len(body)
        if self._left < 0:
            raise _LimitReached(f"it holds more than {self._limits.total:,} bytes")
        if len(body) > self._limits.page:
            ratio = f", {len(body) // packed} times its packed size" if packed else ""
            return f"{label} is larger than {self._limits.page:,} bytes{ratio}: skipped"
        return RawPage(
            url="folder:" + quote(f"{root}/{label}" if name else root),
            body=body,
            fetched_at=self._at,
            content_type=CONTENT_TYPES.get(PurePosixPath(label).suffix.lower(), ""),
            day=day_of(label),
            name=label,
        )


def day_of(name: str) -> date | None:
    """The first ISO date in the file's own name. A folder's date may be that of the saving."""
    for text in ISO_DAY.findall(PurePosixPath(name).name):
        try:
            return date.fromisoformat(text)
        except ValueError:  # the 31st of February
            continue
    return None


def _reader(path: Path) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        with path.open("rb") as file:
            return file.read(size)

    return read


def _unsafe(name: str) -> bool:
    """Absolute, with a drive, upwards, empty or endless, by the rules of any system."""
    path = PureWindowsPath(name)  # takes both slashes
    leads_out = bool(path.drive or path.root) or ".." in path.parts
    return leads_out or not 0 < len(name) <= LONGEST_NAME


def _clean(name: str) -> str:
    """A name as messages and the store can hold it: no control characters, no lone surrogates."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    return text[:LONGEST_NAME]


def _in_order(items: Iterator[RawPage | str]) -> Iterator[RawPage | str]:
    """Notes as they come, pages sorted by name within each stretch of `STRETCH` bytes.

    What is held is handed out before a limit ends the walk.
    """
    held: list[RawPage] = []
    room = STRETCH
    try:
        for item in items:
            if isinstance(item, str):
                yield item
                continue
            held.append(item)
            room -= len(item.body)
            if room < 0:
                yield from sorted(held, key=_name)
                held, room = [], STRETCH
    except _LimitReached:
        yield from sorted(held, key=_name)
        raise
    yield from sorted(held, key=_name)


def _name(page: RawPage) -> str:
    return page.name
