"""What a server answered, and what it means: the page, a challenge, a pause, a failure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from tasks.errors import SourceError, SourceRefused
from tasks.records import RawPage

REFUSALS = {
    401: "it wants a login",
    403: "it forbids the page",
    410: "the page is gone for good",
    451: "the page is withheld for legal reasons",
}
LONGEST_WAIT = timedelta(hours=24)
# Enough for every honest validator; it is stored and sent back.
LONGEST_HEADER = 1000
KEPT = (
    "age",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "link",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A server's answer. `url` is the last one asked, header names are lower-case.

    `body` is already inflated; for a status other than 200 it is at most the beginning.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


def failure(answer: Answer, at: datetime) -> SourceError | None:
    """The error that an answer stands for; None for a 200 or 304 that is no robot challenge.

    `at` is what a Retry-After date is measured from where the answer itself has no date.
    """
    url, status = shown(answer.url), answer.status
    if _challenged(answer):
        return SourceRefused(
            f"{url} answered {status} with a robot challenge: it is left alone for some hours; "
            "if that lasts, use the source's API or feed instead of its pages"
        )
    if status in (200, 304):
        return None
    wait = asked_wait(answer.headers, at)
    if status in REFUSALS:
        return SourceRefused(
            f"{url} answered {status} ({REFUSALS[status]}): correct or pause the source", wait=wait
        )
    if status == 429:
        return SourceError(f"{url} answered 429: it asks for fewer requests, we wait", wait=wait)
    if status >= 500:
        return SourceError(
            f"{url} answered {status} (trouble of its own): it is tried again later", wait=wait
        )
    return SourceError(f"{url} answered {status}: check the source's address", wait=wait)


def asked_wait(headers: Mapping[str, str], at: datetime) -> timedelta | None:
    """How long the server asks us to wait, at most 24 hours; None where it asks nothing sensible.

    Reads Retry-After (RFC 9110 §10.2.3: seconds or a date) and the Hugging Face form of RateLimit
    (``"api";r=0;t=120``: nothing remains for 120 seconds).
    """
    longest = max(_retry_after(headers, at), _rate_limit(headers.get("ratelimit", "")))
    return min(timedelta(seconds=longest), LONGEST_WAIT) if longest > 0 else None


def page(answer: Answer, *, at: datetime, kind: str, day: date | None = None) -> RawPage:
    """The page that an answer brought, with the headers that a later reader may need."""
    return RawPage(
        url=answer.url,
        body=answer.body,
        fetched_at=at,
        content_type=answer.headers.get("content-type", "")[:LONGEST_HEADER],
        kind=kind,
        day=day,
        headers={
            name: answer.headers[name][:LONGEST_HEADER] for name in KEPT if name in answer.headers
        },
    )


def shown(url: str) -> str:
    """A url as messages show it: no credentials, no control characters, not endless."""
    text = re.sub(r"//[^/?#]*@", "//", url, count=1)
    text = quote(text, safe="%/:?#[]@!$&'()*+,;=~", encoding="utf-8", errors="backslashreplace")
    return text if len(text) <= 300 else f"{text[:300]}…"


def _challenged(answer: Answer) -> bool:
    """Whether the answer is a firewall's puzzle (AWS WAF, Cloudflare) and not the page.

    Honest pages load the AWS script too, so on a 200 only the puzzle's own variable counts.
    """
    if "x-amzn-waf-action" in answer.headers or "cf-mitigated" in answer.headers:
        return True
    if "html" not in answer.headers.get("content-type", "html"):
        return False
    start = answer.body[:65_536]
    puzzles = (b"window.gokuProps",) if answer.status == 200 else (b"gokuProps", b"awswaf.com")
    return any(puzzle in start for puzzle in puzzles)


def _retry_after(headers: Mapping[str, str], at: datetime) -> float:
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,12}", value):
        return min(float(value), LONGEST_WAIT.total_seconds())
    until = _http_date(value)
    if until is None:
        return 0.0
    # The server's own clock, where it tells it: ours may differ, or stand on an old day.
    return (until - (_http_date(headers.get("date", "")) or at)).total_seconds()


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _rate_limit(value: str) -> float:
    match = re.search(r";\s*r=0\s*;\s*t=(\d{1,12})\b", value)
    return min(float(match[1]), LONGEST_WAIT.total_seconds()) if match else 0.0
