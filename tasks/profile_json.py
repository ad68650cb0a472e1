"""Profiles as JSON: what files, the command line and the database hold.

    {"id", "name", "terms", "phrases", "authors", "categories", "description", "negatives", "less",
     "examples": [{"title", "abstract", "id", "given"}], "dislikes": [the same],
     "weights": {text: number}, "share": number}

Every key is optional; unknown keys are refused by name, so that a typing error is not silently ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from tasks.errors import UsageError
from tasks.records import Example, Profile

LISTS = ("terms", "phrases", "authors", "categories", "negatives", "less")
PAPERS = ("examples", "dislikes")
KEYS = ("id", "name", "description", "weights", "share", *LISTS, *PAPERS)
ITEMS_MOST = 2000
TERM_MOST = 200  # characters of one item of the lists: what is longer is no term but a text
TEXT_MOST = 20_000
SHOWN_MOST = 40  # characters of an item that is too long, to know it by


def from_json(body: object, *, key: int | str = "", name: str = "") -> Profile:
    """Read one profile. `key` and `name` win over the body's own. Raises `UsageError`."""
    if not isinstance(body, Mapping):
        raise UsageError('a profile is a JSON object, like {"terms": ["sparse attention"]}')
    unknown = sorted(set(map(str, body)) - set(KEYS))
    if unknown:
        raise UsageError(f"a profile has no {', '.join(unknown)} (it may have {', '.join(KEYS)})")
    return Profile(
        id=key or _text(body, "id") or "profile",
        name=name or _text(body, "name"),
        description=_text(body, "description"),
        weights=_weights(body.get("weights")),
        share=_number(body.get("share"), "share", least=0.1),
        **{part: _texts(body.get(part), part) for part in LISTS},  # type: ignore[arg-type]
        **{part: _papers(body.get(part), part) for part in PAPERS},  # type: ignore[arg-type]
    )


def from_typed(body: object, *, key: int | str = "", name: str = "") -> Profile:
    """Read one that somebody has just typed: what is too long for a term is refused, which a kept profile
    of older days may have. Raises `UsageError`.
    """
    profile = from_json(body, key=key, name=name)
    for part in LISTS:
        for text in getattr(profile, part):
            if len(text) > TERM_MOST:
                raise UsageError(
                    f"{part}: “{text[:SHOWN_MOST]}…” is too long: {TERM_MOST} characters at most (a "
                    "longer text is at home in the description)"
                )
    return profile


def to_json(profile: Profile) -> dict[str, Any]:
    """The profile as JSON, without its empty parts and without id and name."""
    body: dict[str, Any] = {part: list(getattr(profile, part)) for part in LISTS}
    body["description"] = profile.description
    body["weights"] = dict(profile.weights)
    body["share"] = profile.share if profile.share != 1 else None
    for part in PAPERS:
        body[part] = [_paper_json(example) for example in getattr(profile, part)]
    return {part: value for part, value in body.items() if value}


def none_later(profile: Profile, day: date) -> Profile:
    """The profile with no example of a later day than this: beside such a one no other would count."""
    examples = [
        replace(one, given=day) if one.given and one.given > day else one
        for one in profile.examples
    ]
    return replace(profile, examples=tuple(examples))


def _paper_json(example: Example) -> dict[str, Any]:
    body = {"title": example.title, "abstract": example.abstract}
    named = {"id": example.id} if example.id else {}
    dated = {"given": example.given.isoformat()} if example.given else {}
    return body | named | dated


def _text(body: Mapping[str, Any], part: str) -> str:
    value = body.get(part)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UsageError(f"{part} must be a text")
    return _plain(str(value))


def _plain(text: str) -> str:
    """Text that every database keeps: without NUL, and without halves of characters."""
    whole = text.encode("utf-8", "ignore").decode().replace("\x00", "")
    return whole.strip()[:TEXT_MOST]


def _items(value: object, part: str) -> Sequence[Any]:
    if value is None:
        return ()
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise UsageError(f"{part} must be a list")
    if len(value) > ITEMS_MOST:
        raise UsageError(f"{part} has {len(value)} items: {ITEMS_MOST} at most")
    return value


def _texts(value: object, part: str) -> tuple[str, ...]:
    items = _items(value, part)
    if not all(isinstance(item, str) for item in items):
        raise UsageError(f"{part} must be a list of texts")
    return tuple(dict.fromkeys(text for item in items if (text := _plain(item))))


def _papers(value: object, part: str) -> tuple[Example, ...]:
    return tuple(_paper(item, part) for item in _items(value, part))


def _paper(item: object, part: str) -> Example:
    if isinstance(item, str):
        return Example(title=_plain(item))
    if not isinstance(item, Mapping):
        raise UsageError(f"{part} must be a list of objects with title and abstract")
    return Example(
        title=_text(item, "title"),
        abstract=_text(item, "abstract"),
        id=_text(item, "id"),
        given=_day(item.get("given"), part),
    )


def _day(value: object, part: str) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise UsageError(f"{part}: {value!r} is no day like 2026-11-20") from None


def _number(value: object, part: str, *, least: float) -> float:
    """A number from `least` to 10; 1 where there is none."""
    if value is None:
        return 1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 10:
        raise UsageError(f"{part} must be a number from {least:g} to 10")
    return float(value)


def _weights(value: object) -> dict[str, float]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UsageError("weights must be an object of text and number")
    weights: dict[str, float] = {}
    for text, weight in value.items():
        weights[_plain(str(text))] = _number(weight, f"the weight of {text!r}", least=0)
    return weights
