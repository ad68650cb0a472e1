"""What holds for any papers, profiles and models: sums of reasons, their words, order, odd inputs."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from tasks.records import Example, Paper, Profile, Score
from tasks.score import Model, Scores, background, fit, score
from tasks.score.words import stems

THEMES = {
    "sea": "tide wave current salt estuary plankton buoy swell",
    "bird": "wren lark song dialect forest microphone syllable nest",
    "glass": "glass polymer viscosity cooling relaxation amorphous melt pane",
    "law": "statute court ruling clause verdict appeal precedent jury",
}
PLAIN = "we propose a method and show that the results of the system on data are good"
NAMES = ["Ada Lund", "A. Lund", "Bo de Vries", "Núñez, José", "Chen Abe"]
CATEGORIES = ["cs.CL", "cs.LG", "hep-th", "physics.optics"]
LABELS = {"baseline", "other words", "other reasons"}


def text(random: Random, theme: str, size: int) -> str:
    return " ".join(random.choices(f"{THEMES[theme]} {PLAIN}".split(), k=size))


def papers_of(random: Random, count: int) -> list[Paper]:
    return [
        Paper(
            id=n,
            title=text(random, theme, random.randint(0, 6)).title(),
            abstract=text(random, theme, random.randint(0, 50)),
            authors=tuple(random.sample(NAMES, random.randint(0, 2))),
            categories=tuple(random.sample(CATEGORIES, random.randint(0, 2))),
            upvotes=random.choice([None, 3, 80]),
        )
        for n, theme in enumerate(random.choices(list(THEMES), k=count))
    ]


def examples_of(papers: Sequence[Paper]) -> tuple[Example, ...]:
    return tuple(Example(title=paper.title, abstract=paper.abstract) for paper in papers)


def profiles_of(random: Random, papers: Sequence[Paper], count: int) -> list[Profile]:
    """Of all kinds: any part may be there or not."""

    def maybe(words: Sequence[str]) -> tuple[str, ...]:
        return tuple(random.choices(words, k=random.choice([0, 0, 1, 3])))

    def some() -> tuple[Example, ...]:
        return examples_of(random.choices(papers, k=random.choice([0, 0, 1, 8]) if papers else 0))

    made = []
    for n in range(count):
        words = [text(random, random.choice(list(THEMES)), random.randint(1, 3)) for _ in range(9)]
        made.append(
            Profile(
                id=n,
                terms=maybe(words),
                phrases=maybe(words),
                authors=maybe(NAMES),
                categories=maybe([*CATEGORIES, "cs", "cs.*"]),
                description=random.choice(["", text(random, "glass", 12)]),
                negatives=maybe([*words[:1], "hep-th", "Ada Lund"])[:1],
                less=maybe([*words, *CATEGORIES]),
                examples=some(),
                dislikes=some(),
                weights={words[0]: random.choice([0, 0.5, 10, math.nan]), words[1]: 3},
            )
        )
    return made


def words_of(profile: Profile, paper: Paper) -> set[str]:
    """All words that a reason may use: of the paper and of what the reader typed."""
    typed = (*profile.terms, *profile.phrases, *profile.authors, *profile.categories)
    wishes = (*typed, *profile.negatives, *profile.less, profile.description)
    return {word for said in (paper.title, paper.abstract, *wishes) for word in stems(said)}


def check(told: Score, scores: Scores, place: tuple[int, int], allowed: set[str]) -> None:
    assert abs(math.fsum(reason.value for reason in told.reasons) - told.raw) < 1e-6
    assert abs(told.raw - scores.raw[place]) < 1e-5
    assert abs(told.value - scores.values[place]) < 1e-5
    for reason in told.reasons:
        if reason.label not in LABELS and not reason.label.startswith("like “"):
            label = reason.label.removesuffix(" (in part)")
            label = "" if reason.kind == "votes" else label
            whole = label.rpartition(" ")[0] if label.endswith("…") else label
            assert set(stems(whole)) <= allowed, reason


@pytest.mark.parametrize("known", [0, 1, 5, 39, 40, 200])
def test_reasons_add_up_for_every_pair_and_name_only_words_that_are_there(known: int) -> None:
    random = Random(known)
    papers = papers_of(random, 200)
    model, today = fit(papers[:known]), papers[150:190]
    profiles = profiles_of(random, papers, 40)
    scores = score(model, today, profiles)
    titles = {f"like “{paper.title or paper.abstract}"[:60] for paper in papers}
    for i, paper in enumerate(today):
        for j, profile in enumerate(profiles):
            told = scores.score(i, j)
            check(told, scores, (i, j), words_of(profile, paper))
            named = {r.label.removesuffix("”")[:60] for r in told.reasons if "“" in r.label}
            assert named <= titles


@pytest.mark.parametrize("known", [0, 5, 200])
def test_neither_order_nor_company_changes_a_score(known: int) -> None:
    random = Random(known)
    papers = papers_of(random, 200)
    model, today = fit(papers[:known]), papers[150:190]
    profiles = profiles_of(random, papers, 30)
    together = score(model, today, profiles).raw
    rows = random.sample(range(len(today)), len(today))
    columns = random.sample(range(len(profiles)), len(profiles))
    turned = score(model, [today[i] for i in rows], [profiles[j] for j in columns]).raw
    assert abs(turned - together[np.ix_(rows, columns)]).max() < 1e-9
    alone = [[score(model, [p], [q]).raw[0, 0] for q in profiles[:6]] for p in today[:6]]
    assert abs(np.array(alone) - together[:6, :6]).max() < 1e-9


def test_a_profile_s_score_does_not_change_when_another_s_becomes_enormous() -> None:
    random = Random(1)
    papers = papers_of(random, 100)
    model, profiles = fit(papers), profiles_of(random, papers, 10)
    vast = Profile(id=99, negatives=("tide", "wren"), less=("glass",) * 50, weights={"glass": 10})
    one, two = score(model, papers, profiles), score(model, papers, [vast, *profiles])
    assert (one.raw == two.raw[:, 1:]).all()


NOTHING_SAID = {
    "nothing": Profile(id=1),
    "blanks": Profile(id=1, terms=("",), less=("", " "), categories=("",)),
    "empty": Profile(id=1, examples=(Example(title=""),), dislikes=(Example(title="…"),)),
}


@pytest.mark.parametrize("profile", NOTHING_SAID.values(), ids=NOTHING_SAID)
def test_a_profile_that_says_nothing_scores_everything_low_and_the_same(profile: Profile) -> None:
    papers = [replace(paper, upvotes=None) for paper in papers_of(Random(2), 60)]
    scores = score(fit(papers), papers, [profile])
    assert np.ptp(scores.raw) == 0
    assert scores.values.max() < 0.01


def test_a_day_without_papers_and_a_call_without_profiles_give_nothing() -> None:
    random = Random(3)
    papers = papers_of(random, 30)
    profiles = profiles_of(random, papers, 4)
    for model in (fit([]), fit(papers)):
        assert score(model, [], profiles).values.shape == (0, 4)
        assert score(model, papers, []).values.shape == (30, 0)
        assert score(model, [], []).values.shape == (0, 0)
        assert score(model, papers[:1], profiles).values.shape == (1, 4)


def test_ten_thousand_terms_are_no_trouble() -> None:
    random = Random(4)
    papers = papers_of(random, 300)
    words = [f"{random.choice(THEMES['sea'].split())} x{n}" for n in range(10_000)]
    profile = Profile(id=1, terms=words, negatives=[f"y{n}" for n in range(10_000)])
    model = fit(papers)
    start = time.process_time()
    scores = score(model, [*papers[:9], Paper(id=0, title=words[77])], [profile])
    told = scores.score(9, 0)
    assert time.process_time() - start < 10
    assert scores.values[9, 0] > 50 * scores.values.min()
    assert words[77] in {reason.label for reason in told.reasons}


ODD = [
    Paper(id=0, title="基于图神经网络的推荐", abstract="我们提出一种方法。"),
    Paper(id=1, title="グラフニューラルネットワーク", abstract="図の学習について"),
    Paper(id=2, title="التعلم العميق للرسوم البيانية", abstract="نقترح طريقة جديدة"),
    Paper(id=3, title="", abstract=""),
    Paper(id=4, title="lark " * 50_000, abstract="x" * 300_000, authors=("",) * 500),
    Paper(id=5, title="nul\0in \ud800lone\udfff", abstract="\0\n\x1c\u2028\ufeff\u202e"),
    Paper(id=6, title="a" * 50, abstract="ﷺ" * 30_000, authors=("\ud800", "李 明", "Dr. \0")),
    Paper(id=7, title="1 + 1 = 2", abstract="$\\alpha$ <b>& 😀", categories=("", ".", "..", "*")),
    Paper(id=8, title="votes", upvotes=10**30, categories=("cs.CL",) * 1000),
]
ODD_PROFILES = [
    Profile(id=0, terms=("图神经", "ネットワーク", "العميق"), description="图 " * 30_000),
    Profile(
        id=1, terms=("lark " * 5000, "\0", "\ud800"), phrases=("😀",), negatives=("…", "*", ".")
    ),
    Profile(id=2, authors=("李 明", "\ud800", ",", "\0"), categories=("", ".*", ".", "*", "cs.*")),
    Profile(id=3, terms=("votes",), weights={"votes": math.nan, "": math.inf, "\0": -math.inf}),
    Profile(id=4, examples=examples_of(ODD) * 20, dislikes=examples_of(ODD) * 30),
    Profile(id=5, description="\0\ud800", less=("\ud800", "…", "a" * 50), weights={"…": 1e308}),
]


@pytest.mark.parametrize("store", [[], ODD, ODD * 9], ids=["empty", "odd", "many"])
def test_odd_texts_give_finite_scores_and_sound_reasons(store: list[Paper]) -> None:
    model = Model.from_bytes(fit(store).to_bytes())
    scores = score(model, ODD, ODD_PROFILES)
    assert np.isfinite(scores.raw).all()
    for i, j in np.ndindex(scores.raw.shape):
        check(scores.score(i, j), scores, (i, j), words_of(ODD_PROFILES[j], ODD[i]))
    assert scores.values[:, 0].argmax() in (0, 1, 2)
    for i in range(3):
        assert scores.values[i, 0] > 5 * scores.values[7, 0]


def test_five_thousand_examples_are_as_quick_as_the_newest_of_them() -> None:
    random = Random(5)
    papers = papers_of(random, 400)
    many = examples_of(random.choices(papers, k=5000))
    model = fit(papers)
    start = time.process_time()
    scores = score(model, papers[:20], [Profile(id=1, examples=many, terms=("tide",))])
    assert np.isfinite(scores.raw).all()
    assert time.process_time() - start < 10


@pytest.mark.parametrize("count", [1, 4, 40, 300])
def test_a_store_of_one_paper_many_times_says_little_and_breaks_nothing(count: int) -> None:
    same = Paper(id=1, title="Tides of the estuary", abstract="A tide is a wave, and plankton.")
    model = fit([same] * count)
    assert not background(model).places.any()
    profiles = [
        Profile(id=1, terms=("tide",), description="estuary plankton"),
        Profile(id=2, examples=examples_of([same]) * 30),
        Profile(id=3, examples=examples_of([same]), dislikes=examples_of([same])),
        Profile(id=4, terms=("wren",)),
    ]
    scores = score(model, [same, Paper(id=2, title="Wren", abstract="A song.")], profiles)
    assert np.isfinite(scores.raw).all()
    assert scores.values[0, 0] > scores.values[1, 0]
    assert scores.values[1, 3] > 10 * scores.values[0, 3]


@pytest.mark.parametrize("size", [2, 5, 12, 39, 40])
def test_a_term_that_every_paper_has_still_ranks_the_papers_that_have_it(size: int) -> None:
    papers = papers_of(Random(6), size)
    papers = [replace(paper, title=f"Tides: {paper.title}", upvotes=None) for paper in papers]
    without = Paper(id=0, title="Nothing of it", abstract="a court ruling")
    values = score(fit(papers), [*papers, without], [Profile(id=1, terms=("tide",))]).values[:, 0]
    assert values[:-1].min() > 3 * values[-1]


def test_the_order_of_papers_does_not_change_a_model() -> None:
    random = Random(7)
    for count in (0, 1, 39, 40, 200):
        papers = papers_of(random, count)
        model = fit(papers)
        assert fit(random.sample(papers, count)).version == model.version
        assert Model.from_bytes(model.to_bytes()).version == model.version


def test_a_stored_model_gives_the_same_scores_to_the_last_bit() -> None:
    random = Random(8)
    papers = papers_of(random, 200)
    profiles, model = profiles_of(random, papers, 20), fit(papers)
    again = Model.from_bytes(model.to_bytes())
    one, two = score(model, papers, profiles), score(again, papers, profiles)
    assert (one.raw == two.raw).all()


def test_a_background_learns_nothing_from_those_who_use_it() -> None:
    papers = papers_of(Random(9), 50)
    model = fit(papers)
    ground, profile = background(model), Profile(id=1, terms=("quokka", "tide"))
    before = score(model, papers, [profile]).raw
    vast = Profile(
        id=2, terms=("quokka wombat",), description="emu " * 9, examples=(Example(title="kea"),)
    )
    score(model, papers, [vast]).score(0, 0)
    assert background(model, None) is ground
    assert ground.lexicon.words == list(model.words)
    assert (score(model, papers, [profile]).raw == before).all()
