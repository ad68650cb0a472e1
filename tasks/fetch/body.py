"""A body of unknown size, read in bounded steps.

Every function takes chunks as they come and never holds more than the cap and one step. A gzip
body of a few hundred bytes may hold a gigabyte, so it is inflated a step at a time and counted.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

GZIP_MAGIC = b"\x1f\x8b"
STEP = 65_536
# A body in blocks (bgzip) has 160 members in 10 MB; a bomb of empty members has half a million.
MOST_MEMBERS = 1000


class BadBody(ValueError):
    """A body that cannot be read; the message goes on after the name of the thing."""


def whole(chunks: Iterable[bytes], *, packed: bool, cap: int) -> bytes:
    """The body in one piece, inflated where `packed`. Raises `BadBody` past `cap` bytes.

    A body that still begins with gzip's magic number is inflated once more: servers send .gz files
    without saying so, and proxies pack what was packed.
    """
    raw = _counted(chunks, cap)
    body = b"".join(_counted(gunzip(raw), cap) if packed else raw)
    if body.startswith(GZIP_MAGIC):
        return b"".join(_counted(gunzip([body]), cap))
    return body


def gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Inflate all members of a gzip body, at most `STEP` bytes at a time. Raises `BadBody`."""
    member = None
    members = 0
    for chunk in chunks:
        while chunk:
            if member is None:
                chunk = chunk.lstrip(b"\0") if members else chunk  # padding between members
                if not chunk:
                    break
                member, members = zlib.decompressobj(31), members + 1
                if members > MOST_MEMBERS:
                    raise BadBody(f"has more than {MOST_MEMBERS} gzip members")
            try:
                yield member.decompress(chunk, STEP)
            except zlib.error as error:
                raise BadBody(f"has broken gzip data ({error})") from None
            if member.eof:
                chunk, member = member.unused_data, None
            else:
                chunk = member.unconsumed_tail
    if member is not None:
        raise BadBody("ends in the middle of its gzip data")


def _counted(chunks: Iterable[bytes], cap: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > cap:
            raise BadBody(f"is larger than {cap:,} bytes")
        yield chunk
