r"""Values of BibTeX fields → plain text: what `tasks.parse.latex` mends, and what BibTeX adds to it.

In a BibTeX value braces only group (`{B}ERT`, `{{Whole Title}}`), dashes are doubled, and programs
write signs by their names (`{\textendash}`).
"""

from __future__ import annotations

import re

from tasks.parse.latex import readable

_SIGNS = {
    "textendash": "–", "textemdash": "—", "textquoteright": "’", "textquoteleft": "‘",
    "textquotedblleft": "“", "textquotedblright": "”", "textquotesingle": "'",
    "textasciitilde": "~", "textasciicircum": "^", "textunderscore": "_", "textbar": "|",
    "textregistered": "®", "texttrademark": "™", "textdegree": "°", "textmu": "µ",
    "textellipsis": "…",
}  # fmt: skip
_SIGN = re.compile(r"\\(" + "|".join(_SIGNS) + r")(?![A-Za-z])(?:\{\}|\s)?")
_SPACED_ACCENT = re.compile(r"\\([uvHckrd])\s{1,3}\\?([A-Za-z])")
_SPACED_LETTER = re.compile(r"(?<!\\)\\(ss|ae|AE|oe|OE|aa|AA|[oOlL])(?![A-Za-z])(?:\{\}|\s)?")
_GROUPING = re.compile(r"(?<!\\)[{}]")
_ESCAPED = re.compile(r"\\([{}])")
_AROUND_ADDRESSES = re.compile(r"\\url\b|[{}\\]")


def text(value: str) -> str:
    """A value as a person would type it, in one line. HTML in it stays as it is."""
    value = formulas(" ".join(value.split()))
    if "\\" in value:
        value = _SIGN.sub(lambda found: _SIGNS[found[1]], value)
        value = _SPACED_ACCENT.sub(r"\\\1{\2}", value)
        value = _SPACED_LETTER.sub(r"{\\\1}", value)
    value = _ESCAPED.sub(r"\1", _GROUPING.sub("", readable(value)))
    return value.replace("---", "—").replace("--", "–")


def formulas(value: str) -> str:
    r"""`\(x\)` → `$x$`. What opens and never closes would be looked for from each opening."""
    return value.replace(r"\(", "$").replace(r"\)", "$")


def address(value: str) -> str:
    r"""A value that is an identifier or an address: without braces, escapes and `\url`."""
    return _AROUND_ADDRESSES.sub("", value).strip()


def people(value: str) -> list[str]:
    """`Doe, Jane and {The Group}` → `Jane Doe`, `The Group`."""
    return [person(text(name)) for name in " ".join(value.split()).split(" and ")]


def person(name: str) -> str:
    """`Doe, Jane` or `Doe, Jr., Jane` → `Jane Doe`; other names as they are."""
    last, comma, rest = name.partition(",")
    return f"{rest.rpartition(',')[2].strip()} {last.strip()}" if comma else name
