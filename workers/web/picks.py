"""Picks as pages show them: each with its reasons, in the very words of the mails."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from tasks.records import Pick, Want
from tasks.render.plan import NAME, Sheet, sheet
from tasks.render.text import clean, cut, cut_at_sentence
from tasks.render.words import label, reason
from templates import Words

ABSTRACT = 250  # characters: enough to know a paper by
NOTHING: Collection[Want] = frozenset()


@dataclass(frozen=True, slots=True)
class Shown:
    """One pick for `web/_picks.html`. `said` is what the reader said of it."""

    place: int
    entry: int
    sheet: Sheet
    facts: str
    why: str
    abstract: str
    said: Collection[Want]


def shown(
    picks: Iterable[Pick], words: Words, said: Mapping[int, Collection[Want]] | None = None
) -> list[Shown]:
    """Picks in their order; each names its profile where there are several."""
    listed = list(picks)
    several = len({pick.profile_name for pick in listed}) > 1
    return [_one(pick, words, said or {}, several=several) for pick in listed]


def _one(pick: Pick, words: Words, said: Mapping[int, Collection[Want]], *, several: bool) -> Shown:
    entry, made = int(pick.paper.id), sheet(pick.paper, words)
    profile = cut(clean(pick.profile_name), NAME) if several else ""
    return Shown(
        place=pick.place,
        entry=entry,
        sheet=made,
        facts=" · ".join(filter(None, (label(pick, words), profile, made.subject))),
        why=reason(pick, words),
        abstract=cut_at_sentence(made.abstract, ABSTRACT),
        said=said.get(entry, NOTHING),
    )
