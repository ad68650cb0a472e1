"""How a trial stands, in sentences: the same for the page, the command line and programs."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.desk.tuning.shadows import ANSWERS_FOR, Standing
from tasks.evaluate.interleave import Verdict
from templates import Words, msgid

VERDICTS = {
    Verdict.SAVED: msgid("The saved version serves you better."),
    Verdict.SHADOW: msgid("The version on trial serves you better."),
    Verdict.NOT_YET: msgid("There is no verdict yet: what was counted may still be chance."),
}
SURE = msgid("If there were no difference, such a verdict would come at most 1 time in 20.")
NOTHING = msgid("Nothing was decided yet.")
UNSEEN = msgid("The next digest will be the first one drafted by both.")
CLOSE = msgid("The two are so close that no verdict is in sight.")
LIVES = msgid(
    "A trial lives by your answers: say “More like this” or “Less like this” of papers in your digests."
)
RESTARTED = msgid("You saved the profile on %(day)s: what came before does not count any more.")
SHARE = msgid(
    "The version on trial won %(share)s of the digests that decided something. With 95 %% confidence, on"
    " whatever day you look, it wins between %(low)s and %(high)s in the long run."
)
PERCENT = "0 %"


def told(standing: Standing, words: Words) -> list[str]:
    """The verdict first, or that there is none; then what it rests on, and how long it may take."""
    return [verdict(standing, words), *_grounds(standing, words), *_outlook(standing, words)]


def verdict(standing: Standing, words: Words) -> str:
    """The verdict with its confidence, or that there is none yet."""
    weighed = standing.weighed
    if not weighed.decided:
        return words.gettext(NOTHING)
    said = words.gettext(VERDICTS[weighed.verdict])
    return said if weighed.verdict is Verdict.NOT_YET else f"{said} {words.gettext(SURE)}"


def share(standing: Standing, words: Words) -> str:
    """What part the version on trial won, with its interval; nothing where nothing was decided."""
    weighed = standing.weighed
    if not weighed.decided:
        return ""
    numbers = {"share": weighed.share, "low": weighed.low, "high": weighed.high}
    said = {name: words.number(number, PERCENT) for name, number in numbers.items()}
    return words.gettext(SHARE, **said)


def _grounds(standing: Standing, words: Words) -> Iterator[str]:
    weighed, counted = standing.weighed, standing.digests - standing.open
    if counted:
        yield words.ngettext(
            "%(num)s digest counts so far: the version on trial won %(shadow)s, the saved one %(saved)s,"
            " and %(alike)s decided nothing.",
            "%(num)s digests count so far: the version on trial won %(shadow)s, the saved one %(saved)s,"
            " and %(alike)s decided nothing.",
            counted,
            shadow=words.number(weighed.won_shadow),
            saved=words.number(weighed.won_saved),
            alike=words.number(weighed.alike),
        )
    yield from filter(None, [share(standing, words)])
    if standing.open:
        yield words.ngettext(
            "%(num)s more digest counts when %(span)s have passed: until then it is open for answers.",
            "%(num)s more digests count when %(span)s have passed: until then they are open for answers.",
            standing.open,
            span=words.span(ANSWERS_FOR),
        )
    if standing.since > standing.started:
        yield words.gettext(RESTARTED, day=words.date(standing.since.date()))


def _outlook(standing: Standing, words: Words) -> Iterator[str]:
    if not standing.digests:
        yield words.gettext(UNSEEN)
    if standing.more:
        yield words.ngettext(
            "If it goes on like this, a verdict takes about %(num)s more digest.",
            "If it goes on like this, a verdict takes about %(num)s more digests.",
            standing.more,
        )
    elif standing.more is None and standing.weighed.decided:
        yield words.gettext(CLOSE)
    if standing.weighed.verdict is Verdict.NOT_YET:
        yield words.gettext(LIVES)
