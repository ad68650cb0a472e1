"""What became of a paper, in sentences: the same for the page, the command line and programs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tasks.desk.tuning.inquiry.edits import Edit, Kind
from tasks.desk.tuning.inquiry.flipping import Search
from tasks.desk.tuning.inquiry.standing import Cause, Look
from tasks.desk.tuning.inquiry.why import Absence, Considered, Fate, Story
from tasks.records import PickKind
from tasks.render.text import clean, cut
from tasks.render.words import ENGLISH
from tasks.round.reaching import MOST_EACH
from templates import Words, msgid

TITLE, NAME = 120, 60  # characters of another paper's title, and of what somebody typed
TWO, FOUR = "0.00", "0.0000"
LEAST_OF_TWO = 0.0095

FATES = {
    Fate.WITHDRAWN: msgid("It was withdrawn, and withdrawn papers are not sent."),
    Fate.OLD: msgid(
        "It was found in old lists alone and never came as news, so no digest looked at it."
    ),
}
ABSENCES = {
    Absence.NOT_YET: msgid("It came before you were a reader here."),
    Absence.AWAY: msgid("You had no digest while it was news: you had paused or unsubscribed."),
    Absence.LOST: msgid(
        "The digests that could have brought it were not made, or could not be delivered."
    ),
}
KINDS = {
    PickKind.MATCH: msgid("You got it on %(day)s, at place %(place)s of %(all)s."),
    PickKind.LATE: msgid("You got it on %(day)s as late news: %(place)s of %(all)s."),
    PickKind.EXPLORE: msgid(
        "You got it on %(day)s as a question to learn from: %(place)s of %(all)s."
    ),
    PickKind.POPULAR: msgid(
        "You got it on %(day)s for its votes, since you had no profile yet: %(place)s of %(all)s."
    ),
}
CAUSES = {
    Cause.KNOWN: msgid("You knew it already: you had said something of it before."),
    Cause.VOTED: msgid(
        "You had no profile then: the papers with most votes came, and it was none of them."
    ),
    Cause.EXAMPLE: msgid("Your profile “%(profile)s” has it as an example: it is no news to you."),
    Cause.BARRED: msgid("Your profile “%(profile)s” never wants %(bars)s, and it has that."),
    Cause.BELOW: msgid(
        "It did not reach the line of “%(profile)s”: a match of %(score)s, where %(least)s was needed."
    ),
    Cause.THRESHOLD: msgid(
        "It reached the line of “%(profile)s”, and not the least match that you ask for:"
        " %(score)s, where you want %(least)s."
    ),
    Cause.CUT: msgid(
        "More than %(kept)s papers of the same day matched “%(profile)s” better: it was not kept."
    ),
    Cause.OLD: msgid("It came to match “%(profile)s” when it was no news any more."),
    Cause.FAR: msgid(
        "It was far below the line of “%(profile)s” when it came, and is not looked at again."
    ),
    Cause.PICKED: msgid("It was not chosen that day; made again today, that digest would have it."),
    Cause.SEATS: msgid(
        "It matched, and others got the places: it was number %(place)s of %(matches)s matches, and you"
        " take %(most)s at most."
    ),
}
SAME = msgid("It is the same as “%(title)s”, which stood higher in that digest.")
SENT_BEFORE = msgid("It is the same as “%(title)s”, which you got on %(day)s.")
OUTCOMES = {
    Cause.KNOWN: msgid("you knew it"),
    Cause.VOTED: msgid("no profile yet: by votes"),
    Cause.EXAMPLE: msgid("an example of yours"),
    Cause.BARRED: msgid("never wanted"),
    Cause.BELOW: msgid("below the line"),
    Cause.THRESHOLD: msgid("below your least match"),
    Cause.CUT: msgid("too many were better"),
    Cause.OLD: msgid("no news any more"),
    Cause.FAR: msgid("far below the line"),
    Cause.TWIN: msgid("the same as another paper"),
    Cause.SEATS: msgid("matched, but no place was left"),
    Cause.PICKED: msgid("chosen"),
}
NOT_THEN = msgid("not chosen that day")
UNMADE = msgid("was not made or not delivered")
DIFFERS = msgid(
    "Made again today, that digest differs from the one that was made then: your preferences,"
    " the scorer or what is known of the papers changed since. So the numbers may not be those of that day."
)
REFITTED = msgid(
    "The scorer was fitted anew since: made again today, that digest differs from the one that was made"
    " then, and the numbers may not be those of that day."
)
DRAFTED = msgid("Two versions of a profile drafted this digest in turn: a trial was running.")
EDITS = {
    Kind.SOFTEN: msgid("Let “%(text)s” lower papers, and no longer keep them out."),
    Kind.UNBAR: msgid("Take “%(text)s” off what you never want."),
    Kind.TERM: msgid("Add the term “%(text)s”."),
    Kind.PHRASE: msgid("Add the phrase “%(text)s”."),
    Kind.AUTHOR: msgid("Follow %(text)s."),
    Kind.CATEGORY: msgid("Add the category %(text)s."),
    Kind.LESS: msgid("Ask for less of “%(text)s”."),
    Kind.NEGATIVE: msgid("Never take papers with “%(text)s”."),
    Kind.ABOUT: msgid("Ask for about %(after)s papers a day instead of %(before)s."),
    Kind.MOST: msgid("Take %(after)s papers in a digest at most, instead of %(before)s."),
}
RAISE = msgid("Raise the weight of “%(text)s” from %(before)s to %(after)s.")
LOWER = msgid("Lower the weight of “%(text)s” from %(before)s to %(after)s.")
ALONE = msgid("No other paper would have come or gone that day.")


def verdict(story: Story, words: Words = ENGLISH) -> str:
    """What became of the paper, in a sentence."""
    if story.fate in FATES:
        return words.gettext(FATES[story.fate])
    if story.sent:
        made, pick = story.sent
        return words.gettext(
            KINDS[pick.kind],
            day=words.date(made.day),
            place=words.number(pick.place),
            all=words.number(len(made.picks)),
        )
    if story.absence:
        return words.gettext(ABSENCES[story.absence])
    if story.fate is Fate.WAITING and story.comes:
        return words.gettext("It is new. As things stand, your next digest brings it.")
    assert story.decided is not None
    said = cause(story.decided, words)
    if story.fate is Fate.WAITING:
        return words.gettext("It is new. As things stand, it does not come: %(why)s", why=said)
    return said


def cause(seen: Look, words: Words = ENGLISH) -> str:
    """What decided against a paper in one digest, in a sentence."""
    if seen.twin:
        title = cut(clean(seen.twin.paper.title), TITLE)
        if seen.twin.sent is None:
            return words.gettext(SAME, title=title)
        return words.gettext(SENT_BEFORE, title=title, day=words.date(seen.twin.sent.date()))
    best, numbers = seen.best, {}
    if best:
        bars = words.listed([f"“{cut(clean(text), NAME)}”" for text in best.bars])
        numbers = {
            "profile": cut(clean(best.name), NAME),
            "bars": bars,
            "score": match(best.score.value, words),
            "least": match(min(best.least, 1.0), words),
        }
    return words.gettext(
        CAUSES[seen.cause],
        **numbers,
        kept=words.number(MOST_EACH),
        place=words.number(seen.place or 0),
        matches=words.number(seen.matches),
        most=words.number(seen.most),
    )


def match(value: float, words: Words = ENGLISH) -> str:
    """A score in 0..1 with two places, or with four where these would say nothing."""
    return words.number(value, TWO if value >= LEAST_OF_TWO else FOUR)


def grounds(story: Story, words: Words = ENGLISH) -> list[str]:
    """What the verdict rests on: the rank, what was missing, and whether the day could be made again."""
    seen = story.decided
    said = list(_standing(seen, words)) if seen else []
    if story.sent and story.sent[0].drafted:
        said.append(words.gettext(DRAFTED))
    if not story.agrees:
        said.append(words.gettext(REFITTED if story.refitted else DIFFERS))
    return said


def _standing(seen: Look, words: Words) -> Iterator[str]:
    best = seen.best
    if best is None or seen.cause is Cause.KNOWN:
        return
    if best.of and best.cause is not Cause.BARRED:
        yield words.gettext(
            "For “%(profile)s” it was number %(rank)s of %(of)s new papers.",
            profile=cut(clean(best.name), NAME),
            rank=words.number(best.rank),
            of=words.number(max(best.of, best.rank)),
        )
    if seen.cause in (Cause.BELOW, Cause.THRESHOLD) and best.least <= 1:
        yield words.gettext(
            "%(points)s percentage points were missing: its odds would have to be %(times)s times as high.",
            points=words.number(100 * (best.least - best.score.value), "0.0"),
            times=words.number(math.exp(min(-best.margin, 20.0)), "#,##0.0"),
        )
    if best.least > 1:
        yield words.gettext("Nothing could reach that line: you ask for no papers.")


def outcome(one: Considered, words: Words = ENGLISH) -> str:
    """What one digest made of the paper, in a few words."""
    if one.brought:
        return words.gettext(OUTCOMES[Cause.PICKED])
    if one.look and one.look.cause is Cause.PICKED:
        return words.gettext(NOT_THEN)
    return words.gettext(OUTCOMES[one.look.cause] if one.look else UNMADE)


def named(edit: Edit, words: Words = ENGLISH) -> str:
    """An edit, as what a reader does."""
    said = EDITS.get(edit.kind) or (RAISE if edit.after > edit.before else LOWER)
    return words.gettext(
        said,
        text=cut(clean(edit.text), NAME),
        before=words.number(edit.before),
        after=words.number(edit.after),
    )


def neighbours(found: Search, words: Words = ENGLISH) -> str:
    """Which company the edit would have brought that day."""
    if found.flip is None:
        return ""
    enter, leave = len(found.flip.entering), len(found.flip.leaving)
    if not enter and not leave:
        return words.gettext(ALONE)
    came = words.ngettext(
        "That day %(num)s other paper would have come",
        "That day %(num)s others would have come",
        enter,
    )
    gone = words.ngettext("%(num)s would have gone", "%(num)s would have gone", leave)
    return words.gettext("%(came)s, and %(gone)s.", came=came, gone=gone)


def searched(found: Search, words: Words = ENGLISH) -> str:
    """That nothing was found, and among how many edits; nothing where something was."""
    if found.flip or not found.looked:
        return ""
    return words.ngettext(
        "No single small edit would have turned that: %(num)s was tried.",
        "No single small edit would have turned that: %(num)s were tried.",
        found.tried,
    )
