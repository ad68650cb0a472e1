"""What is wrong with a profile, how it is mended and what would sharpen it, in sentences: the same for pages,
programs and terminals.
"""

from __future__ import annotations

from collections.abc import Iterator

from tasks.desk.tuning.advice.asking import Question
from tasks.desk.tuning.advice.mending import Mend, MendKind
from tasks.desk.tuning.advice.remarks import Kind, Remark
from tasks.desk.tuning.advice.suggesting import Source, Suggestion, SuggestionKind, Suggestions
from tasks.desk.tuning.effect_words import verdict
from tasks.desk.tuning.machine import Comparison
from tasks.render.text import clean, cut
from tasks.render.words import ENGLISH
from templates import Words, msgid

LABEL = 80  # characters of what was typed
TITLE = 120
LIKE = 0.2  # likeness: what is less alike is like nothing known

_QUOTED = msgid("“%(name)s”")
_PARTS = {
    "terms": msgid("The term “%(item)s”"),
    "phrases": msgid("The exact phrase “%(item)s”"),
    "authors": msgid("The author “%(item)s”"),
    "categories": msgid("The category “%(item)s”"),
    "less": msgid("“%(item)s”, of which you want less,"),
    "negatives": msgid("“%(item)s”, of which you want nothing,"),
}
_REMARKS = {
    Kind.NOTHING: msgid(
        "This profile has nothing to go by: no term, no author, no description and no example."
    ),
    Kind.SWITCHED_OFF: msgid("Everything in this profile weighs 0, so that nothing can match."),
    Kind.ONE_WORD: msgid(
        "The description is the one word “%(item)s”. A description tells what papers are about; a single"
        " word does more as a term, which is looked for in titles and abstracts."
    ),
    Kind.BOTH: msgid("You gave the same paper as an example and as a counter-example: “%(item)s”."),
    Kind.WORDLESS: msgid("%(what)s holds no word that a paper could match."),
    Kind.NEVER: msgid("%(what)s stands in none of %(of)s papers."),
    Kind.MISSPELLED: msgid("%(what)s stands in none of %(of)s papers, but “%(other)s” does."),
    Kind.TOO_LONG: msgid(
        "%(what)s stands in none of %(of)s papers: a term counts where all of its words stand side by side."
    ),
    Kind.TOO_MUCH: msgid(
        "%(what)s stands in %(hits)s of %(of)s papers: it hardly tells one from another."
    ),
    Kind.TWICE: msgid("%(what)s stands there already, as “%(other)s”: it adds nothing."),
    Kind.COVERED: msgid(
        "%(what)s stands wherever “%(other)s” does, in the same %(hits)s papers: one of the two is enough."
    ),
    Kind.CONTRADICTS: msgid(
        "You ask for “%(other)s” and turn away “%(item)s”, which every such paper has."
    ),
    Kind.BARS_MOST: msgid(
        "%(what)s bars %(hits)s of the %(of)s papers that the profile would otherwise bring in a month."
    ),
    Kind.TWINS: msgid(
        "This profile and “%(other)s” bring the same: %(hits)s of the best %(of)s papers of a month."
    ),
    Kind.SHADOWED: msgid(
        "“%(other)s” brings %(hits)s of the %(of)s papers that this profile wants in a month: it adds next to"
        " nothing."
    ),
    Kind.DRIFT: msgid(
        "What you like drifts away from what you typed: %(hits)s of the last %(of)s papers that you liked suit"
        " it less than two in five of all others do."
    ),
}
_TWO_PLACES = {
    "phrases": msgid(
        "“%(item)s” stands among the terms and among the exact phrases, and counts twice."
    ),
    "less": msgid(
        "“%(item)s” stands among what you never want, too: that you want less of it changes nothing."
    ),
}
_MENDS = {
    MendKind.REMOVE: msgid("Remove “%(text)s”"),
    MendKind.SPELL: msgid("Write “%(to)s”"),
    MendKind.TERM: msgid("Make “%(text)s” a term"),
    MendKind.SHORTEN: msgid("Shorten it to “%(to)s”"),
    MendKind.WEIGH: msgid("Count “%(text)s” a quarter"),
    MendKind.LESS: msgid("Ask for less of “%(text)s” instead"),
    MendKind.NAME: msgid("Follow %(to)s"),
    MendKind.ADD: msgid("Add %(to)s"),
    MendKind.COUNT: msgid("Weigh everything as usual"),
    MendKind.DROP: msgid("Remove the profile “%(text)s”"),
}
_OUT_OF = {
    "examples": msgid("Take it out of the examples"),
    "dislikes": msgid("Take it out of the counter-examples"),
}
_SUGGESTED = {
    SuggestionKind.TERM: msgid("Add the term “%(text)s”"),
    SuggestionKind.AUTHOR: msgid("Follow %(text)s"),
    SuggestionKind.PAPER: msgid("Add “%(text)s” to the examples"),
}
GLAD = msgid("Nothing is wrong with this profile, as far as the last weeks’ papers show.")
NO_MORE = msgid(
    "There is nothing to suggest: the papers that it brings say nothing that it does not hold already."
)


def remark(one: Remark, words: Words = ENGLISH) -> str:
    """What is wrong, in a sentence or two."""
    said = {
        name: cut(clean(text), LABEL) for name, text in (("item", one.item), ("other", one.other))
    }
    numbers = {"hits": words.number(one.hits), "of": words.number(one.of)}
    if one.kind is Kind.TWO_PLACES:
        return words.gettext(_TWO_PLACES[one.part], **said)
    if one.kind is Kind.BARS_LIKED:
        return words.ngettext(
            "“%(item)s”, of which you want nothing, bars %(num)s paper that you liked or gave as an example.",
            "“%(item)s”, of which you want nothing, bars %(num)s papers that you liked or gave as examples.",
            one.hits,
            **said,
        )
    if one.kind is Kind.NAMESAKES:
        return words.ngettext(
            "“%(item)s” is the name of %(num)s author of the last weeks: all of them are followed.",
            "“%(item)s” is the name of %(num)s authors of the last weeks: all of them are followed.",
            one.hits,
            **said,
        )
    what = words.gettext(_PARTS[one.part], **said) if one.part in _PARTS else ""
    return words.gettext(_REMARKS[one.kind], what=what, **said, **numbers)


def mend(one: Mend, words: Words = ENGLISH) -> str:
    """What its button says."""
    if one.kind is MendKind.REMOVE and one.part in _OUT_OF:
        return words.gettext(_OUT_OF[one.part])
    to = [cut(clean(text), LABEL) for text in one.to]
    if one.kind is MendKind.ADD:
        to = [words.listed([words.gettext(_QUOTED, name=text) for text in to])]
    return words.gettext(_MENDS[one.kind], text=cut(clean(one.text), LABEL), to=" ".join(to))


def effect(found: Comparison, words: Words = ENGLISH) -> str:
    """What an edit does, in a line, and how the liked papers fare."""
    return " ".join((verdict(found, words), *_liked(found, words)))


def suggestion(one: Suggestion, words: Words = ENGLISH) -> str:
    """What its button says."""
    return words.gettext(_SUGGESTED[one.kind], text=cut(clean(one.text), TITLE))


def grounds(one: Suggestion, all_: Suggestions, words: Words = ENGLISH) -> str:
    """Where a suggestion comes from."""
    if one.kind is SuggestionKind.PAPER:
        return words.gettext("A strong pick of which you have said nothing yet.")
    number, of = one.hits, words.number(all_.of)
    if all_.source is Source.LIKED:
        return words.ngettext(
            "In %(num)s of the %(of)s papers that you liked.",
            "In %(num)s of the %(of)s papers that you liked.",
            number,
            of=of,
        )
    return words.ngettext(
        "In %(num)s of the %(of)s papers that the profile brought.",
        "In %(num)s of the %(of)s papers that the profile brought.",
        number,
        of=of,
    )


def question(one: Question, words: Words = ENGLISH) -> str:
    """Why an answer would teach something."""
    score, line = (words.number(round(number, 2), "0.00") for number in (one.score.value, one.line))
    said = words.gettext(
        "The profile is unsure: it scores %(score)s, and the line was %(line)s.",
        score=score,
        line=line,
    )
    return f"{said} {_unlike(one, words)}"


def _unlike(one: Question, words: Words) -> str:
    if one.nearest is None or one.likeness < LIKE:
        return words.gettext("It is unlike all that you know.")
    title = cut(clean(one.nearest.title), TITLE)
    return words.gettext("Of what you know, “%(title)s” is nearest.", title=title)


def _liked(found: Comparison, words: Words) -> Iterator[str]:
    before = {paper.id for paper in found.before.liked} if found.before else set()
    gained = sum(paper.id not in before for paper in found.after.liked)
    if found.lost:
        yield words.ngettext(
            "%(num)s paper that you liked would not have come.",
            "%(num)s papers that you liked would not have come.",
            len(found.lost),
        )
    if gained and found.before:
        yield words.ngettext(
            "%(num)s more that you liked would have come.",
            "%(num)s more that you liked would have come.",
            gained,
        )
