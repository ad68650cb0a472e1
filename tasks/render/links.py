"""Where a mail's links lead: to the papers, plainly, and to the reader's own pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from tasks.records import Letterhead, Paper, Reader
from templates import msgid

LONGEST = 2000  # longer addresses are refused by servers, and would eat the mail's size
_ARXIV = re.compile(r"(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})(v\d+)?")
_DOI = re.compile(r"10\.\d{4,9}/[^\s<>\"\\]{1,200}")


@dataclass(frozen=True, slots=True)
class Ways:
    """A reader's ways to leave: a page of ours, empty where there is no public address, and a mail.

    The page's button does it: opening the link changes nothing.
    """

    leave: str
    leave_by_mail: str


def ways(letterhead: Letterhead, reader: Reader) -> Ways:
    """The ways out of this reader's digest, both by the reader's token.

    Without a token there are none: such a digest can be looked at, and `mime.build` refuses it.
    """
    token = quote(reader.token, safe="")
    return Ways(
        leave=page(letterhead, "u", reader.token),
        leave_by_mail=token and f"u+{token}@{letterhead.domain}",
    )


def page(letterhead: Letterhead, face: str, mark: str) -> str:
    """Our page of that face (``u``, ``tune``, ``view``, ``give``) for this mark or token.

    Empty without a mark, and where there is no public address.
    """
    base = safe_url(letterhead.base_url).rstrip("/") if mark else ""
    return base and f"{base}/{face}/{quote(mark, safe='')}"


def safe_url(url: str | None) -> str:
    """`url` fit for a link, or nothing: only http(s), with a host, and showing its true host.

    Refused: other schemes, names before an ``@``, backslashes (browsers read them as slashes),
    white space and control characters. Letters outside ASCII are percent-encoded, host names become
    punycode, so that look-alikes show.
    """
    url = url or ""
    if len(url) > LONGEST or re.search(r"[\s\x00-\x20\x7f-\x9f\\]", url):
        return ""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[a-z0-9.-]+", host):
        return ""
    if "@" in parts.netloc:
        return ""
    query = parts.query and "?" + parts.query
    fragment = parts.fragment and "#" + parts.fragment
    rest = quote(parts.path + query + fragment, safe="/?#&=%:;,+~!$*()@'-._")
    return f"{parts.scheme}://{host}{port}{rest}"


def arxiv(paper: Paper, part: str) -> str:
    """arXiv's page (``abs``) or file (``pdf``) of the paper; nothing without a sound id."""
    if not paper.arxiv_id or not _ARXIV.fullmatch(paper.arxiv_id):
        return ""
    return f"https://arxiv.org/{part}/{paper.arxiv_id}"


def doi(paper: Paper) -> str:
    """The publisher's page of the paper; nothing without a sound DOI."""
    if not paper.doi or not _DOI.fullmatch(paper.doi):
        return ""
    return f"https://doi.org/{quote(paper.doi, safe='/.;()-_:')}"


def named(paper: Paper) -> tuple[tuple[str, str], ...]:
    """The paper's links as (name, url), in the order PDF, abstract, publisher, code; names in English."""
    found = [(msgid("PDF"), arxiv(paper, "pdf")), (msgid("Abstract"), arxiv(paper, "abs"))]
    found.append((msgid("Publisher"), doi(paper)))
    found += [(msgid("Code"), safe_url(url)) for url in paper.code_urls[:1]]
    return tuple((name, url) for name, url in found if url)


def home(paper: Paper) -> str:
    """Where the title leads: the paper's own page, else arXiv's, else the publisher's."""
    return safe_url(paper.url) or arxiv(paper, "abs") or doi(paper)
