"""Scores: what counts how much, that reasons add up, and that nothing odd breaks them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.records import Example, Paper, Profile, Score
from tasks.score import Model, fit, score

TOPICS = {
    "tides": "tidal turbine strait current marine energy harvest blade seabed",
    "birds": "wren lark song dialect syllable nest forest microphone recording",
    "glass": "glass transition polymer viscosity cooling rate relaxation amorphous",
    "maps": "old map georeferencing coastline archive scan cartography projection",
    "chess": "chess endgame tablebase engine opening search pruning evaluation",
}
VERBS = ["measuring", "modelling", "understanding", "predicting", "a study of", "towards"]


def _paper(number: int, topic: str) -> Paper:
    rng = np.random.default_rng(number)
    words = TOPICS[topic].split()
    title = f"{VERBS[number % len(VERBS)]} {' '.join(rng.choice(words, 3, replace=False))}"
    pad = "we propose a method and the results show that data of the system are good"
    body = " ".join([*rng.choice(words, 12), *rng.permutation(pad.split())])
    return Paper(
        id=number,
        title=title.capitalize(),
        abstract=body,
        authors=("Ada Lund", f"{topic.title()} Writer"),
        categories=("phys.geo",) if topic == "tides" else ("cs.IR", "cs.CL"),
    )


STORE = [_paper(n, topic) for n in range(60) for topic in TOPICS]
MODEL = fit(STORE)
ABSENT = "we look at other things entirely and say so at some length"


def one(profile: Profile, paper: Paper, model: Model = MODEL) -> Score:
    return score(model, [paper], [profile]).score(0, 0)


def profile(**wishes: Any) -> Profile:
    return Profile(id="p", **wishes)


def paper(title: str, abstract: str = ABSENT, **fields: Any) -> Paper:
    return Paper(id=0, title=title, abstract=abstract, **fields)


def by_kind(result: Score, kind: str) -> dict[str, float]:
    return {reason.label: reason.value for reason in result.reasons if reason.kind == kind}


# --- what counts -----------------------------------------------------------------------------------
@pytest.mark.parametrize("papers", [0, 1, 5, 20, len(STORE)])
def test_a_typed_term_in_a_title_is_a_pick_and_an_unrelated_paper_is_not(papers: int) -> None:
    model = fit(STORE[:papers])
    wish = profile(terms=("tidal turbines",), description="Energy from tidal currents.")
    assert one(wish, paper("Tidal turbine arrays"), model).value > 0.6
    assert one(wish, paper("A survey of bird song", TOPICS["birds"]), model).value < 0.2
    assert one(wish, paper("A method", "we propose a method of results"), model).value < 0.2


def test_even_the_commonest_word_is_a_pick_when_it_was_typed() -> None:
    assert MODEL.word_df.max() == len(STORE)
    result = one(profile(terms=("result",)), paper("Results", TOPICS["maps"]))
    assert result.value > 0.5


def test_a_term_counts_more_in_a_title_than_in_an_abstract_and_less_in_part() -> None:
    wish = profile(terms=("moss garden",))
    values = [
        one(wish, paper("On the moss garden")).value,
        one(wish, paper("On it", f"{ABSENT} moss garden")).value,
        one(wish, paper("On it", f"{ABSENT} moss, and elsewhere a garden")).value,
        one(wish, paper("On it")).value,
    ]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4


def test_terms_match_whole_words_whatever_their_case_plural_and_hyphens() -> None:
    wish = profile(terms=("Graph-Kernels",))
    same = [one(wish, paper(t)).raw for t in ("graph kernel", "Graph kernels", "GRAPH–KERNEL")]
    assert same[0] == pytest.approx(same[1]) == pytest.approx(same[2])
    assert not by_kind(one(wish, paper("Graphical kernelling")), "term")


def test_a_term_met_only_in_part_says_so() -> None:
    assert "moss garden (in part)" in by_kind(
        one(profile(terms=("moss garden",)), paper("Moss")), "term"
    )


def test_a_phrase_wants_its_words_side_by_side_in_one_field() -> None:
    wish = profile(phrases=("moss of the north",))
    assert by_kind(one(wish, paper("The mosses of the North")), "phrase").keys() == {
        "moss of the north"
    }
    assert one(wish, paper("The mosses of the North")).value > 0.6
    assert not by_kind(one(wish, paper("North of the moss")), "phrase")
    assert not by_kind(one(wish, paper("About moss", "of the north")), "phrase")


def test_a_followed_author_is_a_pick_under_any_spelling() -> None:
    for typed in ("Alice Rossi", "Rossi, Alice", "A. Rossi", "alice rossi"):
        result = one(
            profile(authors=(typed,)), paper("Untitled", authors=("B. Alt", "Alice Rossi"))
        )
        assert result.value > 0.5
        assert by_kind(result, "author").keys() == {typed}
    assert (
        one(profile(authors=("Anna Rossi",)), paper("Untitled", authors=("Alice Rossi",))).value
        < 0.2
    )


def test_a_category_tips_the_scale_and_alone_it_is_the_wish() -> None:
    filed = paper("Untitled", categories=("cs.CL", "cs.LG"))
    assert one(profile(categories=("cs",)), filed).value > 0.5
    assert one(profile(categories=("stat.*",)), filed).value < 0.2
    beside = profile(categories=("cs.CL",), terms=("moss garden",))
    assert 0.05 < one(beside, filed).value < 0.5
    assert one(beside, paper("Moss", categories=("cs.CL",))).raw > one(beside, paper("Moss")).raw


def test_a_description_finds_its_subject() -> None:
    wish = profile(
        description="How viscosity changes when polymers are cooled through the glass transition"
    )
    values = {t: np.mean([one(wish, _paper(n, t)).value for n in range(900, 905)]) for t in TOPICS}
    assert values.pop("glass") > 0.4
    assert max(values.values()) < 0.2


@pytest.mark.parametrize("count", [1, 3, 30, 1000])
def test_examples_find_their_subject_and_name_the_nearest(count: int) -> None:
    given_papers = [_paper(1000 + n, "birds") for n in range(count)]
    examples = tuple(Example(title=p.title, abstract=p.abstract) for p in given_papers)
    wish = profile(examples=examples)
    papers = [_paper(900, topic) for topic in TOPICS]
    scores = score(MODEL, papers, [wish])
    assert TOPICS[list(TOPICS)[int(scores.values[:, 0].argmax())]] == TOPICS["birds"]
    best = scores.score(list(TOPICS).index("birds"), 0)
    assert best.value > 0.25
    assert np.delete(scores.values[:, 0], list(TOPICS).index("birds")).max() < 0.1
    assert any(label.startswith("like “") for label in by_kind(best, "example"))


def test_typed_words_still_count_beside_many_examples() -> None:
    examples = tuple(Example(title=p.title, abstract=p.abstract) for p in STORE[:200])
    wish = profile(terms=("zither",), examples=examples)
    assert (
        one(wish, paper("The zither")).raw > one(replace(wish, terms=()), paper("The zither")).raw
    )


@pytest.mark.parametrize(
    ("negative", "field"),
    [
        ("survey", {"title": "A survey of the zither"}),
        ("bird song", {"abstract": "of zithers and bird songs"}),
        ("cs.RO", {"categories": ("cs.AI", "cs.RO")}),
        ("eess.*", {"categories": ("eess.AS",)}),
        ("Alice Rossi", {"authors": ("A. Rossi",)}),
    ],
)
def test_a_negative_beats_everything_else(negative: str, field: dict[str, Any]) -> None:
    wish = profile(terms=("zither", "zither music"), phrases=("zither",), authors=("Z. Player",))
    loved = Paper(id=1, title="Zither music", abstract="zither " * 9, authors=("Z. Player",))
    struck = replace(loved, **field)
    assert one(wish, struck).value > 0.8
    result = one(replace(wish, negatives=(negative,)), struck)
    assert result.value < 0.05
    assert by_kind(result, "negative") == {negative: -10.0}


def test_two_negatives_share_what_one_costs() -> None:
    wish = profile(negatives=("survey", "review", "survey"))
    result = one(wish, paper("A survey and review"))
    assert by_kind(result, "negative") == {"survey": -5.0, "review": -5.0}


def test_a_dislike_pulls_down_what_is_like_it_and_nothing_else() -> None:
    bird = _paper(901, "birds")
    liked = profile(terms=("lark", "wren"))
    disliked = replace(liked, dislikes=(Example(title=bird.title, abstract=bird.abstract),))
    assert one(disliked, bird).value < one(liked, bird).value / 2
    assert by_kind(one(disliked, bird), "dislike").keys() == {f"like “{bird.title}”"}
    chess = paper("Chess endgames", TOPICS["chess"])
    assert one(disliked, chess).raw == one(liked, chess).raw


def test_a_weight_scales_one_wish_and_zero_switches_it_off() -> None:
    titled = paper("Moss")
    raws = [
        one(profile(terms=("Moss",), weights={"moss ": weight}), titled).raw
        for weight in (-3, 0, 0.5, 1, 2, 1e300)
    ]
    assert raws[0] == raws[1] == one(profile(), titled).raw
    assert raws == sorted(raws)
    assert one(profile(terms=("Moss",), weights={"Moss": math.nan}), titled).raw == raws[3]
    off = profile(terms=("Moss",), negatives=("moss",), weights={"moss": 0})
    assert one(off, titled).raw == raws[0]


# --- reasons ---------------------------------------------------------------------------------------
def test_reasons_are_the_words_that_the_reader_typed() -> None:
    wish = profile(terms=("Tidal Turbine",), description="marine energy", authors=("Lund, Ada",))
    result = one(wish, paper("Tidal turbines", "marine energy", authors=("Ada Lund",)))
    found = {(reason.kind, reason.label) for reason in result.reasons}
    assert {
        ("baseline", "baseline"),
        ("term", "Tidal Turbine"),
        ("description", "marine energy"),
        ("author", "Lund, Ada"),
    } <= found
    assert result.entry_id == 0
    assert result.profile_id == "p"


def test_many_reasons_become_few_and_still_add_up() -> None:
    words = " ".join(TOPICS.values()).split()
    wish = profile(terms=tuple(words), description=" ".join(words))
    result = one(wish, paper(" ".join(words)))
    assert len(result.reasons) == 12
    assert "other reasons" in {reason.label for reason in result.reasons}
    assert math.fsum(reason.value for reason in result.reasons) == pytest.approx(
        result.raw, abs=1e-9
    )


def test_a_long_or_missing_title_of_an_example_is_still_a_label() -> None:
    wish = profile(examples=(Example(title="", abstract="lark song " * 50),))
    labels = by_kind(one(wish, paper("Lark song of the north", "wren wren lark")), "example")
    assert any(label.startswith("like “lark song") and len(label) < 100 for label in labels)


# --- what always holds -----------------------------------------------------------------------------
WORDS = st.sampled_from(
    [
        "tidal",
        "turbine",
        "song",
        "lark",
        "glass",
        "map",
        "the",
        "of",
        "zither",
        "图",
        "c++",
        "Ünit",
        "42",
    ]
)
TEXT = st.lists(WORDS, max_size=8).map(" ".join)
NAME = st.sampled_from(["Ada Lund", "A. Lund", "Lund", "", "李 明", "B. de Vries", "Vries, Bo de"])
CATEGORY = st.sampled_from(["cs.CL", "cs", "cs.*", "phys.geo", "hep-th", ""])
EXAMPLES = st.lists(st.builds(Example, title=TEXT, abstract=TEXT), max_size=3).map(tuple)
PAPER = st.builds(
    Paper,
    id=st.integers(0, 99),
    title=TEXT,
    abstract=TEXT,
    authors=st.lists(NAME, max_size=2).map(tuple),
    categories=st.lists(CATEGORY, max_size=2).map(tuple),
)
PROFILE = st.builds(
    Profile,
    id=st.integers(0, 99),
    terms=st.lists(TEXT, max_size=3).map(tuple),
    phrases=st.lists(TEXT, max_size=2).map(tuple),
    authors=st.lists(NAME, max_size=2).map(tuple),
    categories=st.lists(CATEGORY, max_size=2).map(tuple),
    description=TEXT,
    negatives=st.lists(TEXT | CATEGORY | NAME, max_size=2).map(tuple),
    examples=EXAMPLES,
    dislikes=EXAMPLES,
    weights=st.dictionaries(TEXT | NAME, st.floats(), max_size=3),
)
PAPERS = st.lists(PAPER, max_size=4)
PROFILES = st.lists(PROFILE, max_size=4)
often = settings(max_examples=60, deadline=None)


@often
@given(PAPERS, PROFILES, st.sampled_from([MODEL, fit([])]))
def test_reasons_add_up_and_values_stay_between_0_and_1(
    papers: list[Paper], profiles: list[Profile], model: Model
) -> None:
    scores = score(model, papers, profiles)
    assert scores.values.shape == scores.raw.shape == (len(papers), len(profiles))
    assert ((scores.values > 0) & (scores.values < 1)).all()
    for i in range(len(papers)):
        for j in range(len(profiles)):
            result = scores.score(i, j)
            assert abs(math.fsum(reason.value for reason in result.reasons) - result.raw) < 1e-9
            assert result.value == 1 / (1 + math.exp(-result.raw))
            assert result.value == pytest.approx(scores.values[i, j], rel=1e-12)
            sizes = [abs(reason.value) for reason in result.reasons]
            assert sizes == sorted(sizes, reverse=True)
            assert 1 <= len(sizes) <= 12


@often
@given(PAPERS, PROFILES, st.randoms(use_true_random=False))
def test_company_and_order_do_not_matter(
    papers: list[Paper], profiles: list[Profile], random: Any
) -> None:
    together = score(MODEL, papers, profiles).raw
    rows = random.sample(range(len(papers)), len(papers) // 2 + len(papers) % 2)
    columns = random.sample(range(len(profiles)), len(profiles))
    apart = score(MODEL, [papers[i] for i in rows], [profiles[j] for j in columns]).raw
    assert apart == pytest.approx(together[np.ix_(rows, columns)], abs=1e-9)


@often
@given(PAPER, PROFILE, TEXT | CATEGORY | NAME)
def test_another_negative_never_raises_a_score(paper: Paper, wish: Profile, negative: str) -> None:
    more = replace(wish, negatives=(*wish.negatives, negative))
    assert one(more, paper).raw <= one(wish, paper).raw + 1e-9


@often
@given(PAPER, PROFILE, TEXT)
def test_another_term_never_lowers_a_score(paper: Paper, wish: Profile, term: str) -> None:
    # A profile of categories alone is the exception: with a first term they only tip the scale.
    wish = replace(wish, categories=())
    more = replace(wish, terms=(*wish.terms, term))
    assert one(more, paper).raw >= one(wish, paper).raw - 1e-9


def test_an_empty_profile_scores_everything_the_same_and_low() -> None:
    scores = score(MODEL, STORE[:50], [profile()])
    assert np.ptp(scores.raw) == 0
    assert scores.values.max() < 0.1
    assert [reason.kind for reason in scores.score(3, 0).reasons] == ["baseline"]


def test_above_names_every_pair_that_reaches_the_threshold() -> None:
    wishes = [profile(terms=("lark",)), profile(terms=("chess endgame",))]
    scores = score(MODEL, STORE[:40], wishes)
    expected = [(i, j) for i in range(40) for j in range(2) if scores.values[i, j] >= 0.5]
    assert list(scores.above(0.5)) == expected
    assert expected


@pytest.mark.parametrize("papers", [[], STORE[:2]])
@pytest.mark.parametrize("profiles", [[], [profile(terms=("lark",))]])
def test_nothing_scores_nothing(papers: list[Paper], profiles: list[Profile]) -> None:
    scores = score(MODEL, papers, profiles)
    assert scores.values.shape == (len(papers), len(profiles))
    assert all(isinstance(pair, tuple) for pair in scores.above(0.0))


def test_chinese_titles_missing_abstracts_and_huge_texts_score() -> None:
    wish = profile(terms=("图神经", "lark " * 5000), description="图 " * 30_000, negatives=("…",))
    papers = [
        paper("基于图神经网络的推荐", ""),
        paper("", ""),
        paper("lark " * 50_000, "x" * 300_000),
    ]
    values = score(MODEL, papers, [wish]).values[:, 0]
    assert values[0] > 0.5
    assert np.isfinite(values).all()


def test_two_readers_who_typed_the_same_see_their_own_spelling() -> None:
    wishes = [profile(terms=("LARKS",)), profile(terms=("lark",))]
    scores = score(MODEL, [paper("A lark")], wishes)
    assert scores.raw[0, 0] == scores.raw[0, 1]
    assert [by_kind(scores.score(0, j), "term").keys() for j in range(2)] == [{"LARKS"}, {"lark"}]
