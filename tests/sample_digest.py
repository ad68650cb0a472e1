"""An invented digest with everything in it that a mail must carry, for the tests of rendering."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from tasks.records import (
    Digest,
    Letter,
    Letterhead,
    LetterKind,
    Marks,
    Paper,
    Pick,
    PickKind,
    Reader,
    Reason,
    Score,
)

TOKEN = "Zk3vQ9rT1bWx7LmN4pYs2A"
SECRET = "b5hN0qJr7WmXc2VtYg9LzKd4sFa1eUi8oPnQxHwTy3E"
UNTIL = datetime(2026, 11, 21, 20, 45, tzinfo=UTC)
PAPERS = (
    (
        "Sparse attention for long proteins",
        "We show that attention over sequences of more than ten thousand residues can be made sparse "
        "without losing contacts. A router reads the sequence once and gives every residue a budget "
        "of neighbours; the budget is learned together with the folding loss. On three held-out "
        "families the sparse model keeps 98.7% of the long-range contacts at a ninth of the memory, "
        "and it folds the longest of them on one card. We also report where it fails: disordered "
        "linkers get too small a budget, and no router that we tried repaired that. Code, weights and "
        "the failing families are public. We end with what a second reading would cost.",
    ),
    (
        "A cache of O(n log n) for the key–value stores of language models",
        "Serving long conversations is bound by memory. We keep keys in a tree of centroids whose "
        "depth grows with log n, so that a query touches O(√n) leaves.",
    ),
    (
        "Reading lists as weak labels: what 4,000 curators agree on",
        "Curated lists are a record of taste. We ask how far two curators of one topic agree. They "
        "agree on a third of the papers, and that third can be told from the abstract alone.",
    ),
    (
        "长序列的稀疏注意力：一种学习预算的方法",
        "本文提出一种面向长序列的稀疏注意力方法。我们首先读取整个序列，为每个位置分配邻居预算，"
        "然后与折叠损失一起学习该预算。实验表明，该方法以九分之一的内存保留了绝大多数长程接触。",
    ),
    (
        "التعلم العميق لتحليل النصوص العربية الطويلة",
        "نقدم طريقة جديدة لتحليل النصوص العربية الطويلة باستخدام شبكات عصبية متفرقة. تظهر النتائج "
        "تحسنا واضحا مقارنة بالطرق السابقة.",
    ),
    ("Small routers are enough 🧭", ""),
    ("How much memory does a tutor need? A field study in two schools", "We watched two schools."),
    ("Graph rewriting with learned tactics", "Tactics are learned from traces."),
    (
        "Benchmarks that age well: contamination over six years, and what a held-out year is worth",
        "",
    ),
    ("Speculative decoding under a latency contract", "A contract bounds the tail."),
    ("Proof repair by retrieval", "Broken proofs are mended by their neighbours."),
    ("Tokenisers for sign language", "Signs are not words."),
)
AUTHORS = ("Ana Rossi", "Bo Lindqvist", "Chen Wei", "Dina Okafor", "Eva Nováková")
PROFILES = ("Long contexts", "Long contexts", "Libraries and taste", "Long contexts")
LETTERHEAD = Letterhead(
    sender="digest@news.example.org",
    reply_to="editor@example.org",
    bounce="bounce@news.example.org",
    domain="news.example.org",
    base_url="https://papers.example.org",
    postal_address="Example Society, 1 Long Lane, Exampleton",
)


def paper(number: int, **changes: Any) -> Paper:
    """The invented paper of this number, counted from 1; they repeat after twelve."""
    title, abstract = PAPERS[(number - 1) % len(PAPERS)]
    made = Paper(
        id=number,
        title=title,
        abstract=abstract,
        authors=AUTHORS[: 5 - number % 4],
        categories=("cs.LG", "q-bio.BM"),
        arxiv_id=f"2611.{4320 + number:05d}",
        url=f"https://papers.example.net/p/{number}",
        code_urls=("https://code.example.net/sparse",) if number % 3 == 1 else (),
    )
    return replace(made, **changes)


def score(value: float, *reasons: tuple[str, str, float]) -> Score:
    """A score with a baseline and these reasons, each a kind, a label and a value."""
    listed = (("baseline", "baseline", -3.0), *reasons)
    return Score(
        entry_id=1,
        profile_id=1,
        value=value,
        raw=sum(size for _, _, size in listed),
        reasons=tuple(Reason(kind=kind, label=name, value=size) for kind, name, size in listed),
    )


def pick(place: int, **changes: Any) -> Pick:
    """The pick at this place; `changes` are the paper's."""
    reasons = (("phrase", "sparse attention", 1.9), ("author", "Ana Rossi", 1.2))
    return Pick(
        place=place,
        paper=paper(place, **changes),
        score=score(max(0.94 - 0.03 * place, 0.3), *reasons, ("negative", "survey", -0.4)),
        profile_name=PROFILES[place % len(PROFILES)],
    )


def digest(*picks: Pick, count: int = 12, **changes: Any) -> Digest:
    """A digest of these picks, or of so many invented ones."""
    reader = Reader(
        id=3, email="ada@example.org", name="Ada Byron", timezone="Europe/Rome", token=TOKEN
    )
    made = Digest(
        id=7,
        day=date(2026, 11, 21),
        reader=reader,
        picks=picks or tuple(map(pick, range(1, count + 1))),
        considered=214,
        next_day=date(2026, 11, 23),
    )
    return replace(made, **changes)


def marks(count: int) -> Marks:
    """Marks of the length that real ones have, for so many papers."""
    signature = "q3Xw0aVb7RtYk9LmZc2NpA"
    give: dict[int | str, str] = {n: f"3-{n:x}-b4f21.{signature}" for n in range(1, count + 1)}
    return Marks(tune=f"3-b4f21.{signature}", view=f"3-7.{signature}", give=give)


def popular(place: int, votes: int) -> Pick:
    """A pick of everybody's: the paper of this place, with so many votes."""
    told = score(0.0, ("votes", f"{votes} votes", 1.0))
    return Pick(place=place, paper=paper(place, upvotes=votes), score=told, kind=PickKind.POPULAR)


def speaking(language: str, made: Digest, **changes: Any) -> Digest:
    """The digest for a reader of that language; `changes` are the reader's."""
    return replace(made, reader=replace(made.reader, language=language, **changes))


def letter(kind: LetterKind, **changes: Any) -> Letter:
    """A letter of that kind to the reader of the digest; `changes` are the reader's."""
    link = f"{LETTERHEAD.base_url}/in/{SECRET}"
    return Letter(kind=kind, reader=replace(digest().reader, **changes), link=link, until=UNTIL)
