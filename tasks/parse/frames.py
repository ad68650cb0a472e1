"""Messages on a pipe: four bytes of length (big-endian), then that many bytes."""

from __future__ import annotations

import struct
from typing import IO

_LENGTH = struct.Struct(">I")


class TooLongError(Exception):
    """A frame announced more bytes than the reader takes."""


def write(stream: IO[bytes], message: bytes) -> None:
    """Writes one message and flushes it."""
    stream.write(_LENGTH.pack(len(message)) + message)
    stream.flush()


def read(stream: IO[bytes], *, most: int = 2**32) -> bytes | None:
    """Returns the next message, or None where the stream ends before or inside it.

    Raises `TooLongError` for a message of more than `most` bytes, without reading it.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    if size > most:
        raise TooLongError
    message = stream.read(size)
    return message if len(message) == size else None
