"""The members of an archive, one after the other, without unpacking anything to disk.

Whoever made the archive may wish us harm: every read is bounded, a tar is read front to back once
(going back means unpacking anew), and only regular files come out. What cannot be read is a note.
"""

from __future__ import annotations

import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path
from typing import BinaryIO

ZIP, GZIP, XZ = (".zip",), (".tar.gz", ".tgz"), (".tar.xz",)
# What a broken or hostile archive raises, from opening it to the last read.
BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # also RecursionError, NotImplementedError
    OverflowError,
    LookupError,
)
# What stands between two members of a tar (long names, pax records) is held in memory.
MOST_HEADER = 65_536
# Some 100,000 files and the folders they lie in.
MOST_ENTRIES = 200_000
# Until 3.11.10 tarfile takes quadratic time over digits in a header (CVE-2024-6232).
MANY_DIGITS = re.compile(rb"\d{100}")
# A zip's list of members is held in memory: 16 MB are some 150,000 of them.
MOST_LIST = 16_000_000
# liblzma takes what the file asks for, up to 4 GB; `xz -9` asks for 65 MB.
MOST_LZMA = 128_000_000
STEP = 65_536


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive. `read(n)` gives its first n bytes, while it is the current one.

    `packed` is its packed size in bytes, where the archive says it (0: it does not).
    """

    name: str
    read: Callable[[int], bytes]
    packed: int = 0


def is_archive(name: str) -> bool:
    """Whether a file of this name is opened rather than taken as a page."""
    return name.lower().endswith(ZIP + GZIP + XZ)


def members(path: Path, *, total: int) -> Iterator[Member | str]:
    """The regular files in the archive, by name (zip) or in their order (tar); a str is a note.

    Raises one of `BROKEN` where it cannot be read on, and after `total` unpacked bytes of a tar.
    """
    name = path.name.lower()
    with path.open("rb") as file:
        if name.endswith(ZIP):
            yield from _zip(file)
        elif name.endswith(GZIP):
            with GzipFile(fileobj=file) as unpacked:
                yield from _tar(_Forward(unpacked, total))
        else:
            with io.BufferedReader(_Xz(file), STEP) as unpacked:
                yield from _tar(_Forward(unpacked, total))


def _zip(file: BinaryIO) -> Iterator[Member | str]:
    with zipfile.ZipFile(_Short(file)) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            mode = stat.S_IFMT(info.external_attr >> 16)
            if info.filename.endswith("/"):
                continue
            if mode not in (0, stat.S_IFREG):
                yield f"{info.filename} is a link or a device"
            elif info.flag_bits & 1:
                yield f"{info.filename} is encrypted"
            elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                # The zipfile module unpacks other methods without a bound.
                yield f"{info.filename} is packed by a method that is not read: pack it as usual"
            else:
                yield Member(info.filename, _zip_reader(archive, info), info.compress_size)


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        with archive.open(info) as file:
            return file.read(size)

    return read


def _tar(file: _Forward) -> Iterator[Member | str]:
    file.allowance = MOST_HEADER
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for _ in range(MOST_ENTRIES):
            file.allowance = MOST_HEADER
            info = archive.next()
            if info is None:
                break
            # tarfile remembers all it has seen; a hostile archive has much to remember.
            archive.members = []  # type: ignore[attr-defined]
            archive.pax_headers = {}
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                yield f"{info.name} is a link, a device or a sparse file"
            else:
                yield Member(info.name, _tar_reader(file, info))
        else:
            raise tarfile.ReadError(f"it has more than {MOST_ENTRIES:,} entries")
        if file.last.strip(b"\0"):
            raise tarfile.ReadError("it ends in something that is no header")


def _tar_reader(file: _Forward, info: tarfile.TarInfo) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        file.seek(info.offset_data)
        body = file.take(min(size, info.size))
        if len(body) < min(size, info.size):
            raise tarfile.ReadError("it ends in the middle of a file")
        return body

    return read


class _Forward(io.RawIOBase):
    """A stream that only goes forward. tarfile reads headers from it, at most `allowance` bytes;
    `last` is what it read last. Bodies are taken past tarfile, with `take`."""

    def __init__(self, file: io.BufferedIOBase, total: int) -> None:
        self.allowance = 0
        self.last = b""
        self._file = file
        self._total = total
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self.allowance:
            raise tarfile.ReadError("it has a header without end")
        self.allowance -= size
        self.last = self.take(size)
        if MANY_DIGITS.search(self.last):
            raise tarfile.ReadError("it has a header that is none")
        return self.last

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        assert whence == io.SEEK_SET
        while self._position < position and self.take(min(STEP, position - self._position)):
            pass
        return self._position

    def tell(self) -> int:
        return self._position

    def take(self, size: int) -> bytes:
        """The next bytes, fewer only at the end. Raises ReadError past the total."""
        data = self._file.read(size)
        self._position += len(data)
        if self._position > self._total:
            raise tarfile.ReadError(f"it holds more than {self._total:,} bytes unpacked")
        return data


class _Xz(io.RawIOBase):
    """An .xz file unpacked in bounded steps and bounded memory, stream after stream."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stream: lzma.LZMADecompressor | None = None
        self._input = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._some(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _some(self, size: int) -> bytes:
        while True:
            if self._stream is None and not self._next_stream():
                return b""
            assert self._stream is not None
            data = self._stream.decompress(self._input, size)
            self._input = b""
            if self._stream.eof:
                self._input, self._stream = self._stream.unused_data, None
            elif not data and self._stream.needs_input:
                self._input = self._file.read(STEP)
                if not self._input:
                    raise EOFError("it ends in the middle of its packed data")
            if data:
                return data

    def _next_stream(self) -> bool:
        """Begin the next stream, past the padding; False at the end of the file."""
        while not (rest := self._input.lstrip(b"\0")):
            self._input = self._file.read(STEP)
            if not self._input:
                return False
        self._input = rest
        self._stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_LZMA)
        return True


class _Short(io.RawIOBase):
    """A zip file whose list of members may not be endless: zipfile reads it in one go."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(MOST_LIST + 1 if size < 0 else min(size, MOST_LIST + 1))
        if len(data) > MOST_LIST:
            raise zipfile.BadZipFile("its list of members is too long")
        return data

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()
