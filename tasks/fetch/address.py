"""Which addresses may be dialled, and the dialling itself.

A stranger's name may lead into our own network. So a name is resolved once, the whole answer is
judged, and one of the judged addresses is dialled as a literal: a second answer of the resolver can
change nothing. Host header, SNI and certificate check keep the name. Every redirect comes through
here again. The dialler also keeps the document's deadline, since it sees every read of the socket.
"""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from queue import Empty, SimpleQueue
from ssl import SSLContext
from time import monotonic
from typing import Any

import httpcore2

from tasks.errors import SourceRefused

PORTS = (80, 443)
# One name may have dozens of addresses; a host that is down should not cost them all.
MOST_ADDRESSES = 4

# Counted as global by `ipaddress`, and yet no public host's: protocol assignments and 6to4 relays.
_SPECIAL_V4 = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))
# All public v6 addresses lie in 2000::/3; Teredo and 6to4 in it wrap a v4 address of any kind.
_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = (IPv6Network("2001::/23"), IPv6Network("2002::/16"))

Resolver = Callable[[str, int], Sequence[str]]


def public(address: str) -> bool:
    """Whether an IP literal is a host on the public internet. Wrapped v4 addresses are not."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast and not any(ip in net for net in _SPECIAL_V4)
    return ip in _GLOBAL_V6 and ip.is_global and not any(ip in net for net in _SPECIAL_V6)


def judge(host: str, port: int, addresses: Sequence[str]) -> None:
    """Raise `SourceRefused` unless the port is the web's and *every* address is public."""
    if port not in PORTS:
        raise SourceRefused(f"{host}: port {port} is not dialled, only 80 and 443: use another url")
    inside = [address for address in addresses if not public(address)]
    if inside:
        raise SourceRefused(
            f"{host} leads to {inside[0]}, which is no public address: correct the source, "
            "or allow private addresses in the settings if the source is your own"
        )


def resolve(host: str, port: int) -> list[str]:
    """The host's addresses as literals, in the system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class Dialler(httpcore2.NetworkBackend):
    """Opens connections to judged addresses only, and lets none outlive `deadline` (monotonic).

    With `allow_private` nothing is judged. Serves one thread: the deadline is that of the one
    document being fetched.
    """

    def __init__(self, *, allow_private: bool = False, resolver: Resolver = resolve) -> None:
        self.deadline = math.inf
        self._allow_private = allow_private
        self._resolver = resolver
        self._backend = httpcore2.SyncBackend()

    def left(self, timeout: float | None) -> float:
        """Seconds that one operation may take. Raises ReadTimeout past the deadline."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the document's deadline has passed")
        return left if timeout is None else min(left, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Dial the first judged address that answers. Raises as httpcore2 does or SourceRefused."""
        addresses = self._look_up(host, port, self.left(timeout))
        if not self._allow_private:
            judge(host, port, addresses)
        failure: Exception = httpcore2.ConnectError("the name has no address")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                line = self._backend.connect_tcp(
                    address, port, self.left(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _Line(line, self)
        raise failure

    def _look_up(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Resolve in a thread of its own, since the system's resolver knows no deadline."""
        answers: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolver(host, port))
            except (OSError, UnicodeError) as error:  # no such name; not even a name
                answers.put(error)

        threading.Thread(target=ask, name="resolver", daemon=True).start()
        try:
            answer = answers.get(timeout=seconds)
        except Empty:
            raise httpcore2.ConnectTimeout("the name was not resolved in time") from None
        if isinstance(answer, Exception):
            raise httpcore2.ConnectError(f"the name cannot be resolved ({answer})") from answer
        return answer


class _Line(httpcore2.NetworkStream):
    """A connection whose every operation ends with the document's deadline."""

    def __init__(self, line: httpcore2.NetworkStream, dialler: Dialler) -> None:
        self._line = line
        self._dialler = dialler

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._line.read(max_bytes, self._dialler.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._line.write(buffer, self._dialler.left(timeout))

    def close(self) -> None:
        self._line.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = self._dialler.left(timeout)
        return _Line(self._line.start_tls(ssl_context, server_hostname, left), self._dialler)

    def get_extra_info(self, info: str) -> Any:
        return self._line.get_extra_info(info)
