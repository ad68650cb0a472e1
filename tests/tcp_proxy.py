"""A TCP proxy that breaks connections on command: between the code and Redis, SMTP or PostgreSQL.

Faults of the network that no server can be asked for: refusal, silence, resets, and connections
that stay open while nothing comes through them any more.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from enum import Enum, auto
from typing import Self

CHUNK = 65536
LINGER_ZERO = struct.pack("ii", 1, 0)  # closing then sends RST instead of FIN


class Mode(Enum):
    """What becomes of new connections."""

    PASS = auto()
    """They reach the server."""
    REFUSE = auto()
    """They are reset before a byte passes."""
    BLACKHOLE = auto()
    """They are accepted, and nothing ever answers."""


class TcpProxy:
    """Listens on a free port of loopback and pumps bytes to `target` and back, until `close`.

    `mode` may be set at any time; it is for connections that come after. `accepted` counts them.
    """

    def __init__(self, target_port: int, target_host: str = "127.0.0.1") -> None:
        self.mode = Mode.PASS
        self.accepted = 0
        self._target = (target_host, target_port)
        self._links: list[_Link] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def reset_all(self) -> None:
        """End every connection there is with RST; new ones go by `mode`."""
        links, self._links = self._links, []
        for link in links:
            link.reset()

    def freeze_existing(self) -> None:
        """Let the connections there are stand open with nothing passing, for ever: half-open."""
        for link in self._links:
            link.frozen.set()

    def close(self) -> None:
        """Stop listening and end every connection."""
        with contextlib.suppress(OSError):  # wakes the listener out of accept
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._listener.join()
        self.reset_all()

    def _listen(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:  # closed
                return
            self.accepted += 1
            self._admit(near)

    def _admit(self, near: socket.socket) -> None:
        if self.mode is Mode.REFUSE:
            _reset(near)
        elif self.mode is Mode.BLACKHOLE:
            self._links.append(_Link(near))
        else:
            self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._target)
        except OSError:  # the server is down, and its clients shall see it
            _reset(near)
            return
        link = _Link(near, far)
        self._links.append(link)
        link.start()


class _Link:
    """One connection: its ends, and the thread that carries bytes between two of them."""

    def __init__(self, *ends: socket.socket) -> None:
        self.frozen = threading.Event()
        self._ends = ends
        self._pump = threading.Thread(target=self._carry, daemon=True)

    def start(self) -> None:
        self._pump.start()

    def reset(self) -> None:
        self.frozen.set()  # so that the pump does not hand the end on as a polite one
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RD)  # wakes the pump
        if self._pump.ident:
            self._pump.join()
        for end in self._ends:
            _reset(end)

    def _carry(self) -> None:
        near, far = self._ends
        onward = {near: far, far: near}
        try:
            while onward:
                for source in select.select(list(onward), [], [])[0]:
                    data = source.recv(CHUNK)
                    if self.frozen.is_set():
                        return
                    if data:
                        onward[source].sendall(data)
                    else:
                        onward.pop(source).shutdown(socket.SHUT_WR)
        except OSError:  # one end was reset: so is the other
            for end in self._ends:
                _reset(end)
        for end in self._ends:
            end.close()


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # gone already
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
    end.close()
