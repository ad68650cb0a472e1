"""Profiles as JSON: what files, the command line and the database hold.

    {"id", "name", "terms", "phrases", "authors", "categories", "description", "negatives",
     "examples": [{"title", "abstract"}], "dislikes": [{"title", "abstract"}], "weights": {text: number}}

Every key is optional; unknown keys are refused by name, so that a typing error is not silently ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.errors import UsageError
from tasks.records import Example, Profile

LISTS = ("terms", "phrases", "authors", "categories", "negatives")
PAPERS = ("examples", "dislikes")
KEYS = ("id", "name", "description", "weights", *LISTS, *PAPERS)
ITEMS_MOST = 2000
TEXT_MOST = 20_000


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
        **{part: _texts(body.get(part), part) for part in LISTS},  # type: ignore[arg-type]
        **{part: _papers(body.get(part), part) for part in PAPERS},  # type: ignore[arg-type]
    )


def to_json(profile: Profile) -> dict[str, Any]:
    """The profile as JSON, without its empty parts and without id and name."""
    body: dict[str, Any] = {part: list(getattr(profile, part)) for part in LISTS}
    body["description"] = profile.description
    body["weights"] = dict(profile.weights)
    for part in PAPERS:
        body[part] = [{"title": e.title, "abstract": e.abstract} for e in getattr(profile, part)]
    return {part: value for part, value in body.items() if value}


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
    return Example(title=_text(item, "title"), abstract=_text(item, "abstract"))


def _weights(value: object) -> dict[str, float]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UsageError("weights must be an object of text and number")
    weights: dict[str, float] = {}
    for text, weight in value.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 10:
            raise UsageError(f"the weight of {text!r} must be a number from 0 to 10")
        weights[_plain(str(text))] = float(weight)
    return weights
