r"""LaTeX remnants in titles and abstracts, made readable with a table of our own.

A general converter does harm here: it takes `%` for a comment and cuts the text, and `$5 … $10`
for a formula. This one mends what is certain and leaves everything else as it stands, glued
formulas (`sigmaleft(`) and unknown commands (`\ours`) included.
"""

from __future__ import annotations

import re
import unicodedata

_MARKS = {
    "'": "\u0301", "`": "\u0300", "^": "\u0302", '"': "\u0308", "~": "\u0303", "=": "\u0304", ".":
    "\u0307", "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r":
    "\u030a", "d": "\u0323",
}  # fmt: skip
_LETTERS = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ",
    "aa": "å", "AA": "Å", "i": "ı", "j": "ȷ",
}  # fmt: skip
_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "omicron": "ο", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
_SIGNS = {
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ",
    "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "times": "×", "cdot": "·", "pm": "±", "div": "÷", "leq":
    "≤", "le": "≤", "geq": "≥", "ge": "≥", "neq": "≠", "ne": "≠", "approx": "≈", "sim": "∼",
    "equiv": "≡", "ll": "≪", "gg": "≫", "infty": "∞", "partial": "∂", "nabla": "∇", "sum": "∑",
    "prod": "∏", "int": "∫", "in": "∈", "notin": "∉", "subset": "⊂", "subseteq": "⊆", "cup": "∪",
    "cap": "∩", "to": "→", "rightarrow": "→", "leftarrow": "←", "leftrightarrow": "↔",
    "Rightarrow": "⇒", "mapsto": "↦", "forall": "∀", "exists": "∃", "otimes": "⊗", "oplus": "⊕",
    "circ": "∘", "star": "⋆", "ell": "ℓ", "hbar": "ℏ", "deg": "°", "ldots": "…", "dots": "…",
    "cdots": "⋯", "varepsilon": "ε", "vartheta": "ϑ", "varphi": "φ", "eg": "e.g.", "ie": "i.e.",
    "LaTeX": "LaTeX", "log": "log", "exp": "exp", "max": "max", "min": "min", "sup": "sup", "mid": "|",
    "textgreater": ">", "textless": "<", "lvert": "|", "rvert": "|", "Vert": "‖",
}  # fmt: skip
_SYMBOLS = _GREEK | _SIGNS
# Keys spell symbols out, glued, as the pages do that lost their backslashes (`LLMtimesMapReduce`).
_NAMES = str.maketrans(
    {sign: name for name, sign in _GREEK.items()} | {"×": "times", "∇": "nabla", "∞": "infty"}
)

_ACCENT = re.compile(
    r"""\\(?:(?P<mark>['`^"~=.])(?:\{\\?(?P<a>[A-Za-z])\}|\\?(?P<b>[A-Za-z]))"""
    r"""|(?P<named>[uvHckrd])\{\\?(?P<c>[A-Za-z])\})"""
)
_BRACED_ACCENT = re.compile(r"\{(" + _ACCENT.pattern + r")\}")
_LETTER = re.compile(r"\{\\(" + "|".join(_LETTERS) + r")\}|\\(" + "|".join(_LETTERS) + r")\{\}")
# Writers of other languages than LaTeX escape it: `the model\'s` has no ś.
_APOSTROPHE = re.compile(r"(?<=[^\W_])\\'(?=(?:s|t|m|d|ll|re|ve)\b)")
_ESCAPE = re.compile(r"\\([%_&#$])")

# The rule of Pandoc: the opening dollar touches what follows, the closing one what precedes, and
# no digit follows it, unless it all is one word (`$×$4`). So `$5 … $10` stays an amount of money.
_MATH = re.compile(
    r"(?<!\\)\$(?:(?![\s$])([^$]{1,300}?)(?<![\s\\])\$(?!\d)|(?!\d)([^$\s]{1,100})(?<!\\)\$)"
)
_AMOUNT = re.compile(r"\d[\d.,]*[kKMB]?\b.*\s[a-z]{2}")
_PARENTHESES = re.compile(r"\\\(((?:(?!\\\().){1,300}?)\\\)")
_STYLED = re.compile(
    r"\\(?:text(?:sc|bf|it|tt|sf|rm|up|sl|normal|superscript|subscript)?|emph|math(?:rm|bf|cal|bb|sf|it|tt|frak|scr)"
    r"|boldsymbol|bm|operatorname\*?|underline|mbox|ensuremath|url)\s*\{([^{}]*)\}"
)
_LINKED = re.compile(r"\\href\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_DECLARED = re.compile(r"\{\s*\\(?:em|it|bf|tt|sc|rm|sf|sl)(?:shape|series|family)?\s+([^{}]*)\}")
_NAME = r"\\(" + "|".join(sorted(_SYMBOLS, key=len, reverse=True)) + r")"
_SYMBOL = re.compile(r"\{" + _NAME + r"\}|" + _NAME + r"(?![A-Za-z])")
_SPACE = re.compile(r"\\(?:\\|[ ,;:]|xspace\b|allowbreak\b|(?:q?quad)\b)(?:\{\})?")
_QUOTED = re.compile(r"``([^`']{1,200})''")
_TIE = re.compile(r"(?<=[\w.,)])~(?=[\w(\\])")
_ADDRESS = re.compile(r"(https?://\S+|www\.\S+)")
_EMPHASIS = re.compile(r"(?<![\w*^_\\{(\[])(\*{1,2})(?=[^\W_])([^*]{1,78}?[^\W_])\1(?![\w*^_])")


def accents(text: str) -> str:
    r"""Mend accents (`Fr\'echet`, `{\"o}`, `\c{c}`, `{\o}`) and escapes (`\%`, `\_`, `\&`) only.

    An accent is mended where Unicode has the letter: `\"o` is ö, `\^n` is left alone.
    """
    if "\\" not in text:
        return text
    text = _APOSTROPHE.sub("'", text)
    text = _BRACED_ACCENT.sub(_accented, text)
    text = _ACCENT.sub(_accented, text)
    text = _LETTER.sub(lambda found: _LETTERS[found[1] or found[2]], text)
    return _ESCAPE.sub(r"\1", text)


def readable(text: str) -> str:
    r"""LaTeX and light Markdown → plain text: `accents`, and formulas, styles, quotes and ties.

    `$2.4\times$` → 2.4×, `\textsc{Name}` → Name, ``x'' → "x", `Fig.~2` → Fig. 2, a dash between
    spaces → –, `*two-stage*` → two-stage. Addresses are left alone.
    """
    if "\\" in text or "$" in text:
        text = _formulas(text)
    if "``" in text:
        text = _QUOTED.sub(r'"\1"', text)
    if "~" in text:
        parts = _ADDRESS.split(text)
        parts[::2] = [_TIE.sub(" ", part) for part in parts[::2]]
        text = "".join(parts)
    if "*" in text:
        text = _EMPHASIS.sub(r"\2", text)
    return " ".join(text.replace(" -- ", " – ").replace(" --- ", " — ").split())


def names_of_symbols(text: str) -> str:
    """Greek letters and a few signs by name, so that every spelling of a title gives one key."""
    return text if text.isascii() else text.translate(_NAMES)


def _formulas(text: str) -> str:
    text = _PARENTHESES.sub(_formula, _MATH.sub(_formula, text))
    for _ in range(3):  # styles nest, rarely and never deep
        text = _DECLARED.sub(r"\1", _STYLED.sub(r"\1", _LINKED.sub(r"\2", text)))
    return _SPACE.sub(" ", _symbols(accents(text)))


def _formula(found: re.Match[str]) -> str:
    formula: str = found[found.lastindex or 0]
    if _AMOUNT.match(formula):
        return found[0]
    # Before the dollars go: `LLM$\times$Map` must not become `\timesMap`.
    return _symbols(formula)


def _symbols(text: str) -> str:
    return _SYMBOL.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    sign = _SYMBOLS[found[1] or found[2]]
    glued = found.string[max(found.start() - 1, 0)].isalnum() and sign.isascii() and sign.isalpha()
    return f" {sign}" if glued else sign


def _accented(found: re.Match[str]) -> str:
    letter = found["a"] or found["b"] or found["c"]
    mark = _MARKS[found["mark"] or found["named"]]
    composed = unicodedata.normalize("NFC", letter + mark)
    return composed if len(composed) == 1 else found[0]
