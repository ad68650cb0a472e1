"""Other services' recipes: each finds the subject, and its arithmetic is the one that it names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import UsageError
from tasks.evaluate import Uses
from tasks.evaluate.catalogue import NAMES, QUICK, chosen, rivals
from tasks.evaluate.judged import Asked, example
from tasks.evaluate.vectors import Encoded, Lsa, Tfidf, right_vectors, unit
from tasks.records import Example, Paper, Profile

SUBJECTS = [f"{a} {b}" for a in ("tidal", "solar", "stellar", "neural") for b in
            ("turbine", "memory", "plasma", "grammar", "hashing")]  # fmt: skip


def paper(number: int) -> Paper:
    subject = SUBJECTS[number % len(SUBJECTS)]
    words = f"We study {subject} number{number % 7} and its {subject} limits again."
    return Paper(id=number, title=f"On {subject}", abstract=words, authors=(f"Ada {subject}",))


def liked(one: Paper) -> Example:
    return example(date(2026, 11, 20), one)


PAST = [paper(n) for n in range(160)]
TODAY = [paper(n) for n in range(160, 180)]  # one of each subject
READERS = [
    Profile(
        id=place,
        terms=(SUBJECTS[place],),
        description=f"Everything on {SUBJECTS[place]}.",
        examples=tuple(liked(PAST[place + 20 * n]) for n in range(4)),
    )
    for place in (3, 11)
]


@pytest.mark.parametrize("name", NAMES)
def test_each_recipe_puts_the_readers_subject_first(name: str) -> None:
    ranker = rivals([name])[0][name]
    ranker.fit(PAST)
    scores = ranker.rank(TODAY, READERS)
    assert scores.shape == (len(TODAY), len(READERS))
    assert scores.argmax(axis=0).tolist() == [3, 11]
    assert not ranker.calibrated


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_that_knows_no_words_ranks_all_alike_or_all_the_same(name: str) -> None:
    ranker = rivals([name])[0][name]
    ranker.fit(PAST)
    strange = [Paper(id=n, title="汉字") for n in range(3)]
    scores = ranker.rank(strange, READERS)
    assert np.isfinite(scores).all()
    assert np.ptp(scores, axis=0).tolist() == pytest.approx([0, 0])


@pytest.mark.parametrize("name", ["sanity-svm", "logistic", "scholar-inbox"])
def test_a_liked_paper_that_is_no_document_counts_too(name: str) -> None:
    ranker = rivals([name])[0][name]
    ranker.fit(PAST[:100])
    asked = [Profile(id=0, examples=(liked(PAST[103]), liked(PAST[123])))]
    assert ranker.rank(TODAY, asked).argmax() == 3


@pytest.mark.parametrize("name", ["sanity-svm", "logistic", "scholar-inbox"])
def test_a_like_that_is_kept_back_is_not_taken_for_unwanted(name: str) -> None:
    ranker = rivals([name])[0][name]
    ranker.fit(PAST)
    one, more = PAST[143], [PAST[n] for n in (3, 23, 43, 63, 83, 103, 123)]
    hidden = Asked(id=1, examples=(liked(one),), kept_back=tuple(liked(paper) for paper in more))
    plain = Profile(id=1, examples=(liked(one),))
    kept, taken = ranker.rank(TODAY, [hidden, plain]).T
    assert kept[3] - kept[4] > taken[3] - taken[4]


def test_what_a_recipe_uses_says_when_it_is_asked() -> None:
    made, missing = rivals(NAMES)
    assert missing == []
    assert {n for n, ranker in made.items() if ranker.uses is Uses.WORDS} == {
        "keyword-or", "tfidf-query"
    }  # fmt: skip
    assert all(ranker.name for ranker in made.values())


def test_without_scikit_learn_its_recipes_are_left_out_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tasks.evaluate.catalogue.installed", lambda: False)
    made, missing = rivals(NAMES)
    assert missing == ["scholar-inbox", "sanity-svm", "logistic"]
    assert [*made, *missing] == [*(n for n in NAMES if n in made), *missing]


def test_peers_are_chosen_by_name() -> None:
    assert chosen("all") == list(NAMES)
    assert chosen("quick") == list(QUICK)
    assert chosen("none") == []
    assert chosen("zotero, keyword-or") == ["keyword-or", "zotero"]
    with pytest.raises(UsageError, match="no peer 'google'"):
        chosen("zotero,google")


def test_a_keyword_matches_whole_words_in_their_order_whatever_their_case() -> None:
    ranker = rivals(["keyword-or"])[0]["keyword-or"]
    asked = [Profile(id=1, terms=("Sparse-Attention",), phrases=("tide",)), Profile(id=2)]
    titles = ("On sparse attention", "Attention, sparse", "Tides", "The TIDE.", "")
    papers = [Paper(id=n, title=title) for n, title in enumerate(titles)]
    assert ranker.rank(papers, asked).T.tolist() == [[1, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
    assert ranker.rank([], asked).shape == (0, 2)


def test_a_newer_like_weighs_more_in_the_weighted_mean() -> None:
    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[1, 0] if "tide" in t else [0, 1] for t in texts], dtype=np.float32)

    ranker = rivals(["zotero"], Encoded("encoder toy", encode))[0]["zotero"]
    assert ranker.name == "zotero-arxiv-daily (encoder toy)"
    ranker.fit([])
    likes = tuple(Example(title=title) for title in ("star", "star", "tide"))  # oldest first
    papers = [Paper(id=1, title="tide"), Paper(id=2, title="star")]
    weights = [1 / (1 + math.log10(rank)) for rank in (1, 2, 3)]
    expected = [10 * weights[0] / sum(weights), 10 * sum(weights[1:]) / sum(weights)]
    got = ranker.rank(papers, [Profile(id=1, examples=likes)])
    assert got[:, 0].tolist() == pytest.approx(expected)


def test_an_encoder_reads_each_text_once() -> None:
    read: list[str] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        read.extend(texts)
        return np.ones((len(texts), 2), dtype=np.float32)

    vectors = Encoded("toy", encode)
    for _ in range(2):
        assert vectors.papers(TODAY).shape == (20, 2)
    assert vectors.examples([liked(TODAY[0])] * 3).shape == (3, 2)
    assert len(read) == len(set(read)) == 20


def test_a_downvote_lowers_its_neighbours_in_scholar_inbox() -> None:
    ranker = rivals(["scholar-inbox"])[0]["scholar-inbox"]
    ranker.fit(PAST)
    plain = READERS[0]
    down = Profile(id=1, examples=plain.examples, dislikes=(liked(PAST[8]), liked(PAST[28])))
    before, after = ranker.rank(TODAY, [plain, down]).T
    assert after[8] - after[0] < before[8] - before[0]


def test_tfidf_weights_are_those_of_the_formula() -> None:
    tfidf = Tfidf()
    tfidf.fit([Paper(id=1, title="tide turbine"), Paper(id=2, title="tide memory"),
               Paper(id=3, title="turbine memory")])  # fmt: skip
    rows = tfidf.rows(["tide tide turbine", "unheard of", ""]).toarray()
    idf = 1 + math.log(4 / 3)
    weights = np.array([(1 + math.log(2)) * idf, idf])
    # No pair stands in two papers; the words stand in the order in which they were first seen.
    assert rows[0].tolist() == pytest.approx([*weights / np.linalg.norm(weights), 0.0])
    assert not rows[1:].any()


def test_papers_are_read_once_for_all_recipes_that_share_them() -> None:
    tfidf = Tfidf()
    tfidf.fit(PAST)
    first = tfidf.papers(TODAY)
    tfidf.fit(PAST)
    assert tfidf.papers(TODAY) is first
    tfidf.fit(PAST[:50])
    assert tfidf.papers(TODAY) is not first


def test_latent_rows_keep_the_likeness_of_a_small_stream() -> None:
    tfidf = Tfidf()
    lsa = Lsa(tfidf)
    lsa.fit(PAST)
    exact = tfidf.papers(TODAY)
    latent = lsa.papers(TODAY)
    assert latent @ latent.T == pytest.approx((exact @ exact.T).toarray(), abs=0.05)
    assert unit(np.zeros((1, 3))).tolist() == [[0, 0, 0]]


def test_right_vectors_are_those_of_the_exact_decomposition() -> None:
    tfidf = Tfidf()
    tfidf.fit(PAST)
    rows = tfidf.papers(PAST)
    found = right_vectors(rows, 10, rounds=6)
    _, sizes, _ = np.linalg.svd(rows.toarray(), full_matrices=False)
    assert found.T @ found == pytest.approx(np.eye(10), abs=1e-9)
    kept = np.linalg.norm((rows @ found), axis=0)
    assert kept == pytest.approx(sizes[:10], rel=0.02)
