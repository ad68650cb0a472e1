"""Scores: what counts how much, that reasons add up, and that nothing odd breaks them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.records import Example, Paper, Profile, Score
from tasks.score import Curve, Model, fit, score
from tasks.score.wishes import BARRED

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


def example(paper: Paper) -> Example:
    return Example(title=paper.title, abstract=paper.abstract)


def by_kind(result: Score, kind: str) -> dict[str, float]:
    return {reason.label: reason.value for reason in result.reasons if reason.kind == kind}


# --- what counts -----------------------------------------------------------------------------------
@pytest.mark.parametrize("papers", [0, 1, 5, 20, len(STORE)])
def test_a_typed_term_in_a_title_stands_far_above_unrelated_papers(papers: int) -> None:
    model = fit(STORE[:papers])
    for wishes in (
        {"terms": ("tidal turbines",), "description": "Energy from tidal currents."},
        {"phrases": ("tidal turbines",)},
    ):
        wish = profile(**wishes)
        hit = one(wish, paper("Tidal turbine arrays"), model)
        others = [paper("A survey of bird song", TOPICS["birds"]), paper("A method", "of results")]
        assert hit.value > 0.1
        assert hit.value > 10 * max(one(wish, other, model).value for other in others)
        assert by_kind(hit, "term") | by_kind(hit, "phrase")


def test_even_the_commonest_word_ranks_when_it_was_typed() -> None:
    assert MODEL.word_df.max() == len(STORE)
    wish = profile(terms=("result",))
    assert one(wish, paper("Results", TOPICS["maps"])).value > 10 * one(wish, paper("Maps")).value


def test_a_term_counts_more_in_a_title_than_in_an_abstract_and_less_in_part() -> None:
    wish = profile(terms=("lark dialect",))
    values = [
        one(wish, paper("On the lark dialect")).value,
        one(wish, paper("On it", f"{ABSENT} lark dialect")).value,
        one(wish, paper("On it", f"{ABSENT} lark, and elsewhere a dialect")).value,
        one(wish, paper("On it")).value,
    ]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4


def test_terms_match_whole_words_whatever_their_case_plural_and_hyphens() -> None:
    wish = profile(terms=("Graph-Kernels",))
    titles = ("graph kernel", "Graph kernels", "GRAPH–KERNEL", "𝐆raph kérnels")
    assert len({one(wish, paper(title)).raw for title in titles}) == 1
    assert by_kind(one(wish, paper(titles[0])), "term").keys() == {"Graph-Kernels"}
    assert not by_kind(one(wish, paper("Graphical kernelling")), "term")


def test_a_term_met_only_in_part_says_so() -> None:
    result = one(profile(terms=("lark forest",)), paper("Lark"))
    assert by_kind(result, "term").keys() == {"lark forest (in part)"}


def test_a_phrase_wants_its_words_side_by_side_in_one_field() -> None:
    wish = profile(phrases=("moss of the north",))
    hit = one(wish, paper("The mosses of the North"))
    assert by_kind(hit, "phrase").keys() == {"moss of the north"}
    for other in (paper("North of the moss"), paper("About moss", "of the north")):
        assert not by_kind(one(wish, other), "phrase")
        assert hit.value > 10 * one(wish, other).value


def test_a_followed_author_is_found_under_any_spelling() -> None:
    found = paper("Untitled", authors=("B. Alt", "Alice Rossi"))
    for typed in ("Alice Rossi", "Rossi, Alice", "A. Rossi", "alice rossi"):
        result = one(profile(authors=(typed,)), found)
        assert result.value > 0.4
        assert by_kind(result, "author").keys() == {typed}
    assert one(profile(authors=("Anna Rossi",)), found).value < 0.02


def test_a_category_tips_the_scale_and_alone_it_is_the_wish() -> None:
    filed = paper("Untitled", categories=("cs.CL", "cs.LG"))
    alone = one(profile(categories=("cs",)), filed)
    assert one(profile(categories=("cs.*",)), filed).raw == alone.raw
    assert one(profile(categories=("cs", "cs.*")), filed).raw == alone.raw
    assert one(profile(categories=("stat.*",)), filed).value < 0.02
    beside = one(profile(categories=("cs.CL",), terms=("moss garden",)), filed)
    other = one(profile(categories=("stat",), terms=("moss garden",)), filed)
    assert alone.value > 5 * beside.value > 5 * other.value


def test_a_description_finds_its_subject() -> None:
    wish = profile(
        description="How viscosity changes when polymers are cooled through the glass transition"
    )
    values = {t: np.mean([one(wish, _paper(n, t)).value for n in range(900, 905)]) for t in TOPICS}
    assert values.pop("glass") > 10 * max(values.values())


@pytest.mark.parametrize("count", [1, 3, 30, 1000])
def test_examples_find_their_subject_and_name_the_nearest(count: int) -> None:
    given_papers = [_paper(1000 + n, "birds") for n in range(count)]
    examples = tuple(Example(title=p.title, abstract=p.abstract) for p in given_papers)
    papers = [_paper(900, topic) for topic in TOPICS]
    scores = score(MODEL, papers, [profile(examples=examples)])
    birds = list(TOPICS).index("birds")
    best = scores.score(birds, 0)
    assert best.value > 2 * np.delete(scores.values[:, 0], birds).max()
    assert any(label.startswith("like “") for label in by_kind(best, "example"))


def test_more_examples_of_one_kind_are_surer() -> None:
    bird, examples = _paper(900, "birds"), [example(_paper(1000 + n, "birds")) for n in range(100)]
    values = [one(profile(examples=examples[:n]), bird).value for n in (1, 3, 10, 30, 100)]
    assert values == sorted(values)


def test_an_example_that_is_an_ordinary_paper_too_is_found_again() -> None:
    wish = profile(examples=(example(STORE[11]),))
    values = score(MODEL, STORE, [wish]).values[:, 0]
    assert values.argmax() == 11


def test_old_examples_count_less_than_new_ones() -> None:
    old, new = _paper(1000, "chess"), _paper(1000, "glass")
    day = date(2026, 11, 20)
    wish = profile(
        examples=(
            replace(example(old), given=day - timedelta(days=4000)),
            replace(example(new), given=day),
        )
    )
    assert one(wish, _paper(900, "glass")).raw > one(wish, _paper(900, "chess")).raw


def test_typed_words_still_count_beside_many_examples() -> None:
    wish = profile(terms=("zither",), examples=tuple(map(example, STORE[:200])))
    assert (
        one(wish, paper("The zither")).raw > one(replace(wish, terms=()), paper("The zither")).raw
    )


def test_votes_settle_what_is_nearly_even() -> None:
    wish = profile(terms=("zither",))
    few, many = paper("The zither", upvotes=1), paper("The zither", upvotes=200)
    assert one(wish, paper("The zither")).raw == one(wish, paper("The zither", upvotes=-5)).raw
    assert one(wish, few).raw < one(wish, many).raw < one(wish, few).raw + 1
    assert by_kind(one(wish, many), "votes").keys() == {"200 votes"}
    assert one(wish, paper("The kazoo", upvotes=5000)).value < 0.05


# --- what is not wanted ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("negative", "field"),
    [
        ("survey", {"title": "A survey of the zither"}),
        ("bird song", {"abstract": "of zithers and bird songs"}),
        ("cs.RO", {"categories": ("cs.AI", "cs.RO")}),
        ("eess.*", {"categories": ("eess.AS",)}),
        ("hep-th", {"categories": ("gr-qc", "cs.AI", "hep-th")}),
        ("physics", {"categories": ("physics.optics",)}),
        ("Alice Rossi", {"authors": ("A. Rossi",)}),
    ],
)
def test_a_negative_beats_everything_else(negative: str, field: dict[str, Any]) -> None:
    wish = profile(terms=("zither", "zither music"), phrases=("zither",), authors=("Z. Player",))
    wish = replace(wish, weights={"zither": 10, "Z. Player": 10})
    loved = Paper(id=1, title="Zither music", abstract="zither " * 9, authors=("Z. Player",))
    struck = replace(loved, **field)
    assert one(wish, struck).value > 0.5
    scores = score(MODEL, [struck, loved], [replace(wish, negatives=(negative,)), wish])
    assert scores.values[0, 0] < 1e-40
    assert scores.values[1, 0] == scores.values[1, 1]
    assert list(scores.above(0.0)) == [(0, 1), (1, 0), (1, 1)]
    assert by_kind(scores.score(0, 0), "negative").keys() == {negative}


def test_nothing_that_is_wanted_outweighs_one_negative() -> None:
    words = [f"w{n}" for n in range(2000)]
    wish = profile(terms=words, phrases=words, negatives=("x1",), weights=dict.fromkeys(words, 10))
    result = one(wish, paper(" ".join(words), f"{' '.join(words)} x1"))
    assert result.value < 1e-40


def test_no_threshold_lets_in_what_is_barred() -> None:
    for curve in (Curve.of(profile()), Curve.of(profile(examples=(Example(title="x"),) * 90))):
        evidence = [curve.evidence(value) for value in (-1, 0, 1e-9, 0.01, 0.5, 0.9, 1, 2)]
        assert evidence == sorted(evidence)
        assert evidence[0] == BARRED
        assert evidence[-1] == math.inf
        assert 1 / (1 + math.exp(-curve.raw(np.array(evidence[4])))) == pytest.approx(0.5)


def test_a_word_that_is_wanted_and_barred_is_barred_and_says_so() -> None:
    result = one(profile(terms=("Moss",), negatives=("mosses",)), paper("Moss"))
    assert result.value < 1e-40
    assert by_kind(result, "negative").keys() == {"mosses"}
    assert not by_kind(result, "term")


def test_less_lowers_softly_and_only_once() -> None:
    wish = profile(terms=("zither",))
    survey = paper("A survey of the zither")
    less = replace(wish, less=("survey",))
    assert one(wish, survey).value > 1.5 * one(less, survey).value > 1e-3
    assert by_kind(one(less, survey), "less").keys() == {"survey"}
    assert one(replace(wish, less=("survey", "Surveys")), survey).raw == one(less, survey).raw
    assert one(replace(less, weights={"survey": 0}), survey).raw == one(wish, survey).raw
    assert one(less, paper("The zither")).raw == one(wish, paper("The zither")).raw


def test_a_dislike_pulls_down_what_is_like_it_and_hardly_anything_else() -> None:
    bird = _paper(901, "birds")
    liked = profile(terms=("lark", "wren"), description="chess endgames")
    disliked = replace(liked, dislikes=(example(bird),))
    papers = [bird, _paper(902, "birds"), *(_paper(903, t) for t in TOPICS if t != "birds")]
    before, after = score(MODEL, papers, [liked]), score(MODEL, papers, [disliked])
    assert after.values[0, 0] < before.values[0, 0] / 2
    assert after.values[1, 0] < before.values[1, 0]
    assert abs(after.values[2:] - before.values[2:]).max() < 0.02
    assert min(by_kind(after.score(0, 0), "dislike").values()) < 0


def test_a_dislike_is_its_reader_s_own() -> None:
    others = [
        profile(terms=("lark",)),
        profile(examples=(example(_paper(1, "birds")),), negatives=("chess",)),
        profile(categories=("cs",)),
    ]
    mine = profile(terms=("wren",), negatives=("glass",))
    hater = replace(mine, dislikes=tuple(example(_paper(n, "birds")) for n in range(60)))
    before = score(MODEL, STORE[:50], [*others, mine]).raw
    after = score(MODEL, STORE[:50], [*others, hater]).raw
    assert (before[:, :-1] == after[:, :-1]).all()
    assert (before[:, -1] != after[:, -1]).any()


def test_an_example_that_is_a_dislike_too_breaks_nothing() -> None:
    same = tuple(example(_paper(n, "birds")) for n in range(5))
    scores = score(MODEL, STORE[:20], [profile(examples=same, dislikes=same)])
    assert np.isfinite(scores.raw).all()


def test_a_weight_scales_one_wish_and_zero_switches_it_off() -> None:
    lark, moss = paper("Lark"), paper("Moss")
    for wish, found in (("lark", lark), ("moss", moss)):
        raws = [
            one(profile(terms=(wish,), weights={f"{wish} ": weight}), found).raw
            for weight in (-3, 0, 0.5, 1, 2, 10, 1e300)
        ]
        assert raws[0] == raws[1] == one(profile(), found).raw
        assert raws == sorted(raws)
        assert raws[-1] == raws[-2]
        assert one(profile(terms=(wish,), weights={wish: math.nan}), found).raw == raws[3]
    for weight in (0, 10):
        barred = profile(terms=("Moss",), negatives=("moss",), weights={"moss": weight})
        assert one(barred, moss).value < 1e-40


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


def test_what_lies_near_without_a_word_in_common_is_told_by_the_paper_s_own_words() -> None:
    result = one(profile(terms=("lark",)), paper("Wren", "Dialects of the forest"))
    (label,) = by_kind(result, "topic")
    assert set(label.split(", ")) <= {"wren", "dialects", "forest", "dialects forest"}


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
    upvotes=st.none() | st.integers(-5, 10**9),
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
    less=st.lists(TEXT | CATEGORY | NAME, max_size=2).map(tuple),
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
            assert result.raw == pytest.approx(scores.raw[i, j], abs=1e-5)
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


def test_an_empty_profile_scores_everything_the_same_and_low() -> None:
    scores = score(MODEL, STORE[:50], [profile()])
    assert np.ptp(scores.raw) == 0
    assert scores.values.max() < 0.01
    assert [reason.kind for reason in scores.score(3, 0).reasons] == ["baseline"]


def test_above_names_every_pair_that_reaches_the_threshold() -> None:
    wishes = [profile(terms=("lark",)), profile(terms=("chess endgame",))]
    scores = score(MODEL, STORE[:40], wishes)
    expected = [(i, j) for i in range(40) for j in range(2) if scores.values[i, j] >= 0.1]
    assert list(scores.above(0.1)) == expected
    assert 0 < len(expected) < 80


@pytest.mark.parametrize("papers", [[], STORE[:2]])
@pytest.mark.parametrize("profiles", [[], [profile(terms=("lark",))]])
def test_nothing_scores_nothing(papers: list[Paper], profiles: list[Profile]) -> None:
    scores = score(MODEL, papers, profiles)
    assert scores.values.shape == (len(papers), len(profiles))
    assert all(isinstance(pair, tuple) for pair in scores.above(0.0))


def test_two_readers_who_typed_the_same_see_their_own_spelling() -> None:
    wishes = [profile(terms=("LARKS",)), profile(terms=("lark",))]
    scores = score(MODEL, [paper("A lark")], wishes)
    assert scores.raw[0, 0] == scores.raw[0, 1]
    assert [by_kind(scores.score(0, j), "term").keys() for j in range(2)] == [{"LARKS"}, {"lark"}]
