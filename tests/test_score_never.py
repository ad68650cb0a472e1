"""A typed "never" bars what it matches, in thousands of random cases, whatever else a reader typed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pytest

from tasks.records import Example, Paper, Profile
from tasks.score import Curve, background, best, fit, read_papers, score
from tasks.score.recipe import compiled
from tasks.score.rows import Rows
from tasks.score.wishes import Columns

PLURALS = {"matrix": "matrices", "study": "studies", "box": "boxes", "movie": "movies"}
WORDS = [
    *("graph", "kernel", "tide", "wren", "glacier", "lemma", "zither", "robot", "poem", "moth"),
    *PLURALS,
]
ACCENTS = str.maketrans("eo", "éö")
GAPS = [" ", " ", "-", "–", " / ", ", "]
GIVEN, SURNAMES = ["Alice", "Anna", "Bo", "Chen"], ["Rossi", "Núñez", "Lund", "Abe"]
CATEGORIES = ["cs.CL", "cs.LG", "stat.ML", "hep-th", "physics.optics", "q-bio.NC"]
PAPERS, PROFILES = 300, 40

Words = tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What a paper is made of, before anybody spells it."""

    title: Words
    abstract: Words
    authors: tuple[tuple[str, str], ...]  # given name or initial, surname
    categories: Words


def spelled(random: Random, words: Words) -> str:
    """Words with random cases, plurals and accents, side by side in one way or another."""
    text = ""
    for word in words:
        changed = random.choice([word, PLURALS.get(word, f"{word}s")])
        changed = random.choice([changed, changed.upper(), changed.translate(ACCENTS)])
        text += changed + random.choice(GAPS)
    return text


def named(random: Random, given: str, surname: str) -> str:
    dot = "." if len(given) == 1 else ""
    return random.choice([f"{given}{dot} {surname}", f"{surname}, {given}{dot}"])


def person(random: Random) -> tuple[str, str]:
    given = random.choice(GIVEN)
    return random.choice([given, given[0]]), random.choice(SURNAMES)


def some(random: Random, least: int, most: int) -> Words:
    return tuple(random.choices(WORDS, k=random.randint(least, most)))


def facts(random: Random) -> Facts:
    authors = tuple(person(random) for _ in range(random.randint(0, 2)))
    categories = tuple(random.sample(CATEGORIES, random.randint(0, 2)))
    return Facts(some(random, 1, 5), some(random, 0, 12), authors, categories)


def printed(random: Random, number: int, made: Facts) -> Paper:
    return Paper(
        id=number,
        title=spelled(random, made.title),
        abstract=spelled(random, made.abstract),
        authors=tuple(named(random, *name) for name in made.authors),
        categories=made.categories,
        upvotes=random.choice([None, 0, 900]),
    )


def never(random: Random) -> tuple[str, tuple[str, Words]]:
    """A negative as it is typed, and what it means."""
    kind = random.choice(["words", "words", "author", "category"])
    if kind == "words":
        words = some(random, 1, 2)
        return spelled(random, words), (kind, words)
    if kind == "author":
        name = person(random)
        return named(random, *name), (kind, name)
    category = random.choice(CATEGORIES)
    archive = category.partition(".")[0]
    typed = random.choice([category, category.upper(), archive, f"{archive}.*"])
    return typed, (kind, (category if typed.lower() == category.lower() else archive,))


def matches(meant: tuple[str, Words], made: Facts) -> bool:
    """Told from what both are made of: the scorer's reading has no part in it."""
    kind, what = meant
    if kind == "words":
        fields, size = (made.title, made.abstract), len(what)
        return any(f[n : n + size] == what for f in fields for n in range(len(f)))
    if kind == "category":
        return any(c == what[0] or c.startswith(f"{what[0]}.") for c in made.categories)
    given, surname = what
    return any(
        s == surname and (g == given or (g[0] == given[0] and 1 in (len(g), len(given))))
        for g, s in made.authors
    )


def admirer(random: Random, number: int, loved: Paper) -> tuple[Profile, list[tuple[str, Words]]]:
    """A profile that wants everything about a paper, and what it never wants."""
    nevers = [never(random) for _ in range(random.randint(1, 3))]
    terms = tuple(loved.title.split())
    profile = Profile(
        id=number,
        terms=terms,
        phrases=(loved.title,),
        authors=loved.authors,
        categories=loved.categories,
        description=loved.abstract,
        negatives=tuple(typed for typed, _ in nevers),
        examples=(Example(title=loved.title, abstract=loved.abstract),) * random.randint(0, 3),
        weights=dict.fromkeys((*terms, *loved.authors, *(typed for typed, _ in nevers)), 10),
    )
    return profile, [meant for _, meant in nevers]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_matches_a_never_comes_and_nothing_else_is_barred(seed: int) -> None:
    random = Random(seed)
    made = [facts(random) for _ in range(PAPERS)]
    papers = [printed(random, number, one) for number, one in enumerate(made)]
    model = fit(papers[: (0, 5, 100, PAPERS)[seed]])
    pairs = [admirer(random, n, random.choice(papers)) for n in range(PROFILES)]
    profiles = [profile for profile, _ in pairs]
    barred = np.array([[any(matches(m, one) for m in own) for _, own in pairs] for one in made])
    assert barred.sum() >= 2500  # of each seed: 10,000 cases in all
    assert (~barred).sum() >= 2500

    scores = score(model, papers, profiles)
    assert scores.values[barred].max() < 1e-40
    assert scores.values[~barred].min() > 1e-9
    assert {tuple(pair) for pair in np.argwhere(~barred).tolist()} == set(scores.above(0.0))
    for paper, profile in random.sample(np.argwhere(barred).tolist(), 20):
        told = scores.score(paper, profile)
        assert told.value < 1e-40
        assert told.reasons[0].kind == "negative"

    ground, columns = background(model), Columns()
    floor = [Curve.of(profile).evidence(0.0) for profile in profiles]
    rows = Rows.pack(
        [
            replace(compiled(ground, profile, n, columns), threshold=floor[n])
            for n, profile in enumerate(profiles)
        ],
        ground.width,
    )
    edition = read_papers(ground, papers).answering(columns.keys()).edition
    hits = best(rows, edition, PAPERS)
    assert len(hits.row) == (~barred).sum()
    assert not barred[hits.entry, hits.row].any()
