r"""Papers → BibTeX and RIS: what a reader saved, for the program that they write with. Pure.

Both are UTF-8. What a paper says is text and stays text: what LaTeX or BibTeX would take for a command,
a group or a comment is written out (`\%`, `\textbackslash{}`), and a field never ends before its end.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from tasks.parse import clean
from tasks.records import Paper

LONGEST = 20_000  # characters of an abstract: no honest one has more
SLUG_WORDS = 6
UNTITLED = "Untitled paper"

# `\{` would still open a group for BibTeX, which counts braces whatever stands before them.
_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
    }
    | {sign: f"\\{sign}" for sign in "$&#%_"}
)
_NO_KEY = re.compile(r"[^A-Za-z0-9.:/]+")  # what a citation key may not hold, in any program
_NO_LETTER = re.compile(r"[^a-z]+")
_AND = re.compile(r"\band\b", re.IGNORECASE)
_NEW_ID = re.compile(r"(\d\d)\d\d\.\d{4,5}")
_OLD_ID = re.compile(r"[a-z-]+(?:\.[A-Z]{2})?/(\d\d)\d{5}")
_URL = re.compile(r"https?://[^\s\"<>\\^`{|}]{1,2000}")


def bibtex(papers: Iterable[Paper]) -> str:
    """One entry for each paper, in their order; `@misc` for what only arXiv has, else `@article`."""
    return "\n".join(_bibtex(paper, key) for paper, key in _keyed(papers))


def ris(papers: Iterable[Paper]) -> str:
    """One record for each paper, in their order; lines end by CRLF, as the format has it."""
    lines = [line for paper, key in _keyed(papers) for line in (*_ris(paper, key), "")]
    return "".join(f"{line}\r\n" for line in lines)


def key(paper: Paper) -> str:
    """What a paper is cited by: `rossi_2611.04321`.

    It is made of the first author's last word and the strongest name that the paper has (arXiv id, DOI,
    title), so that it stays the same whatever else is in the list.
    """
    words = [_latin(word) for word in _line(paper.authors[0]).split()] if paper.authors else []
    author = next((word for word in reversed(words) if word), "paper")
    name = paper.arxiv_id or paper.doi or _slug(paper.title) or str(paper.id)
    return f"{author}_{_NO_KEY.sub('-', name).strip('-')}"


def _keyed(papers: Iterable[Paper]) -> Iterator[tuple[Paper, str]]:
    """Each paper with its key; where two have the same title and nothing else, the second is numbered."""
    met: dict[str, int] = {}
    for paper in papers:
        name = key(paper)
        met[name] = met.get(name, 0) + 1
        yield paper, name if met[name] == 1 else f"{name}-{met[name]}"


def _bibtex(paper: Paper, name: str) -> str:
    arxiv_id = paper.arxiv_id
    fields = {
        "title": f"{{{_escaped(paper.title) or UNTITLED}}}",  # twice in braces: its capitals stay
        "author": " and ".join(filter(None, map(_author, paper.authors))),
        "year": _year(paper),
        "doi": _escaped(paper.doi or ""),
        "eprint": _escaped(arxiv_id or ""),
        "eprinttype": "arxiv" if arxiv_id else "",
        "archiveprefix": "arXiv" if arxiv_id else "",
        "primaryclass": _escaped(paper.categories[0]) if arxiv_id and paper.categories else "",
        "url": _url(paper),
        "abstract": _escaped(paper.abstract[:LONGEST]),
    }
    kind = "article" if paper.doi and not arxiv_id else "misc"
    told = "".join(f"  {field} = {{{value}}},\n" for field, value in fields.items() if value)
    return f"@{kind}{{{name},\n{told}}}\n"


def _author(name: str) -> str:
    """A name as it stands; in a group of its own where BibTeX would take it for several."""
    text = _line(name)
    escaped = text.translate(_ESCAPES)
    return f"{{{escaped}}}" if "," in text or _AND.search(text) else escaped


def _ris(paper: Paper, name: str) -> Iterator[str]:
    yield f"TY  - {'JOUR' if paper.doi and not paper.arxiv_id else 'UNPB'}"
    yield f"ID  - {name}"
    yield f"TI  - {_line(paper.title) or UNTITLED}"
    for author in filter(None, map(_line, paper.authors)):
        yield f"AU  - {_turned(author)}"
    day = paper.published.strftime("%Y/%m/%d") if paper.published else ""
    values = {
        "PY": _year(paper),
        "DA": day,
        "AB": _line(paper.abstract[:LONGEST]),
        "DO": _line(paper.doi or ""),
        "AN": f"arXiv:{_line(paper.arxiv_id)}" if paper.arxiv_id else "",
        "PB": "arXiv" if paper.arxiv_id else "",
        "UR": _url(paper),
    }
    yield from (f"{tag}  - {value}" for tag, value in values.items() if value)
    yield from (f"KW  - {_line(category)}" for category in paper.categories if _line(category))
    yield "ER  - "


def _turned(name: str) -> str:
    """`Jan van der Berg` → `van der Berg, Jan`: the last name begins with its first small word."""
    words = name.split()
    if "," in name or len(words) < 2:
        return name
    small = (at for at, word in enumerate(words[1:-1], start=1) if word[0].islower())
    at = next(small, len(words) - 1)
    return f"{' '.join(words[at:])}, {' '.join(words[:at])}"


def _year(paper: Paper) -> str:
    """The year of publication; where none is told, that of the arXiv id (which began in 1991)."""
    if paper.published:
        return f"{paper.published.year:04d}"
    found = _NEW_ID.fullmatch(paper.arxiv_id or "") or _OLD_ID.fullmatch(paper.arxiv_id or "")
    return "" if found is None else f"{'19' if found[1] > '90' else '20'}{found[1]}"


def _url(paper: Paper) -> str:
    """Where the paper is: on arXiv, else at its own address, where that is one of the web."""
    url = f"https://arxiv.org/abs/{paper.arxiv_id}" if paper.arxiv_id else paper.url or ""
    return url if _URL.fullmatch(url) else ""


def _escaped(text: str) -> str:
    return _line(text).translate(_ESCAPES)


def _line(text: str) -> str:
    return clean.line(text)


def _latin(text: str) -> str:
    """The Latin letters of a word, small and without accents."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NO_LETTER.sub("", plain.lower())


def _slug(title: str) -> str:
    words = map(_latin, _line(title).split())
    return "-".join([word for word in words if word][:SLUG_WORDS])
