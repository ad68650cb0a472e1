"""What would sharpen a profile: words, authors and papers, each tried out on the last days.

They come from what the reader liked and gave as examples; where that is too little, from what the profile
brings anyway. What would change nothing is not suggested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from tasks.compose import diverse
from tasks.desk.tuning.advice.asking import Question, questions
from tasks.desk.tuning.advice.evidence import Evidence, seen
from tasks.desk.tuning.advice.telltale import PAPERS_MOST, telltale_authors, telltale_words
from tasks.desk.tuning.machine import Comparison, compare
from tasks.desk.tuning.past import Past
from tasks.profile_json import to_json
from tasks.records import Example, Paper, PickKind, Profile, Reader
from tasks.round.context import Context
from tasks.round.replaying import Replayed

ENOUGH = 3  # liked papers to learn words from
WORDS_TRIED, AUTHORS_TRIED, PAPERS_TRIED = 4, 2, 2  # each costs a replay
PAPERS_FROM = 12  # the best picks, among which unlike ones are looked for
SPAN = 7


class Source(StrEnum):
    """What suggestions come from."""

    LIKED = "liked"
    PICKED = "picked"
    NOTHING = "nothing"


class SuggestionKind(StrEnum):
    """What is suggested, and the list of the profile that it joins."""

    TERM = "terms"
    AUTHOR = "authors"
    PAPER = "examples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One thing to add, the profile with it as JSON, and what it would change. `text` is in `hits` of the
    papers that it comes from; a paper has its title for a text.
    """

    kind: SuggestionKind
    text: str
    hits: int
    paper: Paper | None = None
    body: Mapping[str, Any]
    effect: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """What would sharpen a profile, each list by what it would change; `of` papers of `source` told so."""

    source: Source
    of: int
    terms: tuple[Suggestion, ...] = ()
    authors: tuple[Suggestion, ...] = ()
    papers: tuple[Suggestion, ...] = ()
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class _Idea:
    """What may be worth a try."""

    kind: SuggestionKind
    text: str
    hits: int
    profile: Profile
    paper: Paper | None = None


def suggest(
    context: Context, reader: Reader, which: int | None, body: object, *, span: int = SPAN
) -> Suggestions:
    """What would sharpen this body for the profile of that number, or for a new one (None), by what it
    changes in the last `span` days. Raises as `linting.lint` does.
    """
    evidence, past, asked = seen(context, reader, which, body)
    made = past.replayed(reader, asked)
    source, papers = _learned_from(evidence, made)
    ideas = [*_words(evidence, papers), *_authors(evidence, papers), *_papers(evidence, past, made)]
    tried = [_tried(context, reader, which, evidence, idea, span) for idea in ideas]
    ranked = sorted(filter(None, tried), key=_worth)
    by = {kind: tuple(one for one in ranked if one.kind is kind) for kind in SuggestionKind}
    return Suggestions(
        source=source,
        of=len(papers),
        terms=by[SuggestionKind.TERM],
        authors=by[SuggestionKind.AUTHOR],
        papers=by[SuggestionKind.PAPER],
        questions=questions(evidence, past, reader, made),
    )


def with_example(typed: Profile, paper: Paper, part: str, day: date) -> Profile:
    """The profile with a paper of ours in that list, ``examples`` or ``dislikes``, and in no other."""
    told = Example(title=paper.title, abstract=paper.abstract, id=f"entry:{paper.id}", given=day)
    other = "dislikes" if part == "examples" else "examples"
    own, others = (
        tuple(one for one in getattr(typed, name) if one.id != told.id) for name in (part, other)
    )
    return replace(typed, **{part: (*own, told), other: others})  # type: ignore[arg-type]  # lists of papers


def _learned_from(of: Evidence, made: Sequence[Replayed]) -> tuple[Source, tuple[Paper, ...]]:
    """The papers that tell what is wanted, the newest first."""
    if len(of.liked) >= ENOUGH:
        return Source.LIKED, of.liked[::-1][:PAPERS_MOST]
    picks = (pick for one in made[::-1] for pick in one.choice.composition.picks)
    own = tuple(pick.paper for pick in picks if pick.score.profile_id == of.typed.id)
    return (Source.PICKED, own[:PAPERS_MOST]) if len(own) >= ENOUGH else (Source.NOTHING, ())


def _words(of: Evidence, papers: Sequence[Paper]) -> Iterator[_Idea]:
    some = telltale_words(of.ground, papers, of.typed, of.papers)[:WORDS_TRIED]
    for text, hits in some:
        profile = replace(of.typed, terms=(*of.typed.terms, text))
        yield _Idea(SuggestionKind.TERM, text, hits, profile)


def _authors(of: Evidence, papers: Sequence[Paper]) -> Iterator[_Idea]:
    """Examples are known without their authors: of those that came to us, these are looked up."""
    known = of.papers.place
    written = {known[paper.id] for paper in papers if paper.id in known}
    written |= {row for paper in papers for row in of.papers.titled.get(paper.title, ())}
    authored = [of.papers.papers[row] for row in sorted(written)]
    for text, hits in telltale_authors(authored, of.typed)[:AUTHORS_TRIED]:
        profile = replace(of.typed, authors=(*of.typed.authors, text))
        yield _Idea(SuggestionKind.AUTHOR, text, hits, profile)


def _papers(of: Evidence, past: Past, made: Sequence[Replayed]) -> Iterator[_Idea]:
    """The best picks of the last days of which nothing was said, unlike each other."""
    said = {one.paper.id for one in past.answers}
    given = {one.id for one in (*of.taught.examples, *of.taught.dislikes)}
    picks = [
        pick
        for one in made[-SPAN:]
        for pick in one.choice.composition.picks
        if pick.score.profile_id == of.typed.id
        and pick.kind is PickKind.MATCH
        and pick.paper.id not in said
        and f"entry:{pick.paper.id}" not in given
    ]
    best = sorted(picks, key=lambda pick: (-pick.score.raw, str(pick.paper.id)))[:PAPERS_FROM]
    rows = [of.papers.place[pick.paper.id] for pick in best]
    unlike = diverse(of.papers.texts.places[rows], [None] * len(rows), PAPERS_TRIED)
    for paper in (best[row].paper for row in unlike):
        day = of.last
        profile = with_example(of.typed, paper, "examples", day)
        yield _Idea(SuggestionKind.PAPER, paper.title, 0, profile, paper)


def _tried(
    context: Context, reader: Reader, which: int | None, of: Evidence, idea: _Idea, span: int
) -> Suggestion | None:
    """What it would change; None where that is nothing."""
    body = to_json(idea.profile)
    effect = compare(context, reader, which, body, span=span, base=of.body)
    if not effect.entering and not effect.leaving:
        return None
    return Suggestion(
        kind=idea.kind,
        text=idea.text,
        hits=idea.hits,
        paper=idea.paper,
        body=body,
        effect=effect,
    )


def _worth(one: Suggestion) -> tuple[int, int, str]:
    """First what brings more of what the reader liked, then what changes most."""
    before = len(one.effect.before.liked) if one.effect.before else 0
    gained = len(one.effect.after.liked) - before
    return -gained, -len(one.effect.entering) - len(one.effect.leaving), one.text
