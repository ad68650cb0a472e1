"""Bytes of a page → text. Declarations are hints: the bytes themselves have the last word."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from tasks.records import RawPage

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w.:-]{1,40})")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
# What writers mean when they say less: browsers read these names the same way.
_MEANT = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
}


# Codecs of Python that are no page's encoding; some of them take time that grows with the square.
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
_META = re.compile(rb"<meta\b[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)


def decode(page: RawPage) -> str:
    """Returns the text of `page`; never fails.

    The order: byte order mark, UTF-8 if the bytes are UTF-8 (whatever was declared: other encodings
    practically never look like it), the header's charset, the XML or HTML declaration's encoding,
    UTF-8 with damage if most of it is sound, and Windows-1252, which reads everything. Of UTF-8 with
    surrogates, which some writers make, pairs are joined and halves left out.
    """
    for mark, name in _BOMS:
        if page.body.startswith(mark):
            return page.body.decode(name, "replace")
    try:
        return page.body.decode()
    except UnicodeDecodeError:
        pass
    try:
        halves = page.body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return _guess(page)
    return halves.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _guess(page: RawPage) -> str:
    for name in _declared(page):
        try:
            if codecs.lookup(name).name not in _NO_CHARSETS:
                return page.body.decode(_MEANT.get(name, name))
        except (LookupError, ValueError):  # an unknown name, or the wrong one
            continue
    text = page.body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if sum(1 for sign in text if sign > "\x7f") > 2 * broken:
        return text
    return page.body.decode("cp1252", "replace")


def _declared(page: RawPage) -> Iterator[str]:
    if found := _CHARSET.search(page.content_type):
        yield found[1].lower()
    for pattern in (_DECLARED, _META):
        if declared := pattern.search(page.body[:1024]):
            yield declared[1].decode("ascii", "replace").lower()
