"""A web server for tests: each path answers with its script, and what was asked is remembered.

    with Site() as site:
        site.scripts["/feed"] = reply(200, b"<rss/>", ETag='"e"')
        ...
        assert site.paths == ["/feed"]

A path without a script gets `otherwise`, which is a 404 at first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Script = Callable[["Handler"], object]


class Handler(BaseHTTPRequestHandler):
    """One question; its script writes the answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it would hold back each body for 40 ms
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        self.server.scripts.get(self.path, self.server.otherwise)(self)

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""


class Site(ThreadingHTTPServer):
    """Serves 127.0.0.1 from `with` on. `asked` are paths with their headers, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.scripts: dict[str, Script] = {}
        self.otherwise = reply(404)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))

    @property
    def paths(self) -> list[str]:
        """What was asked for, without the headers."""
        return [path for path, _ in self.asked]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *args: Any) -> None:
        """A client that hangs up is what some tests are about."""


def reply(status: int, body: bytes = b"", **headers: str) -> Script:
    """A whole answer; the underscores of a header's name stand for hyphens."""

    def script(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return script


def endless(first: bytes, again: bytes, pause: float) -> Script:
    """Write `first`, and then `again` every `pause` seconds until the client hangs up."""

    def script(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(first)
        while not handler.server.stopping.wait(pause):
            handler.wfile.write(again)

    return script
