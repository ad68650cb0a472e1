"""Text clean-up: whatever a page sends becomes one line that is safe to store, match and show.

Three depths, because a mend in one place is damage in another:

* `line`: characters only. For text that is plain already (a saved page).
* `plain`: `line`, and markup and entities resolved. For text that may be HTML (feeds, the API).
* `title`, `abstract`: `plain`, and LaTeX made readable (see `tasks.parse.latex`).

Every function takes any string, never raises, and takes time linear in its input.
"""

from __future__ import annotations

import html
import re
import unicodedata

from tasks.parse.latex import accents, names_of_symbols, readable

TITLE_LENGTH = 500
"""Titles are cut here: the longest in a year of daily papers has 175 characters."""
TEXT_LENGTH = 100_000
"""Nothing longer than this is looked at: real abstracts stay below 2,000 characters."""
WORD_LENGTH = 2_000
"""Longer words are cut: normalising costs the square of a run of accents, and one can be a page."""

# Controls other than white space, soft hyphen, zero-width space, bidi marks, overrides and
# isolates, invisible operators, byte order mark, annotations, surrogates, noncharacters and tags.
# Zero-width joiners stay: Persian words and family emoji need them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
# Only with its semicolon: `?a=1&copy=2` is a query, not a copyright sign.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_HIDDEN = re.compile(r"<(!--|!\[CDATA\[|script\b|style\b)", re.IGNORECASE)
_HIDDEN_ENDS = {
    "!--": re.compile("-->"),
    "![cdata[": re.compile(re.escape("]]>")),
    "script": re.compile(r"</script[^<>]*>", re.IGNORECASE),
    "style": re.compile(r"</style[^<>]*>", re.IGNORECASE),
}
# Quoted values may hold `>` but not `<`, so that no scan runs past the next tag.
_TAG = re.compile(
    r"<(/?)(?:[a-z]{2,5}:)?([a-z][a-z0-9]*)((?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*|[^<>]*)>",
    re.IGNORECASE,
)
_DECLARATION = re.compile(r"<[!?][a-z][^<>]*>", re.IGNORECASE)

_BLOCKS = re.compile(
    r"address|article|aside|blockquote|br|caption|center|dd|details|dialog|div|dl"
    r"|dt|fieldset|figcaption|figure|footer|form|h1|h2|h3|h4|h5|h6|header|hr|img"
    r"|legend|li|main|menu|nav|ol|option|p|pre|sec|section|summary|table|tbody"
    r"|td|tfoot|th|thead|title|tr|ul"
)
_INLINE = re.compile(
    r"a|abbr|acronym|applet|area|audio|b|base|basefont|bdi|bdo|big|body|bold"
    r"|button|canvas|cite|code|col|colgroup|data|datalist|del|dfn|dir|em|embed"
    r"|font|frame|frameset|head|html|i|iframe|input|ins|italic|kbd|label|link|map"
    r"|mark|marquee|math|meta|meter|mi|mn|mo|mrow|mspace|mstyle|msub|msubsup|msup"
    r"|mtext|noframes|noscript|object|optgroup|output|param|path|picture|progress|q"
    r"|rp|rt|ruby|s|samp|sc|script|select|semantics|slot|small|source|span|strike"
    r"|strong|style|sub|sup|svg|template|textarea|time|track|tt|u|var|video|wbr"
)
_LETTERS = frozenset("abipqsu")


def line(text: str) -> str:
    """One line of visible characters: no controls, no bidi tricks, single spaces, NFC."""
    words = _INVISIBLE.sub("", text[:TEXT_LENGTH]).split()
    return unicodedata.normalize("NFC", " ".join(word[:WORD_LENGTH] for word in words))


def plain(text: str) -> str:
    """HTML or text → one plain line. One level of entities; an unknown `<tag>` survives as text."""
    text = _INVISIBLE.sub("", text[:TEXT_LENGTH])
    if "<" in text:
        text = _DECLARATION.sub(" ", _TAG.sub(_tag, _without_hidden(text)))
    if "&" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return line(text)


def title(raw: str) -> str:
    """A title as a person would type it, at most `TITLE_LENGTH` characters."""
    return readable(plain(raw))[:TITLE_LENGTH].rstrip()


def abstract(raw: str) -> str:
    """An abstract as a person would read it aloud; `%` and `$5` are text, never syntax."""
    return readable(plain(raw))


def saved(raw: str) -> str:
    """A line of a saved page as it stands, with accents and escapes mended and nothing else."""
    return accents(line(raw))


def title_key(title: str) -> str:
    """The exact normalised title by which entries without an identifier are merged.

    Case, punctuation, LaTeX and the spelling of Greek letters do not count; `+`, `#` and decimal
    points do, so that Qwen2 and Qwen2.5, or C, C++ and C#, stay apart. Never empty for a title
    that shows anything: one of symbols alone keys as itself.
    """
    text = unicodedata.normalize("NFKC", readable(plain(title)))
    text = names_of_symbols(unicodedata.normalize("NFKC", text.casefold()))
    last = len(text) - 1
    kept = [
        char
        if _distinguishes(char)
        or (char == "." and 0 < at < last and text[at - 1].isdigit() and text[at + 1].isdigit())
        else " "
        for at, char in enumerate(text)
    ]
    return " ".join("".join(kept).split()) or " ".join(text.split())


def _distinguishes(char: str) -> bool:
    return char.isalnum() or char in "+#" or unicodedata.category(char) in {"Mn", "Mc"}


def _without_hidden(text: str) -> str:
    """Scripts, styles and comments go with their content; CDATA goes and leaves its content.

    What is opened and never closed is no markup: it stays, and is not looked for again.
    """
    kept: list[str] = []
    unclosed: set[str] = set()
    at = 0
    while found := _HIDDEN.search(text, at):
        name = found[1].casefold()
        end = None if name in unclosed else _HIDDEN_ENDS[name].search(text, found.end())
        kept.append(text[at : found.start() if end else found.end()])
        if end is None:
            unclosed.add(name)
        elif name == "![cdata[":
            kept.append(text[found.end() : end.start()])
        at = end.end() if end else found.end()
    return "".join([*kept, text[at:]])


def _tag(found: re.Match[str]) -> str:
    closing, name, rest = found[1], found[2].casefold(), found[3]
    if name in _LETTERS and not closing and rest.strip(" /") and "=" not in rest:
        return found[0]  # `a<b and c>d` is mathematics
    if _BLOCKS.fullmatch(name):
        return " "
    return "" if _INLINE.fullmatch(name) else found[0]
