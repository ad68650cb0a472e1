"""What differs between two versions of a profile, and how that is said. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.errors import UsageError
from tasks.profile_json import LISTS, PAPERS, from_json
from tasks.records import Example, Profile
from tasks.render.text import clean, cut
from templates import Words, msgid

NAMED_MOST = 3  # of what a sentence names: the rest is counted
LABEL = 60  # characters of each
UNTOLD = 1.0  # the weight of what has none

PARTS = {
    "terms": msgid("Terms"),
    "phrases": msgid("Exact phrases"),
    "authors": msgid("Authors to follow"),
    "categories": msgid("Categories"),
    "less": msgid("Less of this"),
    "negatives": msgid("Never"),
    "examples": msgid("Papers like these"),
    "dislikes": msgid("Not papers like these"),
}
SAME = msgid("The same as the one before.")
_QUOTED = msgid("“%(name)s”")
_ADDED, _GONE = msgid("added %(names)s"), msgid("removed %(names)s")
_PART = msgid("%(part)s: %(changes)s")
_WEIGHTS = msgid("Weights: %(changes)s")
_WEIGHT = msgid("“%(name)s” from %(before)s to %(after)s")
_SHARE = msgid("Share: from %(before)s to %(after)s")
_DESCRIBED, _REWORDED = msgid("Description: added"), msgid("Description: changed")
_UNDESCRIBED = msgid("Description: removed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What became of one list of a profile: texts as they were typed, of papers their titles.

    `kept` is how many stand in both versions.
    """

    name: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What was changed from one version to another.

    `parts` are the lists that differ. `weights` are (text, before, after) of what stands in the later
    version; `description` and `share` are (before, after), or None where they are the same.
    """

    parts: tuple[Part, ...]
    weights: tuple[tuple[str, float, float], ...]
    description: tuple[str, str] | None
    share: tuple[float, float] | None

    def __bool__(self) -> bool:
        return bool(self.parts or self.weights or self.description or self.share)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    """What differs between two profiles as JSON. One that cannot be read counts as an empty one."""
    one, other = _read(before), _read(after)
    parts = [_part(name, getattr(one, name), getattr(other, name)) for name in (*LISTS, *PAPERS)]
    described, shares = (one.description, other.description), (one.share, other.share)
    return Difference(
        parts=tuple(part for part in parts if part.added or part.removed),
        weights=tuple(_weights(one, other)),
        description=described if one.description != other.description else None,
        share=shares if one.share != other.share else None,
    )


def told(found: Difference, words: Words, most: int = NAMED_MOST) -> list[str]:
    """The difference in sentences; each names the first few things, and counts the others."""
    said = [_told_part(part, words, most) for part in found.parts]
    said += filter(None, [_told_weights(found.weights, words, most)])
    if found.share:
        before, after = map(words.number, found.share)
        said.append(words.gettext(_SHARE, before=before, after=after))
    if found.description:
        before, after = found.description
        pattern = _REWORDED if before and after else _DESCRIBED if after else _UNDESCRIBED
        said.append(words.gettext(pattern))
    return said or [words.gettext(SAME)]


def _read(body: Mapping[str, Any]) -> Profile:
    try:
        return from_json(body)
    except UsageError:
        return Profile(id=0)


def _part(name: str, before: Sequence[Any], after: Sequence[Any]) -> Part:
    one, other = _known(before), _known(after)
    added = tuple(text for key, text in other.items() if key not in one)
    removed = tuple(text for key, text in one.items() if key not in other)
    return Part(name=name, added=added, removed=removed, kept=len(other) - len(added))


def _known(items: Sequence[Any]) -> dict[object, str]:
    """What tells each item from the others, and how it is called."""
    return {
        (one.id, one.title, one.abstract) if isinstance(one, Example) else one: _called(one)
        for one in items
    }


def _called(item: Any) -> str:
    return item.title or item.abstract or item.id if isinstance(item, Example) else str(item)


def _weights(before: Profile, after: Profile) -> Iterator[tuple[str, float, float]]:
    one, other = _weighed(before), _weighed(after)
    for text in dict.fromkeys(text for part in LISTS for text in getattr(after, part)):
        weights = one.get(text.casefold(), UNTOLD), other.get(text.casefold(), UNTOLD)
        if weights[0] != weights[1]:
            yield text, *weights


def _weighed(profile: Profile) -> dict[str, float]:
    return {text.casefold(): weight for text, weight in profile.weights.items()}


def _told_part(part: Part, words: Words, most: int) -> str:
    changes = [
        words.gettext(pattern, names=_listed([_quoted(name, words) for name in names], words, most))
        for pattern, names in ((_ADDED, part.added), (_GONE, part.removed))
        if names
    ]
    named = words.gettext(PARTS[part.name])
    return words.gettext(_PART, part=named, changes="; ".join(changes))


def _told_weights(weights: Sequence[tuple[str, float, float]], words: Words, most: int) -> str:
    changes = [
        words.gettext(
            _WEIGHT,
            name=cut(clean(text), LABEL),
            before=words.number(before),
            after=words.number(after),
        )
        for text, before, after in weights
    ]
    return words.gettext(_WEIGHTS, changes=_listed(changes, words, most)) if changes else ""


def _quoted(name: str, words: Words) -> str:
    return words.gettext(_QUOTED, name=cut(clean(name), LABEL))


def _listed(names: Sequence[str], words: Words, most: int) -> str:
    more = len(names) - most
    rest = [words.ngettext("%(num)s more", "%(num)s more", more)] if more > 0 else []
    return words.listed([*names[:most], *rest])
