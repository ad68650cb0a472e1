"""Links: absolute, harmless and normalised; and the code repositories that a text names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

LONGEST = 2_000
"""Longer addresses break in mail clients, and no paper has one."""
MOST_REPOSITORIES = 10
"""A paper that names more than this is a list of code, not a paper with code."""

_KEPT = "!$&'()*+,;=:@/?%~-._[]|"
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Browsers drop line breaks inside an address, so that `java\nscript:` is no way around a check.
_DROPPED = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff\ud800-\udfff]+")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?\.?|\[[0-9a-f:.]+\]")

_REPOSITORY = re.compile(
    r"(?:https?:?/{1,2}|(?<![\w./@%-]))(?:www\.)?"
    r"(?P<host>github\.com|gitlab\.com|bitbucket\.org|codeberg\.org)/+"
    r"(?P<owner>[a-z0-9_][a-z0-9_.-]{0,99})/+(?P<rest>[a-z0-9_.-]+(?:/[a-z0-9_.-]+){0,4})",
    re.IGNORECASE,
)
_NOT_OWNERS = re.compile(
    r"about|apps|blog|collections|contact|customer-stories|dashboard|enterprise|events"
    r"|explore|features|groups|help|issues|join|login|marketplace|new|notifications"
    r"|organizations|orgs|pricing|product|pulls|readme|search|security|settings|site"
    r"|sponsors|stars|topics|trending|users"
)
_INSIDE = re.compile(
    r"-|blob|commit|commits|issues|merge_requests|raw|releases|src|tree|wiki|wikis"
)


def web(url: str, base: str = "") -> str | None:
    """An absolute http(s) address, or None where there is none to be made.

    `base` completes a relative address. Any other scheme gives None; user names and passwords are
    dropped, international hosts written in ASCII, spaces encoded and standard ports left out.
    """
    inner = _DROPPED.sub("", url).strip()
    if not inner or len(inner) > LONGEST:
        return None
    try:
        parts = urlsplit(urljoin(base, inner.replace("\\", "/")))
        host, port = _ascii_host(parts.hostname or ""), parts.port
    except ValueError:  # an impossible port, bracket or international name
        return None
    scheme = parts.scheme or ("https" if inner.startswith("//") else "")
    if scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        return None
    if port is not None and port != {"http": 80, "https": 443}[scheme]:
        host = f"{host}:{port}"
    path, query, fragment = (_quoted(part) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((scheme, host, path or "/", query, fragment))


def code(texts: Iterable[str]) -> tuple[str, ...]:
    """Code repositories named in texts or addresses, as `https://host/owner/name`, in order.

    A link into a repository counts as the repository; an owner alone is none. Works on prose in
    which brackets, LaTeX and full stops stick to the address.
    """
    known: dict[str, str] = {}
    for text in texts:
        for found in _REPOSITORY.finditer(text.replace("\\", "")):
            repository = _repository(found)
            if repository:
                known.setdefault(repository.casefold(), repository)
    return tuple(known.values())[:MOST_REPOSITORIES]


def _repository(found: re.Match[str]) -> str | None:
    host, owner, path = found["host"].lower(), found["owner"], found["rest"].split("/")
    if _NOT_OWNERS.fullmatch(owner.lower()):
        return None
    if host == "gitlab.com":  # its groups nest
        end = next(
            (at for at, part in enumerate(path) if at and _INSIDE.fullmatch(part)), len(path)
        )
        name = "/".join(path[:end])
    else:
        name = path[0]
    name = name.rstrip(".").removesuffix(".git").rstrip(".")
    return f"https://{host}/{owner}/{name}" if name.strip("-") else None


def _ascii_host(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    return host if host.isascii() else host.encode("idna").decode("ascii").lower()


def _quoted(part: str) -> str:
    return quote(_BROKEN_PERCENT.sub("%25", part), safe=_KEPT)
