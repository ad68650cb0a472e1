"""What is wrong with a profile as a whole, and with two of them beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from tasks.desk.tuning.advice import mending
from tasks.desk.tuning.advice.evidence import SPAN, Evidence, paper_of
from tasks.desk.tuning.advice.item_faults import FEW, SHOWN
from tasks.desk.tuning.advice.mending import Mend, MendKind
from tasks.desk.tuning.advice.remarks import Kind, Remark
from tasks.desk.tuning.advice.telltale import telltale_words
from tasks.parse.clean import title_key
from tasks.profile_json import to_json
from tasks.records import Example, Profile
from tasks.round.stretch import Floats, Ints
from tasks.score.words import STOP, stems
from tasks.store.feedback import LIKED

LATELY = 20  # liked papers, the newest
ENOUGH = 5  # of them, to see a drift by
# Half of the liked papers suit what was typed less than this part of all others: with 30 keepers of reading
# lists and their own likes it was 0.67 at least, with another's likes 0.52 in the middle.
DRIFTED = 0.6
WORDS_FOR = (2, 4, 6)  # words that are added against a drift, as few as will do
SAME, ALL = 0.85, 0.95  # of the papers of one profile that another brings too
LEAST = 15  # papers a month, to compare two profiles by


def profile_faults(of: Evidence) -> Iterator[Remark]:
    """The remarks on the whole; only what it goes by at all is looked at further."""
    if empty := _nothing(of.typed):
        yield empty
        return
    yield from _both(of)
    yield from _one_word(of.typed)
    yield from _drift(of)
    yield from _others(of)


def _nothing(typed: Profile) -> Remark | None:
    if mending.goes_by_anything(typed):
        return None
    if any((typed.terms, typed.phrases, typed.authors, typed.categories)):
        counted = Mend(kind=MendKind.COUNT, body=to_json(replace(typed, weights={})))
        return Remark(kind=Kind.SWITCHED_OFF, mends=(counted,))
    return Remark(kind=Kind.NOTHING)


def _one_word(typed: Profile) -> Iterator[Remark]:
    """A single word says more as a term: it is looked for, then."""
    said = [word for word in stems(typed.description) if word not in STOP]
    others = (*typed.terms, *typed.phrases, *typed.authors, *typed.examples)
    if len(said) != 1 or others:
        return
    text = typed.description.strip()
    body = to_json(replace(typed, description="", terms=(text,)))
    mend = Mend(kind=MendKind.TERM, part="description", text=text, to=("terms",), body=body)
    yield Remark(kind=Kind.ONE_WORD, part="description", item=text, mends=(mend,))


def _both(of: Evidence) -> Iterator[Remark]:
    """The same paper among the examples and the counter-examples."""
    disliked = {_paper_key(one): one for one in of.disliked}
    for liked in of.taught.examples:
        twin = disliked.get(_paper_key(liked))
        if twin is None or not _paper_key(liked):
            continue
        mends = [_paper_out(of.typed, part, liked) for part in ("dislikes", "examples")]
        yield Remark(
            kind=Kind.BOTH,
            part="examples",
            item=liked.title,
            papers=(paper_of(liked),),
            mends=tuple(mend for mend in mends if mend),
        )


def _paper_key(one: Example) -> str:
    return title_key(one.title) or one.id


def _paper_out(typed: Profile, part: str, paper: Example) -> Mend | None:
    known: tuple[Example, ...] = getattr(typed, part)
    left = tuple(one for one in known if _paper_key(one) != _paper_key(paper))
    changed = replace(typed, **{part: left})  # type: ignore[arg-type]  # a list of papers
    if left == known or not mending.goes_by_anything(changed):
        return None
    return Mend(kind=MendKind.REMOVE, part=part, text=paper.title, body=to_json(changed))


# --- drift ---------------------------------------------------------------------------------------
def _drift(of: Evidence) -> Iterator[Remark]:
    """What was liked lately lies among the papers that are nothing to what was typed."""
    said = [one.paper for one in of.answers if one.want in LIKED]
    rows = list(dict.fromkeys(of.papers.place[p.id] for p in said if p.id in of.papers.place))
    lately = np.array(rows[:LATELY], np.int64)
    if len(lately) < ENOUGH or of.count < FEW or not _drifted(of, of.typed, lately, rows):
        return
    examples = [of.papers.papers[row] for row in lately.tolist()]
    words = [text for text, _ in telltale_words(of.ground, examples, of.typed, of.papers)]
    mends = (_with_terms(of.typed, words[:most]) for most in WORDS_FOR)
    mended = next((m for m in mends if not _drifted(of, m[0], lately, rows)), None)
    yield Remark(
        kind=Kind.DRIFT,
        hits=int((_heights(of, of.typed, lately, rows) < DRIFTED).sum()),
        of=len(lately),
        papers=tuple(examples[:SHOWN]),
        mends=(mended[1],) if mended else (),
    )


def _with_terms(typed: Profile, words: Sequence[str]) -> tuple[Profile, Mend]:
    changed = replace(typed, terms=tuple(dict.fromkeys((*typed.terms, *words))))
    mend = Mend(kind=MendKind.ADD, part="terms", to=tuple(words), body=to_json(changed))
    return changed, mend


def _drifted(of: Evidence, typed: Profile, lately: Ints, liked: Sequence[int]) -> bool:
    return float(np.median(_heights(of, typed, lately, liked))) < DRIFTED


def _heights(of: Evidence, typed: Profile, rows: Ints, liked: Sequence[int]) -> Floats:
    """The part of the papers nobody liked that each of some papers lies above, by this profile."""
    scores = of.scores(replace(typed, less=(), negatives=()))  # what is wanted, whatever is not
    others = np.sort(np.delete(scores, liked))
    return np.searchsorted(others, scores[rows]) / max(len(others), 1)


# --- two profiles --------------------------------------------------------------------------------
def _others(of: Evidence) -> Iterator[Remark]:
    """Another profile that brings the same, or all of it."""
    rows = of.recent
    own = _ranked(of, of.taught)
    for other in of.others:
        if not mending.goes_by_anything(other.profile):
            continue
        room = (rows.stop - rows.start) // 10
        mine, theirs = of.picks, min(round(other.about * SPAN), room)
        if min(mine, theirs) < LEAST:
            continue
        ranked = _ranked(of, other.profile)
        few = min(mine, theirs)
        same = np.intersect1d(own[:few], ranked[:few])
        left = np.intersect1d(own[:mine], ranked[: mine + theirs])
        if len(same) >= SAME * few:
            yield _beside(of, other.profile, Kind.TWINS, same, few)
        elif len(left) >= ALL * mine:
            yield _beside(of, other.profile, Kind.SHADOWED, left, mine)


def _ranked(of: Evidence, profile: Profile) -> Ints:
    rows = of.recent
    scores = of.scores(profile)[rows]
    ranked: Ints = rows.start + np.argsort(-scores, kind="stable")
    return ranked


def _beside(of: Evidence, other: Profile, kind: Kind, rows: Ints, count: int) -> Remark:
    pairs = [(of.typed.name, int(of.typed.id)), (other.name, int(other.id))]
    saved = [(name, key) for name, key in pairs if key > 0]
    gone = saved if kind is Kind.TWINS else [one for one in saved if one[1] == of.typed.id]
    return Remark(
        kind=kind,
        other=other.name,
        hits=len(rows),
        of=count,
        papers=of.shown(rows),
        mends=tuple(Mend(kind=MendKind.DROP, text=name, profile=key) for name, key in gone),
    )
