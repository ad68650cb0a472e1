"""One bounded request at a time: whatever the other side does, it costs a document's share and no more.

`Http.get` brings an `Answer` for every status; what it means is told in `answer`. The limits of a
document sit in `Limits`; which addresses may be dialled is judged in `address`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from ssl import SSLContext
from time import monotonic
from typing import Self

import httpcore2
import httpx2

from tasks.errors import SourceError, SourceRefused, UsageError
from tasks.fetch.address import Dialler, Resolver, resolve
from tasks.fetch.answer import Answer, shown
from tasks.fetch.body import BadBody, gunzip, whole

REDIRECTS = (301, 302, 303, 307, 308)
# Of an error's body only the beginning is looked at, to know a robot challenge.
ERROR_BODY = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one document may cost: seconds, bytes after decompression, redirects."""

    total: float = 30.0
    connect: float = 5.0
    read: float = 20.0
    body: int = 10_000_000
    redirects: int = 5


LIMITS = Limits()


class Http:
    """A client for one thread: no cookies, no proxies, no credentials, gzip only.

    `contact` is a url or address that a server's owner finds in the User-Agent. Use it as a context
    manager, once for a turn of a source, so that its connections are reused.
    """

    def __init__(
        self,
        contact: str = "",
        *,
        allow_private: bool = False,
        limits: Limits = LIMITS,
        resolver: Resolver = resolve,
    ) -> None:
        self._limits = limits
        self._dialler = Dialler(allow_private=allow_private, resolver=resolver)
        self._client = httpx2.Client(
            transport=_transport(self._dialler),
            headers={"User-Agent": user_agent(contact), "Accept-Encoding": "gzip"},
            timeout=httpx2.Timeout(limits.read, connect=limits.connect),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            trust_env=False,
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(
        self,
        url: str,
        *,
        etag: str = "",
        last_modified: str = "",
        accept: str = "*/*",
        secret: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a GET, redirects walked; conditional where a validator is given.

        `secret` are headers for the asked server's eyes alone: where it redirects, they do not go.
        Raises SourceError when no whole answer comes within the limits, SourceRefused for an
        address that is not dialled. No status is an error here.
        """
        self._dialler.deadline = monotonic() + self._limits.total
        headers: dict[str, str] = {"Accept": accept}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        target = _target(url)
        private: Mapping[str, str] = secret or {}
        for _ in range(self._limits.redirects + 1):
            answer = self._hop("GET", target, {**headers, **private})
            private = {}
            location = answer.headers.get("location", "")
            if answer.status not in REDIRECTS or not location:
                return answer
            target = _target(location, seen_from=target)
        raise SourceError(
            f"{shown(url)} redirects more than {self._limits.redirects} times: look where it leads "
            "and correct the source's address"
        )

    def post(self, url: str, body: bytes, *, content_type: str) -> Answer:
        """The answer to a POST. No redirect is walked: what is meant for one server goes to no other.

        Raises as `get` does. No status is an error here.
        """
        self._dialler.deadline = monotonic() + self._limits.total
        headers = {"Accept": "*/*", "Content-Type": content_type}
        return self._hop("POST", _target(url), headers, body)

    def _hop(
        self, method: str, url: httpx2.URL, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        try:
            with self._client.stream(method, url, headers=headers, content=body) as response:
                return Answer(
                    status=response.status_code,
                    url=str(url),
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=_body(response, self._limits.body),
                )
        except BadBody as error:
            trouble = f"{error}: open it in a browser and correct the source's address"
        except httpx2.TimeoutException as error:
            trouble = f"did not answer in time ({_words(error)}): it is tried again later"
        except httpx2.TransportError as error:
            trouble = f"cannot be fetched ({_words(error)}): it is tried again later"
        raise SourceError(f"{shown(str(url))} {trouble}")


def user_agent(contact: str) -> str:
    """How we name ourselves. Raises `UsageError` for a contact that no header can carry."""
    try:
        release = version("paperround")
    except PackageNotFoundError:  # run from a bare checkout
        release = "0"
    if not (contact.isascii() and contact.isprintable()):
        raise UsageError(f"the contact {contact!a} must be plain ASCII: a url or a mail address")
    return f"Paperround/{release} (+{contact})" if contact else f"Paperround/{release}"


@cache
def _tls() -> SSLContext:
    """The verifying context of this process: reading the certificates takes a while."""
    return httpx2.create_ssl_context(trust_env=False)


def _transport(dialler: Dialler) -> httpx2.HTTPTransport:
    transport = httpx2.HTTPTransport(verify=_tls(), trust_env=False)
    transport.close()
    # The client has no public way to replace only the dialling, and everything else shall stay.
    transport._pool = httpcore2.ConnectionPool(ssl_context=_tls(), network_backend=dialler)
    return transport


def _target(url: str, *, seen_from: httpx2.URL | None = None) -> httpx2.URL:
    """The url to ask, absolute. Raises SourceRefused for what is no plain http(s) url."""
    whence = (
        f"{shown(str(seen_from))} redirects to {shown(url)}, which" if seen_from else shown(url)
    )
    try:
        target = seen_from.join(url) if seen_from else httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise SourceRefused(
            f"{whence} is no url ({_words(error)}): correct the source's address"
        ) from None
    if target.scheme not in ("http", "https") or not target.host:
        raise SourceRefused(f"{whence} is no http or https url: correct the source's address")
    if target.port is not None and not 0 < target.port < 65_536:
        raise SourceRefused(f"{whence} has no possible port: correct the source's address")
    if target.userinfo:
        raise SourceRefused(f"{whence} carries a user name: credentials in urls are not sent")
    return target


def _words(error: Exception) -> str:
    """An error in a few words; it may quote what the other side sent."""
    return ascii(str(error) or type(error).__name__)[1:-1][:200]


def _body(response: httpx2.Response, cap: int) -> bytes:
    if response.status_code in REDIRECTS:
        return b""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    packed = encoding in ("gzip", "x-gzip")
    if response.status_code != 200:
        return _beginning(response, packed)
    if not packed and encoding not in ("", "identity"):
        raise BadBody(f"came with the encoding {encoding[:40]!a}, though only gzip was offered")
    return whole(response.iter_raw(), packed=packed, cap=cap)


def _beginning(response: httpx2.Response, packed: bool) -> bytes:
    """An error's body as far as it can be read: it only helps to name the error."""
    body = b""
    try:
        for chunk in gunzip(response.iter_raw()) if packed else response.iter_raw():
            body += chunk
            if len(body) >= ERROR_BODY:
                break
    except BadBody:
        pass
    return body[:ERROR_BODY]
