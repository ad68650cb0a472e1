"""What is wrong with a profile, and what would sharpen it: each with what taking it would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.padding import Padding

from tasks.desk import interests
from tasks.desk.tuning.advice import advice_words
from tasks.desk.tuning.advice.linting import lint as linted
from tasks.desk.tuning.advice.mending import Mend, effect
from tasks.desk.tuning.advice.remarks import Remark
from tasks.desk.tuning.advice.suggesting import Suggestion, Suggestions
from tasks.desk.tuning.advice.suggesting import suggest as suggested
from tasks.desk.tuning.machine import Comparison
from tasks.errors import UsageError
from tasks.render.text import clean, cut
from templates import words_for
from workers.cli.say import Json, json_page, note, out
from workers.cli.tuned import (
    Alone,
    Entries,
    File,
    Name,
    Question,
    Tuned,
    Who,
    tuned,
    waiting,
)
from workers.web.api.advice_shapes import Advice, Linted

ENGLISH = words_for("en")
EFFECTS_MOST = 12  # mends that are tried out at once: each costs a replay
TITLE = 100  # characters
SPAN = 30
Apply = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Take the one of that number: save it as the next version; of no reader, print it.",
    ),
]


def lint(
    who: Who = "",
    file: File = None,
    name: Name = "",
    alone: Alone = None,
    entries: Entries = None,
    apply: Apply = None,
    as_json: Json = False,
) -> None:
    """Tell what is wrong with a profile, what shows it, and what each mend would do."""
    asked = Question(span=SPAN, who=who, file=file, name=name, alone=alone, entries=entries)
    with tuned(asked) as one:
        with waiting("Looking for faults"):
            remarks = linted(one.context, one.reader, one.which, one.typed)
        mends = [mend for remark in remarks for mend in remark.mends]
        if apply is not None:
            mend = _chosen(mends, apply)
            _take(one, mend.body, mend.profile)
            return
        effects = _effects(one, mends)
    if as_json:
        json_page(Linted.of(remarks, effects, ENGLISH).model_dump(mode="json"))
    else:
        _print_remarks(remarks, effects)


def suggest(
    who: Who = "",
    file: File = None,
    name: Name = "",
    alone: Alone = None,
    entries: Entries = None,
    apply: Apply = None,
    as_json: Json = False,
) -> None:
    """Tell what would sharpen a profile, by what each would change, and which papers are worth an answer."""
    asked = Question(span=SPAN, who=who, file=file, name=name, alone=alone, entries=entries)
    with tuned(asked) as one:
        with waiting("Trying out what may sharpen it"):
            found = suggested(one.context, one.reader, one.which, one.typed)
        ideas = [*found.terms, *found.authors, *found.papers]
        if apply is not None:
            _take(one, _chosen(ideas, apply).body, None)
            return
    if as_json:
        json_page(Advice.of(found, ENGLISH).model_dump(mode="json"))
    else:
        _print_ideas(ideas, found)


def _effects(one: Tuned, mends: Sequence[Mend]) -> dict[str, Comparison]:
    """What the first mends would do, by their keys."""
    some = mends[:EFFECTS_MOST]
    made = {}
    with waiting("Trying the mends out", total=len(some)) as step:
        for mend in some:
            made[mend.key] = effect(one.context, one.reader, one.which, one.typed, mend, span=SPAN)
            step()
    return made


def _chosen(some: Sequence[Any], number: int) -> Any:
    if number > len(some):
        raise UsageError(f"there is no number {number}: there are {len(some)}")
    return some[number - 1]


def _take(one: Tuned, body: Mapping[str, Any] | None, gone: int | None) -> None:
    """Save the body as the next version, or remove the profile of that number; print what is nobody's."""
    context, reader = one.context, one.reader
    if body is None:
        profile = interests.find(context, reader.id, gone or 0)
        interests.remove(context, reader.id, profile.name, expected=profile.version)
        note(f"removed {profile.name}; `paperround profiles restore` brings it back for 30 days")
    elif not reader.id:
        json_page({"name": one.name, **body})
    else:
        version = interests.save(context, reader.id, one.name, body, expected=one.version)
        note(f"saved {one.name} of {reader.email} as version {version}")


def _print_remarks(remarks: Sequence[Remark], effects: Mapping[str, Comparison]) -> None:
    if not remarks:
        out.print(escape(advice_words.GLAD))
    number = 0
    for remark in remarks:
        out.print(f"[bold]{escape(advice_words.remark(remark, ENGLISH))}[/]")
        for paper in remark.papers:
            _indented(cut(clean(paper.title), TITLE), 6)
        for mend in remark.mends:
            number += 1
            said = advice_words.effect(effects[mend.key], ENGLISH) if mend.key in effects else ""
            _indented(f"{number}. {advice_words.mend(mend, ENGLISH)}. {said}".rstrip(), 2)
    if number:
        note("--apply takes a mend by its number")


def _print_ideas(ideas: Sequence[Suggestion], found: Suggestions) -> None:
    if not ideas:
        out.print(escape(advice_words.NO_MORE))
    for number, idea in enumerate(ideas, start=1):
        out.print(f"[bold]{number}. {escape(advice_words.suggestion(idea, ENGLISH))}[/]")
        said = f"{advice_words.grounds(idea, found, ENGLISH)} {advice_words.effect(idea.effect, ENGLISH)}"
        _indented(said, 3)
    if found.questions:
        out.print("\nAn answer to these would teach most (`paperround feedback give`):")
    for one in found.questions:
        _indented(f"{one.paper.id}  {cut(clean(one.paper.title), TITLE)}", 2)
        _indented(advice_words.question(one, ENGLISH), 6)
    if ideas:
        note("--apply takes one by its number")


def _indented(words: str, by: int) -> None:
    out.print(Padding(escape(words), (0, 0, 0, by)))
