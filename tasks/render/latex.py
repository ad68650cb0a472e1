r"""LaTeX in titles and abstracts, written as a person would type it: ``$O(n^2)$`` becomes O(n²).

Not a TeX reader: it knows the marks that stand in real abstracts and drops the dress of the others.
"""

from __future__ import annotations

import re
import unicodedata

_TABLE = """
    alpha α  beta β  gamma γ  delta δ  epsilon ε  varepsilon ε  zeta ζ  eta η  theta θ  iota ι
    kappa κ  lambda λ  mu μ  nu ν  xi ξ  pi π  rho ρ  sigma σ  tau τ  upsilon υ  phi φ  varphi φ
    chi χ  psi ψ  omega ω  Gamma Γ  Delta Δ  Theta Θ  Lambda Λ  Xi Ξ  Pi Π  Sigma Σ  Phi Φ  Psi Ψ
    Omega Ω  times ×  cdot ·  leq ≤  le ≤  geq ≥  ge ≥  neq ≠  ne ≠  approx ≈  sim ∼  simeq ≃
    equiv ≡  propto ∝  pm ±  mp ∓  to →  rightarrow →  leftarrow ←  leftrightarrow ↔  Rightarrow ⇒
    mapsto ↦  infty ∞  in ∈  notin ∉  subset ⊂  subseteq ⊆  cup ∪  cap ∩  forall ∀  exists ∃
    partial ∂  nabla ∇  sum ∑  prod ∏  int ∫  ell ℓ  ldots …  dots …  cdots …  circ ∘  ast *
    star ⋆  dagger †  ll ≪  gg ≫  langle ⟨  rangle ⟩  lVert ‖  rVert ‖  Vert ‖  deg °  prime ′
    emptyset ∅  mid |  sqrt √  textregistered ®  texttrademark ™  ss ß  o ø  O Ø  ae æ  AE Æ  aa å
    AA Å  l ł  L Ł  i i  j j
"""
_SYMBOLS: dict[str, str] = dict(re.findall(r"(\S+) (\S+)", _TABLE))
_MARKS = {"'": "\u0301", "`": "\u0300", '"': "\u0308", "^": "\u0302", "~": "\u0303"}
_MARKS |= {"c": "\u0327", "v": "\u030c", "u": "\u0306", "H": "\u030b", "r": "\u030a"}
_RAISED = str.maketrans("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")

# A dollar sign opens mathematics only as Pandoc has it, so that prices stay prices.
_MATHS = re.compile(
    r"\$\$(.+?)\$\$|(?<!\\)\$(?=\S)([^$]+?)(?<=[^\s\\])\$(?!\d)|\\[(\[](.+?)\\[)\]]"
)
_ACCENT = re.compile(r"""\\(?:([`'"^~])\s*|([cvuHr])(?=\{))\{?\\?([A-Za-z])\}?""")
_SCRIPT = re.compile(r"([_^])(?:\{([^{}]*)\}|([0-9A-Za-z]))")
_NAMED = re.compile(r"\\([A-Za-z]+)\*?")
_ESCAPED = re.compile(r"\\([%&$#_{}])")
_SPACING = re.compile(r"\\[,;:!> ]|\\\\|~(?=\\)")
_DASH = re.compile(r"(?<=\w)--(?=\w)|(?<= )--(?= )")
_GROUP = re.compile(r"\{([A-Za-z][^{}]*)\}")


def unlatex(text: str) -> str:
    """`text` with LaTeX marks turned into Unicode; text without any comes back as it is."""
    text = _DASH.sub("–", text)
    if "\\" not in text and "$" not in text and "{" not in text:
        return text
    text = _ACCENT.sub(_accented, text)
    text = _MATHS.sub(_maths, text)
    text = _NAMED.sub(_named, _SPACING.sub(" ", text))
    return _ESCAPED.sub(r"\1", _ungrouped(text))


def _accented(found: re.Match[str]) -> str:
    mark, letter = found[1] or found[2], found[3]
    joined = unicodedata.normalize("NFC", letter + _MARKS[mark])
    return joined if len(joined) == 1 else found[0]


def _maths(found: re.Match[str]) -> str:
    inner = next(group for group in found.groups() if group is not None)
    inner = _NAMED.sub(_named, inner)
    return _SCRIPT.sub(_script, _ungrouped(inner))


def _script(found: re.Match[str]) -> str:
    """Raised or lowered characters where Unicode has them all, else the mark and the text."""
    text = found[2] if found[2] is not None else found[3]
    moved = text.translate(_RAISED if found[1] == "^" else _LOWERED)
    if all(old != new for old, new in zip(text, moved, strict=True)):
        return moved
    return f"{found[1]}{text}" if len(text) == 1 else f"{found[1]}({text})"


def _named(found: re.Match[str]) -> str:
    """A symbol for a command that is one; nothing for dress before a brace; else the bare name."""
    name, text = found[1], found.string
    if name in _SYMBOLS:
        return _SYMBOLS[name]
    if text[found.end() : found.end() + 1] == "{":
        return ""
    return f" {name}" if text[: found.start()][-1:].isalnum() else name


def _ungrouped(text: str) -> str:
    """`text` without braces around words; braces around anything else are somebody's set."""
    before = ""
    while before != text:
        before, text = text, _GROUP.sub(r"\1", text)
    return text
