"""Advice as it is told: what is wrong with a profile, and what would sharpen it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Self

from pydantic import WithJsonSchema

from tasks.desk.tuning import machine
from tasks.desk.tuning.advice import advice_words, asking, mending, suggesting
from tasks.desk.tuning.advice.mending import MendKind
from tasks.desk.tuning.advice.remarks import Kind
from tasks.desk.tuning.advice.remarks import Remark as Fault
from tasks.desk.tuning.advice.suggesting import Source, SuggestionKind
from templates import Words
from workers.web.api.bodies import Interest
from workers.web.api.shapes import Paper, Score, Shape
from workers.web.api.tuning_shapes import Title, interest_of

FaultKind = Annotated[str, WithJsonSchema({"type": "string", "enum": [*Kind]})]


class Mend(Shape):
    """A way out: the whole profile after it, to be saved as its next version; where `body` is null, the
    profile `removes` is to be removed. `effect` tells what it would do, where it was tried out.
    """

    key: str
    kind: MendKind
    says: str
    body: Interest | None
    removes: str | None
    effect: str | None


class Remark(Shape):
    """One fault: what it is about, in which part of the profile, and some of the papers that show it."""

    kind: FaultKind
    says: str
    part: str
    item: str
    other: str
    hits: int
    of: int
    papers: list[Title]
    mends: list[Mend]


class Linted(Shape):
    """What is wrong with a profile; what concerns all of it comes first."""

    remarks: list[Remark]

    @classmethod
    def of(
        cls,
        found: Sequence[Fault],
        effects: Mapping[str, machine.Comparison],
        words: Words,
    ) -> Self:
        """Remarks told in that language, with what the mends of these keys would do."""
        return cls(remarks=[_remark(one, effects, words) for one in found])


class Suggestion(Shape):
    """One thing to add, the whole profile with it, and what it would change; `hits` of the papers that it
    comes from have it.
    """

    kind: SuggestionKind
    says: str
    why: str
    text: str
    hits: int
    paper: Title | None
    body: Interest
    comes: int
    goes: int
    effect: str


class Question(Shape):
    """A paper that is worth an answer: its score beside the line of its day, and the paper known to you that
    it is most like, from 0 to 1.
    """

    says: str
    paper: Paper
    day: date
    score: Score
    line: float
    nearest: Title | None
    likeness: float


class Advice(Shape):
    """What would sharpen a profile, each list by what it would change: learned `of` papers of `source`."""

    source: Source
    of_papers: int
    terms: list[Suggestion]
    authors: list[Suggestion]
    papers: list[Suggestion]
    questions: list[Question]

    @classmethod
    def of(cls, found: suggesting.Suggestions, words: Words) -> Self:
        """Suggestions, told in that language."""

        def told(some: Sequence[suggesting.Suggestion]) -> list[Suggestion]:
            return [_suggestion(one, found, words) for one in some]

        return cls(
            source=found.source,
            of_papers=found.of,
            terms=told(found.terms),
            authors=told(found.authors),
            papers=told(found.papers),
            questions=[_question(one, words) for one in found.questions],
        )


def _remark(one: Fault, effects: Mapping[str, machine.Comparison], words: Words) -> Remark:
    return Remark(
        kind=one.kind,
        says=advice_words.remark(one, words),
        part=one.part,
        item=one.item,
        other=one.other,
        hits=one.hits,
        of=one.of,
        papers=[Title.of(paper) for paper in one.papers],
        mends=[_mend(mend, effects.get(mend.key), words) for mend in one.mends],
    )


def _mend(one: mending.Mend, effect: machine.Comparison | None, words: Words) -> Mend:
    return Mend(
        key=one.key,
        kind=one.kind,
        says=advice_words.mend(one, words),
        body=None if one.body is None else interest_of(one.body),
        removes=one.text if one.body is None else None,
        effect=None if effect is None else advice_words.effect(effect, words),
    )


def _suggestion(
    one: suggesting.Suggestion, whole: suggesting.Suggestions, words: Words
) -> Suggestion:
    return Suggestion(
        kind=one.kind,
        says=advice_words.suggestion(one, words),
        why=advice_words.grounds(one, whole, words),
        text=one.text,
        hits=one.hits,
        paper=None if one.paper is None else Title.of(one.paper),
        body=interest_of(one.body),
        comes=len(one.effect.entering),
        goes=len(one.effect.leaving),
        effect=advice_words.effect(one.effect, words),
    )


def _question(one: asking.Question, words: Words) -> Question:
    return Question(
        says=advice_words.question(one, words),
        paper=Paper.model_validate(one.paper),
        day=one.day,
        score=Score.model_validate(one.score),
        line=one.line,
        nearest=None if one.nearest is None else Title.of(one.nearest),
        likeness=one.likeness,
    )
