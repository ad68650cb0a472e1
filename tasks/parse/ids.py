"""Identifiers in canonical form: what makes two sightings one paper.

An arXiv id is stored without its version, the version apart; a DOI in lower case. Numbers that
only look like an id (`2413.00001`, `0808.05394`) are none.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

LONGEST = 500
"""Identifiers and their addresses are short; anything longer is something else."""

_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|"
    "cond-mat|cs|dg-ga|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math-ph|math|mtrl-th|nlin|"
    "nucl-ex|nucl-th|patt-sol|physics|plasm-ph|q-alg|q-bio|quant-ph|solv-int|supr-con"
)
_ID = (
    r"(?:(?P<new>\d{4}\.\d{4,5})"
    rf"|(?P<archive>{_ARCHIVES})(?:\.[a-z]{{2,8}}(?:-[a-z]{{2,8}})?)?/(?P<number>\d{{7}}))"
    r"(?:v(?P<version>\d{1,3}))?"
)
_HOSTS = (
    r"(?:https?:)?(?://)?(?:"
    r"(?:[a-z]+\.)?arxiv\.org/(?:abs|pdf|html|format|src|ps|e-print)"
    r"|(?:www\.)?alphaxiv\.org/(?:[a-z]{2}/)?(?:abs|pdf|html|overview)"
    r"|(?:huggingface\.co|hf\.co)/papers"
    r"|ar5iv\.(?:labs\.arxiv\.)?org(?:/(?:abs|html|pdf))?"
    r"|scirate\.com/arxiv"
    r")/(?:arxiv:)?"
)
_DOI_HOST = r"(?:(?:https?:)?(?://)?(?:dx\.|www\.)?doi\.org/|(?:info:)?doi[:/]\s?)"
_MARK = rf"(?:oai:arxiv\.org:|arxiv:\s?|{_HOSTS}|{_DOI_HOST}?10\.48550/arxiv\.)"
_WHOLE = re.compile(
    rf"{_MARK}?{_ID}(?:\.pdf|\.md)?/?(?:[?#]\S*)?(?: ?\[[\w.-]+\]?)?", re.IGNORECASE
)
_MARKED = re.compile(rf"(?<![a-z0-9.@-]){_MARK}{_ID}(?!\d|\.\d)", re.IGNORECASE)
_DOI = re.compile(rf"{_DOI_HOST}?(10\.\d{{4,9}}(?:\.\d+)*/[^\s\"\\\x00-\x1f]+)", re.IGNORECASE)


def arxiv(text: str) -> tuple[str, int | None] | None:
    """The arXiv id that `text` as a whole is, or is the address of: (canonical id, version).

    Takes bare ids, `arXiv:`, `oai:`, DOI 10.48550 and the addresses of arXiv, its mirrors and
    readers. Months and digits must fit the date: five digits since 1501, four before.
    """
    if len(text) > LONGEST:
        return None
    found = _WHOLE.fullmatch(unquote(text).strip().strip("<>()[]{}\"'.,;: "))
    return _checked(found) if found else None


def find_arxiv(text: str) -> tuple[str, int | None] | None:
    """The first id in prose that `arXiv:` or an address marks as one; never a bare number."""
    candidates = (_checked(found) for found in _MARKED.finditer(text.replace("%2F", "/")))
    return next((one for one in candidates if one), None)


def doi(text: str) -> str | None:
    """The DOI that `text` as a whole is, in lower case; None for arXiv's own (10.48550/arXiv.…)."""
    if len(text) > LONGEST:
        return None
    found = _DOI.fullmatch(unquote(text).strip().strip("<>{}\"'.,;: "))
    if not found:
        return None
    name = found[1].casefold()
    if name.endswith(")") and name.count(")") > name.count("("):
        name = name.removesuffix(")").rstrip(".")
    return None if name.startswith("10.48550/arxiv.") else name


def _checked(found: re.Match[str]) -> tuple[str, int | None] | None:
    version = int(found["version"] or 0) or None
    if found["new"]:
        return (found["new"], version) if _is_new(found["new"]) else None
    number = found["number"]
    return (f"{found['archive'].lower()}/{number}", version) if _is_old(number) else None


def _is_new(name: str) -> bool:
    """YYMM.NNNN from April 2007 to 2014, YYMM.NNNNN since 2015; the scheme ends with 2090."""
    month, number = name.split(".")
    if not ("0704" <= month <= "9012" and "01" <= month[2:] <= "12" and int(number)):
        return False
    return len(number) == (5 if month >= "1501" else 4)


def _is_old(number: str) -> bool:
    """YYMMNNN from August 1991 to March 2007."""
    month = number[:4]
    return (
        (month >= "9107" or month <= "0703") and "01" <= month[2:] <= "12" and int(number[4:]) > 0
    )
