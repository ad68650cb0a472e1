"""What the linter says: one remark a fault, with the papers that show it and the ways out of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tasks.desk.tuning.advice.mending import Mend
from tasks.records import Paper


class Kind(StrEnum):
    """What is wrong."""

    NOTHING = "nothing"  # the profile has nothing to go by
    SWITCHED_OFF = "switched off"  # it has, but all of it weighs 0
    ONE_WORD = "one word"  # its description is a single word, and there is nothing else
    BOTH = "both"  # the same paper is liked and disliked
    WORDLESS = "wordless"  # what was typed holds no word
    NEVER = "never"  # no paper has it
    MISSPELLED = "misspelled"  # no paper has it, and many have what is nearly the same
    TOO_LONG = "too long"  # words that stand side by side in no paper
    TOO_MUCH = "too much"  # so many papers have it that it tells none from another
    TWICE = "twice"  # the same stands in the list already
    TWO_PLACES = "two places"  # the same stands in two lists
    COVERED = "covered"  # wherever another stands, it stands
    CONTRADICTS = "contradicts"  # what is wanted is turned away, too
    BARS_LIKED = "bars liked"  # a negative bars what the reader liked
    BARS_MOST = "bars most"  # a negative bars most of what the profile would bring
    NAMESAKES = "namesakes"  # a name that many people bear
    TWINS = "twins"  # two profiles bring the same
    SHADOWED = "shadowed"  # another profile brings all that this one does
    DRIFT = "drift"  # what the reader likes lately is not what was typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One fault. `item` stands in the list `part` of the profile, `other` is what it is at odds with: a
    thing typed, or a profile by its name.

    `hits` of the papers `of` are concerned (with `NAMESAKES`, `hits` people), of which `papers` are some.
    """

    kind: Kind
    part: str = ""
    item: str = ""
    other: str = ""
    hits: int = 0
    of: int = 0
    papers: tuple[Paper, ...] = ()
    mends: tuple[Mend, ...] = ()
