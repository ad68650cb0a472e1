"""What would sharpen a profile: words, authors and papers, each tried out on the last days.

They come from what the reader liked and gave as examples; where that is too little, from what the profile
brings anyway. What would change nothing is not suggested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tasks.desk.tuning.asking import Question, questions
from tasks.desk.tuning.evidence import Evidence, seen
from tasks.desk.tuning.machine import Comparison, compare
from tasks.desk.tuning.past import Past
from tasks.desk.tuning.telltale import telltale_authors, telltale_words
from tasks.profile_json import to_json
from tasks.records import Example, Paper, Profile, Reader
from tasks.round.context import Context
from tasks.round.replaying import Replayed
from tasks.score.names import name_of
from tasks.store.profiles import Asked

ENOUGH = 3  # liked papers to learn words from
WORDS_TRIED, AUTHORS_TRIED, PAPERS_TRIED = 5, 3, 2  # each costs a replay
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
    evidence, past, asked = seen(context, reader, which, body, span)
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
        questions=tuple(questions(evidence, past, reader, made)),
    )


def with_example(typed: Profile, paper: Paper, part: str, now: Any) -> Profile:
    """The profile with a paper of ours among its examples or its dislikes, and no longer in the other."""
    raise NotImplementedError
